/* stub.c - a getaddrinfo that knows no name: preloaded behind the shim, it makes a miss cost what
 * the shim takes for it, and not what libc's sources take. */
#include <netdb.h>

__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret_list)
{
    (void)node, (void)service, (void)hints, (void)ret_list;
    return EAI_NONAME;
}
