// The calls of channels, loans and buffers.
#ifndef MATRIX_CHANNELS_H_
#define MATRIX_CHANNELS_H_

#include "row.h"

static zx_status_t channel_read(zx_handle_t handle) {
    return zx_channel_read(handle, 0, NULL, NULL, 0, 0, NULL, NULL);
}

static zx_status_t channel_read_etc(zx_handle_t handle) {
    return zx_channel_read_etc(handle, 0, NULL, NULL, 0, 0, NULL, NULL);
}

static zx_status_t channel_write(zx_handle_t handle) {
    return zx_channel_write(handle, 0, NULL, 0, NULL, 0);
}

static zx_status_t channel_write_with_handles(zx_handle_t handle) {
    zx_handle_t event = make_event();
    zx_status_t status = zx_channel_write(handle, 0, NULL, 0, &event, 1);
    CHECK(!is_open(event));
    return status;
}

static zx_status_t sent_by_channel_write(zx_handle_t handle) {
    zx_status_t status = zx_channel_write(a_channel(), 0, NULL, 0, &handle, 1);
    CHECK(!is_open(handle));
    return status;
}

static zx_channel_call_args_t arguments_of_call(const zx_handle_t* handles, uint32_t count) {
    static char bytes[4];
    return (zx_channel_call_args_t){
        .wr_bytes = bytes, .wr_num_bytes = 4, .wr_handles = handles, .wr_num_handles = count};
}

static zx_status_t channel_call(zx_handle_t handle) {
    zx_channel_call_args_t arguments = arguments_of_call(NULL, 0);
    uint32_t bytes, handles;
    return zx_channel_call(handle, 0, 0, &arguments, &bytes, &handles);
}

static zx_status_t channel_call_noretry(zx_handle_t handle) {
    zx_channel_call_args_t arguments = arguments_of_call(NULL, 0);
    uint32_t bytes, handles;
    return zx_channel_call_noretry(handle, 0, 0, &arguments, &bytes, &handles);
}

static zx_status_t channel_call_with_handles(zx_handle_t handle) {
    zx_handle_t event = make_event();
    zx_channel_call_args_t arguments = arguments_of_call(&event, 1);
    uint32_t bytes, handles;
    zx_status_t status = zx_channel_call(handle, 0, 0, &arguments, &bytes, &handles);
    CHECK(!is_open(event));
    return status;
}

static zx_status_t sent_by_channel_call(zx_handle_t handle) {
    zx_channel_call_args_t arguments = arguments_of_call(&handle, 1);
    uint32_t bytes, handles;
    zx_status_t status = zx_channel_call(a_channel(), 0, 0, &arguments, &bytes, &handles);
    CHECK(!is_open(handle));
    return status;
}

static zx_status_t channel_reserve(zx_handle_t handle) {
    jacinth_loan_t loan;
    zx_status_t status = jacinth_channel_reserve(handle, 10, 0, 0, &loan);
    if (status == ZX_OK)
        CHECK_OK(jacinth_loan_cancel(&loan));
    return status;
}

static zx_status_t sent_by_loan_commit(zx_handle_t handle) {
    jacinth_loan_t loan = reserve(a_channel(), 10, 1);
    zx_status_t status = jacinth_loan_commit(&loan, &handle, 1);
    CHECK(!is_open(handle));
    return status;
}

static zx_status_t channel_read_in_place(zx_handle_t handle) {
    jacinth_message_t message;
    return jacinth_channel_read_in_place(handle, 0, &message);
}

static zx_status_t channel_reserve_buffer(zx_handle_t handle) {
    jacinth_buffer_mut_t filled;
    zx_status_t status = jacinth_channel_reserve_buffer(handle, 10, 0, &filled);
    if (status == ZX_OK)
        CHECK_OK(jacinth_buffer_discard(&filled));
    return status;
}

static zx_status_t buffer_get_size(zx_handle_t handle) {
    size_t size;
    return jacinth_buffer_get_size(handle, &size);
}

static zx_status_t buffer_view(zx_handle_t handle) {
    jacinth_buffer_view_t view;
    zx_status_t status = jacinth_buffer_view(handle, &view);
    if (status == ZX_OK)
        CHECK_OK(jacinth_buffer_view_release(&view));
    return status;
}

static const struct row rows_of_channels[] = {
    {"channel_read", channel_read, a_channel, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_pair},
    {"channel_read_etc", channel_read_etc, a_channel, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_pair},
    {"channel_write", channel_write, a_channel, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"channel_write with handles", channel_write_with_handles, a_channel, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"sent by channel_write", sent_by_channel_write, an_event, ZX_OK, ZX_RIGHT_TRANSFER, ANY},
    {"channel_call", channel_call, a_channel, ZX_ERR_TIMED_OUT, ZX_RIGHTS_IO, a_process},
    {"channel_call with handles", channel_call_with_handles, a_channel, ZX_ERR_TIMED_OUT, ZX_RIGHTS_IO, an_event},
    {"channel_call_noretry", channel_call_noretry, a_channel, ZX_ERR_TIMED_OUT, ZX_RIGHTS_IO, an_event},
    {"sent by channel_call", sent_by_channel_call, an_event, ZX_ERR_TIMED_OUT, ZX_RIGHT_TRANSFER, ANY},
    {"jacinth_channel_reserve", channel_reserve, a_channel, ZX_OK, ZX_RIGHT_WRITE, a_buffer},
    {"sent by jacinth_loan_commit", sent_by_loan_commit, an_event, ZX_OK, ZX_RIGHT_TRANSFER, ANY},
    {"jacinth_channel_read_in_place", channel_read_in_place, a_channel, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_fifo},
    {"jacinth_channel_reserve_buffer", channel_reserve_buffer, a_channel, ZX_OK, ZX_RIGHT_WRITE, a_vmo},
    {"jacinth_buffer_get_size", buffer_get_size, a_buffer, ZX_OK, 0, a_vmo},
    {"jacinth_buffer_view", buffer_view, a_buffer, ZX_OK, ZX_RIGHT_READ, a_channel},
};

#endif // MATRIX_CHANNELS_H_
