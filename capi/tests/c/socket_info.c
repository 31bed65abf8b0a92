// ZX_INFO_SOCKET, and the thresholds of sockets: ZX_PROP_SOCKET_RX_THRESHOLD, ZX_PROP_SOCKET_TX_THRESHOLD
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"

// The bytes that a socket holds in each direction.
#define FULL ((size_t)257024)

static const uint32_t thresholds[] = {ZX_PROP_SOCKET_RX_THRESHOLD, ZX_PROP_SOCKET_TX_THRESHOLD};
#define FOR_EACH_THRESHOLD(it) for (const uint32_t* it = thresholds; it < thresholds + 2; it++)

static char bytes[FULL];

static zx_info_socket_t info_of(zx_handle_t socket) {
    zx_info_socket_t info;
    size_t actual = 77, avail = 77;
    memset(&info, 0xab, sizeof(info));
    CHECK_OK(zx_object_get_info(socket, ZX_INFO_SOCKET, &info, sizeof(info), &actual, &avail));
    CHECK_EQ(actual, 1);
    CHECK_EQ(avail, 1);
    return info;
}

static void put(zx_handle_t socket, size_t size) {
    size_t actual = 77;
    CHECK_OK(zx_socket_write(socket, 0, bytes, size, &actual));
    CHECK_EQ(actual, size);
}

static void take(zx_handle_t socket, size_t size) {
    size_t actual = 77;
    CHECK_OK(zx_socket_read(socket, 0, bytes, size, &actual));
    CHECK_EQ(actual, size);
}

static zx_status_t set(zx_handle_t socket, uint32_t threshold, size_t value) {
    return zx_object_set_property(socket, threshold, &value, sizeof(value));
}

static size_t get(zx_handle_t socket, uint32_t threshold) {
    size_t value = 77;
    CHECK_OK(zx_object_get_property(socket, threshold, &value, sizeof(value)));
    return value;
}

TEST(info_has_the_options) {
    for (uint32_t options = 0; options <= ZX_SOCKET_CREATE_MASK; options++) {
        zx_handle_t one, other;
        make_socket(options, &one, &other);
        zx_info_socket_t first = info_of(one), second = info_of(other);
        CHECK_EQ(first.options, options);
        CHECK_EQ(second.options, options);
        CHECK_EQ(first.rx_buf_max, FULL);
        CHECK_EQ(first.tx_buf_max, FULL);
        CHECK_EQ(first.rx_buf_size, 0);
        CHECK_EQ(first.rx_buf_available, 0);
        CHECK_EQ(first.tx_buf_size, 0);
    }
}

TEST(info_counts_each_direction) {
    for (uint32_t kind = ZX_SOCKET_STREAM; kind <= ZX_SOCKET_DATAGRAM; kind++) {
        zx_handle_t one, other;
        make_socket(kind | ZX_SOCKET_HAS_CONTROL, &one, &other);
        put(one, 3);
        put(one, 7);
        put(other, 20);
        // This is no data.
        CHECK_OK(zx_socket_write(one, ZX_SOCKET_CONTROL, "control", 7, NULL));
        zx_info_socket_t first = info_of(one), second = info_of(other);
        CHECK_EQ(first.rx_buf_size, 20);
        CHECK_EQ(first.rx_buf_available, 20);
        CHECK_EQ(first.tx_buf_size, 10);
        CHECK_EQ(second.rx_buf_size, 10);
        // One read of datagrams gives the first alone.
        CHECK_EQ(second.rx_buf_available, kind == ZX_SOCKET_DATAGRAM ? 3 : 10);
        CHECK_EQ(second.tx_buf_size, 20);
        take(other, 3);
        CHECK_EQ(info_of(other).rx_buf_available, 7);
        CHECK_EQ(info_of(one).tx_buf_size, 7);
        put(one, FULL - 7);
        CHECK_EQ(info_of(one).tx_buf_size, FULL);
    }
}

TEST(a_closed_peer_has_no_buffer) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    put(one, 5);
    put(other, 6);
    CHECK_OK(zx_handle_close(other));
    zx_info_socket_t info = info_of(one);
    CHECK_EQ(info.tx_buf_max, 0);
    CHECK_EQ(info.tx_buf_size, 0);
    CHECK_EQ(info.rx_buf_max, FULL);
    CHECK_EQ(info.rx_buf_size, 6);
    CHECK_EQ(info.rx_buf_available, 6);
}

TEST(info_needs_a_whole_record) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    zx_info_socket_t info;
    size_t actual = 77, avail = 77;
    for (size_t size = 0; size < sizeof(info); size++)
        CHECK_STATUS(zx_object_get_info(one, ZX_INFO_SOCKET, &info, size, &actual, &avail), ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_EQ(actual, 0);
    CHECK_EQ(avail, 1);
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(nowhere)
        CHECK_STATUS(zx_object_get_info(one, ZX_INFO_SOCKET, nowhere, sizeof(info), NULL, NULL), ZX_ERR_INVALID_ARGS);
}

TEST(thresholds_belong_to_one_end) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    FOR_EACH_THRESHOLD(it)
        CHECK_EQ(get(one, *it), 0);
    CHECK_OK(set(one, ZX_PROP_SOCKET_RX_THRESHOLD, 5));
    CHECK_OK(set(one, ZX_PROP_SOCKET_TX_THRESHOLD, FULL));
    CHECK_EQ(get(one, ZX_PROP_SOCKET_RX_THRESHOLD), 5);
    CHECK_EQ(get(duplicate(one, ZX_RIGHT_GET_PROPERTY), ZX_PROP_SOCKET_TX_THRESHOLD), FULL);
    FOR_EACH_THRESHOLD(it)
        CHECK_EQ(get(other, *it), 0);
}

TEST(unread_bytes_assert_the_read_threshold) {
    for (uint32_t kind = ZX_SOCKET_STREAM; kind <= ZX_SOCKET_DATAGRAM; kind++) {
        zx_handle_t one, other;
        make_socket(kind, &one, &other);
        CHECK_OK(set(other, ZX_PROP_SOCKET_RX_THRESHOLD, 5));
        put(one, 4);
        CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | ZX_SOCKET_READABLE);
        put(one, 1);
        CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | ZX_SOCKET_READABLE | ZX_SOCKET_READ_THRESHOLD);
        CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
        take(other, 4);
        CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | ZX_SOCKET_READABLE);
        // A new threshold counts at once.
        CHECK_OK(set(other, ZX_PROP_SOCKET_RX_THRESHOLD, 1));
        CHECK(signals_of(other) & ZX_SOCKET_READ_THRESHOLD);
        CHECK_OK(set(other, ZX_PROP_SOCKET_RX_THRESHOLD, 0));
        CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | ZX_SOCKET_READABLE);
    }
}

TEST(room_asserts_the_write_threshold) {
    for (uint32_t kind = ZX_SOCKET_STREAM; kind <= ZX_SOCKET_DATAGRAM; kind++) {
        zx_handle_t one, other;
        make_socket(kind, &one, &other);
        CHECK_OK(set(one, ZX_PROP_SOCKET_TX_THRESHOLD, FULL - 4));
        CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE | ZX_SOCKET_WRITE_THRESHOLD);
        CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE);
        put(one, 4);
        CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE | ZX_SOCKET_WRITE_THRESHOLD);
        put(one, 1);
        CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
        take(other, 4);
        CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE | ZX_SOCKET_WRITE_THRESHOLD);
        CHECK_OK(set(one, ZX_PROP_SOCKET_TX_THRESHOLD, FULL));
        CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
        CHECK_OK(set(one, ZX_PROP_SOCKET_TX_THRESHOLD, 0));
        CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
    }
}

TEST(larger_thresholds_are_invalid_args) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    FOR_EACH_THRESHOLD(it) {
        CHECK_OK(set(one, *it, FULL));
        CHECK_STATUS(set(one, *it, FULL + 1), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(set(one, *it, (size_t)1 << 32), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(set(one, *it, SIZE_MAX), ZX_ERR_INVALID_ARGS);
        CHECK_EQ(get(one, *it), FULL);
    }
}

TEST(a_closed_peer_ends_write_thresholds) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    CHECK_OK(set(one, ZX_PROP_SOCKET_TX_THRESHOLD, 7));
    CHECK_OK(zx_handle_close(other));
    CHECK_STATUS(set(one, ZX_PROP_SOCKET_TX_THRESHOLD, 8), ZX_ERR_PEER_CLOSED);
    CHECK_STATUS(set(one, ZX_PROP_SOCKET_TX_THRESHOLD, FULL + 1), ZX_ERR_PEER_CLOSED);
    CHECK_EQ(get(one, ZX_PROP_SOCKET_TX_THRESHOLD), 7);
    CHECK_OK(set(one, ZX_PROP_SOCKET_RX_THRESHOLD, 8));
}

TEST(thresholds_have_a_size) {
    zx_handle_t one, other, event = make_event();
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    size_t values[2] = {5, 6};
    FOR_EACH_THRESHOLD(it) {
        for (size_t size = 0; size < sizeof(size_t); size++) {
            CHECK_STATUS(zx_object_set_property(one, *it, values, size), ZX_ERR_BUFFER_TOO_SMALL);
            CHECK_STATUS(zx_object_get_property(one, *it, values, size), ZX_ERR_BUFFER_TOO_SMALL);
            // The right comes before the size.
            CHECK_STATUS(zx_object_set_property(event, *it, values, size), ZX_ERR_ACCESS_DENIED);
        }
        CHECK_OK(zx_object_set_property(one, *it, values, sizeof(values)));
        CHECK_OK(zx_object_get_property(one, *it, &values[1], sizeof(values)));
        CHECK_EQ(values[1], 5);
    }
}

TEST(bad_memory_sets_no_threshold) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    prepare_bad_pointers();
    FOR_EACH_THRESHOLD(it) {
        CHECK_OK(set(one, *it, 5));
        FOR_EACH_BAD_INPUT(nowhere)
            CHECK_STATUS(zx_object_set_property(one, *it, nowhere, sizeof(size_t)), ZX_ERR_INVALID_ARGS);
        FOR_EACH_BAD_OUTPUT(nowhere)
            CHECK_STATUS(zx_object_get_property(one, *it, nowhere, sizeof(size_t)), ZX_ERR_INVALID_ARGS);
        CHECK_EQ(get(one, *it), 5);
    }
}

TEST(other_types_have_no_threshold) {
    zx_handle_t handles[] = {zx_process_self(), zx_job_default()};
    size_t value = 5;
    for (size_t index = 0; index < 2; index++) {
        FOR_EACH_THRESHOLD(it) {
            CHECK_STATUS(set(handles[index], *it, 5), ZX_ERR_WRONG_TYPE);
            CHECK_STATUS(zx_object_get_property(handles[index], *it, &value, sizeof(value)), ZX_ERR_WRONG_TYPE);
            // The size comes before the type.
            CHECK_STATUS(zx_object_get_property(handles[index], *it, &value, 7), ZX_ERR_BUFFER_TOO_SMALL);
        }
    }
}
