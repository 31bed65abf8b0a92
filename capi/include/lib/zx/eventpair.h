/// @file
/// Event pairs: two events, each of which sees when the other is closed.

#ifndef LIB_ZX_EVENTPAIR_H_
#define LIB_ZX_EVENTPAIR_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>

namespace zx {

/// Owns a handle to one side of an event pair.
class eventpair final : public object<eventpair> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_EVENTPAIR;

  constexpr eventpair() noexcept = default;
  explicit constexpr eventpair(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit eventpair(handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit eventpair(object<U>&&) = delete;

  eventpair(eventpair&&) noexcept = default;
  eventpair& operator=(eventpair&&) noexcept = default;

  /// Makes a pair. `options` must be 0, and both owners own no handle after an error. `zx_eventpair_create`.
  static zx_status_t create(uint32_t options, eventpair* endpoint0, eventpair* endpoint1) noexcept {
    zx_handle_t value0 = ZX_HANDLE_INVALID;
    zx_handle_t value1 = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_eventpair_create(options, &value0, &value1);
    endpoint0->reset(value0);
    endpoint1->reset(value1);
    return status;
  }
};

/// Lends one.
using unowned_eventpair = unowned<eventpair>;

}  // namespace zx

#endif  // LIB_ZX_EVENTPAIR_H_
