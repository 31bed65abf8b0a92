/// @file
/// Instants and durations: signed counts of nanoseconds that know which of the two they are.
///
/// Arithmetic saturates: a sum that is too late is `infinite()`, one that is too early is `infinite_past()`; no result
/// wraps. So `now + duration::infinite()` is `infinite()`. The infinities are the two ends of the range and no more: a
/// second before `infinite()` is a finite instant.

#ifndef LIB_ZX_TIME_H_
#define LIB_ZX_TIME_H_

#include <stdint.h>
#include <zircon/syscalls.h>
#include <zircon/types.h>

namespace zx {

namespace internal {

/// Which end of the range a result that does not fit lies beyond.
constexpr int64_t saturated(bool is_negative) noexcept {
  return is_negative ? ZX_TIME_INFINITE_PAST : ZX_TIME_INFINITE;
}

constexpr int64_t saturating_add(int64_t a, int64_t b) noexcept {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? saturated(b < 0) : sum;
}

constexpr int64_t saturating_sub(int64_t a, int64_t b) noexcept {
  int64_t difference = 0;
  return __builtin_sub_overflow(a, b, &difference) ? saturated(b > 0) : difference;
}

constexpr int64_t saturating_mul(int64_t a, int64_t b) noexcept {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? saturated((a < 0) != (b < 0)) : product;
}

/// The least number divided by -1 is the one quotient that does not fit; x86 would raise a signal.
constexpr int64_t saturating_div(int64_t a, int64_t b) noexcept {
  return b == -1 ? saturating_sub(0, a) : a / b;
}

/// The remainder that belongs to `saturating_div`.
constexpr int64_t remainder(int64_t a, int64_t b) noexcept { return b == -1 ? 0 : a % b; }

}  // namespace internal

/// A length of time, which may be negative: `zx_duration_t`.
class duration final {
 public:
  /// No time at all.
  constexpr duration() noexcept = default;

  /// So many nanoseconds.
  explicit constexpr duration(zx_duration_t value) noexcept : value_(value) {}

  /// Longer than every other duration: for ever.
  static constexpr duration infinite() noexcept { return duration(ZX_TIME_INFINITE); }

  /// The most negative duration.
  static constexpr duration infinite_past() noexcept { return duration(ZX_TIME_INFINITE_PAST); }

  /// The length in nanoseconds.
  constexpr zx_duration_t get() const noexcept { return value_; }

  constexpr duration operator+(duration other) const noexcept {
    return duration(internal::saturating_add(value_, other.value_));
  }
  constexpr duration operator-(duration other) const noexcept {
    return duration(internal::saturating_sub(value_, other.value_));
  }
  constexpr duration operator-() const noexcept { return duration(internal::saturating_sub(0, value_)); }
  constexpr duration operator*(int64_t times) const noexcept {
    return duration(internal::saturating_mul(value_, times));
  }

  /// Division, of which `divisor` must not be zero, rounds towards zero.
  constexpr duration operator/(int64_t divisor) const noexcept {
    return duration(internal::saturating_div(value_, divisor));
  }

  /// How often `other`, which must not be zero, goes into this.
  constexpr int64_t operator/(duration other) const noexcept {
    return internal::saturating_div(value_, other.value_);
  }

  /// The remainder of that.
  constexpr duration operator%(duration other) const noexcept {
    return duration(internal::remainder(value_, other.value_));
  }

  constexpr duration& operator+=(duration other) noexcept { return *this = *this + other; }
  constexpr duration& operator-=(duration other) noexcept { return *this = *this - other; }
  constexpr duration& operator*=(int64_t times) noexcept { return *this = *this * times; }
  constexpr duration& operator/=(int64_t divisor) noexcept { return *this = *this / divisor; }

  constexpr bool operator==(duration other) const noexcept { return value_ == other.value_; }
  constexpr bool operator!=(duration other) const noexcept { return value_ != other.value_; }
  constexpr bool operator<(duration other) const noexcept { return value_ < other.value_; }
  constexpr bool operator<=(duration other) const noexcept { return value_ <= other.value_; }
  constexpr bool operator>(duration other) const noexcept { return value_ > other.value_; }
  constexpr bool operator>=(duration other) const noexcept { return value_ >= other.value_; }

  /// The length in whole units, rounded towards zero.
  constexpr int64_t to_nsecs() const noexcept { return value_; }
  constexpr int64_t to_usecs() const noexcept { return value_ / ZX_USEC(1); }
  constexpr int64_t to_msecs() const noexcept { return value_ / ZX_MSEC(1); }
  constexpr int64_t to_secs() const noexcept { return value_ / ZX_SEC(1); }
  constexpr int64_t to_mins() const noexcept { return value_ / ZX_MIN(1); }
  constexpr int64_t to_hours() const noexcept { return value_ / ZX_HOUR(1); }

 private:
  zx_duration_t value_ = 0;
};

/// So many of a unit, saturating.
constexpr duration nsec(int64_t n) noexcept { return duration(n); }
constexpr duration usec(int64_t n) noexcept { return duration(ZX_USEC(1)) * n; }
constexpr duration msec(int64_t n) noexcept { return duration(ZX_MSEC(1)) * n; }
constexpr duration sec(int64_t n) noexcept { return duration(ZX_SEC(1)) * n; }
constexpr duration min(int64_t n) noexcept { return duration(ZX_MIN(1)) * n; }
constexpr duration hour(int64_t n) noexcept { return duration(ZX_HOUR(1)) * n; }

/// A count of the machine's ticks: `zx_ticks_t`, which is unsigned. Its arithmetic is modulo 2^64, as a counter's is.
class ticks final {
 public:
  constexpr ticks() noexcept = default;

  /// So many ticks.
  explicit constexpr ticks(zx_ticks_t value) noexcept : value_(value) {}

  /// The counter now.
  static ticks now() noexcept { return ticks(zx_ticks_get()); }

  /// How many of them are a second.
  static ticks per_second() noexcept { return ticks(zx_ticks_per_second()); }

  /// The count.
  constexpr zx_ticks_t get() const noexcept { return value_; }

  constexpr ticks operator+(ticks other) const noexcept { return ticks(value_ + other.value_); }
  constexpr ticks operator-(ticks other) const noexcept { return ticks(value_ - other.value_); }
  constexpr ticks operator*(uint64_t times) const noexcept { return ticks(value_ * times); }
  constexpr ticks operator/(uint64_t divisor) const noexcept { return ticks(value_ / divisor); }
  constexpr uint64_t operator/(ticks other) const noexcept { return value_ / other.value_; }

  constexpr ticks& operator+=(ticks other) noexcept { return *this = *this + other; }
  constexpr ticks& operator-=(ticks other) noexcept { return *this = *this - other; }
  constexpr ticks& operator*=(uint64_t times) noexcept { return *this = *this * times; }
  constexpr ticks& operator/=(uint64_t divisor) noexcept { return *this = *this / divisor; }

  constexpr bool operator==(ticks other) const noexcept { return value_ == other.value_; }
  constexpr bool operator!=(ticks other) const noexcept { return value_ != other.value_; }
  constexpr bool operator<(ticks other) const noexcept { return value_ < other.value_; }
  constexpr bool operator<=(ticks other) const noexcept { return value_ <= other.value_; }
  constexpr bool operator>(ticks other) const noexcept { return value_ > other.value_; }
  constexpr bool operator>=(ticks other) const noexcept { return value_ >= other.value_; }

 private:
  zx_ticks_t value_ = 0;
};

/// An instant on the clock `kClockId`: `zx_time_t`. Instants of different clocks have different types, and do not mix.
template <zx_clock_t kClockId>
class basic_time final {
 public:
  /// The clock's zero.
  constexpr basic_time() noexcept = default;

  /// So many nanoseconds after the clock's zero.
  explicit constexpr basic_time(zx_time_t value) noexcept : value_(value) {}

  /// Later than every other instant. As a deadline: wait for as long as it takes.
  static constexpr basic_time infinite() noexcept { return basic_time(ZX_TIME_INFINITE); }

  /// Earlier than every other instant. As a deadline: do not wait.
  static constexpr basic_time infinite_past() noexcept { return basic_time(ZX_TIME_INFINITE_PAST); }

  /// Nanoseconds since the clock's zero.
  constexpr zx_time_t get() const noexcept { return value_; }

  /// Where a C function may store an instant.
  zx_time_t* get_address() noexcept { return &value_; }

  constexpr duration operator-(basic_time other) const noexcept {
    return duration(internal::saturating_sub(value_, other.value_));
  }
  constexpr basic_time operator+(duration delta) const noexcept {
    return basic_time(internal::saturating_add(value_, delta.get()));
  }
  constexpr basic_time operator-(duration delta) const noexcept {
    return basic_time(internal::saturating_sub(value_, delta.get()));
  }

  constexpr basic_time& operator+=(duration delta) noexcept { return *this = *this + delta; }
  constexpr basic_time& operator-=(duration delta) noexcept { return *this = *this - delta; }

  constexpr bool operator==(basic_time other) const noexcept { return value_ == other.value_; }
  constexpr bool operator!=(basic_time other) const noexcept { return value_ != other.value_; }
  constexpr bool operator<(basic_time other) const noexcept { return value_ < other.value_; }
  constexpr bool operator<=(basic_time other) const noexcept { return value_ <= other.value_; }
  constexpr bool operator>(basic_time other) const noexcept { return value_ > other.value_; }
  constexpr bool operator>=(basic_time other) const noexcept { return value_ >= other.value_; }

 private:
  zx_time_t value_ = 0;
};

template <zx_clock_t kClockId>
constexpr basic_time<kClockId> operator+(duration delta, basic_time<kClockId> time) noexcept {
  return time + delta;
}

/// An instant on the monotonic clock. Every deadline is one.
using time = basic_time<ZX_CLOCK_MONOTONIC>;

/// An instant of the calendar: nanoseconds since 1970 began, in UTC.
using time_utc = basic_time<ZX_CLOCK_UTC>;

/// How long the calling thread has run on a processor.
using time_thread = basic_time<ZX_CLOCK_THREAD>;

/// The clocks.
class clock final {
 public:
  clock() = delete;

  /// The time of the clock now: `zx_clock_get`.
  template <zx_clock_t kClockId>
  static basic_time<kClockId> get() noexcept {
    return basic_time<kClockId>(zx_clock_get(kClockId));
  }

  /// The same, with a status: `zx_clock_get_new`.
  template <zx_clock_t kClockId>
  static zx_status_t get(basic_time<kClockId>* result) noexcept {
    return zx_clock_get_new(kClockId, result->get_address());
  }

  /// `get<ZX_CLOCK_MONOTONIC>()`, in a word.
  static time get_monotonic() noexcept { return time(zx_clock_get_monotonic()); }
};

/// Sleeps until `deadline`; one already past gives the processor up once. `zx_nanosleep`.
inline zx_status_t nanosleep(time deadline) noexcept { return zx_nanosleep(deadline.get()); }

/// The instant that comes `after` from now. `zx_deadline_after`.
inline time deadline_after(duration after) noexcept { return time(zx_deadline_after(after.get())); }

}  // namespace zx

#endif  // LIB_ZX_TIME_H_
