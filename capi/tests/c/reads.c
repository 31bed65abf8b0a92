// zx_channel_read, zx_channel_read_etc
#define _GNU_SOURCE
#include "canary.h"

#define MAX_BYTES ZX_CHANNEL_MAX_MSG_BYTES
#define MAX_HANDLES ZX_CHANNEL_MAX_MSG_HANDLES

TEST(read_etc_gives_types_and_rights) {
    zx_handle_t one, other, channel, its_peer;
    make_channel(&one, &other);
    make_channel(&channel, &its_peer);
    zx_handle_t event = restrict_to(make_event(), ZX_RIGHT_TRANSFER | ZX_RIGHT_WAIT);
    zx_koid_t koids[] = {koid_of(event), koid_of(channel)};
    zx_handle_t list[] = {event, channel};
    zx_handle_info_t received[4];
    char bytes[4];
    uint32_t actual_bytes = 0, actual_handles = 0;
    memset(received, 0xff, sizeof(received));
    CHECK_OK(zx_channel_write(one, 0, "two", 3, list, 2));
    CHECK_OK(zx_channel_read_etc(other, 0, bytes, received, 4, 4, &actual_bytes, &actual_handles));
    CHECK_EQ(actual_bytes, 3);
    CHECK_EQ(actual_handles, 2);
    CHECK_BYTES(bytes, "two", 3);
    CHECK_EQ(received[0].type, ZX_OBJ_TYPE_EVENT);
    CHECK_EQ(received[0].rights, ZX_RIGHT_TRANSFER | ZX_RIGHT_WAIT);
    CHECK_EQ(received[0].unused, 0);
    CHECK_EQ(koid_of(received[0].handle), koids[0]);
    CHECK_EQ(received[1].type, ZX_OBJ_TYPE_CHANNEL);
    CHECK_EQ(received[1].rights, ZX_DEFAULT_CHANNEL_RIGHTS);
    CHECK_EQ(koid_of(received[1].handle), koids[1]);
    CHECK_EQ(received[2].handle, ~0u);
}

TEST(a_read_of_nothing_should_wait) {
    zx_handle_t one, other;
    char bytes[4];
    make_channel(&one, &other);
    CHECK_STATUS(zx_channel_read(one, 0, bytes, NULL, 4, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
    send_bytes(one, "for the other", 4);
    CHECK_STATUS(zx_channel_read(one, 0, bytes, NULL, 4, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST(messages_are_read_before_peer_closed) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    send_bytes(one, "last", 4);
    send_bytes(one, "words", 5);
    CHECK_OK(zx_handle_close(one));
    CHECK_EQ(signals_of(other), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
    CHECK_STATUS(zx_channel_write(other, 0, "late", 4, NULL, 0), ZX_ERR_PEER_CLOSED);
    expect_bytes(other, "last", 4);
    expect_bytes(other, "words", 5);
    CHECK_EQ(signals_of(other), ZX_CHANNEL_PEER_CLOSED);
    CHECK_STATUS(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_PEER_CLOSED);
}

TEST(a_large_message_stays) {
    zx_handle_t one, other, handles[2], list[] = {make_event(), make_event()};
    char bytes[8];
    uint32_t actual_bytes, actual_handles;
    struct { uint32_t bytes, handles; } room[] = {{0, 0}, {4, 2}, {5, 1}, {5, 0}, {0, 2}, {4, 1}};
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, "large", 5, list, 2));
    for (size_t index = 0; index < sizeof(room) / sizeof(*room); index++) {
        actual_bytes = actual_handles = 77;
        CHECK_STATUS(zx_channel_read(other, 0, bytes, handles, room[index].bytes, room[index].handles,
                                     &actual_bytes, &actual_handles),
                     ZX_ERR_BUFFER_TOO_SMALL);
        CHECK_EQ(actual_bytes, 5);
        CHECK_EQ(actual_handles, 2);
        CHECK_STATUS(zx_channel_read(other, 0, bytes, handles, room[index].bytes, room[index].handles, NULL, NULL),
                     ZX_ERR_BUFFER_TOO_SMALL);
    }
    CHECK_OK(zx_channel_read(other, 0, bytes, handles, 5, 2, &actual_bytes, &actual_handles));
    CHECK_BYTES(bytes, "large", 5);
    CHECK_OK(zx_handle_close_many(handles, 2));
}

TEST(a_large_message_may_be_discarded) {
    zx_handle_t one, other;
    struct canary canary = make_canary();
    uint32_t actual_bytes = 77, actual_handles = 77;
    char bytes[8];
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, "large", 5, &canary.sent, 1));
    send_bytes(one, "next", 4);
    CHECK_STATUS(zx_channel_read(other, ZX_CHANNEL_READ_MAY_DISCARD, bytes, NULL, 4, 0, &actual_bytes,
                                 &actual_handles),
                 ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_EQ(actual_bytes, 5);
    CHECK_EQ(actual_handles, 1);
    CHECK(is_lost(canary));
    CHECK_OK(zx_channel_read(other, ZX_CHANNEL_READ_MAY_DISCARD, bytes, NULL, 8, 0, &actual_bytes, NULL));
    CHECK_EQ(actual_bytes, 4);
    CHECK_BYTES(bytes, "next", 4);
}

TEST(the_actual_sizes_are_optional) {
    zx_handle_t one, other, event = make_event(), received = ZX_HANDLE_INVALID;
    char bytes[4];
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, "four", 4, &event, 1));
    CHECK_OK(zx_channel_read(other, 0, bytes, &received, 4, 1, NULL, NULL));
    CHECK_BYTES(bytes, "four", 4);
    CHECK_OK(zx_handle_close(received));
    send_bytes(one, "", 0);
    CHECK_OK(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL));
}

TEST(buffers_may_exceed_any_message) {
    zx_handle_t one, other, event = make_event();
    static char bytes[2 * MAX_BYTES];
    static zx_handle_t handles[2 * MAX_HANDLES];
    uint32_t actual_bytes, actual_handles;
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, "four", 4, &event, 1));
    CHECK_OK(zx_channel_read(other, 0, bytes, handles, sizeof(bytes), 2 * MAX_HANDLES, &actual_bytes,
                             &actual_handles));
    CHECK_EQ(actual_bytes, 4);
    CHECK_EQ(actual_handles, 1);
}

TEST(unknown_options_are_not_supported) {
    zx_handle_t one, other;
    zx_handle_info_t infos[1];
    char bytes[4];
    make_channel(&one, &other);
    send_bytes(one, "four", 4);
    for (int bit = 1; bit < 32; bit++) {
        CHECK_STATUS(zx_channel_read(other, 1u << bit, bytes, NULL, 4, 0, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
        CHECK_STATUS(zx_channel_read_etc(other, 1u << bit, bytes, infos, 4, 1, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
    }
    expect_bytes(other, "four", 4);
}

TEST(reading_and_writing_need_their_rights) {
    zx_handle_t one, other;
    struct canary canary = make_canary();
    make_channel(&one, &other);
    one = restrict_to(one, ZX_DEFAULT_CHANNEL_RIGHTS & ~ZX_RIGHT_WRITE);
    other = restrict_to(other, ZX_DEFAULT_CHANNEL_RIGHTS & ~ZX_RIGHT_READ);
    CHECK_STATUS(zx_channel_write(one, 0, "no", 2, &canary.sent, 1), ZX_ERR_ACCESS_DENIED);
    CHECK(is_lost(canary));
    send_bytes(other, "yes", 3);
    CHECK_STATUS(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_channel_read_etc(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_ACCESS_DENIED);
    expect_bytes(one, "yes", 3);
}

TEST(a_full_table_leaves_the_message) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_handles_per_process = 32;
    CHECK_OK(jacinth_create(&config));
    zx_handle_t one, other, event = make_event(), copies[33], sent[3], received[3];
    size_t count = 0;
    make_channel(&one, &other);
    for (size_t index = 0; index < 3; index++)
        sent[index] = duplicate(event, ZX_RIGHT_SAME_RIGHTS);
    CHECK_OK(zx_channel_write(one, 0, "three", 5, sent, 3));
    while (zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copies[count]) == ZX_OK)
        CHECK(++count <= 32);
    char bytes[5];
    for (int round = 0; round < 3; round++)
        CHECK_STATUS(zx_channel_read(other, 0, bytes, received, 5, 3, NULL, NULL), ZX_ERR_NO_RESOURCES);
    CHECK_OK(zx_handle_close_many(copies, count));
    CHECK_OK(zx_channel_read(other, 0, bytes, received, 5, 3, NULL, NULL));
    CHECK_BYTES(bytes, "three", 5);
    CHECK_EQ(handle_count(event), 4);
}
