// Two processes: a handle travels, rights refuse a call, the worker is killed, and no resource is lost. In C++,
// where owners close their handles.
//
//   c++ -std=c++17 -I capi/include capi/examples/quickstart.cc -L target/release -ljacinth -lpthread -o quickstart
//   LD_LIBRARY_PATH=target/release ./quickstart

#include <jacinth.hpp>
#include <signal.h>
#include <sys/wait.h>
#include <zircon/status.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

namespace {

// Ends the program when a call fails that should not.
void must(zx_status_t status, const char* what) {
    if (status != ZX_OK) {
        std::cerr << what << ": " << zx_status_get_string(status) << ". " << jacinth_error() << '\n';
        std::exit(1);
    }
}

// The next message's event; an invalid one when the other side has closed its end.
zx::event next(const zx::channel& channel) {
    zx_signals_t seen = 0;
    must(channel.wait_one(ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, zx::time::infinite(), &seen), "wait");
    zx::handle handle;
    if (seen & ZX_CHANNEL_READABLE)
        must(jacinth::read(channel, nullptr, 0, nullptr, &handle, 1, nullptr), "read");
    return zx::event(std::move(handle));
}

void send(const zx::channel& channel, zx::event event) {
    zx::handle handle = std::move(event);
    must(jacinth::write(channel, nullptr, 0, &handle, 1), "send");
}

zx_koid_t koid_of(const zx::event& event) {
    zx_info_handle_basic_t info;
    must(event.get_info(ZX_INFO_HANDLE_BASIC, &info, sizeof(info), nullptr, nullptr), "info");
    return info.koid;
}

// The worker: raises a signal on each event that it is sent, and sends it back.
int worker() {
    // The startup handle from the parent. Taking it also joins the parent's arena.
    const zx::channel channel(jacinth::take_startup_handle());
    while (zx::event event = next(channel)) {
        // This handle came without ZX_RIGHT_WAIT.
        const zx_status_t refused = event.wait_one(ZX_EVENT_SIGNALED, zx::time(), nullptr);
        std::cout << "  worker: waiting is refused with " << zx_status_get_string(refused) << std::endl;
        must(event.signal(0, ZX_EVENT_SIGNALED), "signal");
        send(channel, std::move(event));
    }
    return 0;
}

int parent(char* name) {
    zx::channel ours, theirs;
    must(zx::channel::create(0, &ours, &theirs), "channel");  // The first call makes an arena, and a supervisor in it.
    zx::event event, lesser;
    must(zx::event::create(0, &event), "event");
    must(event.duplicate(ZX_RIGHT_SIGNAL | ZX_RIGHT_TRANSFER, &lesser), "duplicate");

    pid_t pid = 0;
    std::string role = "worker";
    char* arguments[] = {name, role.data(), nullptr};
    must(jacinth::spawn("/proc/self/exe", arguments, nullptr, std::move(theirs), &pid), "spawn");
    std::cout << "worker: process " << pid << std::endl;

    send(ours, std::move(lesser));
    must(event.wait_one(ZX_EVENT_SIGNALED, zx::time::infinite(), nullptr), "wait for the worker");
    const zx::event back = next(ours);
    if (koid_of(back) != koid_of(event))
        return 1;
    std::cout << "the event went to another process and came back: koid " << koid_of(back) << '\n';

    kill(pid, SIGKILL);
    must(ours.wait_one(ZX_CHANNEL_PEER_CLOSED, zx::time::infinite(), nullptr), "wait for the death");
    waitpid(pid, nullptr, 0);
    std::cout << "the worker was killed, and its end of the channel is closed\n";
    return 0;  // Every handle is closed here.
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string(argv[1]) == "worker")
        return worker();
    if (parent(argv[0]) != 0)
        return 1;
    jacinth_audit_t audit;
    must(jacinth_collect(nullptr), "collect");
    must(jacinth_audit(&audit), "audit");
    std::cout << "audit: " << audit.processes << " processes, " << audit.objects << " objects, " << audit.handles
              << " handles, nothing lost\n";
}
