/**
 * @file
 * The information of zx_object_get_info(), and the properties that zx_object_get_property() and zx_object_set_property()
 * read and set: topics, their records, properties.
 *
 * Complete for Zircon's objects of late 2018. Which topics and properties jacinth has stands with the calls, in
 * zircon/syscalls.h.
 */

#ifndef ZIRCON_SYSCALLS_OBJECT_H_
#define ZIRCON_SYSCALLS_OBJECT_H_

#include <zircon/types.h>

__BEGIN_CDECLS

/*
 * Topics. After each, its record; [n] where there may be any number of them.
 */

/** The topics of zx_object_get_info(). */
typedef uint32_t zx_object_info_topic_t;

/** No topic. */
#define ZX_INFO_NONE ((zx_object_info_topic_t)0u)
/** No record: whether the handle is one. */
#define ZX_INFO_HANDLE_VALID ((zx_object_info_topic_t)1u)
/** zx_info_handle_basic_t: the handle and its object. */
#define ZX_INFO_HANDLE_BASIC ((zx_object_info_topic_t)2u)
/** zx_info_process_t: whether a process has started and ended. */
#define ZX_INFO_PROCESS ((zx_object_info_topic_t)3u)
/** zx_koid_t[n]: a process's threads. */
#define ZX_INFO_PROCESS_THREADS ((zx_object_info_topic_t)4u)
/** zx_info_vmar_t: where a region of an address space is. */
#define ZX_INFO_VMAR ((zx_object_info_topic_t)7u)
/** zx_koid_t[n]: the jobs in a job. */
#define ZX_INFO_JOB_CHILDREN ((zx_object_info_topic_t)8u)
/** zx_koid_t[n]: the processes in a job. */
#define ZX_INFO_JOB_PROCESSES ((zx_object_info_topic_t)9u)
/** zx_info_thread_t: the state of a thread. */
#define ZX_INFO_THREAD ((zx_object_info_topic_t)10u)
/** zx_exception_report_t: a thread's exception. */
#define ZX_INFO_THREAD_EXCEPTION_REPORT ((zx_object_info_topic_t)11u)
/** zx_info_task_stats_t: the memory of a process. */
#define ZX_INFO_TASK_STATS ((zx_object_info_topic_t)12u)
/** zx_info_maps_t[n]: the address space of a process. */
#define ZX_INFO_PROCESS_MAPS ((zx_object_info_topic_t)13u)
/** zx_info_vmo_t[n]: the VMOs that a process has handles to or has mapped. */
#define ZX_INFO_PROCESS_VMOS ((zx_object_info_topic_t)14u)
/** zx_info_thread_stats_t: how long a thread has run. */
#define ZX_INFO_THREAD_STATS ((zx_object_info_topic_t)15u)
/** zx_info_cpu_stats_t[n]: the work of the processors. */
#define ZX_INFO_CPU_STATS ((zx_object_info_topic_t)16u)
/** zx_info_kmem_stats_t: the machine's memory. */
#define ZX_INFO_KMEM_STATS ((zx_object_info_topic_t)17u)
/** zx_info_resource_t: the range of a resource. */
#define ZX_INFO_RESOURCE ((zx_object_info_topic_t)18u)
/** zx_info_handle_count_t: how many handles an object has. */
#define ZX_INFO_HANDLE_COUNT ((zx_object_info_topic_t)19u)
/** zx_info_bti_t: a bus transaction initiator. */
#define ZX_INFO_BTI ((zx_object_info_topic_t)20u)
/** zx_info_process_handle_stats_t: how many handles a process has, by type. */
#define ZX_INFO_PROCESS_HANDLE_STATS ((zx_object_info_topic_t)21u)
/** zx_info_socket_t: the buffers of a socket. */
#define ZX_INFO_SOCKET ((zx_object_info_topic_t)22u)
/** zx_info_vmo_t: a VMO. */
#define ZX_INFO_VMO ((zx_object_info_topic_t)23u)

/** The capabilities of an object. */
typedef uint32_t zx_obj_props_t;
#define ZX_OBJ_PROP_NONE ((zx_obj_props_t)0u)
/** It has signals that one can wait for. */
#define ZX_OBJ_PROP_WAITABLE ((zx_obj_props_t)1u)

/** ZX_INFO_HANDLE_BASIC. */
typedef struct zx_info_handle_basic {
    /** The object. Two handles with the same koid and the same rights cannot be told apart. */
    zx_koid_t koid;
    /** The rights of this handle. */
    zx_rights_t rights;
    /** The type of the object. */
    zx_obj_type_t type;
    /** The object at the other end, or a task's parent; ZX_KOID_INVALID where there is none. Never changes. */
    zx_koid_t related_koid;
    /** Its capabilities. */
    zx_obj_props_t props;
} zx_info_handle_basic_t;

/** ZX_INFO_HANDLE_COUNT. */
typedef struct zx_info_handle_count {
    /** Handles of all processes, those in messages included. */
    uint32_t handle_count;
} zx_info_handle_count_t;

/** ZX_INFO_PROCESS_HANDLE_STATS. */
typedef struct zx_info_process_handle_stats {
    /** By ZX_OBJ_TYPE_*. */
    uint32_t handle_count[64];
} zx_info_process_handle_stats_t;

/** ZX_INFO_PROCESS. */
typedef struct zx_info_process {
    /** The exit code of a process that has ended. */
    int64_t return_code;
    /** It has run. */
    bool started;
    /** It has ended. */
    bool exited;
    /** A debugger watches it. */
    bool debugger_attached;
} zx_info_process_t;

/** The state of a thread: a ZX_THREAD_STATE_*. */
typedef uint32_t zx_thread_state_t;

/** ZX_INFO_THREAD. */
typedef struct zx_info_thread {
    zx_thread_state_t state;
    /** In ZX_THREAD_STATE_BLOCKED_EXCEPTION, the port that must answer: a ZX_EXCEPTION_PORT_TYPE_*. */
    uint32_t wait_exception_port_type;
} zx_info_thread_t;

/** ZX_INFO_THREAD_STATS. */
typedef struct zx_info_thread_stats {
    zx_duration_t total_runtime;
} zx_info_thread_stats_t;

/** ZX_INFO_TASK_STATS. All but the first count memory that is really there. */
typedef struct zx_info_task_stats {
    size_t mem_mapped_bytes;
    /** Mapped here alone. */
    size_t mem_private_bytes;
    /** Mapped elsewhere too. */
    size_t mem_shared_bytes;
    /** Of that this task's share: each byte divided by the number of tasks that map it. */
    size_t mem_scaled_shared_bytes;
} zx_info_task_stats_t;

/** ZX_INFO_VMAR. */
typedef struct zx_info_vmar {
    uintptr_t base;
    /** In bytes. */
    size_t len;
} zx_info_vmar_t;

/** ZX_INFO_BTI. */
typedef struct zx_info_bti {
    /** The least number of contiguous bytes of pinned memory. */
    uint64_t minimum_contiguity;
    /** The bytes of the device's address space; UINT64_MAX for all 64 bits. */
    uint64_t aspace_size;
} zx_info_bti_t;

/** ZX_INFO_SOCKET. */
typedef struct zx_info_socket {
    /** As zx_socket_create() got them. */
    uint32_t options;
    /** The most bytes that may wait to be read here; fewer where they come with overhead. */
    size_t rx_buf_max;
    /** How many bytes wait to be read here. */
    size_t rx_buf_size;
    /** How many of them one zx_socket_read() can give: of a datagram socket, those of the next datagram. */
    size_t rx_buf_available;
    /** The most bytes that may wait at the other end; 0 once that is closed. */
    size_t tx_buf_max;
    /** How many bytes wait at the other end; 0 once that is closed. */
    size_t tx_buf_size;
} zx_info_socket_t;

/** In zx_info_maps_t: a mapping. */
typedef struct zx_info_maps_mapping {
    /** ZX_VM_PERM_*. */
    zx_vm_option_t mmu_flags;
    zx_koid_t vmo_koid;
    uint64_t vmo_offset;
    /** Pages of ZX_PAGE_SIZE that are there. */
    size_t committed_pages;
} zx_info_maps_mapping_t;

/** The kind of a node of an address space. */
typedef uint32_t zx_info_maps_type_t;
#define ZX_INFO_MAPS_TYPE_NONE ((zx_info_maps_type_t)0u)
#define ZX_INFO_MAPS_TYPE_ASPACE ((zx_info_maps_type_t)1u)
#define ZX_INFO_MAPS_TYPE_VMAR ((zx_info_maps_type_t)2u)
#define ZX_INFO_MAPS_TYPE_MAPPING ((zx_info_maps_type_t)3u)

/** ZX_INFO_PROCESS_MAPS: a node of the tree, each before its children. */
typedef struct zx_info_maps {
    char name[ZX_MAX_NAME_LEN];
    zx_vaddr_t base;
    /** In bytes. */
    size_t size;
    /** How far from the root. */
    size_t depth;
    zx_info_maps_type_t type;
    union {
        /** For ZX_INFO_MAPS_TYPE_MAPPING. */
        zx_info_maps_mapping_t mapping;
    } u;
} zx_info_maps_t;

/** zx_info_vmo_t: made of the machine's memory, page by page. */
#define ZX_INFO_VMO_TYPE_PAGED (1u << 0)
/** zx_info_vmo_t: a piece of the physical address space. */
#define ZX_INFO_VMO_TYPE_PHYSICAL (0u << 0)
/** Which of the two. */
#define ZX_INFO_VMO_TYPE(flags) ((flags) & (1u << 0))
/** zx_info_vmo_t: a clone, copied as it is written. */
#define ZX_INFO_VMO_IS_COW_CLONE (1u << 2)
/** zx_info_vmo_t: the process has a handle to it. */
#define ZX_INFO_VMO_VIA_HANDLE (1u << 3)
/** zx_info_vmo_t: the process has mapped it. */
#define ZX_INFO_VMO_VIA_MAPPING (1u << 4)

/** ZX_INFO_VMO and ZX_INFO_PROCESS_VMOS. */
typedef struct zx_info_vmo {
    zx_koid_t koid;
    char name[ZX_MAX_NAME_LEN];
    uint64_t size_bytes;
    /** The VMO of which this one is a clone. */
    zx_koid_t parent_koid;
    /** How many clones it has. */
    size_t num_children;
    /** How many times it is mapped. */
    size_t num_mappings;
    /** In how many address spaces, roughly. */
    size_t share_count;
    /** ZX_INFO_VMO_*. */
    uint32_t flags;
    /** The memory it takes, if it is paged. */
    uint64_t committed_bytes;
    /** With ZX_INFO_VMO_VIA_HANDLE: the rights of the handle. */
    zx_rights_t handle_rights;
    /** Bit 0: its size may change; bit 1: it is contiguous. */
    uint32_t create_options;
    /** ZX_CACHE_POLICY_*. */
    uint32_t cache_policy;
} zx_info_vmo_t;

/** zx_info_cpu_stats_t: the processor is in use. */
#define ZX_INFO_CPU_STATS_FLAG_ONLINE (1u << 0)

/** ZX_INFO_CPU_STATS. */
typedef struct zx_info_cpu_stats {
    uint32_t cpu_number;
    /** ZX_INFO_CPU_STATS_FLAG_*. */
    uint32_t flags;
    zx_duration_t idle_time;
    uint64_t reschedules;
    uint64_t context_switches;
    uint64_t irq_preempts;
    uint64_t preempts;
    uint64_t yields;
    /** Of devices alone. */
    uint64_t ints;
    uint64_t timer_ints;
    uint64_t timers;
    /** Always 0. */
    uint64_t page_faults;
    /** Always 0. */
    uint64_t exceptions;
    uint64_t syscalls;
    uint64_t reschedule_ipis;
    uint64_t generic_ipis;
} zx_info_cpu_stats_t;

/** ZX_INFO_KMEM_STATS. */
typedef struct zx_info_kmem_stats {
    uint64_t total_bytes;
    uint64_t free_bytes;
    /** The kernel's own, from its start. */
    uint64_t wired_bytes;
    /** The kernel's heap. */
    uint64_t total_heap_bytes;
    /** Of that unused. */
    uint64_t free_heap_bytes;
    /** All VMOs: the memory of all programs, and more. */
    uint64_t vmo_bytes;
    /** Page tables. */
    uint64_t mmu_overhead_bytes;
    /** Messages. */
    uint64_t ipc_bytes;
    /** All other memory. */
    uint64_t other_bytes;
} zx_info_kmem_stats_t;

/** ZX_INFO_RESOURCE. */
typedef struct zx_info_resource {
    uint32_t kind;
    uint32_t flags;
    uint64_t base;
    size_t size;
    char name[ZX_MAX_NAME_LEN];
} zx_info_resource_t;

/*
 * Properties.
 */

/** char[ZX_MAX_NAME_LEN]: the object's name, for people. */
#define ZX_PROP_NAME ((uint32_t)3u)

#if defined(__x86_64__)
/** uintptr_t: a thread's GS base. */
#define ZX_PROP_REGISTER_GS ((uint32_t)2u)
/** uintptr_t: a thread's FS base. */
#define ZX_PROP_REGISTER_FS ((uint32_t)4u)
#endif

/** uintptr_t: where the dynamic linker's list of a process is, for debuggers. */
#define ZX_PROP_PROCESS_DEBUG_ADDR ((uint32_t)5u)
/** Set as that at the start, it has the dynamic linker stop for the debugger. */
#define ZX_PROCESS_DEBUG_ADDR_BREAK_ON_SET ((uintptr_t)1u)
/** uintptr_t: where the vDSO of a process is, or 0. */
#define ZX_PROP_PROCESS_VDSO_BASE_ADDRESS ((uint32_t)6u)

/* size_t: how many unread bytes, and room for how many, assert the threshold signals of a socket. */
#define ZX_PROP_SOCKET_RX_THRESHOLD 12u
#define ZX_PROP_SOCKET_TX_THRESHOLD 13u

/** size_t: whether a job is to end when memory runs out. */
#define ZX_PROP_JOB_KILL_ON_OOM 15u

/*
 * States of a thread.
 */

#define ZX_THREAD_STATE_NEW ((zx_thread_state_t)0x0000u)
#define ZX_THREAD_STATE_RUNNING ((zx_thread_state_t)0x0001u)
#define ZX_THREAD_STATE_SUSPENDED ((zx_thread_state_t)0x0002u)
/** Never by itself: one of those below says why. */
#define ZX_THREAD_STATE_BLOCKED ((zx_thread_state_t)0x0003u)
#define ZX_THREAD_STATE_DYING ((zx_thread_state_t)0x0004u)
#define ZX_THREAD_STATE_DEAD ((zx_thread_state_t)0x0005u)

#define ZX_THREAD_STATE_BLOCKED_EXCEPTION ((zx_thread_state_t)0x0103u)
#define ZX_THREAD_STATE_BLOCKED_SLEEPING ((zx_thread_state_t)0x0203u)
#define ZX_THREAD_STATE_BLOCKED_FUTEX ((zx_thread_state_t)0x0303u)
#define ZX_THREAD_STATE_BLOCKED_PORT ((zx_thread_state_t)0x0403u)
#define ZX_THREAD_STATE_BLOCKED_CHANNEL ((zx_thread_state_t)0x0503u)
#define ZX_THREAD_STATE_BLOCKED_WAIT_ONE ((zx_thread_state_t)0x0603u)
#define ZX_THREAD_STATE_BLOCKED_WAIT_MANY ((zx_thread_state_t)0x0703u)
#define ZX_THREAD_STATE_BLOCKED_INTERRUPT ((zx_thread_state_t)0x0803u)

/** The state without why: ZX_THREAD_STATE_BLOCKED for all of those. */
#define ZX_THREAD_STATE_BASIC(n) ((n) & 0xff)

__END_CDECLS

#endif /* ZIRCON_SYSCALLS_OBJECT_H_ */
