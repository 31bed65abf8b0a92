// jacinth_prepare, jacinth_seat_is_free, jacinth_seat_give_back, and the programs that take seats
#define _GNU_SOURCE
#include "partner.h"

static bool is_free(const jacinth_seat_t* seat) {
    bool answer = false;
    CHECK_OK(jacinth_seat_is_free(seat->slot, &answer));
    return answer;
}

static zx_handle_t prepare(jacinth_seat_t* seat) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    memset(seat, 0xab, sizeof(*seat));
    CHECK_OK(jacinth_prepare(theirs, seat));
    CHECK(!is_open(theirs) && is_free(seat));
    CHECK(strlen(seat->slot) < JACINTH_SEAT_SLOT_BYTES);
    return ours;
}

// Starts this program in a role, with the variables of a seat, as a program of its own would.
static pid_t start(const char* role, const char* slot) {
    const char* path = jacinth_socket_path();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        setenv("JACINTH_SOCKET", path, 1);
        setenv("JACINTH_SLOT", slot, 1);
        execl("/proc/self/exe", "seated", "--role", role, NULL);
        _exit(127);
    }
    return pid;
}

ROLE(takes_its_seat) {
    zx_handle_t channel = startup_channel();
    zx_koid_t koid = koid_of(channel);
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    send_bytes(channel, &koid, sizeof(koid));
    await_peer_closed(channel);
}

TEST(a_forked_program_takes_its_seat) {
    jacinth_seat_t seat;
    zx_handle_t channel = prepare(&seat);
    pid_t pid = start("takes_its_seat", seat.slot);
    zx_koid_t koid = basic_info(channel).related_koid;
    await_readable(channel);
    expect_bytes(channel, &koid, sizeof(koid));
    CHECK(!is_free(&seat));
    CHECK_STATUS(jacinth_seat_give_back(seat.slot), ZX_ERR_BAD_STATE);
    CHECK(strstr(jacinth_error(), "taken") != NULL);
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
    CHECK_OK(jacinth_collect(NULL));
    CHECK_OK(jacinth_seat_give_back(seat.slot));
}

TEST(a_shell_starts_a_seated_program) {
    jacinth_seat_t seat;
    zx_handle_t channel = prepare(&seat);
    char command[8192], program[4096] = {0};
    CHECK(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
    snprintf(command, sizeof(command), "JACINTH_SOCKET='%s' JACINTH_SLOT='%s' '%s' --role takes_its_seat",
             jacinth_socket_path(), seat.slot, program);
    FILE* shell = popen(command, "r");
    CHECK(shell != NULL);
    zx_koid_t koid = basic_info(channel).related_koid;
    await_readable(channel);
    expect_bytes(channel, &koid, sizeof(koid));
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(pclose(shell), 0);
}

// Comes in vain. It is attached all the same.
ROLE(finds_its_seat_taken) {
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    CHECK(strstr(jacinth_error(), "another program has taken this seat") != NULL);
    CHECK(jacinth_is_attached());
    make_event();
}

ROLE(finds_its_seat_given_back) {
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    CHECK(strstr(jacinth_error(), "this seat was given back") != NULL);
    make_event();
}

ROLE(finds_another_arena) {
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    CHECK(strstr(jacinth_error(), "no seat of the arena") != NULL);
    make_event();
}

ROLE(finds_no_handle) {
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    CHECK(strstr(jacinth_error(), "without one") != NULL);
    make_event();
}

TEST(a_seat_is_for_one_program) {
    jacinth_seat_t seat;
    zx_handle_t channel = prepare(&seat);
    pid_t pid = start("takes_its_seat", seat.slot);
    await_readable(channel);
    CHECK_EQ(join_process(start("finds_its_seat_taken", seat.slot)), 0);
    kill_process(pid);
    await_peer_closed(channel);
    CHECK_OK(jacinth_collect(NULL));
    CHECK_EQ(join_process(start("finds_its_seat_given_back", seat.slot)), 0);
}

TEST(an_unused_seat_is_given_back) {
    jacinth_seat_t seat;
    zx_handle_t channel = prepare(&seat);
    CHECK_OK(jacinth_seat_give_back(seat.slot));
    await_peer_closed(channel);
    CHECK(!is_free(&seat));
    CHECK_OK(jacinth_seat_give_back(seat.slot));
    CHECK_EQ(join_process(start("finds_its_seat_given_back", seat.slot)), 0);
}

TEST(a_seat_needs_no_handle) {
    jacinth_seat_t seat;
    CHECK_OK(jacinth_prepare(ZX_HANDLE_INVALID, &seat));
    CHECK_EQ(join_process(start("finds_no_handle", seat.slot)), 0);
}

TEST(a_wrong_slot_is_refused) {
    jacinth_seat_t seat;
    bool answer = true;
    zx_handle_t channel = prepare(&seat);
    CHECK_STATUS(jacinth_seat_is_free("nonsense", &answer), ZX_ERR_INVALID_ARGS);
    CHECK(strstr(jacinth_error(), "nonsense") != NULL);
    CHECK_STATUS(jacinth_seat_is_free("2:0:1", &answer), ZX_ERR_NOT_FOUND);
    CHECK_STATUS(jacinth_seat_give_back("2:0:1"), ZX_ERR_NOT_FOUND);
    CHECK(strstr(jacinth_error(), "another arena") != NULL);
    CHECK_STATUS(jacinth_seat_give_back(NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_seat_is_free(seat.slot, NULL), ZX_ERR_INVALID_ARGS);
    CHECK(answer && is_free(&seat));
    CHECK_EQ(join_process(start("finds_another_arena", "2:0:1")), 0);
    CHECK_OK(zx_handle_close(channel));
    CHECK_OK(jacinth_seat_give_back(seat.slot));
}

TEST(a_failed_prepare_consumes_its_handle) {
    jacinth_seat_t seat;
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    CHECK_STATUS(jacinth_prepare(theirs, NULL), ZX_ERR_INVALID_ARGS);
    await_peer_closed(ours);
    CHECK(!is_open(theirs));
    make_channel(&ours, &theirs);
    theirs = restrict_to(theirs, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
    CHECK_STATUS(jacinth_prepare(theirs, &seat), ZX_ERR_ACCESS_DENIED);
    await_peer_closed(ours);
    CHECK_STATUS(jacinth_prepare(theirs, &seat), ZX_ERR_BAD_HANDLE);
}

TEST(a_full_arena_prepares_no_seat) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_processes = 2;
    CHECK_OK(jacinth_create(&config));
    for (int round = 0; round < 3; round++) {
        jacinth_seat_t seat, other;
        zx_handle_t channel = prepare(&seat);
        CHECK_STATUS(jacinth_prepare(make_event(), &other), ZX_ERR_NO_RESOURCES);
        CHECK_OK(jacinth_seat_give_back(seat.slot));
        CHECK_OK(zx_handle_close(channel));
    }
}
