/// @file
/// All of jacinth for C++: the owners of `lib/zx/`, functions over them for the calls that Zircon does not have, and owners of
/// messages and buffers that are filled and read in place.
///
/// C++17; it compiles as C++14 too. No function throws, none needs exceptions or run-time type information, and a program
/// links only libjacinth.

#ifndef JACINTH_HPP_
#define JACINTH_HPP_

#include <jacinth.h>
#include <lib/zx/channel.h>
#include <lib/zx/event.h>
#include <lib/zx/eventpair.h>
#include <lib/zx/fifo.h>
#include <lib/zx/handle.h>
#include <lib/zx/job.h>
#include <lib/zx/object.h>
#include <lib/zx/port.h>
#include <lib/zx/process.h>
#include <lib/zx/socket.h>
#include <lib/zx/task.h>
#include <lib/zx/thread.h>
#include <lib/zx/time.h>
#include <lib/zx/timer.h>
#include <lib/zx/vmar.h>
#include <lib/zx/vmo.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <zircon/errors.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/types.h>

namespace jacinth {

/// Starts a program in the arena and gives it `startup`, which is consumed also after an error. `jacinth_spawn`.
inline zx_status_t spawn(const char* program, char* const argv[], char* const envp[], zx::handle startup,
                         pid_t* pid) noexcept {
  return jacinth_spawn(program, argv, envp, startup.release(), pid);
}

/// Prepares a seat in the arena for a program that another one starts, with `startup` for it, which is consumed also after an
/// error. `jacinth_prepare`.
inline zx_status_t prepare(zx::handle startup, jacinth_seat_t* seat) noexcept {
  return jacinth_prepare(startup.release(), seat);
}

/// Serves a name in this process's directory. `jacinth_serve`.
inline zx_status_t serve(const char* name, zx::time deadline, zx::handle* listener) noexcept {
  return jacinth_serve(name, deadline.get(), listener->reset_and_get_address());
}

/// Connects to the server of a name in this process's directory. `jacinth_connect`.
inline zx_status_t connect(const char* name, zx::time deadline, zx::channel* channel) noexcept {
  return jacinth_connect(name, deadline.get(), channel->reset_and_get_address());
}

/// Takes the oldest channel out of a listener's queue. `jacinth_accept`.
inline zx_status_t accept(const zx::handle& listener, zx::channel* channel) noexcept {
  return jacinth_accept(listener.get(), channel->reset_and_get_address());
}

/// Sets this process's directory, which is consumed also after an error. `jacinth_set_directory`.
inline zx_status_t set_directory(zx::handle directory) noexcept { return jacinth_set_directory(directory.release()); }

/// Stores the status of a spawned program. `jacinth_spawn_status`.
inline zx_status_t spawn_status(pid_t pid, jacinth_spawn_status_t* status) noexcept {
  return jacinth_spawn_status(pid, status);
}

/// Sets how long this process waits for an answer of the supervisor. `jacinth_set_supervisor_timeout`.
inline void set_supervisor_timeout(zx::duration at_most) noexcept { jacinth_set_supervisor_timeout(at_most.get()); }

/// Takes this process's startup handle; an invalid one if it has none or has taken it. `zx_take_startup_handle`.
ZX_NODISCARD inline zx::handle take_startup_handle(uint32_t hnd_info = PA_HND(PA_USER0, 0)) noexcept {
  return zx::handle(zx_take_startup_handle(hnd_info));
}

/// Whether a write or call with this status has left its handles with the caller. Successes and most errors consume them, as
/// in Zircon; the three exceptions are errors that only jacinth has.
constexpr bool leaves_handles(zx_status_t status) noexcept {
  return status == ZX_ERR_SHOULD_WAIT || status == ZX_ERR_NO_RESOURCES || status == ZX_ERR_BAD_STATE;
}

namespace internal {

/// Runs a call that consumes handles by their values, and takes them from their owners, unless it has left them.
template <typename Call>
zx_status_t consume(zx::handle* handles, uint32_t num_handles, Call call) noexcept {
  zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES] = {};
  const bool fits = num_handles <= ZX_CHANNEL_MAX_MSG_HANDLES;
  for (uint32_t i = 0; fits && i < num_handles; ++i) {
    values[i] = handles[i].get();
  }
  const zx_status_t status = fits ? call(values) : zx_status_t{ZX_ERR_OUT_OF_RANGE};
  if (!fits) {
    // The call consumes the handles also when there are too many.
    for (uint32_t i = 0; i < num_handles; ++i) {
      handles[i].reset();
    }
  } else if (!leaves_handles(status)) {
    for (uint32_t i = 0; i < num_handles; ++i) {
      static_cast<void>(handles[i].release());
    }
  }
  return status;
}

}  // namespace internal

/// Writes a message whose handles have owners. The owners are empty afterwards, unless the channel or a quota is full: then
/// they keep their handles. No handle leaks and none is closed twice. `zx_channel_write`.
inline zx_status_t write(const zx::channel& channel, const void* bytes, uint32_t num_bytes, zx::handle* handles,
                         uint32_t num_handles) noexcept {
  return internal::consume(handles, num_handles, [&](const zx_handle_t* values) noexcept {
    return channel.write(0, bytes, num_bytes, values, num_handles);
  });
}

/// Reads the next message into owners of its handles. Further owners keep their handles, and so do all after an error.
/// `zx_channel_read`.
inline zx_status_t read(const zx::channel& channel, void* bytes, uint32_t num_bytes, uint32_t* actual_bytes,
                        zx::handle* handles, uint32_t num_handles, uint32_t* actual_handles) noexcept {
  zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES] = {};
  const uint32_t room = num_handles < ZX_CHANNEL_MAX_MSG_HANDLES ? num_handles : ZX_CHANNEL_MAX_MSG_HANDLES;
  uint32_t received = 0;
  const zx_status_t status = channel.read(0, bytes, num_bytes, actual_bytes, values, room, &received);
  for (uint32_t i = 0; status == ZX_OK && i < received; ++i) {
    handles[i].reset(values[i]);
  }
  if (actual_handles != nullptr) {
    *actual_handles = received;
  }
  return status;
}

/// Owns memory of the arena that was lent to this process: one of C's structures of `jacinth/in_place.h`. It is a contiguous
/// range of bytes, so that in C++20 it converts to a `std::span`.
template <typename Structure, typename Byte, zx_status_t (*End)(Structure*)>
class lent {
 public:
  lent(const lent&) = delete;
  lent& operator=(const lent&) = delete;

  /// Whether there is any memory.
  explicit operator bool() const noexcept { return value_.id != 0; }

  /// The bytes, which stay where they are when this is moved.
  Byte* data() const noexcept { return static_cast<Byte*>(value_.data); }
  size_t size() const noexcept { return value_.num_bytes; }
  Byte* begin() const noexcept { return data(); }
  Byte* end() const noexcept { return data() + size(); }

  /// Gives the memory back.
  void reset() noexcept { static_cast<void>(End(&value_)); }

  /// Gives the memory back, and returns the address at which a C function may store other memory, which this owns then.
  Structure* reset_and_get_address() noexcept {
    reset();
    return &value_;
  }

 protected:
  constexpr lent() noexcept = default;
  lent(lent&& other) noexcept : value_(other.value_) { other.value_ = {}; }
  lent& operator=(lent&& other) noexcept {
    if (this != &other) {
      reset();
      value_ = other.value_;
      other.value_ = {};
    }
    return *this;
  }
  ~lent() { reset(); }

  Structure value_ = {};
};

/// Room for a message, to be filled in place. Its destructor sends nothing. The owner of its channel must live longer.
class loan final : public lent<jacinth_loan_t, uint8_t, jacinth_loan_cancel> {
 public:
  /// Sends the message. The loan is gone, also after an error. `jacinth_loan_commit`.
  zx_status_t commit() noexcept { return commit(nullptr, 0); }

  /// The same, with handles that have owners. The owners are empty afterwards, unless a quota is full: then they keep their
  /// handles.
  zx_status_t commit(zx::handle* handles, uint32_t num_handles) noexcept {
    const zx_status_t status = internal::consume(handles, num_handles, [&](const zx_handle_t* values) noexcept {
      return jacinth_loan_commit(&value_, values, num_handles);
    });
    // There were too many handles for the call.
    reset();
    return status;
  }
};

/// Stores room for a message of so many bytes and handles, zeroed unless `options` is JACINTH_UNINITIALIZED. `result` has no loan
/// after an error. `jacinth_channel_reserve`.
inline zx_status_t reserve(const zx::channel& channel, size_t num_bytes, uint32_t num_handles, uint32_t options,
                           loan* result) noexcept {
  return jacinth_channel_reserve(channel.get(), num_bytes, num_handles, options, result->reset_and_get_address());
}

/// A message that is read where it lies. Its destructor consumes it, and closes its handles. The owner of its channel must live
/// longer.
class message final : public lent<jacinth_message_t, const uint8_t, jacinth_message_release> {
 public:
  /// How many handles came with it.
  uint32_t num_handles() const noexcept { return value_.num_handles; }

  /// Consumes the message. The first `num_handles()` owners get its handles. `jacinth_message_finish`.
  zx_status_t finish(zx::handle* handles, uint32_t room) noexcept {
    zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES] = {};
    const uint32_t received = num_handles();
    const uint32_t most = room < ZX_CHANNEL_MAX_MSG_HANDLES ? room : ZX_CHANNEL_MAX_MSG_HANDLES;
    const zx_status_t status = jacinth_message_finish(&value_, values, most);
    for (uint32_t i = 0; status == ZX_OK && i < received; ++i) {
      handles[i].reset(values[i]);
    }
    return status;
  }
};

/// Reads the next message where it lies. `result` has no message after an error. `jacinth_channel_read_in_place`.
inline zx_status_t read_in_place(const zx::channel& channel, message* result) noexcept {
  return jacinth_channel_read_in_place(channel.get(), 0, result->reset_and_get_address());
}

/// The bytes of a buffer, in place. They outlive its handles. Its destructor ends the view.
class buffer_view final : public lent<jacinth_buffer_view_t, const uint8_t, jacinth_buffer_view_release> {};

/// Owns a handle to a buffer: bytes that were written once, and are read in place by all who get a handle.
class buffer final : public zx::object<buffer> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = JACINTH_OBJ_TYPE_BUFFER;

  constexpr buffer() noexcept = default;
  explicit constexpr buffer(zx_handle_t value) noexcept : object(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit buffer(zx::handle&& other) noexcept : object(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit buffer(zx::object<U>&&) = delete;

  buffer(buffer&&) noexcept = default;
  buffer& operator=(buffer&&) noexcept = default;

  /// The size in bytes. `jacinth_buffer_get_size`.
  zx_status_t get_size(size_t* size) const noexcept { return jacinth_buffer_get_size(get(), size); }

  /// Stores a view of the bytes. `result` has none after an error. `jacinth_buffer_view`.
  zx_status_t view(buffer_view* result) const noexcept {
    return jacinth_buffer_view(get(), result->reset_and_get_address());
  }
};

/// Lends one.
using unowned_buffer = zx::unowned<buffer>;

/// A buffer that is being filled. Its destructor discards it.
class buffer_mut final : public lent<jacinth_buffer_mut_t, uint8_t, jacinth_buffer_discard> {
 public:
  /// Makes a buffer of so many bytes, zeroed unless `options` is JACINTH_UNINITIALIZED. `result` has none after an error.
  /// `jacinth_buffer_create`.
  static zx_status_t create(size_t num_bytes, uint32_t options, buffer_mut* result) noexcept {
    return jacinth_buffer_create(num_bytes, options, result->reset_and_get_address());
  }

  /// Ends the filling. `jacinth_buffer_freeze`.
  zx_status_t freeze(buffer* result) noexcept {
    return jacinth_buffer_freeze(&value_, result->reset_and_get_address());
  }
};

/// Makes a buffer for a message through `channel`, whose WRITABLE can then be waited for. `result` has none after an error.
/// `jacinth_channel_reserve_buffer`.
inline zx_status_t reserve_buffer(const zx::channel& channel, size_t num_bytes, uint32_t options,
                                  buffer_mut* result) noexcept {
  return jacinth_channel_reserve_buffer(channel.get(), num_bytes, options, result->reset_and_get_address());
}

}  // namespace jacinth

#endif  // JACINTH_HPP_
