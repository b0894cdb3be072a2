/* serve.c - the daemon: brings the parts up in order, and down in the reverse one. */
#include "serve.h"

#include <signal.h>

#include "api.h"
#include "auto.h"
#include "control.h"
#include "hub.h"
#include "log.h"

/* SIGTERM and SIGINT are read from a descriptor, so every thread has to block them. */
static void block_signals(void)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void tell_ready(struct control *control)
{
    log_event(control->log, LOG_LEVEL_NOTICE, "ready", log_text("mesh", control->authority->mesh),
              log_number("revision", (int64_t)control->documents.revision),
              log_number("policies", (int64_t)documents_count(&control->documents)),
              log_number("nodes", (int64_t)control->nodes.count),
              log_number("epoch", (int64_t)control->sealer.epoch),
              log_text("pin", control->authority->tls.pin));
    if (control->read_only[0])
        log_event(control->log, LOG_LEVEL_ERROR, "read-only",
                  log_text("reason", control->read_only),
                  log_text("hint", "stop the controller, run meshdns-controller recover, start it "
                                   "again"));
}

#define UNFIT_TOLD 10 /* lines; `status` lists all */

static void tell_unfit(struct control *control)
{
    const struct unfit *unfit = &control->documents.unfit;
    size_t count = unfit_count(unfit);

    for (size_t i = 0; i < count && i < UNFIT_TOLD; i++)
        log_event(control->log, LOG_LEVEL_ERROR, "policy-unfit",
                  log_text("policy", value_get_text(&unfit->list.list.items[i], "policy")),
                  log_text("reason", value_get_text(&unfit->list.list.items[i], "reason")),
                  log_number("of", (int64_t)count),
                  log_text("hint", "this version refuses it: it is served as it is; change it"));
}

static int serve(struct control *control, struct error *err)
{
    struct hub *hub = NULL;
    struct api *api = NULL;

    int r = hub_open(control, &hub, err);
    if (r == 0)
        r = api_open(control, hub, &api, err);
    if (r == 0) {
        tell_ready(control);
        tell_unfit(control);
        hub_run(hub, api_tick, api);
        log_event(control->log, LOG_LEVEL_NOTICE, "stopping",
                  log_number("revision", (int64_t)control->documents.revision));
    }
    api_close(api);
    hub_close(hub);
    return r;
}

int serve_mesh(const struct config *config, struct error *err)
{
    struct authority authority = {0};
    struct control control;
    struct log log;
    AUTO_CLOSE int lock = -1;

    block_signals();
    log_init(&log);
    int r = authority_load(config->state, &authority, err);
    if (r == 0)
        r = authority_lock(config->state, &lock, err);
    if (r == 0)
        r = control_init(&control, config, &authority, &log, err);
    if (r == 0) {
        r = serve(&control, err);
        control_done(&control);
    }
    authority_done(&authority);
    log_done(&log);
    return r;
}
