// The calls of timers and ports.
#ifndef MATRIX_PORTS_H_
#define MATRIX_PORTS_H_

#include "row.h"

static zx_status_t timer_set(zx_handle_t handle) {
    return zx_timer_set(handle, ZX_TIME_INFINITE, 0);
}

static zx_status_t timer_cancel(zx_handle_t handle) {
    return zx_timer_cancel(handle);
}

static zx_status_t object_wait_async(zx_handle_t handle) {
    return zx_object_wait_async(handle, a_port(), 1, ZX_USER_SIGNAL_7, ZX_WAIT_ASYNC_ONCE);
}

static zx_status_t object_wait_async_at(zx_handle_t handle) {
    return zx_object_wait_async(an_event(), handle, 1, ZX_USER_SIGNAL_7, ZX_WAIT_ASYNC_ONCE);
}

static zx_status_t port_queue(zx_handle_t handle) {
    zx_port_packet_t packet = {0};
    return zx_port_queue(handle, &packet);
}

static zx_status_t port_wait(zx_handle_t handle) {
    zx_port_packet_t packet;
    return zx_port_wait(handle, 0, &packet);
}

static zx_status_t port_cancel(zx_handle_t handle) {
    return zx_port_cancel(handle, an_event(), 1);
}

static zx_status_t port_cancel_of(zx_handle_t handle) {
    return zx_port_cancel(a_port(), handle, 1);
}

static zx_status_t port_fd_create(zx_handle_t handle) {
    int fd = -1;
    zx_status_t status = jacinth_port_fd_create(handle, &fd);
    if (status == ZX_OK)
        CHECK_OK(jacinth_port_fd_close(fd));
    else
        CHECK_EQ(fd, -1);
    return status;
}

static const struct row rows_of_ports[] = {
    {"timer_set", timer_set, a_timer, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"timer_cancel", timer_cancel, a_timer, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"object_wait_async", object_wait_async, an_event, ZX_OK, ZX_RIGHT_WAIT, ANY},
    {"object_wait_async at", object_wait_async_at, a_port, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"port_queue", port_queue, a_port, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"port_wait", port_wait, a_port, ZX_ERR_TIMED_OUT, ZX_RIGHT_READ, a_channel},
    {"port_cancel", port_cancel, a_port, ZX_ERR_NOT_FOUND, ZX_RIGHT_WRITE, a_pair},
    {"port_cancel of", port_cancel_of, an_event, ZX_ERR_NOT_FOUND, ZX_RIGHT_WAIT, ANY},
    {"jacinth_port_fd_create", port_fd_create, a_port, ZX_OK, ZX_RIGHT_READ, an_event},
};

#endif // MATRIX_PORTS_H_
