/* test_endpoint.c - addresses with ports as people write them. */
#include <criterion/criterion.h>

#include "auto.h"
#include "endpoint.h"

static const struct {
    const char *text, *host; /* NULL: refused */
    uint16_t port;
    bool is_numeric;
} rows[] = {
    {"0.0.0.0:7443", "0.0.0.0", 7443, true},
    {"[::]:7443", "::", 7443, true},
    {"tcp://[fd00::1]:1", "fd00::1", 1, true},
    {"https://c_1.example.net:65535", "c_1.example.net", 65535, false},
    {"10.0.0.1", NULL},
    {"10.0.0.1:", NULL},
    {"10.0.0.1:0", NULL},
    {"10.0.0.1:65536", NULL},
    {"10.0.0.1:99999999999", NULL},
    {"10.0.0.1:+5", NULL},
    {"10.0.0.1: 5", NULL},
    {":7443", NULL},
    {"fd00::1:7443", NULL},
    {"[10.0.0.1]:7443", NULL},
    {"[fd00::1]7443", NULL},
    {"[fd00::1", NULL},
    {"a b:7443", NULL},
    {"", NULL},
};

Test(endpoint, a_host_and_its_port_are_read_or_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct endpoint endpoint = {.port = 9};
        int expected = rows[i].host ? 0 : ERROR_INVALID;

        cr_expect_eq(endpoint_read(rows[i].text, &endpoint, NULL), expected, "%s", rows[i].text);
        cr_expect_eq(endpoint.port, rows[i].host ? rows[i].port : 9, "%s", rows[i].text);
        if (rows[i].host)
            cr_expect_str_eq(endpoint.host, rows[i].host);
        cr_expect_eq(endpoint_read_numeric(rows[i].text, &endpoint, NULL),
                     rows[i].is_numeric ? 0 : ERROR_INVALID, "%s", rows[i].text);
    }
}

Test(endpoint, it_is_written_so_that_it_reads_back)
{
    char text[ENDPOINT_TEXT];

    endpoint_write("tcp", "fd00::1", 7440, text);
    cr_expect_str_eq(text, "tcp://[fd00::1]:7440");
    endpoint_write("https", "c.example.net", 7443, text);
    cr_expect_str_eq(text, "https://c.example.net:7443");
}
