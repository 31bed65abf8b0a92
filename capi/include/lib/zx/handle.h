/// @file
/// A handle to an object of any type.

#ifndef LIB_ZX_HANDLE_H_
#define LIB_ZX_HANDLE_H_

#include <lib/zx/object.h>

namespace zx {

/// Owns a handle to an object of any type, such as comes out of a channel.
using handle = object<void>;

/// Lends one.
using unowned_handle = unowned<handle>;

}  // namespace zx

#endif  // LIB_ZX_HANDLE_H_
