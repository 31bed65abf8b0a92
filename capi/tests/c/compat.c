// jacinth/compat.h and zircon/threads.h: threads with names and handles
#define _GNU_SOURCE
#include "objects.h"
#include "sleeper.h"

#include <zircon/threads.h>

static zx_futex_t go;

static int wait_to_go(void* result) {
    while (atomic_load(&go) == 0)
        zx_futex_wait(&go, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
    return (int)(intptr_t)result;
}

static void let_go(void) {
    atomic_store(&go, 1);
    CHECK_OK(zx_futex_wake(&go, UINT32_MAX));
}

static void check_name(zx_handle_t handle, const char* expected) {
    char name[ZX_MAX_NAME_LEN];
    CHECK_OK(zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name)));
    if (strcmp(name, expected) != 0)
        check_fail(__FILE__, __LINE__, "the name is \"%s\", not \"%s\"", name, expected);
}

TEST(a_named_thread_has_its_name) {
    thrd_t thread;
    CHECK_EQ(thrd_create_with_name(&thread, wait_to_go, (void*)5, "0123456789012345678901234567890123"), thrd_success);
    check_name(thrd_get_zx_handle(thread), "0123456789012345678901234567890");
    let_go();
    int result;
    CHECK_EQ(thrd_join(thread, &result), thrd_success);
    CHECK_EQ(result, 5);
}

static int own_handle(void* place) {
    *(zx_handle_t*)place = zx_thread_self();
    check_name(zx_thread_self(), "its own");
    char name[16];
    CHECK_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
    CHECK(strcmp(name, "its own") == 0);
    return wait_to_go(NULL);
}

TEST(all_threads_see_one_handle) {
    zx_handle_t handle = ZX_HANDLE_INVALID;
    thrd_t thread;
    CHECK_EQ(thrd_create_with_name(&thread, own_handle, &handle, "its own"), thrd_success);
    zx_handle_t known = thrd_get_zx_handle(thread);
    CHECK(known != ZX_HANDLE_INVALID);
    let_go();
    CHECK_EQ(thrd_join(thread, NULL), thrd_success);
    CHECK_EQ(handle, known);
    CHECK(!is_open(known));
    CHECK_EQ(thrd_get_zx_handle(thread), ZX_HANDLE_INVALID);
    CHECK_EQ(thrd_get_zx_handle(thrd_current()), zx_thread_self());
}

static void* wait_unknown(void* knows_itself) {
    if (knows_itself != NULL)
        zx_thread_self();
    atomic_store((_Atomic int*)&go, 2);
    while (atomic_load(&go) != 1)
        sched_yield();
    return NULL;
}

TEST(other_threads_are_known_after_thread_self) {
    for (int knows_itself = 0; knows_itself < 2; knows_itself++) {
        pthread_t thread;
        atomic_store(&go, 0);
        CHECK_EQ(pthread_create(&thread, NULL, wait_unknown, knows_itself ? &thread : NULL), 0);
        while (atomic_load(&go) != 2)
            sched_yield();
        CHECK_EQ(thrd_get_zx_handle(thread) != ZX_HANDLE_INVALID, knows_itself);
        atomic_store(&go, 1);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
}

static int exit_early(void* result) {
    thrd_exit((int)(intptr_t)result);
}

TEST(a_thread_may_exit_within_start) {
    thrd_t thread;
    int result;
    CHECK_EQ(thrd_create_with_name(&thread, exit_early, (void*)-3, NULL), thrd_success);
    CHECK_EQ(thrd_join(thread, &result), thrd_success);
    CHECK_EQ(result, -3);
}

TEST(a_failed_start_is_an_error) {
    thrd_t thread;
    CHECK_EQ(thrd_create_with_name(&thread, NULL, NULL, "none"), thrd_error);
    CHECK_EQ(thrd_create_with_name(NULL, wait_to_go, NULL, "none"), thrd_error);
    CHECK_EQ(thrd_create_with_name(&thread, wait_to_go, NULL, (char*)1), thrd_error);
}

TEST(threads_need_no_arena) {
    thrd_t thread;
    CHECK_EQ(thrd_create(&thread, wait_to_go, NULL), thrd_success);
    let_go();
    CHECK_EQ(thrd_join(thread, NULL), thrd_success);
    CHECK(!jacinth_is_attached());
}

TEST(threads_close_their_handles) {
    uint32_t handles = 0;
    for (int round = 0; round < 300; round++) {
        thrd_t threads[4];
        atomic_store(&go, 0);
        for (size_t index = 0; index < 4; index++)
            CHECK_EQ(thrd_create(&threads[index], wait_to_go, NULL), thrd_success);
        for (size_t index = 0; index < 4; index += 2)
            CHECK(thrd_get_zx_handle(threads[index]) != ZX_HANDLE_INVALID);
        let_go();
        for (size_t index = 0; index < 4; index++)
            CHECK_EQ(thrd_join(threads[index], NULL), thrd_success);
        if (round == 0)
            handles = audit_now().handles;
    }
    CHECK_EQ(audit_now().handles, handles);
}

TEST(thread_statuses_map_to_zircons) {
    CHECK_EQ(thrd_status_to_zx_status(thrd_success), ZX_OK);
    CHECK_EQ(thrd_status_to_zx_status(thrd_nomem), ZX_ERR_NO_MEMORY);
    CHECK_EQ(thrd_status_to_zx_status(thrd_timedout), ZX_ERR_TIMED_OUT);
    CHECK_EQ(thrd_status_to_zx_status(thrd_busy), ZX_ERR_SHOULD_WAIT);
    CHECK_EQ(thrd_status_to_zx_status(thrd_error), ZX_ERR_INTERNAL);
    CHECK_EQ(thrd_status_to_zx_status(99), ZX_ERR_INTERNAL);
}
