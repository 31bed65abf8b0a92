// The calls of handles, and any object.
#ifndef MATRIX_OBJECTS_H_
#define MATRIX_OBJECTS_H_

#include "row.h"

static zx_status_t handle_close(zx_handle_t handle) {
    return zx_handle_close(handle);
}

static zx_status_t handle_close_many(zx_handle_t handle) {
    return zx_handle_close_many(&handle, 1);
}

static zx_status_t handle_duplicate(zx_handle_t handle) {
    zx_handle_t copy;
    return zx_handle_duplicate(handle, ZX_RIGHT_SAME_RIGHTS, &copy);
}

static zx_status_t handle_replace(zx_handle_t handle) {
    zx_handle_t other;
    return zx_handle_replace(handle, ZX_RIGHT_SAME_RIGHTS, &other);
}

static zx_status_t info_handle_valid(zx_handle_t handle) {
    return zx_object_get_info(handle, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL);
}

static zx_status_t info_handle_basic(zx_handle_t handle) {
    zx_info_handle_basic_t info;
    return zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
}

static zx_status_t info_handle_count(zx_handle_t handle) {
    zx_info_handle_count_t info;
    return zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &info, sizeof(info), NULL, NULL);
}

static zx_status_t info_handle_stats(zx_handle_t handle) {
    zx_info_process_handle_stats_t info;
    return zx_object_get_info(handle, ZX_INFO_PROCESS_HANDLE_STATS, &info, sizeof(info), NULL, NULL);
}

static zx_status_t object_get_property(zx_handle_t handle) {
    char name[ZX_MAX_NAME_LEN];
    return zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name));
}

static zx_status_t object_set_property(zx_handle_t handle) {
    return zx_object_set_property(handle, ZX_PROP_NAME, "name", 4);
}

static zx_status_t object_get_cookie(zx_handle_t handle) {
    uint64_t cookie;
    return zx_object_get_cookie(handle, an_event(), &cookie);
}

static zx_status_t object_set_cookie(zx_handle_t handle) {
    return zx_object_set_cookie(handle, an_event(), 1);
}

static zx_status_t object_get_cookie_of(zx_handle_t scope) {
    uint64_t cookie;
    return zx_object_get_cookie(an_event(), scope, &cookie);
}

static zx_status_t object_set_cookie_of(zx_handle_t scope) {
    return zx_object_set_cookie(a_pair(), scope, 1);
}

static zx_status_t object_signal(zx_handle_t handle) {
    return zx_object_signal(handle, 0, ZX_USER_SIGNAL_0);
}

static zx_status_t object_signal_peer(zx_handle_t handle) {
    return zx_object_signal_peer(handle, 0, ZX_USER_SIGNAL_0);
}

static zx_status_t object_wait_one(zx_handle_t handle) {
    return zx_object_wait_one(handle, ZX_USER_SIGNAL_7, 0, NULL);
}

static zx_status_t object_wait_many(zx_handle_t handle) {
    zx_wait_item_t items[] = {{zx_process_self(), ZX_USER_SIGNAL_7, 0}, {handle, ZX_USER_SIGNAL_7, 0}};
    return zx_object_wait_many(items, 2, 0);
}

static const struct row rows_of_objects[] = {
    {"handle_close", handle_close, an_event, ZX_OK, 0, ANY},
    {"handle_close_many", handle_close_many, an_event, ZX_OK, 0, ANY},
    {"handle_duplicate", handle_duplicate, an_event, ZX_OK, ZX_RIGHT_DUPLICATE, ANY},
    {"handle_replace", handle_replace, an_event, ZX_OK, 0, ANY},
    {"object_get_info(HANDLE_VALID)", info_handle_valid, an_event, ZX_OK, 0, ANY},
    {"object_get_info(HANDLE_BASIC)", info_handle_basic, an_event, ZX_OK, 0, ANY},
    {"object_get_info(HANDLE_COUNT)", info_handle_count, an_event, ZX_OK, ZX_RIGHT_INSPECT, ANY},
    {"object_get_info(PROCESS_HANDLE_STATS)", info_handle_stats, a_process, ZX_OK, ZX_RIGHT_INSPECT, an_event},
    {"object_get_property", object_get_property, a_process, ZX_OK, ZX_RIGHT_GET_PROPERTY, ANY},
    {"object_set_property", object_set_property, a_process, ZX_OK, ZX_RIGHT_SET_PROPERTY, ANY},
    {"object_get_cookie", object_get_cookie, an_event, ZX_ERR_ACCESS_DENIED, 0, ANY},
    {"object_set_cookie", object_set_cookie, a_pair, ZX_OK, 0, ANY},
    {"object_get_cookie of a scope", object_get_cookie_of, a_channel, ZX_ERR_ACCESS_DENIED, 0, ANY},
    {"object_set_cookie of a scope", object_set_cookie_of, a_process, ZX_OK, 0, ANY},
    {"object_signal", object_signal, an_event, ZX_OK, ZX_RIGHT_SIGNAL, ANY},
    {"object_signal_peer", object_signal_peer, a_pair, ZX_OK, ZX_RIGHT_SIGNAL_PEER, ANY},
    {"object_wait_one", object_wait_one, an_event, ZX_ERR_TIMED_OUT, ZX_RIGHT_WAIT, ANY},
    {"object_wait_many", object_wait_many, an_event, ZX_ERR_TIMED_OUT, ZX_RIGHT_WAIT, ANY},
};

#endif // MATRIX_OBJECTS_H_
