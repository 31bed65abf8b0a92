// zx_channel_create, and messages through a channel
#define _GNU_SOURCE
#include "canary.h"

#define MAX_BYTES ZX_CHANNEL_MAX_MSG_BYTES
#define MAX_HANDLES ZX_CHANNEL_MAX_MSG_HANDLES

TEST(the_two_ends_are_related_objects) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    zx_info_handle_basic_t first = basic_info(one), second = basic_info(other);
    CHECK_EQ(first.type, ZX_OBJ_TYPE_CHANNEL);
    CHECK_EQ(second.type, ZX_OBJ_TYPE_CHANNEL);
    CHECK_EQ(first.rights, ZX_DEFAULT_CHANNEL_RIGHTS);
    CHECK_EQ(second.rights, ZX_DEFAULT_CHANNEL_RIGHTS);
    CHECK_EQ(first.related_koid, second.koid);
    CHECK_EQ(second.related_koid, first.koid);
    CHECK_EQ(first.props, ZX_OBJ_PROP_WAITABLE);
    CHECK_EQ(signals_of(one), ZX_CHANNEL_WRITABLE);
    CHECK_EQ(signals_of(other), ZX_CHANNEL_WRITABLE);
}

TEST(options_are_invalid_args) {
    zx_handle_t one = 77, other = 78;
    for (int bit = 0; bit < 32; bit++)
        CHECK_STATUS(zx_channel_create(1u << bit, &one, &other), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(one, 77);
    CHECK_EQ(other, 78);
}

TEST(a_null_pointer_creates_nothing) {
    zx_handle_t one = 77;
    zx_handle_close(make_event());
    jacinth_audit_t before = audit_now();
    CHECK_STATUS(zx_channel_create(0, NULL, &one), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_channel_create(0, &one, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(audit_now().objects, before.objects);
    CHECK_EQ(audit_now().handles, before.handles);
}

TEST(messages_arrive_whole_and_in_order) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    for (int round = 0; round < 3; round++) {
        send_bytes(one, "first", 5);
        send_bytes(one, "", 0);
        send_bytes(one, "third", 6);
        CHECK_EQ(signals_of(other), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
        expect_bytes(other, "first", 5);
        expect_bytes(other, "", 0);
        expect_bytes(other, "third", 6);
        CHECK_EQ(signals_of(other), ZX_CHANNEL_WRITABLE);
    }
}

TEST(the_two_directions_are_independent) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    send_bytes(one, "there", 5);
    send_bytes(other, "back", 4);
    expect_bytes(one, "back", 4);
    expect_bytes(other, "there", 5);
}

TEST(messages_of_every_size_arrive_unchanged) {
    zx_handle_t one, other;
    static unsigned char sent[MAX_BYTES], received[MAX_BYTES];
    uint32_t sizes[] = {1, 7, 8, 47, 48, 49, 63, 64, 65, 255, 256, 4095, 4096, 4097, 65535, MAX_BYTES};
    make_channel(&one, &other);
    zx_cprng_draw(sent, sizeof(sent));
    for (size_t index = 0; index < sizeof(sizes) / sizeof(*sizes); index++) {
        uint32_t size = sizes[index], actual = 0;
        memset(received, 0, sizeof(received));
        send_bytes(one, sent, size);
        CHECK_OK(zx_channel_read(other, 0, received, NULL, MAX_BYTES, 0, &actual, NULL));
        CHECK_EQ(actual, size);
        CHECK_BYTES(received, sent, size);
        CHECK(size == MAX_BYTES || received[size] == 0);
    }
}

TEST(a_handle_keeps_rights_and_object) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    zx_handle_t event = restrict_to(make_event(), ZX_RIGHT_TRANSFER | ZX_RIGHT_SIGNAL);
    zx_koid_t koid = koid_of(event);
    send_handle(one, event);
    CHECK(!is_open(event));
    zx_handle_t received = receive_handle(other);
    CHECK_EQ(koid_of(received), koid);
    CHECK_EQ(rights_of(received), ZX_RIGHT_TRANSFER | ZX_RIGHT_SIGNAL);
}

TEST(the_most_handles_travel_in_order) {
    zx_handle_t one, other, events[MAX_HANDLES], received[MAX_HANDLES];
    zx_koid_t koids[MAX_HANDLES];
    static char bytes[MAX_BYTES], received_bytes[MAX_BYTES];
    uint32_t actual_bytes = 0, actual_handles = 0;
    make_channel(&one, &other);
    for (size_t index = 0; index < MAX_HANDLES; index++) {
        events[index] = make_event();
        koids[index] = koid_of(events[index]);
    }
    memset(bytes, 'x', MAX_BYTES);
    CHECK_OK(zx_channel_write(one, 0, bytes, MAX_BYTES, events, MAX_HANDLES));
    CHECK_OK(zx_channel_read(other, 0, received_bytes, received, MAX_BYTES, MAX_HANDLES, &actual_bytes,
                             &actual_handles));
    CHECK_EQ(actual_bytes, MAX_BYTES);
    CHECK_EQ(actual_handles, MAX_HANDLES);
    CHECK_BYTES(received_bytes, bytes, MAX_BYTES);
    for (size_t index = 0; index < MAX_HANDLES; index++) {
        CHECK(!is_open(events[index]));
        CHECK_EQ(koid_of(received[index]), koids[index]);
    }
    CHECK_OK(zx_handle_close_many(received, MAX_HANDLES));
}

TEST(the_other_end_may_be_sent) {
    zx_handle_t one, other, carrier, far;
    make_channel(&one, &other);
    make_channel(&carrier, &far);
    send_bytes(one, "before", 6);
    send_handle(carrier, other);
    send_bytes(one, "after", 5);
    other = receive_handle(far);
    expect_bytes(other, "before", 6);
    expect_bytes(other, "after", 5);
}

TEST(unread_handles_close_with_the_channel) {
    zx_handle_t one, other, inner, inner_other;
    struct canary canary = make_canary();
    make_channel(&one, &other);
    make_channel(&inner, &inner_other);
    send_handle(inner, canary.sent);
    send_handle(one, inner_other);
    CHECK_OK(zx_handle_close(one));
    CHECK(!is_lost(canary));
    CHECK_OK(zx_handle_close(other));
    CHECK_EQ(signals_of(inner), ZX_CHANNEL_PEER_CLOSED);
    CHECK(is_lost(canary));
}
