// The calls of fifos.
#ifndef MATRIX_FIFOS_H_
#define MATRIX_FIFOS_H_

#include "row.h"

static zx_status_t fifo_write(zx_handle_t handle) {
    uint32_t element = 7;
    return zx_fifo_write(handle, sizeof(element), &element, 1, NULL);
}

static zx_status_t fifo_read(zx_handle_t handle) {
    uint32_t element;
    return zx_fifo_read(handle, sizeof(element), &element, 1, NULL);
}

// Of a fifo: the errors of its handle come first.
static zx_status_t fifo_write_from_nowhere(zx_handle_t handle) {
    return zx_fifo_write(handle, 4, NULL, 1, NULL);
}

static zx_status_t fifo_read_to_nowhere(zx_handle_t handle) {
    return zx_fifo_read(handle, 4, NULL, 1, NULL);
}

static const struct row rows_of_fifos[] = {
    {"fifo_write", fifo_write, a_fifo, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"fifo_read", fifo_read, a_fifo, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_pair},
    {"fifo_write from nowhere", fifo_write_from_nowhere, a_fifo, ZX_ERR_INVALID_ARGS, ZX_RIGHT_WRITE, a_channel},
    {"fifo_read to nowhere", fifo_read_to_nowhere, a_fifo, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, an_event},
};

#endif // MATRIX_FIFOS_H_
