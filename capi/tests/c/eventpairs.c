// zx_eventpair_create
#define _GNU_SOURCE
#include "objects.h"

TEST(the_two_sides_are_related_objects) {
    zx_handle_t one, other;
    make_eventpair(&one, &other);
    zx_info_handle_basic_t first = basic_info(one), second = basic_info(other);
    CHECK_EQ(first.type, ZX_OBJ_TYPE_EVENTPAIR);
    CHECK_EQ(second.type, ZX_OBJ_TYPE_EVENTPAIR);
    CHECK_EQ(first.rights, ZX_DEFAULT_EVENTPAIR_RIGHTS);
    CHECK_EQ(second.rights, ZX_DEFAULT_EVENTPAIR_RIGHTS);
    CHECK_EQ(first.related_koid, second.koid);
    CHECK_EQ(second.related_koid, first.koid);
    CHECK(first.koid != second.koid);
    CHECK_EQ(first.props, ZX_OBJ_PROP_WAITABLE);
    CHECK_EQ(signals_of(one), ZX_SIGNAL_NONE);
    CHECK_EQ(signals_of(other), ZX_SIGNAL_NONE);
}

TEST(options_are_not_supported) {
    zx_handle_t one = 77, other = 78;
    for (int bit = 0; bit < 32; bit++)
        CHECK_STATUS(zx_eventpair_create(1u << bit, &one, &other), ZX_ERR_NOT_SUPPORTED);
    CHECK_EQ(one, 77);
    CHECK_EQ(other, 78);
}

TEST(a_null_pointer_creates_nothing) {
    zx_handle_t one = 77;
    zx_handle_close(make_event());
    jacinth_audit_t before = audit_now();
    CHECK_STATUS(zx_eventpair_create(0, NULL, &one), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_eventpair_create(0, &one, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_eventpair_create(0, NULL, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(audit_now().objects, before.objects);
    CHECK_EQ(audit_now().handles, before.handles);
}

TEST(the_last_handle_closes_the_side) {
    zx_handle_t one, other;
    make_eventpair(&one, &other);
    zx_handle_t copy = duplicate(other, ZX_RIGHT_NONE);
    zx_koid_t koid = koid_of(other);
    CHECK_OK(zx_handle_close(other));
    CHECK_EQ(signals_of(one), ZX_SIGNAL_NONE);
    CHECK_OK(zx_object_signal_peer(one, 0, ZX_USER_SIGNAL_0));
    CHECK_OK(zx_handle_close(copy));
    CHECK_EQ(signals_of(one), ZX_EVENTPAIR_PEER_CLOSED);
    CHECK_EQ(basic_info(one).related_koid, koid);
    CHECK_STATUS(zx_object_signal_peer(one, 0, ZX_USER_SIGNAL_0), ZX_ERR_PEER_CLOSED);
    CHECK_OK(zx_object_signal(one, 0, ZX_EVENTPAIR_SIGNALED));
    CHECK_EQ(signals_of(one), ZX_EVENTPAIR_PEER_CLOSED | ZX_EVENTPAIR_SIGNALED);
    CHECK_OK(zx_handle_close(one));
}
