/**
 * @file
 * What Fuchsia's C library has and Linux's has not, of that which programs for Zircon use.
 *
 * zircon/threads.h brings all of it. A program that includes only threads.h and limits.h finds it there, unchanged, if the
 * folder jacinth/libc, beside this file, is the first in which the compiler looks for headers:
 *
 *     cc -I PREFIX/include/jacinth/libc app.c -ljacinth
 *
 * | name | of Fuchsia's |
 * |---|---|
 * | PAGE_SIZE | limits.h |
 * | MTX_INIT, CND_INIT, thrd_create_with_name() | threads.h |
 * | thrd_get_zx_handle(), thrd_status_to_zx_status() | zircon/threads.h |
 */

#ifndef JACINTH_COMPAT_H_
#define JACINTH_COMPAT_H_

#include <limits.h>
#include <threads.h>

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** The size of a page, which is Linux's on x86-64 too. */
#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif

/* What a plain mtx_t and a cnd_t are initialized with, where there is no call of mtx_init() or cnd_init(). */
#ifndef MTX_INIT
#define MTX_INIT {{0}}
#endif
#ifndef CND_INIT
#define CND_INIT {{0}}
#endif

/**
 * As thrd_create(), with a name for the thread, of which the first 31 bytes count; NULL for none. The name becomes the
 * ZX_PROP_NAME of the thread's object, and the first 15 bytes of it what Linux calls the thread.
 *
 * It needs no arena.
 *
 * - thrd_success
 * - thrd_nomem: there is no memory, or no thread, to be had.
 * - thrd_error: @p start is NULL, @p thread cannot be written, @p name cannot be read; or something else went wrong.
 */
int jacinth_thrd_create_with_name(thrd_t* thread, thrd_start_t start, void* argument, const char* name);
#define thrd_create_with_name jacinth_thrd_create_with_name

/* A thread that is started so can be asked for its handle at once. */
#define thrd_create(thread, start, argument) jacinth_thrd_create_with_name(thread, start, argument, NULL)

/**
 * The handle to a thread of this process: what zx_thread_self() gives in that thread. It stays the library's, and is closed
 * when the thread ends: to keep it, duplicate it.
 *
 * ZX_HANDLE_INVALID for a thread that is not known: one that was started by something else than thrd_create() and
 * thrd_create_with_name() of this header and has not called zx_thread_self() yet, or one that has ended. Also where
 * zx_thread_self() gives that.
 */
zx_handle_t jacinth_thrd_get_zx_handle(thrd_t thread);
#define thrd_get_zx_handle jacinth_thrd_get_zx_handle

__END_CDECLS

#endif /* JACINTH_COMPAT_H_ */
