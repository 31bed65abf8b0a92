/**
 * @file
 * Ports: the packets that arrive at one.
 *
 * For zx_object_wait_async() and the zx_port_*() calls of zircon/syscalls.h. Here only ZX_PKT_TYPE_USER,
 * ZX_PKT_TYPE_SIGNAL_ONE and ZX_PKT_TYPE_SIGNAL_REP arrive; the other kinds are those of Zircon.
 */

#ifndef ZIRCON_SYSCALLS_PORT_H_
#define ZIRCON_SYSCALLS_PORT_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** For zx_object_wait_async(): one packet, when a signal is asserted. It ends the wait. */
#define ZX_WAIT_ASYNC_ONCE ((uint32_t)0u)
/** For zx_object_wait_async(): a packet for each change, until the wait is cancelled. */
#define ZX_WAIT_ASYNC_REPEATING ((uint32_t)1u)

/** For zx_port_create(): interrupts may be bound to the port. There are none here, so it changes nothing. */
#define ZX_PORT_BIND_TO_INTERRUPT ((uint32_t)(0x1u << 0))

/* The type of a packet, which says which member of the union it has. */
#define ZX_PKT_TYPE_USER ((uint8_t)0x00u)
#define ZX_PKT_TYPE_SIGNAL_ONE ((uint8_t)0x01u)
#define ZX_PKT_TYPE_SIGNAL_REP ((uint8_t)0x02u)
#define ZX_PKT_TYPE_GUEST_BELL ((uint8_t)0x03u)
#define ZX_PKT_TYPE_GUEST_MEM ((uint8_t)0x04u)
#define ZX_PKT_TYPE_GUEST_IO ((uint8_t)0x05u)
#define ZX_PKT_TYPE_GUEST_VCPU ((uint8_t)0x06u)
#define ZX_PKT_TYPE_INTERRUPT ((uint8_t)0x07u)
/** An exception; its number is in the second byte. */
#define ZX_PKT_TYPE_EXCEPTION(n) ((uint32_t)(0x08u | (((n) & 0xFFu) << 8)))

/** The part of a packet's type that is not an exception's number. */
#define ZX_PKT_TYPE_MASK ((uint32_t)0x000000FFu)

#define ZX_PKT_IS_USER(type) ((type) == ZX_PKT_TYPE_USER)
#define ZX_PKT_IS_SIGNAL_ONE(type) ((type) == ZX_PKT_TYPE_SIGNAL_ONE)
#define ZX_PKT_IS_SIGNAL_REP(type) ((type) == ZX_PKT_TYPE_SIGNAL_REP)
#define ZX_PKT_IS_GUEST_BELL(type) ((type) == ZX_PKT_TYPE_GUEST_BELL)
#define ZX_PKT_IS_GUEST_MEM(type) ((type) == ZX_PKT_TYPE_GUEST_MEM)
#define ZX_PKT_IS_GUEST_IO(type) ((type) == ZX_PKT_TYPE_GUEST_IO)
#define ZX_PKT_IS_GUEST_VCPU(type) ((type) == ZX_PKT_TYPE_GUEST_VCPU)
#define ZX_PKT_IS_INTERRUPT(type) ((type) == ZX_PKT_TYPE_INTERRUPT)
#define ZX_PKT_IS_EXCEPTION(type) (((type) & ZX_PKT_TYPE_MASK) == ZX_PKT_TYPE_EXCEPTION(0))

/* Events of a virtual processor. */
#define ZX_PKT_GUEST_VCPU_INTERRUPT ((uint8_t)0)
#define ZX_PKT_GUEST_VCPU_STARTUP ((uint8_t)1)

/** A packet of the program's own: 32 bytes, as it likes to see them. */
typedef union zx_packet_user {
    uint64_t u64[4];
    uint32_t u32[8];
    uint16_t u16[16];
    uint8_t c8[32];
} zx_packet_user_t;

/** An object asserted a signal of a wait (zx_object_wait_async()). */
typedef struct zx_packet_signal {
    /** Which signals were asked for. */
    zx_signals_t trigger;
    /** Which the object had. */
    zx_signals_t observed;
    /** How many operations were pending: the messages of a channel that was readable when the wait began, otherwise 1. */
    uint64_t count;
    uint64_t reserved0;
    uint64_t reserved1;
} zx_packet_signal_t;

/** A thread has an exception. */
typedef struct zx_packet_exception {
    /** The process's koid. */
    uint64_t pid;
    /** The thread's koid. */
    uint64_t tid;
    uint64_t reserved0;
    uint64_t reserved1;
} zx_packet_exception_t;

/** A virtual machine wrote to where a bell is. */
typedef struct zx_packet_guest_bell {
    zx_gpaddr_t addr;
    uint64_t reserved0;
    uint64_t reserved1;
    uint64_t reserved2;
} zx_packet_guest_bell_t;

/** A virtual machine read or wrote memory that is not there. */
typedef struct zx_packet_guest_mem {
    zx_gpaddr_t addr;
#if defined(__aarch64__)
    uint8_t access_size;
    bool sign_extend;
    uint8_t xt;
    bool read;
    uint64_t data;
    uint64_t reserved;
#elif defined(__x86_64__)
/** The most bytes of an x86 instruction. */
#define X86_MAX_INST_LEN 15u
    uint8_t inst_len;
    uint8_t inst_buf[X86_MAX_INST_LEN];
    uint8_t default_operand_size;
    uint8_t reserved[7];
#endif
} zx_packet_guest_mem_t;

/** A virtual machine used an I/O port. */
typedef struct zx_packet_guest_io {
    uint16_t port;
    uint8_t access_size;
    bool input;
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint8_t data[4];
    };
    uint64_t reserved0;
    uint64_t reserved1;
    uint64_t reserved2;
} zx_packet_guest_io_t;

/** A virtual processor interrupts others. */
typedef struct zx_packet_guest_vcpu_interrupt {
    uint64_t mask;
    uint8_t vector;
} zx_packet_guest_vcpu_interrupt_t;

/** A virtual processor starts another. */
typedef struct zx_packet_guest_vcpu_startup {
    uint64_t id;
    zx_gpaddr_t entry;
} zx_packet_guest_vcpu_startup_t;

/** Something happened to a virtual processor. */
typedef struct zx_packet_guest_vcpu {
    union {
        zx_packet_guest_vcpu_interrupt_t interrupt;
        zx_packet_guest_vcpu_startup_t startup;
    };
    /** A ZX_PKT_GUEST_VCPU_*. */
    uint8_t type;
    uint64_t reserved;
} zx_packet_guest_vcpu_t;

/** An interrupt came. */
typedef struct zx_packet_interrupt {
    zx_time_t timestamp;
    uint64_t reserved0;
    uint64_t reserved1;
    uint64_t reserved2;
} zx_packet_interrupt_t;

/** A packet in a port. */
typedef struct zx_port_packet {
    /** The key, chosen by the program that sent or requested the packet. */
    uint64_t key;
    /** A ZX_PKT_TYPE_*. */
    uint32_t type;
    zx_status_t status;
    union {
        zx_packet_user_t user;
        zx_packet_signal_t signal;
        zx_packet_exception_t exception;
        zx_packet_guest_bell_t guest_bell;
        zx_packet_guest_mem_t guest_mem;
        zx_packet_guest_io_t guest_io;
        zx_packet_guest_vcpu_t guest_vcpu;
        zx_packet_interrupt_t interrupt;
    };
} zx_port_packet_t;

__END_CDECLS

#endif /* ZIRCON_SYSCALLS_PORT_H_ */
