// zx_process_exit, zx_thread_exit
#define _GNU_SOURCE
#include "partner.h"
#include "sleeper.h"

static int64_t code;

static void exit_with_code(void) {
    zx_process_exit(code);
}

TEST(an_exit_code_keeps_eight_bits) {
    struct { int64_t code; int status; } cases[] = {{0, 0}, {7, 7}, {256 + 3, 3}, {-1, 255}, {INT64_MIN, 0}};
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        code = cases[index].code;
        CHECK_EQ(in_forked_child(exit_with_code), cases[index].status);
    }
}

static void fail_at_exit(void) {
    _exit(99);
}

static void exit_past_handlers(void) {
    atexit(fail_at_exit);
    zx_process_exit(5);
}

TEST(exit_handlers_do_not_run) {
    CHECK_EQ(in_forked_child(exit_past_handlers), 5);
}

static void* exit_in_a_thread(void* number) {
    (void)number;
    zx_process_exit(6);
}

static void exit_from_a_thread(void) {
    in_threads(1, exit_in_a_thread);
}

TEST(any_thread_ends_the_process) {
    CHECK_EQ(in_forked_child(exit_from_a_thread), 6);
}

ROLE(attaches_and_exits) {
    CHECK(zx_take_startup_handle(PA_HND(PA_USER0, 0)) != ZX_HANDLE_INVALID);
    make_event();
    zx_process_exit(7);
}

TEST(an_exit_closes_all_handles) {
    zx_handle_t channel;
    pid_t pid = spawn_partner("attaches_and_exits", &channel);
    CHECK_EQ(join_process(pid), 7);
    CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    CHECK_OK(zx_handle_close(channel));
    CHECK_OK(jacinth_collect(NULL));
    jacinth_audit_t audit = audit_now();
    CHECK_EQ(audit.processes, 1);
    CHECK_EQ(audit.objects, 0);
}

static _Atomic int finished;

static void note_end(void* argument) {
    (void)argument;
    atomic_fetch_add(&finished, 1);
}

static void* exit_thread(void* number) {
    (void)number;
    make_event();
    pthread_cleanup_push(note_end, NULL);
    zx_thread_exit();
    pthread_cleanup_pop(0);
    return NULL;
}

TEST(other_threads_outlive_a_thread_exit) {
    for (int round = 1; round <= 10; round++) {
        in_threads(4, exit_thread);
        // As after pthread_exit, the thread's cleanup has run.
        CHECK_EQ(atomic_load(&finished), 4 * round);
    }
    CHECK(is_open(make_event()));
}

static void* outlive_main(void* attached) {
    zx_nanosleep(zx_deadline_after(ZX_MSEC(20)));
    if (attached != NULL)
        make_event();
    dprintf(STDOUT_FILENO, "the last thread\n");
    return NULL;
}

static void leave_main(bool attached) {
    pthread_t thread;
    if (attached)
        make_event();
    CHECK_EQ(pthread_create(&thread, NULL, outlive_main, attached ? &thread : NULL), 0);
    CHECK_EQ(pthread_detach(thread), 0);
    zx_thread_exit();
}

ROLE(leaves_main) {
    leave_main(false);
}

ROLE(attaches_and_leaves_main) {
    CHECK(zx_take_startup_handle(PA_HND(PA_USER0, 0)) != ZX_HANDLE_INVALID);
    leave_main(true);
}

ROLE(makes_an_arena_and_leaves_main) {
    leave_main(true);
}

TEST(a_process_ends_with_its_last_thread) {
    CHECK_EQ(run_stranger("leaves_main", "UNUSED", ""), 0);
}

TEST(the_supervisors_process_ends_with_it) {
    // The supervisor is a thread of this process, and does not keep it alive.
    CHECK_EQ(run_stranger("makes_an_arena_and_leaves_main", "UNUSED", ""), 0);
}

TEST(an_attached_process_ends_with_it) {
    zx_handle_t channel;
    pid_t pid = spawn_partner("attaches_and_leaves_main", &channel);
    CHECK_EQ(join_process(pid), 0);
    CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
}
