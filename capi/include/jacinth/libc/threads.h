/**
 * @file
 * The system's threads.h and Fuchsia's additions: see jacinth/compat.h.
 */

#pragma GCC system_header

#include_next <threads.h>

#include <jacinth/compat.h>
