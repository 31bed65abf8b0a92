/// @file
/// Jobs.

#ifndef LIB_ZX_JOB_H_
#define LIB_ZX_JOB_H_

#include <lib/zx/handle.h>
#include <lib/zx/object.h>
#include <lib/zx/task.h>
#include <zircon/process.h>

namespace zx {

/// Owns a handle to a job.
class job final : public task<job> {
 public:
  /// Its type in `zx_info_handle_basic_t`.
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_JOB;

  constexpr job() noexcept = default;
  explicit constexpr job(zx_handle_t value) noexcept : task(value) {}

  /// Takes the handle over without a check of its type. Calls return `ZX_ERR_WRONG_TYPE` for another type.
  explicit job(handle&& other) noexcept : task(other.release()) {}

  /// An owner of another type is refused here and now.
  template <typename U>
  explicit job(object<U>&&) = delete;

  job(job&&) noexcept = default;
  job& operator=(job&&) noexcept = default;

  /// Lends the handle to the job of this process. `zx_job_default`.
  ZX_NODISCARD static unowned<job> default_job() noexcept { return unowned<job>(zx_job_default()); }
};

/// Lends one.
using unowned_job = unowned<job>;

}  // namespace zx

#endif  // LIB_ZX_JOB_H_
