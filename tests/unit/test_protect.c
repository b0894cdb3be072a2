/* test_protect.c - which names no policy may take. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "file.h"
#include "protect.h"

static const char hosts[] = "# 10.0.0.9 commented.example\n"
                            "127.0.0.1\tlocalhost\n"
                            "10.0.0.1 DB.Internal. db  # the database\n"
                            "::1 ip6-localhost\r\n"
                            "fe80::1%eth0 router.lan\n"
                            "not-an-address nobody.example\n"
                            "10.0.0.2 a..b *.x last.example";

static const struct {
    const char *key;
    enum protect_verdict verdict;
} judged[] = {
    {"localhost", PROTECT_PASS},
    {".localhost", PROTECT_PASS},
    {"app.localhost", PROTECT_ABSENT},
    {"db.internal", PROTECT_PASS},
    {"db", PROTECT_PASS},
    {".db.internal", PROTECT_NO},
    {"x.db.internal", PROTECT_NO},
    {"router.lan", PROTECT_PASS},
    {"last.example", PROTECT_PASS},
    {"commented.example", PROTECT_NO},
    {"nobody.example", PROTECT_NO},
    {"a..b", PROTECT_NO},
    {".x", PROTECT_NO},
    {"web-17", PROTECT_PASS},
    {"web-17.corp.example", PROTECT_PASS},
    {"web-17.eu.mesh", PROTECT_PASS},
    {"controller.example.net", PROTECT_PASS},
    {"node.example.net", PROTECT_PASS},
    {"10.0.0.7", PROTECT_NO},
    {".secret.example", PROTECT_PASS},
    {"a.secret.example", PROTECT_ABSENT},
    {".b.a.secret.example", PROTECT_ABSENT},
    {"secret.example", PROTECT_NO},
    {"one.example", PROTECT_PASS},
    {"@\x0a\x00\x00\x01", PROTECT_ABSENT},
    {"@\x0a\x00\x00\x09", PROTECT_NO},
};

static const char *const domains[] = {"corp.example", "other.example"};
static const char *const endpoints[] = {"https://Controller.Example.net:7443",
                                        "tcp://node.example.net:7440", "tcp://[fd00::1]:7441",
                                        "tcp://10.0.0.7:7441"};

Test(protect, the_names_of_this_machine_its_hosts_file_and_its_controller_are_protected)
{
    char path[] = "/tmp/test_protect.XXXXXX";
    char wild[] = "*.Secret.example", one[] = "one.example", *names[] = {wild, one};
    struct key_set keys = {0};
    struct error err = {0};
    struct protect_source source = {.hosts = path,
                                    .host_name = "web-17.eu.mesh",
                                    .domains = domains,
                                    .domain_count = 2,
                                    .endpoints = endpoints,
                                    .endpoint_count = ARRAY_SIZE(endpoints),
                                    .names = names,
                                    .name_count = 2};

    (void)close(mkstemp(path));
    cr_assert_eq(file_write(path, 0644, hosts, sizeof hosts - 1, &err), 0);
    cr_assert_eq(protect_collect(&source, &keys, &err), 0, "%s", error_line(&err));
    for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
        const char *key = judged[i].key;

        cr_expect_eq(protect_judge(&keys, key, key[0] == '@' ? 5 : strlen(key)), judged[i].verdict,
                     "%s", key);
    }

    (void)unlink(path); /* no hosts file is an empty one */
    cr_assert_eq(protect_collect(&source, &keys, &err), 0);
    cr_expect_eq(protect_judge(&keys, "db", 2), PROTECT_NO);
    cr_expect_eq(protect_judge(&keys, "localhost", 9), PROTECT_PASS);

    (void)mkdir(path, 0700); /* what is there and cannot be read changes nothing */
    cr_expect_lt(protect_collect(&source, &keys, &err), 0);
    cr_expect_eq(protect_judge(&keys, "localhost", 9), PROTECT_PASS);
    (void)rmdir(path);
    key_set_done(&keys);
}
