// zx_futex_wait, zx_futex_wake, zx_futex_requeue without owners; futex_owners.c has the tests of owners
#define _GNU_SOURCE
#include "pages.h"
#include "sleeper.h"

static zx_futex_t here, there;
static _Atomic int woken;

static void wait_here(void* argument) {
    (void)argument;
    CHECK_OK(zx_futex_wait(&here, 1, ZX_HANDLE_INVALID, ZX_TIME_INFINITE));
    atomic_fetch_add(&woken, 1);
}

// Threads asleep on `here`.
static void start_waiters(struct sleeper* threads, size_t count) {
    atomic_store(&here, 1);
    for (size_t index = 0; index < count; index++)
        start_sleeper(&threads[index], wait_here, NULL);
}

static void await_woken(int count) {
    while (atomic_load(&woken) < count)
        sched_yield();
}

TEST(a_changed_value_is_bad_state) {
    zx_futex_t futex = 5;
    CHECK_STATUS(zx_futex_wait(&futex, 6, ZX_HANDLE_INVALID, ZX_TIME_INFINITE), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_futex_wait(&futex, -5, ZX_HANDLE_INVALID, 0), ZX_ERR_BAD_STATE);
}

TEST(a_wait_times_out_at_its_deadline) {
    zx_futex_t futex = -1;
    zx_time_t deadline = zx_deadline_after(ZX_MSEC(10));
    CHECK_STATUS(zx_futex_wait(&futex, -1, ZX_HANDLE_INVALID, deadline), ZX_ERR_TIMED_OUT);
    CHECK(zx_clock_get_monotonic() >= deadline);
    CHECK_STATUS(zx_futex_wait(&futex, -1, ZX_HANDLE_INVALID, 0), ZX_ERR_TIMED_OUT);
    CHECK_STATUS(zx_futex_wait(&futex, -1, ZX_HANDLE_INVALID, ZX_TIME_INFINITE_PAST), ZX_ERR_TIMED_OUT);
}

TEST(a_wake_without_sleepers_succeeds) {
    zx_futex_t futex = 0;
    CHECK_OK(zx_futex_wake(&futex, 1));
    CHECK_OK(zx_futex_wake(&futex, 0));
    CHECK_OK(zx_futex_wake(&futex, UINT32_MAX));
}

TEST(a_wake_wakes_the_given_count) {
    struct sleeper threads[4];
    start_waiters(threads, 4);
    CHECK_OK(zx_futex_wake(&here, 0));
    CHECK_OK(zx_futex_wake(&here, 1));
    await_woken(1);
    CHECK_OK(zx_futex_wake(&here, 2));
    await_woken(3);
    // The fourth must still sleep. An early wake would be seen here in some of many runs.
    CHECK_EQ(atomic_load(&woken), 3);
    CHECK_OK(zx_futex_wake(&here, UINT32_MAX));
    for (size_t index = 0; index < 4; index++)
        join_sleeper(&threads[index]);
}

TEST(a_requeue_wakes_some_and_moves_others) {
    struct sleeper threads[4];
    start_waiters(threads, 4);
    CHECK_OK(zx_futex_requeue(&here, 1, 1, &there, 2, ZX_HANDLE_INVALID));
    await_woken(1);
    CHECK_OK(zx_futex_wake(&there, UINT32_MAX));
    await_woken(3);
    CHECK_EQ(atomic_load(&woken), 3);
    CHECK_OK(zx_futex_wake(&there, UINT32_MAX));
    CHECK_OK(zx_futex_wake(&here, UINT32_MAX));
    for (size_t index = 0; index < 4; index++)
        join_sleeper(&threads[index]);
}

TEST(a_requeue_compares_the_value) {
    struct sleeper thread;
    start_waiters(&thread, 1);
    CHECK_STATUS(zx_futex_requeue(&here, 1, 2, &there, 1, ZX_HANDLE_INVALID), ZX_ERR_BAD_STATE);
    CHECK_EQ(atomic_load(&woken), 0);
    CHECK_OK(zx_futex_wake(&here, 1));
    join_sleeper(&thread);
}

TEST(a_requeue_to_itself_is_invalid_args) {
    CHECK_STATUS(zx_futex_requeue(&here, 1, 0, &here, 1, ZX_HANDLE_INVALID), ZX_ERR_INVALID_ARGS);
}

TEST(an_unaligned_pointer_is_invalid_args) {
    static _Alignas(8) char bytes[16];
    for (size_t offset = 1; offset < 4; offset++) {
        zx_futex_t* futex = (zx_futex_t*)(bytes + offset);
        CHECK_STATUS(zx_futex_wait(futex, 0, ZX_HANDLE_INVALID, 0), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_futex_wake(futex, 1), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_futex_requeue(futex, 1, 0, &there, 1, ZX_HANDLE_INVALID), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_futex_requeue(&there, 1, 0, futex, 1, ZX_HANDLE_INVALID), ZX_ERR_INVALID_ARGS);
    }
}

TEST(a_pointer_to_nothing_is_invalid_args) {
    zx_futex_t* pointers[] = {NULL, unmapped_page(), (zx_futex_t*)(fenced_page() + PAGE)};
    for (size_t index = 0; index < 3; index++) {
        CHECK_STATUS(zx_futex_wait(pointers[index], 0, ZX_HANDLE_INVALID, 0), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_futex_requeue(pointers[index], 1, 0, &there, 1, ZX_HANDLE_INVALID), ZX_ERR_INVALID_ARGS);
    }
    CHECK_STATUS(zx_futex_requeue(&there, 1, 0, NULL, 1, ZX_HANDLE_INVALID), ZX_ERR_INVALID_ARGS);
}

TEST(a_wake_of_unmapped_memory_succeeds) {
    // A program may unmap the memory before it wakes the sleepers.
    CHECK_OK(zx_futex_wake(unmapped_page(), 1));
}

TEST(a_wait_needs_only_to_read) {
    CHECK_STATUS(zx_futex_wait(read_only_page(), 0, ZX_HANDLE_INVALID, 0), ZX_ERR_TIMED_OUT);
    CHECK_STATUS(zx_futex_wait(read_only_page(), 1, ZX_HANDLE_INVALID, 0), ZX_ERR_BAD_STATE);
}

static zx_futex_t lock;
static int counter;

// Drepper's mutex: 0 free, 1 taken, 2 taken with waiters.
static void* count_under_a_lock(void* number) {
    (void)number;
    for (int round = 0; round < 20000; round++) {
        int seen = 0;
        if (!atomic_compare_exchange_strong(&lock, &seen, 1)) {
            if (seen != 2)
                seen = atomic_exchange(&lock, 2);
            while (seen != 0) {
                zx_status_t status = zx_futex_wait(&lock, 2, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
                CHECK(status == ZX_OK || status == ZX_ERR_BAD_STATE);
                seen = atomic_exchange(&lock, 2);
            }
        }
        counter++;
        if (atomic_exchange(&lock, 0) == 2)
            CHECK_OK(zx_futex_wake(&lock, 1));
    }
    return NULL;
}

TEST(a_lock_made_of_it_locks) {
    in_threads(4, count_under_a_lock);
    CHECK_EQ(counter, 4 * 20000);
}

TEST(futexes_need_no_arena) {
    zx_futex_t futex = 0;
    zx_futex_wait(&futex, 1, ZX_HANDLE_INVALID, 0);
    zx_futex_wake(&futex, 1);
    CHECK(!jacinth_is_attached());
}
