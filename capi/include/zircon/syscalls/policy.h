/**
 * @file
 * A job's policy: the actions that its processes may take, and the response to other actions.
 *
 * For zx_job_set_policy(), which jacinth does not have yet.
 */

#ifndef ZIRCON_SYSCALLS_POLICY_H_
#define ZIRCON_SYSCALLS_POLICY_H_

#include <zircon/types.h>

__BEGIN_CDECLS

/** Sets only conditions that the parent job leaves open. */
#define ZX_JOB_POL_RELATIVE 0u
/** All is set, or the call fails. */
#define ZX_JOB_POL_ABSOLUTE 1u

/** The topic of zx_policy_basic_t. */
#define ZX_JOB_POL_BASIC 0u

/** The response to one condition. */
typedef struct zx_policy_basic {
    /** The case: a ZX_POL_*. */
    uint32_t condition;
    /** The response: a ZX_POL_ACTION_*. */
    uint32_t policy;
} zx_policy_basic_t;

/** A call names a handle that is none. */
#define ZX_POL_BAD_HANDLE 0u
/** A call names an object of a type it does not work on. */
#define ZX_POL_WRONG_OBJECT 1u
/** Memory is mapped to be written and executed. */
#define ZX_POL_VMAR_WX 2u
/** Any of the objects below is made. */
#define ZX_POL_NEW_ANY 3u
#define ZX_POL_NEW_VMO 4u
#define ZX_POL_NEW_CHANNEL 5u
#define ZX_POL_NEW_EVENT 6u
#define ZX_POL_NEW_EVENTPAIR 7u
#define ZX_POL_NEW_PORT 8u
#define ZX_POL_NEW_SOCKET 9u
#define ZX_POL_NEW_FIFO 10u
#define ZX_POL_NEW_TIMER 11u
#define ZX_POL_NEW_PROCESS 12u

/** Let it. */
#define ZX_POL_ACTION_ALLOW 0u
/** Refuse it: the call fails. */
#define ZX_POL_ACTION_DENY 1u
/** With either of the two: raise an exception as well. */
#define ZX_POL_ACTION_EXCEPTION 2u
/** Refuse it and end the process. */
#define ZX_POL_ACTION_KILL 5u

__END_CDECLS

#endif /* ZIRCON_SYSCALLS_POLICY_H_ */
