/// @file
/// Sockets: bytes or datagrams between two ends, with room that is limited.

#ifndef LIB_ZX_SOCKET_H_
#define LIB_ZX_SOCKET_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>
#include <stddef.h>
#include <stdint.h>

namespace zx {

/// Owns a handle to one end of a socket.
class socket final : public object<socket> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_SOCKET;

  constexpr socket() noexcept = default;
  explicit constexpr socket(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit socket(handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit socket(object<U>&&) = delete;

  socket(socket&&) noexcept = default;
  socket& operator=(socket&&) noexcept = default;

  /// Makes a socket. `flags` is `ZX_SOCKET_STREAM` or `ZX_SOCKET_DATAGRAM`, with `ZX_SOCKET_HAS_CONTROL` and
  /// `ZX_SOCKET_HAS_ACCEPT`. Both owners own no handle after an error. `zx_socket_create`.
  static zx_status_t create(uint32_t flags, socket* endpoint0, socket* endpoint1) noexcept {
    zx_handle_t value0 = ZX_HANDLE_INVALID;
    zx_handle_t value1 = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_socket_create(flags, &value0, &value1);
    endpoint0->reset(value0);
    endpoint1->reset(value1);
    return status;
  }

  /// Writes up to `len` bytes, or a datagram of `len` bytes. `actual`, optional, gets how many. `zx_socket_write`.
  zx_status_t write(uint32_t flags, const void* buffer, size_t len, size_t* actual) const noexcept {
    return zx_socket_write(get(), flags, buffer, len, actual);
  }

  /// Reads up to `len` bytes, or a datagram. `actual`, optional, gets how many. `zx_socket_read`.
  zx_status_t read(uint32_t flags, void* buffer, size_t len, size_t* actual) const noexcept {
    return zx_socket_read(get(), flags, buffer, len, actual);
  }

  /// Sends another socket over this one. `socket_to_share` owns no handle afterwards. `zx_socket_share`.
  zx_status_t share(socket socket_to_share) const noexcept {
    return zx_socket_share(get(), socket_to_share.release());
  }

  /// Receives another socket over this one. `out_socket` owns no handle after an error. `zx_socket_accept`.
  zx_status_t accept(socket* out_socket) const noexcept {
    zx_handle_t value = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_socket_accept(get(), &value);
    out_socket->reset(value);
    return status;
  }

  /// Ends writing, reading, or both: `ZX_SOCKET_SHUTDOWN_WRITE`, `ZX_SOCKET_SHUTDOWN_READ`. `zx_socket_shutdown`.
  zx_status_t shutdown(uint32_t flags) const noexcept { return zx_socket_shutdown(get(), flags); }
};

/// Lends one.
using unowned_socket = unowned<socket>;

}  // namespace zx

#endif  // LIB_ZX_SOCKET_H_
