/* policy_check.c - what must hold between the parts of one policy. */
#include "policy_check.h"

#include "policy_destination.h"
#include "policy_read.h"

/* The keys that say what to do exclude each other, and some need others. */
static int check_answer(const struct policy *policy, const struct value *document,
                        struct error *err)
{
    const struct value *destinations = value_get(document, "destinations");
    const struct value *action = value_get(document, "action");
    const struct value *alias = value_get(document, "alias");
    const struct value *second = alias ? alias : action;

    if (!policy->name)
        return policy_read_refuse(err, ERROR_INVALID, document,
                                  "a document without `policy: NAME`");
    if (policy->domain_count == 0)
        return policy_read_refuse(err, ERROR_INVALID, document, "policy '%s' has no `domains`",
                                  policy->name);
    if (!destinations && !second) {
        (void)policy_read_refuse(err, ERROR_INVALID, document,
                                 "policy '%s' does not say what to answer", policy->name);
        error_hint(err, "give it `destinations`, `action: deny` or `alias`");
        return ERROR_INVALID;
    }
    if (second && (destinations || (alias && action))) {
        (void)policy_read_refuse(err, ERROR_INVALID, second, "beside `%s`; only one may be given",
                                 destinations ? "destinations" : "action");
        error_key(err, "%s", alias ? "alias" : "action");
        return ERROR_INVALID;
    }
    return 0;
}

static int check_reverse(const struct policy *policy, const struct value *document,
                         struct error *err)
{
    const struct value *reverse = value_get(document, "reverse");
    const char *text = NULL;

    if (!policy->is_reverse)
        return 0;
    if (policy->action != POLICY_ROUTE)
        text = "without `destinations` there are no addresses";
    else if (policy_is_conditional(policy))
        text = "beside `when`; an address has one name for all who ask";

    bool has_exact = false;
    for (size_t i = 0; i < policy->domain_count; i++)
        has_exact |= policy->domains[i].text[0] != '*';
    if (!text && !has_exact)
        text = "all domains are wildcards; the name of an address is an exact one";
    if (!text)
        return 0;
    (void)policy_read_refuse(err, ERROR_INVALID, reverse, "%s", text);
    error_key(err, "reverse");
    return ERROR_INVALID;
}

int policy_check_parts(const struct policy *policy, const struct value *document, struct error *err)
{
    int r = check_answer(policy, document, err);

    if (r == 0)
        r = check_reverse(policy, document, err);
    if (r == 0 && policy->destination_count > 0)
        r = policy_destination_check_unique(policy, value_get(document, "destinations"), err);
    return r;
}
