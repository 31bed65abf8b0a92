/// @file
/// Timers: a signal that is raised from a point in time on.

#ifndef LIB_ZX_TIMER_H_
#define LIB_ZX_TIMER_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>
#include <lib/zx/time.h>

namespace zx {

/// Owns a handle to a timer.
class timer final : public object<timer> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_TIMER;

  constexpr timer() noexcept = default;
  explicit constexpr timer(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit timer(handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit timer(object<U>&&) = delete;

  timer(timer&&) noexcept = default;
  timer& operator=(timer&&) noexcept = default;

  /// Makes a timer that is not set. `options` is a mode of slack, `clock_id` must be `ZX_CLOCK_MONOTONIC`, and `result` owns
  /// no handle after an error. `zx_timer_create`.
  static zx_status_t create(uint32_t options, zx_clock_t clock_id, timer* result) noexcept {
    return zx_timer_create(options, clock_id, result->reset_and_get_address());
  }

  /// Raises `ZX_TIMER_SIGNALED` from `deadline` on. `zx_timer_set`.
  zx_status_t set(time deadline, duration slack) const noexcept {
    return zx_timer_set(get(), deadline.get(), slack.get());
  }

  /// Stops it, and clears `ZX_TIMER_SIGNALED`. `zx_timer_cancel`.
  zx_status_t cancel() const noexcept { return zx_timer_cancel(get()); }
};

/// Lends one.
using unowned_timer = unowned<timer>;

}  // namespace zx

#endif  // LIB_ZX_TIMER_H_
