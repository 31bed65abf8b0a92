// Spawned programs, and their fates.

#include "owners.h"

#include <signal.h>
#include <sys/wait.h>

#include <utility>

namespace {

TEST(a_spawner_learns_the_fate) {
    zx::channel ours, theirs;
    CHECK_OK(zx::channel::create(0, &ours, &theirs));
    char name[] = "sleep", time[] = "50";
    char* const arguments[] = {name, time, nullptr};
    pid_t pid = 0;
    CHECK_OK(jacinth::spawn("sleep", arguments, nullptr, zx::handle(std::move(theirs)), &pid));
    jacinth_fate_t fate = {};
    CHECK_OK(jacinth::fate(pid, &fate));
    CHECK_EQ(fate.what, JACINTH_FATE_WAITING);
    CHECK_EQ(kill(pid, SIGKILL), 0);
    CHECK_EQ(waitpid(pid, nullptr, 0), pid);
    CHECK_OK(ours.wait_one(ZX_CHANNEL_PEER_CLOSED, zx::time::infinite(), nullptr));
    jacinth::set_answer_time(zx::sec(30));
    CHECK_OK(jacinth::fate(pid, &fate));
    CHECK_EQ(fate.what, JACINTH_FATE_ENDED);
}

}  // namespace
