/**
 * @file
 * The system's limits.h and Fuchsia's additions: see jacinth/compat.h.
 */

#pragma GCC system_header

#include_next <limits.h>

#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif
