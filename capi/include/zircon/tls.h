/**
 * @file
 * Where Fuchsia's C library keeps what its compilers use of a thread, from the thread pointer on. May be included by
 * assembler.
 *
 * On Linux nothing is at these places: code that uses them is code of a C library.
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
