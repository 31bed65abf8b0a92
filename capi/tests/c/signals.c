// zx_object_signal, zx_object_signal_peer
#define _GNU_SOURCE
#include "objects.h"

// The signals that a program may set on events and event pairs.
#define SETTABLE (ZX_USER_SIGNAL_ALL | ZX_EVENT_SIGNALED)

TEST(each_event_signal_can_change) {
    zx_handle_t event = make_event();
    for (int bit = 0; bit < 32; bit++) {
        zx_signals_t signal = 1u << bit;
        if ((signal & SETTABLE) == 0)
            continue;
        CHECK_OK(zx_object_signal(event, 0, signal));
        CHECK_EQ(signals_of(event), signal);
        CHECK_OK(zx_object_signal(event, signal, 0));
        CHECK_EQ(signals_of(event), ZX_SIGNAL_NONE);
    }
}

TEST(clearing_comes_before_setting) {
    zx_handle_t event = make_event();
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_1));
    CHECK_OK(zx_object_signal(event, ZX_USER_SIGNAL_ALL, ZX_USER_SIGNAL_1 | ZX_USER_SIGNAL_2));
    CHECK_EQ(signals_of(event), ZX_USER_SIGNAL_1 | ZX_USER_SIGNAL_2);
    CHECK_OK(zx_object_signal(event, 0, 0));
    CHECK_EQ(signals_of(event), ZX_USER_SIGNAL_1 | ZX_USER_SIGNAL_2);
}

TEST(the_systems_signals_are_invalid_args) {
    zx_handle_t event = make_event(), one, other;
    make_eventpair(&one, &other);
    for (int bit = 0; bit < 32; bit++) {
        zx_signals_t signal = 1u << bit;
        zx_status_t expected = (signal & SETTABLE) ? ZX_OK : ZX_ERR_INVALID_ARGS;
        CHECK_STATUS(zx_object_signal(event, signal, 0), expected);
        CHECK_STATUS(zx_object_signal(event, 0, signal), expected);
        CHECK_STATUS(zx_object_signal(one, signal, 0), expected);
        CHECK_STATUS(zx_object_signal(one, 0, signal), expected);
        CHECK_STATUS(zx_object_signal_peer(one, signal, 0), expected);
        CHECK_STATUS(zx_object_signal_peer(one, 0, signal), expected);
    }
    CHECK_EQ(signals_of(event), SETTABLE);
    CHECK_EQ(signals_of(one), SETTABLE);
    CHECK_EQ(signals_of(other), SETTABLE);
}

TEST(one_forbidden_signal_changes_nothing) {
    zx_handle_t event = make_event();
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    CHECK_STATUS(zx_object_signal(event, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1 | ZX_CHANNEL_READABLE),
                 ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_signal(event, ZX_SIGNAL_HANDLE_CLOSED, ZX_USER_SIGNAL_1), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(signals_of(event), ZX_USER_SIGNAL_0);
}

TEST(a_channel_takes_user_signals_only) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    CHECK_OK(zx_object_signal(one, 0, ZX_USER_SIGNAL_ALL));
    CHECK_OK(zx_object_signal_peer(one, 0, ZX_USER_SIGNAL_3));
    CHECK_STATUS(zx_object_signal(one, 0, ZX_EVENT_SIGNALED), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_signal_peer(one, 0, ZX_EVENT_SIGNALED), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_signal(one, ZX_CHANNEL_WRITABLE, 0), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(signals_of(one), ZX_USER_SIGNAL_ALL | ZX_CHANNEL_WRITABLE);
    CHECK_EQ(signals_of(other), ZX_USER_SIGNAL_3 | ZX_CHANNEL_WRITABLE);
}

TEST(signal_peer_changes_only_the_peer) {
    zx_handle_t one, other;
    make_eventpair(&one, &other);
    CHECK_OK(zx_object_signal_peer(one, 0, ZX_USER_SIGNAL_0 | ZX_EVENTPAIR_SIGNALED));
    CHECK_EQ(signals_of(one), ZX_SIGNAL_NONE);
    CHECK_EQ(signals_of(other), ZX_USER_SIGNAL_0 | ZX_EVENTPAIR_SIGNALED);
    CHECK_OK(zx_object_signal_peer(one, ZX_USER_SIGNAL_0, 0));
    CHECK_EQ(signals_of(other), ZX_EVENTPAIR_SIGNALED);
}

TEST(signalling_needs_its_right) {
    zx_handle_t one, other;
    zx_handle_t event = restrict_to(make_event(), ZX_DEFAULT_EVENT_RIGHTS & ~ZX_RIGHT_SIGNAL);
    CHECK_STATUS(zx_object_signal(event, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(signals_of(event), ZX_SIGNAL_NONE);
    make_eventpair(&one, &other);
    one = restrict_to(one, ZX_DEFAULT_EVENTPAIR_RIGHTS & ~ZX_RIGHT_SIGNAL_PEER);
    CHECK_STATUS(zx_object_signal_peer(one, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(signals_of(other), ZX_SIGNAL_NONE);
}

TEST(handle_errors_precede_signal_errors) {
    zx_handle_t event = restrict_to(make_event(), ZX_RIGHT_WAIT);
    CHECK_STATUS(zx_object_signal(event, 0, ZX_CHANNEL_READABLE), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_handle_close(event));
    CHECK_STATUS(zx_object_signal(event, 0, ZX_CHANNEL_READABLE), ZX_ERR_BAD_HANDLE);
}

TEST(an_event_lacks_signal_peer) {
    CHECK_STATUS(zx_object_signal_peer(make_event(), 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
}

TEST(a_closed_peer_is_not_signalled) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    CHECK_OK(zx_handle_close(other));
    CHECK_STATUS(zx_object_signal_peer(one, 0, ZX_USER_SIGNAL_0), ZX_ERR_PEER_CLOSED);
    CHECK_STATUS(zx_object_signal_peer(one, 0, ZX_CHANNEL_READABLE), ZX_ERR_INVALID_ARGS);
    CHECK_OK(zx_object_signal(one, 0, ZX_USER_SIGNAL_0));
}
