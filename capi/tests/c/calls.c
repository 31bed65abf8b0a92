// zx_channel_call, zx_channel_call_noretry, zx_channel_call_finish
#define _GNU_SOURCE
#include "objects.h"
#include "sleeper.h"

// A call: what is sent, and room for the reply. The first four bytes are the transaction id's.
struct call {
    zx_handle_t channel;
    zx_time_t deadline;
    char request[64], reply[64];
    zx_handle_t sent[4], received[4];
    zx_channel_call_args_t args;
    uint32_t actual_bytes, actual_handles;
    zx_status_t status;
};

static void prepare(struct call* call, zx_handle_t channel, const char* text) {
    memset(call, 0, sizeof(*call));
    call->channel = channel;
    call->deadline = ZX_TIME_INFINITE;
    snprintf(call->request + 4, sizeof(call->request) - 4, "%s", text);
    call->args = (zx_channel_call_args_t){
        .wr_bytes = call->request,
        .wr_handles = call->sent,
        .rd_bytes = call->reply,
        .rd_handles = call->received,
        .wr_num_bytes = 4 + (uint32_t)strlen(text),
        .wr_num_handles = 0,
        .rd_num_bytes = sizeof(call->reply),
        .rd_num_handles = 4,
    };
    call->actual_bytes = call->actual_handles = 77;
}

static void make_call(void* argument) {
    struct call* call = argument;
    call->status = zx_channel_call(call->channel, 0, call->deadline, &call->args, &call->actual_bytes,
                                   &call->actual_handles);
}

static void make_call_without_retry(void* argument) {
    struct call* call = argument;
    call->status = zx_channel_call_noretry(call->channel, 0, call->deadline, &call->args, &call->actual_bytes,
                                           &call->actual_handles);
}

static void finish(struct call* call) {
    call->status =
        zx_channel_call_finish(call->deadline, &call->args, &call->actual_bytes, &call->actual_handles);
}

static void check_reply(const struct call* call, const char* text) {
    CHECK_OK(call->status);
    CHECK_EQ(call->actual_bytes, 4 + strlen(text));
    CHECK_BYTES(call->reply + 4, text, strlen(text));
}

// A request as the server got it.
struct request {
    zx_txid_t id;
    char text[60];
    uint32_t size;
    zx_handle_t handles[4];
    uint32_t n_handles;
};

static struct request next_request(zx_handle_t server) {
    struct request request = {0};
    CHECK_OK(zx_object_wait_one(server, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    CHECK_OK(zx_channel_read(server, 0, &request, request.handles, 64, 4, &request.size, &request.n_handles));
    CHECK(request.size >= 4);
    CHECK(request.id & 0x80000000);
    return request;
}

static void answer(zx_handle_t server, zx_txid_t id, const char* text) {
    char bytes[64];
    memcpy(bytes, &id, 4);
    memcpy(bytes + 4, text, strlen(text));
    tell(server, bytes, 4 + (uint32_t)strlen(text));
}

// Answers every request with its own text and handles, until the client is gone.
static void serve(void* argument) {
    zx_handle_t server = (zx_handle_t)(uintptr_t)argument;
    zx_signals_t seen;
    for (;;) {
        CHECK_OK(zx_object_wait_one(server, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, &seen));
        if ((seen & ZX_CHANNEL_READABLE) == 0)
            break;
        struct request request = next_request(server);
        zx_status_t status =
            zx_channel_write(server, 0, &request, request.size, request.handles, request.n_handles);
        if (status != ZX_ERR_PEER_CLOSED)
            CHECK_OK(status);
    }
    CHECK_OK(zx_handle_close(server));
}

static void start_server(struct sleeper* thread, zx_handle_t* client) {
    zx_handle_t server;
    make_channel(client, &server);
    start_sleeper(thread, serve, (void*)(uintptr_t)server);
}

TEST(a_call_gets_the_reply_to_its_own_request) {
    struct sleeper server;
    struct call call;
    zx_handle_t client;
    start_server(&server, &client);
    for (int round = 0; round < 100; round++) {
        prepare(&call, client, "ping");
        memcpy(call.request, "mine", 4);
        make_call(&call);
        check_reply(&call, "ping");
        CHECK_EQ(call.actual_handles, 0);
        CHECK_BYTES(call.request, "mineping", 8); // The id is not written into the caller's buffer.
    }
    CHECK_OK(zx_handle_close(client));
    join_sleeper(&server);
}

TEST(handles_travel_both_ways) {
    struct sleeper server;
    struct call call;
    zx_handle_t client;
    start_server(&server, &client);
    prepare(&call, client, "these");
    zx_koid_t koids[3];
    for (size_t index = 0; index < 3; index++) {
        call.sent[index] = make_event();
        koids[index] = koid_of(call.sent[index]);
    }
    call.args.wr_num_handles = 3;
    make_call(&call);
    check_reply(&call, "these");
    CHECK_EQ(call.actual_handles, 3);
    for (size_t index = 0; index < 3; index++) {
        CHECK(!is_open(call.sent[index]));
        CHECK_EQ(koid_of(call.received[index]), koids[index]);
    }
    CHECK_OK(zx_handle_close(client));
    join_sleeper(&server);
}

TEST(replies_may_come_in_any_order) {
    zx_handle_t client, server;
    struct call calls[4];
    struct sleeper threads[4];
    struct request requests[4];
    char text[] = "call 0";
    make_channel(&client, &server);
    for (size_t index = 0; index < 4; index++) {
        text[5] = (char)('0' + index);
        prepare(&calls[index], client, text);
        start_sleeper(&threads[index], make_call, &calls[index]);
    }
    for (size_t index = 0; index < 4; index++) {
        requests[index] = next_request(server);
        for (size_t before = 0; before < index; before++)
            CHECK(requests[index].id != requests[before].id);
    }
    for (size_t index = 4; index-- > 0;)
        answer(server, requests[index].id, requests[index].text);
    for (size_t index = 0; index < 4; index++) {
        text[5] = (char)('0' + index);
        join_sleeper(&threads[index]);
        check_reply(&calls[index], text);
    }
}

TEST(other_messages_stay_for_read) {
    zx_handle_t client, server;
    struct call call;
    struct sleeper thread;
    make_channel(&client, &server);
    prepare(&call, client, "ping");
    start_sleeper(&thread, make_call, &call);
    struct request request = next_request(server);
    tell(server, "news", 4);
    answer(server, request.id, "pong");
    tell(server, "more", 4);
    join_sleeper(&thread);
    check_reply(&call, "pong");
    hear(client, "news", 4);
    hear(client, "more", 4);
    CHECK_STATUS(zx_channel_read(client, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST(a_reply_after_the_deadline_is_an_ordinary_message) {
    zx_handle_t client, server;
    struct call call;
    make_channel(&client, &server);
    prepare(&call, client, "ping");
    call.deadline = zx_deadline_after(ZX_MSEC(10));
    make_call(&call);
    CHECK_STATUS(call.status, ZX_ERR_TIMED_OUT);
    CHECK(zx_clock_get_monotonic() >= call.deadline);
    struct request request = next_request(server);
    answer(server, request.id, "late");
    CHECK_OK(zx_object_wait_one(client, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    hear(client, &(struct request){.id = request.id, .text = "late"}, 8);
}

TEST(a_call_without_the_four_bytes_of_an_id_is_invalid_args) {
    zx_handle_t client, server;
    struct call call;
    make_channel(&client, &server);
    for (uint32_t size = 0; size < 4; size++) {
        prepare(&call, client, "");
        call.args.wr_num_bytes = size;
        call.args.wr_num_handles = 1;
        call.sent[0] = make_event();
        make_call(&call);
        CHECK_STATUS(call.status, ZX_ERR_INVALID_ARGS);
        CHECK(!is_open(call.sent[0]));
    }
    CHECK_STATUS(zx_channel_read(server, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST(options_are_invalid_args) {
    zx_handle_t client, server;
    struct call call;
    make_channel(&client, &server);
    prepare(&call, client, "no");
    call.args.wr_num_handles = 1;
    for (int bit = 0; bit < 32; bit++) {
        call.sent[0] = make_event();
        CHECK_STATUS(zx_channel_call(client, 1u << bit, 0, &call.args, &call.actual_bytes, &call.actual_handles),
                     ZX_ERR_INVALID_ARGS);
        CHECK(!is_open(call.sent[0]));
        call.sent[0] = make_event();
        CHECK_STATUS(zx_channel_call_noretry(client, 1u << bit, 0, &call.args, &call.actual_bytes,
                                             &call.actual_handles),
                     ZX_ERR_INVALID_ARGS);
        CHECK(!is_open(call.sent[0]));
    }
    CHECK_STATUS(zx_channel_read(server, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

// Makes a call that must fail, and whose handle must be lost.
static void fail_to_call(struct call* call, zx_status_t expected) {
    call->args.wr_handles = call->sent;
    call->args.wr_num_handles = call->args.wr_num_handles == 0 ? 1 : call->args.wr_num_handles;
    make_call(call);
    CHECK_STATUS(call->status, expected);
    for (size_t index = 0; index < call->args.wr_num_handles; index++)
        CHECK(!is_open(call->sent[index]));
}

TEST(a_call_that_cannot_be_sent_consumes_its_handles) {
    zx_handle_t client, server, other_client, other_server;
    struct call call;
    make_channel(&client, &server);

    prepare(&call, client, "");
    call.sent[0] = make_event();
    call.args.wr_num_bytes = ZX_CHANNEL_MAX_MSG_BYTES + 1;
    fail_to_call(&call, ZX_ERR_OUT_OF_RANGE);

    prepare(&call, client, "");
    call.sent[0] = restrict_to(make_event(), ZX_RIGHT_WAIT);
    fail_to_call(&call, ZX_ERR_ACCESS_DENIED);

    prepare(&call, client, "");
    call.sent[0] = call.sent[1] = make_event();
    call.args.wr_num_handles = 2;
    fail_to_call(&call, ZX_ERR_BAD_HANDLE);

    make_channel(&other_client, &other_server);
    prepare(&call, other_client, "");
    call.sent[0] = other_client;
    fail_to_call(&call, ZX_ERR_NOT_SUPPORTED);

    CHECK_STATUS(zx_channel_read(server, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(zx_handle_close(server));
    prepare(&call, client, "");
    call.sent[0] = make_event();
    fail_to_call(&call, ZX_ERR_PEER_CLOSED);
}

TEST(a_call_needs_the_rights_to_read_and_to_write) {
    zx_rights_t needed[] = {ZX_RIGHT_READ, ZX_RIGHT_WRITE};
    for (size_t index = 0; index < 2; index++) {
        zx_handle_t client, server;
        struct call call;
        make_channel(&client, &server);
        prepare(&call, restrict_to(client, ZX_DEFAULT_CHANNEL_RIGHTS & ~needed[index]), "no");
        call.sent[0] = make_event();
        fail_to_call(&call, ZX_ERR_ACCESS_DENIED);
    }
}

TEST(a_reply_that_does_not_fit_is_discarded) {
    zx_handle_t client, server;
    struct call call;
    struct sleeper thread;
    make_channel(&client, &server);
    prepare(&call, client, "ping");
    call.args.rd_num_bytes = 7;
    start_sleeper(&thread, make_call, &call);
    answer(server, next_request(server).id, "pong");
    join_sleeper(&thread);
    CHECK_STATUS(call.status, ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_STATUS(zx_channel_read(client, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST(the_handles_of_a_discarded_reply_are_closed) {
    struct sleeper server;
    struct call call;
    zx_handle_t client, kept;
    start_server(&server, &client);
    prepare(&call, client, "ping");
    make_eventpair(&kept, &call.sent[0]);
    call.args.wr_num_handles = 1;
    call.args.rd_num_handles = 0;
    make_call(&call);
    CHECK_STATUS(call.status, ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_OK(zx_object_wait_one(kept, ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    CHECK_OK(zx_handle_close(client));
    join_sleeper(&server);
}

TEST(closing_the_channel_cancels_the_call) {
    zx_handle_t client, server;
    struct call call;
    struct sleeper thread;
    make_channel(&client, &server);
    prepare(&call, client, "ping");
    start_sleeper(&thread, make_call, &call);
    CHECK_OK(zx_handle_close(client));
    join_sleeper(&thread);
    CHECK_STATUS(call.status, ZX_ERR_CANCELED);
    CHECK_EQ(next_request(server).size, 8);
}

TEST(a_call_sees_the_server_go) {
    zx_handle_t client, server;
    struct call call;
    struct sleeper thread;
    make_channel(&client, &server);
    prepare(&call, client, "ping");
    start_sleeper(&thread, make_call, &call);
    CHECK_OK(zx_handle_close(server));
    join_sleeper(&thread);
    CHECK_STATUS(call.status, ZX_ERR_PEER_CLOSED);
}

static zx_handle_t shared_client;

static void* call_a_hundred_times(void* number) {
    struct call call;
    char text[32];
    for (int round = 0; round < 100; round++) {
        snprintf(text, sizeof(text), "thread %zu, call %d", (size_t)number, round);
        prepare(&call, shared_client, text);
        make_call(&call);
        check_reply(&call, text);
    }
    return NULL;
}

TEST(many_threads_call_on_one_channel) {
    struct sleeper server;
    start_server(&server, &shared_client);
    in_threads(8, call_a_hundred_times);
    CHECK_OK(zx_handle_close(shared_client));
    join_sleeper(&server);
}

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

// Interrupts a thread in its sleep, again and again, until it has counted so far.
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

// Calls, and goes on after each interruption. `rounds` says how often it was interrupted.
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

TEST(an_interrupted_call_is_finished_by_its_thread) {
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
    // However often it was interrupted, it was sent once.
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

TEST(a_call_goes_on_after_interruptions) {
    interrupt_a_call(0);
}

TEST(a_call_goes_on_after_interruptions_that_restart) {
    interrupt_a_call(SA_RESTART);
}

// Is interrupted once, and finishes with a deadline that has passed; then there is nothing to finish.
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

// Interrupts a call that is never finished. A reply that comes afterwards is an ordinary message.
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
    hear(client, &(struct request){.id = request.id, .text = "late"}, 8);
}

TEST(a_call_that_is_finished_too_late_times_out) {
    interrupt_and_answer_late(call_and_give_up);
}

TEST(a_thread_may_end_without_finishing_its_call) {
    interrupt_and_answer_late(call_and_leave);
}

TEST(without_a_call_there_is_nothing_to_finish) {
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

TEST(a_call_on_a_full_channel_should_wait_and_the_caller_keeps_the_handles) {
    zx_handle_t client, server;
    struct call call;
    make_channel(&client, &server);
    while (zx_channel_write(client, 0, "", 0, NULL, 0) == ZX_OK)
        ;
    prepare(&call, client, "ping");
    call.sent[0] = make_event();
    call.args.wr_num_handles = 1;
    make_call(&call);
    CHECK_STATUS(call.status, ZX_ERR_SHOULD_WAIT);
    CHECK(is_open(call.sent[0]));
    finish(&call);
    CHECK_STATUS(call.status, ZX_ERR_BAD_STATE);
}

TEST(a_call_beyond_the_quota_gets_no_resources_and_keeps_the_handles) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_pending_messages_per_process = 10;
    CHECK_OK(jacinth_create(&config));
    zx_handle_t client, server;
    struct call call;
    make_channel(&client, &server);
    while (zx_channel_write(client, 0, "", 0, NULL, 0) == ZX_OK)
        ;
    prepare(&call, client, "ping");
    call.sent[0] = make_event();
    call.args.wr_num_handles = 1;
    make_call(&call);
    CHECK_STATUS(call.status, ZX_ERR_NO_RESOURCES);
    CHECK(is_open(call.sent[0]));
}
