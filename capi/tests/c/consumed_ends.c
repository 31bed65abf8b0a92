// Ends of channels that a failed call consumes while memory of theirs is lent: they are closed when it is back.
#define _GNU_SOURCE
#include "in_place.h"
#include "pages.h"
#include "partner.h"

static zx_status_t write_options(zx_handle_t carrier, zx_handle_t* list, uint32_t count) {
    return zx_channel_write(carrier, 1, NULL, 0, list, count);
}

static zx_status_t write_bytes(zx_handle_t carrier, zx_handle_t* list, uint32_t count) {
    return zx_channel_write(carrier, 0, unmapped_page(), 10, list, count);
}

static zx_status_t write_closed(zx_handle_t carrier, zx_handle_t* list, uint32_t count) {
    (void)carrier;
    return zx_channel_write(ZX_HANDLE_INVALID, 0, NULL, 0, list, count);
}

static zx_status_t call_options(zx_handle_t carrier, zx_handle_t* list, uint32_t count) {
    char bytes[8] = {0};
    uint32_t actual_bytes, actual_handles;
    zx_channel_call_args_t args = {bytes, list, NULL, NULL, sizeof(bytes), count, 0, 0};
    return zx_channel_call(carrier, 1, ZX_TIME_INFINITE, &args, &actual_bytes, &actual_handles);
}

static zx_status_t commit_nothing(zx_handle_t carrier, zx_handle_t* list, uint32_t count) {
    (void)carrier;
    jacinth_loan_t none = {0};
    return jacinth_loan_commit(&none, list, count);
}

// Also among more handles than any message has.
TEST(consumed_ends_close_after_their_loans) {
    static zx_status_t (*const calls[])(zx_handle_t, zx_handle_t*, uint32_t) = {
        write_options, write_bytes, write_closed, call_options, commit_nothing,
    };
    static const zx_status_t expected[] = {
        ZX_ERR_INVALID_ARGS, ZX_ERR_INVALID_ARGS, ZX_ERR_BAD_HANDLE, ZX_ERR_INVALID_ARGS, ZX_ERR_BAD_HANDLE,
    };
    prepare_bad_pointers();
    zx_handle_t carrier, far, list[70];
    make_channel(&carrier, &far);
    for (size_t call = 0; call < sizeof(calls) / sizeof(*calls); call++) {
        for (uint32_t count = 1; count <= 70; count += 69) {
            zx_handle_t ours, theirs;
            make_channel(&ours, &theirs);
            send_bytes(theirs, "held", 4);
            jacinth_loan_t loan = reserve(ours, 10, 0);
            jacinth_message_t message = read_in_place(ours);
            for (uint32_t index = 0; index + 1 < count; index++)
                list[index] = make_event();
            list[count - 1] = ours;
            // A list that is too long is the fault that is found first, but for that of the channel.
            zx_status_t status = calls[call](carrier, list, count);
            CHECK(status == expected[call] || (count == 70 && status == ZX_ERR_OUT_OF_RANGE));
            CHECK(count == 1 || !is_open(list[0]));
            CHECK_BYTES(message.data, "held", 4);
            memcpy(loan.data, "still sent", 10);
            CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
            expect_bytes(theirs, "still sent", 10);
            CHECK_EQ(signals_of(theirs) & ZX_CHANNEL_PEER_CLOSED, 0);
            CHECK_OK(jacinth_message_release(&message));
            CHECK(!is_open(ours));
            await_peer_closed(theirs);
        }
    }
}
