/**
 * @file
 * Assertions that say where they failed, on the standard output, and end the program with abort().
 *
 * ZX_ASSERT() is always there. ZX_DEBUG_ASSERT() is there if ZX_DEBUGLEVEL is defined as 2 or more before this header is
 * included; otherwise its arguments are compiled and not evaluated.
 */

#ifndef ZIRCON_ASSERT_H_
#define ZIRCON_ASSERT_H_

#include <stdio.h>
#include <stdlib.h>

#include <zircon/compiler.h>

/** Ends the program, with a text as of printf(). */
#define ZX_PANIC(...)        \
    do {                     \
        printf(__VA_ARGS__); \
        fflush(stdout);      \
        abort();             \
    } while (0)

/** Ends the program unless @p x. */
#define ZX_ASSERT(x)                                                             \
    do {                                                                         \
        if (unlikely(!(x)))                                                      \
            ZX_PANIC("ASSERT FAILED at (%s:%d): %s\n", __FILE__, __LINE__, #x);  \
    } while (0)

/** Ends the program unless @p x, with one more text as of printf(). */
#define ZX_ASSERT_MSG(x, ...)                                                    \
    do {                                                                         \
        if (unlikely(!(x))) {                                                    \
            printf("ASSERT FAILED at (%s:%d): %s\n", __FILE__, __LINE__, #x);    \
            printf(__VA_ARGS__);                                                 \
            ZX_PANIC("\n");                                                      \
        }                                                                        \
    } while (0)

/** Whether ZX_DEBUG_ASSERT() does anything. */
#ifdef ZX_DEBUGLEVEL
#define ZX_DEBUG_ASSERT_IMPLEMENTED (ZX_DEBUGLEVEL > 1)
#else
#define ZX_DEBUG_ASSERT_IMPLEMENTED 0
#endif

/** ZX_ASSERT() where ZX_DEBUG_ASSERT_IMPLEMENTED. */
#define ZX_DEBUG_ASSERT(x)                                                             \
    do {                                                                               \
        if (ZX_DEBUG_ASSERT_IMPLEMENTED && unlikely(!(x)))                             \
            ZX_PANIC("DEBUG ASSERT FAILED at (%s:%d): %s\n", __FILE__, __LINE__, #x);  \
    } while (0)

/** ZX_ASSERT_MSG() where ZX_DEBUG_ASSERT_IMPLEMENTED. */
#define ZX_DEBUG_ASSERT_MSG(x, ...)                                                    \
    do {                                                                               \
        if (ZX_DEBUG_ASSERT_IMPLEMENTED && unlikely(!(x))) {                           \
            printf("DEBUG ASSERT FAILED at (%s:%d): %s\n", __FILE__, __LINE__, #x);    \
            printf(__VA_ARGS__);                                                       \
            ZX_PANIC("\n");                                                            \
        }                                                                              \
    } while (0)

/* The same, with arguments that are not even compiled where they are not evaluated. */
#if ZX_DEBUG_ASSERT_IMPLEMENTED
#define ZX_DEBUG_ASSERT_COND(x) ZX_DEBUG_ASSERT(x)
#define ZX_DEBUG_ASSERT_MSG_COND(x, ...) ZX_DEBUG_ASSERT_MSG(x, __VA_ARGS__)
#else
#define ZX_DEBUG_ASSERT_COND(x) \
    do {                        \
    } while (0)
#define ZX_DEBUG_ASSERT_MSG_COND(x, ...) \
    do {                                 \
    } while (0)
#endif

#endif /* ZIRCON_ASSERT_H_ */
