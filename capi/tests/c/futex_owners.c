// The owners of futexes: zx_futex_get_owner, zx_futex_wake_single_owner, zx_futex_requeue_single_owner, and the effect of
// other calls on owners
#define _GNU_SOURCE
#include "pages.h"
#include "partner.h"
#include "sleeper.h"

static zx_futex_t here, there;

// A thread asleep on `here`, and the handle to it.
struct waiter {
    struct sleeper sleeper;
    zx_handle_t owner;
    _Atomic zx_handle_t self;
    _Atomic bool is_awake;
};

static void wait_here(void* argument) {
    struct waiter* waiter = argument;
    atomic_store(&waiter->self, zx_thread_self());
    CHECK_OK(zx_futex_wait(&here, 0, waiter->owner, ZX_TIME_INFINITE));
    atomic_store(&waiter->is_awake, true);
}

static void start_waiter(struct waiter* waiter, zx_handle_t owner) {
    waiter->owner = owner;
    atomic_store(&waiter->is_awake, false);
    start_sleeper(&waiter->sleeper, wait_here, waiter);
    while (atomic_load(&waiter->self) == ZX_HANDLE_INVALID || !is_asleep(atomic_load(&waiter->sleeper.id)))
        sched_yield();
}

static void start_waiters(struct waiter* waiters, size_t count, zx_handle_t owner) {
    for (size_t index = 0; index < count; index++)
        start_waiter(&waiters[index], owner);
}

static void wake_all(struct waiter* waiters, size_t count) {
    CHECK_OK(zx_futex_wake(&here, UINT32_MAX));
    CHECK_OK(zx_futex_wake(&there, UINT32_MAX));
    for (size_t index = 0; index < count; index++)
        join_sleeper(&waiters[index].sleeper);
}

static void check_owner(const zx_futex_t* futex, zx_koid_t expected) {
    zx_koid_t koid = 12345;
    CHECK_OK(zx_futex_get_owner(futex, &koid));
    CHECK_EQ(koid, expected);
}

TEST(a_futex_without_sleepers_has_no_owner) {
    check_owner(&here, ZX_KOID_INVALID);
    CHECK_STATUS(zx_futex_wait(&here, 0, ZX_HANDLE_INVALID, 0), ZX_ERR_TIMED_OUT);
    check_owner(&here, ZX_KOID_INVALID);
    CHECK_OK(zx_futex_wake_single_owner(&here));
    CHECK_OK(zx_futex_requeue_single_owner(&here, 0, &there, 1, zx_thread_self()));
    check_owner(&here, ZX_KOID_INVALID);
    check_owner(&there, ZX_KOID_INVALID);
}

TEST(a_wait_sets_the_owner) {
    struct waiter waiter = {0};
    start_waiter(&waiter, zx_thread_self());
    check_owner(&here, koid_of(zx_thread_self()));
    wake_all(&waiter, 1);
    check_owner(&here, ZX_KOID_INVALID);
}

static void* sleep_a_while(void* owner) {
    CHECK_STATUS(zx_futex_wait(&here, 0, (zx_handle_t)(uintptr_t)owner, zx_deadline_after(ZX_MSEC(1))),
                 ZX_ERR_TIMED_OUT);
    return NULL;
}

static void in_a_thread(void* (*run)(void*), zx_handle_t argument) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, run, (void*)(uintptr_t)argument), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(a_timeout_keeps_the_owner) {
    struct waiter waiters[2] = {0};
    zx_koid_t own = koid_of(zx_thread_self());
    start_waiter(&waiters[0], ZX_HANDLE_INVALID);
    check_owner(&here, ZX_KOID_INVALID);
    in_a_thread(sleep_a_while, zx_thread_self());
    check_owner(&here, own);
    // Also one whose deadline has passed before.
    CHECK_STATUS(zx_futex_wait(&here, 0, ZX_HANDLE_INVALID, 0), ZX_ERR_TIMED_OUT);
    check_owner(&here, ZX_KOID_INVALID);
    start_waiter(&waiters[1], zx_thread_self());
    check_owner(&here, own);
    wake_all(waiters, 2);
}

TEST(invalid_owners_change_nothing) {
    struct waiter waiter = {0};
    zx_handle_t own = zx_thread_self(), event = make_event();
    zx_koid_t koid = koid_of(own);
    start_waiter(&waiter, own);
    CHECK_STATUS(zx_futex_wait(&here, 0, own, 0), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_wait(&here, 0, waiter.self, 0), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_wait(&here, 0, event, 0), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(zx_futex_wait(&here, 0, zx_process_self(), 0), ZX_ERR_WRONG_TYPE);
    zx_handle_t closed = make_event();
    CHECK_OK(zx_handle_close(closed));
    CHECK_STATUS(zx_futex_wait(&here, 0, closed, 0), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_futex_requeue(&here, 1, 0, &there, 1, closed), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_futex_requeue(&here, 1, 0, &there, 1, event), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(zx_futex_requeue(&here, 1, 0, &there, 1, waiter.self), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_requeue(&there, 1, 0, &here, 1, waiter.self), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_requeue_single_owner(&here, 0, &there, 1, waiter.self), ZX_ERR_INVALID_ARGS);
    check_owner(&here, koid);
    CHECK(!waiter.is_awake);
    wake_all(&waiter, 1);
}

TEST(a_changed_value_precedes_owner_errors) {
    CHECK_STATUS(zx_futex_wait(&here, 1, 0x12345678, ZX_TIME_INFINITE), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_futex_wait(&here, 1, zx_thread_self(), ZX_TIME_INFINITE), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_futex_requeue(&here, 1, 1, &there, 1, 0x12345678), ZX_ERR_BAD_STATE);
    struct waiter waiter = {0};
    start_waiter(&waiter, zx_thread_self());
    CHECK_STATUS(zx_futex_wait(&here, 1, ZX_HANDLE_INVALID, ZX_TIME_INFINITE), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_futex_requeue(&here, 1, 1, &there, 1, ZX_HANDLE_INVALID), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_futex_requeue_single_owner(&here, 1, &there, 1, ZX_HANDLE_INVALID), ZX_ERR_BAD_STATE);
    check_owner(&here, koid_of(zx_thread_self()));
    wake_all(&waiter, 1);
}

ROLE(sends_its_thread) {
    zx_handle_t channel = startup_channel(), thread;
    CHECK_OK(zx_handle_duplicate(zx_thread_self(), ZX_RIGHT_SAME_RIGHTS, &thread));
    CHECK_OK(zx_channel_write(channel, 0, NULL, 0, &thread, 1));
    await_peer_closed(channel);
}

TEST(threads_of_other_processes_are_refused) {
    zx_handle_t channel, thread;
    pid_t pid = spawn_partner("sends_its_thread", &channel);
    await_readable(channel);
    uint32_t bytes, handles;
    CHECK_OK(zx_channel_read(channel, 0, NULL, &thread, 0, 1, &bytes, &handles));
    CHECK_STATUS(zx_futex_wait(&here, 0, thread, 0), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_requeue(&here, 1, 0, &there, 1, thread), ZX_ERR_INVALID_ARGS);
    CHECK_OK(zx_handle_close(thread));
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

static void* keep_a_handle(void* place) {
    CHECK_OK(zx_handle_duplicate(zx_thread_self(), ZX_RIGHT_SAME_RIGHTS, place));
    return NULL;
}

TEST(ended_threads_are_refused) {
    zx_handle_t handle;
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, keep_a_handle, &handle), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_STATUS(zx_futex_wait(&here, 0, handle, 0), ZX_ERR_INVALID_ARGS);
}

TEST(a_wake_clears_the_owner) {
    struct waiter waiters[3] = {0};
    for (uint32_t count = 0; count < 2; count++) {
        start_waiters(waiters, 3, zx_thread_self());
        check_owner(&here, koid_of(zx_thread_self()));
        CHECK_OK(zx_futex_wake(&here, count));
        check_owner(&here, ZX_KOID_INVALID);
        wake_all(waiters, 3);
    }
}

TEST(woken_sleepers_become_owners_in_order) {
    struct waiter waiters[3] = {0};
    start_waiters(waiters, 3, zx_thread_self());
    for (size_t index = 0; index < 3; index++) {
        zx_koid_t koid = koid_of(waiters[index].self);
        // It continues when it is woken, and its handle is closed when it ends.
        zx_handle_t kept;
        CHECK_OK(zx_handle_duplicate(waiters[index].self, ZX_RIGHT_SAME_RIGHTS, &kept));
        CHECK_OK(zx_futex_wake_single_owner(&here));
        check_owner(&here, index == 2 ? ZX_KOID_INVALID : koid);
        join_sleeper(&waiters[index].sleeper);
        for (size_t later = index + 1; later < 3; later++)
            CHECK(!waiters[later].is_awake);
    }
}

TEST(a_requeue_sets_the_second_owner) {
    struct waiter waiters[4] = {0};
    start_waiters(waiters, 4, zx_thread_self());
    CHECK_OK(zx_futex_requeue(&here, 1, 0, &there, 2, zx_thread_self()));
    check_owner(&here, ZX_KOID_INVALID);
    check_owner(&there, koid_of(zx_thread_self()));
    join_sleeper(&waiters[0].sleeper);
    CHECK_OK(zx_futex_requeue(&there, 0, 0, &here, 0, ZX_HANDLE_INVALID));
    check_owner(&there, ZX_KOID_INVALID);
    // The call may set the owner of the second futex without a sleeper of the first.
    CHECK_OK(zx_futex_wake(&here, 1));
    join_sleeper(&waiters[3].sleeper);
    CHECK_OK(zx_futex_requeue(&here, 1, 0, &there, 1, zx_thread_self()));
    check_owner(&there, koid_of(zx_thread_self()));
    wake_all(&waiters[1], 2);
}

TEST(single_owner_requeue_sets_both_owners) {
    struct waiter waiters[3] = {0};
    start_waiters(waiters, 3, ZX_HANDLE_INVALID);
    zx_koid_t first = koid_of(waiters[0].self);
    CHECK_OK(zx_futex_requeue_single_owner(&here, 0, &there, 1, zx_thread_self()));
    check_owner(&here, first);
    check_owner(&there, koid_of(zx_thread_self()));
    wake_all(waiters, 3);
}

TEST(a_moved_sleeper_can_time_out) {
    struct waiter waiter = {0};
    start_waiter(&waiter, ZX_HANDLE_INVALID);
    CHECK_OK(zx_futex_requeue(&here, 0, 0, &there, 1, zx_thread_self()));
    // It stood behind the first in the other queue and is gone. The first stays.
    atomic_store(&there, 7);
    CHECK_STATUS(zx_futex_wait(&there, 7, ZX_HANDLE_INVALID, zx_deadline_after(ZX_MSEC(1))), ZX_ERR_TIMED_OUT);
    CHECK_OK(zx_futex_wake(&here, UINT32_MAX));
    CHECK(!waiter.is_awake);
    wake_all(&waiter, 1);
}

TEST(get_owner_checks_its_pointers) {
    static _Alignas(8) char bytes[16];
    zx_koid_t koid;
    CHECK_STATUS(zx_futex_get_owner(&here, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_get_owner(NULL, &koid), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_get_owner((zx_futex_t*)(bytes + 1), &koid), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_get_owner(unmapped_page(), &koid), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_get_owner(&here, read_only_page()), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_wake_single_owner(NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_futex_wake_single_owner((zx_futex_t*)(bytes + 2)), ZX_ERR_INVALID_ARGS);
    CHECK_OK(zx_futex_wake_single_owner(unmapped_page()));
}

static void wait_as_before(void* argument) {
    (void)argument;
    CHECK_OK(zx_futex_wait_deprecated(&here, 0, ZX_TIME_INFINITE));
}

TEST(deprecated_calls_set_no_owner) {
    struct sleeper sleepers[2];
    CHECK_STATUS(zx_futex_wait_deprecated(&here, 1, ZX_TIME_INFINITE), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_futex_wait_deprecated(&here, 0, 0), ZX_ERR_TIMED_OUT);
    CHECK_STATUS(zx_futex_wait_deprecated(NULL, 0, 0), ZX_ERR_INVALID_ARGS);
    for (size_t index = 0; index < 2; index++)
        start_sleeper(&sleepers[index], wait_as_before, NULL);
    CHECK_STATUS(zx_futex_requeue_deprecated(&here, 1, 1, &there, 1), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_futex_requeue_deprecated(&here, 1, 0, &here, 1), ZX_ERR_INVALID_ARGS);
    CHECK_OK(zx_futex_requeue_deprecated(&here, 1, 0, &there, 1));
    join_sleeper(&sleepers[0]);
    check_owner(&there, ZX_KOID_INVALID);
    CHECK_OK(zx_futex_wake(&there, 1));
    join_sleeper(&sleepers[1]);
}

static void* wake_soon(void* futex) {
    atomic_store((zx_futex_t*)futex, 1);
    CHECK_OK(zx_futex_wake(futex, 1));
    return NULL;
}

static void use_futexes(void) {
    static zx_futex_t futex;
    // None of the parent's threads sleeps here.
    check_owner(&here, ZX_KOID_INVALID);
    CHECK_OK(zx_futex_wake(&here, UINT32_MAX));
    CHECK_STATUS(zx_futex_wait(&here, 0, ZX_HANDLE_INVALID, zx_deadline_after(ZX_MSEC(1))), ZX_ERR_TIMED_OUT);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, wake_soon, &futex), 0);
    while (atomic_load(&futex) == 0)
        zx_futex_wait(&futex, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(zx_thread_self(), ZX_HANDLE_INVALID);
}

static _Atomic bool are_done;

static void* wake_and_wait(void* number) {
    static zx_futex_t futex;
    while (!atomic_load(&are_done)) {
        CHECK_OK(zx_futex_wake(&futex, 1));
        zx_futex_wait(&futex, 0, ZX_HANDLE_INVALID, 0);
    }
    return number;
}

TEST(a_forked_child_has_own_futexes) {
    struct waiter waiter = {0};
    start_waiter(&waiter, zx_thread_self());
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, wake_and_wait, NULL), 0);
    // The other thread may be inside a call at the moment of the fork.
    for (int round = 0; round < 50; round++)
        CHECK_EQ(in_forked_child(use_futexes), 0);
    atomic_store(&are_done, true);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK(!waiter.is_awake);
    check_owner(&here, koid_of(zx_thread_self()));
    wake_all(&waiter, 1);
}
