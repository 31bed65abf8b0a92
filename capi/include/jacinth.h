/**
 * @file
 * The calls that Zircon has not: arenas, the programs in them, and what recovery did.
 *
 * A program need not make any of them. At its first call it joins the arena that it was spawned into, or the one
 * whose supervisor's socket the environment variable JACINTH_ARENA names; if there is neither, it makes an arena of
 * its own, with a supervisor in it.
 */

#ifndef JACINTH_H_
#define JACINTH_H_

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** How much an arena has room for. Begin with jacinth_config_default(). */
typedef struct jacinth_config {
    /** Processes attached at once. 1 to 4,095; default 64. */
    uint32_t max_processes;
    /** Threads, of all processes together, that use the arena at once. 1 to 4,095; default 1,024. */
    uint32_t max_threads;
    /** Objects at once; the two ends of a pair are one. Up to 8,388,607; default 1,048,576. */
    uint32_t max_objects;
    /** How many of them one process may have made. Up to 8,388,607; default 917,504. */
    uint32_t max_objects_per_process;
    /** Handles that one process holds at once. Up to 1,048,575; default 262,143. */
    uint32_t max_handles_per_process;
    /** Messages pending in one direction of a channel. Up to 1,048,576; default 8,192. */
    uint32_t max_pending_messages;
    /** Messages pending that one process wrote, in all its channels. Up to 1,073,741,824; default 7,340,032. */
    uint32_t max_pending_messages_per_process;
    /** Messages that the first ring of a direction holds. A power of two from 2 to 8,192; default 8. */
    uint32_t first_segment_messages;
    /** Bytes reserved for blocks of each size class. Default 1 GiB. */
    uint64_t pool_bytes;
    /** How much of each size class one process may have taken. Up to 1 TiB; default 896 MiB. */
    uint64_t max_block_bytes_per_process;
    /** The largest loan, in bytes; rounded up to a power of two. Up to 16 MiB, which is the default. */
    uint64_t max_loan_bytes;
} jacinth_config_t;

/** What is in an arena. */
typedef struct jacinth_audit_t {
    uint32_t processes;
    uint32_t threads;
    uint32_t objects;
    uint32_t retired;
    uint32_t handles;
    uint32_t in_transit;
    uint64_t messages;
    uint32_t blocks;
    uint32_t findings;
} jacinth_audit_t;

/** What recovery did. */
typedef struct jacinth_report {
    uint32_t processes;
    uint32_t threads;
    uint32_t handles_closed;
    uint32_t operations_finished;
    uint32_t operations_undone;
    uint32_t blocks_freed;
    uint32_t objects_retired;
    uint32_t objects_reclaimed;
    uint32_t ends_collected;
    /** Always 0. */
    uint32_t unused;
} jacinth_report_t;

/** Fills in the defaults. */
void jacinth_config_default(jacinth_config_t* config);

/** Makes an arena and attaches this process to it. */
zx_status_t jacinth_create(const jacinth_config_t* config);

/** Attaches this process to the arena whose supervisor answers at @p socket_path. */
zx_status_t jacinth_attach(const char* socket_path);

/** Whether this process is attached to an arena. */
bool jacinth_is_attached(void);

/** Where the supervisor of this process's arena answers; NULL when it is attached to none. */
const char* jacinth_socket_path(void);

/** Starts a program in this process's arena and gives it a handle. */
zx_status_t jacinth_spawn(const char* program, char* const argv[], char* const envp[], zx_handle_t startup,
                          pid_t* pid);

/** Walks the arena and finds anything lost, leaked or doubled. */
zx_status_t jacinth_audit(jacinth_audit_t* audit);

/** Recovers whatever the dead have left, now. */
zx_status_t jacinth_collect(jacinth_report_t* report);

/** For how long this process's waits spin before they sleep. */
void jacinth_set_spin(zx_duration_t duration);

/** Why this thread's last call of this header failed; "" if it did not. */
const char* jacinth_error(void);

__END_CDECLS

#endif /* JACINTH_H_ */
