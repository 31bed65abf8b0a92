/// @file
/// VM objects: memory that programs share by sending a handle.

#ifndef LIB_ZX_VMO_H_
#define LIB_ZX_VMO_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>
#include <stddef.h>
#include <stdint.h>

namespace zx {

/// Owns a handle to a VM object.
class vmo final : public object<vmo> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_VMO;

  constexpr vmo() noexcept = default;
  explicit constexpr vmo(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit vmo(handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit vmo(object<U>&&) = delete;

  vmo(vmo&&) noexcept = default;
  vmo& operator=(vmo&&) noexcept = default;

  /// Makes a VM object of `size` bytes, rounded up to whole pages. `options` is 0 or `ZX_VMO_NON_RESIZABLE`. `result` owns no
  /// handle after an error. `zx_vmo_create`.
  static zx_status_t create(uint64_t size, uint32_t options, vmo* result) noexcept {
    zx_handle_t value = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_vmo_create(size, options, &value);
    result->reset(value);
    return status;
  }

  /// Reads `len` bytes from `offset` on. `zx_vmo_read`.
  zx_status_t read(void* data, uint64_t offset, size_t len) const noexcept {
    return zx_vmo_read(get(), data, offset, len);
  }

  /// Writes `len` bytes from `offset` on. `zx_vmo_write`.
  zx_status_t write(const void* data, uint64_t offset, size_t len) const noexcept {
    return zx_vmo_write(get(), data, offset, len);
  }

  /// Clones `size` bytes from `offset` on. `result` owns no handle after an error. `zx_vmo_clone`.
  zx_status_t clone(uint32_t options, uint64_t offset, uint64_t size, vmo* result) const noexcept {
    zx_handle_t value = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_vmo_clone(get(), options, offset, size, &value);
    result->reset(value);
    return status;
  }

  /// Stores the size in bytes. `zx_vmo_get_size`.
  zx_status_t get_size(uint64_t* size) const noexcept { return zx_vmo_get_size(get(), size); }

  /// Sets the size, rounded up to whole pages. `zx_vmo_set_size`.
  zx_status_t set_size(uint64_t size) const noexcept { return zx_vmo_set_size(get(), size); }

  /// Does an operation on a range. `buffer` is not used. `zx_vmo_op_range`.
  zx_status_t op_range(uint32_t op, uint64_t offset, uint64_t size, void* buffer, size_t buffer_size) const noexcept {
    return zx_vmo_op_range(get(), op, offset, size, buffer, buffer_size);
  }
};

/// Lends one.
using unowned_vmo = unowned<vmo>;

}  // namespace zx

#endif  // LIB_ZX_VMO_H_
