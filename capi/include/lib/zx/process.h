/// @file
/// Processes.

#ifndef LIB_ZX_PROCESS_H_
#define LIB_ZX_PROCESS_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>
#include <lib/zx/task.h>
#include <zircon/process.h>

namespace zx {

/// Owns a handle to a process.
class process final : public task<process> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_PROCESS;

  constexpr process() noexcept = default;
  explicit constexpr process(zx_handle_t value) noexcept : task(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit process(handle&& other) noexcept : task(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit process(object<U>&&) = delete;

  process(process&&) noexcept = default;
  process& operator=(process&&) noexcept = default;

  /// Lends the handle that this process has to itself. `zx_process_self`.
  ZX_NODISCARD static unowned<process> self() noexcept { return unowned<process>(zx_process_self()); }
};

/// Lends one.
using unowned_process = unowned<process>;

}  // namespace zx

#endif  // LIB_ZX_PROCESS_H_
