// zx_event_create
#define _GNU_SOURCE
#include "objects.h"

TEST(an_event_has_default_rights) {
    zx_handle_t event = make_event();
    zx_info_handle_basic_t info = basic_info(event);
    CHECK_EQ(info.type, ZX_OBJ_TYPE_EVENT);
    CHECK_EQ(info.rights, ZX_DEFAULT_EVENT_RIGHTS);
    CHECK_EQ(info.related_koid, ZX_KOID_INVALID);
    CHECK_EQ(info.props, ZX_OBJ_PROP_WAITABLE);
    CHECK(info.koid != ZX_KOID_INVALID);
    CHECK_OK(zx_handle_close(event));
}

TEST(a_new_event_asserts_nothing) {
    CHECK_EQ(signals_of(make_event()), ZX_SIGNAL_NONE);
}

TEST(two_events_are_two_objects) {
    zx_handle_t one = make_event(), other = make_event();
    CHECK(one != other);
    CHECK(koid_of(one) != koid_of(other));
    CHECK_OK(zx_object_signal(one, 0, ZX_EVENT_SIGNALED));
    CHECK_EQ(signals_of(other), ZX_SIGNAL_NONE);
}

TEST(options_are_invalid_args) {
    zx_handle_t event = 77;
    for (int bit = 0; bit < 32; bit++)
        CHECK_STATUS(zx_event_create(1u << bit, &event), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(event, 77);
}

TEST(a_null_pointer_is_invalid_args) {
    CHECK_STATUS(zx_event_create(0, NULL), ZX_ERR_INVALID_ARGS);
}

TEST(underscored_names_are_the_same_calls) {
    zx_handle_t event;
    CHECK_OK(_zx_event_create(0, &event));
    CHECK_OK(_zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    CHECK_OK(_zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL));
    CHECK_OK(_zx_handle_close(event));
    CHECK_STATUS(_zx_handle_close(event), ZX_ERR_BAD_HANDLE);
}

TEST(a_close_makes_room_for_objects) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_objects = 16;
    CHECK_OK(jacinth_create(&config));
    zx_handle_t events[17], more = 77;
    size_t count = 0;
    while (zx_event_create(0, &events[count]) == ZX_OK)
        CHECK(++count <= 16);
    CHECK(count > 0);
    for (int round = 0; round < 100; round++) {
        CHECK_STATUS(zx_event_create(0, &more), ZX_ERR_NO_RESOURCES);
        CHECK_STATUS(zx_eventpair_create(0, &more, &more), ZX_ERR_NO_RESOURCES);
        CHECK_STATUS(zx_channel_create(0, &more, &more), ZX_ERR_NO_RESOURCES);
        CHECK_EQ(more, 77);
        CHECK_OK(zx_handle_close(events[(size_t)round % count]));
        events[(size_t)round % count] = make_event();
    }
    CHECK_OK(zx_handle_close_many(events, count));
}
