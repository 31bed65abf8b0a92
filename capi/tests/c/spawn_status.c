// jacinth_spawn_status and jacinth_set_supervisor_timeout
#define _GNU_SOURCE
#include "partner.h"

static jacinth_spawn_status_t status_of(pid_t pid) {
    jacinth_spawn_status_t status;
    memset(&status, 0xff, sizeof(status));
    CHECK_OK(jacinth_spawn_status(pid, &status));
    CHECK(strnlen(status.text, sizeof(status.text)) < sizeof(status.text));
    CHECK(strlen(status.text) > 0);
    return status;
}

ROLE(says_that_it_is_there) {
    zx_handle_t channel = startup_channel();
    send_bytes(channel, "here", 4);
    await_peer_closed(channel);
}

TEST(a_spawner_learns_its_programs_status) {
    zx_handle_t channel, kept, sent;
    char* arguments[] = {(char*)"sleep", (char*)"50", NULL};
    pid_t attached = spawn_partner("says_that_it_is_there", &channel), silent;
    await_readable(channel);
    CHECK_EQ(status_of(attached).state, JACINTH_SPAWN_STATUS_ATTACHED);
    CHECK_OK(zx_channel_create(0, &kept, &sent));
    CHECK_OK(jacinth_spawn("sleep", arguments, NULL, sent, &silent));
    CHECK_EQ(status_of(silent).state, JACINTH_SPAWN_STATUS_WAITING);
    kill_process(silent);
    await_peer_closed(kept);
    jacinth_spawn_status_t status = status_of(silent);
    CHECK_EQ(status.state, JACINTH_SPAWN_STATUS_ENDED);
    CHECK_EQ(status.status, ZX_OK);
    CHECK(strstr(status.text, "ended") != NULL);
    expect_bytes(channel, "here", 4);
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(attached), 0);
}

TEST(a_cleaned_environment_is_reported) {
    zx_handle_t kept, sent;
    char* arguments[] = {(char*)"env", (char*)"-i", (char*)"sleep", (char*)"50", NULL};
    pid_t pid;
    CHECK_OK(zx_channel_create(0, &kept, &sent));
    CHECK_OK(jacinth_spawn("env", arguments, NULL, sent, &pid));
    while (status_of(pid).state == JACINTH_SPAWN_STATUS_WAITING)
        usleep(1000);
    CHECK(strstr(status_of(pid).text, "JACINTH_SOCKET") != NULL);
    kill_process(pid);
    await_peer_closed(kept);
    CHECK_EQ(status_of(pid).state, JACINTH_SPAWN_STATUS_CLEAN_ENVIRONMENT);
}

TEST(a_strangers_status_is_unknown) {
    make_event();
    CHECK_EQ(status_of(getppid()).state, JACINTH_SPAWN_STATUS_UNKNOWN);
    CHECK_EQ(status_of(0).state, JACINTH_SPAWN_STATUS_UNKNOWN);
    CHECK_EQ(status_of(-1).state, JACINTH_SPAWN_STATUS_UNKNOWN);
}

// Calls that wait for the supervisor while its process, the parent of this one, is stopped.
ROLE(asks_a_stopped_supervisor) {
    zx_handle_t channel = startup_channel();
    pid_t supervisor = getppid(), pid = 0;
    char number[32], errors[3][512];
    zx_status_t statuses[3];
    jacinth_spawn_status_t status;
    CHECK_OK(jacinth_collect(NULL));
    zx_handle_t event = make_event();
    jacinth_set_supervisor_timeout(ZX_MSEC(200));
    stop_process(supervisor);
    for (int call = 0; call < 3; call++) {
        statuses[call] = call == 0   ? jacinth_collect(NULL)
                         : call == 1 ? jacinth_spawn_status(getpid(), &status)
                                     : jacinth_spawn("true", NULL, NULL, event, &pid);
        snprintf(errors[call], sizeof(errors[call]), "%s", jacinth_error());
    }
    CHECK_EQ(kill(supervisor, SIGCONT), 0);
    snprintf(number, sizeof(number), "process %d", supervisor);
    for (int call = 0; call < 3; call++) {
        CHECK_EQ(statuses[call], ZX_ERR_UNAVAILABLE);
        CHECK(strstr(errors[call], number) != NULL);
        CHECK(strstr(errors[call], "stopped") != NULL);
    }
    jacinth_set_supervisor_timeout(ZX_SEC(30));
    CHECK_OK(jacinth_collect(NULL));
    CHECK_EQ(status_of(getpid()).state, JACINTH_SPAWN_STATUS_ATTACHED);
    CHECK_OK(zx_handle_close(channel));
}

TEST(a_stopped_supervisor_is_named_in_time) {
    zx_handle_t channel;
    CHECK_EQ(join_process(spawn_partner("asks_a_stopped_supervisor", &channel)), 0);
    CHECK_OK(zx_handle_close(channel));
}
