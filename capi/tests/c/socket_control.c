// The control plane of sockets, and zx_socket_shutdown
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"
#include "partner.h"

// The most bytes of a message in the control plane.
#define MOST ((size_t)1024)
// The least size that does not fit into 32 bits.
#define TOO_LARGE ((size_t)1 << 32)

#define OVER ZX_SOCKET_WRITE_DISABLED
#define PEER_OVER ZX_SOCKET_PEER_WRITE_DISABLED
#define BOTH (ZX_SOCKET_SHUTDOWN_READ | ZX_SOCKET_SHUTDOWN_WRITE)

static zx_status_t put(zx_handle_t socket, uint32_t plane, const char* text) {
    return zx_socket_write(socket, plane, text, strlen(text), NULL);
}

static zx_status_t read_one(zx_handle_t socket, uint32_t plane) {
    char byte;
    return zx_socket_read(socket, plane, &byte, 1, NULL);
}

// Reads up to `size` bytes, which must be exactly this.
static void expect(zx_handle_t socket, uint32_t options, size_t size, const char* text) {
    char bytes[2 * MOST];
    size_t actual = 77;
    CHECK_OK(zx_socket_read(socket, options, bytes, size, &actual));
    CHECK_EQ(actual, strlen(text));
    CHECK_BYTES(bytes, text, actual);
}

TEST(the_control_plane_has_one_message) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL, &one, &other);
    CHECK_STATUS(read_one(other, ZX_SOCKET_CONTROL), ZX_ERR_SHOULD_WAIT);
    size_t actual = 77;
    CHECK_OK(zx_socket_write(one, ZX_SOCKET_CONTROL, "resize", 6, &actual));
    CHECK_EQ(actual, 6);
    CHECK_STATUS(put(one, ZX_SOCKET_CONTROL, "again"), ZX_ERR_SHOULD_WAIT);
    CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
    CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | ZX_SOCKET_CONTROL_WRITABLE | ZX_SOCKET_CONTROL_READABLE);
    // Each direction has its own, and the data is beside it.
    CHECK_OK(put(other, ZX_SOCKET_CONTROL, "other way"));
    CHECK_OK(put(one, 0, "data"));
    expect(other, ZX_SOCKET_CONTROL, MOST, "resize");
    expect(other, 0, MOST, "data");
    expect(one, ZX_SOCKET_CONTROL, MOST, "other way");
    CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE | ZX_SOCKET_CONTROL_WRITABLE);
    CHECK_STATUS(read_one(other, ZX_SOCKET_CONTROL), ZX_ERR_SHOULD_WAIT);
}

TEST(messages_of_control_have_bounds) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL | ZX_SOCKET_DATAGRAM, &one, &other);
    static char bytes[MOST + 1], received[MOST + 1];
    memset(bytes, 'b', sizeof(bytes));
    size_t actual = 77, sizes[] = {MOST + 1, UINT32_MAX, TOO_LARGE, SIZE_MAX};
    CHECK_STATUS(zx_socket_write(one, ZX_SOCKET_CONTROL, bytes, 0, &actual), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_socket_write(one, ZX_SOCKET_CONTROL, NULL, 0, &actual), ZX_ERR_INVALID_ARGS);
    for (size_t index = 0; index < 4; index++)
        CHECK_STATUS(zx_socket_write(one, ZX_SOCKET_CONTROL, bytes, sizes[index], &actual), ZX_ERR_OUT_OF_RANGE);
    CHECK_EQ(actual, 77);
    CHECK_STATUS(read_one(other, ZX_SOCKET_CONTROL), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(zx_socket_write(one, ZX_SOCKET_CONTROL, bytes, MOST, &actual));
    CHECK_EQ(actual, MOST);
    CHECK_OK(zx_socket_read(other, ZX_SOCKET_CONTROL, received, sizeof(received), &actual));
    CHECK_EQ(actual, MOST);
    CHECK_BYTES(received, bytes, MOST);
    CHECK_EQ(received[MOST], 0);
}

TEST(control_reads_take_all_sizes) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL, &one, &other);
    size_t sizes[] = {4, MOST, UINT32_MAX, TOO_LARGE, SIZE_MAX};
    for (size_t index = 0; index < 5; index++) {
        CHECK_OK(put(one, ZX_SOCKET_CONTROL, "text"));
        expect(other, ZX_SOCKET_CONTROL, sizes[index], "text");
    }
    // What does not fit is gone.
    CHECK_OK(put(one, ZX_SOCKET_CONTROL, "text"));
    expect(other, ZX_SOCKET_CONTROL, 2, "te");
    CHECK_STATUS(read_one(other, ZX_SOCKET_CONTROL), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(put(one, ZX_SOCKET_CONTROL, "text"));
    CHECK_OK(zx_socket_read(other, ZX_SOCKET_CONTROL, NULL, 0, NULL));
    CHECK_STATUS(read_one(other, ZX_SOCKET_CONTROL), ZX_ERR_SHOULD_WAIT);
}

TEST(peeking_leaves_the_message) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL, &one, &other);
    uint32_t peek = ZX_SOCKET_CONTROL | ZX_SOCKET_PEEK;
    CHECK_STATUS(read_one(other, peek), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(put(one, ZX_SOCKET_CONTROL, "text"));
    for (int round = 0; round < 3; round++)
        expect(other, peek, 2, "te");
    CHECK_STATUS(put(one, ZX_SOCKET_CONTROL, "again"), ZX_ERR_SHOULD_WAIT);
    CHECK(signals_of(other) & ZX_SOCKET_CONTROL_READABLE);
    expect(other, ZX_SOCKET_CONTROL, MOST, "text");
    CHECK_STATUS(read_one(other, peek), ZX_ERR_SHOULD_WAIT);
}

TEST(other_sockets_have_no_control) {
    uint32_t others[] = {ZX_SOCKET_STREAM, ZX_SOCKET_DATAGRAM, ZX_SOCKET_HAS_ACCEPT};
    for (size_t index = 0; index < 3; index++) {
        zx_handle_t one, other;
        make_socket(others[index], &one, &other);
        CHECK_STATUS(put(one, ZX_SOCKET_CONTROL, "text"), ZX_ERR_BAD_STATE);
        CHECK_STATUS(put(one, ZX_SOCKET_CONTROL, ""), ZX_ERR_BAD_STATE);
        CHECK_STATUS(read_one(other, ZX_SOCKET_CONTROL), ZX_ERR_BAD_STATE);
        CHECK_STATUS(read_one(other, ZX_SOCKET_CONTROL | ZX_SOCKET_PEEK), ZX_ERR_BAD_STATE);
        CHECK_OK(zx_handle_close(other));
        CHECK_STATUS(put(one, ZX_SOCKET_CONTROL, "text"), ZX_ERR_BAD_STATE);
    }
}

TEST(bad_memory_moves_no_message) {
    prepare_bad_pointers();
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL, &one, &other);
    char bytes[4];
    FOR_EACH_BAD_INPUT(nowhere)
        CHECK_STATUS(zx_socket_write(one, ZX_SOCKET_CONTROL, nowhere, 2, NULL), ZX_ERR_INVALID_ARGS);
    FOR_EACH_BAD_OUTPUT(nowhere) {
        if (nowhere != NULL)
            CHECK_STATUS(zx_socket_write(one, ZX_SOCKET_CONTROL, "1234", 4, nowhere), ZX_ERR_INVALID_ARGS);
    }
    CHECK_STATUS(read_one(other, ZX_SOCKET_CONTROL), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(put(one, ZX_SOCKET_CONTROL, "text"));
    FOR_EACH_BAD_OUTPUT(nowhere) {
        CHECK_STATUS(zx_socket_read(other, ZX_SOCKET_CONTROL, nowhere, 2, NULL), ZX_ERR_INVALID_ARGS);
        if (nowhere != NULL)
            CHECK_STATUS(zx_socket_read(other, ZX_SOCKET_CONTROL, bytes, 4, nowhere), ZX_ERR_INVALID_ARGS);
    }
    expect(other, ZX_SOCKET_CONTROL, MOST, "text");
}

TEST(a_message_outlives_its_writer) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL, &one, &other);
    CHECK_OK(put(one, ZX_SOCKET_CONTROL, "last"));
    CHECK_OK(zx_handle_close(one));
    CHECK_EQ(signals_of(other), ZX_SOCKET_CONTROL_READABLE | ZX_SOCKET_CONTROL_WRITABLE | ZX_SOCKET_PEER_CLOSED);
    CHECK_STATUS(put(other, ZX_SOCKET_CONTROL, "text"), ZX_ERR_PEER_CLOSED);
    expect(other, ZX_SOCKET_CONTROL, MOST, "last");
    // As in Zircon's kernel. Its data says PEER_CLOSED.
    CHECK_STATUS(read_one(other, ZX_SOCKET_CONTROL), ZX_ERR_SHOULD_WAIT);
    CHECK_STATUS(read_one(other, 0), ZX_ERR_PEER_CLOSED);
}

TEST(a_shutdown_ends_one_direction) {
    for (uint32_t kind = ZX_SOCKET_STREAM; kind <= ZX_SOCKET_DATAGRAM; kind++) {
        // The writer may end the direction, or the reader.
        for (int by_reader = 0; by_reader < 2; by_reader++) {
            zx_handle_t one, other;
            make_socket(kind, &one, &other);
            CHECK_OK(put(one, 0, "last"));
            if (by_reader)
                CHECK_OK(zx_socket_shutdown(other, ZX_SOCKET_SHUTDOWN_READ));
            else
                CHECK_OK(zx_socket_shutdown(one, ZX_SOCKET_SHUTDOWN_WRITE));
            CHECK_EQ(signals_of(one), OVER);
            CHECK_EQ(signals_of(other), ZX_SOCKET_READABLE | ZX_SOCKET_WRITABLE | PEER_OVER);
            CHECK_STATUS(put(one, 0, "x"), ZX_ERR_BAD_STATE);
            CHECK_STATUS(zx_socket_write(one, 0, NULL, 0, NULL), ZX_ERR_BAD_STATE);
            expect(other, ZX_SOCKET_PEEK, MOST, "last");
            expect(other, 0, MOST, "last");
            CHECK_STATUS(read_one(other, 0), ZX_ERR_BAD_STATE);
            CHECK_STATUS(read_one(other, ZX_SOCKET_PEEK), ZX_ERR_BAD_STATE);
            CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | PEER_OVER);
            // The other direction goes on.
            CHECK_OK(put(other, 0, "answer"));
            expect(one, 0, MOST, "answer");
            CHECK_STATUS(read_one(one, 0), ZX_ERR_SHOULD_WAIT);
        }
    }
}

TEST(a_shutdown_ends_both_directions) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    CHECK_OK(put(one, 0, "text"));
    CHECK_OK(put(other, 0, "other text"));
    for (int round = 0; round < 2; round++) {
        CHECK_OK(zx_socket_shutdown(one, BOTH));
        CHECK_OK(zx_socket_shutdown(other, BOTH));
        CHECK_EQ(signals_of(one), ZX_SOCKET_READABLE | OVER | PEER_OVER);
        CHECK_EQ(signals_of(other), ZX_SOCKET_READABLE | OVER | PEER_OVER);
    }
    CHECK_STATUS(put(one, 0, "x"), ZX_ERR_BAD_STATE);
    CHECK_STATUS(put(other, 0, "x"), ZX_ERR_BAD_STATE);
    expect(one, 0, MOST, "other text");
    expect(other, 0, MOST, "text");
    CHECK_STATUS(read_one(one, 0), ZX_ERR_BAD_STATE);
    CHECK_STATUS(read_one(other, 0), ZX_ERR_BAD_STATE);
}

TEST(shutdown_options_are_two_bits) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    for (int bit = 2; bit < 32; bit++) {
        CHECK_STATUS(zx_socket_shutdown(one, 1u << bit), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_socket_shutdown(one, 1u << bit | BOTH), ZX_ERR_INVALID_ARGS);
        // As in Zircon, before the handle.
        CHECK_STATUS(zx_socket_shutdown(ZX_HANDLE_INVALID, 1u << bit), ZX_ERR_INVALID_ARGS);
    }
    CHECK_OK(zx_socket_shutdown(one, 0));
    CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
    CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE);
    CHECK_OK(put(one, 0, "text"));
    expect(other, 0, MOST, "text");
}

TEST(a_closed_peer_comes_before_shutdown) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    CHECK_OK(zx_socket_shutdown(other, BOTH));
    CHECK_OK(zx_handle_close(other));
    CHECK_EQ(signals_of(one), OVER | PEER_OVER | ZX_SOCKET_PEER_CLOSED);
    CHECK_STATUS(put(one, 0, "x"), ZX_ERR_PEER_CLOSED);
    CHECK_STATUS(read_one(one, 0), ZX_ERR_PEER_CLOSED);
    CHECK_OK(zx_socket_shutdown(one, BOTH));
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    CHECK_OK(zx_handle_close(other));
    CHECK_OK(zx_socket_shutdown(one, BOTH));
    CHECK_EQ(signals_of(one), OVER | PEER_OVER | ZX_SOCKET_PEER_CLOSED);
}

TEST(control_goes_on_after_shutdown) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL, &one, &other);
    CHECK_OK(zx_socket_shutdown(one, BOTH));
    CHECK_OK(put(one, ZX_SOCKET_CONTROL, "text"));
    expect(other, ZX_SOCKET_CONTROL, MOST, "text");
    CHECK_OK(put(other, ZX_SOCKET_CONTROL, "text"));
    expect(one, ZX_SOCKET_CONTROL, MOST, "text");
}

// Answers a message of the control plane with all that it has read, once there will be no more.
ROLE(reads_to_the_end) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    zx_handle_t socket = receive_handle(channel);
    CHECK_OK(zx_object_wait_one(socket, ZX_SOCKET_CONTROL_READABLE, ZX_TIME_INFINITE, NULL));
    expect(socket, ZX_SOCKET_CONTROL, MOST, "begin");
    size_t sum = 0;
    for (;;) {
        char bytes[1000];
        size_t actual;
        zx_status_t status = zx_socket_read(socket, 0, bytes, sizeof(bytes), &actual);
        if (status == ZX_ERR_BAD_STATE)
            break;
        if (status == ZX_ERR_SHOULD_WAIT) {
            CHECK_OK(zx_object_wait_one(socket, ZX_SOCKET_READABLE | PEER_OVER, ZX_TIME_INFINITE, NULL));
            continue;
        }
        CHECK_OK(status);
        sum += actual;
    }
    CHECK_OK(zx_socket_write(socket, ZX_SOCKET_CONTROL, &sum, sizeof(sum), NULL));
    CHECK_OK(zx_object_wait_one(socket, ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
}

TEST(a_shutdown_ends_another_processs_read) {
    zx_handle_t channel, one, other;
    pid_t pid = spawn_partner("reads_to_the_end", &channel);
    make_socket(ZX_SOCKET_HAS_CONTROL, &one, &other);
    send_handle(channel, other);
    CHECK_OK(put(one, ZX_SOCKET_CONTROL, "begin"));
    for (size_t written = 0; written < 1000000;) {
        static char much[100000];
        size_t actual = 0, left = 1000000 - written;
        zx_status_t status = zx_socket_write(one, 0, much, left < sizeof(much) ? left : sizeof(much), &actual);
        if (status == ZX_ERR_SHOULD_WAIT)
            CHECK_OK(zx_object_wait_one(one, ZX_SOCKET_WRITABLE, ZX_TIME_INFINITE, NULL));
        else
            CHECK_OK(status);
        written += actual;
    }
    CHECK_OK(zx_socket_shutdown(one, ZX_SOCKET_SHUTDOWN_WRITE));
    CHECK_OK(zx_object_wait_one(one, ZX_SOCKET_CONTROL_READABLE, ZX_TIME_INFINITE, NULL));
    size_t sum = 0, actual = 0;
    CHECK_OK(zx_socket_read(one, ZX_SOCKET_CONTROL, &sum, sizeof(sum), &actual));
    CHECK_EQ(actual, sizeof(sum));
    CHECK_EQ(sum, 1000000);
    CHECK_OK(zx_handle_close(one));
    CHECK_EQ(join_process(pid), 0);
}
