/**
 * @file
 * Zircon's basic types and constants: handles, times, signals, koids, options and limits of the calls.
 *
 * Names and numbers are Zircon's of late 2018, for every object: those that jacinth does not have yet too, so
 * that this header stays as it is when they come. A call that zircon/syscalls.h does not declare does not exist
 * yet.
 */

#ifndef ZIRCON_TYPES_H_
#define ZIRCON_TYPES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zircon/compiler.h>
#include <zircon/errors.h>
#include <zircon/limits.h>
#include <zircon/rights.h>

#ifndef __cplusplus
#include <stdatomic.h>
#endif

__BEGIN_CDECLS

/*
 * Handles and statuses.
 */

/** A handle: a number by which this process, and no other, names an object. */
typedef uint32_t zx_handle_t;

/** No handle. */
#define ZX_HANDLE_INVALID ((zx_handle_t)0)

/** The status of a call: one of zircon/errors.h. */
typedef int32_t zx_status_t;

/*
 * Time.
 */

/** An instant, in nanoseconds of a clock; as a deadline, of the monotonic one. */
typedef int64_t zx_time_t;

/** A length of time in nanoseconds. May be negative. */
typedef int64_t zx_duration_t;

/** A length of time in ticks of zx_ticks_get(). */
typedef uint64_t zx_ticks_t;

/** Later than every other instant, and longer than every other duration. As a deadline: wait for ever. */
#define ZX_TIME_INFINITE INT64_MAX

/** Earlier than every other instant. As a deadline: do not wait. */
#define ZX_TIME_INFINITE_PAST INT64_MIN

/* Durations by their units. */
#define ZX_NSEC(n) ((zx_duration_t)(1LL * (n)))
#define ZX_USEC(n) ((zx_duration_t)(1000LL * (n)))
#define ZX_MSEC(n) ((zx_duration_t)(1000000LL * (n)))
#define ZX_SEC(n) ((zx_duration_t)(1000000000LL * (n)))
#define ZX_MIN(n) (ZX_SEC(n) * 60LL)
#define ZX_HOUR(n) (ZX_MIN(n) * 60LL)

/** Which clock. */
typedef uint32_t zx_clock_t;

/** Nanoseconds since the machine started. It never decreases. */
#define ZX_CLOCK_MONOTONIC ((zx_clock_t)0)

/** Nanoseconds since 1970 began, in UTC. */
#define ZX_CLOCK_UTC ((zx_clock_t)1)

/** Nanoseconds for which the calling thread has run. */
#define ZX_CLOCK_THREAD ((zx_clock_t)2)

/*
 * Signals: the bits of an object's state that one can wait for. The lower 24 mean something else for each type
 * of object; programs agree on the meaning of the upper eight.
 */

/** A set of signals. */
typedef uint32_t zx_signals_t;

/** No signal. */
#define ZX_SIGNAL_NONE ((zx_signals_t)0u)

/** The eight user signals. */
#define ZX_USER_SIGNAL_ALL ((zx_signals_t)0xff000000u)

/* By number. These are for this header; programs use the names by object. */
#define __ZX_OBJECT_SIGNAL_ALL ((zx_signals_t)0x00ffffffu)
#define __ZX_OBJECT_READABLE ((zx_signals_t)1u << 0)
#define __ZX_OBJECT_WRITABLE ((zx_signals_t)1u << 1)
#define __ZX_OBJECT_PEER_CLOSED ((zx_signals_t)1u << 2)
#define __ZX_OBJECT_SIGNALED ((zx_signals_t)1u << 3)
#define __ZX_OBJECT_SIGNAL_4 ((zx_signals_t)1u << 4)
#define __ZX_OBJECT_SIGNAL_5 ((zx_signals_t)1u << 5)
#define __ZX_OBJECT_SIGNAL_6 ((zx_signals_t)1u << 6)
#define __ZX_OBJECT_SIGNAL_7 ((zx_signals_t)1u << 7)
#define __ZX_OBJECT_SIGNAL_8 ((zx_signals_t)1u << 8)
#define __ZX_OBJECT_SIGNAL_9 ((zx_signals_t)1u << 9)
#define __ZX_OBJECT_SIGNAL_10 ((zx_signals_t)1u << 10)
#define __ZX_OBJECT_SIGNAL_11 ((zx_signals_t)1u << 11)
#define __ZX_OBJECT_SIGNAL_12 ((zx_signals_t)1u << 12)
#define __ZX_OBJECT_SIGNAL_13 ((zx_signals_t)1u << 13)
#define __ZX_OBJECT_SIGNAL_14 ((zx_signals_t)1u << 14)
#define __ZX_OBJECT_SIGNAL_15 ((zx_signals_t)1u << 15)
#define __ZX_OBJECT_SIGNAL_16 ((zx_signals_t)1u << 16)
#define __ZX_OBJECT_SIGNAL_17 ((zx_signals_t)1u << 17)
#define __ZX_OBJECT_SIGNAL_18 ((zx_signals_t)1u << 18)
#define __ZX_OBJECT_SIGNAL_19 ((zx_signals_t)1u << 19)
#define __ZX_OBJECT_SIGNAL_20 ((zx_signals_t)1u << 20)
#define __ZX_OBJECT_SIGNAL_21 ((zx_signals_t)1u << 21)
#define __ZX_OBJECT_SIGNAL_22 ((zx_signals_t)1u << 22)
#define __ZX_OBJECT_HANDLE_CLOSED ((zx_signals_t)1u << 23)

/* User signals: zx_object_signal() and zx_object_signal_peer() may change them on every object. */
#define ZX_USER_SIGNAL_0 ((zx_signals_t)1u << 24)
#define ZX_USER_SIGNAL_1 ((zx_signals_t)1u << 25)
#define ZX_USER_SIGNAL_2 ((zx_signals_t)1u << 26)
#define ZX_USER_SIGNAL_3 ((zx_signals_t)1u << 27)
#define ZX_USER_SIGNAL_4 ((zx_signals_t)1u << 28)
#define ZX_USER_SIGNAL_5 ((zx_signals_t)1u << 29)
#define ZX_USER_SIGNAL_6 ((zx_signals_t)1u << 30)
#define ZX_USER_SIGNAL_7 ((zx_signals_t)1u << 31)

/** The wait ended because the handle was closed. */
#define ZX_SIGNAL_HANDLE_CLOSED __ZX_OBJECT_HANDLE_CLOSED

/** Events: it has been signalled. */
#define ZX_EVENT_SIGNALED __ZX_OBJECT_SIGNALED
/** Events: the signals that zx_object_signal() may change. */
#define ZX_EVENT_SIGNAL_MASK (ZX_USER_SIGNAL_ALL | __ZX_OBJECT_SIGNALED)

/** Eventpairs: this end has been signalled. */
#define ZX_EVENTPAIR_SIGNALED __ZX_OBJECT_SIGNALED
/** Eventpairs: the other end is closed. */
#define ZX_EVENTPAIR_PEER_CLOSED __ZX_OBJECT_PEER_CLOSED
/** Eventpairs: every signal that they can show. */
#define ZX_EVENTPAIR_SIGNAL_MASK (ZX_USER_SIGNAL_ALL | __ZX_OBJECT_SIGNALED | __ZX_OBJECT_PEER_CLOSED)

/** Channels: a message is waiting. */
#define ZX_CHANNEL_READABLE __ZX_OBJECT_READABLE
/** Channels: the other end is open and has room for a message. */
#define ZX_CHANNEL_WRITABLE __ZX_OBJECT_WRITABLE
/** Channels: the other end is closed. Messages that came before may still be read. */
#define ZX_CHANNEL_PEER_CLOSED __ZX_OBJECT_PEER_CLOSED

/** Sockets: data is waiting. */
#define ZX_SOCKET_READABLE __ZX_OBJECT_READABLE
/** Sockets: there is room for data. */
#define ZX_SOCKET_WRITABLE __ZX_OBJECT_WRITABLE
/** Sockets: the other end is closed. Data that came before may still be read. */
#define ZX_SOCKET_PEER_CLOSED __ZX_OBJECT_PEER_CLOSED
/** Sockets: the other end will write no more. */
#define ZX_SOCKET_PEER_WRITE_DISABLED __ZX_OBJECT_SIGNAL_4
/** Sockets: this end may write no more. */
#define ZX_SOCKET_WRITE_DISABLED __ZX_OBJECT_SIGNAL_5
/** Sockets: the control plane has a message waiting. */
#define ZX_SOCKET_CONTROL_READABLE __ZX_OBJECT_SIGNAL_6
/** Sockets: the control plane has room for a message. */
#define ZX_SOCKET_CONTROL_WRITABLE __ZX_OBJECT_SIGNAL_7
/** Sockets: a shared socket is waiting to be accepted. */
#define ZX_SOCKET_ACCEPT __ZX_OBJECT_SIGNAL_8
/** Sockets: a socket may be shared. */
#define ZX_SOCKET_SHARE __ZX_OBJECT_SIGNAL_9
/** Sockets: as much data is waiting as the read threshold asks for. */
#define ZX_SOCKET_READ_THRESHOLD __ZX_OBJECT_SIGNAL_10
/** Sockets: as much room is free as the write threshold asks for. */
#define ZX_SOCKET_WRITE_THRESHOLD __ZX_OBJECT_SIGNAL_11
/** The old name of ZX_SOCKET_PEER_WRITE_DISABLED. */
#define ZX_SOCKET_READ_DISABLED ZX_SOCKET_PEER_WRITE_DISABLED

/** Fifos: an element is waiting. */
#define ZX_FIFO_READABLE __ZX_OBJECT_READABLE
/** Fifos: the other end is open and has room for an element. */
#define ZX_FIFO_WRITABLE __ZX_OBJECT_WRITABLE
/** Fifos: the other end is closed. Elements that came before may still be read. */
#define ZX_FIFO_PEER_CLOSED __ZX_OBJECT_PEER_CLOSED

/** Jobs, processes and threads: it is over. */
#define ZX_TASK_TERMINATED __ZX_OBJECT_SIGNALED

/** Jobs: there are no processes in it. */
#define ZX_JOB_NO_PROCESSES __ZX_OBJECT_SIGNALED
/** Jobs: there are no jobs in it. */
#define ZX_JOB_NO_JOBS __ZX_OBJECT_SIGNAL_4

/** Processes: it is over. */
#define ZX_PROCESS_TERMINATED __ZX_OBJECT_SIGNALED

/** Threads: it is over. */
#define ZX_THREAD_TERMINATED __ZX_OBJECT_SIGNALED
/** Threads: it has been started and is not suspended. */
#define ZX_THREAD_RUNNING __ZX_OBJECT_SIGNAL_4
/** Threads: it is suspended. */
#define ZX_THREAD_SUSPENDED __ZX_OBJECT_SIGNAL_5

/** Logs: a record is waiting. */
#define ZX_LOG_READABLE __ZX_OBJECT_READABLE
/** Logs: there is room for a record. */
#define ZX_LOG_WRITABLE __ZX_OBJECT_WRITABLE

/** Timers: the deadline has passed. */
#define ZX_TIMER_SIGNALED __ZX_OBJECT_SIGNALED

/** VMOs: there are no clones of it. */
#define ZX_VMO_ZERO_CHILDREN __ZX_OBJECT_SIGNALED

/*
 * Koids.
 */

/** The name of an object: one for its whole life, and never another object's. */
typedef uint64_t zx_koid_t;

/** No object. */
#define ZX_KOID_INVALID ((uint64_t)0)

/** The kernel itself. */
#define ZX_KOID_KERNEL ((uint64_t)1)

/*
 * The arguments and results of calls.
 */

/** The id that a zx_channel_call() and its reply share: the first four bytes of each message. */
typedef uint32_t zx_txid_t;

/** The request of a zx_channel_call(), and the buffers for its reply. */
typedef struct zx_channel_call_args {
    /** The message; its first four bytes are overwritten, in the copy sent, with the transaction's number. */
    const void* wr_bytes;
    /** The handles to send with it. */
    const zx_handle_t* wr_handles;
    /** Where the reply's bytes go. */
    void* rd_bytes;
    /** Where the reply's handles go. */
    zx_handle_t* rd_handles;
    /** How many bytes the message has: four at least. */
    uint32_t wr_num_bytes;
    /** How many handles it has. */
    uint32_t wr_num_handles;
    /** How many bytes there is room for. */
    uint32_t rd_num_bytes;
    /** How many handles there is room for. */
    uint32_t rd_num_handles;
} zx_channel_call_args_t;

/** The most items of one zx_object_wait_many(). */
#define ZX_WAIT_MANY_MAX_ITEMS ((size_t)16)

/** One of the things that zx_object_wait_many() waits for. */
typedef struct zx_wait_item {
    /** The type of its object. */
    zx_handle_t handle;
    /** For which signals: any of these ends the wait. */
    zx_signals_t waitfor;
    /** Filled in: which signals the object has. */
    zx_signals_t pending;
} zx_wait_item_t;

/** A length or a place in an object. */
typedef uint64_t zx_off_t;

/** The most bytes of a name, its closing NUL included. */
#define ZX_MAX_NAME_LEN ((size_t)32u)

/** Once the most bytes of one zx_cprng_draw(), which now gives as many as are asked for. */
#define ZX_CPRNG_DRAW_MAX_LEN ((size_t)256u)
/** The most bytes of entropy that may be added at once. */
#define ZX_CPRNG_ADD_ENTROPY_MAX_LEN ((size_t)256u)

/*
 * Channels.
 */

/** For zx_channel_read(): a message that does not fit is thrown away. */
#define ZX_CHANNEL_READ_MAY_DISCARD ((uint32_t)1u)

/** The most bytes of a message. */
#define ZX_CHANNEL_MAX_MSG_BYTES ((uint32_t)65536u)
/** The most handles of a message. */
#define ZX_CHANNEL_MAX_MSG_HANDLES ((uint32_t)64u)

/*
 * Sockets.
 */

/* For zx_socket_shutdown(): to end one direction. */
#define ZX_SOCKET_SHUTDOWN_WRITE ((uint32_t)1u << 0)
#define ZX_SOCKET_SHUTDOWN_READ ((uint32_t)1u << 1)
#define ZX_SOCKET_SHUTDOWN_MASK (ZX_SOCKET_SHUTDOWN_WRITE | ZX_SOCKET_SHUTDOWN_READ)

/* For zx_socket_create(). */
#define ZX_SOCKET_STREAM ((uint32_t)0u)
#define ZX_SOCKET_DATAGRAM ((uint32_t)1u << 0)
#define ZX_SOCKET_HAS_CONTROL ((uint32_t)1u << 1)
#define ZX_SOCKET_HAS_ACCEPT ((uint32_t)1u << 2)
#define ZX_SOCKET_CREATE_MASK (ZX_SOCKET_DATAGRAM | ZX_SOCKET_HAS_CONTROL | ZX_SOCKET_HAS_ACCEPT)

/* For zx_socket_read() and zx_socket_write(): the control plane. */
#define ZX_SOCKET_CONTROL ((uint32_t)1u << 2)
/* For zx_socket_read(): to leave what is read in the socket. Zircon has it since early 2019. */
#define ZX_SOCKET_PEEK ((uint32_t)1u << 3)

/*
 * Timers.
 */

/* Which way a timer may be off by its slack. */
#define ZX_TIMER_SLACK_CENTER ((uint32_t)0u)
#define ZX_TIMER_SLACK_EARLY ((uint32_t)1u)
#define ZX_TIMER_SLACK_LATE ((uint32_t)2u)

/*
 * Memory.
 */

/** An address in a process. */
typedef uintptr_t zx_vaddr_t;
/** A physical address. */
typedef uintptr_t zx_paddr_t;
/** A physical address below 4 GiB. */
typedef uint32_t zx_paddr32_t;
/** A physical address of a virtual machine. */
typedef uintptr_t zx_gpaddr_t;

/* For zx_vmo_create(). */
#define ZX_VMO_NON_RESIZABLE ((uint32_t)1u)

/* The operations of zx_vmo_op_range(). Number 5 is no longer used. */
#define ZX_VMO_OP_COMMIT ((uint32_t)1u)
#define ZX_VMO_OP_DECOMMIT ((uint32_t)2u)
#define ZX_VMO_OP_LOCK ((uint32_t)3u)
#define ZX_VMO_OP_UNLOCK ((uint32_t)4u)
#define ZX_VMO_OP_CACHE_SYNC ((uint32_t)6u)
#define ZX_VMO_OP_CACHE_INVALIDATE ((uint32_t)7u)
#define ZX_VMO_OP_CACHE_CLEAN ((uint32_t)8u)
#define ZX_VMO_OP_CACHE_CLEAN_INVALIDATE ((uint32_t)9u)

/* For zx_vmo_clone(). */
#define ZX_VMO_CLONE_COPY_ON_WRITE ((uint32_t)1u << 0)
#define ZX_VMO_CLONE_NON_RESIZEABLE ((uint32_t)1u << 1)

/** How memory is mapped: for the zx_vmar_*() calls. */
typedef uint32_t zx_vm_option_t;
#define ZX_VM_PERM_READ ((zx_vm_option_t)(1u << 0))
#define ZX_VM_PERM_WRITE ((zx_vm_option_t)(1u << 1))
#define ZX_VM_PERM_EXECUTE ((zx_vm_option_t)(1u << 2))
#define ZX_VM_COMPACT ((zx_vm_option_t)(1u << 3))
#define ZX_VM_SPECIFIC ((zx_vm_option_t)(1u << 4))
#define ZX_VM_SPECIFIC_OVERWRITE ((zx_vm_option_t)(1u << 5))
#define ZX_VM_CAN_MAP_SPECIFIC ((zx_vm_option_t)(1u << 6))
#define ZX_VM_CAN_MAP_READ ((zx_vm_option_t)(1u << 7))
#define ZX_VM_CAN_MAP_WRITE ((zx_vm_option_t)(1u << 8))
#define ZX_VM_CAN_MAP_EXECUTE ((zx_vm_option_t)(1u << 9))
#define ZX_VM_MAP_RANGE ((zx_vm_option_t)(1u << 10))
#define ZX_VM_REQUIRE_NON_RESIZABLE ((zx_vm_option_t)(1u << 11))

/* The older names of the same bits. */
#define ZX_VM_FLAG_PERM_READ ((uint32_t)1u << 0)
#define ZX_VM_FLAG_PERM_WRITE ((uint32_t)1u << 1)
#define ZX_VM_FLAG_PERM_EXECUTE ((uint32_t)1u << 2)
#define ZX_VM_FLAG_COMPACT ((uint32_t)1u << 3)
#define ZX_VM_FLAG_SPECIFIC ((uint32_t)1u << 4)
#define ZX_VM_FLAG_SPECIFIC_OVERWRITE ((uint32_t)1u << 5)
#define ZX_VM_FLAG_CAN_MAP_SPECIFIC ((uint32_t)1u << 6)
#define ZX_VM_FLAG_CAN_MAP_READ ((uint32_t)1u << 7)
#define ZX_VM_FLAG_CAN_MAP_WRITE ((uint32_t)1u << 8)
#define ZX_VM_FLAG_CAN_MAP_EXECUTE ((uint32_t)1u << 9)
#define ZX_VM_FLAG_MAP_RANGE ((uint32_t)1u << 10)
#define ZX_VM_FLAG_REQUIRE_NON_RESIZABLE ((uint32_t)1u << 11)

/* How the processor's caches treat mapped memory. */
#define ZX_CACHE_POLICY_CACHED ((uint32_t)0u)
#define ZX_CACHE_POLICY_UNCACHED ((uint32_t)1u)
#define ZX_CACHE_POLICY_UNCACHED_DEVICE ((uint32_t)2u)
#define ZX_CACHE_POLICY_WRITE_COMBINING ((uint32_t)3u)
#define ZX_CACHE_POLICY_MASK ((uint32_t)3u)

/* For zx_cache_flush(). */
#define ZX_CACHE_FLUSH_INSN ((uint32_t)1u << 0)
#define ZX_CACHE_FLUSH_DATA ((uint32_t)1u << 1)
#define ZX_CACHE_FLUSH_INVALIDATE ((uint32_t)1u << 2)

/*
 * Devices.
 */

/* For zx_interrupt_create(). */
#define ZX_INTERRUPT_REMAP_IRQ ((uint32_t)0x1u)
#define ZX_INTERRUPT_MODE_DEFAULT ((uint32_t)0u << 1)
#define ZX_INTERRUPT_MODE_EDGE_LOW ((uint32_t)1u << 1)
#define ZX_INTERRUPT_MODE_EDGE_HIGH ((uint32_t)2u << 1)
#define ZX_INTERRUPT_MODE_LEVEL_LOW ((uint32_t)3u << 1)
#define ZX_INTERRUPT_MODE_LEVEL_HIGH ((uint32_t)4u << 1)
#define ZX_INTERRUPT_MODE_EDGE_BOTH ((uint32_t)5u << 1)
#define ZX_INTERRUPT_MODE_MASK ((uint32_t)0xe)
#define ZX_INTERRUPT_VIRTUAL ((uint32_t)0x10)

/* Slots of an interrupt: 0 to 62, of which the first is a PCI device's own and the last is for the program. */
#define ZX_INTERRUPT_SLOT_USER ((uint32_t)62u)
#define ZX_INTERRUPT_MAX_SLOTS ((uint32_t)62u)
#define ZX_PCI_INTERRUPT_SLOT ((uint32_t)0u)

/* For zx_bti_pin(). */
#define ZX_BTI_PERM_READ ((uint32_t)1u << 0)
#define ZX_BTI_PERM_WRITE ((uint32_t)1u << 1)
#define ZX_BTI_PERM_EXECUTE ((uint32_t)1u << 2)
#define ZX_BTI_COMPRESS ((uint32_t)1u << 3)
#define ZX_BTI_CONTIGUOUS ((uint32_t)1u << 4)

/*
 * Types of objects.
 */

/** The type of an object. */
typedef uint32_t zx_obj_type_t;

#define ZX_OBJ_TYPE_NONE ((zx_obj_type_t)0u)
#define ZX_OBJ_TYPE_PROCESS ((zx_obj_type_t)1u)
#define ZX_OBJ_TYPE_THREAD ((zx_obj_type_t)2u)
#define ZX_OBJ_TYPE_VMO ((zx_obj_type_t)3u)
#define ZX_OBJ_TYPE_CHANNEL ((zx_obj_type_t)4u)
#define ZX_OBJ_TYPE_EVENT ((zx_obj_type_t)5u)
#define ZX_OBJ_TYPE_PORT ((zx_obj_type_t)6u)
#define ZX_OBJ_TYPE_INTERRUPT ((zx_obj_type_t)9u)
#define ZX_OBJ_TYPE_PCI_DEVICE ((zx_obj_type_t)11u)
#define ZX_OBJ_TYPE_LOG ((zx_obj_type_t)12u)
#define ZX_OBJ_TYPE_SOCKET ((zx_obj_type_t)14u)
#define ZX_OBJ_TYPE_RESOURCE ((zx_obj_type_t)15u)
#define ZX_OBJ_TYPE_EVENTPAIR ((zx_obj_type_t)16u)
#define ZX_OBJ_TYPE_JOB ((zx_obj_type_t)17u)
#define ZX_OBJ_TYPE_VMAR ((zx_obj_type_t)18u)
#define ZX_OBJ_TYPE_FIFO ((zx_obj_type_t)19u)
#define ZX_OBJ_TYPE_GUEST ((zx_obj_type_t)20u)
#define ZX_OBJ_TYPE_VCPU ((zx_obj_type_t)21u)
#define ZX_OBJ_TYPE_TIMER ((zx_obj_type_t)22u)
#define ZX_OBJ_TYPE_IOMMU ((zx_obj_type_t)23u)
#define ZX_OBJ_TYPE_BTI ((zx_obj_type_t)24u)
#define ZX_OBJ_TYPE_PROFILE ((zx_obj_type_t)25u)
#define ZX_OBJ_TYPE_PMT ((zx_obj_type_t)26u)
#define ZX_OBJ_TYPE_SUSPEND_TOKEN ((zx_obj_type_t)27u)
#define ZX_OBJ_TYPE_PAGER ((zx_obj_type_t)28u)
/** One more than the last type. */
#define ZX_OBJ_TYPE_LAST ((zx_obj_type_t)29u)

/** A handle that came in a message, with its type and rights: for zx_channel_read_etc(). */
typedef struct zx_handle_info {
    /** The handle. */
    zx_handle_t handle;
    /** The type of its object. */
    zx_obj_type_t type;
    /** Its rights. */
    zx_rights_t rights;
    /** Always 0. */
    uint32_t unused;
} zx_handle_info_t;

/*
 * Futexes.
 */

/**
 * A word on which zx_futex_wait() sleeps. In C it is an atomic_int, because all threads that share it must access it
 * atomically. C++ has no type that C could call by the same name, so there it is an int: use it through the
 * compiler's __atomic builtins, or through std::atomic_ref from C++20 on.
 */
#ifdef __cplusplus
typedef int zx_futex_t;
#else
typedef atomic_int zx_futex_t;
#endif

__END_CDECLS

#endif /* ZIRCON_TYPES_H_ */
