/**
 * @file
 * Resources: parts of the machine that a program may use.
 *
 * For zx_resource_create(), which jacinth does not have, and zx_info_resource_t.
 */

#ifndef ZIRCON_SYSCALLS_RESOURCE_H_
#define ZIRCON_SYSCALLS_RESOURCE_H_

#include <zircon/compiler.h>

/* The kinds. */
#define ZX_RSRC_KIND_MMIO 0u
#define ZX_RSRC_KIND_IRQ 1u
#define ZX_RSRC_KIND_IOPORT 2u
#define ZX_RSRC_KIND_HYPERVISOR 3u
/** All of them, and more. */
#define ZX_RSRC_KIND_ROOT 4u
/** One more than the last. */
#define ZX_RSRC_KIND_COUNT 5u

/** No other resource may have a part of the range. */
#define ZX_RSRC_FLAG_EXCLUSIVE 0x00010000u
#define ZX_RSRC_FLAGS_MASK (ZX_RSRC_FLAG_EXCLUSIVE)

/* The two halves of the options of zx_resource_create(). */
#define ZX_RSRC_EXTRACT_KIND(x) ((x) & 0x0000FFFF)
#define ZX_RSRC_EXTRACT_FLAGS(x) ((x) & 0xFFFF0000)

#endif /* ZIRCON_SYSCALLS_RESOURCE_H_ */
