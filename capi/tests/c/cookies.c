// zx_object_get_cookie, zx_object_set_cookie
#define _GNU_SOURCE
#include "objects.h"

static void check_cookie(zx_handle_t handle, zx_handle_t scope, uint64_t expected) {
    uint64_t cookie = ~expected;
    CHECK_OK(zx_object_get_cookie(handle, scope, &cookie));
    CHECK_EQ(cookie, expected);
}

static void check_no_cookie(zx_handle_t handle, zx_handle_t scope, zx_status_t expected) {
    uint64_t cookie = 77;
    CHECK_STATUS(zx_object_get_cookie(handle, scope, &cookie), expected);
    CHECK_EQ(cookie, 77);
}

TEST(a_cookie_needs_its_scope) {
    zx_handle_t event = make_event(), scope = make_event(), other = make_event();
    check_no_cookie(event, scope, ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_object_set_cookie(event, scope, 0x0123456789abcdef));
    check_cookie(event, scope, 0x0123456789abcdef);
    check_no_cookie(event, other, ZX_ERR_ACCESS_DENIED);
    check_no_cookie(event, event, ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_object_set_cookie(event, other, 1), ZX_ERR_ACCESS_DENIED);
    check_cookie(event, scope, 0x0123456789abcdef);
}

TEST(a_cookie_can_be_any_number) {
    zx_handle_t event = make_event(), scope = make_event();
    uint64_t cookies[] = {0, 1, UINT64_MAX, 0, INT64_MIN};
    for (size_t index = 0; index < sizeof(cookies) / sizeof(*cookies); index++) {
        CHECK_OK(zx_object_set_cookie(event, scope, cookies[index]));
        check_cookie(event, scope, cookies[index]);
    }
}

TEST(any_object_is_a_scope) {
    zx_handle_t channel, peer;
    make_channel(&channel, &peer);
    zx_handle_t scopes[] = {channel, zx_process_self(), make_timer(), make_port()};
    for (size_t index = 0; index < sizeof(scopes) / sizeof(*scopes); index++) {
        zx_handle_t event = make_event();
        CHECK_OK(zx_object_set_cookie(event, scopes[index], index));
        check_cookie(event, scopes[index], index);
    }
    zx_handle_t own = make_event();
    CHECK_OK(zx_object_set_cookie(own, own, 5));
    check_cookie(own, own, 5);
}

TEST(handles_to_one_object_share_its_cookie) {
    zx_handle_t event = make_event(), scope = make_event();
    CHECK_OK(zx_object_set_cookie(event, scope, 5));
    zx_handle_t copy = duplicate(event, ZX_RIGHT_NONE), key = duplicate(scope, ZX_RIGHT_NONE);
    check_cookie(copy, key, 5);
    CHECK_OK(zx_object_set_cookie(copy, key, 6));
    check_cookie(event, scope, 6);
    // The scope may be closed in between, as long as another handle to it is left.
    CHECK_OK(zx_handle_close(scope));
    check_no_cookie(event, scope, ZX_ERR_BAD_HANDLE);
    check_cookie(event, key, 6);
}

TEST(a_dead_scope_locks_the_cookie) {
    zx_handle_t event = make_event(), scope = make_event();
    CHECK_OK(zx_object_set_cookie(event, scope, 5));
    CHECK_OK(zx_handle_close(scope));
    for (size_t round = 0; round < 100; round++) {
        zx_handle_t next = make_event();
        check_no_cookie(event, next, ZX_ERR_ACCESS_DENIED);
        CHECK_STATUS(zx_object_set_cookie(event, next, 6), ZX_ERR_ACCESS_DENIED);
        CHECK_OK(zx_handle_close(next));
    }
}

TEST(each_side_has_its_own_cookie) {
    zx_handle_t one, other, scope = make_event(), key = make_event();
    make_eventpair(&one, &other);
    CHECK_OK(zx_object_set_cookie(one, scope, 1));
    check_no_cookie(other, scope, ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_object_set_cookie(other, key, 2));
    check_cookie(one, scope, 1);
    check_cookie(other, key, 2);
}

TEST(a_closed_peer_makes_the_cookie_invalid) {
    zx_handle_t one, other, scope = make_event();
    make_eventpair(&one, &other);
    CHECK_OK(zx_object_set_cookie(one, scope, 1));
    CHECK_OK(zx_handle_close(duplicate(other, ZX_RIGHT_SAME_RIGHTS)));
    check_cookie(one, scope, 1);
    CHECK_OK(zx_handle_close(other));
    check_no_cookie(one, scope, ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_object_set_cookie(one, scope, 2), ZX_ERR_ACCESS_DENIED);
    make_eventpair(&one, &other);
    CHECK_OK(zx_handle_close(other));
    CHECK_STATUS(zx_object_set_cookie(one, scope, 2), ZX_ERR_ACCESS_DENIED);
}

TEST(other_types_have_no_cookie) {
    zx_handle_t scope = make_event(), channel, fifo, peer;
    make_channel(&channel, &peer);
    make_fifo(16, 4, &fifo, &peer);
    zx_handle_t handles[] = {channel, fifo, make_timer(), make_port(), zx_process_self(), zx_thread_self(),
                             zx_job_default(), zx_vmar_root_self()};
    for (size_t index = 0; index < sizeof(handles) / sizeof(*handles); index++) {
        check_no_cookie(handles[index], scope, ZX_ERR_NOT_SUPPORTED);
        CHECK_STATUS(zx_object_set_cookie(handles[index], scope, 1), ZX_ERR_NOT_SUPPORTED);
    }
}

TEST(bad_handles_and_pointers_are_refused) {
    zx_handle_t event = make_event(), scope = make_event(), closed = make_event();
    CHECK_OK(zx_handle_close(closed));
    zx_handle_t bad[] = {closed, ZX_HANDLE_INVALID, ~0u};
    for (size_t index = 0; index < sizeof(bad) / sizeof(*bad); index++) {
        check_no_cookie(bad[index], scope, ZX_ERR_BAD_HANDLE);
        check_no_cookie(event, bad[index], ZX_ERR_BAD_HANDLE);
        CHECK_STATUS(zx_object_set_cookie(bad[index], scope, 1), ZX_ERR_BAD_HANDLE);
        CHECK_STATUS(zx_object_set_cookie(event, bad[index], 1), ZX_ERR_BAD_HANDLE);
    }
    // The refused calls have fixed no scope.
    CHECK_STATUS(zx_object_get_cookie(event, scope, NULL), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_object_set_cookie(event, scope, 1));
    CHECK_STATUS(zx_object_get_cookie(event, scope, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_get_cookie(event, scope, (uint64_t*)8), ZX_ERR_INVALID_ARGS);
}
