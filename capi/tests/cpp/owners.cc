// Owners: moves, releases, resets and destruction; each handle is closed once.

#include "owners.h"

#include <utility>
#include <vector>

namespace {

TEST(an_owner_of_nothing_is_invalid) {
    zx::event event;
    CHECK(!event.is_valid());
    CHECK(!event);
    CHECK_EQ(event.get(), ZX_HANDLE_INVALID);
    CHECK_EQ(event.release(), ZX_HANDLE_INVALID);
    event.reset();
    CHECK(!event);
}

TEST(creating_fills_owners) {
    zx::event event;
    CHECK_OK(zx::event::create(0, &event));
    CHECK(event.is_valid());
    CHECK_EQ(type_of(event), ZX_OBJ_TYPE_EVENT);
    CHECK_EQ(type_of(event), zx::event::TYPE);
    zx::eventpair one, other;
    CHECK_OK(zx::eventpair::create(0, &one, &other));
    CHECK_EQ(type_of(one), zx::eventpair::TYPE);
    CHECK_EQ(basic(one).related_koid, koid_of(other));
}

TEST(an_owner_sets_and_cancels_a_timer) {
    zx::timer timer;
    CHECK_STATUS(zx::timer::create(ZX_TIMER_SLACK_LATE + 1, ZX_CLOCK_MONOTONIC, &timer), ZX_ERR_INVALID_ARGS);
    CHECK(!timer);
    CHECK_OK(zx::timer::create(ZX_TIMER_SLACK_LATE, ZX_CLOCK_MONOTONIC, &timer));
    CHECK_EQ(type_of(timer), zx::timer::TYPE);
    CHECK_STATUS(timer.set(zx::time(0), zx::nsec(-1)), ZX_ERR_OUT_OF_RANGE);
    CHECK_OK(timer.set(zx::deadline_after(zx::msec(1)), zx::duration()));
    CHECK_OK(timer.wait_one(ZX_TIMER_SIGNALED, zx::time::infinite(), nullptr));
    CHECK_OK(timer.cancel());
    CHECK_STATUS(timer.wait_one(ZX_TIMER_SIGNALED, zx::time(0), nullptr), ZX_ERR_TIMED_OUT);
    CHECK_OK(timer.borrow()->set(zx::time(0), zx::duration()));
    CHECK_OK(timer.wait_one(ZX_TIMER_SIGNALED, zx::time(0), nullptr));
}

TEST(creating_closes_the_old_handle) {
    zx::event event = new_event();
    const zx_handle_t first = event.get();
    CHECK_OK(zx::event::create(0, &event));
    CHECK(!is_open(first));
    CHECK(is_open(event.get()));
}

TEST(a_failed_creation_leaves_owners_of_nothing) {
    zx::event event = new_event();
    CHECK(zx::event::create(1u << 31, &event) != ZX_OK);
    CHECK(!event);
    zx::eventpair one, other;
    CHECK_OK(zx::eventpair::create(0, &one, &other));
    CHECK(zx::eventpair::create(1u << 31, &one, &other) != ZX_OK);
    CHECK(!one);
    CHECK(!other);
}

TEST(destruction_closes_the_handle) {
    zx_handle_t value;
    {
        zx::event event = new_event();
        value = event.get();
        CHECK(is_open(value));
    }
    CHECK(!is_open(value));
}

TEST(destruction_is_seen_by_the_peer) {
    zx::eventpair ours;
    {
        zx::eventpair theirs;
        CHECK_OK(zx::eventpair::create(0, &ours, &theirs));
        CHECK_STATUS(ours.wait_one(ZX_EVENTPAIR_PEER_CLOSED, zx::time(), nullptr), ZX_ERR_TIMED_OUT);
    }
    zx_signals_t seen = 0;
    CHECK_OK(ours.wait_one(ZX_EVENTPAIR_PEER_CLOSED, zx::time::infinite(), &seen));
    CHECK(seen & ZX_EVENTPAIR_PEER_CLOSED);
}

TEST(a_moved_from_owner_owns_nothing) {
    zx::event first = new_event();
    const zx_handle_t value = first.get();
    zx::event second(std::move(first));
    CHECK(!first.is_valid());
    CHECK_EQ(second.get(), value);
    zx::event third;
    third = std::move(second);
    CHECK(!second.is_valid());
    CHECK_EQ(third.get(), value);
    CHECK(is_open(value));
}

TEST(moving_closes_the_old_handle) {
    zx::event first = new_event();
    zx::event second = new_event();
    const zx_handle_t gone = second.get();
    second = std::move(first);
    CHECK(!is_open(gone));
    CHECK(is_open(second.get()));
}

TEST(moving_to_itself_changes_nothing) {
    zx::event event = new_event();
    zx::event& same = event;
    const zx_handle_t value = event.get();
    event = std::move(same);
    CHECK_EQ(event.get(), value);
    CHECK(is_open(value));
}

TEST(resetting_closes_the_old_handle) {
    zx::event event = new_event();
    const zx_handle_t first = event.get();
    const zx_handle_t second = new_event().release();
    event.reset(second);
    CHECK(!is_open(first));
    CHECK_EQ(event.get(), second);
    event.reset();
    CHECK(!is_open(second));
    CHECK(!event);
}

TEST(resetting_to_itself_changes_nothing) {
    zx::event event = new_event();
    const zx_handle_t value = event.get();
    event.reset(event.get());
    CHECK_EQ(event.get(), value);
    CHECK(is_open(value));
}

TEST(a_c_function_stores_into_an_owner) {
    zx::event event = new_event();
    const zx_handle_t first = event.get();
    CHECK_OK(zx_event_create(0, event.reset_and_get_address()));
    CHECK(!is_open(first));
    CHECK(is_open(event.get()));
}

TEST(what_is_released_stays_open) {
    zx_handle_t value;
    {
        zx::event event = new_event();
        value = event.release();
        CHECK(!event);
    }
    CHECK(is_open(value));
    CHECK_OK(zx_handle_close(value));
}

TEST(swapping_exchanges_the_handles) {
    zx::event one = new_event();
    zx::event other;
    const zx_handle_t value = one.get();
    one.swap(other);
    CHECK(!one);
    CHECK_EQ(other.get(), value);
    using std::swap;
    swap(one, other);
    CHECK_EQ(one.get(), value);
    one.swap(one);
    CHECK_EQ(one.get(), value);
    CHECK(is_open(value));
}

TEST(owners_and_handles_convert) {
    zx::event event = new_event();
    const zx_handle_t value = event.get();
    zx::handle handle = std::move(event);
    CHECK(!event);
    CHECK_EQ(handle.get(), value);
    zx::event again(std::move(handle));
    CHECK(!handle);
    CHECK_EQ(again.get(), value);
    handle = std::move(again);
    zx::handle other = std::move(handle);
    CHECK_EQ(other.get(), value);
    CHECK(is_open(value));
}

TEST(calls_refuse_another_type) {
    zx::channel channel{zx::handle(new_event())};
    uint32_t actual;
    CHECK_STATUS(channel.read(0, nullptr, 0, &actual, nullptr, 0, nullptr), ZX_ERR_WRONG_TYPE);
}

TEST(owners_live_in_containers) {
    std::vector<zx_handle_t> values;
    {
        std::vector<zx::event> events;
        for (int i = 0; i < 100; ++i) {
            events.push_back(new_event());
            values.push_back(events.back().get());
        }
        events.erase(events.begin());
        CHECK(!is_open(values[0]));
        for (size_t i = 1; i < values.size(); ++i)
            CHECK(is_open(values[i]));
    }
    for (zx_handle_t value : values)
        CHECK(!is_open(value));
}

TEST(owners_compare_by_value) {
    zx::event one = new_event();
    zx::event other = new_event();
    zx::event nothing;
    CHECK(one == one);
    CHECK(one != other);
    CHECK((one < other) != (other < one));
    CHECK((one <= other) == (other >= one));
    CHECK((one > other) == (other < one));
    CHECK(one == one.get());
    CHECK(other.get() != one);
    CHECK(nothing == ZX_HANDLE_INVALID);
    CHECK(ZX_HANDLE_INVALID < one);
}

TEST(a_duplicate_shares_the_object) {
    zx::event event = new_event();
    zx::event weak;
    CHECK_OK(event.duplicate(ZX_RIGHT_WAIT, &weak));
    CHECK(event != weak);
    CHECK_EQ(koid_of(event), koid_of(weak));
    CHECK_EQ(basic(weak).rights, ZX_RIGHT_WAIT);
    CHECK_STATUS(weak.signal(0, ZX_EVENT_SIGNALED), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(event.signal(0, ZX_EVENT_SIGNALED));
    zx_signals_t seen = 0;
    CHECK_OK(weak.wait_one(ZX_EVENT_SIGNALED, zx::time(), &seen));
}

TEST(a_failed_duplicate_empties_the_owner) {
    zx::event event = new_event();
    zx::event weak;
    CHECK_OK(event.duplicate(ZX_RIGHT_WAIT, &weak));
    zx::event target = new_event();
    const zx_handle_t before = target.get();
    CHECK_STATUS(weak.duplicate(ZX_RIGHT_SAME_RIGHTS, &target), ZX_ERR_ACCESS_DENIED);
    CHECK(!target);
    CHECK(!is_open(before));
}

TEST(a_replacement_ends_the_original) {
    zx::event event = new_event();
    const zx_handle_t value = event.get();
    zx::event weak;
    CHECK_OK(event.replace(ZX_RIGHT_WAIT, &weak));
    CHECK(!event);
    CHECK(!is_open(value));
    CHECK_EQ(basic(weak).rights, ZX_RIGHT_WAIT);
    CHECK_OK(weak.replace(ZX_RIGHT_SAME_RIGHTS, &weak));
    CHECK_EQ(basic(weak).rights, ZX_RIGHT_WAIT);
    CHECK_STATUS(weak.replace(ZX_RIGHT_SIGNAL, &event), ZX_ERR_INVALID_ARGS);
    CHECK(!weak);
    CHECK(!event);
}

TEST(signals_reach_the_peer_too) {
    zx::eventpair ours, theirs;
    CHECK_OK(zx::eventpair::create(0, &ours, &theirs));
    CHECK_OK(ours.signal_peer(0, ZX_USER_SIGNAL_3));
    zx_signals_t seen = 0;
    CHECK_OK(theirs.wait_one(ZX_USER_SIGNAL_3, zx::time(), &seen));
    CHECK_STATUS(ours.wait_one(ZX_USER_SIGNAL_3, zx::time(), nullptr), ZX_ERR_TIMED_OUT);
    zx::handle any(std::move(ours));
    CHECK_OK(any.signal_peer(ZX_USER_SIGNAL_3, 0));
    CHECK_STATUS(theirs.wait_one(ZX_USER_SIGNAL_3, zx::time(), nullptr), ZX_ERR_TIMED_OUT);
}

TEST(one_wait_watches_many) {
    zx::event first = new_event();
    zx::event second = new_event();
    CHECK_OK(second.signal(0, ZX_USER_SIGNAL_1));
    zx_wait_item_t items[2] = {};
    items[0].handle = first.get();
    items[0].waitfor = ZX_EVENT_SIGNALED;
    items[1].handle = second.get();
    items[1].waitfor = ZX_USER_SIGNAL_1;
    CHECK_OK(zx::event::wait_many(items, 2, zx::time::infinite()));
    CHECK_EQ(items[0].pending, 0);
    CHECK_EQ(items[1].pending, ZX_USER_SIGNAL_1);
}

TEST(a_port_collects_packets) {
    zx::port port;
    CHECK_OK(zx::port::create(0, &port));
    CHECK_EQ(type_of(port), zx::port::TYPE);
    const zx::event event = new_event();
    CHECK_OK(event.wait_async(port, 7, ZX_EVENT_SIGNALED, ZX_WAIT_ASYNC_REPEATING));
    CHECK_OK(event.signal(0, ZX_EVENT_SIGNALED));
    zx_port_packet_t packet = {};
    packet.key = 8;
    CHECK_OK(port.queue(&packet));
    CHECK_OK(port.wait(zx::time::infinite(), &packet));
    CHECK_EQ(packet.key, 7);
    CHECK_EQ(packet.type, ZX_PKT_TYPE_SIGNAL_REP);
    CHECK_EQ(packet.signal.observed, ZX_EVENT_SIGNALED);
    CHECK_OK(port.wait(zx::time(0), &packet));
    CHECK_EQ(packet.key, 8);
    CHECK_OK(port.cancel(event, 7));
    CHECK_STATUS(port.cancel(event, 7), ZX_ERR_NOT_FOUND);
    CHECK_STATUS(port.wait(zx::time(0), &packet), ZX_ERR_TIMED_OUT);
    zx::port copy;
    CHECK_OK(port.duplicate(ZX_RIGHT_SAME_RIGHTS, &copy));
    CHECK_EQ(koid_of(copy), koid_of(port));
    CHECK(zx::port::create(1u << 31, &port) != ZX_OK);
    CHECK(!port);
}

TEST(names_go_through_properties) {
    const zx::unowned_process self = zx::process::self();
    char name[ZX_MAX_NAME_LEN] = {};
    CHECK_OK(self->set_property(ZX_PROP_NAME, "garnet", 6));
    CHECK_OK(self->get_property(ZX_PROP_NAME, name, sizeof(name)));
    CHECK(strcmp(name, "garnet") == 0);
}

TEST(a_cookie_needs_its_scope) {
    zx::event token, scope;
    zx::eventpair one, other;
    CHECK_OK(zx::event::create(0, &token));
    CHECK_OK(zx::event::create(0, &scope));
    CHECK_OK(zx::eventpair::create(0, &one, &other));
    uint64_t cookie = 1;
    CHECK_STATUS(token.get_cookie(scope, &cookie), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(token.set_cookie(scope, 4711));
    CHECK_OK(token.get_cookie(scope, &cookie));
    CHECK_EQ(cookie, 4711);
    CHECK_STATUS(token.set_cookie(one, 1), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(one.set_cookie(*zx::process::self(), 2));
    CHECK_OK(one.get_cookie(*zx::process::self(), &cookie));
    CHECK_EQ(cookie, 2);
}

}  // namespace
