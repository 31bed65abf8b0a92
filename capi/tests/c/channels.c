// zx_channel_create, zx_channel_write, zx_channel_read, zx_channel_read_etc
#define _GNU_SOURCE
#include "objects.h"

#define MAX_BYTES ZX_CHANNEL_MAX_MSG_BYTES
#define MAX_HANDLES ZX_CHANNEL_MAX_MSG_HANDLES

// An event pair of which one side is to be lost: the other one tells.
struct canary {
    zx_handle_t kept, sent;
};

static struct canary make_canary(void) {
    struct canary canary;
    make_eventpair(&canary.kept, &canary.sent);
    return canary;
}

static bool is_lost(struct canary canary) {
    return signals_of(canary.kept) & ZX_EVENTPAIR_PEER_CLOSED;
}

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

TEST(a_null_pointer_is_invalid_args_and_leaves_nothing) {
    zx_handle_t one = 77;
    jacinth_audit_t before, after;
    zx_handle_close(make_event());
    CHECK_OK(jacinth_audit(&before));
    CHECK_STATUS(zx_channel_create(0, NULL, &one), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_channel_create(0, &one, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_OK(jacinth_audit(&after));
    CHECK_EQ(after.objects, before.objects);
    CHECK_EQ(after.handles, before.handles);
}

TEST(messages_arrive_whole_and_in_order) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    for (int round = 0; round < 3; round++) {
        tell(one, "first", 5);
        tell(one, "", 0);
        tell(one, "third", 6);
        CHECK_EQ(signals_of(other), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
        hear(other, "first", 5);
        hear(other, "", 0);
        hear(other, "third", 6);
        CHECK_EQ(signals_of(other), ZX_CHANNEL_WRITABLE);
    }
}

TEST(the_two_directions_are_independent) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    tell(one, "there", 5);
    tell(other, "back", 4);
    hear(one, "back", 4);
    hear(other, "there", 5);
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
        tell(one, sent, size);
        CHECK_OK(zx_channel_read(other, 0, received, NULL, MAX_BYTES, 0, &actual, NULL));
        CHECK_EQ(actual, size);
        CHECK_BYTES(received, sent, size);
        CHECK(size == MAX_BYTES || received[size] == 0);
    }
}

TEST(a_handle_travels_with_its_rights_and_its_object) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    zx_handle_t event = restrict_to(make_event(), ZX_RIGHT_TRANSFER | ZX_RIGHT_SIGNAL);
    zx_koid_t koid = koid_of(event);
    give(one, event);
    CHECK(!is_open(event));
    zx_handle_t received = take(other);
    CHECK_EQ(koid_of(received), koid);
    CHECK_EQ(rights_of(received), ZX_RIGHT_TRANSFER | ZX_RIGHT_SIGNAL);
}

TEST(as_many_handles_as_may_be_travel_in_order) {
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
    tell(one, "for the other", 4);
    CHECK_STATUS(zx_channel_read(one, 0, bytes, NULL, 4, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST(what_was_sent_is_read_before_the_peer_is_seen_closed) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    tell(one, "last", 4);
    tell(one, "words", 5);
    CHECK_OK(zx_handle_close(one));
    CHECK_EQ(signals_of(other), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
    CHECK_STATUS(zx_channel_write(other, 0, "late", 4, NULL, 0), ZX_ERR_PEER_CLOSED);
    hear(other, "last", 4);
    hear(other, "words", 5);
    CHECK_EQ(signals_of(other), ZX_CHANNEL_PEER_CLOSED);
    CHECK_STATUS(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_PEER_CLOSED);
}

TEST(a_message_that_does_not_fit_says_what_it_needs_and_stays) {
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

TEST(a_message_that_does_not_fit_may_be_discarded) {
    zx_handle_t one, other;
    struct canary canary = make_canary();
    uint32_t actual_bytes = 77, actual_handles = 77;
    char bytes[8];
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, "large", 5, &canary.sent, 1));
    tell(one, "next", 4);
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

TEST(a_reader_need_not_ask_for_the_sizes) {
    zx_handle_t one, other, event = make_event(), received = ZX_HANDLE_INVALID;
    char bytes[4];
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, "four", 4, &event, 1));
    CHECK_OK(zx_channel_read(other, 0, bytes, &received, 4, 1, NULL, NULL));
    CHECK_BYTES(bytes, "four", 4);
    CHECK_OK(zx_handle_close(received));
    tell(one, "", 0);
    CHECK_OK(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL));
}

TEST(a_reader_may_offer_more_room_than_any_message_needs) {
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

TEST(options_of_a_read_that_are_not_defined_are_not_supported) {
    zx_handle_t one, other;
    zx_handle_info_t infos[1];
    char bytes[4];
    make_channel(&one, &other);
    tell(one, "four", 4);
    for (int bit = 1; bit < 32; bit++) {
        CHECK_STATUS(zx_channel_read(other, 1u << bit, bytes, NULL, 4, 0, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
        CHECK_STATUS(zx_channel_read_etc(other, 1u << bit, bytes, infos, 4, 1, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
    }
    hear(other, "four", 4);
}

TEST(without_the_right_nothing_is_read_or_written) {
    zx_handle_t one, other;
    struct canary canary = make_canary();
    make_channel(&one, &other);
    one = restrict_to(one, ZX_DEFAULT_CHANNEL_RIGHTS & ~ZX_RIGHT_WRITE);
    other = restrict_to(other, ZX_DEFAULT_CHANNEL_RIGHTS & ~ZX_RIGHT_READ);
    CHECK_STATUS(zx_channel_write(one, 0, "no", 2, &canary.sent, 1), ZX_ERR_ACCESS_DENIED);
    CHECK(is_lost(canary));
    tell(other, "yes", 3);
    CHECK_STATUS(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_channel_read_etc(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_ACCESS_DENIED);
    hear(one, "yes", 3);
}

// Writes a message that must fail, with a canary among `handles` at place 0, which must be lost.
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
    zx_handle_t one, other, list[MAX_HANDLES + 1];
    make_channel(&one, &other);
    for (int bit = 0; bit < 32; bit++)
        fail_to_write(one, 1u << bit, 1, list, 1, ZX_ERR_INVALID_ARGS);

    fail_to_write(one, 0, MAX_BYTES + 1, list, 1, ZX_ERR_OUT_OF_RANGE);
    for (size_t index = 0; index < MAX_HANDLES + 1; index++)
        list[index] = make_event();
    CHECK_OK(zx_handle_close(list[0]));
    fail_to_write(one, 0, 1, list, MAX_HANDLES + 1, ZX_ERR_OUT_OF_RANGE);

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

TEST(the_other_end_may_be_written_into_a_channel) {
    zx_handle_t one, other, carrier, far;
    make_channel(&one, &other);
    make_channel(&carrier, &far);
    tell(one, "before", 6);
    give(carrier, other);
    tell(one, "after", 5);
    other = take(far);
    hear(other, "before", 6);
    hear(other, "after", 5);
}

TEST(handles_in_a_message_nobody_read_are_closed_with_the_channel) {
    zx_handle_t one, other, inner, inner_other;
    struct canary canary = make_canary();
    make_channel(&one, &other);
    make_channel(&inner, &inner_other);
    give(inner, canary.sent);
    give(one, inner_other);
    CHECK_OK(zx_handle_close(one));
    CHECK(!is_lost(canary));
    CHECK_OK(zx_handle_close(other));
    CHECK_EQ(signals_of(inner), ZX_CHANNEL_PEER_CLOSED);
    CHECK(is_lost(canary));
}

TEST(a_full_channel_should_wait_and_the_caller_keeps_the_handles) {
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
        hear(other, &number, sizeof(number));
    CHECK_EQ(signals_of(one), ZX_CHANNEL_WRITABLE);
    give(one, event);
    CHECK_OK(zx_handle_close(take(other)));
}

TEST(a_writer_beyond_its_quota_gets_no_resources_and_keeps_the_handles) {
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
        hear(other, "", 0);
    give(one, event);
}

TEST(an_empty_pool_is_no_memory_and_works_again_after_a_read) {
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
        // A little less, so that the message is of the same size class with its handle.
        fail_to_write(one, 0, MAX_BYTES - 1000, list, 1, ZX_ERR_NO_MEMORY);
        for (uint32_t number = 0; number < count; number++)
            CHECK_OK(zx_channel_read(other, 0, bytes, NULL, MAX_BYTES, 0, NULL, NULL));
    }
}

TEST(a_full_table_reads_no_handles_and_the_message_stays) {
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
