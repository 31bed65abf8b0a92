// The calls of directories and listeners, and the handles that programs start with.
#ifndef MATRIX_MEETING_H_
#define MATRIX_MEETING_H_

#include "row.h"

static zx_status_t directory_serve(zx_handle_t handle) {
    zx_handle_t listener;
    return jacinth_directory_serve(handle, "name", 0, &listener);
}

static zx_status_t directory_connect(zx_handle_t handle) {
    zx_handle_t channel;
    return jacinth_directory_connect(handle, "name", 0, &channel);
}

static zx_status_t directory_create_view(zx_handle_t handle) {
    const char* const names[] = {"name"};
    zx_handle_t view;
    return jacinth_directory_create_view(handle, names, 1, &view);
}

static zx_status_t directory_names(zx_handle_t handle) {
    return jacinth_directory_names(handle, NULL, 0, NULL);
}

static zx_status_t set_directory(zx_handle_t handle) {
    zx_status_t status = jacinth_set_directory(handle);
    // Otherwise the library has it.
    if (status != ZX_OK)
        CHECK(!is_open(handle));
    return status;
}

static zx_status_t listener_accept(zx_handle_t handle) {
    zx_handle_t channel;
    return jacinth_accept(handle, &channel);
}

static zx_status_t prepare(zx_handle_t handle) {
    jacinth_seat_t seat;
    zx_status_t status = jacinth_prepare(handle, &seat);
    if (status == ZX_OK)
        CHECK_OK(jacinth_seat_give_back(seat.slot));
    CHECK(!is_open(handle));
    return status;
}

static zx_status_t spawn(zx_handle_t handle) {
    char* arguments[] = {(char*)"true", NULL};
    pid_t pid;
    zx_status_t status = jacinth_spawn("true", arguments, NULL, handle, &pid);
    if (status == ZX_OK)
        CHECK_EQ(join_process(pid), 0);
    CHECK(!is_open(handle));
    return status;
}

static const struct row rows_of_meeting[] = {
    {"jacinth_directory_serve", directory_serve, a_directory, ZX_OK, ZX_RIGHT_WRITE, a_port},
    {"jacinth_directory_connect", directory_connect, a_directory, ZX_ERR_NOT_FOUND, ZX_RIGHT_READ, a_listener},
    {"jacinth_directory_create_view", directory_create_view, a_directory, ZX_OK, ZX_RIGHT_READ, a_channel},
    {"jacinth_directory_names", directory_names, a_directory, ZX_OK, ZX_RIGHT_ENUMERATE, a_listener},
    {"jacinth_set_directory", set_directory, a_directory, ZX_OK, 0, an_event},
    {"jacinth_accept", listener_accept, a_listener, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_directory},
    {"jacinth_prepare", prepare, an_event, ZX_OK, ZX_RIGHT_TRANSFER, ANY},
    {"jacinth_spawn", spawn, an_event, ZX_OK, ZX_RIGHT_TRANSFER, ANY},
};

#endif // MATRIX_MEETING_H_
