// Channels in C++: messages whose handles have owners on both sides.

#include "owners.h"

#include <sys/wait.h>

#include <thread>
#include <utility>

namespace {

struct Ends {
    zx::channel ours, theirs;
    Ends() { CHECK_OK(zx::channel::create(0, &ours, &theirs)); }
};

TEST(bytes_and_handles_go_through) {
    Ends ends;
    zx::event event = new_event();
    const zx_koid_t koid = koid_of(event);
    const zx_handle_t value = event.release();
    CHECK_OK(ends.ours.write(0, "hello", 5, &value, 1));
    CHECK(!is_open(value));

    char bytes[8] = {};
    uint32_t actual_bytes = 0;
    uint32_t actual_handles = 0;
    zx::event received;
    CHECK_OK(ends.theirs.read(0, bytes, sizeof(bytes), &actual_bytes, received.reset_and_get_address(), 1,
                              &actual_handles));
    CHECK_EQ(actual_bytes, 5);
    CHECK_BYTES(bytes, "hello", 5);
    CHECK_EQ(actual_handles, 1);
    CHECK_EQ(koid_of(received), koid);
}

TEST(received_handles_come_with_types_and_rights) {
    Ends ends;
    zx::event weak;
    CHECK_OK(new_event().replace(ZX_RIGHT_WAIT | ZX_RIGHT_TRANSFER, &weak));
    const zx_handle_t value = weak.release();
    CHECK_OK(ends.ours.write(0, nullptr, 0, &value, 1));
    zx_handle_info_t info = {};
    uint32_t actual = 0;
    CHECK_OK(ends.theirs.read_etc(0, nullptr, 0, nullptr, &info, 1, &actual));
    CHECK_EQ(actual, 1);
    CHECK_EQ(info.type, ZX_OBJ_TYPE_EVENT);
    CHECK_EQ(info.rights, ZX_RIGHT_WAIT | ZX_RIGHT_TRANSFER);
    zx::event received(info.handle);
    CHECK(received.is_valid());
}

TEST(owners_go_through_and_own_nothing_afterwards) {
    Ends ends;
    zx::handle sent[3] = {zx::handle(new_event()), zx::handle(new_event()), zx::handle(new_event())};
    zx_koid_t koids[3];
    for (int i = 0; i < 3; ++i)
        koids[i] = koid_of(sent[i]);
    CHECK_OK(jacinth::write(ends.ours, "three", 5, sent, 3));
    for (const zx::handle& handle : sent)
        CHECK(!handle);

    zx::handle received[4];
    received[3] = zx::handle(new_event());
    char bytes[5];
    uint32_t actual_bytes = 0;
    uint32_t actual_handles = 0;
    CHECK_OK(jacinth::read(ends.theirs, bytes, sizeof(bytes), &actual_bytes, received, 4, &actual_handles));
    CHECK_EQ(actual_bytes, 5);
    CHECK_EQ(actual_handles, 3);
    for (int i = 0; i < 3; ++i)
        CHECK_EQ(koid_of(received[i]), koids[i]);
    CHECK(received[3].is_valid());
}

TEST(consuming_errors_empty_the_owners) {
    Ends ends;
    ends.theirs.reset();
    zx::handle event(new_event());
    const zx_handle_t value = event.get();
    CHECK_STATUS(jacinth::write(ends.ours, nullptr, 0, &event, 1), ZX_ERR_PEER_CLOSED);
    CHECK(!event);
    CHECK(!is_open(value));
}

TEST(a_full_channel_keeps_the_owners) {
    Ends ends;
    zx_status_t status;
    while ((status = ends.ours.write(0, "x", 1, nullptr, 0)) == ZX_OK) {
    }
    CHECK(jacinth::leaves_handles(status));
    zx::handle event(new_event());
    const zx_handle_t value = event.get();
    CHECK_STATUS(jacinth::write(ends.ours, "x", 1, &event, 1), status);
    CHECK_EQ(event.get(), value);
    CHECK(is_open(value));
}

TEST(too_many_owners_are_closed) {
    Ends ends;
    zx::handle events[ZX_CHANNEL_MAX_MSG_HANDLES + 1];
    for (zx::handle& event : events)
        event = new_event();
    const zx_handle_t last = events[ZX_CHANNEL_MAX_MSG_HANDLES].get();
    CHECK_STATUS(jacinth::write(ends.ours, nullptr, 0, events, ZX_CHANNEL_MAX_MSG_HANDLES + 1),
                 ZX_ERR_OUT_OF_RANGE);
    for (const zx::handle& event : events)
        CHECK(!event);
    CHECK(!is_open(last));
}

TEST(a_failed_read_keeps_the_owners) {
    Ends ends;
    zx::handle event(new_event());
    const zx_handle_t value = event.get();
    uint32_t actual = 7;
    CHECK_STATUS(jacinth::read(ends.theirs, nullptr, 0, nullptr, &event, 1, &actual), ZX_ERR_SHOULD_WAIT);
    CHECK_EQ(event.get(), value);
    CHECK(is_open(value));
}

TEST(too_few_owners_report_the_count) {
    Ends ends;
    zx::handle sent[2] = {zx::handle(new_event()), zx::handle(new_event())};
    CHECK_OK(jacinth::write(ends.ours, nullptr, 0, sent, 2));
    zx::handle received[2];
    uint32_t actual = 0;
    CHECK_STATUS(jacinth::read(ends.theirs, nullptr, 0, nullptr, received, 1, &actual), ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_EQ(actual, 2);
    CHECK(!received[0]);
    CHECK_OK(jacinth::read(ends.theirs, nullptr, 0, nullptr, received, 2, nullptr));
    CHECK(received[1].is_valid());
}

TEST(a_call_gets_its_answer) {
    Ends ends;
    zx::channel theirs = std::move(ends.theirs);
    std::thread server([&theirs] {
        uint32_t words[2];
        uint32_t actual = 0;
        CHECK_OK(theirs.wait_one(ZX_CHANNEL_READABLE, zx::time::infinite(), nullptr));
        CHECK_OK(theirs.read(0, words, sizeof(words), &actual, nullptr, 0, nullptr));
        words[1] += 1;
        CHECK_OK(theirs.write(0, words, sizeof(words), nullptr, 0));
    });
    uint32_t question[2] = {0, 41};
    uint32_t answer[2] = {};
    zx_channel_call_args_t args = {};
    args.wr_bytes = question;
    args.wr_num_bytes = sizeof(question);
    args.rd_bytes = answer;
    args.rd_num_bytes = sizeof(answer);
    uint32_t actual_bytes = 0;
    uint32_t actual_handles = 0;
    CHECK_OK(ends.ours.call(0, zx::time::infinite(), &args, &actual_bytes, &actual_handles));
    CHECK_EQ(actual_bytes, sizeof(answer));
    CHECK_EQ(actual_handles, 0);
    CHECK_EQ(answer[1], 42);
    server.join();
}

TEST(the_last_owner_closes_the_end) {
    Ends ends;
    ends.theirs = zx::channel();
    zx_signals_t seen = 0;
    CHECK_OK(ends.ours.wait_one(ZX_CHANNEL_PEER_CLOSED, zx::time(), &seen));
    CHECK_STATUS(ends.ours.write(0, "x", 1, nullptr, 0), ZX_ERR_PEER_CLOSED);
}

TEST(handles_in_a_dropped_message_are_closed) {
    zx::eventpair ours, theirs;
    CHECK_OK(zx::eventpair::create(0, &ours, &theirs));
    {
        Ends ends;
        zx::handle sent(std::move(theirs));
        CHECK_OK(jacinth::write(ends.ours, nullptr, 0, &sent, 1));
        CHECK_STATUS(ours.wait_one(ZX_EVENTPAIR_PEER_CLOSED, zx::time(), nullptr), ZX_ERR_TIMED_OUT);
    }
    CHECK_OK(ours.wait_one(ZX_EVENTPAIR_PEER_CLOSED, zx::time::infinite(), nullptr));
}

// Answers each message with its handle, until the peer is closed.
ROLE(echo) {
    zx::channel channel(jacinth::take_startup_handle());
    CHECK(channel.is_valid());
    CHECK(!jacinth::take_startup_handle());
    while (true) {
        zx_signals_t seen = 0;
        CHECK_OK(channel.wait_one(ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, zx::time::infinite(), &seen));
        if (!(seen & ZX_CHANNEL_READABLE))
            return;
        zx::handle handle;
        CHECK_OK(jacinth::read(channel, nullptr, 0, nullptr, &handle, 1, nullptr));
        CHECK_OK(handle.signal(0, ZX_USER_SIGNAL_5));
        CHECK_OK(jacinth::write(channel, nullptr, 0, &handle, 1));
    }
}

TEST(a_handle_visits_another_process) {
    zx::channel ours, theirs;
    CHECK_OK(zx::channel::create(0, &ours, &theirs));
    char program[] = "echo";
    char role[] = "--role";
    char* arguments[] = {program, role, program, nullptr};
    pid_t pid = 0;
    CHECK_OK(jacinth::spawn("/proc/self/exe", arguments, nullptr, std::move(theirs), &pid));
    CHECK(!theirs);

    zx::event event = new_event();
    const zx_koid_t koid = koid_of(event);
    zx::handle traveller(std::move(event));
    CHECK_OK(jacinth::write(ours, nullptr, 0, &traveller, 1));
    CHECK_OK(ours.wait_one(ZX_CHANNEL_READABLE, zx::time::infinite(), nullptr));
    CHECK_OK(jacinth::read(ours, nullptr, 0, nullptr, &traveller, 1, nullptr));
    event = zx::event(std::move(traveller));
    CHECK_EQ(koid_of(event), koid);
    CHECK_OK(event.wait_one(ZX_USER_SIGNAL_5, zx::time(), nullptr));

    ours.reset();
    int status = 0;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
}

TEST(a_spawn_that_fails_consumes_its_handle) {
    zx::channel ours, theirs;
    CHECK_OK(zx::channel::create(0, &ours, &theirs));
    char program[] = "/nowhere/at/all";
    char* arguments[] = {program, nullptr};
    CHECK_STATUS(jacinth::spawn(program, arguments, nullptr, std::move(theirs), nullptr), ZX_ERR_NOT_FOUND);
    CHECK_OK(ours.wait_one(ZX_CHANNEL_PEER_CLOSED, zx::time(), nullptr));
}

}  // namespace
