// The calls of sockets.
#ifndef MATRIX_SOCKETS_H_
#define MATRIX_SOCKETS_H_

#include "row.h"

static zx_status_t info_socket(zx_handle_t handle) {
    zx_info_socket_t info;
    return zx_object_get_info(handle, ZX_INFO_SOCKET, &info, sizeof(info), NULL, NULL);
}

static zx_status_t get_threshold(zx_handle_t handle) {
    size_t value;
    return zx_object_get_property(handle, ZX_PROP_SOCKET_RX_THRESHOLD, &value, sizeof(value));
}

static zx_status_t set_threshold(zx_handle_t handle) {
    size_t value = 1;
    return zx_object_set_property(handle, ZX_PROP_SOCKET_TX_THRESHOLD, &value, sizeof(value));
}

static zx_status_t socket_write(zx_handle_t handle) {
    return zx_socket_write(handle, 0, "x", 1, NULL);
}

static zx_status_t socket_write_control(zx_handle_t handle) {
    return zx_socket_write(handle, ZX_SOCKET_CONTROL, "x", 1, NULL);
}

static zx_status_t socket_read(zx_handle_t handle) {
    char byte;
    return zx_socket_read(handle, 0, &byte, 1, NULL);
}

static zx_status_t socket_read_control(zx_handle_t handle) {
    char byte;
    return zx_socket_read(handle, ZX_SOCKET_CONTROL | ZX_SOCKET_PEEK, &byte, 1, NULL);
}

// Memory that is no memory, and is not NULL: the errors of the handle come first.
static zx_status_t socket_write_from_nowhere(zx_handle_t handle) {
    return zx_socket_write(handle, 0, (void*)1, 1, NULL);
}

static zx_status_t socket_read_to_nowhere(zx_handle_t handle) {
    return zx_socket_read(handle, 0, (void*)1, 1, NULL);
}

static zx_status_t socket_write_too_much(zx_handle_t handle) {
    return zx_socket_write(handle, 0, "x", SIZE_MAX, NULL);
}

static zx_status_t socket_read_too_much(zx_handle_t handle) {
    char byte;
    return zx_socket_read(handle, 0, &byte, SIZE_MAX, NULL);
}

static zx_status_t socket_shutdown(zx_handle_t handle) {
    return zx_socket_shutdown(handle, ZX_SOCKET_SHUTDOWN_READ | ZX_SOCKET_SHUTDOWN_WRITE);
}

static zx_status_t socket_share(zx_handle_t handle) {
    zx_handle_t shared = a_plain_socket();
    zx_status_t status = zx_socket_share(handle, shared);
    CHECK(!is_open(shared));
    return status;
}

static zx_status_t shared_by_socket_share(zx_handle_t handle) {
    zx_status_t status = zx_socket_share(a_socket(), handle);
    CHECK(!is_open(handle));
    return status;
}

static zx_status_t socket_accept(zx_handle_t handle) {
    zx_handle_t socket;
    return zx_socket_accept(handle, &socket);
}

static zx_status_t socket_accept_to_nowhere(zx_handle_t handle) {
    return zx_socket_accept(handle, NULL);
}

static const struct row rows_of_sockets[] = {
    {"object_get_info(SOCKET)", info_socket, a_socket, ZX_OK, ZX_RIGHT_INSPECT, an_event},
    {"object_get_property(SOCKET_RX_THRESHOLD)", get_threshold, a_socket, ZX_OK, ZX_RIGHT_GET_PROPERTY, a_process},
    {"object_set_property(SOCKET_TX_THRESHOLD)", set_threshold, a_socket, ZX_OK, ZX_RIGHT_SET_PROPERTY, a_process},
    {"socket_write", socket_write, a_socket, ZX_OK, ZX_RIGHT_WRITE, a_fifo},
    {"socket_write of control", socket_write_control, a_socket, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"socket_write from nowhere", socket_write_from_nowhere, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_WRITE, a_pair},
    {"socket_write of too much", socket_write_too_much, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_WRITE, an_event},
    {"socket_read", socket_read, a_socket, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_channel},
    {"socket_read of control", socket_read_control, a_socket, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_fifo},
    {"socket_read to nowhere", socket_read_to_nowhere, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, a_port},
    {"socket_read of too much", socket_read_too_much, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, an_event},
    {"socket_shutdown", socket_shutdown, a_socket, ZX_OK, ZX_RIGHT_WRITE, a_fifo},
    {"socket_share", socket_share, a_socket, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"shared by socket_share", shared_by_socket_share, a_plain_socket, ZX_OK, ZX_RIGHT_TRANSFER, a_channel},
    {"socket_accept", socket_accept, a_socket, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_listener},
    {"socket_accept to nowhere", socket_accept_to_nowhere, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, an_event},
};

#endif // MATRIX_SOCKETS_H_
