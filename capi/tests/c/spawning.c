// jacinth_spawn, and zx_take_startup_handle in the program that it starts
#define _GNU_SOURCE
#include "partner.h"

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
    send_bytes(channel, &info.koid, sizeof(info.koid));
    CHECK(strcmp(getenv("WORD"), "from the parent") == 0);
}

TEST(a_startup_handle_is_taken_once) {
    zx_handle_t channel;
    CHECK_EQ(setenv("WORD", "from the parent", 1), 0);
    pid_t pid = spawn_partner("takes_its_startup_handle", &channel);
    CHECK_EQ(join_process(pid), 0);
    zx_koid_t koid = basic_info(channel).related_koid;
    await_readable(channel);
    expect_bytes(channel, &koid, sizeof(koid));
    await_peer_closed(channel);
}

ROLE(makes_any_call_first) {
    // Any first call attaches the program to the arena into which it was spawned.
    zx_handle_close(make_event());
    send_bytes(startup_channel(), "here", 4);
}

TEST(any_first_call_attaches) {
    zx_handle_t channel;
    CHECK_EQ(join_process(spawn_partner("makes_any_call_first", &channel)), 0);
    expect_bytes(channel, "here", 4);
}

TEST(a_program_gets_arguments_and_environment) {
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

TEST(arguments_and_pid_are_optional) {
    int status = -1;
    CHECK_OK(jacinth_spawn("true", NULL, NULL, make_event(), NULL));
    CHECK(wait(&status) > 0);
    CHECK_EQ(status, 0);
}

// Tries to spawn a bad program. The call must consume the startup handle and leave no other change.
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

TEST(a_missing_program_is_not_spawned) {
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

ROLE(stays) {
    await_peer_closed(startup_channel());
}

TEST(a_full_arena_refuses_until_an_exit) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_processes = 2;
    CHECK_OK(jacinth_create(&config));
    for (int round = 0; round < 3; round++) {
        zx_handle_t channel;
        pid_t pid = spawn_partner("stays", &channel);
        fail_to_spawn("true", ZX_ERR_NO_RESOURCES);
        CHECK_OK(zx_handle_close(channel));
        CHECK_EQ(join_process(pid), 0);
        CHECK_OK(jacinth_collect(NULL));
    }
}
