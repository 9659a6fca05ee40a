/* SPDX-License-Identifier: Apache-2.0 */
/* shim.c — a library to be preloaded (LD_PRELOAD), which stands between the program and the C library and misbehaves as
 * the environment says. Trials are spared: what is tested is who must survive.
 *
 *   FAULT_CLOCK=1            the time of day jumps by up to years, back or forward, whenever it is read
 *   FAULT_ALLOCATION=N       the N-th allocation after main began fails; with N+ all from there on
 *   FAULT_COUNT=FILE         how many allocations there were goes to FILE when main returns
 *   FAULT_FILE_SYSTEM=MAGIC  every folder lies on a file system of this number */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* glibc's own names of what is replaced here. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

typedef int main_function(int argc, char **argv, char **environment);
int __libc_start_main(main_function *real, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*rtld)(void),
                      void *stack);

static main_function *real_main;
static bool begun, onwards;
static long allocations, fails_at;

/* ---- allocations ---- */

static bool fails(void)
{
    long n;
    if (!begun)
        return false;
    n = __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    if (fails_at == 0 || (onwards ? n < fails_at : n != fails_at))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

/* ---- the time of day ---- */

/* Up to four years either way, by a congruential generator. */
static long jump(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return getenv("FAULT_CLOCK") ? (long)(state >> 36) - (1L << 27) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    long rc = syscall(SYS_clock_gettime, clock, out);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        out->tv_sec += jump();
    return (int)rc;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

/* ---- file systems ---- */

int statfs(const char *path, struct statfs *out)
{
    const char *magic = getenv("FAULT_FILE_SYSTEM");
    long rc = syscall(SYS_statfs, path, out);
    if (rc == 0 && magic)
        out->f_type = (__typeof__(out->f_type))strtoul(magic, NULL, 0);
    return (int)rc;
}

/* ---- the beginning and the end ---- */

static void write_count(const char *path)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", allocations), fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        _exit(99);
    (void)close(fd);
}

static int wrapped_main(int argc, char **argv, char **environment)
{
    const char *at = getenv("FAULT_ALLOCATION"), *count = getenv("FAULT_COUNT");
    bool spared = argc > 1 && strcmp(argv[1], "__trial") == 0;
    int code;
    if (at && !spared) {
        fails_at = strtol(at, NULL, 10);
        onwards = strchr(at, '+') != NULL;
    }
    begun = true;
    code = real_main(argc, argv, environment);
    begun = false;
    if (count && !spared)
        write_count(count);
    return code;
}

int __libc_start_main(main_function *real, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*rtld)(void),
                      void *stack)
{
    int (*start)(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *) = NULL;
    extern void *dlsym(void *handle, const char *name);
    real_main = real;
    *(void **)&start = dlsym((void *)-1L, "__libc_start_main"); /* RTLD_NEXT */
    return start(wrapped_main, argc, argv, init, fini, rtld, stack);
}
