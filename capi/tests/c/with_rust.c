// A C and a Rust program in one arena. Either program makes the arena and spawns the other. with_rust.rs has the same
// conversation, and starts this program in the role of the partner.
#define _GNU_SOURCE
#include "objects.h"
#include "partner.h"

#include <signal.h>

// Starts the binary of the tests, a Rust program, in a role.
static pid_t spawn_rust(const char* role, zx_handle_t* channel) {
    const char* program = getenv("JACINTH_TEST_RUST");
    char* arguments[] = {(char*)"rust", NULL};
    zx_handle_t theirs;
    pid_t pid = 0;
    CHECK(program != NULL);
    CHECK_EQ(setenv("JACINTH_TEST_ROLE", role, 1), 0);
    make_channel(channel, &theirs);
    CHECK_OK(jacinth_spawn(program, arguments, NULL, theirs, &pid));
    return pid;
}

static void call(zx_handle_t channel, const char* question, const char* answer) {
    char request[32] = {0}, reply[32];
    uint32_t bytes, handles;
    memcpy(request + 4, question, strlen(question));
    zx_channel_call_args_t arguments = {.wr_bytes = request,
                                        .wr_num_bytes = 4 + (uint32_t)strlen(question),
                                        .rd_bytes = reply,
                                        .rd_num_bytes = sizeof(reply)};
    CHECK_OK(zx_channel_call(channel, 0, ZX_TIME_INFINITE, &arguments, &bytes, &handles));
    CHECK_EQ(bytes, 4 + strlen(answer));
    CHECK_BYTES(reply + 4, answer, strlen(answer));
}

static void answer(zx_handle_t channel, const char* question, const char* answer) {
    char bytes[32];
    uint32_t size;
    await_readable(channel);
    CHECK_OK(zx_channel_read(channel, 0, bytes, NULL, sizeof(bytes), 0, &size, NULL));
    CHECK_EQ(size, 4 + strlen(question));
    CHECK_BYTES(bytes + 4, question, strlen(question));
    memcpy(bytes + 4, answer, strlen(answer));
    send_bytes(channel, bytes, 4 + (uint32_t)strlen(answer));
}

// Receives an event and signals it; sends its koid and another event; answers a call, and makes one.
ROLE(partner) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    CHECK(channel != ZX_HANDLE_INVALID);
    await_readable(channel);
    zx_handle_t event = receive_handle(channel), own = make_event();
    zx_koid_t koid = koid_of(event);
    CHECK_EQ(rights_of(event), ZX_RIGHT_SIGNAL | ZX_RIGHT_TRANSFER);
    CHECK_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_3));
    CHECK_OK(zx_object_signal(own, 0, ZX_USER_SIGNAL_5));
    CHECK_OK(zx_channel_write(channel, 0, &koid, sizeof(koid), &own, 1));
    answer(channel, "ping", "pong");
    call(channel, "question", "answer");
    CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
}

TEST(a_c_program_spawns_rust) {
    zx_handle_t channel, event = make_event(), theirs;
    zx_koid_t koid;
    pid_t pid = spawn_rust("partner", &channel);
    send_handle(channel, duplicate(event, ZX_RIGHT_SIGNAL | ZX_RIGHT_TRANSFER));
    CHECK_OK(zx_object_wait_one(event, ZX_USER_SIGNAL_3, ZX_TIME_INFINITE, NULL));
    await_readable(channel);
    CHECK_OK(zx_channel_read(channel, 0, &koid, &theirs, sizeof(koid), 1, NULL, NULL));
    CHECK_EQ(koid, koid_of(event));
    CHECK_EQ(signals_of(theirs), ZX_USER_SIGNAL_5);
    call(channel, "ping", "pong");
    answer(channel, "question", "answer");
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

ROLE(holds) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    await_readable(channel);
    receive_handle(channel);
    send_bytes(channel, "mine", 4);
    zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(a_killed_rust_program_closes_handles) {
    zx_handle_t channel, kept, sent;
    pid_t pid = spawn_rust("holds", &channel);
    make_eventpair(&kept, &sent);
    send_handle(channel, sent);
    await_readable(channel);
    expect_bytes(channel, "mine", 4);
    CHECK_EQ(kill(pid, SIGKILL), 0);
    CHECK_OK(zx_object_wait_one(kept, ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    CHECK_EQ(join_process(pid), -SIGKILL);
}
