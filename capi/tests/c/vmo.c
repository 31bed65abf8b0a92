// zx_vmo_create, zx_vmo_read, zx_vmo_write, zx_vmo_get_size, zx_vmo_set_size, zx_vmo_op_range, zx_vmo_clone
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"

static uint64_t size_of(zx_handle_t vmo) {
    uint64_t size = 77;
    CHECK_OK(zx_vmo_get_size(vmo, &size));
    return size;
}

// `count` bytes from `offset` on are all `byte`.
static void expect_all(zx_handle_t vmo, uint64_t offset, size_t count, char byte) {
    char bytes[5 * PAGE];
    CHECK(count <= sizeof(bytes));
    memset(bytes, byte + 1, sizeof(bytes));
    CHECK_OK(zx_vmo_read(vmo, bytes, offset, count));
    for (size_t index = 0; index < count; index++)
        CHECK_EQ(bytes[index], byte);
}

static void fill(zx_handle_t vmo, uint64_t offset, size_t count, char byte) {
    char bytes[5 * PAGE];
    CHECK(count <= sizeof(bytes));
    memset(bytes, byte, count);
    CHECK_OK(zx_vmo_write(vmo, bytes, offset, count));
}

TEST(a_new_object_has_default_rights) {
    zx_handle_t vmo = make_vmo(2 * PAGE, 0);
    zx_info_handle_basic_t info = basic_info(vmo);
    CHECK_EQ(info.type, ZX_OBJ_TYPE_VMO);
    CHECK_EQ(info.rights, ZX_DEFAULT_VMO_RIGHTS);
    CHECK_EQ(info.related_koid, 0);
    CHECK_EQ(info.props, ZX_OBJ_PROP_WAITABLE);
    CHECK_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
    expect_all(vmo, 0, 2 * PAGE, 0);
}

TEST(bad_creations_store_no_handle) {
    zx_handle_t vmo = 77;
    for (int bit = 1; bit < 32; bit++)
        CHECK_STATUS(zx_vmo_create(PAGE, 1u << bit, &vmo), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_create(UINT64_MAX, 0, &vmo), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_vmo_create((uint64_t)1 << 62, 0, &vmo), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_vmo_create(((uint64_t)1 << 40) + 1, 0, &vmo), ZX_ERR_NO_MEMORY);
    CHECK_EQ(vmo, 77);
    CHECK_STATUS(zx_vmo_create(PAGE, 0, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_create(PAGE, 0, unmapped_page()), ZX_ERR_INVALID_ARGS);
}

TEST(sizes_are_whole_pages) {
    static const uint64_t sizes[][2] = {{0, 0}, {1, PAGE}, {PAGE, PAGE}, {PAGE + 1, 2 * PAGE}};
    for (size_t index = 0; index < 4; index++) {
        zx_handle_t vmo = make_vmo(sizes[index][0], 0);
        CHECK_EQ(size_of(vmo), sizes[index][1]);
        CHECK_OK(zx_vmo_set_size(vmo, sizes[3 - index][0]));
        CHECK_EQ(size_of(vmo), sizes[3 - index][1]);
        CHECK_OK(zx_handle_close(vmo));
    }
    zx_handle_t vmo = make_vmo(PAGE, 0);
    CHECK_STATUS(zx_vmo_set_size(vmo, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_vmo_set_size(vmo, ((uint64_t)1 << 40) + 1), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_vmo_get_size(vmo, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_get_size(vmo, unmapped_page()), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_set_size(make_vmo(PAGE, ZX_VMO_NON_RESIZABLE), PAGE), ZX_ERR_UNAVAILABLE);
}

TEST(bytes_are_read_as_written) {
    zx_handle_t vmo = make_vmo(PAGE, 0);
    CHECK_OK(zx_vmo_set_size(vmo, 20 * PAGE));
    fill(vmo, PAGE - 7, 5 * PAGE, 3);
    expect_all(vmo, 0, PAGE - 7, 0);
    expect_all(vmo, PAGE - 7, 5 * PAGE, 3);
    expect_all(vmo, 6 * PAGE - 7, PAGE, 0);
    CHECK_OK(zx_vmo_set_size(vmo, 2 * PAGE));
    CHECK_OK(zx_vmo_set_size(vmo, 20 * PAGE));
    expect_all(vmo, PAGE, PAGE, 3);
    expect_all(vmo, 2 * PAGE, 5 * PAGE, 0);
}

TEST(ranges_outside_are_out_of_range) {
    zx_handle_t vmo = make_vmo(2 * PAGE, 0);
    static const uint64_t ranges[][2] = {{0, 2 * PAGE + 1}, {2 * PAGE, 1}, {2 * PAGE + 1, 0}, {UINT64_MAX, 1},
                                         {UINT64_MAX, 0},   {1, SIZE_MAX}, {0, SIZE_MAX}};
    char byte = 7;
    for (size_t index = 0; index < sizeof(ranges) / sizeof(*ranges); index++) {
        // The range comes before the pointer, so none of these bytes is looked at.
        CHECK_STATUS(zx_vmo_read(vmo, &byte, ranges[index][0], ranges[index][1]), ZX_ERR_OUT_OF_RANGE);
        CHECK_STATUS(zx_vmo_write(vmo, &byte, ranges[index][0], ranges[index][1]), ZX_ERR_OUT_OF_RANGE);
        CHECK_STATUS(zx_vmo_write(vmo, NULL, ranges[index][0], ranges[index][1]), ZX_ERR_OUT_OF_RANGE);
    }
    CHECK_EQ(byte, 7);
    CHECK_OK(zx_vmo_read(vmo, &byte, 2 * PAGE, 0));
    CHECK_OK(zx_vmo_write(vmo, &byte, 2 * PAGE, 0));
    expect_all(vmo, 0, 2 * PAGE, 0);
}

TEST(bad_pointers_are_invalid_args) {
    zx_handle_t vmo = make_vmo(2 * PAGE, 0);
    CHECK_STATUS(zx_vmo_read(vmo, NULL, 0, 1), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_read(vmo, unmapped_page(), 0, 1), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_read(vmo, over_the_edge(), 0, 2), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_read(vmo, read_only_page(), 0, 1), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_write(vmo, NULL, 0, 1), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_write(vmo, unmapped_page(), 0, 1), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_write(vmo, over_the_edge(), 0, 2), ZX_ERR_INVALID_ARGS);
    expect_all(vmo, 0, 2 * PAGE, 0);
    CHECK_OK(zx_vmo_read(vmo, at_the_edge(PAGE), 0, PAGE));
    CHECK_OK(zx_vmo_write(vmo, at_the_edge(PAGE), 0, PAGE));
}

TEST(range_operations_give_documented_errors) {
    zx_handle_t vmo = make_vmo(4 * PAGE, 0);
    fill(vmo, 0, 4 * PAGE, 7);
    CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, 4 * PAGE, NULL, 0));
    expect_all(vmo, 0, 4 * PAGE, 7);
    CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, PAGE + 1, PAGE, NULL, 0));
    expect_all(vmo, 0, PAGE, 7);
    expect_all(vmo, PAGE, 2 * PAGE, 0);
    expect_all(vmo, 3 * PAGE, PAGE, 7);
    for (uint32_t op = ZX_VMO_OP_COMMIT; op <= ZX_VMO_OP_DECOMMIT; op++) {
        CHECK_OK(zx_vmo_op_range(vmo, op, 4 * PAGE, 1, NULL, 0));
        CHECK_STATUS(zx_vmo_op_range(vmo, op, 4 * PAGE + 1, 1, NULL, 0), ZX_ERR_OUT_OF_RANGE);
        CHECK_STATUS(zx_vmo_op_range(vmo, op, 1, UINT64_MAX, NULL, 0), ZX_ERR_OUT_OF_RANGE);
    }
    for (uint32_t op = ZX_VMO_OP_CACHE_SYNC; op <= ZX_VMO_OP_CACHE_CLEAN_INVALIDATE; op++) {
        CHECK_OK(zx_vmo_op_range(vmo, op, 0, 4 * PAGE, NULL, 0));
        CHECK_STATUS(zx_vmo_op_range(vmo, op, 0, 4 * PAGE + 1, NULL, 0), ZX_ERR_OUT_OF_RANGE);
        CHECK_STATUS(zx_vmo_op_range(vmo, op, 0, 0, NULL, 0), ZX_ERR_INVALID_ARGS);
    }
    CHECK_STATUS(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, PAGE, NULL, 0), ZX_ERR_NOT_SUPPORTED);
    CHECK_STATUS(zx_vmo_op_range(vmo, ZX_VMO_OP_UNLOCK, 0, PAGE, NULL, 0), ZX_ERR_NOT_SUPPORTED);
    CHECK_STATUS(zx_vmo_op_range(vmo, 0, 0, PAGE, NULL, 0), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_op_range(vmo, 5, 0, PAGE, NULL, 0), ZX_ERR_INVALID_ARGS);
}

TEST(a_sent_handle_carries_its_pages) {
    zx_handle_t one, other, vmo = make_vmo(1u << 24, 0), received;
    make_channel(&one, &other);
    fill(vmo, (1u << 24) - PAGE, PAGE, 9);
    CHECK_OK(zx_channel_write(one, 0, NULL, 0, &vmo, 1));
    uint32_t bytes, handles;
    CHECK_OK(zx_channel_read(other, 0, NULL, &received, 0, 1, &bytes, &handles));
    expect_all(received, (1u << 24) - PAGE, PAGE, 9);
}

TEST(a_clone_has_its_own_bytes) {
    zx_handle_t vmo = make_vmo(4 * PAGE, 0), clone = 77;
    fill(vmo, 0, 4 * PAGE, 7);
    CHECK_OK(zx_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 2 * PAGE, 3 * PAGE, &clone));
    CHECK_EQ(signals_of(vmo), 0);
    CHECK_EQ(size_of(clone), 3 * PAGE);
    expect_all(clone, 0, 2 * PAGE, 7);
    expect_all(clone, 2 * PAGE, PAGE, 0);
    fill(clone, 0, PAGE, 8);
    expect_all(vmo, 0, 4 * PAGE, 7);
    CHECK_EQ(basic_info(clone).rights, ZX_DEFAULT_VMO_RIGHTS);
    CHECK_OK(zx_handle_close(clone));
    CHECK_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
}

TEST(bad_clones_store_no_handle) {
    zx_handle_t vmo = make_vmo(4 * PAGE, 0), clone = 77;
    const uint32_t copy = ZX_VMO_CLONE_COPY_ON_WRITE;
    CHECK_STATUS(zx_vmo_clone(vmo, 0, 0, PAGE, &clone), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_clone(vmo, ZX_VMO_CLONE_NON_RESIZEABLE, 0, PAGE, &clone), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_clone(vmo, copy | 4, 0, PAGE, &clone), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_clone(vmo, copy, 1, PAGE, &clone), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmo_clone(vmo, copy, PAGE, UINT64_MAX, &clone), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_vmo_clone(duplicate(vmo, ZX_RIGHT_READ), copy, 0, PAGE, &clone), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_vmo_clone(duplicate(vmo, ZX_RIGHT_DUPLICATE), copy, 0, PAGE, &clone), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(clone, 77);
    CHECK_STATUS(zx_vmo_clone(vmo, copy, 0, PAGE, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(signals_of(vmo), ZX_VMO_ZERO_CHILDREN);
}
