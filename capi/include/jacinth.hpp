/// @file
/// All of jacinth for C++: the owners of `lib/zx/`, and functions over them for the calls that Zircon does not have.
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

/// Writes a message whose handles have owners. The owners are empty afterwards, unless the channel or a quota is full: then
/// they keep their handles. No handle leaks and none is closed twice. `zx_channel_write`.
inline zx_status_t write(const zx::channel& channel, const void* bytes, uint32_t num_bytes, zx::handle* handles,
                         uint32_t num_handles) noexcept {
  zx_handle_t values[ZX_CHANNEL_MAX_MSG_HANDLES] = {};
  const bool fits = num_handles <= ZX_CHANNEL_MAX_MSG_HANDLES;
  for (uint32_t i = 0; fits && i < num_handles; ++i) {
    values[i] = handles[i].get();
  }
  const zx_status_t status =
      fits ? channel.write(0, bytes, num_bytes, values, num_handles) : zx_status_t{ZX_ERR_OUT_OF_RANGE};
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

}  // namespace jacinth

#endif  // JACINTH_HPP_
