// Objects for tests, and their properties.
#ifndef OBJECTS_H_
#define OBJECTS_H_

#include "check.h"

static inline zx_handle_t make_event(void) {
    zx_handle_t event = ZX_HANDLE_INVALID;
    CHECK_OK(zx_event_create(0, &event));
    CHECK(event != ZX_HANDLE_INVALID);
    return event;
}

static inline void make_eventpair(zx_handle_t* one, zx_handle_t* other) {
    *one = *other = ZX_HANDLE_INVALID;
    CHECK_OK(zx_eventpair_create(0, one, other));
    CHECK(*one != ZX_HANDLE_INVALID && *other != ZX_HANDLE_INVALID && *one != *other);
}

static inline zx_handle_t make_timer(void) {
    zx_handle_t timer = ZX_HANDLE_INVALID;
    CHECK_OK(zx_timer_create(ZX_TIMER_SLACK_CENTER, ZX_CLOCK_MONOTONIC, &timer));
    CHECK(timer != ZX_HANDLE_INVALID);
    return timer;
}

static inline void make_channel(zx_handle_t* one, zx_handle_t* other) {
    *one = *other = ZX_HANDLE_INVALID;
    CHECK_OK(zx_channel_create(0, one, other));
    CHECK(*one != ZX_HANDLE_INVALID && *other != ZX_HANDLE_INVALID && *one != *other);
}

static inline void make_fifo(size_t elem_count, size_t elem_size, zx_handle_t* one, zx_handle_t* other) {
    *one = *other = ZX_HANDLE_INVALID;
    CHECK_OK(zx_fifo_create(elem_count, elem_size, 0, one, other));
    CHECK(*one != ZX_HANDLE_INVALID && *other != ZX_HANDLE_INVALID && *one != *other);
}

static inline zx_handle_t make_vmo(uint64_t size, uint32_t options) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    CHECK_OK(zx_vmo_create(size, options, &vmo));
    CHECK(vmo != ZX_HANDLE_INVALID);
    return vmo;
}

static inline void make_socket(uint32_t options, zx_handle_t* one, zx_handle_t* other) {
    *one = *other = ZX_HANDLE_INVALID;
    CHECK_OK(zx_socket_create(options, one, other));
    CHECK(*one != ZX_HANDLE_INVALID && *other != ZX_HANDLE_INVALID && *one != *other);
}

static inline zx_handle_t make_port(void) {
    zx_handle_t port = ZX_HANDLE_INVALID;
    CHECK_OK(zx_port_create(0, &port));
    CHECK(port != ZX_HANDLE_INVALID);
    return port;
}

static inline zx_handle_t duplicate(zx_handle_t handle, zx_rights_t rights) {
    zx_handle_t copy = ZX_HANDLE_INVALID;
    CHECK_OK(zx_handle_duplicate(handle, rights, &copy));
    return copy;
}

// Replaces the handle by one with these rights.
static inline zx_handle_t restrict_to(zx_handle_t handle, zx_rights_t rights) {
    zx_handle_t other = ZX_HANDLE_INVALID;
    CHECK_OK(zx_handle_replace(handle, rights, &other));
    return other;
}

static inline zx_info_handle_basic_t basic_info(zx_handle_t handle) {
    zx_info_handle_basic_t info;
    CHECK_OK(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
    return info;
}

static inline zx_koid_t koid_of(zx_handle_t handle) {
    return basic_info(handle).koid;
}

static inline zx_rights_t rights_of(zx_handle_t handle) {
    return basic_info(handle).rights;
}

static inline uint32_t handle_count(zx_handle_t handle) {
    zx_info_handle_count_t info;
    CHECK_OK(zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &info, sizeof(info), NULL, NULL));
    return info.handle_count;
}

// Whether the value is a handle.
static inline bool is_open(zx_handle_t handle) {
    zx_status_t status = zx_object_get_info(handle, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL);
    if (status != ZX_OK)
        CHECK_STATUS(status, ZX_ERR_BAD_HANDLE);
    return status == ZX_OK;
}

// The signals that the object asserts now.
static inline zx_signals_t signals_of(zx_handle_t handle) {
    zx_signals_t seen = ~(zx_signals_t)0;
    CHECK_STATUS(zx_object_wait_one(handle, ZX_SIGNAL_NONE, 0, &seen), ZX_ERR_TIMED_OUT);
    return seen;
}

// The contents of the arena: a failed call must not change them.
static inline jacinth_audit_t audit_now(void) {
    jacinth_audit_t audit;
    CHECK_OK(jacinth_audit(&audit));
    return audit;
}

// Writes a message of these bytes.
static inline void send_bytes(zx_handle_t channel, const void* bytes, uint32_t size) {
    CHECK_OK(zx_channel_write(channel, 0, bytes, size, NULL, 0));
}

// Writes a message of one handle, which it consumes.
static inline void send_handle(zx_handle_t channel, zx_handle_t handle) {
    CHECK_OK(zx_channel_write(channel, 0, NULL, 0, &handle, 1));
}

// Reads a message that must be exactly these bytes.
static inline void expect_bytes(zx_handle_t channel, const void* bytes, uint32_t size) {
    char buffer[256];
    uint32_t actual_bytes = ~0u, actual_handles = ~0u;
    CHECK_OK(zx_channel_read(channel, 0, buffer, NULL, sizeof(buffer), 0, &actual_bytes, &actual_handles));
    CHECK_EQ(actual_bytes, size);
    CHECK_EQ(actual_handles, 0);
    CHECK_BYTES(buffer, bytes, size);
}

// Reads a message that must be exactly one handle.
static inline zx_handle_t receive_handle(zx_handle_t channel) {
    zx_handle_t handle = ZX_HANDLE_INVALID;
    uint32_t actual_bytes = ~0u, actual_handles = ~0u;
    CHECK_OK(zx_channel_read(channel, 0, NULL, &handle, 0, 1, &actual_bytes, &actual_handles));
    CHECK_EQ(actual_bytes, 0);
    CHECK_EQ(actual_handles, 1);
    return handle;
}

#endif // OBJECTS_H_
