// zx_clock_get, zx_clock_get_new, zx_clock_get_monotonic, zx_ticks_get, zx_ticks_per_second, zx_deadline_after,
// zx_nanosleep
#define _GNU_SOURCE
#include "check.h"

#include <time.h>

static zx_time_t system_time(clockid_t clock) {
    struct timespec time;
    CHECK_EQ(clock_gettime(clock, &time), 0);
    return ZX_SEC(time.tv_sec) + time.tv_nsec;
}

TEST(each_clock_is_the_systems) {
    clockid_t theirs[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_THREAD_CPUTIME_ID};
    zx_clock_t ours[] = {ZX_CLOCK_MONOTONIC, ZX_CLOCK_UTC, ZX_CLOCK_THREAD};
    for (size_t index = 0; index < 3; index++) {
        zx_time_t before = system_time(theirs[index]), now = 0;
        CHECK_OK(zx_clock_get_new(ours[index], &now));
        zx_time_t later = zx_clock_get(ours[index]), after = system_time(theirs[index]);
        CHECK(before <= now && now <= later && later <= after);
    }
    zx_time_t before = system_time(CLOCK_MONOTONIC), now = zx_clock_get_monotonic();
    CHECK(before <= now && now <= system_time(CLOCK_MONOTONIC));
}

TEST(the_thread_clock_stops_in_sleep) {
    zx_time_t busy = zx_clock_get(ZX_CLOCK_THREAD), start = zx_clock_get_monotonic();
    CHECK_OK(zx_nanosleep(zx_deadline_after(ZX_MSEC(50))));
    busy = zx_clock_get(ZX_CLOCK_THREAD) - busy;
    CHECK(busy > 0);
    CHECK(busy < zx_clock_get_monotonic() - start);
}

TEST(an_unknown_clock_is_invalid_args) {
    zx_time_t now = 77;
    for (zx_clock_t clock = 3; clock != 0; clock = clock < 1u << 31 ? 2 * clock : 0) {
        CHECK_STATUS(zx_clock_get_new(clock, &now), ZX_ERR_INVALID_ARGS);
        CHECK_EQ(zx_clock_get(clock), 0);
    }
    CHECK_EQ(now, 77);
    CHECK_STATUS(zx_clock_get_new(ZX_CLOCK_MONOTONIC, NULL), ZX_ERR_INVALID_ARGS);
}

TEST(ticks_advance_at_their_rate) {
    uint64_t ticks = zx_ticks_get();
    zx_time_t start = zx_clock_get_monotonic();
    CHECK_EQ(zx_ticks_per_second(), 1000000000);
    CHECK_OK(zx_nanosleep(zx_deadline_after(ZX_MSEC(2))));
    zx_time_t passed = zx_clock_get_monotonic() - start;
    ticks = zx_ticks_get() - ticks;
    // The ticks are read inside and outside the span. A tick is a nanosecond.
    CHECK(ticks >= (uint64_t)passed);
}

TEST(a_deadline_is_relative_to_now) {
    zx_time_t before = zx_clock_get_monotonic(), deadline = zx_deadline_after(ZX_SEC(5));
    CHECK(before + ZX_SEC(5) <= deadline && deadline <= zx_clock_get_monotonic() + ZX_SEC(5));
    CHECK(zx_deadline_after(0) >= before);
    CHECK(zx_deadline_after(-ZX_SEC(1)) < zx_clock_get_monotonic());
}

TEST(an_overflowing_deadline_is_infinite) {
    CHECK_EQ(zx_deadline_after(ZX_TIME_INFINITE), ZX_TIME_INFINITE);
    CHECK_EQ(zx_deadline_after(ZX_TIME_INFINITE - 1), ZX_TIME_INFINITE);
    CHECK(zx_deadline_after(ZX_TIME_INFINITE_PAST) < 0);
}

TEST(a_sleep_lasts_until_its_deadline) {
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(5));
    CHECK_OK(zx_nanosleep(deadline));
    CHECK(zx_clock_get_monotonic() >= deadline);
}

TEST(a_past_deadline_does_not_sleep) {
    zx_time_t deadlines[] = {0, -1, ZX_TIME_INFINITE_PAST, zx_clock_get_monotonic()};
    for (size_t index = 0; index < 4; index++)
        CHECK_OK(zx_nanosleep(deadlines[index]));
}

TEST(time_needs_no_arena) {
    zx_clock_get(ZX_CLOCK_UTC);
    zx_nanosleep(0);
    zx_ticks_get();
    CHECK(!jacinth_is_attached());
}
