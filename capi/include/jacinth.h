/**
 * @file
 * The calls that Zircon does not have: arenas, the programs in them, reports of recovery, and in jacinth/in_place.h messages and
 * buffers without copies.
 *
 * An arena is memory that cooperating processes share. A process attaches to at most one arena, once, for its whole
 * life. It needs no call of this header: its first call that deals with handles attaches it
 *
 * - to the arena into which it was spawned, or in which a seat was prepared for it, or
 * - to the arena whose supervisor's socket the environment variable JACINTH_SOCKET names, or
 * - to a new arena with the default limits, whose supervisor is a thread of this process.
 *
 * A worker program that is useless without others should not make an arena of its own when a user starts it by hand.
 * With JACINTH_NO_OWN_ARENA in the environment (neither empty nor 0), or after jacinth_forbid_own_arena(), the first
 * call fails instead.
 *
 * A process whose first call found no arena searches no more: its calls return ZX_ERR_BAD_STATE until
 * jacinth_create(), jacinth_attach() or jacinth_join_or_create() succeeds.
 *
 * jacinth_error() returns the reason in words when a call of this header fails, when the first call finds no arena,
 * and when zx_take_startup_handle() returns no handle. Every call that returns a status may also return
 * ZX_ERR_BAD_STATE in a process that was forked from an attached one.
 */

#ifndef JACINTH_H_
#define JACINTH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jacinth/in_place.h>
#include <zircon/compiler.h>
#include <zircon/syscalls/port.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** The types of the objects that Zircon does not have: names to meet by. Buffers are in jacinth/in_place.h. */
#define JACINTH_OBJ_TYPE_DIRECTORY ((zx_obj_type_t)128u)
#define JACINTH_OBJ_TYPE_LISTENER ((zx_obj_type_t)129u)

/** The rights of a new directory, and of a new listener. */
#define JACINTH_DIRECTORY_DEFAULT_RIGHTS ((ZX_RIGHTS_BASIC & ~ZX_RIGHT_WAIT) | ZX_RIGHTS_IO | ZX_RIGHT_ENUMERATE)
#define JACINTH_LISTENER_DEFAULT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_SIGNAL)

/** A listener asserts it while a channel is queued there. */
#define JACINTH_LISTENER_READABLE ((zx_signals_t)__ZX_OBJECT_READABLE)

/** The longest name that can be served, in bytes; how many channels are queued at a listener at most. */
#define JACINTH_MAX_SERVICE_NAME_LEN 248
#define JACINTH_LISTENER_BACKLOG 240

/** The limits of an arena. Fill it with jacinth_config_default(), and then change single members. */
typedef struct jacinth_config {
    /** How many processes may be attached at once. 1 to 4,095; default 64. */
    uint32_t max_processes;
    /** How many threads, of all processes together, may use the arena at once. 1 to 4,063; default 1,024. */
    uint32_t max_threads;
    /** How many objects may exist at once; the two ends of a pair are one. Up to 8,388,607; default 1,048,576. */
    uint32_t max_objects;
    /** How many handles one process may have at once. Up to 1,048,575; default 262,143. */
    uint32_t max_handles_per_process;
    /**
     * How many messages may wait in one direction of a channel before a write returns ZX_ERR_SHOULD_WAIT. Up to
     * 1,048,576; default 8,192.
     */
    uint32_t max_pending_messages;
    /** How many messages the first ring of a direction holds. A power of two from 2 to 8,192; default 8. */
    uint32_t first_segment_messages;
    /**
     * How many bytes of address space are reserved for blocks of each size class. Default 1 GiB. The system
     * provides memory when a block is first used.
     */
    uint64_t pool_bytes;
    /**
     * The largest zero-copy loan or buffer in bytes, rounded up to a power of two. Up to 16 MiB, which is the default.
     * Messages of 65,536 bytes with 64 handles need 128 KiB, ports 32 KiB, and names 8 KiB.
     */
    uint64_t max_loan_bytes;
    /** How many existing objects one process may have made. Up to 8,388,607; default 917,504. */
    uint32_t max_objects_per_process;
    /** How many bytes of each size class one process may use. Up to 1 TiB; default 896 MiB. */
    uint64_t max_block_bytes_per_process;
    /**
     * How many messages of one process may wait, in all channels together, before a write returns
     * ZX_ERR_NO_RESOURCES. In one direction of a channel at most eight times as many may wait as the limit leaves to the
     * process. Up to 1,073,741,824; default 7,340,032.
     */
    uint32_t max_pending_messages_per_process;
    /** How many threads of one process may use it at once. 1 to 4,063; default 896. Others can only close handles. */
    uint32_t max_threads_per_process;
    /**
     * The rights to the arena's root directory that its members get: ZX_RIGHT_READ to connect to the names there,
     * ZX_RIGHT_WRITE to serve names, ZX_RIGHT_ENUMERATE to list them. Default: JACINTH_DIRECTORY_DEFAULT_RIGHTS. The process
     * that makes the arena has them all in any case.
     */
    uint32_t root_rights;
    /**
     * How many bytes of address space are reserved for VM objects, for each size of their extents: 4 KiB, and four times
     * as many up to 64 GiB. Sizes above this have none, so it is also the largest VM object. Up to 1 TiB; default 64 GiB; 0:
     * VM objects have no memory.
     */
    uint64_t vmo_pool_bytes;
    /** How many bytes of each size of extents one process may use. Up to 1 TiB; default 56 GiB. */
    uint64_t max_vmo_bytes_per_process;
    /**
     * The path of the socket on which the supervisor listens for processes that join. NULL is the default: a path in
     * a new folder in XDG_RUNTIME_DIR, if only this user can access that, or else in the folder for temporary files.
     *
     * With a path of its own, a service that is started again has the same address. The socket of a dead arena is
     * replaced; the socket of a living arena is not. The folder is made if it is missing, but not its parent. This
     * user or root must own it, and no other user may write to it unless its sticky bit is set.
     */
    const char* socket_path;
} jacinth_config_t;

/** The contents of an arena. */
typedef struct jacinth_audit_t {
    /** Processes attached. */
    uint32_t processes;
    /** Threads that use it. */
    uint32_t threads;
    /** Objects; a pair counts once. */
    uint32_t objects;
    /** Objects that have ended and whose memory is not free yet. */
    uint32_t retired;
    /** Handles that processes have. */
    uint32_t handles;
    /** Handles in messages. */
    uint32_t in_transit;
    /** Messages that wait to be read. */
    uint64_t messages;
    /** Blocks that belong to channels. */
    uint32_t blocks;
    /** The number of inconsistencies: 0 for a sound arena. */
    uint32_t findings;
} jacinth_audit_t;

/** The work of the supervisor after deaths, since it became the supervisor. */
typedef struct jacinth_report {
    /** Processes that died and were recovered. */
    uint32_t processes;
    /** Their threads. */
    uint32_t threads;
    /** Handles closed for them. */
    uint32_t handles_closed;
    /** Calls in which they died, and which the supervisor finished. */
    uint32_t operations_finished;
    /** Calls in which they died, and which the supervisor undid. */
    uint32_t operations_undone;
    /** Blocks that they had taken and not used yet. */
    uint32_t blocks_freed;
    /** Objects that ended because of their deaths. */
    uint32_t objects_retired;
    /** Objects whose memory the supervisor has freed. */
    uint32_t objects_reclaimed;
    /** Unreachable ends of channels: ends that lay only in messages inside each other. */
    uint32_t cyclic_ends_collected;
    /** Always 0. */
    uint32_t unused;
    /** Bytes of free memory that were given back to the system. */
    uint64_t bytes_decommitted;
} jacinth_report_t;

/**
 * The supervisor does not know the program: it attached and has ended, or it was not spawned in this arena, or another
 * process has become the supervisor.
 */
#define JACINTH_SPAWN_STATUS_UNKNOWN 0u
/** The program has not attached yet. Its first call that deals with handles attaches it. */
#define JACINTH_SPAWN_STATUS_WAITING 1u
/** The program is attached. */
#define JACINTH_SPAWN_STATUS_ATTACHED 2u
/**
 * The supervisor has refused the program: with ZX_ERR_ACCESS_DENIED if it has become another user's process, with
 * ZX_ERR_BAD_STATE if it runs in another PID namespace.
 */
#define JACINTH_SPAWN_STATUS_REFUSED 3u
/** The program has ended without attaching. The supervisor saw no obstacle. */
#define JACINTH_SPAWN_STATUS_ENDED 4u
/**
 * The program has not attached, and runs as a user other than the arena's: it has dropped its privileges, for example.
 * This state and the next two also describe a program that has ended.
 */
#define JACINTH_SPAWN_STATUS_OTHER_USER 5u
/** The program's environment was cleaned: JACINTH_SOCKET is not in it. */
#define JACINTH_SPAWN_STATUS_CLEAN_ENVIRONMENT 6u
/** The program does not see the supervisor's socket at its path: in a private /tmp, a chroot, a container. */
#define JACINTH_SPAWN_STATUS_NO_SOCKET 7u

/** The size of the text of a jacinth_spawn_status_t, including its NUL. */
#define JACINTH_SPAWN_STATUS_TEXT_BYTES 504

/** The status of a spawned program. */
typedef struct jacinth_spawn_status_t {
    /** One of JACINTH_SPAWN_STATUS_*; later versions may have more of them. */
    uint32_t state;
    /** With JACINTH_SPAWN_STATUS_REFUSED, the status of the refusal; otherwise ZX_OK. */
    zx_status_t status;
    /** The same in words. */
    char text[JACINTH_SPAWN_STATUS_TEXT_BYTES];
} jacinth_spawn_status_t;

/** The size of the text of a jacinth_seat_t, including its NUL. */
#define JACINTH_SEAT_SLOT_BYTES 48

/** A seat, as jacinth_prepare() makes it. */
typedef struct jacinth_seat_t {
    /** The value of JACINTH_SLOT for the program that takes the seat. No secret. */
    char slot[JACINTH_SEAT_SLOT_BYTES];
} jacinth_seat_t;

/**
 * Stores the default limits. Under valgrind pool_bytes and vmo_pool_bytes are 16 MiB and max_objects is 65,536, so that its tools start in
 * seconds.
 */
void jacinth_config_default(jacinth_config_t* config);

/**
 * Makes an arena with these limits, with a supervisor in a thread of this process, and attaches this process to it.
 *
 * @p config may be NULL, for the defaults. If this process dies, another attached process becomes the supervisor.
 *
 * - ZX_OK
 * - ZX_ERR_ALREADY_BOUND: this process is attached already.
 * - ZX_ERR_OUT_OF_RANGE: a limit is out of its range.
 * - ZX_ERR_INVALID_ARGS: @p config or its path cannot be read.
 * - ZX_ERR_NO_RESOURCES: a limit of this process (ulimit -f, -v, -l) is below the arena's size; jacinth_error() names it.
 * - ZX_ERR_ALREADY_EXISTS: a living arena uses socket_path, or the file there is not a socket.
 * - ZX_ERR_BAD_PATH: the path is too long. The limit depends on whether /proc is mounted; jacinth_error() names it.
 * - ZX_ERR_ACCESS_DENIED: this user cannot make a socket there, or other users could replace it.
 * - ZX_ERR_IO: the system refused memory, a socket, a descriptor or a thread, or /proc is not mounted.
 */
zx_status_t jacinth_create(const jacinth_config_t* config);

/**
 * Attaches this process to the arena whose supervisor listens at @p socket_path.
 *
 * - ZX_OK
 * - ZX_ERR_ALREADY_BOUND: this process is attached already.
 * - ZX_ERR_NOT_FOUND: no supervisor answered within two seconds. (The call waits, because a removed socket is made again
 *   and a dead supervisor is replaced.)
 * - ZX_ERR_INVALID_ARGS: @p socket_path is NULL.
 * - ZX_ERR_NO_RESOURCES: the arena or its supervisor has no room for another process, or a limit of this process
 *   (ulimit -v, -l) is below the arena's size. jacinth_error() says which.
 * - ZX_ERR_ACCESS_DENIED: the arena belongs to another user.
 * - ZX_ERR_IO_DATA_INTEGRITY: this program cannot use the arena. It is of another version, for example.
 * - ZX_ERR_IO: the system refused memory, a descriptor or a thread.
 */
zx_status_t jacinth_attach(const char* socket_path);

/**
 * Attaches this process to this user's arena with this name, which is made if there is none. Processes that are started in
 * any order meet there, without a path.
 *
 * Of callers at the same time one makes the arena, and the others join it. The arena lives as long as a process is attached
 * to it, also after its maker's death; the next caller makes a new one. A caller that is killed at any instruction, and the
 * files of a dead arena, are in no other caller's way.
 *
 * @p name has 1 to 52 bytes, and any but '/'. The supervisor's socket is $XDG_RUNTIME_DIR/jacinth/NAME.socket. Without that
 * variable it is in a folder that only this user can enter: jacinth-user-UID in TMPDIR, or in /tmp. Processes that are to meet
 * need the same variables. If the folder is another user's, or others can enter it, the call fails; it tries no second place.
 *
 * @p config may be NULL, for the defaults; its socket_path must be NULL. It counts only if this process makes the arena: a
 * process that joins takes the limits as they are. @p created, optional, gets whether this process made the arena.
 *
 * - ZX_OK
 * - ZX_ERR_ALREADY_BOUND: this process is attached already.
 * - ZX_ERR_INVALID_ARGS: the name is no name for an arena, or a pointer is bad.
 * - ZX_ERR_BAD_PATH: socket_path is not NULL.
 * - ZX_ERR_ALREADY_EXISTS: a file that is no socket has the socket's name.
 * - ZX_ERR_ACCESS_DENIED: the folder belongs to another user, others can enter it, or XDG_RUNTIME_DIR names no folder of this
 *   user alone. jacinth_error() says which.
 * - ZX_ERR_NOT_FOUND: processes are attached to the arena, or one is making it, and none admitted this process within ten
 *   seconds: they may be stopped.
 * - ZX_ERR_OUT_OF_RANGE, ZX_ERR_NO_RESOURCES, ZX_ERR_IO_DATA_INTEGRITY, ZX_ERR_IO: as for jacinth_create() and
 *   jacinth_attach(); ZX_ERR_IO also if XDG_RUNTIME_DIR names a folder that is missing.
 */
zx_status_t jacinth_join_or_create(const char* name, const jacinth_config_t* config, bool* created);

/**
 * Serves a name: from now on those who connect to it queue their channels at the listener that this stores, until its last
 * handle is closed. A name has one listener at a time. While another one has it, the call waits until @p deadline; 0 does
 * not wait. A server that was started again waits: the process before it has the name until it is recovered.
 *
 * The listener asserts JACINTH_LISTENER_READABLE while a channel is queued. It can be waited for like any object, and observed
 * by a port; duplicates may lie in several processes. When its last handle is closed, the channels in its queue are closed.
 *
 * jacinth_serve() uses the directory of this process: the arena's root, unless jacinth_set_directory() has set another one.
 *
 * Rights: ZX_RIGHT_WRITE on the directory. The listener has JACINTH_LISTENER_DEFAULT_RIGHTS.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: for the directory.
 * - ZX_ERR_INVALID_ARGS: the name is empty or not UTF-8, or a pointer is bad.
 * - ZX_ERR_OUT_OF_RANGE: the name has more than JACINTH_MAX_SERVICE_NAME_LEN bytes.
 * - ZX_ERR_ALREADY_EXISTS: another listener has the name, and @p deadline is 0 or less. ZX_ERR_TIMED_OUT: at any other deadline.
 * - ZX_ERR_NO_RESOURCES: the directory has 1,024 names already, there is no room for another object or handle, or this process
 *   has reached its limit of memory.
 * - ZX_ERR_NO_MEMORY: the arena's pools are exhausted.
 * - ZX_ERR_CANCELED: another thread closed the directory's handle meanwhile.
 */
zx_status_t jacinth_serve(const char* name, zx_time_t deadline, zx_handle_t* listener);
zx_status_t jacinth_directory_serve(zx_handle_t directory, const char* name, zx_time_t deadline,
                                    zx_handle_t* listener);

/**
 * Connects to the server of a name: makes a channel, queues one end at the server's listener, and stores the other at once. It
 * can be written to before the server accepts. While no server has the name, or JACINTH_LISTENER_BACKLOG channels are queued
 * there, the call waits until @p deadline; 0 does not wait. When the server ends, the channel asserts PEER_CLOSED, accepted or
 * not; then connect again.
 *
 * jacinth_connect() uses the directory of this process.
 *
 * Rights: ZX_RIGHT_READ on the directory.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: for the directory.
 * - ZX_ERR_INVALID_ARGS, ZX_ERR_OUT_OF_RANGE: a name that no server can have, or a bad pointer.
 * - ZX_ERR_NOT_FOUND: no server has the name; ZX_ERR_SHOULD_WAIT: the queue is full; both if @p deadline is 0 or less.
 *   ZX_ERR_TIMED_OUT: at any other deadline.
 * - ZX_ERR_NO_RESOURCES, ZX_ERR_NO_MEMORY: there is no room for a channel.
 * - ZX_ERR_CANCELED: another thread closed the directory's handle meanwhile.
 */
zx_status_t jacinth_connect(const char* name, zx_time_t deadline, zx_handle_t* channel);
zx_status_t jacinth_directory_connect(zx_handle_t directory, const char* name, zx_time_t deadline,
                                      zx_handle_t* channel);

/**
 * Takes the oldest channel out of a listener's queue. Its client may have written to it already, and may be gone.
 *
 * Rights: ZX_RIGHT_READ.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: for the listener.
 * - ZX_ERR_INVALID_ARGS: a bad pointer.
 * - ZX_ERR_SHOULD_WAIT: none is queued.
 * - ZX_ERR_NO_RESOURCES: this process has no room for another handle.
 */
zx_status_t jacinth_accept(zx_handle_t listener, zx_handle_t* channel);

/**
 * Stores a handle to the directory of this process: a duplicate of the one that was set, or one to the arena's root with the
 * rights that jacinth_config_t::root_rights lets its members have.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: a bad pointer.
 * - ZX_ERR_ACCESS_DENIED: the one that was set may not be duplicated.
 * - ZX_ERR_NO_RESOURCES: this process has no room for another handle.
 */
zx_status_t jacinth_directory(zx_handle_t* directory);

/**
 * Sets the directory of this process, in which jacinth_serve() and jacinth_connect() look from now on. A program that starts
 * another one gives it a view, with the names that it is to see. The call consumes the handle, also when it fails.
 *
 * The call needs no right. Each call that uses this process's directory makes a duplicate: without ZX_RIGHT_DUPLICATE it
 * returns ZX_ERR_ACCESS_DENIED.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE: @p directory is not a directory.
 */
zx_status_t jacinth_set_directory(zx_handle_t directory);

/**
 * Makes an empty directory, with JACINTH_DIRECTORY_DEFAULT_RIGHTS. It ends with its last handle.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: a bad pointer.
 * - ZX_ERR_NO_RESOURCES: there is no room for another object or handle.
 */
zx_status_t jacinth_directory_create(zx_handle_t* directory);

/**
 * Makes a directory that passes @p num_names names on to @p parent, whether they are served already or not. Who has a handle to
 * it connects to them, and to what is served in the view itself. It does not keep the parent: when the parent's last handle is
 * closed, no name is found there any more. (The root is never closed.)
 *
 * Rights: ZX_RIGHT_READ on @p parent. The view has JACINTH_DIRECTORY_DEFAULT_RIGHTS.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: for @p parent.
 * - ZX_ERR_INVALID_ARGS: a name is empty or not UTF-8, or a pointer is bad.
 * - ZX_ERR_OUT_OF_RANGE: a name is too long, the names have more than 64 KiB, or eight directories are behind @p parent.
 * - ZX_ERR_NO_RESOURCES: there is no room for another object or handle, or this process has reached its limit of memory.
 * - ZX_ERR_NO_MEMORY: the arena's pools are exhausted.
 */
zx_status_t jacinth_directory_create_view(zx_handle_t parent, const char* const names[], size_t num_names,
                                          zx_handle_t* view);

/**
 * Stores the names that a client of a directory finds now, sorted, each with a NUL behind it. @p actual, optional, gets the
 * size of all of them.
 *
 * Rights: ZX_RIGHT_ENUMERATE.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: for the directory.
 * - ZX_ERR_BUFFER_TOO_SMALL: the names do not fit. @p actual has their size.
 * - ZX_ERR_INVALID_ARGS: a bad pointer.
 */
zx_status_t jacinth_directory_names(zx_handle_t directory, char* buffer, size_t buffer_size, size_t* actual);

/**
 * Forbids this process to make an arena at its first call: if that call finds no arena to join, it returns
 * ZX_ERR_BAD_STATE. For programs that are useless alone. Call it before all others; jacinth_create() and
 * jacinth_join_or_create() stay allowed.
 */
void jacinth_forbid_own_arena(void);

/** Whether this process is attached to an arena. One forked from an attached process is not. */
bool jacinth_is_attached(void);

/**
 * The path of the supervisor's socket, for jacinth_attach() and JACINTH_SOCKET; NULL if this process is not attached.
 * The string stays valid while the process lives.
 */
const char* jacinth_socket_path(void);

/**
 * Starts a program in this process's arena and gives it a handle, usually one end of a channel. The program takes the
 * handle by zx_take_startup_handle(PA_HND(PA_USER0, 0)).
 *
 * If @p program has no slash, it is searched in the PATH of the new program. @p argv and @p envp are as for execve(). A
 * NULL @p argv stands for the program's name alone, a NULL @p envp for this process's environment. (Entries of @p envp
 * without '=' are left out, and JACINTH_SOCKET and JACINTH_SLOT are set.) The call consumes @p startup, also when it fails.
 * @p pid, optional, gets the child's process id. The caller waits for the child as for any other. (If SIGCHLD is ignored, a
 * child that ended at once counts as started.)
 *
 * Rights: ZX_RIGHT_TRANSFER on @p startup.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p startup is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: the program may not be executed, or @p startup lacks the right.
 * - ZX_ERR_NOT_FOUND: the program does not exist.
 * - ZX_ERR_NO_RESOURCES: the arena has no room for another process.
 * - ZX_ERR_INVALID_ARGS: @p program is NULL, or a pointer is bad.
 * - ZX_ERR_UNAVAILABLE: the supervisor did not answer within the time of jacinth_set_supervisor_timeout(), or its process
 *   cannot listen at the arena's path. The started program is killed.
 * - ZX_ERR_IO: the program could not be started for another reason.
 */
zx_status_t jacinth_spawn(const char* program, char* const argv[], char* const envp[], zx_handle_t startup,
                          pid_t* pid);

/**
 * Prepares a seat in this process's arena for one program that another one starts (fork() and exec, posix_spawn(), a shell,
 * systemd), and puts a handle there for it.
 *
 * The program needs two variables in its environment: JACINTH_SOCKET, with the value of jacinth_socket_path(), and
 * JACINTH_SLOT, with the text in @p seat. Its first call attaches it, and it takes the handle by
 * zx_take_startup_handle(PA_HND(PA_USER0, 0)). With fork(), after the call:
 *
 *     if ((pid = fork()) == 0) {
 *         setenv("JACINTH_SOCKET", path, 1);          // const char* path = jacinth_socket_path(), before the fork
 *         setenv("JACINTH_SLOT", seat.slot, 1);
 *         execvp(program, argv);
 *         _exit(127);
 *     }
 *
 * One program takes the seat: the first one that asks. Another program with the same variables (a child of the first, or one
 * that comes when the seat was given back) is attached too, and zx_take_startup_handle() gives it no handle: jacinth_error()
 * says why.
 *
 * A seat that no program takes is given back, and its handle closed, by jacinth_seat_give_back(), or when this process dies
 * or replaces itself by exec. There is no timeout. A program that has asked for the seat and dies gives it back too.
 *
 * The call consumes @p startup, also when it fails. ZX_HANDLE_INVALID stands for a seat without a handle.
 *
 * Rights: ZX_RIGHT_TRANSFER on @p startup.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p startup is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: @p startup lacks the right.
 * - ZX_ERR_NO_RESOURCES: the arena has no room for another process.
 * - ZX_ERR_INVALID_ARGS: @p seat cannot be written.
 */
zx_status_t jacinth_prepare(zx_handle_t startup, jacinth_seat_t* seat);

/**
 * Stores whether a seat waits for its program: no program has taken it, and it was not given back.
 *
 * @p slot is the text of a seat of this arena; another process may have prepared it.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: @p slot is no text of a seat, or a pointer is bad.
 * - ZX_ERR_NOT_FOUND: the seat is one of another arena.
 */
zx_status_t jacinth_seat_is_free(const char* slot, bool* is_free);

/**
 * Gives a seat back that no program will take, and closes its handle. Does nothing if the seat was given back before.
 *
 * - ZX_OK: no program takes the seat any more.
 * - ZX_ERR_BAD_STATE: a program has taken it, and lives.
 * - ZX_ERR_INVALID_ARGS: @p slot is no text of a seat, or cannot be read.
 * - ZX_ERR_NOT_FOUND: the seat is one of another arena.
 * - ZX_ERR_UNAVAILABLE: the supervisor did not answer within the time of jacinth_set_supervisor_timeout().
 */
zx_status_t jacinth_seat_give_back(const char* slot);

/**
 * Stores the status of a program that jacinth_spawn() started: for a spawner that sees its channel closed, or waits for
 * the program in vain. (In the program itself jacinth_error() says why it cannot attach.)
 *
 * @p pid is the number from jacinth_spawn(). It stays valid after the caller has waited for the process, until the system
 * gives the number to another spawned program. The supervisor remembers the last 256 programs that did not attach, until
 * another process becomes the supervisor.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: @p status cannot be written.
 * - ZX_ERR_UNAVAILABLE: the supervisor did not answer within the time of jacinth_set_supervisor_timeout():
 *   jacinth_error() says which process that is, and whether it is stopped.
 */
zx_status_t jacinth_spawn_status(pid_t pid, jacinth_spawn_status_t* status);

/**
 * Walks the whole arena, counts its contents, and finds objects and memory that are lost, leaked or doubled. For tests: the
 * result is exact only while no other thread uses the arena. An arena with findings refuses all later calls.
 *
 * @p audit is optional.
 *
 * - ZX_OK: the arena is sound.
 * - ZX_ERR_IO_DATA_INTEGRITY: it is not. jacinth_error() has a line for each finding.
 * - ZX_ERR_INVALID_ARGS: @p audit cannot be written.
 */
zx_status_t jacinth_audit(jacinth_audit_t* audit);

/**
 * Makes the supervisor recover the resources of dead processes now, and stores its work so far. The supervisor also
 * recovers by itself; this call returns when it has.
 *
 * @p report is optional.
 *
 * - ZX_OK
 * - ZX_ERR_UNAVAILABLE: the supervisor did not answer within the time of jacinth_set_supervisor_timeout():
 *   jacinth_error() says which process that is, and whether it is stopped.
 * - ZX_ERR_INVALID_ARGS: @p report cannot be written.
 */
zx_status_t jacinth_collect(jacinth_report_t* report);

/** Replies that come after their zx_channel_call() has timed out are discarded, with their handles. */
#define JACINTH_CHANNEL_DISCARD_LATE_REPLIES 1u

/**
 * Makes a channel, as zx_channel_create() does, with options that Zircon does not have.
 *
 * @p options is 0 or JACINTH_CHANNEL_DISCARD_LATE_REPLIES. Without the option a late reply is an ordinary message, as in
 * Zircon. It stays in the channel, with its handles, until a thread reads it. On an end that is used only for calls, late
 * replies accumulate until the other side's writes return ZX_ERR_SHOULD_WAIT. With the option, the next read, call or wait on
 * an end discards messages whose first four bytes are the id of a call that this end has abandoned.
 *
 * @p max_pending_messages is how many messages may wait in each direction before a write returns ZX_ERR_SHOULD_WAIT. 0
 * stands for the arena's max_pending_messages, which is also the most.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: another option, or @p out0 or @p out1 cannot be written.
 * - ZX_ERR_NO_RESOURCES: the arena or this process has reached its limit of objects or handles.
 */
zx_status_t jacinth_channel_create(uint32_t options, uint32_t max_pending_messages, zx_handle_t* out0,
                                   zx_handle_t* out1);

/**
 * Makes a file descriptor by which an event loop (epoll, poll, libuv, glib) waits for a port beside its sockets.
 *
 *     int fd;
 *     jacinth_port_fd_create(port, &fd);
 *     // in the loop, at its start and whenever fd is readable:
 *     while ((status = jacinth_port_fd_wait(fd, &packet)) == ZX_OK)
 *         serve(&packet);
 *     // ZX_ERR_SHOULD_WAIT: the descriptor is armed. Poll it, edge-triggered or level-triggered.
 *
 * The descriptor is for polling alone: it is not to be read, written or closed, but by jacinth_port_fd_close(). It does not keep
 * the port's handle open. No thread is needed: the kernel sleeps (io_uring, Linux 6.7). Where that is refused, each descriptor
 * has a helper thread. A child of fork() cannot use it.
 *
 * A signal handler may have interrupted a call of this library, and can make none then. So an event loop takes Ctrl-C from a
 * signalfd(2) beside this descriptor. A program without an event loop blocks the signal in all threads, and has one thread
 * that takes it by sigwait(3) and signals an event that the others wait for.
 *
 * Rights: ZX_RIGHT_READ on @p port.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE: @p port is not a handle to a port.
 * - ZX_ERR_ACCESS_DENIED: @p port lacks the right.
 * - ZX_ERR_NO_RESOURCES: the process has no free file descriptor, or no thread can be started where one is needed.
 * - ZX_ERR_INVALID_ARGS: @p fd cannot be written.
 */
zx_status_t jacinth_port_fd_create(zx_handle_t port, int* fd);

/**
 * Takes the next packet of a descriptor's port, or arms the descriptor: it becomes readable when there may be one. Any thread
 * may call it. A packet that is there costs no system call. However many packets come while the descriptor is armed, it
 * becomes readable once.
 *
 * epoll_wait() and poll() may return EINTR without a signal handler, in the thread that armed the descriptor. And it may be
 * readable without a packet.
 *
 * - ZX_OK: @p packet has a packet.
 * - ZX_ERR_SHOULD_WAIT: there is none. The descriptor is armed.
 * - ZX_ERR_CANCELED: the port's handle was closed, replaced or sent.
 * - ZX_ERR_BAD_HANDLE: @p fd is not from jacinth_port_fd_create().
 * - ZX_ERR_NO_RESOURCES: the kernel has no memory for the sleep, or refuses it by now. The descriptor is not armed.
 * - ZX_ERR_INVALID_ARGS: @p packet cannot be written. No packet is taken.
 */
zx_status_t jacinth_port_fd_wait(int fd, zx_port_packet_t* packet);

/**
 * As jacinth_port_fd_wait(), as a step of a wait that adapts (jacinth_set_spin()): it may ask for another look before it
 * arms the descriptor. An event loop then does what else there is to do, polls its other descriptors without waiting, and
 * calls again:
 *
 *     for (;;) {
 *         while ((status = jacinth_port_fd_wait_adaptive(fd, &packet)) == ZX_OK)
 *             serve(&packet);
 *         if (status != ZX_ERR_NEXT && status != ZX_ERR_SHOULD_WAIT)
 *             return status;
 *         int count = epoll_wait(epoll, events, n, status == ZX_ERR_NEXT ? 0 : -1);
 *         for (int i = 0; i < count; i++)
 *             serve_other(&events[i]);
 *     }
 *
 * A step spins for 1 microsecond at most, or yields the processor once. Two steps after a packet do neither, so that what the
 * packet has set in motion comes first. How often it asks for another look is what jacinth_set_spin() says of a wait's spin: by
 * default for 50 microseconds at most.
 *
 * - ZX_ERR_NEXT: there is no packet yet. Look again; the descriptor is not armed.
 * - Others as jacinth_port_fd_wait().
 */
zx_status_t jacinth_port_fd_wait_adaptive(int fd, zx_port_packet_t* packet);

/**
 * Closes the descriptor, also while it is armed. No packet is lost. No other thread may be polling it.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p fd is not from jacinth_port_fd_create().
 */
zx_status_t jacinth_port_fd_close(int fd);

/**
 * Sets how long waits spin before they sleep: the waits of this thread, and of threads whose first call comes later. The
 * call attaches this process, as any call does.
 *
 * By default the time adapts, which suits most programs: a wait spins for up to the time of two wakes, as they were
 * measured in this arena (50 microseconds at most), if the last waits of its thread would have ended within such a
 * spin. After this call each wait spins for exactly @p duration, and nothing adapts. 0 suits real-time threads that share a
 * processor with the threads that they wait for; a long time suits two threads that have a processor each.
 */
void jacinth_set_spin(zx_duration_t duration);

/**
 * Sets how long jacinth_spawn(), jacinth_collect() and jacinth_spawn_status() wait for an answer of the supervisor. The
 * default is 10 seconds; a negative duration is 0. The call takes effect at once and does not attach this process. An
 * answer takes microseconds, and some seconds in the largest arenas. It does not come while the supervisor's process is
 * stopped.
 */
void jacinth_set_supervisor_timeout(zx_duration_t at_most);

/**
 * The reason for this thread's last failure: of a call of this header that returns a status, of a call of
 * zircon/syscalls.h that found no arena, or of zx_take_startup_handle(). In a forked child, that it is one. "" if no such call
 * failed. The string stays valid until this thread's next such call.
 */
const char* jacinth_error(void);

/**
 * The reason why this thread's last call of any header with the result @p status failed, if the library knows more than the
 * status says: which limit was reached, which rights are missing, which argument is wrong. "" otherwise.
 *
 * The string stays valid until the thread calls this function again.
 */
const char* jacinth_status_detail(zx_status_t status);

__END_CDECLS

#endif /* JACINTH_H_ */
