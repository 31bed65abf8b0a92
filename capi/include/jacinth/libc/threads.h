/**
 * @file
 * The system's threads.h, with what Fuchsia's has beyond it: see jacinth/compat.h.
 */

#pragma GCC system_header

#include_next <threads.h>

#include <jacinth/compat.h>
