// A call that takes a handle, with its errors for unsuitable handles; and a maker of each kind of handle.
#ifndef MATRIX_ROW_H_
#define MATRIX_ROW_H_

#include "../in_place.h"
#include "../internal.h"
#include "../partner.h"

#define ANY NULL

struct row {
    const char* name;
    zx_status_t (*call)(zx_handle_t);
    zx_handle_t (*make)(void); // A suitable handle.
    zx_status_t succeeds; // The status for that.
    zx_rights_t needs; // Each of these rights.
    zx_handle_t (*wrong)(void); // A handle of another type.
};

static inline zx_handle_t an_event(void) {
    return make_event();
}

static inline zx_handle_t a_pair(void) {
    zx_handle_t one, other;
    make_eventpair(&one, &other);
    return one;
}

static inline zx_handle_t a_channel(void) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    return one;
}

static inline zx_handle_t a_fifo(void) {
    zx_handle_t one, other;
    make_fifo(16, 4, &one, &other);
    return one;
}

static inline zx_handle_t a_vmo(void) {
    return make_vmo(4096, 0);
}

static inline zx_handle_t a_socket(void) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL | ZX_SOCKET_HAS_ACCEPT, &one, &other);
    return one;
}

// One that may be sent over another.
static inline zx_handle_t a_plain_socket(void) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    return one;
}

static inline zx_handle_t a_timer(void) {
    return make_timer();
}

static inline zx_handle_t a_port(void) {
    return make_port();
}

static inline zx_handle_t a_buffer(void) {
    return make_buffer(10, 0);
}

static inline zx_handle_t a_directory(void) {
    zx_handle_t directory;
    CHECK_OK(jacinth_directory_create(&directory));
    return directory;
}

static inline zx_handle_t a_listener(void) {
    zx_handle_t listener;
    CHECK_OK(jacinth_directory_serve(a_directory(), "name", 0, &listener));
    return listener;
}

static inline zx_handle_t a_process(void) {
    return duplicate(zx_process_self(), ZX_RIGHT_SAME_RIGHTS);
}

#endif // MATRIX_ROW_H_
