// The promises of the types in the C++ headers. Compiling this is the test.

#include <jacinth.hpp>

#include <stdint.h>

#include <type_traits>
#include <utility>

#if __cplusplus >= 202002L
#include <span>
#endif

namespace {

template <typename T>
constexpr bool is_owner() {
    return std::is_nothrow_default_constructible<T>::value && std::is_nothrow_move_constructible<T>::value &&
           std::is_nothrow_move_assignable<T>::value && std::is_nothrow_destructible<T>::value &&
           !std::is_copy_constructible<T>::value && !std::is_copy_assignable<T>::value &&
           // A raw value becomes an owner only by an explicit conversion, and an owner never becomes a raw value implicitly.
           std::is_nothrow_constructible<T, zx_handle_t>::value && !std::is_convertible<zx_handle_t, T>::value &&
           !std::is_convertible<T, zx_handle_t>::value && !std::is_convertible<T, bool>::value &&
           // It is only the handle, so it can be a member of structures that C reads.
           sizeof(T) == sizeof(zx_handle_t) && std::is_standard_layout<T>::value;
}

static_assert(is_owner<zx::handle>(), "");
static_assert(is_owner<zx::event>(), "");
static_assert(is_owner<zx::eventpair>(), "");
static_assert(is_owner<zx::fifo>(), "");
static_assert(is_owner<zx::vmo>(), "");
static_assert(is_owner<zx::socket>(), "");
static_assert(is_owner<zx::timer>(), "");
static_assert(is_owner<zx::channel>(), "");
static_assert(is_owner<zx::port>(), "");
static_assert(is_owner<zx::process>(), "");
static_assert(is_owner<zx::thread>(), "");
static_assert(is_owner<zx::job>(), "");
static_assert(is_owner<zx::vmar>(), "");
static_assert(is_owner<jacinth::buffer>(), "");
static_assert(jacinth::buffer::TYPE == JACINTH_OBJ_TYPE_BUFFER, "");

// What was lent can be moved and not copied, and is a range of bytes.
template <typename T, typename Byte>
constexpr bool is_lent() {
    return std::is_nothrow_default_constructible<T>::value && std::is_nothrow_move_constructible<T>::value &&
           std::is_nothrow_move_assignable<T>::value && std::is_nothrow_destructible<T>::value &&
           !std::is_copy_constructible<T>::value && !std::is_copy_assignable<T>::value &&
           !std::is_convertible<T, bool>::value &&
#ifdef __cpp_lib_span
           std::is_constructible<std::span<Byte>, T&>::value &&
           std::is_constructible<std::span<uint8_t>, T&>::value == !std::is_const<Byte>::value &&
#endif
           std::is_same<decltype(std::declval<const T&>().data()), Byte*>::value;
}

static_assert(is_lent<jacinth::loan, uint8_t>(), "");
static_assert(is_lent<jacinth::message, const uint8_t>(), "");
static_assert(is_lent<jacinth::buffer_mut, uint8_t>(), "");
static_assert(is_lent<jacinth::buffer_view, const uint8_t>(), "");

// Any owner becomes a handle. A handle becomes another owner only by an explicit conversion. Owners of different types do not
// convert into each other.
static_assert(std::is_convertible<zx::event, zx::handle>::value, "");
static_assert(std::is_assignable<zx::handle&, zx::event>::value, "");
static_assert(std::is_constructible<zx::event, zx::handle>::value, "");
static_assert(!std::is_convertible<zx::handle, zx::event>::value, "");
static_assert(!std::is_assignable<zx::event&, zx::handle>::value, "");
static_assert(!std::is_constructible<zx::event, zx::channel>::value, "");
static_assert(!std::is_assignable<zx::event&, zx::channel>::value, "");
static_assert(!std::is_constructible<zx::job, zx::process>::value, "");
static_assert(!std::is_constructible<zx::handle, const zx::event&>::value, "");

// An unowned handle can be copied, and is constant.
static_assert(std::is_copy_constructible<zx::unowned_event>::value, "");
static_assert(std::is_nothrow_move_constructible<zx::unowned_event>::value, "");
static_assert(std::is_same<decltype(*std::declval<zx::unowned_event&>()), const zx::event&>::value, "");
static_assert(std::is_same<decltype(std::declval<zx::event&>().borrow()), zx::unowned_event>::value, "");
static_assert(std::is_same<decltype(std::declval<zx::handle&>().borrow()), zx::unowned_handle>::value, "");
static_assert(std::is_same<decltype(zx::process::self()), zx::unowned_process>::value, "");
static_assert(std::is_same<decltype(zx::thread::self()), zx::unowned_thread>::value, "");
static_assert(std::is_same<decltype(zx::job::default_job()), zx::unowned_job>::value, "");
static_assert(std::is_same<decltype(zx::vmar::root_self()), zx::unowned_vmar>::value, "");

static_assert(zx::event::TYPE == ZX_OBJ_TYPE_EVENT, "");
static_assert(zx::eventpair::TYPE == ZX_OBJ_TYPE_EVENTPAIR, "");
static_assert(zx::fifo::TYPE == ZX_OBJ_TYPE_FIFO, "");
static_assert(zx::vmo::TYPE == ZX_OBJ_TYPE_VMO, "");
static_assert(zx::socket::TYPE == ZX_OBJ_TYPE_SOCKET, "");
static_assert(zx::timer::TYPE == ZX_OBJ_TYPE_TIMER, "");
static_assert(zx::channel::TYPE == ZX_OBJ_TYPE_CHANNEL, "");
static_assert(zx::port::TYPE == ZX_OBJ_TYPE_PORT, "");
static_assert(zx::process::TYPE == ZX_OBJ_TYPE_PROCESS, "");
static_assert(zx::thread::TYPE == ZX_OBJ_TYPE_THREAD, "");
static_assert(zx::job::TYPE == ZX_OBJ_TYPE_JOB, "");
static_assert(zx::vmar::TYPE == ZX_OBJ_TYPE_VMAR, "");

// Instants of different clocks do not mix; numbers and times do not either.
static_assert(!std::is_convertible<zx::time_utc, zx::time>::value, "");
static_assert(!std::is_convertible<int64_t, zx::duration>::value, "");
static_assert(!std::is_convertible<int64_t, zx::time>::value, "");
static_assert(!std::is_convertible<zx::time, int64_t>::value, "");
static_assert(!std::is_default_constructible<zx::clock>::value, "");
static_assert(std::is_trivially_copyable<zx::time>::value && sizeof(zx::time) == sizeof(zx_time_t), "");
static_assert(std::is_trivially_copyable<zx::duration>::value && sizeof(zx::duration) == sizeof(zx_duration_t), "");
static_assert(std::is_trivially_copyable<zx::ticks>::value && sizeof(zx::ticks) == sizeof(zx_ticks_t), "");

// Arithmetic in constant expressions, assignment included.
constexpr zx::time later(zx::time when) {
    when += zx::sec(1);
    when -= zx::msec(1);
    return when;
}
static_assert(later(zx::time(1)) == zx::time(999000001), "");
static_assert(later(zx::time::infinite()) == zx::time::infinite() - zx::msec(1), "");

static_assert(jacinth::leaves_handles(ZX_ERR_SHOULD_WAIT), "");
static_assert(!jacinth::leaves_handles(ZX_OK) && !jacinth::leaves_handles(ZX_ERR_PEER_CLOSED), "");

}  // namespace

// An owner with static storage needs no initialization code.
extern const zx::event constant;
const zx::event constant{};
zx::unowned_event borrowed;
