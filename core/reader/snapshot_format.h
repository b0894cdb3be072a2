/* snapshot_format.h - the mapped file, byte by byte, and how it is read while it is written.
 * Floor: reader (libc only). With this page alone one can write a second reader or writer.
 *
 * THE FILE. Little-endian, 64-bit words, all 8-aligned, all accessed as whole relaxed or ordered
 * atomics. It is one run of 64-byte blocks, numbered from 0:
 *
 *     header   blocks 0..63     struct snapshot_header
 *     index    index_slots words, from index_offset on
 *     heap     records, from block heap_start on; each occupies `units` blocks and is never moved
 *
 * INDEX. Open addressing with linear steps of one slot. A slot is tag:32 (high) | block:32 (low);
 * 0 is empty, SNAPSHOT_TOMBSTONE was in use. With h = snapshot_hash(name): the first slot is
 * h & (index_slots - 1), the tag is h >> 32; a name lies within SNAPSHOT_PROBE_MAX slots of its
 * first one, no empty slot before it. The hash is XXH3_64bits_withSecret (xxHash 0.8) over the
 * name, zero-padded to a multiple of 16 bytes, with the header's secret.
 *
 * NAMES are folded to lower case and have no trailing dot. Keys that are no domain:
 *
 *     .shop.mesh       the wildcard *.shop.mesh
 *     @ and 4 or 16 address bytes     address -> name, verb NAME
 *     :search          the host's search list, see SEARCH
 *
 * RECORD, in words (R = relaxed):
 *
 *     0   sequence     even: whole; odd: being written; never 0
 *     1   meta         units:32 | name_length:8 | rules:8 | flags:16, from the low end
 *     2.. name         zero-padded to 8 bytes
 *     ..  rules        `rules` of them, one behind the other
 *
 * A block's place, its units and the place of its sequence word hold for the file's life.
 *
 * RULE, in words:
 *
 *     rule word        see SNAPSHOT_RULE_*
 *     [extension]      words:32 | apps:8 | canonical_length:8 | uids:16; only with RULE_EXTENDED.
 *                      `words` is the size of the whole rule. Every rule of a record with more
 *                      than one has it.
 *     [apps]           each: length:8, then that many bytes, zero-padded to whole words. A last
 *                      byte '*' matches any rest.
 *     [uids]           32 bits each, zero-padded to whole words
 *     [canonical]      canonical_length bytes, zero-padded to whole words
 *     [columns]        keep:32 | alias:16 | weight:16 each, see COLUMNS
 *     addresses        `count` words: v4:32 (network order, as in in_addr) | port:16 | flags:16
 *     [v6]             two words each, 16 bytes in network order, for the destinations from
 *                      v6_start on: v6_start = 0 with RULE_LISTED, else count - v6
 *
 * COLUMNS. A rule that draws has its destinations sorted: IPv4 only, both families, IPv6 only; so
 * each family is a run: any = [0, count), IPv4 = [0, v4), IPv6 = [count - v6, count). A run of one
 * needs no columns. If v4 and v6 are each 0 or count, one table of `count` columns serves; else
 * tables for any, IPv4 and IPv6 follow one another, each left out when its run is shorter than 2.
 * Column i belongs to destination i of its run; a draw below `keep` (of 2^32) stays there, others
 * go to destination `alias` of the run (Walker's method). weight is the relative weight, 1..65535,
 * for draws without replacement. A rule that sticks has one table of `count` columns (only weight
 * is used) when count > 1. Other verbs have none.
 *
 * STICKING. Of a rule's destinations that have a family asked for, those win whose
 * pick_log(u) / weight is smallest, `answers` of them, the smallest first (pick.h; a rule of one
 * needs no weight). All arithmetic is modulo 2^64, mix is rng_mix, the same everywhere:
 *
 *     u    = mix(mix(key + 0x9e3779b97f4a7c15) ^ d)
 *     key  = the header's host_key, the effective uid, XXH3_64bits of the program's name, or a
 *            number that is random for each process, as the verb says
 *     d    = mix(the address word without its flags); with an IPv6 address of the words a and b
 *            then d = mix(d ^ a), d = mix(d + b)
 *
 * SEARCH. The record ":search" has rules = 0 and behind its name: ndots:8 | domains:8, then for
 * each domain its length:8 and bytes (no leading dot), zero-padded to whole words.
 *
 * WRITING one record: pick a free block; sequence odd (relaxed); release fence; body (relaxed);
 * sequence even, never 0 (release); slot (release). Changing a name is one slot store.
 * READING: slot (acquire); sequence (acquire), odd = again; body (relaxed); acquire fence; sequence
 * (relaxed), changed = again from the slot. Before "this is another name" is believed, the slot is
 * read again. Before "no such name" is believed, magic is read again: a file that this process has
 * left reads as zeros. After a bounded number of tries it is a miss.
 *
 * GROWTH: a larger file is built beside; `superseded` = 1 in the old one; rename.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_PATH         "/run/meshdns/v1/snapshot"
#define SNAPSHOT_MAGIC        UINT64_C(0x31534e444853454d) /* "MESHDNS1" */
#define SNAPSHOT_BLOCK        64                           /* bytes */
#define SNAPSHOT_HEADER       4096                         /* bytes reserved for the header */
#define SNAPSHOT_SECRET       192                          /* bytes */
#define SNAPSHOT_PROBE_MAX    64                           /* slots */
#define SNAPSHOT_SLOTS_MIN    64
#define SNAPSHOT_SLOTS_MAX    (UINT64_C(1) << 31)
#define SNAPSHOT_TOMBSTONE    (UINT64_C(1) << 32) /* tag 1, block 0 */
#define SNAPSHOT_NAME_MAX     253                 /* bytes, as typed, without the trailing dot */
#define SNAPSHOT_KEY_MAX      255                 /* bytes of a key; a wildcard's has a dot more */
#define SNAPSHOT_RULES_MAX    64
#define SNAPSHOT_APPS_MAX     64
#define SNAPSHOT_UIDS_MAX     64
#define SNAPSHOT_DESTINATIONS 4096 /* most in a rule */
#define SNAPSHOT_ANSWERS_MAX  16
#define SNAPSHOT_SEARCH_MAX   16 /* domains in the search list */
#define SNAPSHOT_KEY_SEARCH   ":search"
#define SNAPSHOT_NO_SEARCH    UINT64_C(1) /* in `depths` */

struct snapshot_header {
    _Atomic uint64_t magic;        /* stored last when a file is made; 0 = nothing here */
    _Atomic uint64_t file_size;    /* bytes; the real file is not smaller */
    _Atomic uint64_t index_offset; /* bytes, a multiple of SNAPSHOT_BLOCK */
    _Atomic uint64_t index_slots;  /* a power of two, SNAPSHOT_SLOTS_MIN..MAX */
    _Atomic uint64_t heap_start;   /* block number */
    _Atomic uint64_t heap_end;     /* block behind the last carved one; the writer's */
    _Atomic uint64_t superseded;   /* 1: a newer file stands, or will, at the path */
    _Atomic uint64_t depths;       /* bit min(d, 63): there may be wildcards of d labels; only set.
                                    Bit 0: there is no ":search"; only cleared */
    _Atomic uint64_t revision;     /* the last whole revision; stored after its records */
    _Atomic uint64_t heartbeat;    /* boot clock, ns: when the writer last lived */
    _Atomic uint64_t host_key;     /* what `sticky: {by: host}` sticks to */
    _Atomic uint64_t names;        /* live slots */
    _Atomic uint64_t tombstones;   /* slots */
    _Atomic uint64_t spare[3];     /* written as 0 */
    _Atomic uint64_t secret[SNAPSHOT_SECRET / 8]; /* random, private to this file */
};
_Static_assert(offsetof(struct snapshot_header, depths) == 56, "the reader's line, format 1");
_Static_assert(offsetof(struct snapshot_header, secret) == 128, "format 1");
_Static_assert(sizeof(struct snapshot_header) == 320, "format 1");

/* The meta word of a record. */
#define SNAPSHOT_META(units, name_length, rules)                                                   \
    ((uint64_t)(units) | (uint64_t)(name_length) << 32 | (uint64_t)(rules) << 40)
#define SNAPSHOT_META_UNITS(meta)       ((uint32_t)(meta))
#define SNAPSHOT_META_NAME_LENGTH(meta) ((uint8_t)((meta) >> 32))
#define SNAPSHOT_META_RULES(meta)       ((uint8_t)((meta) >> 40))

/* What a rule tells the reader to do. The numbers are format 1; 0 is no verb. A reader that meets a
 * verb it does not know passes. */
enum snapshot_verb {
    SNAPSHOT_DRAW = 1,       /* by weight; count 0 = no data */
    SNAPSHOT_LIST = 2,       /* in the written order */
    SNAPSHOT_STICK_HOST = 3, /* by weighted rendezvous with the key named */
    SNAPSHOT_STICK_UID = 4,
    SNAPSHOT_STICK_APP = 5,
    SNAPSHOT_STICK_PROCESS = 6,
    SNAPSHOT_DENY = 7, /* no such name */
    SNAPSHOT_PASS = 8, /* the standard resolvers answer; final */
    SNAPSHOT_NAME = 9, /* of "@" records: the canonical name is the answer */
};

/* The rule word: verb:4 | answers - 1:4 | flags:8 | count:16 | v4:16 | v6:16, from the low end.
 * v4 and v6 count the destinations that have such an address. */
#define SNAPSHOT_RULE(verb, answers, flags, count, v4, v6)                                         \
    ((uint64_t)(verb) | (uint64_t)((answers)-1) << 4 | (uint64_t)(flags) << 8 |                    \
     (uint64_t)(count) << 16 | (uint64_t)(v4) << 32 | (uint64_t)(v6) << 48)
#define SNAPSHOT_RULE_VERB(word)    ((unsigned)((word)&15))
#define SNAPSHOT_RULE_ANSWERS(word) ((unsigned)((word) >> 4 & 15) + 1)
#define SNAPSHOT_RULE_FLAGS(word)   ((unsigned)((word) >> 8 & 255))
#define SNAPSHOT_RULE_COUNT(word)   ((unsigned)((word) >> 16 & 0xffff))
#define SNAPSHOT_RULE_V4(word)      ((unsigned)((word) >> 32 & 0xffff))
#define SNAPSHOT_RULE_V6(word)      ((unsigned)((word) >> 48 & 0xffff))

enum snapshot_rule_flag {
    SNAPSHOT_RULE_EXTENDED = 1,  /* the extension word follows */
    SNAPSHOT_RULE_SHIM_ONLY = 2, /* holds only for who can set a port */
    SNAPSHOT_RULE_NSS_ONLY = 4,  /* holds only for who cannot */
    SNAPSHOT_RULE_LISTED = 8,    /* not sorted by family; the v6 words cover all destinations */
};

#define SNAPSHOT_EXTENSION(words, apps, canonical_length, uids)                                    \
    ((uint64_t)(words) | (uint64_t)(apps) << 32 | (uint64_t)(canonical_length) << 40 |             \
     (uint64_t)(uids) << 48)
#define SNAPSHOT_EXTENSION_WORDS(word)     ((uint32_t)(word))
#define SNAPSHOT_EXTENSION_APPS(word)      ((uint8_t)((word) >> 32))
#define SNAPSHOT_EXTENSION_CANONICAL(word) ((uint8_t)((word) >> 40))
#define SNAPSHOT_EXTENSION_UIDS(word)      ((uint16_t)((word) >> 48))

/* A destination's address word. */
#define SNAPSHOT_ADDRESS(v4, port, flags)                                                          \
    ((uint64_t)(v4) | (uint64_t)(port) << 32 | (uint64_t)(flags) << 48)
#define SNAPSHOT_ADDRESS_V4(word)    ((uint32_t)(word))
#define SNAPSHOT_ADDRESS_PORT(word)  ((uint16_t)((word) >> 32)) /* host order; 0 = the service's */
#define SNAPSHOT_ADDRESS_FLAGS(word) ((uint16_t)((word) >> 48))
#define SNAPSHOT_HAS_V4              1
#define SNAPSHOT_HAS_V6              2

/* A column word: keep:32 | alias:16 | weight:16, see COLUMNS. */
#define SNAPSHOT_COLUMN(keep, alias, weight)                                                       \
    ((uint64_t)(keep) | (uint64_t)(alias) << 32 | (uint64_t)(weight) << 48)
#define SNAPSHOT_COLUMN_KEEP(word)   ((uint32_t)(word))
#define SNAPSHOT_COLUMN_ALIAS(word)  ((uint16_t)((word) >> 32))
#define SNAPSHOT_COLUMN_WEIGHT(word) ((uint16_t)((word) >> 48))
