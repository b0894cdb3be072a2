/* writes_count.h - counts what the writer stores into the file: its MAPPING_NOTE. */
#pragma once

#include <stdint.h>

extern uint64_t writes_stored; /* bytes; in writes.c */

#define WRITES_COUNT(word) (writes_stored += sizeof(*(word)))
