/**
 * @file
 * The purposes of the handles that a new process starts with.
 *
 * Jacinth passes a program one of these: PA_HND(PA_USER0, 0), the handle from jacinth_spawn(). The rest is here
 * for programs that speak Zircon's protocol among themselves.
 */

#ifndef ZIRCON_PROCESSARGS_H_
#define ZIRCON_PROCESSARGS_H_

#include <stdint.h>

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** The first word of a start message. */
#define ZX_PROCARGS_PROTOCOL ((uint32_t)0x4150585du)
/** The second. */
#define ZX_PROCARGS_VERSION ((uint32_t)0x0001000u)

/** The head of the message that starts a process. Offsets are in bytes from its beginning. */
typedef struct zx_proc_args zx_proc_args_t;
struct zx_proc_args {
    /** ZX_PROCARGS_PROTOCOL. */
    uint32_t protocol;
    /** ZX_PROCARGS_VERSION. */
    uint32_t version;

    /** Where there is one PA_HND() for each handle of the message. */
    uint32_t handle_info_off;

    /** Where the arguments begin: strings that end with NUL, one after another. */
    uint32_t args_off;
    /** How many. */
    uint32_t args_num;

    /** Where the environment begins: strings likewise, "NAME=VALUE" by custom. */
    uint32_t environ_off;
    /** How many. */
    uint32_t environ_num;

    /** Where the names begin to which the arguments of PA_NS_* handles are indices. */
    uint32_t names_off;
    /** How many. */
    uint32_t names_num;
};

/** The purpose of a handle: one of the types below, and a number that distinguishes handles of one type. */
#define PA_HND(type, arg) (((type) & 0xFF) | (((arg) & 0xFFFF) << 16))
/** The type in it. */
#define PA_HND_TYPE(n) ((n) & 0xFF)
/** Not in use. */
#define PA_HND_SUBTYPE(n) (((n) >> 8) & 0xFF)
/** The number in it. */
#define PA_HND_ARG(n) (((n) >> 16) & 0xFFFF)

/** The process itself. */
#define PA_PROC_SELF 0x01u
/** Its first thread. */
#define PA_THREAD_SELF 0x02u
/** The job in which it makes others. */
#define PA_JOB_DEFAULT 0x03u
/** The root of its address space. */
#define PA_VMAR_ROOT 0x04u
/** The part of it where its program was loaded. */
#define PA_VMAR_LOADED 0x05u

/** The service that loads shared libraries. */
#define PA_LDSVC_LOADER 0x10u
/** The image of the vDSO. */
#define PA_VMO_VDSO 0x11u
/** The first thread's stack. */
#define PA_VMO_STACK 0x13u
/** The program's file. */
#define PA_VMO_EXECUTABLE 0x14u
/** Data from the boot loader, for the first process. */
#define PA_VMO_BOOTDATA 0x1Au
/** The file system in it. */
#define PA_VMO_BOOTFS 0x1Bu
/** A file that the kernel offers. */
#define PA_VMO_KERNEL_FILE 0x1Cu

/** A directory of the process's namespace; the number is an index into the names. */
#define PA_NS_DIR 0x20u

/** A descriptor: a remote file. */
#define PA_FDIO_REMOTE 0x32u
/** A descriptor: the log. */
#define PA_FDIO_LOGGER 0x35u
/** A descriptor: a socket. */
#define PA_FDIO_SOCKET 0x36u

/** Where requests for the directory of this process's services arrive. */
#define PA_DIRECTORY_REQUEST 0x3Bu

/** The root resource, for the device manager. */
#define PA_RESOURCE 0x3Fu

/** For programs to agree on. In jacinth PA_HND(PA_USER0, 0) is the handle that the spawner gave. */
#define PA_USER0 0xF0u
/** For programs to agree on. */
#define PA_USER1 0xF1u
/** For programs to agree on. */
#define PA_USER2 0xF2u

__END_CDECLS

#endif /* ZIRCON_PROCESSARGS_H_ */
