/* storage.c - a library with static thread storage, of which a process has little for libraries
 * that are loaded later. */
_Thread_local char storage[64] __attribute__((tls_model("initial-exec"), visibility("default")));

char *storage_here(void);

__attribute__((visibility("default"))) char *storage_here(void)
{
    return storage;
}
