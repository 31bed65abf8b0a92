/**
 * @file
 * The handles that a program has from its start: to itself, and from whoever started it.
 */

#ifndef ZIRCON_PROCESS_H_
#define ZIRCON_PROCESS_H_

#include <stdint.h>

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** Takes the handle that came with the program's start for @p hnd_info, a PA_HND() of zircon/processargs.h. */
zx_handle_t zx_take_startup_handle(uint32_t hnd_info);
zx_handle_t _zx_take_startup_handle(uint32_t hnd_info);

/** This thread. */
zx_handle_t zx_thread_self(void);
zx_handle_t _zx_thread_self(void);

/** This process. */
zx_handle_t zx_process_self(void);
zx_handle_t _zx_process_self(void);

/** The root of this process's address space. */
zx_handle_t zx_vmar_root_self(void);
zx_handle_t _zx_vmar_root_self(void);

/** The job in which this process makes others. */
zx_handle_t zx_job_default(void);
zx_handle_t _zx_job_default(void);

__END_CDECLS

#endif /* ZIRCON_PROCESS_H_ */
