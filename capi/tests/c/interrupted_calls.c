// zx_channel_call_noretry, zx_channel_call_finish, and zx_channel_call with signal handlers that run during it
#define _GNU_SOURCE
#include "calls.h"

static _Atomic int interruptions;

static void note_interruption(int signal) {
    (void)signal;
    atomic_fetch_add(&interruptions, 1);
}

static void catch_signals(int flags) {
    struct sigaction action = {0};
    action.sa_handler = note_interruption;
    action.sa_flags = flags;
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
}

// Interrupts a sleeping thread repeatedly, until it has counted that many interruptions.
static void interrupt_until(struct sleeper* thread, _Atomic int* counter, int value) {
    while (atomic_load(counter) < value) {
        int before = atomic_load(&interruptions);
        while (atomic_load(counter) < value && !is_asleep(atomic_load(&thread->id)))
            sched_yield();
        CHECK_EQ(pthread_kill(thread->thread, SIGUSR1), 0);
        while (atomic_load(counter) < value && atomic_load(&interruptions) == before)
            sched_yield();
    }
}

// Calls, and continues after each interruption. `rounds` counts the interruptions.
struct interrupted {
    struct call call;
    _Atomic int rounds;
};

static void call_and_finish(void* argument) {
    struct interrupted* interrupted = argument;
    make_call_without_retry(&interrupted->call);
    while (interrupted->call.status == ZX_ERR_INTERNAL_INTR_RETRY) {
        atomic_fetch_add(&interrupted->rounds, 1);
        finish(&interrupted->call);
    }
}

TEST(a_thread_finishes_its_interrupted_call) {
    zx_handle_t client, server;
    static struct interrupted interrupted;
    struct sleeper thread;
    catch_signals(0);
    make_channel(&client, &server);
    prepare(&interrupted.call, client, "ping");
    zx_handle_t event = interrupted.call.sent[0] = make_event();
    interrupted.call.args.wr_num_handles = 1;
    start_sleeper(&thread, call_and_finish, &interrupted);
    struct request request = next_request(server);
    interrupt_until(&thread, &interrupted.rounds, 5);
    CHECK_EQ(request.n_handles, 1);
    CHECK(!is_open(event));
    answer(server, request.id, "pong");
    join_sleeper(&thread);
    check_reply(&interrupted.call, "pong");
    // The request was sent once.
    CHECK_STATUS(zx_channel_read(server, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

static void interrupt_a_call(int flags) {
    zx_handle_t client, server;
    struct call call;
    struct sleeper thread;
    catch_signals(flags);
    make_channel(&client, &server);
    prepare(&call, client, "ping");
    start_sleeper(&thread, make_call, &call);
    struct request request = next_request(server);
    interrupt_until(&thread, &interruptions, 20);
    answer(server, request.id, "pong");
    join_sleeper(&thread);
    check_reply(&call, "pong");
    CHECK_STATUS(zx_channel_read(server, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST(a_call_continues_after_signals) {
    interrupt_a_call(0);
}

TEST(a_call_continues_after_restarting_signals) {
    interrupt_a_call(SA_RESTART);
}

// Is interrupted once, and finishes with a past deadline. Then no call is left to finish.
static void call_and_give_up(void* argument) {
    struct interrupted* interrupted = argument;
    make_call_without_retry(&interrupted->call);
    CHECK_STATUS(interrupted->call.status, ZX_ERR_INTERNAL_INTR_RETRY);
    atomic_store(&interrupted->rounds, 1);
    interrupted->call.deadline = 0;
    finish(&interrupted->call);
    CHECK_STATUS(interrupted->call.status, ZX_ERR_TIMED_OUT);
    finish(&interrupted->call);
    CHECK_STATUS(interrupted->call.status, ZX_ERR_BAD_STATE);
}

static void call_and_leave(void* argument) {
    struct interrupted* interrupted = argument;
    make_call_without_retry(&interrupted->call);
    CHECK_STATUS(interrupted->call.status, ZX_ERR_INTERNAL_INTR_RETRY);
    atomic_store(&interrupted->rounds, 1);
}

// Interrupts a call that is never finished. A later reply is an ordinary message.
static void interrupt_and_answer_late(void (*run)(void*)) {
    zx_handle_t client, server;
    static struct interrupted interrupted;
    struct sleeper thread;
    catch_signals(0);
    make_channel(&client, &server);
    prepare(&interrupted.call, client, "ping");
    start_sleeper(&thread, run, &interrupted);
    struct request request = next_request(server);
    interrupt_until(&thread, &interrupted.rounds, 1);
    join_sleeper(&thread);
    answer(server, request.id, "late");
    CHECK_OK(zx_object_wait_one(client, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    expect_bytes(client, &(struct request){.id = request.id, .text = "late"}, 8);
}

TEST(a_late_finish_times_out) {
    interrupt_and_answer_late(call_and_give_up);
}

TEST(a_thread_may_end_before_finishing) {
    interrupt_and_answer_late(call_and_leave);
}

TEST(finish_needs_an_interrupted_call) {
    zx_handle_t client, server;
    struct call call;
    make_channel(&client, &server);
    prepare(&call, client, "ping");
    finish(&call);
    CHECK_STATUS(call.status, ZX_ERR_BAD_STATE);
    call.deadline = 0;
    make_call(&call);
    CHECK_STATUS(call.status, ZX_ERR_TIMED_OUT);
    finish(&call);
    CHECK_STATUS(call.status, ZX_ERR_BAD_STATE);
}
