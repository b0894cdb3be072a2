/* api_slow.c - shuts HTTP connections whose request takes too long. A list under a lock. */
#include "api_slow.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "clock.h"

struct api_slow_entry {
    LIST_ENTRY(api_slow_entry) link;
    int fd;
    uint64_t since_ms;
    bool is_held;
};

struct api_slow {
    pthread_mutex_t lock;
    LIST_HEAD(, api_slow_entry) entries;
};

struct api_slow *api_slow_new(void)
{
    struct api_slow *slow = calloc(1, sizeof(*slow));

    if (slow) {
        (void)pthread_mutex_init(&slow->lock, NULL);
        LIST_INIT(&slow->entries);
    }
    return slow;
}

void api_slow_free(struct api_slow *slow)
{
    if (!slow)
        return;
    while (!LIST_EMPTY(&slow->entries)) {
        struct api_slow_entry *entry = LIST_FIRST(&slow->entries);

        LIST_REMOVE(entry, link);
        free(entry);
    }
    (void)pthread_mutex_destroy(&slow->lock);
    free(slow);
}

struct api_slow_entry *api_slow_begin(struct api_slow *slow, int fd)
{
    struct api_slow_entry *entry = calloc(1, sizeof(*entry));

    if (!entry)
        return NULL;
    *entry = (struct api_slow_entry){.fd = fd, .since_ms = clock_boot_ms()};
    (void)pthread_mutex_lock(&slow->lock);
    LIST_INSERT_HEAD(&slow->entries, entry, link);
    (void)pthread_mutex_unlock(&slow->lock);
    return entry;
}

void api_slow_end(struct api_slow *slow, struct api_slow_entry *entry)
{
    if (!entry)
        return;
    (void)pthread_mutex_lock(&slow->lock);
    LIST_REMOVE(entry, link);
    (void)pthread_mutex_unlock(&slow->lock);
    free(entry);
}

void api_slow_restart(struct api_slow *slow, struct api_slow_entry *entry)
{
    if (!entry)
        return;
    (void)pthread_mutex_lock(&slow->lock);
    entry->since_ms = clock_boot_ms();
    (void)pthread_mutex_unlock(&slow->lock);
}

void api_slow_hold(struct api_slow *slow, struct api_slow_entry *entry, bool is_held)
{
    if (!entry)
        return;
    (void)pthread_mutex_lock(&slow->lock);
    entry->is_held = is_held;
    (void)pthread_mutex_unlock(&slow->lock);
}

unsigned api_slow_shut(struct api_slow *slow, uint64_t limit_ms)
{
    uint64_t now_ms = clock_boot_ms();
    struct api_slow_entry *entry;
    unsigned count = 0;

    (void)pthread_mutex_lock(&slow->lock);
    LIST_FOREACH(entry, &slow->entries, link)
    {
        /* The descriptor is open as long as the entry is listed. */
        if (entry->is_held || now_ms - entry->since_ms < limit_ms)
            continue;
        (void)shutdown(entry->fd, SHUT_RDWR);
        entry->since_ms = now_ms;
        count++;
    }
    (void)pthread_mutex_unlock(&slow->lock);
    return count;
}
