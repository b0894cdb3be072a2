/* policy_parse.c - the top level of a document, key by key. */
#include "policy_parse.h"

#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "policy_check.h"
#include "policy_destination.h"
#include "policy_read.h"
#include "policy_when.h"
#include "snapshot_format.h"

/* In the order of their enums. */
static const char *const sticky_names[] = {"host", "uid", "app", "process", NULL};
static const char *const all_down_names[] = {"all", "dns", "fail", NULL};
static const char *const port_names[] = {"required", "optional", "ignore", NULL};
static const char *const action_names[] = {"deny", NULL};

static int read_name(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;
    int r = policy_read_copy(value, POLICY_NAME_MAX, &policy->name, err);

    policy->line = value->line;
    policy->column = value->column;
    if (r < 0 || policy_is_name(policy->name))
        return r;

    const char *name = policy->name;
    char wrong = name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")];
    if (wrong >= 'A' && wrong <= 'Z')
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "'%s' has a capital; allowed are a-z, 0-9 and -", name);
    if ((unsigned char)wrong >= 0x80)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "'%s' has a letter beyond ASCII; allowed are a-z, 0-9 and -",
                                  name);
    return policy_read_refuse(err, ERROR_INVALID, value,
                              "'%s' has a '%c'; allowed are a-z, 0-9 and -", name, wrong);
}

static int fold(const struct value *value, bool is_wildcard, char **ret_text, struct error *err)
{
    const char *text = NULL;
    char folded[DOMAIN_MAX + 1];
    int r = policy_read_text(value, SIZE_MAX, &text, err);

    if (r < 0)
        return r;
    r = domain_fold(text, is_wildcard, folded, err);
    if (r < 0) {
        (void)error_place(err, value->line, value->column);
        return r;
    }
    *ret_text = strdup(folded);
    return *ret_text ? 0 : policy_read_memory(err);
}

static int read_domain(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;
    struct policy_domain *domain = &policy->domains[policy->domain_count];
    int r = fold(value, true, &domain->text, err);

    if (r < 0)
        return r;
    domain->line = value->line;
    domain->column = value->column;
    policy->domain_count++;
    for (size_t i = 0; i + 1 < policy->domain_count; i++) {
        if (strcmp(policy->domains[i].text, domain->text) == 0)
            return policy_read_refuse(err, ERROR_INVALID, value, "'%s' is here twice",
                                      domain->text);
    }
    return 0;
}

static int read_domains(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;

    policy->domains = calloc(policy_read_count(value) + 1, sizeof(*policy->domains));
    if (!policy->domains)
        return policy_read_memory(err);
    return policy_read_each(value, POLICY_DOMAINS_MAX, "domains", read_domain, policy, err);
}

static int read_destination(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;

    return policy_destination_read(value, &policy->destinations[policy->destination_count++], err);
}

static int read_destinations(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;

    if (value->type != VALUE_LIST) {
        (void)policy_read_refuse(err, ERROR_INVALID, value, "%s where a list is needed",
                                 value_type_name(value->type));
        error_hint(err, "write [{address: 10.0.1.10, weight: 90}]");
        return ERROR_INVALID;
    }
    policy->destinations = calloc(value->list.count + 1, sizeof(*policy->destinations));
    if (!policy->destinations)
        return policy_read_memory(err);
    if (value->list.count == 0) {
        (void)policy_read_refuse(err, ERROR_INVALID, value,
                                 "an empty list; at least one is needed");
        error_hint(err, "`action: deny` says that there is no such name");
        return ERROR_INVALID;
    }
    return policy_read_each(value, POLICY_DESTINATIONS_MAX, "destinations", read_destination,
                            policy, err);
}

static int read_select(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;
    size_t index = policy->select;
    int r = policy_read_choice(value, policy_select_names, &index, err);

    policy->select = (enum policy_select)index;
    return r;
}

static int read_sticky_by(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;
    size_t index = policy->sticky;
    int r = policy_read_choice(value, sticky_names, &index, err);

    policy->sticky = (enum policy_sticky)index;
    return r;
}

static int read_sticky(const struct value *value, void *target, struct error *err)
{
    static const struct policy_read_key sticky_keys[] = {
        {"by", read_sticky_by, NULL},
        {NULL, NULL, NULL},
    };
    struct policy *policy = target;

    policy->is_sticky_given = true;
    return policy_read_map(value, sticky_keys, policy, err);
}

static int read_all_down(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;
    size_t index = policy->on_all_down;
    int r = policy_read_choice(value, all_down_names, &index, err);

    policy->on_all_down = (enum policy_all_down)index;
    return r;
}

static int read_port(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;
    size_t index = policy->port;

    if (value->type == VALUE_INTEGER) {
        (void)policy_read_refuse(err, ERROR_INVALID, value,
                                 "a number; allowed are required, "
                                 "optional, ignore");
        error_hint(err, "the number belongs to the destinations: {address: 10.0.1.10, port: 443}");
        return ERROR_INVALID;
    }
    int r = policy_read_choice(value, port_names, &index, err);
    policy->port = (enum policy_port)index;
    policy->is_port_given = true;
    return r;
}

static int read_answers(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;
    int64_t answers = 0;
    int r = policy_read_integer(value, 1, SNAPSHOT_ANSWERS_MAX, "number of answers", &answers, err);

    policy->answers = (unsigned)answers;
    return r;
}

static int read_rank(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;
    int64_t rank = 0;
    int r = policy_read_integer(value, INT32_MIN, INT32_MAX, "rank", &rank, err);

    policy->rank = (int32_t)rank;
    return r;
}

static int read_action(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;
    size_t index = 0;
    int r = policy_read_choice(value, action_names, &index, err);

    policy->action = POLICY_DENY;
    return r;
}

static int read_alias(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;

    policy->alias_line = value->line;
    policy->alias_column = value->column;
    return fold(value, false, &policy->alias, err);
}

static int read_reverse(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;

    return policy_read_boolean(value, &policy->is_reverse, err);
}

static int read_when(const struct value *value, void *target, struct error *err)
{
    struct policy *policy = target;

    return policy_when_read(value, &policy->when, err);
}

static const struct policy_read_key keys[] = {
    {"policy", read_name, NULL},
    {"domains", read_domains, NULL},
    {"select", read_select, NULL},
    {"destinations", read_destinations, NULL},
    {"when", read_when, NULL},
    {"sticky", read_sticky, NULL},
    {"on_all_down", read_all_down, NULL},
    {"answers", read_answers, NULL},
    {"rank", read_rank, NULL},
    {"port", read_port, NULL},
    {"action", read_action, NULL},
    {"alias", read_alias, NULL},
    {"reverse", read_reverse, NULL},
    {"probe", NULL, NULL},
    {"ramp", NULL, NULL},
    {"tests", NULL, NULL},
    {"split", NULL, NULL},
    {"pool", NULL, NULL},
    {"tunnel", NULL, NULL},
    {"address", NULL, "`address` belongs to a destination"},
    {"weight", NULL, "`weight` belongs to a destination"},
    {"priority", NULL, "`priority` belongs to a destination"},
    {"zone", NULL, "`zone` belongs to a destination, or below `when: {node: ...}`"},
    {"labels", NULL, "`labels` belong to a destination, or below `when: {node: ...}`"},
    {"drain", NULL, "`drain` belongs to a destination"},
    {"hostname", NULL, NULL},
    {"app", NULL, "`app` belongs below `when`"},
    {"uid", NULL, "`uid` belongs below `when`"},
    {"node", NULL, "`node` belongs below `when`"},
    {NULL, NULL, NULL},
};

static int parse(const struct value *document, struct policy *policy, struct error *err)
{
    int r = policy_read_map(document, keys, policy, err);

    if (policy->alias)
        policy->action = POLICY_ALIAS;
    return r < 0 ? r : policy_check_parts(policy, document, err);
}

int policy_parse(const struct value *document, const char *where, struct policy **ret_policy,
                 struct error *err)
{
    struct policy *policy = calloc(1, sizeof(*policy));

    if (!policy)
        return policy_read_memory(err);
    policy->answers = 1;
    policy->where = where ? strdup(where) : NULL;

    int r = parse(document, policy, err);
    if (r < 0) {
        policy_free(policy);
        error_where(err, where);
        return r;
    }
    *ret_policy = policy;
    return 0;
}
