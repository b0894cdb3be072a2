/* test_host.c - what this machine's files say: search list, own look-ups, settings, changes. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "buffer.h"
#include "file.h"
#include "lookup.h"
#include "search_list.h"
#include "settings.h"
#include "users.h"
#include "watch.h"

static const struct {
    const char *text, *host_name, *says;
} lists[] = {
    {"", "web", "1:"},
    {"", "web.corp.example", "1: corp.example"},
    {"nameserver 10.0.0.1\nsearch A.example b.example.\n", "web.x", "1: a.example b.example"},
    {"search a.example\ndomain b.example c.example", "web", "1: b.example"},
    {"domain b.example\nsearch a.example c.example", "web", "1: a.example c.example"},
    {"search .\noptions timeout:1 ndots:5 rotate", "web.x", "5:"},
    {"options ndots:99\nsearch a..b x.example", "", "15: x.example"},
    {"options ndots:0", "", "0:"},
    {"#search a.example\n;search b.example", "", "1:"},
};

Test(host, a_search_list_is_read_as_the_resolver_reads_it)
{
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        struct search_list list = {0};
        struct buffer shown = {0};

        cr_assert_eq(search_list_parse(lists[i].text, lists[i].host_name, &list, NULL), 0);
        buffer_print(&shown, "%u:", list.ndots);
        for (size_t d = 0; d < list.count; d++)
            buffer_print(&shown, " %s", list.domains[d]);
        cr_expect_str_eq((const char *)shown.bytes, lists[i].says, "%s", lists[i].text);
        buffer_done(&shown);
        search_list_done(&list);
    }
}

static const struct {
    const char *nsswitch, *line;
} lines[] = {
    {"", "files dns"},
    {"passwd: files\nhosts: meshdns [NOTFOUND=return] files dns\n", "files dns"},
    {"hosts:\tfiles meshdns [!UNAVAIL=return success=return] mymachines [NOTFOUND=return] dns # x",
     "files mymachines [NOTFOUND=return] dns"},
    {"hosts: meshdns[NOTFOUND=return] files", "files"},
    {"  hosts : resolve", "resolve"},
    {"hosts: meshdns", "files dns"},
    {"#hosts: nis\nhostsx: nis", "files dns"},
    {"hosts: meshdns [NOTFOUND=", "files dns"},
};

Test(host, own_look_ups_use_the_hosts_own_line_less_meshdns)
{
    char line[64];

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        lookup_line(lines[i].nsswitch, line, sizeof line);
        cr_expect_str_eq(line, lines[i].line, "%s", lines[i].nsswitch);
    }
}

static const struct {
    const char *text, *says;
} refused[] = {
    {"stat: /x", "F:1:1: stat: this key is not known"},
    {"report_interval: 5", "F:1:18: report_interval: a number, where a text is allowed"},
    {"socket: /a\nreconnect: 1ms", "F:2:12: reconnect: '1ms' is below 50ms, the least"},
    {"protect:\n  - db.internal\n  - 'a b'",
     "F:3:5: protect[1]: a b is no domain; allowed are such as db.internal and *.corp.example"},
    {"protect: db", "F:1:10: protect: text, where a list of domains is allowed"},
    {"- a", "F:1:1: must be a map, not a list"},
    {"state: /a\n---\nstate: /b", "F: holds 2 documents; allowed is one"},
};

Test(host, settings_come_from_defaults_file_and_flags_and_mistakes_have_their_place)
{
    char path[] = "/tmp/test_host.XXXXXX";
    struct settings settings = {0};
    struct error err = {0};
    static const char good[] = "report_interval: 250ms\nprotect: [db.internal, \"*.x.example\"]\n";

    (void)close(mkstemp(path));
    cr_assert_eq(settings_init(&settings, &err), 0);
    cr_expect_str_eq(settings.snapshot, "/run/meshdns/v1/snapshot");
    cr_expect_eq(settings.reconnect_max_ms, 60000);
    cr_assert_eq(file_write(path, 0644, good, sizeof good - 1, &err), 0);
    cr_expect_eq(settings_read(&settings, path, &err), 0, "%s", error_line(&err));
    cr_expect_eq(settings.report_ms, 250);
    cr_expect_eq(settings.protect_count, 2);
    cr_expect_eq(settings_set(&settings, "report_interval", "2s", &err), 0);
    cr_expect_eq(settings.report_ms, 2000);
    cr_expect_eq(settings_set(&settings, "reconnect", "soon", &err), ERROR_USAGE);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        cr_assert_eq(file_write(path, 0644, refused[i].text, strlen(refused[i].text), &err), 0);
        err = (struct error){0};
        cr_expect_eq(settings_read(&settings, path, &err), ERROR_CONFIG);
        (void)error_where(&err, "F");
        cr_expect_str_eq(error_line(&err), refused[i].says);
    }
    (void)unlink(path);
    cr_expect_eq(settings_read(&settings, path, &err), ERROR_CONFIG, "a file that was named");
    settings_done(&settings);
}

Test(host, users_have_their_numbers_and_unknown_ones_none)
{
    struct users *users = users_new();
    uint32_t uid = 1;

    for (unsigned i = 0; i < 2; i++) {
        cr_expect_eq(users_uid_of(users, "root", &uid), 1);
        cr_expect_eq(uid, 0);
        cr_expect_eq(users_uid_of(users, "no-such-user-here", &uid), 0);
    }
    cr_expect_not(users_refresh(users));
    users_free(users);
}

/* Whether the watch tells of a change within wait_ms. */
static bool has_changed(struct watch *watch, int wait_ms)
{
    struct pollfd fds[WATCH_POLL];

    for (int waited = 0; waited < wait_ms; waited += 20) {
        watch_poll(watch, fds);
        if (poll(fds, WATCH_POLL, 20) > 0 && watch_read(watch, fds))
            return true;
    }
    return false;
}

static bool tells(struct watch *watch)
{
    bool told = has_changed(watch, 2000);

    while (has_changed(watch, 20))
        ;
    return told;
}

static void overwrite(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    cr_assert(file && fputs(text, file) >= 0);
    (void)fclose(file);
}

Test(host, a_file_is_seen_to_change_by_writing_renaming_linking_and_mounting)
{
    char folder[] = "/tmp/test_watch.XXXXXX", path[64], target[64], other[64];
    struct watch *watch = NULL;
    const char *paths[] = {path};

    /* Mounts of our own, so that none can be left behind; without root there are none. */
    bool may_mount =
        unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    cr_assert(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/hosts", folder);
    (void)snprintf(other, sizeof other, "%s/other", folder);
    (void)snprintf(target, sizeof target, "%s/sub", folder);
    (void)mkdir(target, 0700);
    (void)snprintf(target, sizeof target, "%s/sub/real", folder);
    cr_assert_eq(watch_open(paths, 1, &watch, NULL), 0);

    overwrite(path, "one");
    cr_expect(tells(watch), "it is made");
    overwrite(path, "two");
    cr_expect(tells(watch), "it is written");
    cr_assert_eq(file_write(path, 0644, "three", 5, NULL), 0);
    cr_expect(tells(watch), "it is renamed over");
    overwrite(path, "four");
    cr_expect(tells(watch), "the new one is written");
    overwrite(other, "nothing to us");
    cr_expect_not(has_changed(watch, 200));
    if (may_mount && mount(other, path, NULL, MS_BIND, NULL) == 0) {
        cr_expect(tells(watch), "something is mounted over it");
        overwrite(other, "written through its other name");
        cr_expect(tells(watch), "the mounted one is written");
        cr_assert_eq(umount(path), 0);
        cr_expect(tells(watch), "it is uncovered");
    }
    (void)unlink(path);
    cr_expect(tells(watch), "it goes");
    overwrite(target, "target");
    cr_assert_eq(symlink("sub/real", path), 0);
    cr_expect(tells(watch), "a link takes its place");
    cr_assert_eq(file_write(target, 0644, "new", 3, NULL), 0);
    cr_expect(tells(watch), "what the link leads to is renamed over");
    watch_close(watch);
    (void)unlink(path), (void)unlink(other), (void)unlink(target);
    (void)snprintf(target, sizeof target, "%s/sub", folder);
    (void)rmdir(target), (void)rmdir(folder);
}
