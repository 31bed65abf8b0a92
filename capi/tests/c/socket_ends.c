// Ends of sockets that close, have duplicates, and are sent to other processes
#define _GNU_SOURCE
#include "objects.h"
#include "partner.h"

#define FULL ((size_t)257024)

static void put(zx_handle_t socket, const char* text) {
    size_t actual = 77;
    CHECK_OK(zx_socket_write(socket, 0, text, strlen(text), &actual));
    CHECK_EQ(actual, strlen(text));
}

// Reads what must be exactly this.
static void expect(zx_handle_t socket, const char* text) {
    char bytes[100];
    size_t actual = 77;
    CHECK_OK(zx_socket_read(socket, 0, bytes, sizeof(bytes), &actual));
    CHECK_EQ(actual, strlen(text));
    CHECK_BYTES(bytes, text, actual);
}

static zx_status_t write_one(zx_handle_t socket) {
    return zx_socket_write(socket, 0, "x", 1, NULL);
}

static zx_status_t read_one(zx_handle_t socket) {
    char byte;
    return zx_socket_read(socket, 0, &byte, 1, NULL);
}

TEST(data_outlives_a_closed_peer) {
    for (uint32_t kind = ZX_SOCKET_STREAM; kind <= ZX_SOCKET_DATAGRAM; kind++) {
        zx_handle_t one, other;
        make_socket(kind, &one, &other);
        put(one, "last words");
        CHECK_OK(zx_handle_close(one));
        CHECK_EQ(signals_of(other), ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED);
        CHECK_STATUS(write_one(other), ZX_ERR_PEER_CLOSED);
        // In Zircon's kernel a write looks at the peer before the size.
        static char much[FULL + 1];
        CHECK_STATUS(zx_socket_write(other, 0, much, sizeof(much), NULL), ZX_ERR_PEER_CLOSED);
        expect(other, "last words");
        CHECK_EQ(signals_of(other), ZX_SOCKET_PEER_CLOSED);
        CHECK_STATUS(read_one(other), ZX_ERR_PEER_CLOSED);
    }
}

TEST(signals_follow_the_bytes) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    put(one, "x");
    CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
    CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | ZX_SOCKET_READABLE);
    static char much[FULL];
    size_t actual = 77;
    CHECK_OK(zx_socket_write(one, 0, much, FULL, &actual));
    CHECK_EQ(actual, FULL - 1);
    CHECK_EQ(signals_of(one), ZX_SIGNAL_NONE);
    CHECK_OK(read_one(other));
    CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
    CHECK_OK(zx_socket_read(other, 0, much, FULL, NULL));
    CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE);
}

TEST(only_user_signals_are_settable) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL | ZX_SOCKET_HAS_ACCEPT, &one, &other);
    zx_signals_t before = signals_of(one);
    for (int bit = 0; bit < 12; bit++) {
        zx_signals_t signal = 1u << bit;
        CHECK_STATUS(zx_object_signal(one, 0, signal), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_object_signal(one, signal, 0), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_object_signal_peer(one, signal, 0), ZX_ERR_INVALID_ARGS);
    }
    CHECK_OK(zx_object_signal(one, 0, ZX_USER_SIGNAL_0));
    CHECK_OK(zx_object_signal_peer(one, 0, ZX_USER_SIGNAL_4));
    CHECK_EQ(signals_of(one), before | ZX_USER_SIGNAL_0);
    CHECK_EQ(signals_of(other), before | ZX_USER_SIGNAL_4);
}

TEST(duplicates_of_one_end_take_turns) {
    for (uint32_t kind = ZX_SOCKET_STREAM; kind <= ZX_SOCKET_DATAGRAM; kind++) {
        zx_handle_t one, other;
        make_socket(kind, &one, &other);
        put(one, "before");
        expect(other, "before");
        zx_handle_t writers[] = {one, duplicate(one, ZX_RIGHT_SAME_RIGHTS), duplicate(one, ZX_RIGHT_WRITE)};
        zx_handle_t readers[] = {other, duplicate(other, ZX_RIGHT_SAME_RIGHTS), duplicate(other, ZX_RIGHT_READ)};
        for (int round = 0; round < 500; round++) {
            put(writers[round % 3], "one");
            put(writers[round / 3 % 3], "and two");
            if (kind == ZX_SOCKET_DATAGRAM)
                expect(readers[(round + 1) % 3], "one");
            expect(readers[round / 2 % 3], kind == ZX_SOCKET_DATAGRAM ? "and two" : "oneand two");
        }
        CHECK_STATUS(read_one(writers[2]), ZX_ERR_ACCESS_DENIED);
        CHECK_STATUS(write_one(readers[2]), ZX_ERR_ACCESS_DENIED);
        CHECK_OK(zx_handle_close_many(writers, 2));
        CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE);
        CHECK_OK(zx_handle_close(writers[2]));
        CHECK_EQ(signals_of(other), ZX_SOCKET_PEER_CLOSED);
    }
}

// Sends back what comes, and ends with its peer.
ROLE(echoes_bytes) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    zx_handle_t socket = receive_handle(channel);
    for (;;) {
        char bytes[100];
        size_t actual;
        CHECK_OK(zx_object_wait_one(socket, ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
        if (zx_socket_read(socket, 0, bytes, sizeof(bytes), &actual) == ZX_ERR_PEER_CLOSED)
            break;
        zx_status_t status = zx_socket_write(socket, 0, bytes, actual, NULL);
        if (status != ZX_ERR_PEER_CLOSED)
            CHECK_OK(status);
    }
}

static void expect_echoes(zx_handle_t socket) {
    for (int number = 0; number < 200; number++) {
        char text[16];
        snprintf(text, sizeof(text), "echo %d", number);
        put(socket, text);
        CHECK_OK(zx_object_wait_one(socket, ZX_SOCKET_READABLE, ZX_TIME_INFINITE, NULL));
        expect(socket, text);
    }
}

TEST(a_sent_end_works_elsewhere) {
    zx_handle_t channel, one, other;
    pid_t pid = spawn_partner("echoes_bytes", &channel);
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    send_handle(channel, other);
    expect_echoes(one);
    CHECK_OK(zx_handle_close(one));
    CHECK_EQ(join_process(pid), 0);
}

TEST(a_killed_process_closes_its_end) {
    zx_handle_t channel, one, other;
    pid_t pid = spawn_partner("echoes_bytes", &channel);
    make_socket(ZX_SOCKET_DATAGRAM, &one, &other);
    send_handle(channel, other);
    expect_echoes(one);
    kill_process(pid);
    CHECK_OK(zx_object_wait_one(one, ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    CHECK_STATUS(write_one(one), ZX_ERR_PEER_CLOSED);
    CHECK_STATUS(read_one(one), ZX_ERR_PEER_CLOSED);
}

TEST(a_duplicate_outlives_a_killed_process) {
    zx_handle_t channel, one, other;
    pid_t pid = spawn_partner("echoes_bytes", &channel);
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    send_handle(channel, duplicate(other, ZX_RIGHT_SAME_RIGHTS));
    expect_echoes(one);
    kill_process(pid);
    await_peer_closed(channel);
    CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
    put(one, "to the duplicate");
    expect(other, "to the duplicate");
    put(other, "and back");
    CHECK_OK(zx_handle_close(other));
    // The channel's end may have been closed before the duplicate.
    await_peer_closed(one);
    expect(one, "and back");
    CHECK_STATUS(read_one(one), ZX_ERR_PEER_CLOSED);
}
