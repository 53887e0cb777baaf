/* The replayed session's clock and dice, for every dynamically linked program in the sandbox (ld.so.preload).
 *
 * Time stands at the instant that the player set for the step and moves only by what programs ask for: a sleep or
 * an expired timeout advances it by its length for everybody, each look at a clock by a microsecond for the process
 * that looks (so a loop that waits for the clock ends). So durations are the same in every run. Real waiting stays
 * real: the order in which processes wake does not change. File times of this session are shown as the instant of
 * the step that wrote them. Random bytes come from a generator seeded per process number.
 *
 * All through one shared page at PAGE_PATH. Without it every call passes through untouched. Static binaries and
 * direct system calls are out of reach.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE_PATH "/run/reenact/clock"
#define MAGIC 0x314b434c4b4e5452ull
#define MOMENTS 65536
#define SECOND 1000000000ll
#define TICK 1000ll
#define MONOTONIC_START (10 * SECOND) /* below any real uptime: a deadline that escapes us is past, never far off */

struct moment { int64_t real, shown; }; /* from this real CLOCK_REALTIME on, that much was shown */

struct page {
    uint64_t magic;
    uint64_t seed;
    int64_t start;             /* shown time at the session's start */
    int64_t shown;             /* shown time at the step's start */
    _Atomic int64_t elapsed;   /* shown ns since then, of sleeps and expired timeouts */
    _Atomic uint64_t step;
    _Atomic uint64_t moments;  /* how many were written; the last MOMENTS of them stand in the ring */
    int64_t origin;            /* real CLOCK_REALTIME at the session's start; older file times are shown as they are */
    struct moment ring[MOMENTS];
};

static struct page *page;
static _Atomic int64_t ticks;
static _Atomic uint64_t ticked_step;

#define REAL(name) ((__typeof__(&name))next(#name))
static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    int saved = errno;
    int fd = open(PAGE_PATH, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        struct page *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED && p->magic == MAGIC) page = p;
        close(fd);
    }
    errno = saved;
}

static int64_t to_ns(const struct timespec *t) { return t->tv_sec * SECOND + t->tv_nsec; }
static struct timespec from_ns(int64_t ns) {
    if (ns < 0) ns = 0;
    return (struct timespec){ns / SECOND, ns % SECOND};
}
static int64_t real_clock(clockid_t id) {
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
static int is_wall(clockid_t id) { return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI; }
static int is_steady(clockid_t id) {
    return id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_MONOTONIC_RAW || id == CLOCK_BOOTTIME;
}
static int64_t shown(clockid_t id, int64_t by) {
    int64_t now = shown_now(by);
    return is_steady(id) ? now - page->start + MONOTONIC_START : now;
}

/* A wait of `length` that began when `before` ns of the step had passed is over. */
static void advance(uint64_t step, int64_t before, int64_t length) {
    if (!page || length <= 0 || atomic_load(&page->step) != step) return;
    int64_t target = before + length, now = atomic_load(&page->elapsed);
    while (now < target && !atomic_compare_exchange_weak(&page->elapsed, &now, target)) {}
    if (now < target) {
        struct moment *moment = &page->ring[atomic_fetch_add(&page->moments, 1) % MOMENTS];
        *moment = (struct moment){real_clock(CLOCK_REALTIME), page->shown + target};
    }
}
#define WAIT_BEGINS                                      \
    uint64_t step_ = page ? atomic_load(&page->step) : 0; \
    int64_t before_ = page ? atomic_load(&page->elapsed) : 0
#define WAIT_ENDS(length) advance(step_, before_, length)

/* -- clocks ------------------------------------------------------------------------------------------------ */

int clock_gettime(clockid_t id, struct timespec *t) {
    if (page && (is_wall(id) || is_steady(id))) *t = from_ns(shown(id, TICK));
    else if (page && (id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID)) *t = from_ns(tick(TICK));
    else return (int)syscall(SYS_clock_gettime, id, t);
    return 0;
}
int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    if (!page) return (int)syscall(SYS_gettimeofday, t, zone);
    struct timespec now = from_ns(shown_now(TICK));
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

/* -- sleeps ------------------------------------------------------------------------------------------------ */

int clock_nanosleep(clockid_t id, int flags, const struct timespec *want, struct timespec *left) {
    if (!page || !(is_wall(id) || is_steady(id))) return REAL(clock_nanosleep)(id, flags, want, left);
    WAIT_BEGINS;
    int64_t length = to_ns(want);
    if (flags & TIMER_ABSTIME) length -= shown(id, 0);
    if (length <= 0) return 0;
    struct timespec relative = from_ns(length);
    int result = REAL(clock_nanosleep)(CLOCK_MONOTONIC, 0, &relative, left);
    if (result == 0) WAIT_ENDS(length);
    return result;
}
int nanosleep(const struct timespec *want, struct timespec *left) {
    int result = clock_nanosleep(CLOCK_REALTIME, 0, want, left);
    if (result == 0) return 0;
    errno = result;
    return -1;
}
int usleep(useconds_t us) {
    struct timespec want = from_ns((int64_t)us * 1000);
    return nanosleep(&want, NULL);
}
unsigned sleep(unsigned seconds) {
    struct timespec want = {seconds, 0}, left = {0, 0};
    return nanosleep(&want, &left) == 0 ? 0 : (unsigned)(left.tv_sec + (left.tv_nsec >= SECOND / 2));
}

/* -- waits with a timeout ---------------------------------------------------------------------------------- */

int poll(struct pollfd *fds, nfds_t n, int ms) {
    WAIT_BEGINS;
    int result = REAL(poll)(fds, n, ms);
    if (result == 0 && ms > 0) WAIT_ENDS(ms * 1000000ll);
    return result;
}
int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask) {
    WAIT_BEGINS;
    int result = REAL(ppoll)(fds, n, limit, mask);
    if (result == 0 && limit) WAIT_ENDS(to_ns(limit));
    return result;
}
int select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *limit) {
    WAIT_BEGINS;
    int64_t length = limit ? limit->tv_sec * SECOND + limit->tv_usec * 1000ll : 0;
    int result = REAL(select)(n, r, w, e, limit);
    if (result == 0) WAIT_ENDS(length);
    return result;
}
int pselect(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *limit, const sigset_t *mask) {
    WAIT_BEGINS;
    int result = REAL(pselect)(n, r, w, e, limit, mask);
    if (result == 0 && limit) WAIT_ENDS(to_ns(limit));
    return result;
}
int epoll_pwait(int fd, struct epoll_event *events, int n, int ms, const sigset_t *mask) {
    WAIT_BEGINS;
    int result = REAL(epoll_pwait)(fd, events, n, ms, mask);
    if (result == 0 && ms > 0) WAIT_ENDS(ms * 1000000ll);
    return result;
}
int epoll_wait(int fd, struct epoll_event *events, int n, int ms) { return epoll_pwait(fd, events, n, ms, NULL); }

/* Deadlines come on the shown clock; the kernel wants them on the real one. */
static struct timespec real_deadline(clockid_t id, const struct timespec *deadline, int64_t *length) {
    *length = to_ns(deadline) - shown(id, 0);
    return from_ns(real_clock(id) + *length);
}
int sem_clockwait(sem_t *sem, clockid_t id, const struct timespec *deadline) {
    if (!page) return REAL(sem_clockwait)(sem, id, deadline);
    WAIT_BEGINS;
    int64_t length;
    struct timespec real = real_deadline(id, deadline, &length);
    int result = REAL(sem_clockwait)(sem, id, &real);
    if (result < 0 && errno == ETIMEDOUT) WAIT_ENDS(length);
    return result;
}
int sem_timedwait(sem_t *sem, const struct timespec *deadline) { return sem_clockwait(sem, CLOCK_REALTIME, deadline); }
int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t id, const struct timespec *deadline) {
    if (!page) return REAL(pthread_cond_clockwait)(c, m, id, deadline);
    WAIT_BEGINS;
    int64_t length;
    struct timespec real = real_deadline(id, deadline, &length);
    int result = REAL(pthread_cond_clockwait)(c, m, id, &real);
    if (result == ETIMEDOUT) WAIT_ENDS(length);
    return result;
}
int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *deadline) {
    if (!page) return REAL(pthread_cond_timedwait)(c, m, deadline);
    /* The condition does not tell its clock. A deadline is within days of the clock that it was made from. */
    clockid_t id = to_ns(deadline) > shown(CLOCK_REALTIME, 0) / 2 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    return pthread_cond_clockwait(c, m, id, deadline);
}
int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old) {
    if (!page || !(flags & TFD_TIMER_ABSTIME) || (!new->it_value.tv_sec && !new->it_value.tv_nsec))
        return REAL(timerfd_settime)(fd, flags, new, old);
    int64_t at = to_ns(&new->it_value);
    clockid_t id = at > shown(CLOCK_REALTIME, 0) / 2 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    int64_t length = at - shown(id, 0);
    struct itimerspec relative = {new->it_interval, from_ns(length > 0 ? length : 1)};
    return REAL(timerfd_settime)(fd, 0, &relative, old);
}

/* -- file times -------------------------------------------------------------------------------------------- */

static void show_time(int64_t *seconds, int64_t *ns) {
    uint64_t end = atomic_load(&page->moments), begin = end > MOMENTS ? end - MOMENTS : 0;
    int64_t at = *seconds * SECOND + *ns;
    if (end == 0 || at < page->origin) return;
    at += 4000000; /* the kernel stamps files with a clock that lags by up to a tick of 4 ms */
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
