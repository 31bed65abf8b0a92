// Unowned handles: `unowned` has an owner's operations and closes no handle.

#include "owners.h"

#include <utility>

namespace {

bool is_signalled(const zx::event& event) {
    return event.wait_one(ZX_EVENT_SIGNALED, zx::time(), nullptr) == ZX_OK;
}

TEST(an_unowned_handle_is_not_closed) {
    zx::event event = new_event();
    {
        zx::unowned_event view(event.get());
        zx::unowned_event borrowed = event.borrow();
        zx::unowned_event of_owner(event);
        zx::unowned<zx::handle> any(event.get());
        CHECK(view->is_valid());
    }
    CHECK(is_open(event.get()));
}

TEST(an_unowned_handle_works_like_its_owner) {
    zx::event event = new_event();
    CHECK_OK(zx::unowned_event(event.get())->signal(0, ZX_EVENT_SIGNALED));
    CHECK(is_signalled(event));
    CHECK(is_signalled(*event.borrow()));
    CHECK(is_signalled(*zx::unowned_event(event.get())));
    CHECK(is_open(event.get()));
}

TEST(copying_unowned_handles_closes_nothing) {
    zx::event one = new_event();
    zx::event other = new_event();
    {
        zx::unowned_event first(one);
        zx::unowned_event copy(first);
        CHECK(first == copy);
        zx::unowned_event second(other);
        copy = second;
        CHECK(copy == second);
        CHECK(copy != first);
        const zx::unowned_event& same = copy;
        copy = same;
        CHECK(copy == other.get());
        zx::unowned_event moved(std::move(first));
        CHECK(moved == one.get());
        moved = std::move(second);
        CHECK(moved == other.get());
        moved = zx::unowned_event();
        CHECK(!moved->is_valid());
    }
    CHECK(is_open(one.get()));
    CHECK(is_open(other.get()));
}

TEST(any_unowned_handle_is_a_handle) {
    zx::handle handle(new_event());
    zx::unowned_handle view = handle.borrow();
    CHECK(view == handle.get());
    CHECK_EQ(type_of(*view), ZX_OBJ_TYPE_EVENT);
}

TEST(process_self_is_unowned) {
    CHECK_EQ(type_of(*zx::process::self()), ZX_OBJ_TYPE_PROCESS);
    CHECK_EQ(type_of(*zx::thread::self()), ZX_OBJ_TYPE_THREAD);
    CHECK_EQ(type_of(*zx::job::default_job()), ZX_OBJ_TYPE_JOB);
    CHECK_EQ(type_of(*zx::vmar::root_self()), ZX_OBJ_TYPE_VMAR);
    CHECK(zx::process::self() == zx_process_self());
    CHECK(is_open(zx_process_self()));
}

TEST(process_self_can_be_duplicated) {
    zx::process process;
    CHECK_OK(zx::process::self()->duplicate(ZX_RIGHT_SAME_RIGHTS, &process));
    CHECK(process != *zx::process::self());
    CHECK_EQ(koid_of(process), koid_of(*zx::process::self()));
    process.reset();
    CHECK(is_open(zx_process_self()));
}

}  // namespace
