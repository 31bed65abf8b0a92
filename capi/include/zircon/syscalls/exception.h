/**
 * @file
 * Exceptions: faults that stop a thread, and the reports of them.
 *
 * For zx_task_bind_exception_port() and its relatives, which jacinth does not have yet.
 */

#ifndef ZIRCON_SYSCALLS_EXCEPTION_H_
#define ZIRCON_SYSCALLS_EXCEPTION_H_

#include <zircon/compiler.h>
#include <zircon/syscalls/port.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** The kind of an exception: the type of its packet. */
typedef uint32_t zx_excp_type_t;

/** The bit in an exception's number that says that the system raised it, not the processor. */
#define ZX_EXCP_SYNTH ((uint8_t)0x80)

/* Raised by the processor. */
#define ZX_EXCP_GENERAL ZX_PKT_TYPE_EXCEPTION(0)
#define ZX_EXCP_FATAL_PAGE_FAULT ZX_PKT_TYPE_EXCEPTION(1)
#define ZX_EXCP_UNDEFINED_INSTRUCTION ZX_PKT_TYPE_EXCEPTION(2)
#define ZX_EXCP_SW_BREAKPOINT ZX_PKT_TYPE_EXCEPTION(3)
#define ZX_EXCP_HW_BREAKPOINT ZX_PKT_TYPE_EXCEPTION(4)
#define ZX_EXCP_UNALIGNED_ACCESS ZX_PKT_TYPE_EXCEPTION(5)

/** A thread starts; for debuggers. */
#define ZX_EXCP_THREAD_STARTING ZX_PKT_TYPE_EXCEPTION(ZX_EXCP_SYNTH | 0)
/** A thread ends, and can still be inspected; for debuggers. */
#define ZX_EXCP_THREAD_EXITING ZX_PKT_TYPE_EXCEPTION(ZX_EXCP_SYNTH | 1)
/** A call was refused by policy, which asks for an exception. */
#define ZX_EXCP_POLICY_ERROR ZX_PKT_TYPE_EXCEPTION(ZX_EXCP_SYNTH | 2)
/** A process starts; for debuggers of its job. */
#define ZX_EXCP_PROCESS_STARTING ZX_PKT_TYPE_EXCEPTION(ZX_EXCP_SYNTH | 3)

/** Whether the processor raised it. */
#define ZX_EXCP_IS_ARCH(excp) \
    (((excp) & (ZX_PKT_TYPE_EXCEPTION(ZX_EXCP_SYNTH) & ~ZX_PKT_TYPE_MASK)) == 0)

/** An exception of an x86-64 processor. */
typedef struct zx_x86_64_exc_data {
    uint64_t vector;
    uint64_t err_code;
    uint64_t cr2;
} zx_x86_64_exc_data_t;

/** An exception of an arm64 processor. */
typedef struct zx_arm64_exc_data {
    uint32_t esr;
    uint64_t far;
} zx_arm64_exc_data_t;

/** The processor's data of an exception, beside the registers. */
typedef struct zx_exception_context {
    struct {
        union {
            zx_x86_64_exc_data_t x86_64;
            zx_arm64_exc_data_t arm_64;
        } u;
    } arch;
} zx_exception_context_t;

/** The start of every report of an exception. */
typedef struct zx_exception_header {
    /** The bytes of the report, these included. */
    uint32_t size;
    /** A ZX_EXCP_*. */
    zx_excp_type_t type;
} zx_exception_header_t;

/** The report of an exception. */
typedef struct zx_exception_report {
    zx_exception_header_t header;
    zx_exception_context_t context;
} zx_exception_report_t;

/** For zx_task_resume_from_exception(): the next handler is to look at it; when there is none the process ends. */
#define ZX_RESUME_TRY_NEXT ((uint32_t)2)

/** For zx_task_bind_exception_port(): as the process's debugger. */
#define ZX_EXCEPTION_PORT_DEBUGGER ((uint32_t)1)

/* The exception port that must answer for a thread in an exception: zx_info_thread_t. */
#define ZX_EXCEPTION_PORT_TYPE_NONE ((uint32_t)0u)
#define ZX_EXCEPTION_PORT_TYPE_DEBUGGER ((uint32_t)1u)
#define ZX_EXCEPTION_PORT_TYPE_THREAD ((uint32_t)2u)
#define ZX_EXCEPTION_PORT_TYPE_PROCESS ((uint32_t)3u)
#define ZX_EXCEPTION_PORT_TYPE_JOB ((uint32_t)4u)
#define ZX_EXCEPTION_PORT_TYPE_JOB_DEBUGGER ((uint32_t)5u)

__END_CDECLS

#endif /* ZIRCON_SYSCALLS_EXCEPTION_H_ */
