/*
 * The two halves of zx_channel_call(). The library exports them and no public header declares them, because programs have
 * functions of these names. In Zircon only its own library calls them.
 */
#ifndef INTERNAL_H_
#define INTERNAL_H_

#include <zircon/types.h>

/**
 * Does the same as zx_channel_call(), except that it stops waiting when a signal handler has run in this thread. It then
 * returns ZX_ERR_INTERNAL_INTR_RETRY, and zx_channel_call_finish() waits on. zx_channel_call() is a loop over both.
 *
 * The signal handler must not make calls that deal with handles.
 *
 * - ZX_ERR_INTERNAL_INTR_RETRY: the message is written, and a signal handler ran while this thread slept. (One that
 *   was installed with SA_RESTART does not interrupt a sleep without a deadline: Linux resumes it.)
 * - All others: as zx_channel_call().
 *
 * The thread must finish an interrupted call before it makes another one. The reply keeps its place in the channel until
 * then, and at most jacinth_config_t::max_pending_messages messages fit behind it. A thread that ends abandons its call.
 */
zx_status_t zx_channel_call_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                    const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                                    uint32_t* actual_handles);
zx_status_t _zx_channel_call_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                     const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                                     uint32_t* actual_handles);

/**
 * Waits on for the reply to this thread's last zx_channel_call_noretry(), which was interrupted.
 *
 * Only the reply buffers of @p args are used.
 *
 * - ZX_ERR_BAD_STATE: no call of this thread waits to be finished.
 * - ZX_ERR_INTERNAL_INTR_RETRY: a signal handler ran again.
 * - ZX_OK, ZX_ERR_TIMED_OUT, ZX_ERR_PEER_CLOSED, ZX_ERR_CANCELED, ZX_ERR_BUFFER_TOO_SMALL, ZX_ERR_INVALID_ARGS:
 *   as zx_channel_call().
 */
zx_status_t zx_channel_call_finish(zx_time_t deadline, const zx_channel_call_args_t* args,
                                   uint32_t* actual_bytes, uint32_t* actual_handles);
zx_status_t _zx_channel_call_finish(zx_time_t deadline, const zx_channel_call_args_t* args,
                                    uint32_t* actual_bytes, uint32_t* actual_handles);

#endif
