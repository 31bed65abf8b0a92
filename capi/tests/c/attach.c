// Attaching a process: jacinth_create, jacinth_attach, and the first call.
#define _GNU_SOURCE
#include "partner.h"
#include "sleeper.h"

static void check_error_says(const char* word) {
    if (strstr(jacinth_error(), word) == NULL)
        check_fail(__FILE__, __LINE__, "jacinth_error() is \"%s\", without \"%s\"", jacinth_error(), word);
}

TEST(the_first_call_makes_an_arena) {
    CHECK(!jacinth_is_attached());
    CHECK(jacinth_socket_path() == NULL);
    CHECK_OK(zx_handle_close(make_event()));
    CHECK(jacinth_is_attached());
    CHECK(jacinth_socket_path() != NULL);
    CHECK_EQ(access(jacinth_socket_path(), F_OK), 0);
    CHECK(strcmp(jacinth_error(), "") == 0);
    CHECK_STATUS(jacinth_create(NULL), ZX_ERR_ALREADY_BOUND);
}

static void* make_one_event(void* number) {
    (void)number;
    make_event();
    return NULL;
}

TEST(concurrent_first_calls_make_one_arena) {
    in_threads(16, make_one_event);
    jacinth_audit_t audit = audit_now();
    CHECK_EQ(audit.processes, 1);
    CHECK_EQ(audit.objects, 16);
    CHECK_EQ(audit.handles, 16);
}

TEST(a_second_arena_is_refused) {
    CHECK_OK(jacinth_create(NULL));
    CHECK(jacinth_is_attached());
    CHECK(strcmp(jacinth_error(), "") == 0);
    CHECK_STATUS(jacinth_create(NULL), ZX_ERR_ALREADY_BOUND);
    CHECK(strlen(jacinth_error()) > 0);
    CHECK_STATUS(jacinth_attach(jacinth_socket_path()), ZX_ERR_ALREADY_BOUND);
    make_event();
}

TEST(null_means_the_default_limits) {
    jacinth_config_t config;
    memset(&config, 0xab, sizeof(config));
    jacinth_config_default(&config);
    CHECK_EQ(config.max_processes, 64);
    CHECK_EQ(config.max_threads, 1024);
    CHECK_EQ(config.max_objects, 1 << 20);
    CHECK_EQ(config.max_objects_per_process, (1 << 20) / 8 * 7);
    CHECK_EQ(config.max_handles_per_process, (1 << 18) - 1);
    CHECK_EQ(config.max_pending_messages, 8192);
    CHECK_EQ(config.max_pending_messages_per_process, 7 << 20);
    CHECK_EQ(config.first_segment_messages, 8);
    CHECK_EQ(config.pool_bytes, 1 << 30);
    CHECK_EQ(config.max_block_bytes_per_process, (1 << 30) / 8 * 7);
    CHECK_EQ(config.max_loan_bytes, 16 << 20);
    CHECK(config.socket_path == NULL);
    CHECK_OK(jacinth_create(&config));
    make_event();
}

TEST(the_socket_path_can_be_chosen) {
    char path[4096], too_long[4096];
    snprintf(path, sizeof(path), "%s/service", getenv("TMPDIR"));
    snprintf(too_long, sizeof(too_long), "%s/%0200d", getenv("TMPDIR"), 0);
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.socket_path = (const char*)1;
    CHECK_STATUS(jacinth_create(&config), ZX_ERR_INVALID_ARGS);
    config.socket_path = too_long;
    CHECK_STATUS(jacinth_create(&config), ZX_ERR_BAD_PATH);
    check_error_says("108");
    config.socket_path = getenv("TMPDIR");
    CHECK_STATUS(jacinth_create(&config), ZX_ERR_ALREADY_EXISTS);
    config.socket_path = path;
    CHECK_OK(jacinth_create(&config));
    CHECK(strcmp(jacinth_socket_path(), path) == 0);
    make_event();
}

TEST(the_error_names_a_bad_limit) {
    jacinth_config_t good, config;
    jacinth_config_default(&good);
#define REFUSE(limit, value)                                            \
    do {                                                                \
        config = good;                                                  \
        config.limit = (value);                                         \
        CHECK_STATUS(jacinth_create(&config), ZX_ERR_OUT_OF_RANGE); \
        check_error_says(#limit);                                       \
        CHECK(!jacinth_is_attached());                                  \
    } while (0)
    REFUSE(max_processes, 0);
    REFUSE(max_processes, 4096);
    REFUSE(max_threads, 0);
    REFUSE(max_threads, 4096);
    REFUSE(max_objects, 0);
    REFUSE(max_objects, 1 << 23);
    REFUSE(max_objects_per_process, 0);
    REFUSE(max_handles_per_process, 0);
    REFUSE(max_handles_per_process, 1 << 20);
    REFUSE(max_pending_messages, 0);
    REFUSE(max_pending_messages, (1 << 20) + 1);
    REFUSE(max_pending_messages_per_process, 0);
    REFUSE(first_segment_messages, 1);
    REFUSE(first_segment_messages, 12);
    REFUSE(first_segment_messages, 16384);
    REFUSE(pool_bytes, 0);
    REFUSE(pool_bytes, UINT64_MAX);
    REFUSE(max_block_bytes_per_process, UINT64_MAX);
    REFUSE(max_loan_bytes, 0);
    REFUSE(max_loan_bytes, 1 << 30);
#undef REFUSE
    CHECK_OK(jacinth_create(&good));
    CHECK(strcmp(jacinth_error(), "") == 0);
}

TEST(an_arena_enforces_its_limits) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_pending_messages = 3;
    CHECK_OK(jacinth_create(&config));
    zx_handle_t one, other;
    make_channel(&one, &other);
    for (int index = 0; index < 3; index++)
        send_bytes(one, "", 0);
    CHECK_STATUS(zx_channel_write(one, 0, "", 0, NULL, 0), ZX_ERR_SHOULD_WAIT);
}

TEST(a_missing_arena_is_bad_state) {
    zx_handle_t event = 77, other;
    char bytes[8];
    CHECK_EQ(setenv("JACINTH_SOCKET", "/nonexistent/supervisor", 1), 0);
    for (int round = 0; round < 2; round++) {
        CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
        check_error_says("/nonexistent/supervisor");
    }
    CHECK_EQ(event, 77);
    CHECK_STATUS(zx_channel_create(0, &event, &other), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_handle_close(event), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_object_wait_one(event, 0, 0, NULL), ZX_ERR_BAD_STATE);
    CHECK_STATUS(zx_channel_read(event, 0, bytes, NULL, 8, 0, NULL, NULL), ZX_ERR_BAD_STATE);
    CHECK_EQ(zx_process_self(), ZX_HANDLE_INVALID);
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    CHECK_STATUS(jacinth_audit(&(jacinth_audit_t){0}), ZX_ERR_BAD_STATE);
    CHECK(!jacinth_is_attached());
    CHECK(jacinth_socket_path() == NULL);
}

TEST(a_failed_join_permits_making_one) {
    zx_handle_t event;
    CHECK_EQ(setenv("JACINTH_SOCKET", "/nonexistent/supervisor", 1), 0);
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
    CHECK_OK(jacinth_create(NULL));
    CHECK(strcmp(jacinth_error(), "") == 0);
    CHECK_OK(zx_event_create(0, &event));
    CHECK_EQ(audit_now().objects, 1);
}

TEST(an_invalid_slot_is_bad_state) {
    zx_handle_t event;
    CHECK_EQ(setenv("JACINTH_SOCKET", "/nonexistent/supervisor", 1), 0);
    CHECK_EQ(setenv("JACINTH_SLOT", "nonsense", 1), 0);
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
    check_error_says("nonsense");
}

TEST(a_failed_attach_explains_itself) {
    CHECK_STATUS(jacinth_attach(NULL), ZX_ERR_INVALID_ARGS);
    CHECK(strlen(jacinth_error()) > 0);
    CHECK_STATUS(jacinth_attach("/nonexistent/supervisor"), ZX_ERR_NOT_FOUND);
    check_error_says("/nonexistent/supervisor");
    CHECK(!jacinth_is_attached());
    make_event();
    CHECK_OK(jacinth_audit(NULL));
    CHECK_STATUS(jacinth_attach("/nonexistent/supervisor"), ZX_ERR_ALREADY_BOUND);
}

static void* see_no_error(void* number) {
    (void)number;
    CHECK(strcmp(jacinth_error(), "") == 0);
    return NULL;
}

TEST(error_texts_are_per_thread) {
    CHECK(strcmp(jacinth_error(), "") == 0);
    CHECK_STATUS(jacinth_attach("/nonexistent/supervisor"), ZX_ERR_NOT_FOUND);
    in_threads(1, see_no_error);
    CHECK(strlen(jacinth_error()) > 0);
    CHECK_OK(jacinth_create(NULL));
    CHECK(strcmp(jacinth_error(), "") == 0);
}

static void check_that_two_are_here(const char* path) {
    CHECK(jacinth_is_attached());
    CHECK(strcmp(jacinth_socket_path(), path) == 0);
    make_event();
    CHECK_EQ(audit_now().processes, 2);
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
}

ROLE(attaches) {
    const char* path = getenv("SOCKET");
    CHECK_OK(jacinth_attach(path));
    check_that_two_are_here(path);
}

ROLE(just_calls) {
    make_event();
    check_that_two_are_here(getenv("JACINTH_SOCKET"));
}

TEST(a_program_joins_by_the_path) {
    CHECK_OK(jacinth_create(NULL));
    CHECK_EQ(run_stranger("attaches", "SOCKET", jacinth_socket_path()), 0);
}

TEST(a_program_joins_by_its_environment) {
    CHECK_OK(jacinth_create(NULL));
    CHECK_EQ(run_stranger("just_calls", "JACINTH_SOCKET", jacinth_socket_path()), 0);
}

ROLE(is_refused) {
    CHECK_STATUS(jacinth_attach(getenv("SOCKET")), ZX_ERR_NO_RESOURCES);
    CHECK(strlen(jacinth_error()) > 0);
    CHECK(!jacinth_is_attached());
}

ROLE(is_refused_at_its_first_call) {
    zx_handle_t event;
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
    CHECK(strlen(jacinth_error()) > 0);
    CHECK(!jacinth_is_attached());
}

TEST(a_full_arena_refuses_processes) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_processes = 1;
    CHECK_OK(jacinth_create(&config));
    CHECK_EQ(run_stranger("is_refused", "SOCKET", jacinth_socket_path()), 0);
    CHECK_EQ(run_stranger("is_refused_at_its_first_call", "JACINTH_SOCKET", jacinth_socket_path()), 0);
}

ROLE(tells_its_path) {
    make_event();
    dprintf(atoi(getenv("TO")), "%s", jacinth_socket_path());
}

TEST(an_exit_removes_the_socket) {
    int ends[2];
    char number[16], path[4096] = {0};
    CHECK_EQ(pipe(ends), 0);
    snprintf(number, sizeof(number), "%d", ends[1]);
    CHECK_EQ(run_stranger("tells_its_path", "TO", number), 0);
    CHECK(read(ends[0], path, sizeof(path) - 1) > 0);
    CHECK_EQ(access(path, F_OK), -1);
    *strrchr(path, '/') = 0;
    CHECK_EQ(access(path, F_OK), -1);
}

static void check_that_it_makes_none(void) {
    zx_handle_t event;
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
    check_error_says("by hand");
    check_error_says("JACINTH_SOCKET");
    CHECK(!jacinth_is_attached());
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    check_error_says("by hand");
    CHECK_STATUS(jacinth_audit(NULL), ZX_ERR_BAD_STATE);
    check_error_says("by hand");
    // An explicit call may still make one.
    CHECK_OK(jacinth_create(NULL));
    CHECK(strcmp(jacinth_error(), "") == 0);
    CHECK_OK(zx_event_create(0, &event));
}

TEST(a_variable_forbids_own_arenas) {
    CHECK_EQ(setenv("JACINTH_NO_OWN_ARENA", "1", 1), 0);
    check_that_it_makes_none();
}

TEST(a_call_forbids_own_arenas) {
    jacinth_forbid_own_arena();
    check_that_it_makes_none();
}

TEST(a_variable_of_zero_forbids_nothing) {
    CHECK_EQ(setenv("JACINTH_NO_OWN_ARENA", "0", 1), 0);
    make_event();
    CHECK(jacinth_is_attached());
}

TEST(a_forbidden_arena_permits_joining) {
    CHECK_OK(jacinth_create(NULL));
    CHECK_EQ(setenv("JACINTH_NO_OWN_ARENA", "1", 1), 0);
    CHECK_EQ(run_stranger("just_calls", "JACINTH_SOCKET", jacinth_socket_path()), 0);
}

ROLE(takes_its_handle_twice) {
    CHECK(zx_take_startup_handle(PA_HND(PA_USER0, 0)) != ZX_HANDLE_INVALID);
    CHECK(strcmp(jacinth_error(), "") == 0);
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    check_error_says("taken already");
}

ROLE(has_joined) {
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    check_error_says("joined");
}

TEST(a_missing_startup_handle_is_explained) {
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    check_error_says("made its arena");
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_FDIO_REMOTE, 1)), ZX_HANDLE_INVALID);
    check_error_says("PA_USER0");
    CHECK_EQ(join_process(spawn_role("takes_its_handle_twice", make_event())), 0);
    CHECK_EQ(run_stranger("has_joined", "JACINTH_SOCKET", jacinth_socket_path()), 0);
}

TEST(a_newer_failure_replaces_the_text) {
    zx_handle_t event;
    CHECK_STATUS(jacinth_attach("/nonexistent/older"), ZX_ERR_NOT_FOUND);
    check_error_says("older");
    CHECK_EQ(setenv("JACINTH_SOCKET", "/nonexistent/newer", 1), 0);
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
    check_error_says("newer");
    CHECK_STATUS(jacinth_attach("/nonexistent/older"), ZX_ERR_NOT_FOUND);
    check_error_says("older");
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
    check_error_says("newer");
    jacinth_set_spin(0);
    check_error_says("newer");
}

TEST(a_successful_first_call_clears_the_text) {
    CHECK_STATUS(jacinth_attach("/nonexistent/supervisor"), ZX_ERR_NOT_FOUND);
    make_event();
    CHECK(strcmp(jacinth_error(), "") == 0);
    CHECK_STATUS(jacinth_create(NULL), ZX_ERR_ALREADY_BOUND);
    jacinth_set_spin(0);
    CHECK(strcmp(jacinth_error(), "") == 0);
}

static void see_that_it_is_forked(void) {
    zx_handle_t event;
    check_error_says("forked");
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
    check_error_says("forked");
}

static void see_nothing_of_the_parents(void) {
    CHECK(strcmp(jacinth_error(), "") == 0);
}

TEST(a_forked_child_has_no_parent_text) {
    CHECK_STATUS(jacinth_attach("/nonexistent/supervisor"), ZX_ERR_NOT_FOUND);
    CHECK_EQ(in_forked_child(see_nothing_of_the_parents), 0);
    make_event();
    CHECK_STATUS(jacinth_create(NULL), ZX_ERR_ALREADY_BOUND);
    CHECK_EQ(in_forked_child(see_that_it_is_forked), 0);
    CHECK(strlen(jacinth_error()) > 0);
}

static void see_that_the_parent_failed(void) {
    zx_handle_t event;
    CHECK(strcmp(jacinth_error(), "") == 0);
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
    check_error_says("forked");
}

TEST(a_forked_child_explains_its_missing_arena) {
    zx_handle_t event;
    CHECK_EQ(setenv("JACINTH_SOCKET", "/nonexistent/supervisor", 1), 0);
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_BAD_STATE);
    CHECK_EQ(in_forked_child(see_that_the_parent_failed), 0);
}
