/* test_domain.c - which names a policy may speak of; tests/corpus has the messages. */
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "domain.h"

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

Test(domain, names_are_folded_and_checked_at_every_edge)
{
    static const struct {
        const char *text, *folded; /* NULL = refused */
        bool is_wildcard;
    } rows[] = {
        {"a", "a", false},
        {"A.B-c_d.", "a.b-c_d", false},
        {"_sip._tcp.x", "_sip._tcp.x", false},
        {"*.Shop.mesh.", "*.shop.mesh", true},
        {"*.shop.mesh", NULL, false},
        {"xn--mnchen-3ya.de", "xn--mnchen-3ya.de", false},
        {L63 ".x", L63 ".x", false},
        {"a" L63 ".x", NULL, false},
        {L63 "." L63 "." L63 "." L63, NULL, false}, /* 255 */
        {L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy",
         L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy",
         false}, /* 253 */
        {L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy.",
         L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy",
         false},
        {"", NULL, false},
        {".", NULL, false},
        {"..", NULL, false},
        {"a..", NULL, false},
        {".a", NULL, false},
        {"a-", NULL, false},
        {"-a.b", NULL, false},
        {"a.b-.c", NULL, false},
        {"*", NULL, true},
        {"*.", NULL, true},
        {"*.*.a", NULL, true},
        {"a.*", NULL, true},
        {"a b", NULL, false},
        {"a\x80", NULL, false},
        {"a\x1f", NULL, false},
        {"1", NULL, false},
        {"1.2.3.4", NULL, false},
        {"1.2.3.4.", NULL, false},
        {"0x10", NULL, false},
        {"010.8", NULL, false},
        {"1.2.3.4.5", "1.2.3.4.5", false},
        {"256.1.1.1", "256.1.1.1", false},
        {"1a", "1a", false},
        {"*.1.2", NULL, true},
        {"*.in-addr.arpa", "*.in-addr.arpa", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char folded[DOMAIN_MAX + 1] = "untouched";
        struct error err = {0};
        int r = domain_fold(rows[i].text, rows[i].is_wildcard, folded, &err);

        cr_expect_eq(r, rows[i].folded ? 0 : ERROR_INVALID, "'%s': %s", rows[i].text, err.text);
        cr_expect_str_eq(folded, rows[i].folded ? rows[i].folded : "untouched", "'%s'",
                         rows[i].text);
    }
}
