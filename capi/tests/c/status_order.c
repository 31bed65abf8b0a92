// The order of errors, and the memory that a failed call leaves alone.
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"

TEST(a_large_message_leaves_the_buffer) {
    zx_handle_t one, other, event = make_event();
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, "secret", 6, &event, 1));
    char bytes[8] = "--------";
    uint32_t actual_bytes, actual_handles;
    // The bytes fit, the handle does not.
    CHECK_STATUS(zx_channel_read(other, 0, bytes, NULL, 8, 0, &actual_bytes, &actual_handles),
                 ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_EQ(actual_bytes, 6);
    CHECK_EQ(actual_handles, 1);
    CHECK_BYTES(bytes, "--------", 8);
}

TEST(an_array_of_handles_may_lie_anywhere) {
    zx_handle_t one, other, handles[3];
    char packed[1 + sizeof(handles)], received[1 + sizeof(handles)];
    make_channel(&one, &other);
    for (int index = 0; index < 3; index++)
        handles[index] = make_event();
    memcpy(packed + 1, handles, sizeof(handles));
    CHECK_OK(zx_channel_write(one, 0, NULL, 0, (zx_handle_t*)(void*)(packed + 1), 3));
    CHECK_OK(zx_channel_read(other, 0, NULL, (zx_handle_t*)(void*)(received + 1), 0, 3, NULL, NULL));
    memcpy(handles, received + 1, sizeof(handles));
    for (int index = 0; index < 3; index++)
        CHECK(is_open(handles[index]));
    CHECK_OK(zx_handle_close_many((zx_handle_t*)(void*)(received + 1), 3));
    for (int index = 0; index < 3; index++)
        CHECK(!is_open(handles[index]));
}

TEST(channel_errors_precede_message_errors) {
    zx_handle_t event = make_event();
    void* nowhere = unmapped_page();
    char byte;
    CHECK_STATUS(zx_channel_write(event, 0, nowhere, 1, NULL, 0), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(zx_channel_write(1234, 0, nowhere, 1, NULL, 0), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_channel_write(1234, 0, "", 1, nowhere, 1), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_channel_read(1234, 0, &byte, NULL, 1, 0, nowhere, NULL), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_channel_read(event, 0, &byte, NULL, 1, 0, NULL, nowhere), ZX_ERR_WRONG_TYPE);
    zx_handle_t one, other;
    make_channel(&one, &other);
    CHECK_STATUS(zx_channel_write(one, 0, NULL, 0, nowhere, ZX_CHANNEL_MAX_MSG_HANDLES + 1), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(zx_channel_write(one, 0, "", 1, nowhere, 1), ZX_ERR_INVALID_ARGS);
}

TEST(a_missing_id_precedes_channel_errors) {
    char bytes[4] = "ab";
    uint32_t actual_bytes, actual_handles;
    zx_channel_call_args_t args = {.wr_bytes = bytes, .wr_num_bytes = 2, .rd_bytes = bytes, .rd_num_bytes = 4};
    CHECK_STATUS(zx_channel_call(1234, 0, ZX_TIME_INFINITE, &args, &actual_bytes, &actual_handles),
                 ZX_ERR_INVALID_ARGS);
    args.wr_num_bytes = 4;
    CHECK_STATUS(zx_channel_call(1234, 0, ZX_TIME_INFINITE, &args, NULL, &actual_handles), ZX_ERR_BAD_HANDLE);
}
