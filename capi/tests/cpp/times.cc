// Instants and durations: they count nanoseconds and saturate, in constant expressions too.

#include "owners.h"

#include <zircon/time.h>

#include <limits>

namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

TEST(constants_have_zircons_values) {
    static_assert(zx::time::infinite().get() == kMost, "");
    static_assert(zx::time::infinite_past().get() == kLeast, "");
    static_assert(zx::duration::infinite().get() == kMost, "");
    static_assert(zx::duration::infinite_past().get() == kLeast, "");
    static_assert(zx::time() == zx::time(0), "");
    static_assert(zx::duration() == zx::nsec(0), "");
    CHECK_EQ(zx::time::infinite().get(), ZX_TIME_INFINITE);
}

TEST(units_convert_to_exact_nanoseconds) {
    static_assert(zx::nsec(-7).get() == -7, "");
    static_assert(zx::usec(3).get() == ZX_USEC(3), "");
    static_assert(zx::msec(3).get() == ZX_MSEC(3), "");
    static_assert(zx::sec(-3).get() == ZX_SEC(-3), "");
    static_assert(zx::min(3).get() == ZX_MIN(3), "");
    static_assert(zx::hour(3).get() == ZX_HOUR(3), "");
    static_assert(zx::hour(3).to_mins() == 180, "");
    static_assert(zx::hour(3).to_hours() == 3, "");
    static_assert(zx::min(3).to_secs() == 180, "");
    static_assert(zx::sec(3).to_msecs() == 3000, "");
    static_assert(zx::msec(3).to_usecs() == 3000, "");
    static_assert(zx::usec(3).to_nsecs() == 3000, "");
    static_assert(zx::msec(-1500).to_secs() == -1, "");
}

TEST(units_saturate_at_both_ends) {
    static_assert(zx::usec(kMost) == zx::duration::infinite(), "");
    static_assert(zx::msec(kMost) == zx::duration::infinite(), "");
    static_assert(zx::sec(kMost) == zx::duration::infinite(), "");
    static_assert(zx::min(kMost) == zx::duration::infinite(), "");
    static_assert(zx::hour(kMost) == zx::duration::infinite(), "");
    static_assert(zx::hour(kLeast) == zx::duration::infinite_past(), "");
    static_assert(zx::sec(9223372036).get() == 9223372036000000000, "");
    static_assert(zx::sec(9223372037) == zx::duration::infinite(), "");
}

TEST(adding_and_subtracting_count_nanoseconds) {
    static_assert(zx::time(10) + zx::nsec(5) == zx::time(15), "");
    static_assert(zx::nsec(5) + zx::time(10) == zx::time(15), "");
    static_assert(zx::time(10) - zx::nsec(15) == zx::time(-5), "");
    static_assert(zx::time(10) - zx::time(25) == zx::nsec(-15), "");
    static_assert(zx::nsec(10) + zx::nsec(-4) == zx::nsec(6), "");
    static_assert(-zx::nsec(10) == zx::nsec(-10), "");
    static_assert(zx::nsec(10) * -3 == zx::nsec(-30), "");
    static_assert(zx::nsec(10) / 3 == zx::nsec(3), "");
    static_assert(zx::sec(1) / zx::msec(300) == 3, "");
    static_assert(zx::sec(1) % zx::msec(300) == zx::msec(100), "");

    zx::time deadline(10);
    deadline += zx::nsec(5);
    deadline -= zx::nsec(20);
    CHECK(deadline == zx::time(-5));
    zx::duration slack = zx::nsec(10);
    slack += zx::nsec(5);
    slack -= zx::nsec(1);
    slack *= 6;
    slack /= 7;
    CHECK(slack == zx::nsec(12));
}

TEST(arithmetic_saturates_and_never_wraps) {
    static_assert(zx::time::infinite() + zx::nsec(1) == zx::time::infinite(), "");
    static_assert(zx::time(1) + zx::duration::infinite() == zx::time::infinite(), "");
    static_assert(zx::time::infinite_past() - zx::nsec(1) == zx::time::infinite_past(), "");
    static_assert(zx::time::infinite() - zx::time::infinite_past() == zx::duration::infinite(), "");
    static_assert(zx::time::infinite_past() - zx::time(1) == zx::duration::infinite_past(), "");
    static_assert(zx::duration::infinite() + zx::nsec(1) == zx::duration::infinite(), "");
    static_assert(zx::duration::infinite_past() - zx::nsec(1) == zx::duration::infinite_past(), "");
    static_assert(zx::duration::infinite() * 2 == zx::duration::infinite(), "");
    static_assert(zx::duration::infinite() * -2 == zx::duration::infinite_past(), "");
    static_assert(zx::duration::infinite_past() * -1 == zx::duration::infinite(), "");
    static_assert(-zx::duration::infinite_past() == zx::duration::infinite(), "");
    static_assert(zx::duration::infinite_past() / -1 == zx::duration::infinite(), "");
    static_assert(zx::duration::infinite_past() / zx::nsec(-1) == kMost, "");
    static_assert(zx::duration::infinite_past() % zx::nsec(-1) == zx::nsec(0), "");
    // The same at run time, where the processor would trap.
    volatile int64_t least = kLeast;
    volatile int64_t minus_one = -1;
    CHECK(zx::duration(least) / minus_one == zx::duration::infinite());
    CHECK(zx::duration(least) % zx::nsec(minus_one) == zx::nsec(0));
    CHECK(zx::duration(least) * minus_one == zx::duration::infinite());
}

TEST(c_arithmetic_agrees) {
    const int64_t values[] = {kLeast, kLeast + 1, -ZX_SEC(1), -1, 0, 1, ZX_SEC(1), kMost - 1, kMost};
    for (int64_t a : values) {
        for (int64_t b : values) {
            CHECK_EQ((zx::time(a) + zx::duration(b)).get(), zx_time_add_duration(a, b));
            CHECK_EQ((zx::time(a) - zx::duration(b)).get(), zx_time_sub_duration(a, b));
            CHECK_EQ((zx::time(a) - zx::time(b)).get(), zx_time_sub_time(a, b));
            CHECK_EQ((zx::duration(a) + zx::duration(b)).get(), zx_duration_add_duration(a, b));
            CHECK_EQ((zx::duration(a) - zx::duration(b)).get(), zx_duration_sub_duration(a, b));
            CHECK_EQ((zx::duration(a) * b).get(), zx_duration_mul_int64(a, b));
        }
    }
}

TEST(earlier_instants_compare_less) {
    static_assert(zx::time::infinite_past() < zx::time(-1), "");
    static_assert(zx::time(-1) <= zx::time(0), "");
    static_assert(zx::time::infinite() > zx::time(0), "");
    static_assert(zx::nsec(1) >= zx::nsec(1), "");
    static_assert(zx::nsec(1) != zx::nsec(2), "");
}

TEST(the_clocks_run) {
    const zx::time before = zx::clock::get_monotonic();
    const zx::time now = zx::clock::get<ZX_CLOCK_MONOTONIC>();
    CHECK(now >= before);
    CHECK(now - before < zx::sec(60));
    zx::time_utc utc;
    CHECK_OK(zx::clock::get(&utc));
    // The autumn of 2018.
    CHECK(utc > zx::time_utc(ZX_SEC(1538352000)));
    zx::time_thread thread;
    CHECK_OK(zx::clock::get(&thread));
    CHECK(thread >= zx::time_thread(0));
    CHECK(zx::clock::get<ZX_CLOCK_THREAD>() >= thread);
}

TEST(a_sleep_lasts_until_its_deadline) {
    const zx::time deadline = zx::deadline_after(zx::msec(3));
    CHECK_OK(zx::nanosleep(deadline));
    CHECK(zx::clock::get_monotonic() >= deadline);
    CHECK_OK(zx::nanosleep(zx::time::infinite_past()));
    CHECK(zx::deadline_after(zx::duration::infinite()) == zx::time::infinite());
}

TEST(a_wait_ends_at_its_deadline) {
    zx::event event = new_event();
    const zx::time deadline = zx::deadline_after(zx::msec(3));
    CHECK_STATUS(event.wait_one(ZX_EVENT_SIGNALED, deadline, nullptr), ZX_ERR_TIMED_OUT);
    CHECK(zx::clock::get_monotonic() >= deadline);
}

TEST(ticks_have_arithmetic) {
    const zx::ticks before = zx::ticks::now();
    CHECK_OK(zx::nanosleep(zx::deadline_after(zx::msec(2))));
    const zx::ticks passed = zx::ticks::now() - before;
    CHECK(passed >= zx::ticks::per_second() / 500);
    static_assert(zx::ticks(7) + zx::ticks(5) == zx::ticks(12), "");
    static_assert(zx::ticks(7) * 2 == zx::ticks(14), "");
    static_assert(zx::ticks(7) / zx::ticks(2) == 3, "");
    static_assert(zx::ticks(0) - zx::ticks(1) == zx::ticks(UINT64_MAX), "");
    zx::ticks some(10);
    some += zx::ticks(2);
    some -= zx::ticks(4);
    some *= 3;
    some /= 4;
    CHECK(some == zx::ticks(6));
}

}  // namespace
