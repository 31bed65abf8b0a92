// Spawned programs, and their statuses.

#include "owners.h"

#include <signal.h>
#include <sys/wait.h>

#include <utility>

namespace {

TEST(a_spawner_learns_its_programs_status) {
    zx::channel ours, theirs;
    CHECK_OK(zx::channel::create(0, &ours, &theirs));
    char name[] = "sleep", time[] = "50";
    char* const arguments[] = {name, time, nullptr};
    pid_t pid = 0;
    CHECK_OK(jacinth::spawn("sleep", arguments, nullptr, zx::handle(std::move(theirs)), &pid));
    jacinth_spawn_status_t status = {};
    CHECK_OK(jacinth::spawn_status(pid, &status));
    CHECK_EQ(status.state, JACINTH_SPAWN_STATUS_WAITING);
    CHECK_EQ(kill(pid, SIGKILL), 0);
    CHECK_EQ(waitpid(pid, nullptr, 0), pid);
    CHECK_OK(ours.wait_one(ZX_CHANNEL_PEER_CLOSED, zx::time::infinite(), nullptr));
    jacinth::set_supervisor_timeout(zx::sec(30));
    CHECK_OK(jacinth::spawn_status(pid, &status));
    CHECK_EQ(status.state, JACINTH_SPAWN_STATUS_ENDED);
}

TEST(a_prepared_seat_consumes_its_handle) {
    zx::channel ours, theirs;
    CHECK_OK(zx::channel::create(0, &ours, &theirs));
    jacinth_seat_t seat = {};
    CHECK_OK(jacinth::prepare(zx::handle(std::move(theirs)), &seat));
    bool is_free = false;
    CHECK_OK(jacinth_seat_is_free(seat.slot, &is_free));
    CHECK(is_free);
    CHECK_OK(jacinth_seat_give_back(seat.slot));
    CHECK_OK(ours.wait_one(ZX_CHANNEL_PEER_CLOSED, zx::time::infinite(), nullptr));
}

}  // namespace
