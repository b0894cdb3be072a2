/* policy.c - one policy: its end, its words, and what it says in vain. */
#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_destination.h"
#include "policy_parse.h"
#include "policy_when.h"

const char *const policy_select_names[] = {"weighted", "latency", "sticky", "ordered", NULL};

const char *policy_select_name(enum policy_select select)
{
    return policy_select_names[select];
}

bool policy_is_name(const char *name)
{
    size_t length = strlen(name);

    return length >= 1 && length <= POLICY_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    for (size_t i = 0; i < policy->domain_count; i++)
        free(policy->domains[i].text);
    for (size_t i = 0; i < policy->destination_count; i++)
        policy_destination_done(&policy->destinations[i]);
    policy_when_done(&policy->when);
    free(policy->domains);
    free(policy->destinations);
    free(policy->alias);
    free(policy->where);
    free(policy->name);
    free(policy);
}

bool policy_is_conditional(const struct policy *policy)
{
    return policy_when_is_given(&policy->when);
}

bool policy_has_port(const struct policy *policy)
{
    for (size_t i = 0; i < policy->destination_count; i++) {
        if (policy->destinations[i].port != 0)
            return true;
    }
    return false;
}

static bool has_zone(const struct policy *policy)
{
    for (size_t i = 0; i < policy->destination_count; i++) {
        if (policy->destinations[i].zone)
            return true;
    }
    return false;
}

static bool has_labels(const struct policy *policy)
{
    for (size_t i = 0; i < policy->destination_count; i++) {
        if (policy->destinations[i].label_count > 0)
            return true;
    }
    return false;
}

/* Whether weights differ and none is 0: then `ordered` leaves them without effect. */
static bool has_idle_weights(const struct policy *policy)
{
    bool differ = false;

    for (size_t i = 0; i < policy->destination_count; i++)
        differ |= policy->destinations[i].weight > 0 &&
                  policy->destinations[i].weight != policy->destinations[0].weight;
    return differ && policy->select == POLICY_ORDERED;
}

static bool is_below_localhost(const char *domain)
{
    size_t length = strlen(domain), size = strlen("localhost");

    return length >= size && strcmp(domain + length - size, "localhost") == 0 &&
           (length == size || domain[length - size - 1] == '.');
}

void policy_warn(const struct policy *policy,
                 void (*tell)(void *context, const char *key, const char *sentence), void *context)
{
    bool has_port = policy_has_port(policy), is_route = policy->action == POLICY_ROUTE;

    for (size_t i = 0; i < policy->domain_count; i++) {
        char key[32];

        if (!is_below_localhost(policy->domains[i].text))
            continue;
        (void)snprintf(key, sizeof(key), "domains[%zu]", i);
        tell(context, key, "localhost and what is below it are protected: no policy steers them");
    }
    if (is_route && policy->select == POLICY_LATENCY)
        tell(context, "select", "latency is not measured yet; it acts as weighted");
    if (policy->is_sticky_given && policy->select != POLICY_STICKY)
        tell(context, "sticky", "has no effect without `select: sticky`");
    if (has_idle_weights(policy))
        tell(context, "select", "ordered asks in order; weights other than 0 have no effect");
    if (has_zone(policy))
        tell(context, "destinations", "the zone of a destination has no effect yet");
    if (has_labels(policy))
        tell(context, "destinations", "the labels of a destination have no effect yet");
    if (policy->is_port_given && !has_port)
        tell(context, "port", "has no effect: no destination has a port");
    else if (policy->port == POLICY_PORT_IGNORE && has_port)
        tell(context, "port", "ignore: ports are for probes only, which are not supported yet");
    else if (!policy->is_port_given && has_port)
        tell(context, "port",
             "a port is required by default: programs that resolve through NSS "
             "skip these destinations; `port: optional` answers without it");
    if (!is_route && (policy->select != POLICY_WEIGHTED || policy->answers != 1))
        tell(context, "select", "select and answers have no effect without `destinations`");
}
