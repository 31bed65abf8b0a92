// The ends of threads and programs: calls at the very end, and an end that the library does not delay.
#define _GNU_SOURCE
#include "objects.h"
#include "partner.h"
#include "sleeper.h"

#include <sys/stat.h>
#include <sys/wait.h>

static pthread_key_t key;
static _Atomic int closed;

static void close_at_end(void* value) {
    CHECK_OK(zx_handle_close((zx_handle_t)(uintptr_t)value));
    // Calls of every kind still work.
    CHECK(is_open(make_event()));
    CHECK(jacinth_error() != NULL);
    atomic_fetch_add(&closed, 1);
}

static void* leave_an_event(void* number) {
    (void)number;
    CHECK_EQ(pthread_setspecific(key, (void*)(uintptr_t)make_event()), 0);
    return NULL;
}

TEST(destructors_can_close_handles) {
    CHECK_EQ(pthread_key_create(&key, close_at_end), 0);
    in_threads(8, leave_an_event);
    CHECK_EQ(atomic_load(&closed), 8);
    jacinth_audit_t audit;
    CHECK_OK(jacinth_audit(&audit));
    CHECK_EQ(audit.handles, 8); // The last event of each thread.
}

static zx_handle_t shared;

static void look_at_end(void* value) {
    (void)value;
    CHECK(is_open(shared));
}

static void* call_only_at_the_end(void* number) {
    CHECK_EQ(pthread_setspecific(key, (char*)number + 1), 0);
    return NULL;
}

TEST(calls_in_destructors_leak_no_threads) {
    shared = make_event();
    CHECK_EQ(pthread_key_create(&key, look_at_end), 0);
    jacinth_audit_t before, after;
    CHECK_OK(jacinth_audit(&before));
    for (int round = 0; round < 8; round++)
        in_threads(32, call_only_at_the_end);
    CHECK_OK(jacinth_audit(&after));
    CHECK_EQ(after.threads, before.threads);
}

static zx_handle_t kept;

static void audit_at_exit(void) {
    CHECK_OK(zx_handle_close(kept));
    jacinth_audit_t audit;
    if (jacinth_audit(&audit) != ZX_OK || audit.handles != 0)
        _exit(99);
    _exit(42);
}

static void exit_with_an_audit(void) {
    kept = make_event();
    atexit(audit_at_exit);
    exit(0);
}

TEST(exit_handlers_can_make_calls) {
    CHECK_EQ(in_forked_child(exit_with_an_audit), 42);
}

static void* outlive_main(void* argument) {
    (void)argument;
    zx_nanosleep(zx_deadline_after(ZX_MSEC(30)));
    make_event();
    return NULL;
}

static void say_at_exit(void) {
    zx_nanosleep(0);
    _exit(23);
}

static void end_main(void) {
    pthread_t thread;
    make_event();
    atexit(say_at_exit);
    CHECK_EQ(pthread_create(&thread, NULL, outlive_main, NULL), 0);
    pthread_exit(NULL);
}

TEST(pthread_exit_of_main_ends_later) {
    // The process calls exit(), as without the library.
    CHECK_EQ(in_forked_child(end_main), 23);
}

// Started by exec, because a forked child inherits its parent's record of the main thread.
ROLE(never_calls_in_main) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, outlive_main, NULL), 0);
    pthread_exit(NULL);
}

static void exec_one_that_never_calls_in_main(void) {
    execl("/proc/self/exe", "alone", "--role", "never_calls_in_main", NULL);
}

TEST(a_main_without_calls_ends_later) {
    CHECK_EQ(in_forked_child(exec_one_that_never_calls_in_main), 0);
}

static void* say_and_end(void* argument) {
    zx_nanosleep(zx_deadline_after(ZX_MSEC(30)));
    _exit(*(int*)argument);
}

static void end_main_of_a_namesake(void) {
    static int code = 17;
    pthread_t thread;
    // A program's thread may have the name of a library thread.
    prctl(PR_SET_NAME, "jacinth-last");
    make_event();
    CHECK_EQ(pthread_create(&thread, NULL, say_and_end, &code), 0);
    zx_thread_exit();
}

TEST(program_threads_may_have_library_names) {
    CHECK_EQ(in_forked_child(end_main_of_a_namesake), 17);
}

static char folder[256];

static void exit_and_say_where(void) {
    make_event();
    FILE* file = fopen(folder, "w");
    CHECK(file != NULL);
    fputs(jacinth_socket_path(), file);
    fclose(file);
    zx_process_exit(0);
}

TEST(process_exit_removes_the_socket) {
    snprintf(folder, sizeof(folder), "/tmp/jacinth-test-%d", (int)getpid());
    CHECK_EQ(in_forked_child(exit_and_say_where), 0);
    char path[256] = "";
    FILE* file = fopen(folder, "r");
    CHECK(file != NULL && fgets(path, sizeof(path), file) != NULL);
    fclose(file);
    unlink(folder);
    struct stat about;
    CHECK(path[0] == '/' && stat(path, &about) != 0);
}

static zx_handle_t inherited_self;

static void take_in_the_child(void) {
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    CHECK_EQ(zx_process_self(), ZX_HANDLE_INVALID);
    CHECK_EQ(zx_thread_self(), ZX_HANDLE_INVALID);
}

TEST(a_forked_child_has_no_parent_handles) {
    inherited_self = zx_process_self();
    CHECK(inherited_self != ZX_HANDLE_INVALID && zx_thread_self() != ZX_HANDLE_INVALID);
    CHECK_EQ(in_forked_child(take_in_the_child), 0);
    CHECK_EQ(zx_process_self(), inherited_self);
}

TEST(automatic_reaping_does_not_break_spawn) {
    // Linux reaps them the moment they end.
    signal(SIGCHLD, SIG_IGN);
    char* arguments[] = {(char*)"true", NULL};
    for (int round = 0; round < 40; round++) {
        zx_handle_t ours, theirs;
        make_channel(&ours, &theirs);
        pid_t pid = 0;
        CHECK_OK(jacinth_spawn("true", arguments, NULL, theirs, &pid));
        CHECK_OK(zx_object_wait_one(ours, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
        CHECK_OK(zx_handle_close(ours));
    }
}
