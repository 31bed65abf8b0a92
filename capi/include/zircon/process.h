/**
 * @file
 * The handles that a program has from its start: to itself, and from the program that spawned it.
 *
 * Each call but the first returns the same handle every time. The library owns that handle: the caller must not close it,
 * and duplicates it to send it. A call returns ZX_HANDLE_INVALID in the cases in which zircon/syscalls.h returns
 * ZX_ERR_BAD_STATE, ZX_ERR_IO_DATA_INTEGRITY or ZX_ERR_NO_RESOURCES.
 *
 * The objects have a koid, a type, rights, a name and the user signals. So a program can name itself and other programs can
 * identify it. No signal says when a process or a thread ends, and no call manages them.
 */

#ifndef ZIRCON_PROCESS_H_
#define ZIRCON_PROCESS_H_

#include <stdint.h>

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/**
 * Takes the startup handle for @p hnd_info, a PA_HND() of zircon/processargs.h. The caller owns it from then on.
 *
 * Only PA_HND(PA_USER0, 0) has a handle, once: the handle that jacinth_spawn() gave this program. For all other values, and
 * the second time, the call returns ZX_HANDLE_INVALID, and jacinth_error() says why.
 */
zx_handle_t zx_take_startup_handle(uint32_t hnd_info);
zx_handle_t _zx_take_startup_handle(uint32_t hnd_info);

/**
 * This thread, with ZX_DEFAULT_THREAD_RIGHTS. Each thread has its own; the handle is closed when the thread
 * ends.
 */
zx_handle_t zx_thread_self(void);
zx_handle_t _zx_thread_self(void);

/** This process, with ZX_DEFAULT_PROCESS_RIGHTS. */
zx_handle_t zx_process_self(void);
zx_handle_t _zx_process_self(void);

/**
 * The root of this process's address space, with ZX_DEFAULT_VMAR_RIGHTS. It cannot map memory yet.
 */
zx_handle_t zx_vmar_root_self(void);
zx_handle_t _zx_vmar_root_self(void);

/** The job of this process, with ZX_DEFAULT_JOB_RIGHTS. So far each process has one of its own. */
zx_handle_t zx_job_default(void);
zx_handle_t _zx_job_default(void);

__END_CDECLS

#endif /* ZIRCON_PROCESS_H_ */
