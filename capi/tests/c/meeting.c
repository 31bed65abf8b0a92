// jacinth_join_or_create
#define _GNU_SOURCE
#include "partner.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char NAME[] = "the place";

static void check_error_says(const char* word) {
    if (strstr(jacinth_error(), word) == NULL)
        check_fail(__FILE__, __LINE__, "jacinth_error() is \"%s\", without \"%s\"", jacinth_error(), word);
}

TEST(a_name_makes_an_arena) {
    char path[4096];
    bool created = false;
    CHECK_OK(jacinth_join_or_create(NAME, NULL, &created));
    CHECK(created && jacinth_is_attached());
    snprintf(path, sizeof(path), "%s/jacinth-user-%u/%s.socket", getenv("TMPDIR"), (unsigned)geteuid(), NAME);
    CHECK(strcmp(jacinth_socket_path(), path) == 0);
    CHECK_EQ(access(path, F_OK), 0);
    CHECK_OK(zx_handle_close(make_event()));
    CHECK_STATUS(jacinth_join_or_create(NAME, NULL, &created), ZX_ERR_ALREADY_BOUND);
    CHECK_STATUS(jacinth_create(NULL), ZX_ERR_ALREADY_BOUND);
}

ROLE(joins_by_name) {
    jacinth_config_t config;
    bool created = true;
    jacinth_config_default(&config);
    config.max_processes = 7;
    CHECK_OK(jacinth_join_or_create(getenv("NAME"), &config, &created));
    CHECK(!created);
    make_event();
    CHECK_EQ(audit_now().processes, 2);
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
}

TEST(other_programs_join_by_the_name) {
    CHECK_OK(jacinth_join_or_create(NAME, NULL, NULL));
    CHECK_EQ(run_stranger("joins_by_name", "NAME", NAME), 0);
}

ROLE(calls_the_name_at_once) {
    bool created;
    char answer;
    CHECK_OK(jacinth_join_or_create(NAME, NULL, &created));
    CHECK_EQ(write(atoi(getenv("TO")), created ? "m" : "j", 1), 1);
    // Until the parent has counted all of them.
    CHECK_EQ(read(atoi(getenv("FROM")), &answer, 1), 0);
}

TEST(concurrent_callers_make_one_arena) {
    int answers[2], end[2];
    char number[2][16];
    pid_t pids[8];
    CHECK_EQ(pipe(answers), 0);
    CHECK_EQ(pipe2(end, O_CLOEXEC), 0);
    snprintf(number[0], sizeof(number[0]), "%d", answers[1]);
    int from = dup(end[0]);
    snprintf(number[1], sizeof(number[1]), "%d", from);
    for (int index = 0; index < 8; index++) {
        pids[index] = fork();
        CHECK(pids[index] >= 0);
        if (pids[index] == 0) {
            setenv("TO", number[0], 1);
            setenv("FROM", number[1], 1);
            execl("/proc/self/exe", "caller", "--role", "calls_the_name_at_once", NULL);
            _exit(127);
        }
    }
    int makers = 0;
    for (int index = 0; index < 8; index++) {
        char answer;
        CHECK_EQ(read(answers[0], &answer, 1), 1);
        makers += answer == 'm';
    }
    CHECK_EQ(makers, 1);
    bool created = true;
    CHECK_OK(jacinth_join_or_create(NAME, NULL, &created));
    CHECK(!created);
    CHECK_EQ(audit_now().processes, 9);
    CHECK_EQ(close(end[1]), 0);
    for (int index = 0; index < 8; index++)
        CHECK_EQ(join_process(pids[index]), 0);
}

TEST(a_killed_makers_name_is_free) {
    bool created = false;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK_OK(jacinth_join_or_create(NAME, NULL, NULL));
        kill(getpid(), SIGKILL);
    }
    CHECK_EQ(join_process(pid), -SIGKILL);
    CHECK_OK(jacinth_join_or_create(NAME, NULL, &created));
    CHECK(created);
}

TEST(a_bad_name_is_refused) {
    char name[64];
    memset(name, 'n', sizeof(name));
    name[53] = 0;
    CHECK_STATUS(jacinth_join_or_create(name, NULL, NULL), ZX_ERR_INVALID_ARGS);
    check_error_says("53 bytes, and may have 52");
    CHECK_STATUS(jacinth_join_or_create("a/b", NULL, NULL), ZX_ERR_INVALID_ARGS);
    check_error_says("slash");
    CHECK_STATUS(jacinth_join_or_create("", NULL, NULL), ZX_ERR_INVALID_ARGS);
    check_error_says("empty");
    CHECK_STATUS(jacinth_join_or_create(NULL, NULL, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_join_or_create(NAME, (const jacinth_config_t*)1, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_join_or_create(NAME, NULL, (bool*)1), ZX_ERR_INVALID_ARGS);
    CHECK(!jacinth_is_attached());
    name[52] = 0;
    CHECK_OK(jacinth_join_or_create(name, NULL, NULL));
}

TEST(a_bad_config_is_refused) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.socket_path = "/tmp/elsewhere";
    CHECK_STATUS(jacinth_join_or_create(NAME, &config, NULL), ZX_ERR_BAD_PATH);
    check_error_says("socket_path");
    config.socket_path = NULL;
    config.max_objects = 0;
    CHECK_STATUS(jacinth_join_or_create(NAME, &config, NULL), ZX_ERR_OUT_OF_RANGE);
    check_error_says("max_objects");
    CHECK(!jacinth_is_attached());
    config.max_objects = 1000;
    CHECK_OK(jacinth_join_or_create(NAME, &config, NULL));
    CHECK(strcmp(jacinth_error(), "") == 0);
}

TEST(a_bad_place_is_refused) {
    char folder[4096], path[4200];
    snprintf(folder, sizeof(folder), "%s/jacinth-user-%u", getenv("TMPDIR"), (unsigned)geteuid());
    snprintf(path, sizeof(path), "%s/%s.socket", folder, NAME);
    CHECK_EQ(mkdir(folder, 0755), 0);
    CHECK_EQ(chmod(folder, 0755), 0);
    CHECK_STATUS(jacinth_join_or_create(NAME, NULL, NULL), ZX_ERR_ACCESS_DENIED);
    check_error_says("mode 755");
    CHECK_EQ(chmod(folder, 0700), 0);
    CHECK_EQ(mkdir(path, 0700), 0);
    CHECK_STATUS(jacinth_join_or_create(NAME, NULL, NULL), ZX_ERR_ALREADY_EXISTS);
    check_error_says("no socket");
    CHECK_EQ(rmdir(path), 0);
    CHECK_EQ(setenv("XDG_RUNTIME_DIR", "/", 1), 0);
    CHECK_STATUS(jacinth_join_or_create(NAME, NULL, NULL), ZX_ERR_ACCESS_DENIED);
    check_error_says("XDG_RUNTIME_DIR");
    CHECK_EQ(setenv("XDG_RUNTIME_DIR", "/nonexistent", 1), 0);
    CHECK_STATUS(jacinth_join_or_create(NAME, NULL, NULL), ZX_ERR_IO);
    check_error_says("/nonexistent");
    CHECK_EQ(unsetenv("XDG_RUNTIME_DIR"), 0);
    CHECK_OK(jacinth_join_or_create(NAME, NULL, NULL));
}
