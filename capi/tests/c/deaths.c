// The resources of a killed process, and its peers after its death.
#define _GNU_SOURCE
#include "partner.h"

// Receives a message, reports it, and waits until it is killed.
ROLE(holds_until_killed) {
    zx_handle_t channel = startup_channel(), handles[64];
    zx_handle_t one, other;
    uint32_t count;
    await_readable(channel);
    CHECK_OK(zx_channel_read(channel, 0, NULL, handles, 0, 64, NULL, &count));
    // Some lie in a channel that no other process has.
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, NULL, 0, handles, count / 2));
    send_bytes(channel, "mine", 4);
    zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(a_killed_process_closes_its_handles) {
    for (int round = 0; round < 5; round++) {
        zx_handle_t channel, kept[10], sent[10];
        jacinth_report_t report, before;
        pid_t pid = spawn_partner("holds_until_killed", &channel);
        CHECK_OK(jacinth_collect(&before));
        for (size_t index = 0; index < 10; index++)
            make_eventpair(&kept[index], &sent[index]);
        CHECK_OK(zx_channel_write(channel, 0, NULL, 0, sent, 10));
        await_readable(channel);
        expect_bytes(channel, "mine", 4);
        CHECK_EQ(signals_of(kept[0]), ZX_SIGNAL_NONE);
        kill_process(pid);
        await_peer_closed(channel);
        CHECK_STATUS(zx_channel_write(channel, 0, "?", 1, NULL, 0), ZX_ERR_PEER_CLOSED);
        CHECK_STATUS(zx_channel_read(channel, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_PEER_CLOSED);
        for (size_t index = 0; index < 10; index++)
            CHECK_OK(zx_object_wait_one(kept[index], ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
        CHECK_OK(jacinth_collect(&report));
        CHECK_EQ(report.processes, before.processes + 1);
        // Five of its own, both ends of a channel, and an end of the other. The handles in a message ended with the channel.
        CHECK(report.handles_closed >= before.handles_closed + 8);
        CHECK_OK(zx_handle_close_many(kept, 10));
        CHECK_OK(zx_handle_close(channel));
        jacinth_audit_t audit = audit_now();
        CHECK_EQ(audit.processes, 1);
        CHECK_EQ(audit.objects, 0);
        CHECK_EQ(audit.handles, 0);
        CHECK_EQ(audit.messages, 0);
    }
}

ROLE(reads_a_call_and_waits) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    char request[8];
    CHECK_OK(zx_channel_read(channel, 0, request, NULL, 8, 0, NULL, NULL));
    raise(SIGKILL);
}

TEST(a_killed_server_is_peer_closed) {
    zx_handle_t channel;
    char request[8] = {0}, reply[8];
    uint32_t bytes, handles;
    zx_channel_call_args_t arguments = {.wr_bytes = request, .wr_num_bytes = 8, .rd_bytes = reply, .rd_num_bytes = 8};
    pid_t pid = spawn_partner("reads_a_call_and_waits", &channel);
    CHECK_STATUS(zx_channel_call(channel, 0, ZX_TIME_INFINITE, &arguments, &bytes, &handles), ZX_ERR_PEER_CLOSED);
    CHECK_EQ(join_process(pid), -SIGKILL);
}

ROLE(sends_and_dies) {
    zx_handle_t channel = startup_channel(), event = make_event();
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_3));
    CHECK_OK(zx_channel_write(channel, 0, "last words", 10, &event, 1));
    raise(SIGKILL);
}

TEST(messages_survive_their_sender) {
    zx_handle_t channel, event;
    char bytes[10];
    pid_t pid = spawn_partner("sends_and_dies", &channel);
    CHECK_EQ(join_process(pid), -SIGKILL);
    await_peer_closed(channel);
    CHECK_OK(zx_channel_read(channel, 0, bytes, &event, 10, 1, NULL, NULL));
    CHECK_BYTES(bytes, "last words", 10);
    CHECK_EQ(signals_of(event), ZX_USER_SIGNAL_3);
    CHECK_STATUS(zx_channel_read(channel, 0, bytes, NULL, 10, 0, NULL, NULL), ZX_ERR_PEER_CLOSED);
}

// Makes an arena, starts the successor in it, and dies when that has attached.
ROLE(starts_a_successor) {
    zx_handle_t channel;
    spawn_partner("inherits", &channel);
    await_readable(channel);
    raise(SIGKILL);
}

ROLE(says_that_it_is_here) {
    send_bytes(startup_channel(), "here", 4);
}

// Outlives the first supervisor and becomes its successor.
ROLE(inherits) {
    CHECK_EQ(prctl(PR_SET_PDEATHSIG, 0), 0);
    zx_handle_t channel = startup_channel();
    jacinth_report_t report;
    send_bytes(channel, "here", 4);
    await_peer_closed(channel);
    CHECK_OK(jacinth_collect(&report));
    CHECK_EQ(report.processes, 1);
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(spawn_partner("says_that_it_is_here", &channel)), 0);
    expect_bytes(channel, "here", 4);
    CHECK_OK(zx_handle_close(channel));
    CHECK_OK(jacinth_collect(NULL));
    jacinth_audit_t audit = audit_now();
    CHECK_EQ(audit.processes, 1);
    CHECK_EQ(audit.objects, 0);
    dprintf(atoi(getenv("TO")), "all is well");
}

TEST(a_dead_supervisor_is_replaced) {
    int ends[2];
    char number[16], words[32] = {0};
    CHECK_EQ(pipe(ends), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        snprintf(number, sizeof(number), "%d", ends[1]);
        setenv("TO", number, 1);
        execl("/proc/self/exe", "first-supervisor", "--role", "starts_a_successor", NULL);
        _exit(127);
    }
    CHECK_EQ(close(ends[1]), 0);
    CHECK_EQ(join_process(pid), -SIGKILL);
    // The successor has no parent now: the end of the pipe shows its end.
    CHECK(read(ends[0], words, sizeof(words) - 1) > 0);
    CHECK(strcmp(words, "all is well") == 0);
    CHECK_EQ(read(ends[0], words, 1), 0);
}
