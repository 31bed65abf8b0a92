// A child forked from an attached process has no arena.
#define _GNU_SOURCE
#include "partner.h"

static zx_handle_t inherited_event, inherited_channel, inherited_port;

static void check_that_nothing_works(void) {
    zx_handle_t handle, other;
    zx_info_handle_basic_t info;
    zx_port_packet_t packet = {0};
    char bytes[8] = {0};
    uint32_t size, count;
    zx_channel_call_args_t arguments = {.wr_bytes = bytes, .wr_num_bytes = 8};
    zx_wait_item_t item = {inherited_event, ZX_EVENT_SIGNALED, 0};
    CHECK(!jacinth_is_attached());
    CHECK_STATUS(zx_event_create(0, &handle), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_eventpair_create(0, &handle, &other), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_channel_create(0, &handle, &other), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_port_create(0, &handle), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_port_queue(inherited_port, &packet), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_port_wait(inherited_port, ZX_TIME_INFINITE, &packet), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_port_cancel(inherited_port, inherited_event, 1), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_object_wait_async(inherited_event, inherited_port, 1, ZX_EVENT_SIGNALED, 0), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_handle_close(inherited_event), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_handle_close_many(&inherited_event, 1), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_handle_duplicate(inherited_event, ZX_RIGHT_SAME_RIGHTS, &handle), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_handle_replace(inherited_event, ZX_RIGHT_SAME_RIGHTS, &handle), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_object_signal(inherited_event, 0, ZX_EVENT_SIGNALED), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_object_signal_peer(inherited_channel, 0, ZX_USER_SIGNAL_0), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_object_wait_one(inherited_event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_object_wait_many(&item, 1, ZX_TIME_INFINITE), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_object_get_info(inherited_event, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_object_get_info(inherited_event, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL),
                 ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_channel_write(inherited_channel, 0, bytes, 8, &inherited_event, 1), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_channel_read(inherited_channel, 0, bytes, NULL, 8, 0, NULL, NULL), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_channel_call(inherited_channel, 0, ZX_TIME_INFINITE, &arguments, &size, &count),
                 ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_audit(&(jacinth_audit_t){0}), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_collect(NULL), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_spawn_status(getppid(), &(jacinth_spawn_status_t){0}), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_prepare(ZX_HANDLE_INVALID, &(jacinth_seat_t){0}), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_seat_give_back("2:0:1"), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_join_or_create("name", NULL, NULL), ZX_ERR_BAD_STATE);
}

TEST(calls_in_a_child_are_bad_state) {
    zx_handle_t other;
    inherited_event = make_event();
    inherited_port = make_port();
    make_channel(&inherited_channel, &other);
    send_bytes(other, "for the parent", 14);
    CHECK_EQ(in_forked_child(check_that_nothing_works), 0);
    CHECK(jacinth_is_attached());
    CHECK_EQ(signals_of(inherited_event), ZX_SIGNAL_NONE);
    expect_bytes(inherited_channel, "for the parent", 14);
    CHECK_STATUS(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

static void use_an_arena_of_its_own(void) {
    CHECK(!jacinth_is_attached());
    make_event();
    CHECK(jacinth_is_attached());
    check_audit();
}

TEST(an_early_child_makes_its_arena) {
    CHECK_EQ(in_forked_child(use_an_arena_of_its_own), 0);
    CHECK(!jacinth_is_attached());
    make_event();
}
