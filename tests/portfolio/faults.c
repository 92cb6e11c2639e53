/* Faults of a disk, for tests: counts the calls that change files under a folder and, at the one that it was armed for,
   ends the process, ends it in the middle of a write, or says from then on that the disk is full. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { NEVER, KILL, TORN, FULL };
static int mode = NEVER;
static long at = 0, seen = 0;
static char under[4096];

void arm(int how, long when, const char *folder) {
    mode = how, at = when, seen = 0;
    strncpy(under, folder, sizeof under - 1);
}
long counted(void) { return seen; }

static int inside(const char *path) { return under[0] && strncmp(path, under, strlen(under)) == 0; }
static int inside_fd(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return inside(path);
}
/* 1: the call is to fail. */
static int counts(int torn_is_mine) {
    seen++;
    if (mode == KILL && seen == at) kill(getpid(), SIGKILL);
    if (mode == TORN && seen == at && !torn_is_mine) kill(getpid(), SIGKILL);
    return mode == FULL && seen >= at;
}
#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define WRITES(name) \
    ssize_t name(int fd, const void *bytes, size_t length) { \
        REAL(ssize_t, #name, int, const void *, size_t); \
        if (!inside_fd(fd)) return real(fd, bytes, length); \
        if (counts(1)) { errno = ENOSPC; return -1; } \
        if (mode == TORN && seen == at) { real(fd, bytes, length / 2); kill(getpid(), SIGKILL); } \
        return real(fd, bytes, length); \
    }
WRITES(write)
#define PWRITES(name, offset_type) \
    ssize_t name(int fd, const void *bytes, size_t length, offset_type offset) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        if (!inside_fd(fd)) return real(fd, bytes, length, offset); \
        if (counts(1)) { errno = ENOSPC; return -1; } \
        if (mode == TORN && seen == at) { real(fd, bytes, length / 2, offset); kill(getpid(), SIGKILL); } \
        return real(fd, bytes, length, offset); \
    }
PWRITES(pwrite, off_t)
PWRITES(pwrite64, off64_t)
#define SYNCS(name) \
    int name(int fd) { \
        REAL(int, #name, int); \
        if (inside_fd(fd) && counts(0)) { errno = ENOSPC; return -1; } \
        return real(fd); \
    }
SYNCS(fsync)
SYNCS(fdatasync)
int ftruncate(int fd, off_t length) {
    REAL(int, "ftruncate", int, off_t);
    if (inside_fd(fd)) counts(0);
    return real(fd, length);
}
int ftruncate64(int fd, off64_t length) {
    REAL(int, "ftruncate64", int, off64_t);
    if (inside_fd(fd)) counts(0);
    return real(fd, length);
}
int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    if (inside(path)) counts(0);
    return real(path);
}
int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    if (inside(to)) counts(0);
    return real(from, to);
}
#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list list; \
        va_start(list, flags); \
        mode_t bits = va_arg(list, mode_t); \
        va_end(list); \
        if ((flags & O_CREAT) && inside(path) && counts(0)) { errno = ENOSPC; return -1; } \
        return real(path, flags, bits); \
    }
OPENS(open)
OPENS(open64)
