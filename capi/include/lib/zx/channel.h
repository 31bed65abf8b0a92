/// @file
/// Channels: messages of bytes and handles, both ways.

#ifndef LIB_ZX_CHANNEL_H_
#define LIB_ZX_CHANNEL_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>

namespace zx {

/// Owns one end of a channel.
class channel final : public object<channel> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_CHANNEL;

  constexpr channel() noexcept = default;
  explicit constexpr channel(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit channel(handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit channel(object<U>&&) = delete;

  channel(channel&&) noexcept = default;
  channel& operator=(channel&&) noexcept = default;

  /// Makes a channel. `flags` must be 0, and both owners own no handle after an error. `zx_channel_create`.
  static zx_status_t create(uint32_t flags, channel* endpoint0, channel* endpoint1) noexcept {
    zx_handle_t value0 = ZX_HANDLE_INVALID;
    zx_handle_t value1 = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_channel_create(flags, &value0, &value1);
    endpoint0->reset(value0);
    endpoint1->reset(value1);
    return status;
  }

  /// Reads the next message. The caller owns the handles. `zx_channel_read`, with its arguments in libzx's
  /// order.
  zx_status_t read(uint32_t flags, void* bytes, uint32_t num_bytes, uint32_t* actual_bytes, zx_handle_t* handles,
                   uint32_t num_handles, uint32_t* actual_handles) const noexcept {
    return zx_channel_read(get(), flags, bytes, handles, num_bytes, num_handles, actual_bytes, actual_handles);
  }

  /// The same, each handle with its type and rights. `zx_channel_read_etc`.
  zx_status_t read_etc(uint32_t flags, void* bytes, uint32_t num_bytes, uint32_t* actual_bytes,
                       zx_handle_info_t* handles, uint32_t num_handles, uint32_t* actual_handles) const noexcept {
    return zx_channel_read_etc(get(), flags, bytes, handles, num_bytes, num_handles, actual_bytes, actual_handles);
  }

  /// Writes a message. The handles are gone on success and on most errors; `zx_channel_write` says which leave them.
  zx_status_t write(uint32_t flags, const void* bytes, uint32_t num_bytes, const zx_handle_t* handles,
                    uint32_t num_handles) const noexcept {
    return zx_channel_write(get(), flags, bytes, num_bytes, handles, num_handles);
  }

  /// Writes a message, its first four bytes replaced by a fresh transaction id, and waits for the one that brings it
  /// back. `zx_channel_call`.
  zx_status_t call(uint32_t flags, time deadline, const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                   uint32_t* actual_handles) const noexcept {
    return zx_channel_call(get(), flags, deadline.get(), args, actual_bytes, actual_handles);
  }
};

/// Lends one.
using unowned_channel = unowned<channel>;

}  // namespace zx

#endif  // LIB_ZX_CHANNEL_H_
