// The calls of VM objects, and what a process has of them.
#ifndef MATRIX_VMOS_H_
#define MATRIX_VMOS_H_

#include "row.h"

static zx_status_t vmo_read(zx_handle_t handle) {
    char byte;
    return zx_vmo_read(handle, &byte, 0, 1);
}

static zx_status_t vmo_read_to_nowhere(zx_handle_t handle) {
    return zx_vmo_read(handle, NULL, 0, 1);
}

static zx_status_t vmo_write(zx_handle_t handle) {
    return zx_vmo_write(handle, "1", 0, 1);
}

static zx_status_t vmo_write_from_nowhere(zx_handle_t handle) {
    return zx_vmo_write(handle, NULL, 0, 1);
}

static zx_status_t vmo_clone(zx_handle_t handle) {
    zx_handle_t clone;
    return zx_vmo_clone(handle, ZX_VMO_CLONE_COPY_ON_WRITE, 0, 4096, &clone);
}

static zx_status_t vmo_get_size(zx_handle_t handle) {
    uint64_t size;
    return zx_vmo_get_size(handle, &size);
}

static zx_status_t info_vmos(zx_handle_t handle) {
    zx_info_vmo_t info;
    return zx_object_get_info(handle, ZX_INFO_PROCESS_VMOS, &info, sizeof(info), NULL, NULL);
}

static zx_status_t info_maps(zx_handle_t handle) {
    zx_info_maps_t info;
    return zx_object_get_info(handle, ZX_INFO_PROCESS_MAPS, &info, sizeof(info), NULL, NULL);
}

static zx_status_t info_vmo(zx_handle_t handle) {
    zx_info_vmo_t info;
    return zx_object_get_info(handle, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL);
}

static zx_status_t vmo_set_size(zx_handle_t handle) {
    return zx_vmo_set_size(handle, 8192);
}

static zx_status_t vmo_decommit(zx_handle_t handle) {
    return zx_vmo_op_range(handle, ZX_VMO_OP_DECOMMIT, 0, 1, NULL, 0);
}

static zx_status_t vmo_cache_sync(zx_handle_t handle) {
    return zx_vmo_op_range(handle, ZX_VMO_OP_CACHE_SYNC, 0, 1, NULL, 0);
}

static const struct row rows_of_vmos[] = {
    {"vmo_read", vmo_read, a_vmo, ZX_OK, ZX_RIGHT_READ, an_event},
    {"vmo_read to nowhere", vmo_read_to_nowhere, a_vmo, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, a_fifo},
    {"vmo_write", vmo_write, a_vmo, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"vmo_write from nowhere", vmo_write_from_nowhere, a_vmo, ZX_ERR_INVALID_ARGS, ZX_RIGHT_WRITE, a_timer},
    {"vmo_clone", vmo_clone, a_vmo, ZX_OK, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ, an_event},
    {"vmo_get_size", vmo_get_size, a_vmo, ZX_OK, 0, an_event},
    {"object_get_info(PROCESS_VMOS)", info_vmos, a_process, ZX_OK, ZX_RIGHT_INSPECT, a_vmo},
    {"object_get_info(PROCESS_MAPS)", info_maps, a_process, ZX_OK, ZX_RIGHT_INSPECT, a_vmo},
    {"object_get_info(VMO)", info_vmo, a_vmo, ZX_OK, 0, an_event},
    {"vmo_set_size", vmo_set_size, a_vmo, ZX_OK, ZX_RIGHT_WRITE, a_port},
    {"vmo_op_range(DECOMMIT)", vmo_decommit, a_vmo, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"vmo_op_range(CACHE_SYNC)", vmo_cache_sync, a_vmo, ZX_OK, ZX_RIGHT_READ, a_pair},
};

#endif // MATRIX_VMOS_H_
