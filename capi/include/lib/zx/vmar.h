/// @file
/// Regions of address space.

#ifndef LIB_ZX_VMAR_H_
#define LIB_ZX_VMAR_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>
#include <lib/zx/vmo.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/process.h>

namespace zx {

/// Owns a handle to a region.
class vmar final : public object<vmar> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_VMAR;

  constexpr vmar() noexcept = default;
  explicit constexpr vmar(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit vmar(handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit vmar(object<U>&&) = delete;

  vmar(vmar&&) noexcept = default;
  vmar& operator=(vmar&&) noexcept = default;

  /// Lends the handle to the whole address space of this process. `zx_vmar_root_self`.
  ZX_NODISCARD static unowned<vmar> root_self() noexcept { return unowned<vmar>(zx_vmar_root_self()); }

  /// Maps `len` bytes of a VM object, from `vmo_offset` on. `ptr` gets the address. `zx_vmar_map`.
  zx_status_t map(size_t vmar_offset, const vmo& vmo_handle, uint64_t vmo_offset, size_t len, zx_vm_option_t options,
                  zx_vaddr_t* ptr) const noexcept {
    return zx_vmar_map(get(), options, vmar_offset, vmo_handle.get(), vmo_offset, len, ptr);
  }

  /// Unmaps what is mapped of VM objects in a range. `zx_vmar_unmap`.
  zx_status_t unmap(zx_vaddr_t address, size_t len) const noexcept { return zx_vmar_unmap(get(), address, len); }

  /// Changes the access to a range. `zx_vmar_protect`.
  zx_status_t protect(zx_vaddr_t address, size_t len, zx_vm_option_t options) const noexcept {
    return zx_vmar_protect(get(), options, address, len);
  }
};

/// Lends one.
using unowned_vmar = unowned<vmar>;

}  // namespace zx

#endif  // LIB_ZX_VMAR_H_
