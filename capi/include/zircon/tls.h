/**
 * @file
 * The places of thread data that Fuchsia's compilers use, as offsets from the thread pointer. May be included by
 * assembler.
 *
 * Linux has no such data at these places. Only code of a C library uses them.
 */

#ifndef ZIRCON_TLS_H_
#define ZIRCON_TLS_H_

#if defined(__x86_64__)
#define ZX_TLS_STACK_GUARD_OFFSET 0x10
#define ZX_TLS_UNSAFE_SP_OFFSET 0x18
#elif defined(__aarch64__)
#define ZX_TLS_STACK_GUARD_OFFSET (-0x10)
#define ZX_TLS_UNSAFE_SP_OFFSET (-0x8)
#endif

#endif /* ZIRCON_TLS_H_ */
