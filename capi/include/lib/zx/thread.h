/// @file
/// Threads.

#ifndef LIB_ZX_THREAD_H_
#define LIB_ZX_THREAD_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>
#include <lib/zx/task.h>
#include <zircon/process.h>

namespace zx {

/// Owns a handle to a thread.
class thread final : public task<thread> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_THREAD;

  constexpr thread() noexcept = default;
  explicit constexpr thread(zx_handle_t value) noexcept : task(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit thread(handle&& other) noexcept : task(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit thread(object<U>&&) = delete;

  thread(thread&&) noexcept = default;
  thread& operator=(thread&&) noexcept = default;

  /// Lends the handle that the calling thread has to itself, which is closed when the thread ends. `zx_thread_self`.
  ZX_NODISCARD static unowned<thread> self() noexcept { return unowned<thread>(zx_thread_self()); }
};

/// Lends one.
using unowned_thread = unowned<thread>;

}  // namespace zx

#endif  // LIB_ZX_THREAD_H_
