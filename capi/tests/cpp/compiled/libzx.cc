// A program as of late 2018, written for libzx and not for jacinth. Compiling this is the test.

#include <lib/zx/channel.h>
#include <lib/zx/event.h>
#include <lib/zx/eventpair.h>
#include <lib/zx/handle.h>
#include <lib/zx/job.h>
#include <lib/zx/object.h>
#include <lib/zx/object_traits.h>
#include <lib/zx/process.h>
#include <lib/zx/task.h>
#include <lib/zx/thread.h>
#include <lib/zx/time.h>
#include <lib/zx/vmar.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/types.h>

#include <utility>

namespace {

constexpr zx::duration kTimeout = zx::msec(500);

class Server {
public:
    explicit Server(zx::channel channel) : channel_(std::move(channel)) {}
    Server(Server&&) = default;
    Server& operator=(Server&&) = default;

    zx_status_t Run() {
        for (;;) {
            zx_signals_t observed;
            zx_status_t status = channel_.wait_one(ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED,
                                                   zx::deadline_after(kTimeout), &observed);
            if (status != ZX_OK)
                return status;
            uint8_t bytes[ZX_CHANNEL_MAX_MSG_BYTES];
            zx_handle_t handles[ZX_CHANNEL_MAX_MSG_HANDLES];
            uint32_t num_bytes = 0;
            uint32_t num_handles = 0;
            status = channel_.read(0, bytes, sizeof(bytes), &num_bytes, handles, countof(handles), &num_handles);
            if (status != ZX_OK)
                return status;
            if (num_handles == 1) {
                zx::event event(handles[0]);
                event.signal(0u, ZX_EVENT_SIGNALED);
                handles[0] = event.release();
            }
            status = channel_.write(0, bytes, num_bytes, handles, num_handles);
            if (status != ZX_OK)
                return status;
        }
    }

    zx::unowned_channel channel() const { return zx::unowned_channel(channel_); }

private:
    zx::channel channel_;
};

void Kick(const zx::event& event) {
    event.signal(ZX_EVENT_SIGNALED, 0u);
}

zx_status_t Exercise() {
    zx::channel local, remote;
    zx_status_t status = zx::channel::create(0, &local, &remote);
    if (status != ZX_OK)
        return status;
    Server server(std::move(remote));
    if (!server.channel()->is_valid() || *server.channel() == local)
        return ZX_ERR_INTERNAL;

    zx::event event;
    status = zx::event::create(0u, event.reset_and_get_address() ? &event : nullptr);
    if (status != ZX_OK)
        return status;
    Kick(event);
    Kick(*zx::unowned_event(event.get()));
    Kick(*zx::unowned<zx::event>(event));

    zx::event duplicate;
    status = event.duplicate(ZX_RIGHTS_BASIC, &duplicate);
    if (status != ZX_OK)
        return status;
    zx::handle generic = std::move(duplicate);
    zx_info_handle_basic_t info = {};
    status = generic.get_info(ZX_INFO_HANDLE_BASIC, &info, sizeof(info), nullptr, nullptr);
    if (status != ZX_OK || info.type != ZX_OBJ_TYPE_EVENT)
        return status;
    duplicate = zx::event(generic.release());

    zx::eventpair left, right;
    status = zx::eventpair::create(0u, &left, &right);
    if (status != ZX_OK)
        return status;
    left.signal_peer(0u, ZX_USER_SIGNAL_0);
    zx_wait_item_t items[] = {
        {event.get(), ZX_EVENT_SIGNALED, 0},
        {right.get(), ZX_USER_SIGNAL_0 | ZX_EVENTPAIR_PEER_CLOSED, 0},
    };
    status = zx_object_wait_many(items, countof(items), ZX_TIME_INFINITE);
    zx::eventpair::wait_many(items, countof(items), zx::time::infinite());
    right.replace(ZX_RIGHT_SAME_RIGHTS, &right);

    zx_channel_call_args_t args = {};
    uint32_t actual_bytes, actual_handles;
    local.call(0, zx::time(ZX_TIME_INFINITE), &args, &actual_bytes, &actual_handles);

    char name[ZX_MAX_NAME_LEN];
    zx::process::self()->get_property(ZX_PROP_NAME, name, sizeof(name));
    zx::job job;
    zx::job::default_job()->duplicate(ZX_RIGHT_SAME_RIGHTS, &job);
    zx::thread::self()->set_property(ZX_PROP_NAME, "worker", 6u);
    zx::unowned_vmar vmar = zx::vmar::root_self();

    zx::time start = zx::clock::get_monotonic();
    zx::nanosleep(start + zx::usec(10));
    zx::time_utc utc = zx::clock::get<ZX_CLOCK_UTC>();
    zx::time_thread thread_time;
    if (zx::clock::get(&thread_time) != ZX_OK || utc < zx::time_utc())
        return ZX_ERR_INTERNAL;
    zx::duration elapsed = zx::clock::get<ZX_CLOCK_MONOTONIC>() - start;
    zx::ticks ticks = zx::ticks::now();
    if (elapsed / 2 > kTimeout || elapsed.to_msecs() > 1000 || ticks.get() == 0)
        return ZX_ERR_TIMED_OUT;
    return server.Run();
}

}  // namespace

int main() {
    return Exercise() == ZX_ERR_TIMED_OUT ? 0 : 1;
}
