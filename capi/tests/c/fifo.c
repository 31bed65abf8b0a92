// zx_fifo_create, zx_fifo_write, zx_fifo_read
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"
#include "partner.h"

// Elements whose size is no power of two.
typedef struct {
    char bytes[3];
} element_t;

static element_t element_of(uint32_t number) {
    element_t element = {{(char)number, (char)(number >> 8), (char)(number * 7)}};
    return element;
}

static void fill(element_t* elements, size_t count, uint32_t first) {
    for (size_t index = 0; index < count; index++)
        elements[index] = element_of(first + (uint32_t)index);
}

static zx_status_t put(zx_handle_t fifo, uint32_t number) {
    element_t element = element_of(number);
    return zx_fifo_write(fifo, sizeof(element), &element, 1, NULL);
}

// Writes so many elements, which must fit.
static void put_all(zx_handle_t fifo, size_t count, uint32_t first) {
    element_t elements[1024];
    size_t actual = 77;
    fill(elements, count, first);
    CHECK_OK(zx_fifo_write(fifo, sizeof(element_t), elements, count, &actual));
    CHECK_EQ(actual, count);
}

// Reads up to `count` elements, of which just `expected` must come.
static void expect(zx_handle_t fifo, size_t count, size_t expected, uint32_t first) {
    element_t elements[1024], right[1024];
    size_t actual = 77;
    CHECK_OK(zx_fifo_read(fifo, sizeof(element_t), elements, count, &actual));
    CHECK_EQ(actual, expected);
    fill(right, expected, first);
    CHECK_BYTES(elements, right, expected * sizeof(element_t));
}

static zx_status_t read_one(zx_handle_t fifo) {
    element_t element;
    return zx_fifo_read(fifo, sizeof(element), &element, 1, NULL);
}

TEST(both_ends_have_default_rights) {
    zx_handle_t one, other;
    make_fifo(4, 3, &one, &other);
    zx_info_handle_basic_t first = basic_info(one), second = basic_info(other);
    CHECK_EQ(first.type, ZX_OBJ_TYPE_FIFO);
    CHECK_EQ(second.type, ZX_OBJ_TYPE_FIFO);
    CHECK_EQ(first.rights, ZX_DEFAULT_FIFO_RIGHTS);
    CHECK_EQ(second.rights, ZX_DEFAULT_FIFO_RIGHTS);
    CHECK_EQ(first.related_koid, second.koid);
    CHECK_EQ(second.related_koid, first.koid);
    CHECK_EQ(first.props, ZX_OBJ_PROP_WAITABLE);
    CHECK_EQ(signals_of(one), ZX_FIFO_WRITABLE);
    CHECK_EQ(signals_of(other), ZX_FIFO_WRITABLE);
}

TEST(options_are_invalid_args) {
    zx_handle_t one = 77, other = 78;
    for (int bit = 0; bit < 32; bit++)
        CHECK_STATUS(zx_fifo_create(4, 3, 1u << bit, &one, &other), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(one, 77);
    CHECK_EQ(other, 78);
}

TEST(other_sizes_are_out_of_range) {
    static const size_t sizes[][2] = {
        {0, 4},        {4, 0},        {0, 0},   {3, 4},        {5, 1},           {2048, 3},
        {1, 4097},     {4096, 2},     {8192, 1}, {SIZE_MAX, 1}, {1, SIZE_MAX},    {SIZE_MAX, SIZE_MAX},
        {SIZE_MAX / 2 + 1, 2}, {2, SIZE_MAX / 2 + 1}, {(size_t)1 << 32, (size_t)1 << 32},
    };
    zx_handle_t one = 77, other = 78;
    for (size_t index = 0; index < sizeof(sizes) / sizeof(*sizes); index++)
        CHECK_STATUS(zx_fifo_create(sizes[index][0], sizes[index][1], 0, &one, &other), ZX_ERR_OUT_OF_RANGE);
    CHECK_EQ(one, 77);
    CHECK_EQ(other, 78);
    make_fifo(4096, 1, &one, &other);
    make_fifo(1, 4096, &one, &other);
    make_fifo(1, 1, &one, &other);
}

TEST(bad_pointers_create_nothing) {
    zx_handle_t handle = 77;
    zx_handle_close(make_event());
    jacinth_audit_t before = audit_now();
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(nowhere) {
        CHECK_STATUS(zx_fifo_create(4, 3, 0, nowhere, &handle), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_fifo_create(4, 3, 0, &handle, nowhere), ZX_ERR_INVALID_ARGS);
    }
    CHECK_EQ(audit_now().objects, before.objects);
    CHECK_EQ(audit_now().handles, before.handles);
}

TEST(writes_and_reads_may_be_short) {
    zx_handle_t one, other;
    make_fifo(4, 3, &one, &other);
    element_t elements[6];
    size_t actual = 77;
    fill(elements, 6, 0);
    CHECK_OK(zx_fifo_write(one, 3, elements, 6, &actual));
    CHECK_EQ(actual, 4);
    CHECK_STATUS(zx_fifo_write(one, 3, elements, 6, &actual), ZX_ERR_SHOULD_WAIT);
    expect(other, 3, 3, 0);
    expect(other, 6, 1, 3);
    CHECK_STATUS(read_one(other), ZX_ERR_SHOULD_WAIT);
}

TEST(elements_wrap_in_their_order) {
    zx_handle_t one, other;
    make_fifo(8, 3, &one, &other);
    uint32_t written = 0, read = 0;
    for (uint32_t round = 0; round < 3000; round++) {
        size_t more = 1 + round * 5 % 7, room = 8 - (written - read);
        if (more <= room) {
            put_all(one, more, written);
            written += (uint32_t)more;
        }
        size_t wanted = 1 + round % 5, there = written - read;
        if (there == 0)
            continue;
        expect(other, wanted, wanted < there ? wanted : there, read);
        read += (uint32_t)(wanted < there ? wanted : there);
    }
    CHECK(read > 5000);
}

TEST(the_count_of_elements_is_optional) {
    zx_handle_t one, other;
    make_fifo(2, 3, &one, &other);
    CHECK_OK(put(one, 1));
    CHECK_OK(put(one, 2));
    CHECK_STATUS(put(one, 3), ZX_ERR_SHOULD_WAIT);
    element_t elements[2];
    CHECK_OK(zx_fifo_read(other, 3, elements, 2, NULL));
    CHECK_STATUS(read_one(other), ZX_ERR_SHOULD_WAIT);
}

TEST(no_elements_are_out_of_range) {
    zx_handle_t one, other;
    make_fifo(2, 3, &one, &other);
    size_t actual = 77;
    char bytes[3];
    CHECK_STATUS(zx_fifo_write(one, 3, bytes, 0, &actual), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_fifo_write(one, 3, NULL, 0, NULL), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_fifo_read(one, 3, bytes, 0, &actual), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_fifo_read(one, 3, NULL, 0, NULL), ZX_ERR_OUT_OF_RANGE);
    CHECK_EQ(actual, 77);
}

TEST(another_element_size_is_out_of_range) {
    zx_handle_t one, other;
    make_fifo(2, 3, &one, &other);
    put_all(one, 2, 0);
    static const size_t sizes[] = {0, 1, 2, 4, 6, 4096, 4097, SIZE_MAX};
    static char bytes[4096];
    for (size_t index = 0; index < sizeof(sizes) / sizeof(*sizes); index++) {
        CHECK_STATUS(zx_fifo_write(one, sizes[index], bytes, 1, NULL), ZX_ERR_OUT_OF_RANGE);
        CHECK_STATUS(zx_fifo_write(other, sizes[index], bytes, 1, NULL), ZX_ERR_OUT_OF_RANGE);
        CHECK_STATUS(zx_fifo_read(one, sizes[index], bytes, 1, NULL), ZX_ERR_OUT_OF_RANGE);
        CHECK_STATUS(zx_fifo_read(other, sizes[index], bytes, 1, NULL), ZX_ERR_OUT_OF_RANGE);
    }
    expect(other, 2, 2, 0);
}

TEST(a_large_count_does_not_overflow) {
    zx_handle_t one, other;
    make_fifo(4, 3, &one, &other);
    static char bytes[8192];
    size_t actual = 77;
    size_t counts[] = {SIZE_MAX, SIZE_MAX / 3 + 1, SIZE_MAX / 3 + 2, (size_t)1 << 63, 100000};
    for (size_t index = 0; index < 5; index++) {
        CHECK_OK(zx_fifo_write(one, 3, bytes, counts[index], &actual));
        CHECK_EQ(actual, 4);
        CHECK_OK(zx_fifo_read(other, 3, bytes, counts[index], &actual));
        CHECK_EQ(actual, 4);
    }
}

TEST(bad_memory_moves_no_element) {
    zx_handle_t one, other;
    make_fifo(4, 3, &one, &other);
    element_t elements[2];
    fill(elements, 2, 5);
    prepare_bad_pointers();
    FOR_EACH_BAD_INPUT(nowhere)
        CHECK_STATUS(zx_fifo_write(one, 3, nowhere, 2, NULL), ZX_ERR_INVALID_ARGS);
    FOR_EACH_BAD_OUTPUT(nowhere) {
        // The count is optional.
        if (nowhere != NULL)
            CHECK_STATUS(zx_fifo_write(one, 3, elements, 2, nowhere), ZX_ERR_INVALID_ARGS);
    }
    CHECK_STATUS(read_one(other), ZX_ERR_SHOULD_WAIT);
    put_all(one, 2, 5);
    FOR_EACH_BAD_OUTPUT(nowhere) {
        CHECK_STATUS(zx_fifo_read(other, 3, nowhere, 2, NULL), ZX_ERR_INVALID_ARGS);
        if (nowhere != NULL)
            CHECK_STATUS(zx_fifo_read(other, 3, elements, 2, nowhere), ZX_ERR_INVALID_ARGS);
    }
    expect(other, 2, 2, 5);
}

TEST(memory_up_to_the_edge_is_used) {
    zx_handle_t one, other;
    make_fifo(4, 3, &one, &other);
    element_t* edge = at_the_edge(2 * sizeof(element_t));
    fill(edge, 2, 9);
    size_t actual = 0;
    CHECK_OK(zx_fifo_write(one, 3, edge, 2, &actual));
    CHECK_EQ(actual, 2);
    memset(edge, 0, 2 * sizeof(element_t));
    CHECK_OK(zx_fifo_read(other, 3, edge, 2, &actual));
    CHECK_EQ(actual, 2);
    element_t right[2];
    fill(right, 2, 9);
    CHECK_BYTES(edge, right, sizeof(right));
}

TEST(a_short_read_leaves_the_rest) {
    zx_handle_t one, other;
    make_fifo(4, 3, &one, &other);
    CHECK_OK(put(one, 0));
    char bytes[10] = "----------";
    CHECK_OK(zx_fifo_read(other, 3, bytes, 3, NULL));
    CHECK_BYTES(bytes + 3, "-------", 7);
}

TEST(elements_outlive_a_closed_peer) {
    zx_handle_t one, other;
    make_fifo(4, 3, &one, &other);
    put_all(one, 3, 20);
    CHECK_OK(zx_handle_close(one));
    CHECK_EQ(signals_of(other), ZX_FIFO_READABLE | ZX_FIFO_PEER_CLOSED);
    CHECK_STATUS(put(other, 0), ZX_ERR_PEER_CLOSED);
    // In Zircon's kernel a write looks at the peer first, a read at the sizes.
    CHECK_STATUS(zx_fifo_write(other, 4, "1234", 1, NULL), ZX_ERR_PEER_CLOSED);
    CHECK_STATUS(zx_fifo_write(other, 3, NULL, 0, NULL), ZX_ERR_PEER_CLOSED);
    expect(other, 2, 2, 20);
    expect(other, 2, 1, 22);
    CHECK_EQ(signals_of(other), ZX_FIFO_PEER_CLOSED);
    CHECK_STATUS(read_one(other), ZX_ERR_PEER_CLOSED);
    char bytes[4];
    CHECK_STATUS(zx_fifo_read(other, 4, bytes, 1, NULL), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_fifo_read(other, 3, bytes, 0, NULL), ZX_ERR_OUT_OF_RANGE);
}

TEST(signals_follow_the_elements) {
    zx_handle_t one, other;
    make_fifo(2, 3, &one, &other);
    put_all(one, 1, 0);
    CHECK_EQ(signals_of(one), ZX_FIFO_WRITABLE);
    CHECK_EQ(signals_of(other), ZX_FIFO_WRITABLE | ZX_FIFO_READABLE);
    put_all(one, 1, 1);
    CHECK_EQ(signals_of(one), ZX_SIGNAL_NONE);
    expect(other, 1, 1, 0);
    CHECK_EQ(signals_of(one), ZX_FIFO_WRITABLE);
    expect(other, 1, 1, 1);
    CHECK_EQ(signals_of(other), ZX_FIFO_WRITABLE);
    CHECK_STATUS(zx_object_signal(one, 0, ZX_FIFO_READABLE), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_signal(one, ZX_FIFO_WRITABLE, 0), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_signal_peer(one, 0, ZX_FIFO_PEER_CLOSED), ZX_ERR_INVALID_ARGS);
    CHECK_OK(zx_object_signal_peer(one, 0, ZX_USER_SIGNAL_4));
    CHECK_EQ(signals_of(other), ZX_FIFO_WRITABLE | ZX_USER_SIGNAL_4);
}

TEST(duplicates_of_one_end_take_turns) {
    zx_handle_t one, other;
    make_fifo(8, 3, &one, &other);
    zx_handle_t writers[] = {one, duplicate(one, ZX_RIGHT_SAME_RIGHTS), duplicate(one, ZX_RIGHT_WRITE)};
    zx_handle_t readers[] = {other, duplicate(other, ZX_RIGHT_SAME_RIGHTS), duplicate(other, ZX_RIGHT_READ)};
    for (uint32_t round = 0; round < 500; round++) {
        put_all(writers[round % 3], 3, round);
        expect(readers[(round + 1) % 3], 1, 1, round);
        expect(readers[round / 3 % 3], 8, 2, round + 1);
    }
    CHECK_STATUS(read_one(writers[2]), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(put(readers[2], 0), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_handle_close_many(writers, 2));
    CHECK_EQ(signals_of(other) & ZX_FIFO_PEER_CLOSED, 0);
    CHECK_OK(zx_handle_close(writers[2]));
    CHECK_EQ(signals_of(other), ZX_FIFO_PEER_CLOSED);
}

// Sends each element that comes back, and ends with its peer.
ROLE(echoes_elements) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    zx_handle_t fifo = receive_handle(channel);
    zx_signals_t seen;
    for (;;) {
        CHECK_OK(zx_object_wait_one(fifo, ZX_FIFO_READABLE | ZX_FIFO_PEER_CLOSED, ZX_TIME_INFINITE, &seen));
        if ((seen & ZX_FIFO_READABLE) == 0)
            break;
        element_t element;
        CHECK_OK(zx_fifo_read(fifo, sizeof(element), &element, 1, NULL));
        zx_status_t status = zx_fifo_write(fifo, sizeof(element), &element, 1, NULL);
        if (status != ZX_ERR_PEER_CLOSED)
            CHECK_OK(status);
    }
}

static void expect_echoes(zx_handle_t fifo) {
    for (uint32_t number = 0; number < 200; number++) {
        put_all(fifo, 1, number);
        CHECK_OK(zx_object_wait_one(fifo, ZX_FIFO_READABLE, ZX_TIME_INFINITE, NULL));
        expect(fifo, 4, 1, number);
    }
}

TEST(a_sent_end_works_elsewhere) {
    zx_handle_t channel, one, other;
    pid_t pid = spawn_partner("echoes_elements", &channel);
    make_fifo(4, 3, &one, &other);
    send_handle(channel, other);
    expect_echoes(one);
    CHECK_OK(zx_handle_close(one));
    CHECK_EQ(join_process(pid), 0);
}

TEST(a_duplicate_outlives_a_killed_process) {
    zx_handle_t channel, one, other;
    pid_t pid = spawn_partner("echoes_elements", &channel);
    make_fifo(4, 3, &one, &other);
    send_handle(channel, duplicate(other, ZX_RIGHT_SAME_RIGHTS));
    expect_echoes(one);
    kill_process(pid);
    await_peer_closed(channel);
    CHECK_EQ(signals_of(one), ZX_FIFO_WRITABLE);
    put_all(one, 2, 7);
    expect(other, 4, 2, 7);
    put_all(other, 3, 1);
    CHECK_OK(zx_handle_close(other));
    expect(one, 4, 3, 1);
    CHECK_STATUS(read_one(one), ZX_ERR_PEER_CLOSED);
}

TEST(underscored_names_are_the_same_calls) {
    zx_handle_t one, other;
    CHECK_OK(_zx_fifo_create(4, 3, 0, &one, &other));
    size_t actual = 77;
    CHECK_OK(_zx_fifo_write(one, 3, "abcdef", 2, &actual));
    CHECK_EQ(actual, 2);
    char bytes[6];
    CHECK_OK(_zx_fifo_read(other, 3, bytes, 2, &actual));
    CHECK_EQ(actual, 2);
    CHECK_BYTES(bytes, "abcdef", 6);
}
