// Programs in one arena: jacinth_spawn, messages with handles between them, and what becomes of the dead.
#define _GNU_SOURCE
#include "objects.h"
#include "partner.h"

static zx_handle_t startup_channel(void) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    CHECK(channel != ZX_HANDLE_INVALID);
    return channel;
}

static void kill_process(pid_t pid) {
    CHECK_EQ(kill(pid, SIGKILL), 0);
    CHECK_EQ(join_process(pid), -SIGKILL);
}

static void await_peer_closed(zx_handle_t handle) {
    CHECK_OK(zx_object_wait_one(handle, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
}

// Sends every message back, with its handles, until nobody is there.
ROLE(echoes) {
    zx_handle_t channel = startup_channel(), handles[64];
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];
    uint32_t n_bytes, n_handles;
    for (;;) {
        zx_signals_t seen;
        CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, &seen));
        if ((seen & ZX_CHANNEL_READABLE) == 0)
            return;
        CHECK_OK(zx_channel_read(channel, 0, bytes, handles, sizeof(bytes), 64, &n_bytes, &n_handles));
        zx_status_t status = zx_channel_write(channel, 0, bytes, n_bytes, handles, n_handles);
        if (status != ZX_ERR_PEER_CLOSED)
            CHECK_OK(status);
    }
}

TEST(messages_with_handles_go_there_and_back) {
    zx_handle_t channel, handles[64], received[64];
    zx_koid_t koids[64];
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES], reply[ZX_CHANNEL_MAX_MSG_BYTES];
    uint32_t n_bytes, n_handles;
    pid_t pid = spawn_partner("echoes", &channel);
    for (uint32_t round = 0; round <= 64; round++) {
        uint32_t size = round * 1024;
        zx_cprng_draw(bytes, sizeof(bytes));
        for (uint32_t index = 0; index < round; index++) {
            handles[index] = make_event();
            koids[index] = koid_of(handles[index]);
        }
        CHECK_OK(zx_channel_write(channel, 0, bytes, size, handles, round));
        await_readable(channel);
        CHECK_OK(zx_channel_read(channel, 0, reply, received, sizeof(reply), 64, &n_bytes, &n_handles));
        CHECK_EQ(n_bytes, size);
        CHECK_EQ(n_handles, round);
        CHECK_BYTES(reply, bytes, size);
        for (uint32_t index = 0; index < round; index++)
            CHECK_EQ(koid_of(received[index]), koids[index]);
        CHECK_OK(zx_handle_close_many(received, round));
    }
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

TEST(calls_are_answered_by_another_process) {
    zx_handle_t channel;
    pid_t pid = spawn_partner("echoes", &channel);
    for (int round = 0; round < 1000; round++) {
        char request[8] = {0}, reply[8];
        uint32_t bytes, handles;
        memcpy(request + 4, &round, 4);
        zx_channel_call_args_t arguments = {
            .wr_bytes = request, .wr_num_bytes = 8, .rd_bytes = reply, .rd_num_bytes = 8};
        CHECK_OK(zx_channel_call(channel, 0, ZX_TIME_INFINITE, &arguments, &bytes, &handles));
        CHECK_EQ(bytes, 8);
        CHECK_BYTES(reply + 4, &round, 4);
    }
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

ROLE(signals_what_it_gets) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    zx_handle_t event = take(channel);
    CHECK_EQ(rights_of(event), ZX_RIGHT_SIGNAL | ZX_RIGHT_TRANSFER);
    CHECK_STATUS(zx_object_wait_one(event, ZX_EVENT_SIGNALED, 0, NULL), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    await_peer_closed(channel);
}

TEST(an_event_is_signalled_from_another_process) {
    zx_handle_t channel, event = make_event();
    pid_t pid = spawn_partner("signals_what_it_gets", &channel);
    give(channel, duplicate(event, ZX_RIGHT_SIGNAL | ZX_RIGHT_TRANSFER));
    CHECK_OK(zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL));
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

ROLE(takes_its_startup_handle) {
    CHECK(!jacinth_is_attached());
    for (uint32_t type = 0; type < 256; type++)
        if (type != PA_USER0)
            CHECK_EQ(zx_take_startup_handle(PA_HND(type, 0)), ZX_HANDLE_INVALID);
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 1)), ZX_HANDLE_INVALID);
    zx_handle_t channel = startup_channel();
    CHECK(jacinth_is_attached());
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    zx_info_handle_basic_t info = basic_info(channel);
    CHECK_EQ(info.type, ZX_OBJ_TYPE_CHANNEL);
    CHECK_EQ(info.rights, ZX_DEFAULT_CHANNEL_RIGHTS);
    tell(channel, &info.koid, sizeof(info.koid));
    CHECK(strcmp(getenv("WORD"), "from the parent") == 0);
}

TEST(a_startup_handle_is_taken_once) {
    zx_handle_t channel;
    CHECK_EQ(setenv("WORD", "from the parent", 1), 0);
    pid_t pid = spawn_partner("takes_its_startup_handle", &channel);
    CHECK_EQ(join_process(pid), 0);
    zx_koid_t koid = basic_info(channel).related_koid;
    await_readable(channel);
    hear(channel, &koid, sizeof(koid));
    await_peer_closed(channel);
}

ROLE(makes_any_call_first) {
    // Whichever call comes first attaches the program to the arena it was spawned into.
    zx_handle_close(make_event());
    tell(startup_channel(), "here", 4);
}

TEST(the_first_call_attaches_whichever_it_is) {
    zx_handle_t channel;
    CHECK_EQ(join_process(spawn_partner("makes_any_call_first", &channel)), 0);
    hear(channel, "here", 4);
}

TEST(a_program_gets_its_arguments_and_its_environment) {
    char* arguments[] = {(char*)"sh", (char*)"-c", (char*)"test \"$0,$1,$WORD,$HOME\" = one,two,three,", (char*)"one",
                         (char*)"two", NULL};
    char* environment[] = {(char*)"WORD=three", NULL};
    pid_t pid = 0;
    CHECK_EQ(setenv("HOME", "/", 1), 0);
    CHECK_OK(jacinth_spawn("/bin/sh", arguments, environment, make_event(), &pid));
    CHECK_EQ(join_process(pid), 0);
    CHECK_OK(jacinth_spawn("sh", arguments, environment, make_event(), &pid));
    CHECK_EQ(join_process(pid), 0);
}

TEST(a_program_needs_no_arguments_and_its_number_need_not_be_asked_for) {
    int status = -1;
    CHECK_OK(jacinth_spawn("true", NULL, NULL, make_event(), NULL));
    CHECK(wait(&status) > 0);
    CHECK_EQ(status, 0);
}

// Tries to spawn what cannot be; the startup handle is gone, and nothing else is there.
static void fail_to_spawn(const char* program, zx_status_t expected) {
    zx_handle_t kept, sent;
    char* arguments[] = {(char*)"program", NULL};
    pid_t pid = 77;
    make_eventpair(&kept, &sent);
    CHECK_STATUS(jacinth_spawn(program, arguments, NULL, sent, &pid), expected);
    CHECK(strlen(jacinth_error()) > 0);
    CHECK(!is_open(sent));
    CHECK_OK(zx_object_wait_one(kept, ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    CHECK_EQ(pid, 77);
    CHECK_OK(zx_handle_close(kept));
}

TEST(what_is_no_program_is_not_spawned) {
    char path[] = "/tmp/jacinth-test-XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0);
    CHECK_EQ(close(file), 0);
    fail_to_spawn("/nonexistent/program", ZX_ERR_NOT_FOUND);
    fail_to_spawn("no-such-program-in-the-path", ZX_ERR_NOT_FOUND);
    fail_to_spawn(path, ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(unlink(path), 0);
    fail_to_spawn(NULL, ZX_ERR_INVALID_ARGS);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
}

TEST(a_spawn_needs_a_handle) {
    char* arguments[] = {(char*)"true", NULL};
    zx_handle_t event = make_event();
    pid_t pid = 77;
    CHECK_OK(zx_handle_close(event));
    CHECK_STATUS(jacinth_spawn("true", arguments, NULL, event, &pid), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_spawn("true", arguments, NULL, ZX_HANDLE_INVALID, &pid), ZX_ERR_BAD_HANDLE);
    CHECK_EQ(pid, 77);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
}

TEST(a_full_arena_takes_nobody_until_somebody_has_left) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_processes = 2;
    CHECK_OK(jacinth_create(&config));
    for (int round = 0; round < 3; round++) {
        zx_handle_t channel;
        pid_t pid = spawn_partner("echoes", &channel);
        fail_to_spawn("true", ZX_ERR_NO_RESOURCES);
        CHECK_OK(zx_handle_close(channel));
        CHECK_EQ(join_process(pid), 0);
        CHECK_OK(jacinth_collect(NULL));
    }
}

// Takes what it is sent, says so, and waits for its end.
ROLE(holds_until_killed) {
    zx_handle_t channel = startup_channel(), handles[64];
    zx_handle_t one, other;
    uint32_t count;
    await_readable(channel);
    CHECK_OK(zx_channel_read(channel, 0, NULL, handles, 0, 64, NULL, &count));
    // Some in a channel that nobody else has, too.
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, NULL, 0, handles, count / 2));
    tell(channel, "mine", 4);
    zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(a_killed_process_closes_what_it_held) {
    for (int round = 0; round < 5; round++) {
        zx_handle_t channel, kept[10], sent[10];
        jacinth_report_t report, before;
        jacinth_audit_t audit;
        pid_t pid = spawn_partner("holds_until_killed", &channel);
        CHECK_OK(jacinth_collect(&before));
        for (size_t index = 0; index < 10; index++)
            make_eventpair(&kept[index], &sent[index]);
        CHECK_OK(zx_channel_write(channel, 0, NULL, 0, sent, 10));
        await_readable(channel);
        hear(channel, "mine", 4);
        CHECK_EQ(signals_of(kept[0]), ZX_SIGNAL_NONE);
        kill_process(pid);
        await_peer_closed(channel);
        CHECK_STATUS(zx_channel_write(channel, 0, "?", 1, NULL, 0), ZX_ERR_PEER_CLOSED);
        CHECK_STATUS(zx_channel_read(channel, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_PEER_CLOSED);
        for (size_t index = 0; index < 10; index++)
            CHECK_OK(zx_object_wait_one(kept[index], ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
        CHECK_OK(jacinth_collect(&report));
        CHECK_EQ(report.processes, before.processes + 1);
        // Five of its own, both ends of a channel, and an end of the other; what lay in a message went with that.
        CHECK(report.handles_closed >= before.handles_closed + 8);
        CHECK_OK(zx_handle_close_many(kept, 10));
        CHECK_OK(zx_handle_close(channel));
        CHECK_OK(jacinth_audit(&audit));
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

TEST(a_call_to_a_process_that_is_killed_is_peer_closed) {
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

TEST(what_a_process_sent_before_its_death_arrives) {
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

ROLE(spawns_another) {
    // Its own end goes on to the next one.
    pid_t pid = spawn_role("echoes", startup_channel());
    CHECK_EQ(join_process(pid), 0);
}

TEST(a_spawned_program_spawns_others) {
    zx_handle_t channel;
    pid_t pid = spawn_partner("spawns_another", &channel);
    tell(channel, "to the grandchild", 17);
    await_readable(channel);
    hear(channel, "to the grandchild", 17);
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

TEST(two_programs_talk_without_the_one_that_started_them) {
    zx_handle_t first, second, to_first;
    make_channel(&first, &second);
    pid_t echoing = spawn_role("echoes", second);
    pid_t asking = spawn_partner("asks_the_other", &to_first);
    give(to_first, first);
    await_readable(to_first);
    hear(to_first, "heard", 5);
    CHECK_EQ(join_process(asking), 0);
    CHECK_EQ(join_process(echoing), 0);
}

ROLE(asks_the_other) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    zx_handle_t other = take(channel);
    tell(other, "anybody?", 8);
    await_readable(other);
    hear(other, "anybody?", 8);
    tell(channel, "heard", 5);
}

// Makes an arena, starts the heir in it, and dies when the heir is there.
ROLE(founds) {
    zx_handle_t channel;
    spawn_partner("inherits", &channel);
    await_readable(channel);
    raise(SIGKILL);
}

// Outlives the founder, whose supervisor it takes over.
ROLE(inherits) {
    CHECK_EQ(prctl(PR_SET_PDEATHSIG, 0), 0);
    zx_handle_t channel = startup_channel();
    jacinth_report_t report;
    jacinth_audit_t audit;
    tell(channel, "here", 4);
    await_peer_closed(channel);
    CHECK_OK(jacinth_collect(&report));
    CHECK_EQ(report.processes, 1);
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(spawn_partner("makes_any_call_first", &channel)), 0);
    hear(channel, "here", 4);
    CHECK_OK(zx_handle_close(channel));
    CHECK_OK(jacinth_collect(NULL));
    CHECK_OK(jacinth_audit(&audit));
    CHECK_EQ(audit.processes, 1);
    CHECK_EQ(audit.objects, 0);
    dprintf(atoi(getenv("TO")), "all is well");
}

TEST(when_the_supervisors_process_dies_another_takes_over) {
    int ends[2];
    char number[16], words[32] = {0};
    CHECK_EQ(pipe(ends), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        snprintf(number, sizeof(number), "%d", ends[1]);
        setenv("TO", number, 1);
        execl("/proc/self/exe", "founder", "--role", "founds", NULL);
        _exit(127);
    }
    CHECK_EQ(close(ends[1]), 0);
    CHECK_EQ(join_process(pid), -SIGKILL);
    // The heir is nobody's child now: its end is the end of the pipe.
    CHECK(read(ends[0], words, sizeof(words) - 1) > 0);
    CHECK(strcmp(words, "all is well") == 0);
    CHECK_EQ(read(ends[0], words, 1), 0);
}
