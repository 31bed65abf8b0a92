// zx_channel_call: its errors, and the handles after each
#define _GNU_SOURCE
#include "internal.h"
#include "calls.h"

TEST(a_request_needs_four_bytes) {
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

// Makes a call that must fail and consume its handle.
static void fail_to_call(struct call* call, zx_status_t expected) {
    call->args.wr_handles = call->sent;
    call->args.wr_num_handles = call->args.wr_num_handles == 0 ? 1 : call->args.wr_num_handles;
    make_call(call);
    CHECK_STATUS(call->status, expected);
    for (size_t index = 0; index < call->args.wr_num_handles; index++)
        CHECK(!is_open(call->sent[index]));
}

TEST(a_failed_send_consumes_the_handles) {
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

TEST(a_call_needs_read_and_write) {
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

TEST(a_large_reply_is_discarded) {
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

TEST(a_discarded_replys_handles_are_closed) {
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

TEST(a_call_sees_the_server_close) {
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

TEST(a_full_channel_keeps_the_handles) {
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

TEST(an_exceeded_quota_keeps_the_handles) {
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
