/**
 * @file
 * The registers of a thread.
 *
 * For zx_thread_read_state() and zx_thread_write_state(), which jacinth does not have.
 */

#ifndef ZIRCON_SYSCALLS_DEBUG_H_
#define ZIRCON_SYSCALLS_DEBUG_H_

#include <stdint.h>

#include <zircon/compiler.h>

__BEGIN_CDECLS

#if defined(__x86_64__)

/** ZX_THREAD_STATE_GENERAL_REGS. */
typedef struct zx_thread_state_general_regs {
    uint64_t rax;
    uint64_t rbx;
    uint64_t rcx;
    uint64_t rdx;
    uint64_t rsi;
    uint64_t rdi;
    uint64_t rbp;
    uint64_t rsp;
    uint64_t r8;
    uint64_t r9;
    uint64_t r10;
    uint64_t r11;
    uint64_t r12;
    uint64_t r13;
    uint64_t r14;
    uint64_t r15;
    uint64_t rip;
    uint64_t rflags;
} zx_thread_state_general_regs_t;

/** ZX_THREAD_STATE_FP_REGS: x87 and MMX. */
typedef struct zx_thread_state_fp_regs {
    /** Control word. */
    uint16_t fcw;
    /** Status word. */
    uint16_t fsw;
    /** Tag word. */
    uint8_t ftw;
    uint8_t reserved;
    /** Operation. */
    uint16_t fop;
    /** Instruction pointer. */
    uint64_t fip;
    /** Data pointer. */
    uint64_t fdp;
    /** Of x87 the lower 80 bits, of MMX the lower 64. */
    __ALIGNED(16)
    struct {
        uint64_t low;
        uint64_t high;
    } st[8];
} zx_thread_state_fp_regs_t;

/** ZX_THREAD_STATE_VECTOR_REGS: SSE and AVX. */
typedef struct zx_thread_state_vector_regs {
    /** Before AVX-512 only the first 16, and of each only the first half; of SSE only the first quarter. */
    struct {
        uint64_t v[8];
    } zmm[32];
    /** AVX-512's masks. */
    uint64_t opmask[8];
    uint32_t mxcsr;
} zx_thread_state_vector_regs_t;

/** ZX_THREAD_STATE_DEBUG_REGS. */
typedef struct zx_thread_state_debug_regs {
    uint64_t dr[4];
    /** Status. */
    uint64_t dr6;
    /** Control. */
    uint64_t dr7;
    /* The old names of the two. */
    uint64_t dr6_status;
    uint64_t dr7_control;
} zx_thread_state_debug_regs_t;

#elif defined(__aarch64__)

/** ZX_THREAD_STATE_GENERAL_REGS. */
typedef struct zx_thread_state_general_regs {
    uint64_t r[30];
    uint64_t lr;
    uint64_t sp;
    uint64_t pc;
    uint64_t cpsr;
} zx_thread_state_general_regs_t;

/** ZX_THREAD_STATE_FP_REGS: there are none but the vector registers. */
typedef struct zx_thread_state_fp_regs {
    uint32_t unused;
} zx_thread_state_fp_regs_t;

/** ZX_THREAD_STATE_VECTOR_REGS. */
typedef struct zx_thread_state_vector_regs {
    uint32_t fpcr;
    uint32_t fpsr;
    struct {
        uint64_t low;
        uint64_t high;
    } v[32];
} zx_thread_state_vector_regs_t;

/** The most breakpoints and watchpoints that a processor has. */
#define AARCH64_MAX_HW_BREAKPOINTS 16
#define AARCH64_MAX_HW_WATCHPOINTS 16

/** ZX_THREAD_STATE_DEBUG_REGS. The counts are the processor's: they are not written. */
typedef struct zx_thread_state_debug_regs {
    struct {
        /** Value. */
        uint64_t dbgbvr;
        /** Control. */
        uint32_t dbgbcr;
    } hw_bps[AARCH64_MAX_HW_BREAKPOINTS];
    uint8_t hw_bps_count;
    struct {
        /** Value. */
        uint64_t dbgwvr;
        /** Control. */
        uint32_t dbgwcr;
    } hw_wps[AARCH64_MAX_HW_WATCHPOINTS];
    uint8_t hw_wps_count;
} zx_thread_state_debug_regs_t;

#endif

/** ZX_THREAD_STATE_SINGLE_STEP: 1 while the thread is single-stepped, or 0. */
typedef uint32_t zx_thread_state_single_step_t;

/** ZX_THREAD_X86_REGISTER_FS. */
typedef uint64_t zx_thread_x86_register_fs_t;
/** ZX_THREAD_X86_REGISTER_GS. */
typedef uint64_t zx_thread_x86_register_gs_t;

/** Which registers. */
typedef uint32_t zx_thread_state_topic_t;
#define ZX_THREAD_STATE_GENERAL_REGS ((uint32_t)0)
#define ZX_THREAD_STATE_FP_REGS ((uint32_t)1)
#define ZX_THREAD_STATE_VECTOR_REGS ((uint32_t)2)
#define ZX_THREAD_STATE_DEBUG_REGS ((uint32_t)4)
#define ZX_THREAD_STATE_SINGLE_STEP ((uint32_t)5)
#define ZX_THREAD_X86_REGISTER_FS ((uint32_t)6)
#define ZX_THREAD_X86_REGISTER_GS ((uint32_t)7)

__END_CDECLS

#endif /* ZIRCON_SYSCALLS_DEBUG_H_ */
