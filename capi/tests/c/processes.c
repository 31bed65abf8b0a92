// Messages with handles between programs in one arena.
#define _GNU_SOURCE
#include "partner.h"

// Sends every message back, with its handles, until the peer is closed.
ROLE(echoes) {
    zx_handle_t channel = startup_channel(), handles[64];
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];
    uint32_t n_bytes, n_handles;
    for (;;) {
        zx_signals_t seen;
        CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, &seen));
        if ((seen & ZX_CHANNEL_READABLE) == 0)
            return;
        CHECK_OK(zx_channel_read(channel, 0, bytes, handles, sizeof(bytes), 64, &n_bytes, &n_handles));
        zx_status_t status = zx_channel_write(channel, 0, bytes, n_bytes, handles, n_handles);
        if (status != ZX_ERR_PEER_CLOSED)
            CHECK_OK(status);
    }
}

TEST(messages_with_handles_travel_both_ways) {
    zx_handle_t channel, handles[64], received[64];
    zx_koid_t koids[64];
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES], reply[ZX_CHANNEL_MAX_MSG_BYTES];
    uint32_t n_bytes, n_handles;
    pid_t pid = spawn_partner("echoes", &channel);
    for (uint32_t round = 0; round <= 64; round++) {
        uint32_t size = round * 1024;
        zx_cprng_draw(bytes, sizeof(bytes));
        for (uint32_t index = 0; index < round; index++) {
            handles[index] = make_event();
            koids[index] = koid_of(handles[index]);
        }
        CHECK_OK(zx_channel_write(channel, 0, bytes, size, handles, round));
        await_readable(channel);
        CHECK_OK(zx_channel_read(channel, 0, reply, received, sizeof(reply), 64, &n_bytes, &n_handles));
        CHECK_EQ(n_bytes, size);
        CHECK_EQ(n_handles, round);
        CHECK_BYTES(reply, bytes, size);
        for (uint32_t index = 0; index < round; index++)
            CHECK_EQ(koid_of(received[index]), koids[index]);
        CHECK_OK(zx_handle_close_many(received, round));
    }
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

TEST(calls_are_answered_by_another_process) {
    zx_handle_t channel;
    pid_t pid = spawn_partner("echoes", &channel);
    for (int round = 0; round < 1000; round++) {
        char request[8] = {0}, reply[8];
        uint32_t bytes, handles;
        memcpy(request + 4, &round, 4);
        zx_channel_call_args_t arguments = {
            .wr_bytes = request, .wr_num_bytes = 8, .rd_bytes = reply, .rd_num_bytes = 8};
        CHECK_OK(zx_channel_call(channel, 0, ZX_TIME_INFINITE, &arguments, &bytes, &handles));
        CHECK_EQ(bytes, 8);
        CHECK_BYTES(reply + 4, &round, 4);
    }
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

ROLE(signals_what_it_gets) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    zx_handle_t event = receive_handle(channel);
    CHECK_EQ(rights_of(event), ZX_RIGHT_SIGNAL | ZX_RIGHT_TRANSFER);
    CHECK_STATUS(zx_object_wait_one(event, ZX_EVENT_SIGNALED, 0, NULL), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    await_peer_closed(channel);
}

TEST(an_event_is_signalled_from_another_process) {
    zx_handle_t channel, event = make_event();
    pid_t pid = spawn_partner("signals_what_it_gets", &channel);
    send_handle(channel, duplicate(event, ZX_RIGHT_SIGNAL | ZX_RIGHT_TRANSFER));
    CHECK_OK(zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL));
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

ROLE(spawns_another) {
    // Its own end goes to the next program.
    pid_t pid = spawn_role("echoes", startup_channel());
    CHECK_EQ(join_process(pid), 0);
}

TEST(a_spawned_program_spawns_others) {
    zx_handle_t channel;
    pid_t pid = spawn_partner("spawns_another", &channel);
    send_bytes(channel, "to the grandchild", 17);
    await_readable(channel);
    expect_bytes(channel, "to the grandchild", 17);
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

TEST(children_talk_without_their_parent) {
    zx_handle_t first, second, to_first;
    make_channel(&first, &second);
    pid_t echoing = spawn_role("echoes", second);
    pid_t asking = spawn_partner("asks_the_other", &to_first);
    send_handle(to_first, first);
    await_readable(to_first);
    expect_bytes(to_first, "heard", 5);
    CHECK_EQ(join_process(asking), 0);
    CHECK_EQ(join_process(echoing), 0);
}

ROLE(asks_the_other) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    zx_handle_t other = receive_handle(channel);
    send_bytes(other, "anybody?", 8);
    await_readable(other);
    expect_bytes(other, "anybody?", 8);
    send_bytes(channel, "heard", 5);
}
