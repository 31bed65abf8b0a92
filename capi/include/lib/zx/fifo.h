/// @file
/// Fifos: two queues of elements of one size.

#ifndef LIB_ZX_FIFO_H_
#define LIB_ZX_FIFO_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>
#include <stddef.h>
#include <stdint.h>

namespace zx {

/// Owns a handle to one end of a fifo.
class fifo final : public object<fifo> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_FIFO;

  constexpr fifo() noexcept = default;
  explicit constexpr fifo(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit fifo(handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit fifo(object<U>&&) = delete;

  fifo(fifo&&) noexcept = default;
  fifo& operator=(fifo&&) noexcept = default;

  /// Makes a fifo for `elem_count` elements of `elem_size` bytes each way. `options` must be 0, and both owners own no handle
  /// after an error. `zx_fifo_create`.
  static zx_status_t create(uint32_t elem_count, uint32_t elem_size, uint32_t options, fifo* endpoint0,
                            fifo* endpoint1) noexcept {
    zx_handle_t value0 = ZX_HANDLE_INVALID;
    zx_handle_t value1 = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_fifo_create(elem_count, elem_size, options, &value0, &value1);
    endpoint0->reset(value0);
    endpoint1->reset(value1);
    return status;
  }

  /// Writes up to `count` elements. `actual_count`, optional, gets how many. `zx_fifo_write`.
  zx_status_t write(size_t elem_size, const void* data, size_t count, size_t* actual_count) const noexcept {
    return zx_fifo_write(get(), elem_size, data, count, actual_count);
  }

  /// Reads up to `count` elements. `actual_count`, optional, gets how many. `zx_fifo_read`.
  zx_status_t read(size_t elem_size, void* data, size_t count, size_t* actual_count) const noexcept {
    return zx_fifo_read(get(), elem_size, data, count, actual_count);
  }
};

/// Lends one.
using unowned_fifo = unowned<fifo>;

}  // namespace zx

#endif  // LIB_ZX_FIFO_H_
