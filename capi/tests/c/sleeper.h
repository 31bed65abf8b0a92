// Threads of a test, and a check whether one of them sleeps.
#ifndef SLEEPER_H_
#define SLEEPER_H_

#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

// A thread that sleeps in the kernel in the last statement of `run`.
struct sleeper {
    void (*run)(void* argument);
    void* argument;
    pthread_t thread;
    _Atomic pid_t id;
};

static inline void* sleeper_main(void* argument) {
    struct sleeper* sleeper = argument;
    jacinth_set_spin(0);
    // Make the first call now, so that its work is done before a test checks whether the thread sleeps.
    zx_object_get_info(ZX_HANDLE_INVALID, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL);
    atomic_store(&sleeper->id, (pid_t)syscall(SYS_gettid));
    sleeper->run(sleeper->argument);
    return NULL;
}

static inline bool is_asleep(pid_t thread) {
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
    FILE* file = fopen(path, "r");
    if (file == NULL)
        return true; // It has ended: a join shows how.
    char* state = fgets(line, sizeof(line), file) == NULL ? NULL : strrchr(line, ')');
    fclose(file);
    return state != NULL && state[2] == 'S';
}

// Starts the thread, and returns when it sleeps.
static inline void start_sleeper(struct sleeper* sleeper, void (*run)(void*), void* argument) {
    *sleeper = (struct sleeper){.run = run, .argument = argument};
    CHECK_EQ(pthread_create(&sleeper->thread, NULL, sleeper_main, sleeper), 0);
    while (atomic_load(&sleeper->id) == 0 || !is_asleep(atomic_load(&sleeper->id)))
        sched_yield();
}

static inline void join_sleeper(struct sleeper* sleeper) {
    CHECK_EQ(pthread_join(sleeper->thread, NULL), 0);
}

// Runs `run` in `count` threads at once, each with its number, and waits for all of them.
static inline void in_threads(size_t count, void* (*run)(void* number)) {
    pthread_t threads[64];
    CHECK(count <= 64);
    for (size_t index = 0; index < count; index++)
        CHECK_EQ(pthread_create(&threads[index], NULL, run, (void*)index), 0);
    for (size_t index = 0; index < count; index++)
        CHECK_EQ(pthread_join(threads[index], NULL), 0);
}

#endif // SLEEPER_H_
