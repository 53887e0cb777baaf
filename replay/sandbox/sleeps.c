/* All that waits in the replayed session's programs: sleeps, timeouts, alarms.
 *
 * Each that ends by its time advances the shown clock by its length. Waiting is real, but for sleeps that wait for
 * nothing but time: these wait on a word of the page, with the time that they wait for written beside it, so that the
 * player may end them all earlier by the same when nothing else could happen (`sleepers.py`). What it cannot see from outside
 * (alarms, limits on sockets) is noted in the page too.
 */
#include "clock.h"
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <threads.h>
#include <unistd.h>

/* -- sleeps ------------------------------------------------------------------------------------------------ */

static __thread struct sleeper *bed __attribute__((tls_model("initial-exec")));

/* A place in the page for the calling thread; NULL when all are taken. A signal's handler that sleeps while its
 * thread does, or a sleep that was left by longjmp, still has one. Who was killed asleep needs none any more. */
static struct sleeper *lie_down(void) {
    int32_t self = (int32_t)syscall(SYS_gettid);
    if (bed && atomic_load(&bed->thread) == self) return bed;
    for (unsigned i = 0; i < 2 * SLEEPERS; i++) {
        struct sleeper *place = &page->sleepers[((unsigned)self + i) % SLEEPERS];
        int32_t other = atomic_load(&place->thread);
        if (other && (i < SLEEPERS || syscall(SYS_kill, other, 0) == 0 || errno != ESRCH)) continue;
        if (atomic_compare_exchange_strong(&place->thread, &other, self)) return place;
    }
    return NULL;
}

/* Sleeps for `length`: 0, or EINTR with what is left of it, or -1 when it did not sleep at all. It waits once: a
 * signal that came between two waits would be lost. Only who was woken for another waits again. */
static int doze(int64_t length, int64_t *left) {
    if (!page) return -1;
    int saved = errno, type;
    struct sleeper *outer = bed, *place = lie_down();
    if (!place) {
        errno = saved;
        return -1;
    }
    int nested = place == outer;
    int64_t outer_deadline = place->deadline, outer_shown = place->shown;
    int64_t deadline = real_clock(CLOCK_MONOTONIC) + atomic_load(&page->skipped) + length;
    place->deadline = deadline;
    place->shown = page->shown + atomic_load(&page->elapsed) + length;
    place->word = (uint64_t)(uintptr_t)&place->due;
    atomic_store(&place->due, 0);
    bed = place;
    int result = 0;
    *left = length;
    while (!result && *left > 0) {
        struct timespec limit = from_ns(*left);
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type); /* sleeps are where threads may be cancelled */
        long ended = syscall(SYS_futex, &place->due, FUTEX_WAIT, 0, &limit, NULL, 0);
        if (ended < 0 && errno == EINTR) result = EINTR;
        pthread_setcanceltype(type, NULL);
        atomic_store(&place->due, 0);
        *left = deadline - real_clock(CLOCK_MONOTONIC) - atomic_load(&page->skipped);
    }
    if (*left < 0) *left = 0;
    if (nested) {
        place->deadline = outer_deadline;
        place->shown = outer_shown;
    } else {
        bed = outer;
        atomic_store(&place->thread, 0);
    }
    errno = saved;
    return result;
}

static int sane(const struct timespec *t) { return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < SECOND; }

/* Deadlines come on the shown clock; the kernel wants them on the real one. */
static struct timespec real_deadline(clockid_t id, const struct timespec *deadline, int64_t *length) {
    if (!sane(deadline)) return *deadline;
    if (!page) return is_wall(id) ? from_ns(to_ns(deadline) - wall_shift()) : *deadline;
    *length = to_ns(deadline) - shown(id, 0);
    return from_ns(real_clock(id) + *length);
}
/* A condition and a timer do not tell their clock. A deadline is within days of the clock that it was made from. */
static clockid_t clock_of(const struct timespec *deadline) {
    int64_t now = page ? shown(CLOCK_REALTIME, 0) : real_clock(CLOCK_REALTIME) + wall_shift();
    return to_ns(deadline) > now / 2 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
}

int clock_nanosleep(clockid_t id, int flags, const struct timespec *want, struct timespec *left) {
    if (!page || !(is_wall(id) || is_steady(id)) || !sane(want)) {
        struct timespec real = !page && flags & TIMER_ABSTIME ? real_deadline(id, want, NULL) : *want;
        return REAL(clock_nanosleep)(id, flags, &real, left);
    }
    WAIT_BEGINS;
    int64_t length = to_ns(want), remains;
    if (flags & TIMER_ABSTIME) length -= shown(id, 0);
    if (length <= 0) return 0;
    int result = doze(length, &remains);
    if (result < 0) {
        struct timespec relative = from_ns(length), rest;
        result = REAL(clock_nanosleep)(CLOCK_MONOTONIC, 0, &relative, &rest);
        remains = result == EINTR ? to_ns(&rest) : 0;
    }
    if (result == EINTR && left && !(flags & TIMER_ABSTIME)) *left = from_ns(remains);
    if (result == 0) WAIT_ENDS(length);
    return result;
}
int nanosleep(const struct timespec *want, struct timespec *left) {
    int result = clock_nanosleep(CLOCK_REALTIME, 0, want, left);
    if (result == 0) return 0;
    errno = result;
    return -1;
}
int thrd_sleep(const struct timespec *want, struct timespec *left) {
    int result = clock_nanosleep(CLOCK_REALTIME, 0, want, left);
    return result == 0 ? 0 : result == EINTR ? -1 : -2;
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

/* A wait for no descriptor is a sleep. Returns as `select` does, or 1 when it must be waited otherwise. */
static int only_time(int64_t length, int64_t *left) {
    if (length <= 0) return 1;
    WAIT_BEGINS;
    int result = doze(length, left);
    if (result < 0) return 1;
    if (result == 0) {
        WAIT_ENDS(length);
        return 0;
    }
    errno = result;
    return -1;
}

int poll(struct pollfd *fds, nfds_t n, int ms) {
    int64_t left;
    int result = n ? 1 : only_time(ms * 1000000ll, &left);
    if (result <= 0) return result;
    WAIT_BEGINS;
    result = REAL(poll)(fds, n, ms);
    if (result == 0 && ms > 0) WAIT_ENDS(ms * 1000000ll);
    return result;
}
int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask) {
    int64_t left;
    int result = n || mask || !limit || !sane(limit) ? 1 : only_time(to_ns(limit), &left);
    if (result <= 0) return result;
    WAIT_BEGINS;
    result = REAL(ppoll)(fds, n, limit, mask);
    if (result == 0 && limit) WAIT_ENDS(to_ns(limit));
    return result;
}
int select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *limit) {
    int64_t length = 0, left;
    if (limit && limit->tv_sec >= 0 && limit->tv_usec >= 0 && limit->tv_usec < 1000000) {
        struct timespec t = {limit->tv_sec, limit->tv_usec * 1000};
        length = to_ns(&t);
    }
    int result = n && (r || w || e) ? 1 : only_time(length, &left);
    if (result <= 0) {
        *limit = (struct timeval){left / SECOND, left % SECOND / 1000};
        return result;
    }
    WAIT_BEGINS;
    result = REAL(select)(n, r, w, e, limit);
    if (result == 0) WAIT_ENDS(length);
    return result;
}
int pselect(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *limit, const sigset_t *mask) {
    int64_t left;
    int none = !n || !(r || w || e);
    int result = !none || mask || !limit || !sane(limit) ? 1 : only_time(to_ns(limit), &left);
    if (result <= 0) return result;
    WAIT_BEGINS;
    result = REAL(pselect)(n, r, w, e, limit, mask);
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

int sem_clockwait(sem_t *sem, clockid_t id, const struct timespec *deadline) {
    WAIT_BEGINS;
    int64_t length = 0;
    struct timespec real = real_deadline(id, deadline, &length);
    int result = REAL(sem_clockwait)(sem, id, &real);
    if (result < 0 && errno == ETIMEDOUT) WAIT_ENDS(length);
    return result;
}
int sem_timedwait(sem_t *sem, const struct timespec *deadline) { return sem_clockwait(sem, CLOCK_REALTIME, deadline); }
int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t id, const struct timespec *deadline) {
    WAIT_BEGINS;
    int64_t length = 0;
    struct timespec real = real_deadline(id, deadline, &length);
    int result = REAL(pthread_cond_clockwait)(c, m, id, &real);
    if (result == ETIMEDOUT) WAIT_ENDS(length);
    return result;
}
int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *deadline) {
    return pthread_cond_clockwait(c, m, clock_of(deadline), deadline);
}
int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old) {
    if (!(flags & TFD_TIMER_ABSTIME) || (!new->it_value.tv_sec && !new->it_value.tv_nsec))
        return REAL(timerfd_settime)(fd, flags, new, old);
    int64_t length = 0;
    struct timespec real = real_deadline(clock_of(&new->it_value), &new->it_value, &length);
    struct itimerspec absolute = {new->it_interval, real}, relative = {new->it_interval, from_ns(length > 0 ? length : 1)};
    if (!page) return REAL(timerfd_settime)(fd, flags, &absolute, old);
    return REAL(timerfd_settime)(fd, 0, &relative, old);
}

/* -- what the player cannot see from outside --------------------------------------------------------------- */

static void note_alarm(int64_t until) {
    if (!page) return;
    int32_t self = getpid();
    for (int i = 0; i < ALARMS; i++) {
        if (atomic_load(&page->alarms[i].process) != self) continue;
        atomic_store(&page->alarms[i].until, until);
        return;
    }
    if (!until) return;
    int64_t now = real_clock(CLOCK_MONOTONIC);
    for (int i = 0; i < ALARMS; i++) {
        struct alarm *place = &page->alarms[i];
        int32_t other = atomic_load(&place->process);
        if (other && atomic_load(&place->until) > now && (syscall(SYS_kill, other, 0) == 0 || errno != ESRCH)) continue;
        if (!atomic_compare_exchange_strong(&place->process, &other, self)) continue;
        atomic_store(&place->until, until);
        return;
    }
    atomic_store(&page->unsure, 1);
}
static int64_t alarm_at(int64_t first, int64_t interval) {
    return interval ? INT64_MAX : first ? real_clock(CLOCK_MONOTONIC) + first : 0;
}
/* Noted before it is set, so that it never goes off unnoted; a process of many threads sets its alarm from one. */
unsigned alarm(unsigned seconds) {
    int saved = errno;
    note_alarm(alarm_at(seconds * SECOND, 0));
    errno = saved;
    return REAL(alarm)(seconds);
}
useconds_t ualarm(useconds_t first, useconds_t interval) {
    note_alarm(alarm_at(first * 1000ll, interval));
    return REAL(ualarm)(first, interval);
}
int setitimer(__itimer_which_t which, const struct itimerval *restrict new, struct itimerval *restrict old) {
    if (which == ITIMER_REAL && new) {
        int64_t first = new->it_value.tv_sec * SECOND + new->it_value.tv_usec * 1000ll;
        int saved = errno;
        note_alarm(alarm_at(first, first ? new->it_interval.tv_sec + new->it_interval.tv_usec : 0));
        errno = saved;
    }
    return REAL(setitimer)(which, new, old);
}
/* A socket with a limit outlives its process in others that inherit it. */
int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
    if (page && level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) atomic_store(&page->unsure, 1);
    return REAL(setsockopt)(fd, level, name, value, length);
}
