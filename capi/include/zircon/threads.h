/**
 * @file
 * C11's threads and Zircon's.
 */

#ifndef ZIRCON_THREADS_H_
#define ZIRCON_THREADS_H_

#include <threads.h>

#include <jacinth/compat.h>
#include <zircon/compiler.h>
#include <zircon/errors.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** Converts a thrd_* status to a zx_status_t. */
static inline __PURE zx_status_t thrd_status_to_zx_status(int thrd_status) {
    switch (thrd_status) {
    case thrd_success:
        return ZX_OK;
    case thrd_nomem:
        return ZX_ERR_NO_MEMORY;
    case thrd_timedout:
        return ZX_ERR_TIMED_OUT;
    case thrd_busy:
        return ZX_ERR_SHOULD_WAIT;
    default:
        return ZX_ERR_INTERNAL;
    }
}

__END_CDECLS

#endif /* ZIRCON_THREADS_H_ */
