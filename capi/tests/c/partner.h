// Other processes of a test: the same program in a ROLE, and forked children.
#ifndef PARTNER_H_
#define PARTNER_H_

#include "objects.h"

#include <dirent.h>
#include <sched.h>
#include <sys/wait.h>

// Waits for the process. Returns its exit status, or minus the number of the signal that ended it.
static inline int join_process(pid_t pid) {
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// Starts this program in a role. Consumes `startup`.
static inline pid_t spawn_role(const char* role, zx_handle_t startup) {
    char* arguments[] = {(char*)"partner", (char*)"--role", (char*)role, NULL};
    pid_t pid = 0;
    CHECK_OK(jacinth_spawn("/proc/self/exe", arguments, NULL, startup, &pid));
    CHECK(pid > 0);
    return pid;
}

// Starts this program in a role, and makes a channel to it.
static inline pid_t spawn_partner(const char* role, zx_handle_t* channel) {
    zx_handle_t theirs;
    CHECK_OK(zx_channel_create(0, channel, &theirs));
    return spawn_role(role, theirs);
}

// Runs `body` in a forked child and returns its exit status. A failed check ends the child with 1.
static inline int in_forked_child(void (*body)(void)) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        body();
        _exit(0);
    }
    return join_process(pid);
}

// Waits for the channel's next message.
static inline void await_readable(zx_handle_t channel) {
    zx_signals_t seen = 0;
    CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, &seen));
    CHECK(seen & ZX_CHANNEL_READABLE);
}

// The startup handle of this process: a channel.
static inline zx_handle_t startup_channel(void) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    CHECK(channel != ZX_HANDLE_INVALID);
    return channel;
}

// Stops a process, and waits until each of its threads has stopped. The signal alone does not wait: a thread that runs on
// another processor goes on for a moment.
static inline void stop_process(pid_t pid) {
    CHECK_EQ(kill(pid, SIGSTOP), 0);
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    for (bool is_stopped = false; !is_stopped; sched_yield()) {
        DIR* threads = opendir(path);
        CHECK(threads != NULL);
        is_stopped = true;
        for (struct dirent* thread; (thread = readdir(threads)) != NULL;) {
            char stat[512];
            snprintf(stat, sizeof(stat), "%s/%s/stat", path, thread->d_name);
            FILE* file = thread->d_name[0] == '.' ? NULL : fopen(stat, "r");
            if (file == NULL)
                continue;
            char* state = fgets(line, sizeof(line), file) == NULL ? NULL : strrchr(line, ')');
            is_stopped = is_stopped && state != NULL && state[2] == 'T';
            fclose(file);
        }
        closedir(threads);
    }
}

static inline void kill_process(pid_t pid) {
    CHECK_EQ(kill(pid, SIGKILL), 0);
    CHECK_EQ(join_process(pid), -SIGKILL);
}

static inline void await_peer_closed(zx_handle_t handle) {
    CHECK_OK(zx_object_wait_one(handle, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
}

// Runs this program in a role, with one more word in the environment, as a program that was not spawned. Returns how that
// ended.
static inline int run_stranger(const char* role, const char* variable, const char* value) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        setenv(variable, value, 1);
        execl("/proc/self/exe", "stranger", "--role", role, NULL);
        _exit(127);
    }
    return join_process(pid);
}

#endif // PARTNER_H_
