// zx_timer_create, zx_timer_set, zx_timer_cancel
#define _GNU_SOURCE
#include "objects.h"

static bool is_signaled(zx_handle_t timer) {
    return (signals_of(timer) & ZX_TIMER_SIGNALED) != 0;
}

TEST(a_timer_has_default_rights) {
    zx_info_handle_basic_t info = basic_info(make_timer());
    CHECK_EQ(info.type, ZX_OBJ_TYPE_TIMER);
    CHECK_EQ(info.rights, ZX_DEFAULT_TIMER_RIGHTS);
    CHECK_EQ(info.related_koid, ZX_KOID_INVALID);
    CHECK_EQ(info.props, ZX_OBJ_PROP_WAITABLE);
}

TEST(each_mode_of_slack_is_an_option) {
    uint32_t modes[] = {ZX_TIMER_SLACK_CENTER, ZX_TIMER_SLACK_EARLY, ZX_TIMER_SLACK_LATE};
    for (size_t index = 0; index < 3; index++) {
        zx_handle_t timer;
        CHECK_OK(zx_timer_create(modes[index], ZX_CLOCK_MONOTONIC, &timer));
        CHECK_EQ(signals_of(timer), ZX_SIGNAL_NONE);
        zx_time_t deadline = zx_deadline_after(ZX_MSEC(2));
        CHECK_OK(zx_timer_set(timer, deadline, ZX_HOUR(1)));
        CHECK_OK(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, NULL));
        CHECK(zx_clock_get_monotonic() >= deadline);
    }
}

TEST(other_options_are_invalid_args) {
    zx_handle_t timer = 77;
    CHECK_STATUS(zx_timer_create(3, ZX_CLOCK_MONOTONIC, &timer), ZX_ERR_INVALID_ARGS);
    for (int bit = 2; bit < 32; bit++)
        CHECK_STATUS(zx_timer_create(1u << bit, ZX_CLOCK_MONOTONIC, &timer), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(timer, 77);
}

TEST(other_clocks_are_invalid_args) {
    zx_clock_t clocks[] = {ZX_CLOCK_UTC, ZX_CLOCK_THREAD, 3, ~(zx_clock_t)0};
    zx_handle_t timer = 77;
    for (size_t index = 0; index < 4; index++)
        CHECK_STATUS(zx_timer_create(0, clocks[index], &timer), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(timer, 77);
}

TEST(a_null_pointer_is_invalid_args) {
    CHECK_STATUS(zx_timer_create(0, ZX_CLOCK_MONOTONIC, NULL), ZX_ERR_INVALID_ARGS);
}

TEST(a_passed_deadline_signals_at_once) {
    zx_time_t deadlines[] = {ZX_TIME_INFINITE_PAST, -1, 0, 1, zx_clock_get_monotonic()};
    for (size_t index = 0; index < 5; index++) {
        zx_handle_t timer = make_timer();
        CHECK_OK(zx_timer_set(timer, deadlines[index], 0));
        CHECK(is_signaled(timer));
    }
}

TEST(setting_and_cancelling_clear_the_signal) {
    zx_handle_t timer = make_timer();
    CHECK_OK(zx_timer_set(timer, 0, 0));
    CHECK_OK(zx_timer_set(timer, zx_deadline_after(ZX_HOUR(1)), 0));
    CHECK(!is_signaled(timer));
    CHECK_OK(zx_timer_set(timer, 0, 0));
    CHECK_OK(zx_timer_cancel(timer));
    CHECK(!is_signaled(timer));
    CHECK_OK(zx_timer_cancel(timer));
    CHECK_OK(zx_timer_set(timer, ZX_TIME_INFINITE, 0));
    CHECK(!is_signaled(timer));
}

TEST(negative_slack_is_out_of_range) {
    zx_handle_t timer = make_timer(), none = restrict_to(make_timer(), ZX_RIGHT_NONE);
    zx_handle_t handles[] = {timer, none, make_event(), ZX_HANDLE_INVALID};
    for (size_t index = 0; index < 4; index++) {
        CHECK_STATUS(zx_timer_set(handles[index], 0, -1), ZX_ERR_OUT_OF_RANGE);
        CHECK_STATUS(zx_timer_set(handles[index], 0, INT64_MIN), ZX_ERR_OUT_OF_RANGE);
    }
    CHECK(!is_signaled(timer));
    CHECK_OK(zx_timer_set(timer, 0, INT64_MAX));
}

TEST(programs_cannot_set_the_signal) {
    zx_handle_t timer = make_timer();
    CHECK_STATUS(zx_object_signal(timer, 0, ZX_TIMER_SIGNALED), ZX_ERR_INVALID_ARGS);
    CHECK_OK(zx_timer_set(timer, 0, 0));
    CHECK_STATUS(zx_object_signal(timer, ZX_TIMER_SIGNALED, 0), ZX_ERR_INVALID_ARGS);
    CHECK_OK(zx_object_signal(timer, 0, ZX_USER_SIGNAL_3));
    CHECK_EQ(signals_of(timer), ZX_TIMER_SIGNALED | ZX_USER_SIGNAL_3);
}

TEST(the_earliest_timer_ends_a_wait) {
    zx_handle_t late = make_timer(), soon = make_timer();
    CHECK_OK(zx_timer_set(late, zx_deadline_after(ZX_HOUR(1)), 0));
    CHECK_OK(zx_timer_set(soon, zx_deadline_after(ZX_MSEC(2)), 0));
    zx_handle_t event = make_event();
    zx_wait_item_t items[] = {
        {late, ZX_TIMER_SIGNALED, 0}, {event, ZX_EVENT_SIGNALED, 0}, {soon, ZX_TIMER_SIGNALED, 0}};
    CHECK_OK(zx_object_wait_many(items, 3, ZX_TIME_INFINITE));
    CHECK_EQ(items[0].pending, ZX_SIGNAL_NONE);
    CHECK_EQ(items[1].pending, ZX_SIGNAL_NONE);
    CHECK_EQ(items[2].pending, ZX_TIMER_SIGNALED);
}

TEST(underscored_names_are_the_same_calls) {
    zx_handle_t timer;
    CHECK_OK(_zx_timer_create(0, ZX_CLOCK_MONOTONIC, &timer));
    CHECK_OK(_zx_timer_set(timer, 0, 0));
    CHECK(is_signaled(timer));
    CHECK_OK(_zx_timer_cancel(timer));
    CHECK(!is_signaled(timer));
}
