// zx_port_create, zx_port_queue, zx_port_wait, zx_port_cancel, zx_object_wait_async
#define _GNU_SOURCE
#include "pages.h"
#include "partner.h"
#include "sleeper.h"

static zx_port_packet_t packet_of(uint64_t key) {
    zx_port_packet_t packet = {0};
    packet.key = key;
    return packet;
}

static zx_port_packet_t next_packet(zx_handle_t port) {
    zx_port_packet_t packet;
    memset(&packet, 0x77, sizeof(packet));
    CHECK_OK(zx_port_wait(port, ZX_TIME_INFINITE, &packet));
    return packet;
}

static void expect_none(zx_handle_t port) {
    zx_port_packet_t packet;
    memset(&packet, 0x77, sizeof(packet));
    zx_port_packet_t before = packet;
    CHECK_STATUS(zx_port_wait(port, 0, &packet), ZX_ERR_TIMED_OUT);
    CHECK_BYTES(&packet, &before, sizeof(packet));
}

TEST(a_port_has_default_rights) {
    zx_handle_t port = make_port();
    zx_info_handle_basic_t info = basic_info(port);
    CHECK_EQ(info.type, ZX_OBJ_TYPE_PORT);
    CHECK_EQ(info.rights, ZX_DEFAULT_PORT_RIGHTS);
    CHECK_EQ(info.related_koid, ZX_KOID_INVALID);
    CHECK_EQ(info.props, ZX_OBJ_PROP_NONE);
    CHECK_OK(zx_handle_close(port));
}

TEST(other_options_are_invalid_args) {
    zx_handle_t port = 77;
    for (int bit = 1; bit < 32; bit++)
        CHECK_STATUS(zx_port_create(1u << bit, &port), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(port, 77);
    CHECK_STATUS(zx_port_create(0, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_OK(zx_port_create(ZX_PORT_BIND_TO_INTERRUPT, &port));
    CHECK_OK(zx_handle_close(port));
}

TEST(a_queued_packet_arrives_unchanged) {
    zx_handle_t port = make_port();
    zx_port_packet_t sent;
    zx_cprng_draw(&sent, sizeof(sent));
    CHECK_OK(zx_port_queue(port, &sent));
    zx_port_packet_t received = next_packet(port);
    sent.type = ZX_PKT_TYPE_USER;
    CHECK_BYTES(&received, &sent, sizeof(sent));
    expect_none(port);
}

TEST(too_many_packets_should_wait) {
    zx_handle_t port = make_port();
    zx_port_packet_t packet = packet_of(0);
    for (packet.key = 0; packet.key < 2048; packet.key++)
        CHECK_OK(zx_port_queue(port, &packet));
    CHECK_STATUS(zx_port_queue(port, &packet), ZX_ERR_SHOULD_WAIT);
    for (uint64_t key = 0; key < 2048; key++)
        CHECK_EQ(next_packet(port).key, key);
    CHECK_OK(zx_port_queue(port, &packet));
    CHECK_EQ(next_packet(port).key, 2048);
}

TEST(bad_pointers_cost_no_packet) {
    zx_handle_t port = make_port(), event = make_event();
    zx_port_packet_t packet = packet_of(5);
    CHECK_OK(zx_port_queue(port, &packet));
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(bad)
        CHECK_STATUS(zx_port_wait(port, ZX_TIME_INFINITE, bad), ZX_ERR_INVALID_ARGS);
    zx_port_packet_t* nowhere = unmapped_page();
    CHECK_STATUS(zx_port_queue(port, nowhere), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_port_queue(port, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(next_packet(port).key, 5);
    expect_none(port);
    // Errors of the handle come first.
    zx_handle_t reader = duplicate(port, ZX_RIGHT_READ), writer = duplicate(port, ZX_RIGHT_WRITE);
    CHECK_STATUS(zx_port_queue(event, nowhere), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(zx_port_queue(reader, nowhere), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_port_queue(1234, nowhere), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_port_wait(event, 0, nowhere), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(zx_port_wait(writer, 0, nowhere), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_port_wait(1234, 0, nowhere), ZX_ERR_BAD_HANDLE);
}

TEST(a_wait_once_sends_one_packet) {
    zx_handle_t port = make_port(), event = make_event();
    zx_signals_t trigger = ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_1;
    CHECK_OK(zx_object_wait_async(event, port, 7, trigger, ZX_WAIT_ASYNC_ONCE));
    CHECK_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    expect_none(port);
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    CHECK_OK(zx_object_signal(event, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1));
    zx_port_packet_t packet = next_packet(port);
    CHECK_EQ(packet.key, 7);
    CHECK_EQ(packet.type, ZX_PKT_TYPE_SIGNAL_ONE);
    CHECK_EQ(packet.status, ZX_OK);
    CHECK_EQ(packet.signal.trigger, trigger);
    CHECK_EQ(packet.signal.observed, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0);
    CHECK_EQ(packet.signal.count, 1);
    CHECK_EQ(packet.signal.reserved0, 0);
    CHECK_EQ(packet.signal.reserved1, 0);
    expect_none(port);
}

TEST(a_repeating_wait_goes_on) {
    zx_handle_t port = make_port(), event = make_event();
    CHECK_OK(zx_object_wait_async(event, port, 7, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_REPEATING));
    for (int round = 0; round < 50; round++) {
        CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
        zx_port_packet_t packet = next_packet(port);
        CHECK_EQ(packet.type, ZX_PKT_TYPE_SIGNAL_REP);
        CHECK_EQ(packet.signal.observed, ZX_USER_SIGNAL_0);
        CHECK_OK(zx_object_signal(event, ZX_USER_SIGNAL_0, 0));
        expect_none(port);
    }
    CHECK_OK(zx_port_cancel(port, event, 7));
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    expect_none(port);
}

TEST(pending_messages_are_counted) {
    zx_handle_t port = make_port(), one, other;
    make_channel(&one, &other);
    for (int round = 0; round < 3; round++)
        send_bytes(one, "abc", 3);
    CHECK_OK(zx_object_wait_async(other, port, 1, ZX_CHANNEL_READABLE, ZX_WAIT_ASYNC_ONCE));
    CHECK_EQ(next_packet(port).signal.count, 3);
}

TEST(cancel_removes_packets_and_waits) {
    zx_handle_t port = make_port(), event = make_event(), copy = duplicate(event, ZX_RIGHT_SAME_RIGHTS);
    CHECK_STATUS(zx_port_cancel(port, event, 1), ZX_ERR_NOT_FOUND);
    for (int is_pending = 0; is_pending < 2; is_pending++) {
        CHECK_OK(zx_object_wait_async(event, port, 1, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_ONCE));
        CHECK_OK(zx_object_wait_async(event, port, 2, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_ONCE));
        CHECK_OK(zx_object_wait_async(copy, port, 1, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_ONCE));
        if (is_pending)
            CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
        CHECK_OK(zx_port_cancel(port, event, 1));
        CHECK_STATUS(zx_port_cancel(port, event, 1), ZX_ERR_NOT_FOUND);
        CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
        CHECK_EQ(next_packet(port).key + next_packet(port).key, 1 + 2);
        expect_none(port);
        CHECK_OK(zx_object_signal(event, ZX_USER_SIGNAL_0, 0));
    }
}

TEST(errors_of_the_port_come_first) {
    zx_handle_t port = make_port(), event = make_event(), closed = make_event();
    zx_handle_t reader = duplicate(port, ZX_RIGHT_READ), mute = duplicate(event, ZX_RIGHT_SIGNAL);
    CHECK_OK(zx_handle_close(closed));
    const struct {
        zx_handle_t source, port;
        zx_status_t status;
    } lines[] = {
        {closed, closed, ZX_ERR_BAD_HANDLE}, {closed, event, ZX_ERR_WRONG_TYPE},
        {closed, reader, ZX_ERR_ACCESS_DENIED}, {closed, port, ZX_ERR_BAD_HANDLE},
        {mute, port, ZX_ERR_ACCESS_DENIED}, {port, port, ZX_ERR_ACCESS_DENIED},
    };
    for (size_t line = 0; line < sizeof(lines) / sizeof(*lines); line++) {
        CHECK_STATUS(zx_object_wait_async(lines[line].source, lines[line].port, 1, 0, 2), lines[line].status);
        CHECK_STATUS(zx_port_cancel(lines[line].port, lines[line].source, 1), lines[line].status);
    }
    for (int bit = 1; bit < 32; bit++)
        CHECK_STATUS(zx_object_wait_async(event, port, 1, 0, 1u << bit), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_port_cancel(port, event, 1), ZX_ERR_NOT_FOUND);
}

static zx_status_t waited;

static void wait_at_port(void* argument) {
    zx_port_packet_t packet;
    waited = zx_port_wait((zx_handle_t)(uintptr_t)argument, ZX_TIME_INFINITE, &packet);
}

TEST(closing_the_handle_cancels_its_wait) {
    zx_handle_t port = make_port(), copy = duplicate(port, ZX_RIGHT_SAME_RIGHTS);
    struct sleeper thread;
    start_sleeper(&thread, wait_at_port, (void*)(uintptr_t)copy);
    CHECK_OK(zx_handle_close(copy));
    join_sleeper(&thread);
    CHECK_STATUS(waited, ZX_ERR_CANCELED);
    zx_port_packet_t packet = packet_of(3);
    CHECK_OK(zx_port_queue(port, &packet));
    CHECK_EQ(next_packet(port).key, 3);
}

TEST(closing_a_handle_leaves_its_packet) {
    zx_handle_t port = make_port(), event = make_event(), copy = duplicate(event, ZX_RIGHT_SAME_RIGHTS);
    CHECK_OK(zx_object_wait_async(copy, port, 1, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_ONCE));
    CHECK_OK(zx_object_wait_async(copy, port, 2, ZX_USER_SIGNAL_1, ZX_WAIT_ASYNC_ONCE));
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    CHECK_OK(zx_handle_close(copy));
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
    CHECK_EQ(next_packet(port).key, 1);
    expect_none(port);
}

ROLE(serves_at_a_received_port) {
    zx_handle_t channel = startup_channel(), port;
    await_readable(channel);
    port = receive_handle(channel);
    CHECK_EQ(next_packet(port).key, 9);
    zx_port_packet_t packet = packet_of(10);
    CHECK_OK(zx_port_queue(port, &packet));
    send_bytes(channel, "taken", 5);
    await_peer_closed(channel);
}

TEST(processes_share_a_port) {
    zx_handle_t port = make_port(), channel;
    pid_t pid = spawn_partner("serves_at_a_received_port", &channel);
    CHECK_OK(zx_object_wait_async(channel, port, 11, ZX_CHANNEL_PEER_CLOSED, ZX_WAIT_ASYNC_ONCE));
    zx_port_packet_t packet = packet_of(9);
    CHECK_OK(zx_port_queue(port, &packet));
    send_handle(channel, duplicate(port, ZX_RIGHT_SAME_RIGHTS));
    await_readable(channel);
    expect_bytes(channel, "taken", 5);
    CHECK_EQ(next_packet(port).key, 10);
    expect_none(port);
    kill_process(pid);
    packet = next_packet(port);
    CHECK_EQ(packet.key, 11);
    CHECK_EQ(packet.signal.observed & ZX_CHANNEL_PEER_CLOSED, ZX_CHANNEL_PEER_CLOSED);
}
