/// @file
/// Events: a set of signals to raise and wait for.

#ifndef LIB_ZX_EVENT_H_
#define LIB_ZX_EVENT_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>

namespace zx {

/// Owns a handle to an event.
class event final : public object<event> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_EVENT;

  constexpr event() noexcept = default;
  explicit constexpr event(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit event(handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit event(object<U>&&) = delete;

  event(event&&) noexcept = default;
  event& operator=(event&&) noexcept = default;

  /// Makes an event. `options` must be 0, and `result` owns no handle after an error. `zx_event_create`.
  static zx_status_t create(uint32_t options, event* result) noexcept {
    return zx_event_create(options, result->reset_and_get_address());
  }
};

/// Lends one.
using unowned_event = unowned<event>;

}  // namespace zx

#endif  // LIB_ZX_EVENT_H_
