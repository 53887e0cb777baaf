/* What the parts of the preloaded library share: the page, and how time is told from it. `page.py` knows this layout. */
#ifndef REENACT_CLOCK_H
#define REENACT_CLOCK_H
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define MOMENTS 65536
#define SLEEPERS 256
#define ALARMS 64
#define SECOND 1000000000ll
#define FOREVER (4000000000ll * SECOND) /* longer than anybody waits, and no sum of it and a date overflows */

struct moment { int64_t real, shown; }; /* from this real CLOCK_REALTIME on, that much was shown */

struct sleeper {
    _Atomic int32_t thread; /* 0: free. Who was killed asleep stays, until its place is needed. */
    _Atomic uint32_t due;   /* the player sets it when it skipped so much that this sleep is over */
    int64_t deadline;       /* real CLOCK_MONOTONIC plus what had been skipped */
    int64_t shown;          /* shown time at the deadline */
    uint64_t word;          /* address of `due` in this process */
};
struct alarm {
    _Atomic int32_t process;
    int32_t unused;
    _Atomic int64_t until;  /* real CLOCK_MONOTONIC */
};

struct page {
    uint64_t magic;
    uint64_t seed;
    int64_t start;             /* shown time at the session's start */
    int64_t shown;             /* shown time at the step's start */
    _Atomic int64_t elapsed;   /* shown ns since then, of sleeps and expired timeouts */
    _Atomic uint64_t step;
    _Atomic uint64_t moments;  /* how many were written; the last MOMENTS of them stand in the ring */
    int64_t origin;            /* real CLOCK_REALTIME at the session's start; older file times are shown as they are */
    _Atomic int64_t skipped;   /* real ns that the player skipped so far */
    _Atomic uint64_t unsure;   /* something waits that the player cannot see: nothing may be skipped any more */
    struct sleeper sleepers[SLEEPERS];
    struct alarm alarms[ALARMS];
    struct moment ring[MOMENTS];
};

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#pragma GCC visibility push(hidden)
extern struct page *page; /* NULL where there is none */
int64_t to_ns(const struct timespec *t);
struct timespec from_ns(int64_t ns);
int64_t real_clock(clockid_t id);
int64_t wall_shift(void); /* of a clock that runs: by how much it shows another time of day than the machine's */
int64_t shown(clockid_t id, int64_t by); /* a look at the clock, which costs `by` */
int is_wall(clockid_t id);
int is_steady(clockid_t id);
void advance(uint64_t step, int64_t before, int64_t length);
#pragma GCC visibility pop

#define WAIT_BEGINS                                      \
    uint64_t step_ = page ? atomic_load(&page->step) : 0; \
    int64_t before_ = page ? atomic_load(&page->elapsed) : 0
#define WAIT_ENDS(length) advance(step_, before_, length)

#endif
