/// @file
/// The operations of each type of object. An operation that its type refuses does not compile.

#ifndef LIB_ZX_OBJECT_TRAITS_H_
#define LIB_ZX_OBJECT_TRAITS_H_

namespace zx {

class channel;
class event;
class eventpair;
class fifo;
class job;
class port;
class process;
class socket;
class thread;
class timer;
class vmar;
class vmo;

/// The traits of an object that can be duplicated, signalled and waited on, and has no peer: most of them.
template <typename T>
struct object_traits {
  /// Whether handles to it may have `ZX_RIGHT_DUPLICATE`.
  static constexpr bool supports_duplication = true;
  /// Whether `signal` may raise signals on it.
  static constexpr bool supports_user_signal = true;
  /// Whether one may wait for its signals.
  static constexpr bool supports_wait = true;
  /// Whether it is one of a pair.
  static constexpr bool has_peer_handle = false;
};

/// A handle to any object: the object refuses operations at run time.
template <>
struct object_traits<void> {
  static constexpr bool supports_duplication = true;
  static constexpr bool supports_user_signal = true;
  static constexpr bool supports_wait = true;
  static constexpr bool has_peer_handle = true;
};

/// An end of a channel has one handle.
template <>
struct object_traits<channel> {
  static constexpr bool supports_duplication = false;
  static constexpr bool supports_user_signal = true;
  static constexpr bool supports_wait = true;
  static constexpr bool has_peer_handle = true;
};

template <>
struct object_traits<eventpair> {
  static constexpr bool supports_duplication = true;
  static constexpr bool supports_user_signal = true;
  static constexpr bool supports_wait = true;
  static constexpr bool has_peer_handle = true;
};

template <>
struct object_traits<fifo> {
  static constexpr bool supports_duplication = true;
  static constexpr bool supports_user_signal = true;
  static constexpr bool supports_wait = true;
  static constexpr bool has_peer_handle = true;
};

template <>
struct object_traits<socket> {
  static constexpr bool supports_duplication = true;
  static constexpr bool supports_user_signal = true;
  static constexpr bool supports_wait = true;
  static constexpr bool has_peer_handle = true;
};

/// A port has no signals: a thread waits with it.
template <>
struct object_traits<port> {
  static constexpr bool supports_duplication = true;
  static constexpr bool supports_user_signal = false;
  static constexpr bool supports_wait = false;
  static constexpr bool has_peer_handle = false;
};

/// An address region has no signals.
template <>
struct object_traits<vmo> {
  static constexpr bool supports_duplication = true;
  static constexpr bool supports_user_signal = true;
  static constexpr bool supports_wait = true;
  static constexpr bool has_peer_handle = false;
};

template <>
struct object_traits<vmar> {
  static constexpr bool supports_duplication = true;
  static constexpr bool supports_user_signal = false;
  static constexpr bool supports_wait = false;
  static constexpr bool has_peer_handle = false;
};

}  // namespace zx

#endif  // LIB_ZX_OBJECT_TRAITS_H_
