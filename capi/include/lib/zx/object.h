/// @file
/// Owners of handles. `object<T>` closes its handle when it is destroyed; it can be moved but not copied. `unowned<T>` has a
/// handle without owning it.
///
/// Each member function is one call of `zircon/syscalls.h`, where its rights and statuses are documented. No operation
/// throws; statuses come back as in C.

#ifndef LIB_ZX_OBJECT_H_
#define LIB_ZX_OBJECT_H_

#include <lib/zx/object_traits.h>
#include <lib/zx/time.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/syscalls.h>
#include <zircon/types.h>

#include <type_traits>

// The attribute is C++17's; before it, only extensions would do.
#if __cplusplus >= 201703L
#define ZX_NODISCARD [[nodiscard]]
#else
#define ZX_NODISCARD
#endif

namespace zx {

template <typename T>
class object;
template <typename T>
class unowned;

/// Owns a handle to an object of any type: the operations of `object<T>` for every T.
class object_base {
 public:
  object_base(const object_base&) = delete;
  object_base& operator=(const object_base&) = delete;

  /// Closes the handle, and owns `value` from now on. Given its own handle, it has no effect.
  void reset(zx_handle_t value = ZX_HANDLE_INVALID) noexcept {
    if (value != value_) {
      close();
      value_ = value;
    }
  }

  /// Whether it owns a handle. Whether that handle is still good only the calls can tell.
  ZX_NODISCARD constexpr bool is_valid() const noexcept { return value_ != ZX_HANDLE_INVALID; }
  constexpr explicit operator bool() const noexcept { return is_valid(); }

  /// The handle's value, which stays owned: it must not be closed, nor sent.
  ZX_NODISCARD constexpr zx_handle_t get() const noexcept { return value_; }

  /// Closes the handle, and returns the address at which a C function may store another, which this owns then.
  zx_handle_t* reset_and_get_address() noexcept {
    reset();
    return &value_;
  }

  /// Gives the handle up without closing it. The caller owns it.
  ZX_NODISCARD zx_handle_t release() noexcept {
    const zx_handle_t value = value_;
    value_ = ZX_HANDLE_INVALID;
    return value;
  }

  /// `zx_object_get_info`.
  zx_status_t get_info(uint32_t topic, void* buffer, size_t buffer_size, size_t* actual_count,
                       size_t* avail_count) const noexcept {
    return zx_object_get_info(value_, topic, buffer, buffer_size, actual_count, avail_count);
  }

  /// `zx_object_get_property`.
  zx_status_t get_property(uint32_t property, void* value, size_t size) const noexcept {
    return zx_object_get_property(value_, property, value, size);
  }

  /// `zx_object_set_property`.
  zx_status_t set_property(uint32_t property, const void* value, size_t size) const noexcept {
    return zx_object_set_property(value_, property, value, size);
  }

  /// `zx_object_get_cookie`. Events and sides of event pairs have cookies.
  zx_status_t get_cookie(const object_base& scope, uint64_t* cookie) const noexcept {
    return zx_object_get_cookie(value_, scope.value_, cookie);
  }

  /// `zx_object_set_cookie`. The first call fixes the scope.
  zx_status_t set_cookie(const object_base& scope, uint64_t cookie) const noexcept {
    return zx_object_set_cookie(value_, scope.value_, cookie);
  }

 protected:
  constexpr object_base() noexcept = default;
  constexpr explicit object_base(zx_handle_t value) noexcept : value_(value) {}
  object_base(object_base&& other) noexcept : value_(other.release()) {}
  object_base& operator=(object_base&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~object_base() { close(); }

  void close() noexcept {
    if (value_ != ZX_HANDLE_INVALID) {
      zx_handle_close(value_);
      value_ = ZX_HANDLE_INVALID;
    }
  }

  zx_handle_t value_ = ZX_HANDLE_INVALID;
};

/// Owns a handle to an object of type T, or for `object<void>` of any type. The typed owners derive from it.
template <typename T>
class object : public object_base {
  // The type of the owner: the derived class, or for handles to any object the class itself.
  using owner = typename std::conditional<std::is_void<T>::value, object<void>, T>::type;

 public:
  /// Owns no handle.
  constexpr object() noexcept = default;

  /// Owns `value`.
  explicit constexpr object(zx_handle_t value) noexcept : object_base(value) {}

  object(object&&) noexcept = default;
  object& operator=(object&&) noexcept = default;

  /// Any owner can become a `handle`. The way back is explicit: `event(std::move(handle))`.
  template <typename U, typename = std::enable_if_t<std::is_void<T>::value && !std::is_void<U>::value>>
  object(object<U>&& other) noexcept : object_base(other.release()) {}
  template <typename U, typename = std::enable_if_t<std::is_void<T>::value && !std::is_void<U>::value>>
  object& operator=(object<U>&& other) noexcept {
    reset(other.release());
    return *this;
  }

  void swap(object& other) noexcept {
    const zx_handle_t value = value_;
    value_ = other.value_;
    other.value_ = value;
  }

  /// Lends the handle, for no longer than this lives.
  ZX_NODISCARD unowned<owner> borrow() const noexcept { return unowned<owner>(get()); }

  /// Makes another handle, with `rights`, and stores it in `result`, which owns no handle after an error.
  /// `zx_handle_duplicate`.
  zx_status_t duplicate(zx_rights_t rights, object<T>* result) const noexcept {
    static_assert(object_traits<T>::supports_duplication, "an object of this type has one handle");
    zx_handle_t value = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_handle_duplicate(get(), rights, &value);
    result->reset(value);
    return status;
  }

  /// Replaces the handle by one with `rights`, and stores that in `result`, which may be this. The original is gone
  /// also after an error, but for `ZX_ERR_BAD_STATE`, which only jacinth has. `zx_handle_replace`.
  zx_status_t replace(zx_rights_t rights, object<T>* result) noexcept {
    zx_handle_t value = ZX_HANDLE_INVALID;
    const zx_status_t status = zx_handle_replace(value_, rights, &value);
    if (status != ZX_ERR_BAD_STATE) {
      static_cast<void>(release());
    }
    if (status != ZX_ERR_BAD_STATE || result != this) {
      result->reset(value);
    }
    return status;
  }

  /// Waits until one of `signals` is asserted, or until `deadline`. `pending`, which may be null, gets the signals that were
  /// seen. `zx_object_wait_one`.
  zx_status_t wait_one(zx_signals_t signals, time deadline, zx_signals_t* pending) const noexcept {
    static_assert(object_traits<T>::supports_wait, "an object of this type cannot be waited on");
    return zx_object_wait_one(get(), signals, deadline.get(), pending);
  }

  /// Asks for a packet with this key at the port `to` when one of `signals` is asserted. `zx_object_wait_async`.
  zx_status_t wait_async(const object<port>& to, uint64_t key, zx_signals_t signals, uint32_t options) const noexcept {
    static_assert(object_traits<T>::supports_wait, "an object of this type cannot be waited on");
    return zx_object_wait_async(get(), to.get(), key, signals, options);
  }

  /// Waits until one of the items asserts one of its signals, or until `deadline`. `zx_object_wait_many`.
  static zx_status_t wait_many(zx_wait_item_t* items, uint32_t count, time deadline) noexcept {
    static_assert(object_traits<T>::supports_wait, "an object of this type cannot be waited on");
    return zx_object_wait_many(items, count, deadline.get());
  }

  /// Clears and then sets signals of the object. `zx_object_signal`.
  zx_status_t signal(uint32_t clear_mask, uint32_t set_mask) const noexcept {
    static_assert(object_traits<T>::supports_user_signal, "an object of this type has no signals to set");
    return zx_object_signal(get(), clear_mask, set_mask);
  }

  /// Clears and then sets signals of the object's peer. `zx_object_signal_peer`.
  zx_status_t signal_peer(uint32_t clear_mask, uint32_t set_mask) const noexcept {
    static_assert(object_traits<T>::has_peer_handle, "an object of this type has no peer");
    return zx_object_signal_peer(get(), clear_mask, set_mask);
  }
};

/// A handle without ownership: it has the operations of T, and closes no handle. The owner must outlive it.
///
/// `void f(const zx::event&);` takes a raw value as `f(*zx::unowned_event(value))`; one call is
/// `zx::unowned_event(value)->signal(0, ZX_EVENT_SIGNALED)`.
template <typename T>
class unowned final {
 public:
  /// Has no handle.
  constexpr unowned() noexcept = default;

  /// Lends `value`.
  explicit unowned(zx_handle_t value) noexcept : value_(value) {}

  /// Has the handle of `owner`, which keeps it.
  explicit unowned(const T& owner) noexcept : unowned(owner.get()) {}

  unowned(const unowned& other) noexcept : unowned(other.value_.get()) {}
  unowned(unowned&&) noexcept = default;

  unowned& operator=(const unowned& other) noexcept {
    lend(other.value_.get());
    return *this;
  }
  unowned& operator=(unowned&& other) noexcept {
    lend(other.value_.release());
    return *this;
  }

  ~unowned() { lend(ZX_HANDLE_INVALID); }

  /// Valid for as long as this is.
  const T& operator*() const noexcept { return value_; }
  const T* operator->() const noexcept { return &value_; }

 private:
  void lend(zx_handle_t value) noexcept {
    static_cast<void>(value_.release());
    value_.reset(value);
  }

  T value_;
};

// Owners, unowned handles and raw values compare by value, among themselves and with each other's raw values. A macro,
// for these are six operators for five pairs of operands.
#define ZX_COMPARE(op)                                                       \
  template <typename T>                                                      \
  constexpr bool operator op(const object<T>& a, const object<T>& b) noexcept { \
    return a.get() op b.get();                                               \
  }                                                                          \
  template <typename T>                                                      \
  constexpr bool operator op(zx_handle_t a, const object<T>& b) noexcept {   \
    return a op b.get();                                                     \
  }                                                                          \
  template <typename T>                                                      \
  constexpr bool operator op(const object<T>& a, zx_handle_t b) noexcept {   \
    return a.get() op b;                                                     \
  }                                                                          \
  template <typename T>                                                      \
  bool operator op(const unowned<T>& a, const unowned<T>& b) noexcept {      \
    return a->get() op b->get();                                             \
  }                                                                          \
  template <typename T>                                                      \
  bool operator op(zx_handle_t a, const unowned<T>& b) noexcept {            \
    return a op b->get();                                                    \
  }                                                                          \
  template <typename T>                                                      \
  bool operator op(const unowned<T>& a, zx_handle_t b) noexcept {            \
    return a->get() op b;                                                    \
  }

ZX_COMPARE(==)
ZX_COMPARE(!=)
ZX_COMPARE(<)
ZX_COMPARE(<=)
ZX_COMPARE(>)
ZX_COMPARE(>=)
#undef ZX_COMPARE

}  // namespace zx

#endif  // LIB_ZX_OBJECT_H_
