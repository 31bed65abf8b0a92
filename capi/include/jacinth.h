/**
 * @file
 * The calls that Zircon has not: arenas, the programs in them, and what recovery did.
 *
 * An arena is the memory that cooperating processes share. A process is attached to one at most, once, for as
 * long as it lives. It need not make any call of this header: its first call that deals with handles attaches
 * it
 *
 * - to the arena it was spawned into, or
 * - to the one whose supervisor's socket the environment variable JACINTH_SOCKET names, or
 * - to one that it makes for itself, with the defaults, and with a supervisor in a thread of its own.
 *
 * The last is what a program that is an arena of one wants, and not what a worker wants that was meant to join others and
 * was started by hand. With JACINTH_NO_OWN_ARENA in the environment (neither empty nor 0), or after
 * jacinth_forbid_own_arena(), the first call fails instead.
 *
 * If that fails, it has failed for good: calls give ZX_ERR_BAD_STATE, until jacinth_create() or jacinth_attach()
 * gives the process an arena.
 *
 * When a call of this header fails, or the first call finds no arena, or zx_take_startup_handle() gives none,
 * jacinth_error() says why in words. Every call that gives a status may also
 * give ZX_ERR_BAD_STATE in a process that was forked from an attached one.
 */

#ifndef JACINTH_H_
#define JACINTH_H_

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** How much an arena has room for. Begin with jacinth_config_default(), and change what must be different. */
typedef struct jacinth_config {
    /** How many processes may be attached at once. 1 to 4,095; default 64. */
    uint32_t max_processes;
    /** How many threads, of all processes together, may use the arena at once. 1 to 4,063; default 1,024. */
    uint32_t max_threads;
    /** How many of them may be one process's. 1 to 4,063; default 896. A thread beyond it can close handles. */
    uint32_t max_threads_per_process;
    /** How many objects may exist at once; the two ends of a pair are one. Up to 8,388,607; default 1,048,576. */
    uint32_t max_objects;
    /** How many of them one process may have made, whoever holds them now. Up to 8,388,607; default 917,504. */
    uint32_t max_objects_per_process;
    /** How many handles one process may have at once. Up to 1,048,575; default 262,143. */
    uint32_t max_handles_per_process;
    /**
     * How many messages may wait in one direction of a channel before a write gives ZX_ERR_SHOULD_WAIT. Up to
     * 1,048,576; default 8,192.
     */
    uint32_t max_pending_messages;
    /**
     * How many messages of one process may wait, in all channels together, before a write gives
     * ZX_ERR_NO_RESOURCES; one direction of a channel may have eight times as many as are left. Up to 1,073,741,824; default
     * 7,340,032.
     */
    uint32_t max_pending_messages_per_process;
    /** How many messages the first ring of a direction holds. A power of two from 2 to 8,192; default 8. */
    uint32_t first_segment_messages;
    /**
     * How many bytes are reserved for blocks of each size class. Default 1 GiB; taken from the system when
     * used.
     */
    uint64_t pool_bytes;
    /** How much of each size class one process may have taken. Up to 1 TiB; default 896 MiB. */
    uint64_t max_block_bytes_per_process;
    /**
     * The largest zero-copy loan in bytes, rounded up to a power of two. Up to 16 MiB, which is the default.
     * Messages of 65,536 bytes with 64 handles need 128 KiB.
     */
    uint64_t max_loan_bytes;
    /**
     * Where the supervisor listens for processes that join. NULL, which is the default: in a new folder in
     * XDG_RUNTIME_DIR, if that is this user's alone, or else among the temporary files.
     *
     * Name a path, and a service that is started again is found where it was: the socket of a dead arena is replaced,
     * that of a living one is not. The folder is made if it is missing (the one above is not), and must be this user's or
     * root's, without others who can write to it, unless its sticky bit is set.
     */
    const char* socket_path;
} jacinth_config_t;

/** What is in an arena. */
typedef struct jacinth_audit_t {
    /** Processes attached. */
    uint32_t processes;
    /** Threads that have used it. */
    uint32_t threads;
    /** Objects; a pair counts once. */
    uint32_t objects;
    /** Objects that are over and whose memory is not free yet. */
    uint32_t retired;
    /** Handles that processes have. */
    uint32_t handles;
    /** Handles in messages. */
    uint32_t in_transit;
    /** Messages that wait to be read. */
    uint64_t messages;
    /** Blocks that belong to channels. */
    uint32_t blocks;
    /** What is wrong: 0 when all is well. */
    uint32_t findings;
} jacinth_audit_t;

/** What the supervisor has done for the dead since it took office. */
typedef struct jacinth_report {
    /** Processes that died and were recovered. */
    uint32_t processes;
    /** Their threads. */
    uint32_t threads;
    /** Handles closed for them. */
    uint32_t handles_closed;
    /** Calls that they died in, and that were finished. */
    uint32_t operations_finished;
    /** Calls that they died in, and that were undone. */
    uint32_t operations_undone;
    /** Blocks that were in their hands. */
    uint32_t blocks_freed;
    /** Objects that ended with them. */
    uint32_t objects_retired;
    /** Objects whose memory the supervisor has made free again. */
    uint32_t objects_reclaimed;
    /** Channel ends that were queued only inside each other, where no process could read them. */
    uint32_t cyclic_ends_collected;
    /** Always 0. */
    uint32_t unused;
    /** Bytes of free memory that were given back to the system. */
    uint64_t bytes_given_back;
} jacinth_report_t;

/** The program has attached and ended since, nobody has spawned it here, or another process has become the supervisor since. */
#define JACINTH_FATE_UNKNOWN 0u
/** The program has not attached yet. It does so with its first call that deals with handles. */
#define JACINTH_FATE_WAITING 1u
/** The program is attached. */
#define JACINTH_FATE_ATTACHED 2u
/**
 * The supervisor has refused the program: ZX_ERR_ACCESS_DENIED when it has become another user's process,
 * ZX_ERR_BAD_STATE when it runs in another PID namespace.
 */
#define JACINTH_FATE_REFUSED 3u
/** The program has ended, and had not attached. What was in its way, if anything was, could not be seen. */
#define JACINTH_FATE_ENDED 4u
/**
 * The program has not attached, and runs as another user than the arena's: it has dropped its privileges, say. As for the
 * two below: or it did so before it ended.
 */
#define JACINTH_FATE_OTHER_USER 5u
/** The program's environment was cleaned: JACINTH_SOCKET is not in it. */
#define JACINTH_FATE_CLEAN_ENVIRONMENT 6u
/** The program does not see the supervisor's socket at its path: in a private /tmp, a chroot, a container. */
#define JACINTH_FATE_NO_SOCKET 7u

/** How many bytes a fate's text has room for, with the NUL at its end. */
#define JACINTH_FATE_TEXT_BYTES 504

/** What has become of a program that was spawned. */
typedef struct jacinth_fate_t {
    /** One of JACINTH_FATE_*; later versions may have more of them. */
    uint32_t what;
    /** With JACINTH_FATE_REFUSED, the status that the program was refused with; else ZX_OK. */
    zx_status_t status;
    /** The same in words. */
    char text[JACINTH_FATE_TEXT_BYTES];
} jacinth_fate_t;

/** Fills in the defaults. Under valgrind pool_bytes is 16 MiB and max_objects 65,536, so that its tools start in seconds. */
void jacinth_config_default(jacinth_config_t* config);

/**
 * Makes an arena within these limits, with a supervisor in a thread of this process, and attaches this process
 * to it.
 *
 * @p config may be NULL, for the defaults. If this process dies, another one that is attached takes the
 * supervisor's place.
 *
 * - ZX_OK
 * - ZX_ERR_ALREADY_BOUND: this process is attached already.
 * - ZX_ERR_OUT_OF_RANGE: a limit is out of its range.
 * - ZX_ERR_INVALID_ARGS: @p config, or the path that it names, cannot be read.
 * - ZX_ERR_NO_RESOURCES: a limit of this process (ulimit -f, -v, -l) is below the arena's size; jacinth_error() names it.
 * - ZX_ERR_ALREADY_EXISTS: another arena lives at socket_path, or there is something that is no socket.
 * - ZX_ERR_BAD_PATH: the path is too long, which depends on whether there is a /proc: jacinth_error() names the limit.
 * - ZX_ERR_ACCESS_DENIED: this user cannot make a socket there, or not one that is safe from others.
 * - ZX_ERR_IO: the system refused memory, a socket, a descriptor or a thread, or there is no /proc.
 */
zx_status_t jacinth_create(const jacinth_config_t* config);

/**
 * Attaches this process to the arena whose supervisor answers at @p socket_path.
 *
 * - ZX_OK
 * - ZX_ERR_ALREADY_BOUND: this process is attached already.
 * - ZX_ERR_NOT_FOUND: nobody answers there, nor has within two seconds: a socket that was removed comes back, and a dead
 *   supervisor has a successor.
 * - ZX_ERR_INVALID_ARGS: @p socket_path is NULL.
 * - ZX_ERR_NO_RESOURCES, ZX_ERR_ACCESS_DENIED or another: the supervisor refused, since the arena or its process has
 *   no room for another process, or this is another user's; or a limit of this process (ulimit -v, -l) is below the
 *   arena's size. jacinth_error() says which.
 * - ZX_ERR_IO_DATA_INTEGRITY: what the supervisor handed over is no arena that this program can use: of another
 *   version, say.
 * - ZX_ERR_IO: the system refused what it takes.
 */
zx_status_t jacinth_attach(const char* socket_path);

/**
 * Has this process's first call that deals with handles fail with ZX_ERR_BAD_STATE where it finds no arena to join, rather
 * than make one: for programs that are nothing alone. To be called before any other; jacinth_create() may still be.
 */
void jacinth_forbid_own_arena(void);

/** Whether this process is attached to an arena. One forked from an attached process is not. */
bool jacinth_is_attached(void);

/**
 * Where the supervisor of this process's arena answers, for jacinth_attach() and JACINTH_SOCKET; NULL when the
 * process is attached to nothing. The text lives as long as the process.
 */
const char* jacinth_socket_path(void);

/**
 * Starts a program in this process's arena and gives it a handle, which it takes by
 * zx_take_startup_handle(PA_HND(PA_USER0, 0)). Usually that is one end of a channel.
 *
 * @p program is looked for in the PATH of the new program if there is no slash in it. @p argv and @p envp are as
 * for execve(), or NULL: for the program's name alone, and for this process's environment. (Entries of @p envp
 * without '=' are left out; JACINTH_SOCKET and JACINTH_SLOT are what they must be.) @p startup is gone from this process,
 * also after a failure. @p pid, optional, gets the child's number; the caller waits for the child as for any
 * other. (If the program has its children reaped by itself, a child that ended at once has been started all the
 * same.)
 *
 * Rights: ZX_RIGHT_TRANSFER on @p startup.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p startup is no handle of this process.
 * - ZX_ERR_ACCESS_DENIED: the program may not be executed, or @p startup lacks the right.
 * - ZX_ERR_NOT_FOUND: there is no such program.
 * - ZX_ERR_NO_RESOURCES: the arena has no room for another process.
 * - ZX_ERR_INVALID_ARGS: @p program is NULL, or a pointer leads nowhere.
 * - ZX_ERR_UNAVAILABLE: the supervisor did not answer within the time of jacinth_set_answer_time(), or its process cannot
 *   listen at the arena's path. The program that was started is killed.
 * - ZX_ERR_IO: the program could not be started for another reason.
 */
zx_status_t jacinth_spawn(const char* program, char* const argv[], char* const envp[], zx_handle_t startup,
                          pid_t* pid);

/**
 * Says what has become of a program that jacinth_spawn() has started: for a spawner that sees its channel closed, or
 * hears nothing of it. The program itself is told by jacinth_error() why it cannot attach.
 *
 * @p pid is the number that jacinth_spawn() gave, also after the caller has waited for the process, until the system gives
 * the number to another program that is spawned. The last 256 programs that did not attach are remembered, until another
 * process becomes the supervisor.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: @p fate cannot be written.
 * - ZX_ERR_UNAVAILABLE: the supervisor did not answer within the time of jacinth_set_answer_time(): jacinth_error() says
 *   which process that is, and whether it is stopped.
 */
zx_status_t jacinth_fate(pid_t pid, jacinth_fate_t* fate);

/**
 * Walks the whole arena, says what is in it, and finds anything lost, leaked or doubled. For tests: it means
 * something only while nobody else uses the arena, and an arena in which it finds something is not used any
 * more.
 *
 * @p audit is optional.
 *
 * - ZX_OK: all is well.
 * - ZX_ERR_IO_DATA_INTEGRITY: it is not: jacinth_error() has a line for each finding.
 * - ZX_ERR_INVALID_ARGS: @p audit cannot be written.
 */
zx_status_t jacinth_audit(jacinth_audit_t* audit);

/**
 * Has the supervisor recover what the dead have left, now, and says what it has done so far. It does so by
 * itself; this is for those who want it done before they go on.
 *
 * @p report is optional.
 *
 * - ZX_OK
 * - ZX_ERR_UNAVAILABLE: the supervisor did not answer within the time of jacinth_set_answer_time(): jacinth_error() says
 *   which process that is, and whether it is stopped.
 * - ZX_ERR_INVALID_ARGS: @p report cannot be written.
 */
zx_status_t jacinth_collect(jacinth_report_t* report);

/** Replies that come after their zx_channel_call() has timed out are discarded, with their handles. */
#define JACINTH_CHANNEL_DISCARD_LATE_REPLIES 1u

/**
 * Makes a channel, as zx_channel_create() does, whose ends differ from others by what Zircon has not.
 *
 * @p options is 0 or JACINTH_CHANNEL_DISCARD_LATE_REPLIES. Without it a late reply is an ordinary message, as in Zircon:
 * it stays, with its handles, until somebody reads it, and on an end that only calls late replies pile up until the
 * other side's writes give ZX_ERR_SHOULD_WAIT. With it, whatever an end's process does next with the end (a read, a
 * call, a wait) discards messages whose first four bytes are the id of a call that this end has made and nobody awaits
 * any more.
 *
 * @p max_pending_messages is how many messages may wait in each direction before a write gives ZX_ERR_SHOULD_WAIT: at
 * most, and for 0, the arena's max_pending_messages.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: another option, or @p out0 or @p out1 cannot be written.
 * - ZX_ERR_NO_RESOURCES: no more objects or handles, in the arena or for this process.
 */
zx_status_t jacinth_channel_create(uint32_t options, uint32_t max_pending_messages, zx_handle_t* out0,
                                   zx_handle_t* out1);

/**
 * For how long this process's waits spin before they sleep: those of this thread, and of threads whose first
 * call comes later. It attaches this process, as any call does. The default, about what it costs to sleep and
 * wake, suits most programs; 0 suits more threads than processors.
 */
void jacinth_set_spin(zx_duration_t duration);

/**
 * For how long this process waits for an answer of the supervisor's in jacinth_spawn(), jacinth_collect() and
 * jacinth_fate(): 10 seconds, if nothing else is set; a negative duration is 0. It takes effect at once, and attaches nothing.
 * An answer takes microseconds, and some seconds in the largest arenas; it does not come while the supervisor's process is
 * stopped.
 */
void jacinth_set_answer_time(zx_duration_t at_most);

/**
 * Why this thread's last call of this header that gives a status failed, or, if that is later, why a call of
 * zircon/syscalls.h found no arena or zx_take_startup_handle() gave no handle; and in a forked child that it is one.
 * "" if nothing failed. The text lives until this thread's next such call.
 */
const char* jacinth_error(void);

/**
 * Why this thread's last call of any header that gave @p status gave it, where the library knows more than the status
 * says: which limit was met, which rights are missing, which argument is wrong. "" otherwise.
 *
 * The text stays as it is until the thread calls this again.
 */
const char* jacinth_status_detail(zx_status_t status);

__END_CDECLS

#endif /* JACINTH_H_ */
