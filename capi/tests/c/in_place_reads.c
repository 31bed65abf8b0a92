// Messages that are read where they lie.
#define _GNU_SOURCE
#include "canary.h"
#include "in_place.h"
#include "pages.h"
#include "partner.h"

TEST(messages_finish_in_any_order) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    send_bytes(ours, "first", 5);
    send_bytes(ours, "second", 6);
    send_bytes(ours, "third", 5);
    jacinth_message_t first = read_in_place(theirs), second = read_in_place(theirs);
    CHECK_EQ(first.num_bytes, 5);
    CHECK_BYTES(first.data, "first", 5);
    CHECK_BYTES(second.data, "second", 6);
    CHECK_EQ((uintptr_t)first.data % 8, 0);
    // Other reads go on after them.
    expect_bytes(theirs, "third", 5);
    CHECK_OK(jacinth_message_finish(&second, NULL, 0));
    CHECK_ZEROED(second);
    CHECK_BYTES(first.data, "first", 5);
    CHECK_OK(jacinth_message_release(&first));
    CHECK_ZEROED(first);
    jacinth_message_t none;
    CHECK_STATUS(jacinth_channel_read_in_place(theirs, 0, &none), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(zx_handle_close(ours));
    CHECK_STATUS(jacinth_channel_read_in_place(theirs, 0, &none), ZX_ERR_PEER_CLOSED);
}

TEST(handles_come_with_type_and_rights) {
    zx_handle_t ours, theirs, handles[2];
    make_channel(&ours, &theirs);
    handles[0] = make_event();
    handles[1] = restrict_to(make_timer(), ZX_RIGHT_TRANSFER | ZX_RIGHT_WRITE);
    zx_koid_t koids[] = {koid_of(handles[0]), koid_of(handles[1])};
    CHECK_OK(zx_channel_write(ours, 0, "ab", 2, handles, 2));
    jacinth_message_t message = read_in_place(theirs);
    CHECK_EQ(message.num_handles, 2);
    zx_handle_info_t infos[3];
    memset(infos, 0xff, sizeof(infos));
    CHECK_OK(jacinth_message_finish_etc(&message, infos, 3));
    CHECK_EQ(infos[0].type, ZX_OBJ_TYPE_EVENT);
    CHECK_EQ(infos[0].rights, ZX_DEFAULT_EVENT_RIGHTS);
    CHECK_EQ(infos[1].type, ZX_OBJ_TYPE_TIMER);
    CHECK_EQ(infos[1].rights, ZX_RIGHT_TRANSFER | ZX_RIGHT_WRITE);
    CHECK_EQ(infos[1].unused, 0);
    CHECK_EQ(infos[2].handle, ~0u);
    CHECK_EQ(koid_of(infos[0].handle), koids[0]);
    CHECK_EQ(koid_of(infos[1].handle), koids[1]);
}

TEST(a_release_closes_the_handles) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    struct canary canary = make_canary();
    send_handle(ours, canary.sent);
    jacinth_message_t message = read_in_place(theirs);
    CHECK(!is_lost(canary));
    CHECK_OK(jacinth_message_release(&message));
    CHECK(is_lost(canary));
    CHECK_OK(jacinth_message_release(&message));
}

TEST(handles_that_do_not_fit_stay) {
    prepare_bad_pointers();
    zx_handle_t ours, theirs, sent[2] = {make_event(), make_event()}, received[2];
    make_channel(&ours, &theirs);
    CHECK_OK(zx_channel_write(ours, 0, "bytes", 5, sent, 2));
    jacinth_message_t message = read_in_place(theirs);
    CHECK_STATUS(jacinth_message_finish(&message, received, 1), ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_STATUS(jacinth_message_finish(&message, NULL, 0), ZX_ERR_BUFFER_TOO_SMALL);
    FOR_EACH_BAD_OUTPUT(pointer) {
        CHECK_STATUS(jacinth_message_finish(&message, pointer, 2), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_message_finish_etc(&message, pointer, 2), ZX_ERR_INVALID_ARGS);
    }
    // The count is the library's own, not the structure's.
    message.num_handles = 0;
    CHECK_STATUS(jacinth_message_finish(&message, NULL, 0), ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_BYTES(message.data, "bytes", 5);
    CHECK_OK(jacinth_message_finish(&message, at_the_edge(2 * sizeof(zx_handle_t)), 2));
}

TEST(bad_pointers_cost_no_message) {
    prepare_bad_pointers();
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    send_bytes(ours, "kept", 4);
    FOR_EACH_BAD_OUTPUT(pointer) {
        CHECK_STATUS(jacinth_channel_read_in_place(theirs, 0, pointer), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_message_release(pointer), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_message_finish(pointer, NULL, 0), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_message_finish_etc(pointer, NULL, 0), ZX_ERR_INVALID_ARGS);
    }
    jacinth_message_t message;
    CHECK_STATUS(jacinth_channel_read_in_place(theirs, 1, &message), ZX_ERR_INVALID_ARGS);
    expect_bytes(theirs, "kept", 4);
    CHECK_OK(zx_handle_close(theirs));
}

TEST(a_finished_message_is_gone) {
    zx_handle_t ours, theirs, handle;
    make_channel(&ours, &theirs);
    send_bytes(ours, "one", 3);
    send_bytes(ours, "two", 3);
    jacinth_message_t message = read_in_place(theirs), copy = message;
    CHECK_OK(jacinth_message_finish(&message, NULL, 0));
    CHECK_STATUS(jacinth_message_finish(&message, NULL, 0), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_message_finish(&copy, &handle, 1), ZX_ERR_BAD_HANDLE);
    jacinth_message_t next = read_in_place(theirs);
    CHECK_STATUS(jacinth_message_finish_etc(&copy, NULL, 0), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_message_release(&copy), ZX_ERR_BAD_HANDLE);
    CHECK_BYTES(next.data, "two", 3);
    CHECK_OK(jacinth_message_release(&next));
}

// It is the next message again.
TEST(a_message_without_room_goes_back) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_handles_per_process = 64;
    CHECK_OK(jacinth_create(&config));
    zx_handle_t ours, theirs, sent[10], event = make_event(), copies[64];
    make_channel(&ours, &theirs);
    for (size_t index = 0; index < 10; index++)
        sent[index] = duplicate(event, ZX_RIGHT_SAME_RIGHTS);
    CHECK_OK(zx_channel_write(ours, 0, "back", 4, sent, 10));
    size_t count = 0;
    while (zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copies[count]) == ZX_OK)
        count++;
    jacinth_message_t message = read_in_place(theirs);
    CHECK_STATUS(jacinth_message_finish(&message, sent, 10), ZX_ERR_NO_RESOURCES);
    CHECK_ZEROED(message);
    CHECK_OK(zx_handle_close_many(copies, count));
    message = read_in_place(theirs);
    CHECK_BYTES(message.data, "back", 4);
    CHECK_OK(jacinth_message_finish(&message, sent, 10));
    for (size_t index = 0; index < 10; index++)
        CHECK(is_open(sent[index]));
}
