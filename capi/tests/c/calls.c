// zx_channel_call: requests and replies
#define _GNU_SOURCE
#include "calls.h"

#include <jacinth.h>

TEST(a_call_gets_its_own_reply) {
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
        CHECK_BYTES(call.request, "mineping", 8); // The id is not in the caller's buffer.
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

TEST(other_messages_wait_for_a_read) {
    zx_handle_t client, server;
    struct call call;
    struct sleeper thread;
    make_channel(&client, &server);
    prepare(&call, client, "ping");
    start_sleeper(&thread, make_call, &call);
    struct request request = next_request(server);
    send_bytes(server, "news", 4);
    answer(server, request.id, "pong");
    send_bytes(server, "more", 4);
    join_sleeper(&thread);
    check_reply(&call, "pong");
    expect_bytes(client, "news", 4);
    expect_bytes(client, "more", 4);
    CHECK_STATUS(zx_channel_read(client, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST(a_late_reply_is_an_ordinary_message) {
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
    expect_bytes(client, &(struct request){.id = request.id, .text = "late"}, 8);
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

TEST(late_replies_may_be_discarded) {
    for (uint32_t discards = 0; discards <= JACINTH_CHANNEL_DISCARD_LATE_REPLIES; discards++) {
        struct call call;
        zx_handle_t client, server;
        uint32_t bytes;
        CHECK_OK(jacinth_channel_create(discards, 8, &client, &server));
        for (int round = 0; round < 20 && !(discards == 0 && round == 8); round++) {
            prepare(&call, client, "too late");
            call.deadline = 0;
            make_call(&call);
            CHECK_EQ(call.status, ZX_ERR_TIMED_OUT);
            struct request request = next_request(server);
            CHECK_OK(zx_channel_write(server, 0, &request.id, 4, NULL, 0));
        }
        zx_status_t expected = discards == 0 ? ZX_OK : ZX_ERR_SHOULD_WAIT;
        char reply[64];
        CHECK_EQ(zx_channel_read(client, 0, reply, NULL, sizeof(reply), 0, &bytes, NULL), expected);
        CHECK_OK(zx_handle_close(client));
        CHECK_OK(zx_handle_close(server));
    }
    zx_handle_t ends[2];
    CHECK_EQ(jacinth_channel_create(2, 0, &ends[0], &ends[1]), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(jacinth_channel_create(0, 0, NULL, &ends[1]), ZX_ERR_INVALID_ARGS);
}
