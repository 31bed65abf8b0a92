// zx_handle_close, zx_handle_close_many, zx_handle_duplicate, zx_handle_replace
#define _GNU_SOURCE
#include "objects.h"

TEST(a_closed_handle_is_a_bad_handle) {
    zx_handle_t event = make_event();
    CHECK_OK(zx_handle_close(event));
    CHECK_STATUS(zx_handle_close(event), ZX_ERR_BAD_HANDLE);
    CHECK(!is_open(event));
}

TEST(closing_the_invalid_handle_succeeds) {
    CHECK_OK(zx_handle_close(ZX_HANDLE_INVALID));
}

TEST(a_random_number_is_a_bad_handle) {
    zx_handle_t event = make_event();
    for (int bit = 0; bit < 32; bit++)
        CHECK_STATUS(zx_handle_close(event ^ (1u << bit)), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_handle_close(~(zx_handle_t)0), ZX_ERR_BAD_HANDLE);
    CHECK(is_open(event));
}

TEST(a_value_is_not_reused_soon) {
    zx_handle_t closed = make_event();
    CHECK_OK(zx_handle_close(closed));
    for (int round = 0; round < 100; round++) {
        zx_handle_t event = make_event();
        CHECK(event != closed);
        CHECK_OK(zx_handle_close(event));
    }
}

TEST(close_many_closes_all) {
    zx_handle_t events[1000];
    for (size_t index = 0; index < 1000; index++)
        events[index] = make_event();
    CHECK_OK(zx_handle_close_many(events, 1000));
    for (size_t index = 0; index < 1000; index++)
        CHECK(!is_open(events[index]));
}

TEST(close_many_of_none_succeeds) {
    CHECK_OK(zx_handle_close_many(NULL, 0));
    zx_handle_t event = make_event();
    CHECK_OK(zx_handle_close_many(&event, 0));
    CHECK(is_open(event));
}

TEST(close_many_skips_the_invalid_handle) {
    zx_handle_t list[] = {ZX_HANDLE_INVALID, make_event(), ZX_HANDLE_INVALID};
    CHECK_OK(zx_handle_close_many(list, 3));
    CHECK(!is_open(list[1]));
}

TEST(close_many_continues_after_bad_handles) {
    zx_handle_t closed = make_event();
    CHECK_OK(zx_handle_close(closed));
    zx_handle_t list[] = {make_event(), closed, make_event()};
    CHECK_STATUS(zx_handle_close_many(list, 3), ZX_ERR_BAD_HANDLE);
    CHECK(!is_open(list[0]));
    CHECK(!is_open(list[2]));
}

TEST(close_many_reports_a_repeated_handle) {
    zx_handle_t event = make_event();
    zx_handle_t list[] = {event, event, make_event()};
    CHECK_STATUS(zx_handle_close_many(list, 3), ZX_ERR_BAD_HANDLE);
    CHECK(!is_open(event));
    CHECK(!is_open(list[2]));
}

TEST(a_duplicate_shares_the_object) {
    zx_handle_t event = make_event();
    zx_handle_t copy = duplicate(event, ZX_RIGHT_SAME_RIGHTS);
    CHECK(copy != event);
    CHECK_EQ(koid_of(copy), koid_of(event));
    CHECK_EQ(rights_of(copy), ZX_DEFAULT_EVENT_RIGHTS);
    CHECK_EQ(handle_count(event), 2);
    CHECK_OK(zx_object_signal(copy, 0, ZX_EVENT_SIGNALED));
    CHECK_EQ(signals_of(event), ZX_EVENT_SIGNALED);
    CHECK_OK(zx_handle_close(event));
    CHECK_EQ(signals_of(copy), ZX_EVENT_SIGNALED);
}

TEST(a_duplicate_has_the_requested_rights) {
    zx_handle_t event = make_event();
    CHECK_EQ(rights_of(duplicate(event, ZX_RIGHT_WAIT)), ZX_RIGHT_WAIT);
    CHECK_EQ(rights_of(duplicate(event, ZX_RIGHT_NONE)), ZX_RIGHT_NONE);
    CHECK_EQ(rights_of(duplicate(event, ZX_DEFAULT_EVENT_RIGHTS)), ZX_DEFAULT_EVENT_RIGHTS);
}

TEST(a_duplicate_gains_no_rights) {
    zx_handle_t event = make_event(), copy = 77;
    for (int bit = 0; bit < 31; bit++) {
        zx_rights_t right = 1u << bit;
        if ((right & ZX_DEFAULT_EVENT_RIGHTS) == 0) {
            CHECK_STATUS(zx_handle_duplicate(event, right, &copy), ZX_ERR_INVALID_ARGS);
            CHECK_STATUS(zx_handle_duplicate(event, right | ZX_RIGHT_WAIT, &copy), ZX_ERR_INVALID_ARGS);
        }
    }
    CHECK_STATUS(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_WAIT, &copy), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(copy, 77);
    CHECK_EQ(handle_count(event), 1);
}

TEST(duplicating_needs_its_right) {
    zx_handle_t copy = 77, one, other;
    zx_handle_t event = duplicate(make_event(), ZX_DEFAULT_EVENT_RIGHTS & ~ZX_RIGHT_DUPLICATE);
    CHECK_STATUS(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_handle_duplicate(event, ZX_RIGHT_NONE, &copy), ZX_ERR_ACCESS_DENIED);
    make_channel(&one, &other);
    CHECK_STATUS(zx_handle_duplicate(one, ZX_RIGHT_SAME_RIGHTS, &copy), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(copy, 77);
}

TEST(a_replaced_handle_is_gone) {
    zx_handle_t event = make_event(), other = ZX_HANDLE_INVALID;
    zx_koid_t koid = koid_of(event);
    CHECK_OK(zx_handle_replace(event, ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT, &other));
    CHECK(!is_open(event));
    CHECK_EQ(koid_of(other), koid);
    CHECK_EQ(rights_of(other), ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT);
    CHECK_EQ(handle_count(other), 1);
}

TEST(a_handle_without_rights_can_be_replaced) {
    zx_handle_t event = restrict_to(make_event(), ZX_RIGHT_NONE);
    zx_handle_t other = restrict_to(event, ZX_RIGHT_SAME_RIGHTS);
    CHECK(!is_open(event));
    CHECK_EQ(rights_of(other), ZX_RIGHT_NONE);
    CHECK_EQ(rights_of(restrict_to(other, ZX_RIGHT_NONE)), ZX_RIGHT_NONE);
}

TEST(a_failed_replace_consumes_the_handle) {
    zx_handle_t other = 77;
    zx_handle_t event = make_event();
    CHECK_STATUS(zx_handle_replace(event, ZX_DEFAULT_EVENT_RIGHTS | ZX_RIGHT_READ, &other), ZX_ERR_INVALID_ARGS);
    CHECK(!is_open(event));
    event = make_event();
    CHECK_STATUS(zx_handle_replace(event, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_WAIT, &other), ZX_ERR_INVALID_ARGS);
    CHECK(!is_open(event));
    CHECK_EQ(other, 77);
}

TEST(a_close_makes_room_for_handles) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_handles_per_process = 32;
    CHECK_OK(jacinth_create(&config));
    zx_handle_t event = make_event(), copies[33], more = 77;
    size_t count = 0;
    while (zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copies[count]) == ZX_OK)
        CHECK(++count <= 32);
    CHECK(count > 0);
    CHECK_STATUS(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &more), ZX_ERR_NO_RESOURCES);
    CHECK_STATUS(zx_event_create(0, &more), ZX_ERR_NO_RESOURCES);
    CHECK_EQ(more, 77);
    CHECK_EQ(handle_count(event), 1 + count);
    CHECK_OK(zx_handle_close(copies[--count]));
    copies[count++] = duplicate(event, ZX_RIGHT_SAME_RIGHTS);
    CHECK_OK(zx_handle_close_many(copies, count));
    CHECK_EQ(handle_count(event), 1);
}

TEST(a_status_has_its_detail) {
    CHECK(strcmp(jacinth_status_detail(ZX_ERR_ACCESS_DENIED), "") == 0);
    zx_handle_t mute;
    CHECK_OK(zx_handle_duplicate(make_event(), ZX_RIGHT_WAIT, &mute));
    CHECK_STATUS(zx_object_signal(mute, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    CHECK(strstr(jacinth_status_detail(ZX_ERR_ACCESS_DENIED), "lacks rights") != NULL);
    CHECK(strcmp(jacinth_status_detail(ZX_ERR_NO_MEMORY), "") == 0);
}
