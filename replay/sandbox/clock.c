/* The replayed session's clock and dice, for every dynamically linked program in the sandbox (ld.so.preload).
 *
 * Time stands at the instant that the player set for the step and moves only by what programs ask for: a sleep or
 * an expired timeout advances it by its length for everybody, each look at a clock by a microsecond for the process
 * that looks (so a loop that waits for the clock ends). So durations are the same in every run. What waits is in
 * sleeps.c. File times of this session are shown as the instant of the step that wrote them. Random bytes come from
 * a generator seeded per process number.
 *
 * All through one shared page at PAGE_PATH. Without it every call passes through untouched. Static binaries and
 * direct system calls are out of reach.
 */
#include "clock.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_PATH "/run/reenact/clock"
#define MAGIC 0x314b434c4b4e5452ull
#define MAGIC_RUNNING 0x524b434c4b4e5452ull
#define TICK 1000ll
#define MONOTONIC_START (10 * SECOND) /* below any real uptime: a deadline that escapes us is past, never far off */

struct page *page;
static struct page *run; /* of a clock that runs: its wall clock shows `start - origin` more than the machine's */
static _Atomic int64_t ticks;
static _Atomic uint64_t ticked_step;

__attribute__((constructor)) static void begin(void) {
    int saved = errno;
    int fd = open(PAGE_PATH, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        struct page *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED && p->magic == MAGIC) page = p;
        else if (p != MAP_FAILED && p->magic == MAGIC_RUNNING) run = p;
        close(fd);
    }
    errno = saved;
}

int64_t to_ns(const struct timespec *t) {
    return t->tv_sec >= FOREVER / SECOND ? FOREVER : t->tv_sec * SECOND + t->tv_nsec;
}
struct timespec from_ns(int64_t ns) {
    if (ns < 0) ns = 0;
    return (struct timespec){ns / SECOND, ns % SECOND};
}
int64_t real_clock(clockid_t id) {
    struct timespec t;
    syscall(SYS_clock_gettime, id, &t);
    return to_ns(&t);
}

static int64_t tick(int64_t by) {
    uint64_t step = atomic_load(&page->step);
    if (atomic_exchange(&ticked_step, step) != step) atomic_store(&ticks, 0);
    return atomic_fetch_add(&ticks, by) + by;
}
static int64_t shown_now(int64_t by) {
    int64_t own = tick(by);
    return page->shown + atomic_load(&page->elapsed) + own;
}
int is_wall(clockid_t id) { return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI; }
int is_steady(clockid_t id) {
    return id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_MONOTONIC_RAW || id == CLOCK_BOOTTIME;
}
int64_t shown(clockid_t id, int64_t by) {
    int64_t now = shown_now(by);
    return is_steady(id) ? now - page->start + MONOTONIC_START : now;
}

/* A wait of `length` that began when `before` ns of the step had passed is over. */
void advance(uint64_t step, int64_t before, int64_t length) {
    if (!page || length <= 0 || atomic_load(&page->step) != step) return;
    int64_t target = before + length, now = atomic_load(&page->elapsed);
    while (now < target && !atomic_compare_exchange_weak(&page->elapsed, &now, target)) {}
    if (now < target) {
        struct moment *moment = &page->ring[atomic_fetch_add(&page->moments, 1) % MOMENTS];
        *moment = (struct moment){real_clock(CLOCK_REALTIME), page->shown + target};
    }
}

int64_t wall_shift(void) { return run ? run->start - run->origin : 0; }
static int running(clockid_t id, struct timespec *t) {
    static __typeof__(&clock_gettime) real;
    if (!real) real = REAL(clock_gettime);
    int result = real(id, t);
    if (!result && run && is_wall(id)) *t = from_ns(to_ns(t) + wall_shift());
    return result;
}

/* -- clocks ------------------------------------------------------------------------------------------------ */

int clock_gettime(clockid_t id, struct timespec *t) {
    if (page && (is_wall(id) || is_steady(id))) *t = from_ns(shown(id, TICK));
    else if (page && (id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID)) *t = from_ns(tick(TICK));
    else return running(id, t);
    return 0;
}
int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    if (!page && !run) return (int)syscall(SYS_gettimeofday, t, zone);
    struct timespec now;
    if (page) now = from_ns(shown_now(TICK));
    else running(CLOCK_REALTIME, &now);
    *t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    if (zone) memset(zone, 0, sizeof(struct timezone));
    return 0;
}
time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}
int timespec_get(struct timespec *t, int base) {
    if (base != TIME_UTC) return 0;
    clock_gettime(CLOCK_REALTIME, t);
    return base;
}
clock_t clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (clock_t)(to_ns(&t) / 1000);
}

/* Processor time differs in every run: programs see none, but for their looks at it. */
static void no_time(struct rusage *usage) {
    if (!page || !usage) return;
    usage->ru_utime = usage->ru_stime = (struct timeval){0, 0};
}
int getrusage(__rusage_who_t who, struct rusage *usage) {
    int result = (int)syscall(SYS_getrusage, who, usage);
    if (result == 0) no_time(usage);
    return result;
}
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage) {
    pid_t result = REAL(wait4)(pid, status, options, usage);
    if (result > 0) no_time(usage);
    return result;
}
pid_t wait3(int *status, int options, struct rusage *usage) { return wait4(-1, status, options, usage); }
clock_t times(struct tms *t) {
    if (!page) return (clock_t)syscall(SYS_times, t);
    if (t) *t = (struct tms){0, 0, 0, 0};
    return (clock_t)(shown(CLOCK_MONOTONIC, 0) / (SECOND / 100));
}

/* -- file times -------------------------------------------------------------------------------------------- */

static void show_time(int64_t *seconds, int64_t *ns) {
    uint64_t end = atomic_load(&page->moments), begin = end > MOMENTS ? end - MOMENTS : 0;
    int64_t at = *seconds * SECOND + *ns;
    if (end == 0 || at < page->origin) return;
    at += 8000000; /* the kernel stamps files with a clock that lags by up to two ticks of 4 ms */
    uint64_t low = begin, high = end - 1;
    while (low < high) {
        uint64_t middle = (low + high + 1) / 2;
        if (page->ring[middle % MOMENTS].real <= at) low = middle;
        else high = middle - 1;
    }
    struct timespec t = from_ns(page->ring[low % MOMENTS].shown);
    *seconds = t.tv_sec;
    *ns = t.tv_nsec;
}
static void show_timespec(struct timespec *t) {
    int64_t s = t->tv_sec, ns = t->tv_nsec;
    show_time(&s, &ns);
    *t = (struct timespec){s, ns};
}
#define SHOW_STAT(call)                  \
    int result = call;                   \
    if (result == 0 && page) {           \
        show_timespec(&s->st_atim);      \
        show_timespec(&s->st_mtim);      \
        show_timespec(&s->st_ctim);      \
    }                                    \
    return result
int stat(const char *restrict path, struct stat *restrict s) { SHOW_STAT(REAL(stat)(path, s)); }
int lstat(const char *restrict path, struct stat *restrict s) { SHOW_STAT(REAL(lstat)(path, s)); }
int fstat(int fd, struct stat *s) { SHOW_STAT(REAL(fstat)(fd, s)); }
int fstatat(int fd, const char *restrict path, struct stat *restrict s, int f) { SHOW_STAT(REAL(fstatat)(fd, path, s, f)); }
int stat64(const char *restrict path, struct stat64 *restrict s) { SHOW_STAT(REAL(stat64)(path, s)); }
int lstat64(const char *restrict path, struct stat64 *restrict s) { SHOW_STAT(REAL(lstat64)(path, s)); }
int fstat64(int fd, struct stat64 *s) { SHOW_STAT(REAL(fstat64)(fd, s)); }
int fstatat64(int fd, const char *restrict path, struct stat64 *restrict s, int f) { SHOW_STAT(REAL(fstatat64)(fd, path, s, f)); }
/* Binaries linked before glibc 2.33 call these. */
int __xstat(int v, const char *path, struct stat *s) { (void)v; return stat(path, s); }
int __lxstat(int v, const char *path, struct stat *s) { (void)v; return lstat(path, s); }
int __fxstat(int v, int fd, struct stat *s) { (void)v; return fstat(fd, s); }
int __xstat64(int v, const char *path, struct stat64 *s) { (void)v; return stat64(path, s); }
int __lxstat64(int v, const char *path, struct stat64 *s) { (void)v; return lstat64(path, s); }
int __fxstat64(int v, int fd, struct stat64 *s) { (void)v; return fstat64(fd, s); }
static void show_statx(struct statx_timestamp *t) {
    int64_t s = t->tv_sec, ns = t->tv_nsec;
    show_time(&s, &ns);
    t->tv_sec = s;
    t->tv_nsec = (uint32_t)ns;
}
int statx(int fd, const char *restrict path, int flags, unsigned mask, struct statx *restrict s) {
    int result = REAL(statx)(fd, path, flags, mask, s);
    if (result == 0 && page) {
        show_statx(&s->stx_atime);
        show_statx(&s->stx_btime);
        show_statx(&s->stx_ctime);
        show_statx(&s->stx_mtime);
    }
    return result;
}
/* -- dice -------------------------------------------------------------------------------------------------- */

static void roll(void *out, size_t length) {
    static _Atomic uint64_t rolled;
    unsigned char *bytes = out;
    uint64_t own = page->seed ^ (uint64_t)getpid() * 0x9e3779b97f4a7c15ull;
    while (length) { /* splitmix64, one stream per process number */
        uint64_t z = own + (atomic_fetch_add(&rolled, 1) + 1) * 0x9e3779b97f4a7c15ull;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        z ^= z >> 31;
        size_t n = length < sizeof z ? length : sizeof z;
        memcpy(bytes, &z, n);
        bytes += n;
        length -= n;
    }
}
ssize_t getrandom(void *out, size_t length, unsigned flags) {
    if (!page || !page->seed) return syscall(SYS_getrandom, out, length, flags);
    roll(out, length);
    return (ssize_t)length;
}
int getentropy(void *out, size_t length) {
    if (length > 256) {
        errno = EIO;
        return -1;
    }
    return getrandom(out, length, 0) == (ssize_t)length ? 0 : -1;
}
uint32_t arc4random(void) {
    uint32_t value;
    getrandom(&value, sizeof value, 0);
    return value;
}
void arc4random_buf(void *out, size_t length) { getrandom(out, length, 0); }
