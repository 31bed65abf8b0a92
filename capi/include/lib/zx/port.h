/// @file
/// Ports: one place where a thread waits for any number of objects, and for packets of the program's own.

#ifndef LIB_ZX_PORT_H_
#define LIB_ZX_PORT_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>
#include <lib/zx/time.h>
#include <zircon/syscalls/port.h>

namespace zx {

/// Owns a handle to a port. `wait_async` of every other owner sends packets to it.
class port final : public object<port> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_PORT;

  constexpr port() noexcept = default;
  explicit constexpr port(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit port(handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit port(object<U>&&) = delete;

  port(port&&) noexcept = default;
  port& operator=(port&&) noexcept = default;

  /// Makes a port. `result` owns no handle after an error. `zx_port_create`.
  static zx_status_t create(uint32_t options, port* result) noexcept {
    zx_handle_t value = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_port_create(options, &value);
    result->reset(value);
    return status;
  }

  /// Queues a packet of `ZX_PKT_TYPE_USER`. `zx_port_queue`.
  zx_status_t queue(const zx_port_packet_t* packet) const noexcept { return zx_port_queue(get(), packet); }

  /// Waits for the next packet, or until `deadline`. `zx_port_wait`.
  zx_status_t wait(time deadline, zx_port_packet_t* packet) const noexcept {
    return zx_port_wait(get(), deadline.get(), packet);
  }

  /// Ends the waits of `source` with this key, and removes their packets. `zx_port_cancel`.
  zx_status_t cancel(const object_base& source, uint64_t key) const noexcept {
    return zx_port_cancel(get(), source.get(), key);
  }
};

/// Lends one.
using unowned_port = unowned<port>;

}  // namespace zx

#endif  // LIB_ZX_PORT_H_
