/**
 * @file
 * Records of the kernel's log.
 *
 * For zx_debuglog_read() and zx_debuglog_write(), which jacinth does not have.
 */

#ifndef ZIRCON_SYSCALLS_LOG_H_
#define ZIRCON_SYSCALLS_LOG_H_

#include <zircon/types.h>

__BEGIN_CDECLS

/** A record. */
typedef struct zx_log_record {
    uint32_t reserved;
    /** How many bytes of data follow. */
    uint16_t datalen;
    /** ZX_LOG_*. */
    uint16_t flags;
    zx_time_t timestamp;
    /* The koids of the process and the thread that wrote it. */
    uint64_t pid;
    uint64_t tid;
    __extension__ char data[];
} zx_log_record_t;

/** The most bytes of a record, its data included. */
#define ZX_LOG_RECORD_MAX 256

/* How much it matters. */
#define ZX_LOG_ERROR (0x0001)
#define ZX_LOG_WARN (0x0002)
#define ZX_LOG_INFO (0x0004)
#define ZX_LOG_TRACE (0x0010)
#define ZX_LOG_SPEW (0x0020)
/* The program defines their meaning. */
#define ZX_LOG_DEBUG1 (0x0100)
#define ZX_LOG_DEBUG2 (0x0200)
#define ZX_LOG_DEBUG3 (0x0400)
#define ZX_LOG_DEBUG4 (0x0800)

/** It is not sent over the network. */
#define ZX_LOG_LOCAL (0x1000)

#define ZX_LOG_LEVEL_MASK (0x0FFF)
#define ZX_LOG_FLAGS_MASK (0xFFFF)

/** For zx_debuglog_create(): the log may be read. */
#define ZX_LOG_FLAG_READABLE 0x40000000

__END_CDECLS

#endif /* ZIRCON_SYSCALLS_LOG_H_ */
