/// @file
/// The common base of processes, threads and jobs.

#ifndef LIB_ZX_TASK_H_
#define LIB_ZX_TASK_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>

namespace zx {

/// Owns a handle to a process, a thread or a job.
template <typename T = void>
class task : public object<T> {
 public:
  constexpr task() noexcept = default;
  explicit constexpr task(zx_handle_t value) noexcept : object<T>(value) {}
  explicit task(handle&& other) noexcept : object<T>(other.release()) {}

  task(task&&) noexcept = default;
  task& operator=(task&&) noexcept = default;
};

}  // namespace zx

#endif  // LIB_ZX_TASK_H_
