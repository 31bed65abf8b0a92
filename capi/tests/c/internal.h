/*
 * The two halves of zx_channel_call(), which the library exports and no public header declares: in Zircon its own
 * library alone calls them, and programs have functions of these names.
 */
#ifndef INTERNAL_H_
#define INTERNAL_H_

#include <zircon/types.h>

/**
 * As zx_channel_call(), except that it does not go on waiting after a signal handler has run in this thread: it
 * gives ZX_ERR_INTERNAL_INTR_RETRY, and zx_channel_call_finish() waits on. zx_channel_call() is made of the
 * two.
 *
 * The signal handler itself can make no calls that deal with handles while this one is under way.
 *
 * - ZX_ERR_INTERNAL_INTR_RETRY: the message is written, and a signal handler ran while this thread slept. (One that
 *   was installed with SA_RESTART does not interrupt a sleep without a deadline: Linux resumes it.)
 * - All others: as zx_channel_call().
 *
 * A call that was interrupted must be finished: until then this thread can make no other, and its reply keeps its
 * place in the channel, behind which no more than jacinth_config_t::max_pending_messages others fit. A thread that
 * ends gives its call up.
 */
zx_status_t zx_channel_call_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                    const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                                    uint32_t* actual_handles);
zx_status_t _zx_channel_call_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                     const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                                     uint32_t* actual_handles);

/**
 * Goes on waiting for the reply to this thread's last zx_channel_call_noretry(), which was interrupted.
 *
 * Of @p args only where the reply goes is used.
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
