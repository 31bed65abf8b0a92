/**
 * @file
 * Names for features of compilers beyond the standards, as Zircon's headers and the code written for them use
 * them.
 *
 * GCC and Clang only. Glibc, libstdc++ and libc++ use none of these names; the names that other
 * libraries are known to define too are left as they are where they are defined already. Zircon's __OPTIMIZE is
 * not here: GCC's own headers ask whether that name is defined when they mean __OPTIMIZE__, and come out wrong
 * if it is.
 */

#ifndef ZIRCON_COMPILER_H_
#define ZIRCON_COMPILER_H_

#ifndef __ASSEMBLER__

#if !defined(__GNUC__)
#error "zircon/compiler.h knows GCC and Clang only"
#endif

/* The usual value of a condition. */
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

/* Attributes of functions and variables. */
#define __UNUSED __attribute__((__unused__))
#define __USED __attribute__((__used__))
#define __PACKED __attribute__((__packed__))
#define __ALIGNED(bytes) __attribute__((__aligned__(bytes)))
#define __PRINTFLIKE(format, first) __attribute__((__format__(__printf__, format, first)))
#define __SCANFLIKE(format, first) __attribute__((__format__(__scanf__, format, first)))
#define __SECTION(name) __attribute__((__section__(name)))
#define __PURE __attribute__((__pure__))
#define __CONST __attribute__((__const__))
#define __NO_RETURN __attribute__((__noreturn__))
#define __MALLOC __attribute__((__malloc__))
#define __NONNULL(arguments) __attribute__((__nonnull__ arguments))
#define __WARN_UNUSED_RESULT __attribute__((__warn_unused_result__))
#define __MAY_ALIAS __attribute__((__may_alias__))
#define __CONSTRUCTOR __attribute__((__constructor__))
#define __DESTRUCTOR __attribute__((__destructor__))
#define __RESTRICT __restrict
#define __THREAD __thread

/* How it is compiled. */
#define __ALWAYS_INLINE __attribute__((__always_inline__))
#define __NO_INLINE __attribute__((__noinline__))
#define __GNU_INLINE __attribute__((__gnu_inline__))
#define __NAKED __attribute__((__naked__))
#define __SRAM __NO_INLINE __SECTION(".sram.text")
#define __UNREACHABLE __builtin_unreachable()
#define __ISCONSTANT(x) __builtin_constant_p(x)
#define __GET_CALLER(x) __builtin_return_address(0)
#define __GET_FRAME(x) __builtin_frame_address(0)
#ifndef __offsetof
#define __offsetof(type, field) __builtin_offsetof(type, field)
#endif

/* How it is linked. */
#define __WEAK __attribute__((__weak__))
#define __ALIAS(name) __attribute__((__alias__(name)))
#define __WEAK_ALIAS(name) __attribute__((__weak__, __alias__(name)))
#define __EXPORT __attribute__((__visibility__("default")))
#define __LOCAL __attribute__((__visibility__("hidden")))

/* Features of only one of the two compilers. */
#if defined(__clang__)
#define __LEAF_FN
#define __EXTERNALLY_VISIBLE
#define __NO_SAFESTACK __attribute__((__no_sanitize__("safe-stack")))
#define __THREAD_ANNOTATION(x) __attribute__((x))
#else
#define __LEAF_FN __attribute__((__leaf__))
#define __EXTERNALLY_VISIBLE __attribute__((__externally_visible__))
#define __NO_SAFESTACK
#define __THREAD_ANNOTATION(x)
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#endif

/* A case that runs on into the next one, and means to. */
#if defined(__cplusplus) && __cplusplus >= 201703L
#define __FALLTHROUGH [[fallthrough]]
#elif defined(__cplusplus) && defined(__clang__)
#define __FALLTHROUGH [[clang::fallthrough]]
#elif __GNUC__ >= 7 || (defined(__clang__) && __clang_major__ >= 10)
#define __FALLTHROUGH __attribute__((__fallthrough__))
#else
#define __FALLTHROUGH do { } while (0)
#endif

/* Clang's thread safety analysis: the data that each lock guards. */
#define __TA_CAPABILITY(x) __THREAD_ANNOTATION(__capability__(x))
#define __TA_GUARDED(x) __THREAD_ANNOTATION(__guarded_by__(x))
#define __TA_ACQUIRE(...) __THREAD_ANNOTATION(__acquire_capability__(__VA_ARGS__))
#define __TA_TRY_ACQUIRE(...) __THREAD_ANNOTATION(__try_acquire_capability__(__VA_ARGS__))
#define __TA_ACQUIRED_BEFORE(...) __THREAD_ANNOTATION(__acquired_before__(__VA_ARGS__))
#define __TA_ACQUIRED_AFTER(...) __THREAD_ANNOTATION(__acquired_after__(__VA_ARGS__))
#define __TA_RELEASE(...) __THREAD_ANNOTATION(__release_capability__(__VA_ARGS__))
#define __TA_REQUIRES(...) __THREAD_ANNOTATION(__requires_capability__(__VA_ARGS__))
#define __TA_EXCLUDES(...) __THREAD_ANNOTATION(__locks_excluded__(__VA_ARGS__))
#define __TA_RETURN_CAPABILITY(x) __THREAD_ANNOTATION(__lock_returned__(x))
#define __TA_SCOPED_CAPABILITY __THREAD_ANNOTATION(__scoped_lockable__)
#define __TA_NO_THREAD_SAFETY_ANALYSIS __THREAD_ANNOTATION(__no_thread_safety_analysis__)

#endif /* __ASSEMBLER__ */

#ifndef __DEPRECATE
#define __DEPRECATE __attribute__((__deprecated__))
#endif

/* How many elements an array has. */
#ifndef countof
#define countof(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* Around declarations that C and C++ share. */
#ifdef __cplusplus
#define __BEGIN_CDECLS extern "C" {
#define __END_CDECLS }
#else
#define __BEGIN_CDECLS
#define __END_CDECLS
#endif

/* Before inline functions that C and C++ share. */
#ifdef __cplusplus
#define __CONSTEXPR constexpr
#else
#define __CONSTEXPR
#endif

/* Arithmetic that says whether it overflowed; the wrapped result is stored in either case. */
#ifndef add_overflow
#define add_overflow(a, b, result) __builtin_add_overflow(a, b, result)
#endif
#ifndef sub_overflow
#define sub_overflow(a, b, result) __builtin_sub_overflow(a, b, result)
#endif
#ifndef mul_overflow
#define mul_overflow(a, b, result) __builtin_mul_overflow(a, b, result)
#endif

#endif /* ZIRCON_COMPILER_H_ */
