/**
 * @file
 * The parts of Fuchsia's C library that programs for Zircon use and that Linux's does not have.
 *
 * zircon/threads.h includes this header. A program that includes only threads.h and limits.h compiles unchanged if the folder
 * jacinth/libc, beside this file, is the first in the compiler's search path:
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

/* The initializers of a plain mtx_t and a cnd_t, without mtx_init() or cnd_init(). */
#ifndef MTX_INIT
#define MTX_INIT {{0}}
#endif
#ifndef CND_INIT
#define CND_INIT {{0}}
#endif

/**
 * Does the same as thrd_create(), and names the thread. The first 31 bytes of @p name count; NULL stands for no name. The
 * name becomes the ZX_PROP_NAME of the thread's object, and its first 15 bytes are the thread's name on Linux.
 *
 * It needs no arena.
 *
 * - thrd_success
 * - thrd_nomem: the system has no memory or no thread left.
 * - thrd_error: @p start is NULL, @p thread cannot be written, or @p name cannot be read; or another error.
 */
int jacinth_thrd_create_with_name(thrd_t* thread, thrd_start_t start, void* argument, const char* name);
#define thrd_create_with_name jacinth_thrd_create_with_name

/* thrd_get_zx_handle() works at once for a thread that was started so. */
#define thrd_create(thread, start, argument) jacinth_thrd_create_with_name(thread, start, argument, NULL)

/**
 * The handle to a thread of this process: the result of zx_thread_self() in that thread. The library owns it. It is closed
 * when the thread ends: to keep it, duplicate it.
 *
 * ZX_HANDLE_INVALID for a thread that has ended, for a thread that was not started by this header's thrd_create() or
 * thrd_create_with_name() and has not called zx_thread_self() yet, and where zx_thread_self() returns it.
 */
zx_handle_t jacinth_thrd_get_zx_handle(thrd_t thread);
#define thrd_get_zx_handle jacinth_thrd_get_zx_handle

__END_CDECLS

#endif /* JACINTH_COMPAT_H_ */
