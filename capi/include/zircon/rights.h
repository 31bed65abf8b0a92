/**
 * @file
 * Rights: the operations on the object that a handle allows.
 *
 * A handle has its rights from its making; zx_handle_duplicate() and zx_handle_replace() make handles of fewer,
 * never of more. Each right is a bit; the groups and the defaults are unions of them.
 */

#ifndef ZIRCON_RIGHTS_H_
#define ZIRCON_RIGHTS_H_

#include <stdint.h>

/** A set of rights. */
typedef uint32_t zx_rights_t;

/** No right. */
#define ZX_RIGHT_NONE ((zx_rights_t)0u)

/** To duplicate the handle. */
#define ZX_RIGHT_DUPLICATE ((zx_rights_t)1u << 0)

/** To send the handle in a message. */
#define ZX_RIGHT_TRANSFER ((zx_rights_t)1u << 1)

/** To read from the object. */
#define ZX_RIGHT_READ ((zx_rights_t)1u << 2)

/** To write to the object. */
#define ZX_RIGHT_WRITE ((zx_rights_t)1u << 3)

/** To map memory for execution. */
#define ZX_RIGHT_EXECUTE ((zx_rights_t)1u << 4)

/** To map the object into an address space. */
#define ZX_RIGHT_MAP ((zx_rights_t)1u << 5)

/** To read properties. */
#define ZX_RIGHT_GET_PROPERTY ((zx_rights_t)1u << 6)

/** To set properties. */
#define ZX_RIGHT_SET_PROPERTY ((zx_rights_t)1u << 7)

/** To list the object's children. */
#define ZX_RIGHT_ENUMERATE ((zx_rights_t)1u << 8)

/** To end the task. */
#define ZX_RIGHT_DESTROY ((zx_rights_t)1u << 9)

/** To set a job's policy. */
#define ZX_RIGHT_SET_POLICY ((zx_rights_t)1u << 10)

/** To read a job's policy. */
#define ZX_RIGHT_GET_POLICY ((zx_rights_t)1u << 11)

/** To raise and clear signals on the object. */
#define ZX_RIGHT_SIGNAL ((zx_rights_t)1u << 12)

/** To raise and clear signals on the object at the other end. */
#define ZX_RIGHT_SIGNAL_PEER ((zx_rights_t)1u << 13)

/** To wait for signals. */
#define ZX_RIGHT_WAIT ((zx_rights_t)1u << 14)

/** To ask for information about the object. */
#define ZX_RIGHT_INSPECT ((zx_rights_t)1u << 15)

/** To make child jobs, and to manage them. */
#define ZX_RIGHT_MANAGE_JOB ((zx_rights_t)1u << 16)

/** To make processes, and to manage them. */
#define ZX_RIGHT_MANAGE_PROCESS ((zx_rights_t)1u << 17)

/** To make threads, and to manage them. */
#define ZX_RIGHT_MANAGE_THREAD ((zx_rights_t)1u << 18)

/** To put a scheduling profile on a thread. */
#define ZX_RIGHT_APPLY_PROFILE ((zx_rights_t)1u << 19)

/** For zx_handle_duplicate() and zx_handle_replace(): the rights that the handle has. */
#define ZX_RIGHT_SAME_RIGHTS ((zx_rights_t)1u << 31)

/** The rights of almost every handle. */
#define ZX_RIGHTS_BASIC (ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE | ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT)

/** Reading and writing. */
#define ZX_RIGHTS_IO (ZX_RIGHT_READ | ZX_RIGHT_WRITE)

/** Reading and setting properties. */
#define ZX_RIGHTS_PROPERTY (ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY)

/** Reading and setting policy. */
#define ZX_RIGHTS_POLICY (ZX_RIGHT_GET_POLICY | ZX_RIGHT_SET_POLICY)

/*
 * The rights of the first handle to a new object, by the object's type.
 */

#define ZX_DEFAULT_BTI_RIGHTS ((ZX_RIGHTS_BASIC & ~ZX_RIGHT_WAIT) | ZX_RIGHTS_IO | ZX_RIGHT_MAP)

/** An end of a channel cannot be duplicated, so that it has one owner and its messages have one order. */
#define ZX_DEFAULT_CHANNEL_RIGHTS \
    ((ZX_RIGHTS_BASIC & ~ZX_RIGHT_DUPLICATE) | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

#define ZX_DEFAULT_EVENT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_SIGNAL)

#define ZX_DEFAULT_EVENTPAIR_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

#define ZX_DEFAULT_FIFO_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

#define ZX_DEFAULT_GUEST_RIGHTS \
    (ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE | ZX_RIGHT_WRITE | ZX_RIGHT_INSPECT | ZX_RIGHT_MANAGE_PROCESS)

#define ZX_DEFAULT_INTERRUPT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)

#define ZX_DEFAULT_IO_MAPPING_RIGHTS (ZX_RIGHT_READ | ZX_RIGHT_INSPECT)

#define ZX_DEFAULT_IOMMU_RIGHTS (ZX_RIGHTS_BASIC & ~ZX_RIGHT_WAIT)

#define ZX_DEFAULT_JOB_RIGHTS                                                                        \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHTS_POLICY | ZX_RIGHT_ENUMERATE |   \
     ZX_RIGHT_DESTROY | ZX_RIGHT_SIGNAL | ZX_RIGHT_MANAGE_JOB | ZX_RIGHT_MANAGE_PROCESS)

#define ZX_DEFAULT_LOG_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_WRITE | ZX_RIGHT_SIGNAL)

#define ZX_DEFAULT_PAGER_RIGHTS \
    (ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT | ZX_RIGHT_ENUMERATE | ZX_RIGHTS_PROPERTY)

#define ZX_DEFAULT_PCI_DEVICE_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO)

#define ZX_DEFAULT_PCI_INTERRUPT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)

#define ZX_DEFAULT_PMT_RIGHTS (ZX_RIGHT_INSPECT)

/** A port has no signals to wait for. */
#define ZX_DEFAULT_PORT_RIGHTS ((ZX_RIGHTS_BASIC & ~ZX_RIGHT_WAIT) | ZX_RIGHTS_IO)

#define ZX_DEFAULT_PROCESS_RIGHTS                                                                    \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_ENUMERATE | ZX_RIGHT_DESTROY |   \
     ZX_RIGHT_SIGNAL | ZX_RIGHT_MANAGE_PROCESS | ZX_RIGHT_MANAGE_THREAD)

#define ZX_DEFAULT_PROFILE_RIGHTS ((ZX_RIGHTS_BASIC & ~ZX_RIGHT_WAIT) | ZX_RIGHT_APPLY_PROFILE)

#define ZX_DEFAULT_RESOURCE_RIGHTS \
    (ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE | ZX_RIGHT_WRITE | ZX_RIGHT_INSPECT)

#define ZX_DEFAULT_SOCKET_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)

#define ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS (ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT)

#define ZX_DEFAULT_THREAD_RIGHTS                                                                     \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_DESTROY | ZX_RIGHT_SIGNAL |      \
     ZX_RIGHT_MANAGE_THREAD)

/** Writing to a timer is setting and cancelling it. */
#define ZX_DEFAULT_TIMER_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_WRITE | ZX_RIGHT_SIGNAL)

#define ZX_DEFAULT_VCPU_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_EXECUTE | ZX_RIGHT_SIGNAL)

#define ZX_DEFAULT_VMAR_RIGHTS (ZX_RIGHTS_BASIC & ~ZX_RIGHT_WAIT)

/** Late in 2018 a new VMO may still be executed. */
#define ZX_DEFAULT_VMO_RIGHTS                                                                        \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP |         \
     ZX_RIGHT_SIGNAL)

/* For most of 2018 this header brought the other types with it, and code leans on that. */
#include <zircon/types.h>

#endif /* ZIRCON_RIGHTS_H_ */
