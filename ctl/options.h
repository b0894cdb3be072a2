/* options.h - options that several commands have: rows for command_details.options.
 * Program: meshctl. Constants only.
 */
#pragma once

#define OPTIONS_JSON                                                                               \
    {                                                                                              \
        "json", 0, NULL, "one object; its fields are in meshctl(1)"                                \
    }
#define OPTIONS_CONFIG                                                                             \
    {                                                                                              \
        "config", 0, "FILE", "instead of ~/.config/meshdns/config.yaml"                            \
    }
#define OPTIONS_CONTEXT                                                                            \
    {                                                                                              \
        "context", 0, "NAME", "the controller to talk to, instead of the current one"              \
    }
#define OPTIONS_SNAPSHOT                                                                           \
    {                                                                                              \
        "snapshot", 0, "FILE", "instead of $MESHDNS_SNAPSHOT or the machine's own"                 \
    }
#define OPTIONS_SOCKET                                                                             \
    {                                                                                              \
        "socket", 0, "PATH", "of syncd, instead of /run/meshdns/syncd.sock"                        \
    }
