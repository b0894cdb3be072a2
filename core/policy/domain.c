/* domain.c - names that a policy may speak of.
 *
 * The letters are those of RFC 1035 and RFC 1123, and the underscore, which names in use have.
 */
#include "domain.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Tells which byte of a label is wrong. */
static int refuse_byte(const char *text, unsigned char byte, struct error *err)
{
    if (byte >= 0x80) {
        (void)error_set(err, ERROR_INVALID, "'%s' has a letter beyond ASCII", text);
        error_hint(err, "write international names in their xn-- form, as `idn` prints it");
    } else if (byte == '*') {
        (void)error_set(err, ERROR_INVALID, "'%s' has a * inside", text);
        error_hint(err, "a wildcard is a whole label and the first one: *.shop.mesh");
    } else if (byte < ' ' || byte == 0x7f) {
        (void)error_set(err, ERROR_INVALID, "a control character (0x%02x) in a name", byte);
    } else {
        (void)error_set(err, ERROR_INVALID, "'%s' has a '%c'; allowed are a-z, 0-9, - and _", text,
                        byte);
        if (strchr(text, '/'))
            error_hint(err, "a domain is a host's name, without scheme and path");
        else if (byte == ':')
            error_hint(err, "a port belongs to a destination");
    }
    return ERROR_INVALID;
}

static int check_label(const char *text, const char *label, size_t length, struct error *err)
{
    if (length == 0) {
        (void)error_set(err, ERROR_INVALID, "'%s' has an empty label", text);
        if (text[0] == '.')
            error_hint(err, "a wildcard is written *%s", text);
        return ERROR_INVALID;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_letter(label[i]))
            return refuse_byte(text, (unsigned char)label[i], err);
    }
    if (length > DOMAIN_LABEL)
        return error_set(err, ERROR_INVALID,
                         "label '%.20s...' has %zu letters, above %d, the most in a label", label,
                         length, DOMAIN_LABEL);
    if (label[0] == '-' || label[length - 1] == '-')
        return error_set(err, ERROR_INVALID, "label '%.*s' begins or ends with '-'", (int)length,
                         label);
    return 0;
}

static void fold(const char *text, size_t length, char *ret_folded)
{
    for (size_t i = 0; i < length; i++)
        ret_folded[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
    ret_folded[length] = '\0';
}

static int check_number(const char *text, const char *name, struct error *err)
{
    struct in_addr ignored;

    if (!inet_aton(name, &ignored))
        return 0;
    (void)error_set(err, ERROR_INVALID, "'%s' reads as a number", text);
    error_hint(err, "libc takes such a name for an address and never looks it up");
    return ERROR_INVALID;
}

int domain_fold(const char *text, bool is_wildcard, char ret_folded[static DOMAIN_MAX + 1],
                struct error *err)
{
    char folded[DOMAIN_MAX + 1] = "";
    size_t length = strlen(text);

    if (length == 0)
        return error_set(err, ERROR_INVALID, "'' is no domain");
    if (strcmp(text, ".") == 0)
        return error_set(err, ERROR_INVALID, "'.' is the root, which no policy can steer");
    if (text[length - 1] == '.')
        length--;
    if (length > DOMAIN_MAX)
        return error_set(err, ERROR_INVALID, "'%.20s...' has %zu bytes, above %d, the longest name",
                         text, length, DOMAIN_MAX);
    fold(text, length, folded);

    const char *name = folded;
    if (strcmp(folded, "*") == 0) {
        (void)error_set(err, ERROR_INVALID, "'*' would take every name of the machine");
        error_hint(err, "a wildcard has a domain behind it: *.shop.mesh");
        return ERROR_INVALID;
    }
    if (strncmp(folded, "*.", 2) == 0) {
        if (!is_wildcard)
            return error_set(err, ERROR_INVALID, "'%s' is a wildcard; an exact name is needed",
                             text);
        name = folded + 2;
    }
    for (const char *label = name;;) {
        size_t size = strcspn(label, ".");
        int r = check_label(text, label, size, err);
        if (r < 0)
            return r;
        if (label[size] == '\0')
            break;
        label += size + 1;
    }
    int r = check_number(text, name, err);
    if (r == 0)
        memcpy(ret_folded, folded, sizeof(folded));
    return r;
}

const char *domain_key(const char *domain)
{
    return domain[0] == '*' ? domain + 1 : domain;
}
