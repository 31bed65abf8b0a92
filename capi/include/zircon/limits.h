/**
 * @file
 * The size of a page, as Zircon has it on every machine.
 *
 * Zircon's sizes that are counted in pages are counted in these, independently of the pages of the Linux kernel. The
 * names of C's own limits.h, PAGE_SIZE among them, are left to it.
 */

#ifndef ZIRCON_LIMITS_H_
#define ZIRCON_LIMITS_H_

#include <stdint.h>

#define ZX_PAGE_SHIFT ((uint32_t)12u)
#define ZX_PAGE_SIZE ((uint32_t)(1u << ZX_PAGE_SHIFT))
#define ZX_PAGE_MASK (ZX_PAGE_SIZE - 1u)

#endif /* ZIRCON_LIMITS_H_ */
