/* host.c - hands this machine's own names to the mesh, again and again. */
#include "host.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "protect.h"

#define LOOK_MS    30000 /* no event tells of a network file system's changes */
#define SETTLE_MS  100   /* quiet before a changed file is read */
#define PATIENT_MS 1000  /* but not longer than so after the first change */

void host_done(struct host *host)
{
    watch_close(host->watch);
    users_free(host->users);
    search_list_done(&host->search);
    key_set_done(&host->scratch);
}

static int read_names(struct host *host, struct mesh *mesh, struct error *err)
{
    const struct membership *member = host->membership;
    const char *const endpoints[] = {member->server, member->endpoint_node,
                                     member->endpoint_broadcast};
    const char *domains[SNAPSHOT_SEARCH_MAX];
    char name[HOST_NAME_MAX + 1] = "";

    (void)gethostname(name, sizeof name - 1);
    int r = search_list_read(host->settings->resolv_conf, name, &host->search, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < host->search.count; i++)
        domains[i] = host->search.domains[i];
    const struct protect_source source = {.hosts = host->settings->hosts,
                                          .host_name = name,
                                          .domains = domains,
                                          .domain_count = host->search.count,
                                          .endpoints = endpoints,
                                          .endpoint_count = ARRAY_SIZE(endpoints),
                                          .names = host->settings->protect,
                                          .name_count = host->settings->protect_count};
    r = protect_collect(&source, &host->scratch, err);
    if (r < 0)
        return r;
    mesh_protect(mesh, &host->scratch);
    mesh_search(mesh, &host->search);
    return 0;
}

void host_look(struct host *host, struct mesh *mesh, uint64_t now_ms)
{
    struct error err = {0};
    int r = read_names(host, mesh, &err);

    if (r < 0 && strcmp(host->trouble.text, err.text) != 0)
        log_event(host->log, LOG_LEVEL_ERROR, "host-unreadable",
                  log_text("reason", error_line(&err)));
    host->trouble = err;
    host->changed_ms = 0;
    host->look_ms = now_ms + LOOK_MS;
}

void host_notice(struct host *host, const struct pollfd fds[static WATCH_POLL], uint64_t now_ms)
{
    if (!watch_read(host->watch, fds))
        return;
    if (host->changed_ms == 0)
        host->changed_ms = now_ms;
    uint64_t quiet = now_ms + SETTLE_MS, patience = host->changed_ms + PATIENT_MS;
    host->look_ms = quiet < patience ? quiet : patience;
}

uint64_t host_tick(struct host *host, struct mesh *mesh, uint64_t now_ms)
{
    if (host->look_ms > now_ms)
        return host->look_ms;
    bool is_slow_look = host->changed_ms == 0;
    host_look(host, mesh, now_ms);
    if (is_slow_look && users_refresh(host->users)) {
        log_event(host->log, LOG_LEVEL_NOTICE, "users-changed", log_text("cure", "compiled anew"));
        (void)mesh_publish(mesh, NULL);
    }
    return host->look_ms;
}
