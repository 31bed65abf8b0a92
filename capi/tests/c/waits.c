// zx_object_wait_one, zx_object_wait_many
#define _GNU_SOURCE
#include "objects.h"
#include "sleeper.h"

TEST(an_asserted_signal_ends_the_wait) {
    zx_handle_t event = make_event();
    zx_signals_t seen = 0;
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_5));
    CHECK_OK(zx_object_wait_one(event, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_1, ZX_TIME_INFINITE, &seen));
    CHECK_EQ(seen, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_5);
    CHECK_OK(zx_object_wait_one(event, ZX_USER_SIGNAL_5, ZX_TIME_INFINITE_PAST, NULL));
}

TEST(a_deadline_in_the_past_looks_once) {
    zx_handle_t event = make_event();
    zx_time_t deadlines[] = {0, ZX_TIME_INFINITE_PAST, -1, zx_clock_get_monotonic()};
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_7));
    for (size_t index = 0; index < 4; index++) {
        zx_signals_t seen = 0;
        CHECK_STATUS(zx_object_wait_one(event, ZX_USER_SIGNAL_0, deadlines[index], &seen), ZX_ERR_TIMED_OUT);
        CHECK_EQ(seen, ZX_USER_SIGNAL_7);
    }
}

TEST(a_wait_times_out_at_its_deadline) {
    zx_handle_t event = make_event();
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(20));
    CHECK_STATUS(zx_object_wait_one(event, ZX_USER_SIGNAL_0, deadline, NULL), ZX_ERR_TIMED_OUT);
    CHECK(zx_clock_get_monotonic() >= deadline);
    zx_wait_item_t item = {event, ZX_USER_SIGNAL_0, 0};
    deadline = zx_deadline_after(ZX_MSEC(20));
    CHECK_STATUS(zx_object_wait_many(&item, 1, deadline), ZX_ERR_TIMED_OUT);
    CHECK(zx_clock_get_monotonic() >= deadline);
}

TEST(a_wait_without_signals_times_out) {
    zx_handle_t event = make_event();
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_ALL));
    CHECK_STATUS(zx_object_wait_one(event, ZX_SIGNAL_NONE, zx_deadline_after(ZX_MSEC(1)), NULL),
                 ZX_ERR_TIMED_OUT);
}

TEST(waiting_needs_its_right) {
    zx_handle_t event = restrict_to(make_event(), ZX_DEFAULT_EVENT_RIGHTS & ~ZX_RIGHT_WAIT);
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    CHECK_STATUS(zx_object_wait_one(event, ZX_USER_SIGNAL_0, 0, NULL), ZX_ERR_ACCESS_DENIED);
    zx_wait_item_t items[] = {{make_event(), ZX_USER_SIGNAL_0, 0}, {event, ZX_USER_SIGNAL_0, 0}};
    CHECK_STATUS(zx_object_wait_many(items, 2, 0), ZX_ERR_ACCESS_DENIED);
}

// A wait in its own thread.
struct waiter {
    zx_handle_t handle;
    zx_signals_t signals, seen;
    zx_status_t status;
};

static void wait_one(void* argument) {
    struct waiter* waiter = argument;
    waiter->status = zx_object_wait_one(waiter->handle, waiter->signals, ZX_TIME_INFINITE, &waiter->seen);
}

TEST(a_sleeper_is_woken_by_its_signal) {
    struct waiter waiter = {.handle = make_event(), .signals = ZX_USER_SIGNAL_2 | ZX_EVENT_SIGNALED};
    struct sleeper thread;
    start_sleeper(&thread, wait_one, &waiter);
    CHECK_OK(zx_object_signal(waiter.handle, 0, ZX_USER_SIGNAL_1));
    CHECK_OK(zx_object_signal(waiter.handle, 0, ZX_USER_SIGNAL_2));
    join_sleeper(&thread);
    CHECK_OK(waiter.status);
    CHECK_EQ(waiter.seen, ZX_USER_SIGNAL_1 | ZX_USER_SIGNAL_2);
}

TEST(one_signal_wakes_all_sleepers) {
    zx_handle_t event = make_event();
    struct waiter waiters[8];
    struct sleeper threads[8];
    for (size_t index = 0; index < 8; index++) {
        waiters[index] = (struct waiter){.handle = event, .signals = ZX_EVENT_SIGNALED};
        start_sleeper(&threads[index], wait_one, &waiters[index]);
    }
    CHECK_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    for (size_t index = 0; index < 8; index++) {
        join_sleeper(&threads[index]);
        CHECK_OK(waiters[index].status);
        CHECK_EQ(waiters[index].seen, ZX_EVENT_SIGNALED);
    }
}

TEST(a_sleeper_sees_the_peer_close) {
    zx_handle_t other;
    struct waiter waiter = {.signals = ZX_CHANNEL_PEER_CLOSED};
    struct sleeper thread;
    make_channel(&waiter.handle, &other);
    start_sleeper(&thread, wait_one, &waiter);
    CHECK_OK(zx_handle_close(other));
    join_sleeper(&thread);
    CHECK_OK(waiter.status);
    CHECK(waiter.seen & ZX_CHANNEL_PEER_CLOSED);
}

TEST(closing_the_handle_cancels_the_wait) {
    struct waiter waiter = {.handle = make_event(), .signals = ZX_EVENT_SIGNALED};
    struct sleeper thread;
    start_sleeper(&thread, wait_one, &waiter);
    CHECK_OK(zx_handle_close(waiter.handle));
    join_sleeper(&thread);
    CHECK_STATUS(waiter.status, ZX_ERR_CANCELED);
    CHECK(waiter.seen & ZX_SIGNAL_HANDLE_CLOSED);
}

TEST(closing_a_duplicate_cancels_nothing) {
    struct waiter waiter = {.handle = make_event(), .signals = ZX_EVENT_SIGNALED};
    zx_handle_t copy = duplicate(waiter.handle, ZX_RIGHT_SAME_RIGHTS);
    struct sleeper thread;
    start_sleeper(&thread, wait_one, &waiter);
    CHECK_OK(zx_handle_close(copy));
    CHECK_OK(zx_object_signal(waiter.handle, 0, ZX_EVENT_SIGNALED));
    join_sleeper(&thread);
    CHECK_OK(waiter.status);
    CHECK_EQ(waiter.seen, ZX_EVENT_SIGNALED);
}

TEST(sending_the_handle_away_cancels_the_wait) {
    zx_handle_t one, other;
    struct waiter waiter = {.handle = make_event(), .signals = ZX_EVENT_SIGNALED};
    struct sleeper thread;
    make_channel(&one, &other);
    start_sleeper(&thread, wait_one, &waiter);
    send_handle(one, waiter.handle);
    join_sleeper(&thread);
    CHECK_STATUS(waiter.status, ZX_ERR_CANCELED);
    CHECK(waiter.seen & ZX_SIGNAL_HANDLE_CLOSED);
    CHECK_OK(zx_handle_close(receive_handle(other)));
}

TEST(replacing_the_handle_cancels_the_wait) {
    struct waiter waiter = {.handle = make_event(), .signals = ZX_EVENT_SIGNALED};
    struct sleeper thread;
    start_sleeper(&thread, wait_one, &waiter);
    zx_handle_t event = restrict_to(waiter.handle, ZX_RIGHT_SAME_RIGHTS);
    join_sleeper(&thread);
    CHECK_STATUS(waiter.status, ZX_ERR_CANCELED);
    CHECK(waiter.seen & ZX_SIGNAL_HANDLE_CLOSED);
    CHECK(is_open(event));
}

TEST(wait_many_stores_all_pending_signals) {
    zx_wait_item_t items[8];
    for (size_t index = 0; index < 8; index++) {
        items[index] = (zx_wait_item_t){make_event(), ZX_USER_SIGNAL_7, 0xdead};
        if (index != 4)
            CHECK_OK(zx_object_signal(items[index].handle, 0, ZX_USER_SIGNAL_0 << (index % 7)));
    }
    CHECK_STATUS(zx_object_wait_many(items, 8, 0), ZX_ERR_TIMED_OUT);
    CHECK_OK(zx_object_signal(items[4].handle, 0, ZX_USER_SIGNAL_7));
    CHECK_OK(zx_object_wait_many(items, 8, ZX_TIME_INFINITE));
    for (size_t index = 0; index < 8; index++) {
        CHECK_EQ(items[index].pending, index == 4 ? ZX_USER_SIGNAL_7 : ZX_USER_SIGNAL_0 << (index % 7));
        CHECK_EQ(items[index].waitfor, ZX_USER_SIGNAL_7);
    }
}

TEST(wait_many_limits_its_items) {
    zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS + 1];
    CHECK_EQ(ZX_WAIT_MANY_MAX_ITEMS, 16);
    for (size_t index = 0; index < ZX_WAIT_MANY_MAX_ITEMS + 1; index++)
        items[index] = (zx_wait_item_t){make_event(), ZX_EVENT_SIGNALED, 0};
    CHECK_OK(zx_object_signal(items[ZX_WAIT_MANY_MAX_ITEMS - 1].handle, 0, ZX_EVENT_SIGNALED));
    CHECK_OK(zx_object_wait_many(items, ZX_WAIT_MANY_MAX_ITEMS, ZX_TIME_INFINITE));
    CHECK_STATUS(zx_object_wait_many(items, ZX_WAIT_MANY_MAX_ITEMS + 1, 0), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_object_wait_many(items, SIZE_MAX, 0), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_object_wait_many(items, SIZE_MAX / sizeof(zx_wait_item_t) + 2, 0), ZX_ERR_OUT_OF_RANGE);
}

TEST(wait_many_without_items_sleeps) {
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(10));
    CHECK_STATUS(zx_object_wait_many(NULL, 0, deadline), ZX_ERR_TIMED_OUT);
    CHECK(zx_clock_get_monotonic() >= deadline);
    CHECK_STATUS(zx_object_wait_many(NULL, 0, 0), ZX_ERR_TIMED_OUT);
}

TEST(wait_many_refuses_a_bad_handle) {
    zx_handle_t event = make_event(), closed = make_event();
    CHECK_OK(zx_handle_close(closed));
    CHECK_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    zx_wait_item_t items[] = {{event, ZX_EVENT_SIGNALED, 0}, {closed, ZX_EVENT_SIGNALED, 0}};
    CHECK_STATUS(zx_object_wait_many(items, 2, ZX_TIME_INFINITE), ZX_ERR_BAD_HANDLE);
    items[1].handle = ZX_HANDLE_INVALID;
    CHECK_STATUS(zx_object_wait_many(items, 2, ZX_TIME_INFINITE), ZX_ERR_BAD_HANDLE);
}

TEST(wait_many_accepts_an_object_twice) {
    zx_handle_t event = make_event();
    zx_wait_item_t items[] = {{event, ZX_USER_SIGNAL_0, 0}, {event, ZX_USER_SIGNAL_1, 0}};
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
    CHECK_OK(zx_object_wait_many(items, 2, ZX_TIME_INFINITE));
    CHECK_EQ(items[0].pending, ZX_USER_SIGNAL_1);
    CHECK_EQ(items[1].pending, ZX_USER_SIGNAL_1);
}

// A wait for many objects in its own thread.
struct waiter_for_many {
    zx_wait_item_t items[3];
    zx_status_t status;
};

static void wait_many(void* argument) {
    struct waiter_for_many* waiter = argument;
    waiter->status = zx_object_wait_many(waiter->items, 3, ZX_TIME_INFINITE);
}

TEST(any_of_many_wakes_the_sleeper) {
    for (size_t which = 0; which < 3; which++) {
        struct waiter_for_many waiter;
        struct sleeper thread;
        for (size_t index = 0; index < 3; index++)
            waiter.items[index] = (zx_wait_item_t){make_event(), ZX_EVENT_SIGNALED, 0};
        start_sleeper(&thread, wait_many, &waiter);
        CHECK_OK(zx_object_signal(waiter.items[which].handle, 0, ZX_EVENT_SIGNALED));
        join_sleeper(&thread);
        CHECK_OK(waiter.status);
        for (size_t index = 0; index < 3; index++)
            CHECK_EQ(waiter.items[index].pending, index == which ? ZX_EVENT_SIGNALED : ZX_SIGNAL_NONE);
    }
}

TEST(closing_any_of_many_cancels_the_wait) {
    for (size_t which = 0; which < 3; which++) {
        struct waiter_for_many waiter;
        struct sleeper thread;
        for (size_t index = 0; index < 3; index++)
            waiter.items[index] = (zx_wait_item_t){make_event(), ZX_EVENT_SIGNALED, 0};
        start_sleeper(&thread, wait_many, &waiter);
        CHECK_OK(zx_handle_close(waiter.items[which].handle));
        join_sleeper(&thread);
        CHECK_STATUS(waiter.status, ZX_ERR_CANCELED);
        for (size_t index = 0; index < 3; index++)
            CHECK_EQ(waiter.items[index].pending, index == which ? ZX_SIGNAL_HANDLE_CLOSED : ZX_SIGNAL_NONE);
    }
}

static volatile zx_status_t status_in_handler;

static void call_in_handler(int signal) {
    (void)signal;
    zx_handle_t event;
    status_in_handler = zx_event_create(0, &event);
}

TEST(calls_in_signal_handlers_are_refused) {
    struct waiter waiter = {.handle = make_event(), .signals = ZX_EVENT_SIGNALED};
    struct sleeper thread;
    struct sigaction action = {0};
    action.sa_handler = call_in_handler;
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    status_in_handler = 77;
    start_sleeper(&thread, wait_one, &waiter);
    CHECK_EQ(pthread_kill(thread.thread, SIGUSR1), 0);
    while (status_in_handler == 77)
        sched_yield();
    CHECK_STATUS(status_in_handler, ZX_ERR_BAD_STATE);
    // The wait continues.
    CHECK_OK(zx_object_signal(waiter.handle, 0, ZX_EVENT_SIGNALED));
    join_sleeper(&thread);
    CHECK_OK(waiter.status);
    CHECK_OK(pthread_kill(pthread_self(), SIGUSR1));
    CHECK_OK(status_in_handler);
}
