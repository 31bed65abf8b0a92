// zx_channel_write: its errors, and the handles after each
#define _GNU_SOURCE
#include "canary.h"

#define MAX_BYTES ZX_CHANNEL_MAX_MSG_BYTES
#define MAX_HANDLES ZX_CHANNEL_MAX_MSG_HANDLES

// Writes a message that must fail. `handles[0]` becomes a canary, which the call must consume.
static void fail_to_write(zx_handle_t channel, uint32_t options, uint32_t size, zx_handle_t* handles, uint32_t count,
                          zx_status_t expected) {
    static char bytes[MAX_BYTES + 1];
    struct canary canary = make_canary();
    handles[0] = canary.sent;
    CHECK_STATUS(zx_channel_write(channel, options, bytes, size, handles, count), expected);
    for (uint32_t index = 0; index < count; index++)
        CHECK(!is_open(handles[index]));
    CHECK(is_lost(canary));
}

TEST(a_write_that_fails_consumes_its_handles) {
    zx_handle_t one, other, list[MAX_HANDLES + 100];
    make_channel(&one, &other);
    for (int bit = 0; bit < 32; bit++)
        fail_to_write(one, 1u << bit, 1, list, 1, ZX_ERR_INVALID_ARGS);

    fail_to_write(one, 0, MAX_BYTES + 1, list, 1, ZX_ERR_OUT_OF_RANGE);
    for (uint32_t count = MAX_HANDLES + 1; count <= MAX_HANDLES + 100; count += 33) {
        for (uint32_t index = 1; index < count; index++)
            list[index] = make_event();
        fail_to_write(one, 0, 1, list, count, ZX_ERR_OUT_OF_RANGE);
    }

    list[1] = restrict_to(make_event(), ZX_DEFAULT_EVENT_RIGHTS & ~ZX_RIGHT_TRANSFER);
    list[2] = make_event();
    fail_to_write(one, 0, 1, list, 3, ZX_ERR_ACCESS_DENIED);

    list[1] = list[2] = make_event();
    fail_to_write(one, 0, 1, list, 3, ZX_ERR_BAD_HANDLE);

    list[1] = ZX_HANDLE_INVALID;
    list[2] = make_event();
    fail_to_write(one, 0, 1, list, 3, ZX_ERR_BAD_HANDLE);

    fail_to_write(make_event(), 0, 1, list, 1, ZX_ERR_WRONG_TYPE);
    fail_to_write(ZX_HANDLE_INVALID, 0, 1, list, 1, ZX_ERR_BAD_HANDLE);

    CHECK_STATUS(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(zx_handle_close(other));
    fail_to_write(one, 0, 1, list, 1, ZX_ERR_PEER_CLOSED);
}

TEST(a_channel_is_not_written_into_itself) {
    zx_handle_t one, other, list[2];
    make_channel(&one, &other);
    list[1] = one;
    fail_to_write(one, 0, 1, list, 2, ZX_ERR_NOT_SUPPORTED);
    CHECK_EQ(signals_of(other), ZX_CHANNEL_PEER_CLOSED);
}

TEST(a_full_channel_keeps_the_handles) {
    zx_handle_t one, other, event = make_event();
    make_channel(&one, &other);
    uint32_t count = 0;
    while (zx_channel_write(one, 0, &count, sizeof(count), NULL, 0) == ZX_OK)
        count++;
    CHECK_EQ(count, 8192);
    CHECK_STATUS(zx_channel_write(one, 0, "full", 4, NULL, 0), ZX_ERR_SHOULD_WAIT);
    CHECK_STATUS(zx_channel_write(one, 0, "full", 4, &event, 1), ZX_ERR_SHOULD_WAIT);
    CHECK(is_open(event));
    CHECK_EQ(signals_of(one), ZX_SIGNAL_NONE);
    for (uint32_t number = 0; number < count; number++)
        expect_bytes(other, &number, sizeof(number));
    CHECK_EQ(signals_of(one), ZX_CHANNEL_WRITABLE);
    send_handle(one, event);
    CHECK_OK(zx_handle_close(receive_handle(other)));
}

TEST(an_exceeded_quota_keeps_the_handles) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_pending_messages_per_process = 100;
    CHECK_OK(jacinth_create(&config));
    zx_handle_t one, other, event = make_event();
    make_channel(&one, &other);
    zx_status_t status;
    uint32_t count = 0;
    while ((status = zx_channel_write(one, 0, "", 0, NULL, 0)) == ZX_OK)
        CHECK(++count <= 100);
    CHECK_STATUS(status, ZX_ERR_NO_RESOURCES);
    CHECK_STATUS(zx_channel_write(one, 0, "", 0, &event, 1), ZX_ERR_NO_RESOURCES);
    CHECK(is_open(event));
    for (uint32_t number = 0; number < count; number++)
        expect_bytes(other, "", 0);
    send_handle(one, event);
}

TEST(a_read_refills_an_empty_pool) {
    static char bytes[MAX_BYTES];
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.pool_bytes = 1 << 20;
    config.max_loan_bytes = 1 << 17;
    CHECK_OK(jacinth_create(&config));
    zx_handle_t one, other;
    make_channel(&one, &other);
    for (int round = 0; round < 3; round++) {
        zx_status_t status;
        uint32_t count = 0;
        zx_handle_t list[1];
        while ((status = zx_channel_write(one, 0, bytes, MAX_BYTES, NULL, 0)) == ZX_OK)
            count++;
        CHECK_STATUS(status, ZX_ERR_NO_MEMORY);
        CHECK_EQ(count, (1 << 20) / MAX_BYTES);
        // A little less, so that the message with its handle has the same size class.
        fail_to_write(one, 0, MAX_BYTES - 1000, list, 1, ZX_ERR_NO_MEMORY);
        for (uint32_t number = 0; number < count; number++)
            CHECK_OK(zx_channel_read(other, 0, bytes, NULL, MAX_BYTES, 0, NULL, NULL));
    }
}
