// zx_socket_create, zx_socket_write, zx_socket_read: streams and datagrams
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"
#include "partner.h"

// The bytes that a socket holds in each direction.
#define FULL ((size_t)257024)
// The datagrams that one holds.
#define MOST_DATAGRAMS 1024
// The least size that does not fit into 32 bits.
#define TOO_LARGE ((size_t)1 << 32)

static const uint32_t kinds[] = {ZX_SOCKET_STREAM, ZX_SOCKET_DATAGRAM};
#define FOR_EACH_KIND(kind) for (const uint32_t* kind = kinds; kind < kinds + 2; kind++)

// Bytes whose values tell their positions.
static char positions[2 * FULL];

static char* bytes_from(size_t position) {
    if (positions[1] == 0)
        for (size_t index = 0; index < sizeof(positions); index++)
            positions[index] = (char)(index % 251);
    return positions + position % 251;
}

static zx_status_t put(zx_handle_t socket, size_t size) {
    return zx_socket_write(socket, 0, bytes_from(0), size, NULL);
}

// Writes bytes, which must fit.
static void put_all(zx_handle_t socket, size_t size, size_t position) {
    size_t actual = 77;
    CHECK_OK(zx_socket_write(socket, 0, bytes_from(position), size, &actual));
    CHECK_EQ(actual, size);
}

// Reads up to `size` bytes, of which just `expected` must come.
static void expect(zx_handle_t socket, size_t size, size_t expected, size_t position) {
    static char bytes[2 * FULL];
    size_t actual = 77;
    CHECK_OK(zx_socket_read(socket, 0, bytes, size, &actual));
    CHECK_EQ(actual, expected);
    CHECK_BYTES(bytes, bytes_from(position), expected);
}

static zx_status_t read_one(zx_handle_t socket) {
    char byte;
    return zx_socket_read(socket, 0, &byte, 1, NULL);
}

TEST(both_ends_have_default_rights) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    zx_info_handle_basic_t first = basic_info(one), second = basic_info(other);
    CHECK_EQ(first.type, ZX_OBJ_TYPE_SOCKET);
    CHECK_EQ(second.type, ZX_OBJ_TYPE_SOCKET);
    CHECK_EQ(first.rights, ZX_DEFAULT_SOCKET_RIGHTS);
    CHECK_EQ(second.rights, ZX_DEFAULT_SOCKET_RIGHTS);
    CHECK_EQ(first.related_koid, second.koid);
    CHECK_EQ(second.related_koid, first.koid);
    CHECK_EQ(first.props, ZX_OBJ_PROP_WAITABLE);
}

TEST(options_decide_the_first_signals) {
    for (uint32_t options = 0; options <= ZX_SOCKET_CREATE_MASK; options++) {
        zx_handle_t one, other;
        make_socket(options, &one, &other);
        zx_signals_t expected = ZX_SOCKET_WRITABLE;
        if (options & ZX_SOCKET_HAS_CONTROL)
            expected |= ZX_SOCKET_CONTROL_WRITABLE;
        if (options & ZX_SOCKET_HAS_ACCEPT)
            expected |= ZX_SOCKET_SHARE;
        CHECK_EQ(signals_of(one), expected);
        CHECK_EQ(signals_of(other), expected);
    }
}

TEST(unknown_options_are_invalid_args) {
    zx_handle_t one = 77, other = 78, end, peer;
    make_socket(ZX_SOCKET_HAS_CONTROL, &end, &peer);
    put_all(peer, 3, 0);
    char bytes[4];
    for (int bit = 0; bit < 32; bit++) {
        uint32_t options = 1u << bit;
        if ((options & ZX_SOCKET_CREATE_MASK) == 0)
            CHECK_STATUS(zx_socket_create(options, &one, &other), ZX_ERR_INVALID_ARGS);
        // As in Zircon, before the handle.
        if (options != ZX_SOCKET_CONTROL) {
            CHECK_STATUS(zx_socket_write(end, options, "1234", 4, NULL), ZX_ERR_INVALID_ARGS);
            CHECK_STATUS(zx_socket_write(end, options | ZX_SOCKET_CONTROL, "1234", 4, NULL), ZX_ERR_INVALID_ARGS);
            CHECK_STATUS(zx_socket_write(ZX_HANDLE_INVALID, options, "1234", 4, NULL), ZX_ERR_INVALID_ARGS);
        }
        if (options != ZX_SOCKET_CONTROL && options != ZX_SOCKET_PEEK) {
            CHECK_STATUS(zx_socket_read(end, options, bytes, 4, NULL), ZX_ERR_INVALID_ARGS);
            CHECK_STATUS(zx_socket_read(end, options | ZX_SOCKET_PEEK, bytes, 4, NULL), ZX_ERR_INVALID_ARGS);
            CHECK_STATUS(zx_socket_read(ZX_HANDLE_INVALID, options, bytes, 4, NULL), ZX_ERR_INVALID_ARGS);
        }
    }
    CHECK_EQ(one, 77);
    CHECK_EQ(other, 78);
    CHECK_STATUS(read_one(peer), ZX_ERR_SHOULD_WAIT);
    expect(end, 9, 3, 0);
}

TEST(bad_pointers_create_nothing) {
    zx_handle_t handle = 77;
    zx_handle_close(make_event());
    jacinth_audit_t before = audit_now();
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(nowhere) {
        CHECK_STATUS(zx_socket_create(0, nowhere, &handle), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_socket_create(0, &handle, nowhere), ZX_ERR_INVALID_ARGS);
    }
    CHECK_EQ(audit_now().objects, before.objects);
    CHECK_EQ(audit_now().handles, before.handles);
}

TEST(streams_have_short_writes_and_reads) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    size_t actual = 77;
    CHECK_OK(zx_socket_write(one, 0, bytes_from(0), FULL + 1, &actual));
    CHECK_EQ(actual, FULL);
    CHECK_STATUS(put(one, 1), ZX_ERR_SHOULD_WAIT);
    expect(other, 1000, 1000, 0);
    CHECK_OK(zx_socket_write(one, 0, bytes_from(FULL), 1001, &actual));
    CHECK_EQ(actual, 1000);
    expect(other, 2 * FULL, FULL, 1000);
    CHECK_STATUS(read_one(other), ZX_ERR_SHOULD_WAIT);
}

TEST(bytes_wrap_in_their_order) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    size_t written = 0, read = 0;
    for (size_t round = 1; round < 3000; round++) {
        size_t more = round * 7919 % 9000, wanted = round * 104729 % 10000;
        if (more <= FULL - (written - read)) {
            put_all(one, more, written);
            written += more;
        }
        size_t there = written - read;
        if (there == 0)
            continue;
        expect(other, wanted, wanted < there ? wanted : there, read);
        read += wanted < there ? wanted : there;
    }
    CHECK(read > 20 * FULL);
}

TEST(datagrams_keep_their_bounds) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_DATAGRAM, &one, &other);
    static const size_t sizes[] = {1, 700, 5000, FULL - 10000, 3};
    for (size_t index = 0; index < 5; index++)
        put_all(one, sizes[index], 0);
    for (size_t index = 0; index < 4; index++)
        expect(other, FULL, sizes[index], 0);
    put_all(one, 2, 5);
    // What does not fit is gone.
    expect(other, 2, 2, 0);
    expect(other, 2, 2, 5);
    CHECK_STATUS(read_one(other), ZX_ERR_SHOULD_WAIT);
}

TEST(datagrams_are_written_whole) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_DATAGRAM, &one, &other);
    size_t actual = 77;
    CHECK_STATUS(zx_socket_write(one, 0, bytes_from(0), FULL + 1, &actual), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_socket_write(one, 0, bytes_from(0), UINT32_MAX, &actual), ZX_ERR_OUT_OF_RANGE);
    put_all(one, FULL - 1, 0);
    CHECK_STATUS(zx_socket_write(one, 0, bytes_from(0), 2, &actual), ZX_ERR_SHOULD_WAIT);
    CHECK_STATUS(zx_socket_write(one, 0, bytes_from(0), FULL + 1, &actual), ZX_ERR_OUT_OF_RANGE);
    CHECK_EQ(actual, 77);
    CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
    put_all(one, 1, 0);
    CHECK_EQ(signals_of(one), ZX_SIGNAL_NONE);
    // Of a full socket that comes first.
    CHECK_STATUS(put(one, FULL + 1), ZX_ERR_SHOULD_WAIT);
    expect(other, FULL, FULL - 1, 0);
    expect(other, FULL, 1, 0);
}

TEST(the_number_of_datagrams_is_limited) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_DATAGRAM, &one, &other);
    // The first one does not count.
    CHECK_OK(put(one, 1));
    expect(other, 9, 1, 0);
    for (int number = 0; number < MOST_DATAGRAMS; number++)
        CHECK_OK(put(one, 1));
    CHECK_STATUS(put(one, 1), ZX_ERR_SHOULD_WAIT);
    CHECK_EQ(signals_of(one), ZX_SIGNAL_NONE);
    expect(other, 9, 1, 0);
    CHECK_OK(put(one, 1));
}

TEST(no_bytes_change_nothing) {
    FOR_EACH_KIND(kind) {
        zx_handle_t one, other;
        make_socket(*kind, &one, &other);
        size_t actual = 77;
        CHECK_OK(zx_socket_write(one, 0, NULL, 0, &actual));
        CHECK_EQ(actual, 0);
        CHECK_OK(zx_socket_write(one, 0, unmapped_page(), 0, NULL));
        CHECK_STATUS(zx_socket_read(other, 0, NULL, 0, &actual), ZX_ERR_SHOULD_WAIT);
        put_all(one, 3, 0);
        expect(other, 0, 0, 0);
        CHECK_OK(zx_socket_read(other, 0, NULL, 0, NULL));
        expect(other, 9, 3, 0);
        CHECK_OK(zx_handle_close(other));
        CHECK_STATUS(zx_socket_write(one, 0, NULL, 0, NULL), ZX_ERR_PEER_CLOSED);
    }
}

TEST(sizes_have_32_bits) {
    static char bytes[FULL + 1];
    FOR_EACH_KIND(kind) {
        zx_handle_t one, other;
        make_socket(*kind, &one, &other);
        put_all(other, 3, 0);
        size_t sizes[] = {TOO_LARGE, TOO_LARGE + 1, SIZE_MAX}, actual = 77;
        for (size_t index = 0; index < 3; index++) {
            CHECK_STATUS(zx_socket_write(one, 0, bytes, sizes[index], &actual), ZX_ERR_INVALID_ARGS);
            CHECK_STATUS(zx_socket_read(one, 0, bytes, sizes[index], &actual), ZX_ERR_INVALID_ARGS);
            CHECK_STATUS(zx_socket_read(other, ZX_SOCKET_PEEK, bytes, sizes[index], &actual), ZX_ERR_INVALID_ARGS);
        }
        CHECK_EQ(actual, 77);
        CHECK_STATUS(read_one(other), ZX_ERR_SHOULD_WAIT);
        expect(one, UINT32_MAX, 3, 0);
        CHECK_OK(zx_socket_shutdown(one, ZX_SOCKET_SHUTDOWN_WRITE));
        CHECK_STATUS(zx_socket_write(one, 0, bytes, TOO_LARGE, NULL), ZX_ERR_BAD_STATE);
        CHECK_OK(zx_handle_close(other));
        CHECK_STATUS(zx_socket_write(one, 0, bytes, TOO_LARGE, NULL), ZX_ERR_PEER_CLOSED);
        CHECK_STATUS(zx_socket_read(one, 0, bytes, TOO_LARGE, NULL), ZX_ERR_INVALID_ARGS);
    }
}

TEST(a_stream_fills_from_larger_buffers) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    size_t actual = 77;
    CHECK_OK(zx_socket_write(one, 0, bytes_from(0), UINT32_MAX, &actual));
    CHECK_EQ(actual, FULL);
    expect(other, UINT32_MAX, FULL, 0);
}

TEST(peeking_leaves_the_data) {
    FOR_EACH_KIND(kind) {
        zx_handle_t one, other;
        make_socket(*kind, &one, &other);
        char bytes[4] = "----";
        CHECK_STATUS(zx_socket_read(other, ZX_SOCKET_PEEK, bytes, 4, NULL), ZX_ERR_SHOULD_WAIT);
        put_all(one, 3, 0);
        put_all(one, 3, 3);
        for (int round = 0; round < 3; round++) {
            size_t actual = 77;
            CHECK_OK(zx_socket_read(other, ZX_SOCKET_PEEK, bytes, 2, &actual));
            CHECK_EQ(actual, 2);
            CHECK_BYTES(bytes, bytes_from(0), 2);
            CHECK(signals_of(other) & ZX_SOCKET_READABLE);
        }
        bool is_stream = *kind == ZX_SOCKET_STREAM;
        expect(other, 9, is_stream ? 6 : 3, 0);
        CHECK_OK(zx_handle_close(one));
        CHECK_STATUS(zx_socket_read(other, ZX_SOCKET_PEEK, bytes, 4, NULL), is_stream ? ZX_ERR_PEER_CLOSED : ZX_OK);
    }
}

TEST(bad_memory_moves_no_data) {
    prepare_bad_pointers();
    FOR_EACH_KIND(kind) {
        zx_handle_t one, other;
        make_socket(*kind, &one, &other);
        char bytes[4];
        FOR_EACH_BAD_INPUT(nowhere)
            CHECK_STATUS(zx_socket_write(one, 0, nowhere, 2, NULL), ZX_ERR_INVALID_ARGS);
        FOR_EACH_BAD_OUTPUT(nowhere) {
            // The count is optional.
            if (nowhere != NULL)
                CHECK_STATUS(zx_socket_write(one, 0, "1234", 4, nowhere), ZX_ERR_INVALID_ARGS);
        }
        CHECK_STATUS(read_one(other), ZX_ERR_SHOULD_WAIT);
        put_all(one, 4, 9);
        FOR_EACH_BAD_OUTPUT(nowhere) {
            CHECK_STATUS(zx_socket_read(other, 0, nowhere, 2, NULL), ZX_ERR_INVALID_ARGS);
            CHECK_STATUS(zx_socket_read(other, ZX_SOCKET_PEEK, nowhere, 2, NULL), ZX_ERR_INVALID_ARGS);
            if (nowhere != NULL)
                CHECK_STATUS(zx_socket_read(other, 0, bytes, 4, nowhere), ZX_ERR_INVALID_ARGS);
        }
        expect(other, 9, 4, 9);
        // As in Zircon, NULL comes before the handle.
        CHECK_STATUS(zx_socket_write(ZX_HANDLE_INVALID, 0, NULL, 1, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_socket_read(ZX_HANDLE_INVALID, 0, NULL, 1, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_socket_write(ZX_HANDLE_INVALID, 0, unmapped_page(), 1, NULL), ZX_ERR_BAD_HANDLE);
        CHECK_STATUS(zx_socket_read(make_event(), 0, unmapped_page(), 1, NULL), ZX_ERR_WRONG_TYPE);
    }
}

TEST(memory_up_to_the_edge_is_used) {
    FOR_EACH_KIND(kind) {
        zx_handle_t one, other;
        make_socket(*kind, &one, &other);
        char* edge = at_the_edge(100);
        memcpy(edge, bytes_from(3), 100);
        size_t* actual = at_the_edge(sizeof(size_t));
        CHECK_OK(zx_socket_write(one, 0, edge, 100, actual));
        CHECK_EQ(*actual, 100);
        memset(edge, 0, 100);
        CHECK_OK(zx_socket_read(other, 0, edge, 100, actual));
        CHECK_EQ(*actual, 100);
        CHECK_BYTES(edge, bytes_from(3), 100);
        // Also for a datagram that is shorter than the buffer.
        put_all(one, 3, 0);
        char bytes[10] = "----------";
        CHECK_OK(zx_socket_read(other, 0, bytes, 10, NULL));
        CHECK_BYTES(bytes + 3, "-------", 7);
    }
}
