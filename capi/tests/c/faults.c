// The library's handler of SIGSEGV and SIGBUS does not disturb the program's earlier handlers.
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"
#include "partner.h"

#include <setjmp.h>

static _Atomic int calls;
static sigjmp_buf start;

static void handle(void (*handler)(int), int flags, int also_blocked) {
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    action.sa_flags = flags;
    if (also_blocked != 0)
        sigaddset(&action.sa_mask, also_blocked);
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
}

static void touch_what_is_not_there(void) {
    *(volatile char*)unmapped_page() = 1;
}

// The library's own checks fault too, and return.
static void use_the_library(void) {
    make_event();
    CHECK_STATUS(zx_event_create(0, unmapped_page()), ZX_ERR_INVALID_ARGS);
}

static void count(int signal) {
    (void)signal;
    if (atomic_fetch_add(&calls, 1) > 0)
        _exit(99);
}

static void crash_with_a_one_shot_handler(void) {
    handle(count, (int)SA_RESETHAND, 0);
    use_the_library();
    touch_what_is_not_there();
}

TEST(a_one_shot_handler_runs_once) {
    CHECK_EQ(in_forked_child(crash_with_a_one_shot_handler), -SIGSEGV);
}

static void jump_out(int signal) {
    (void)signal;
    atomic_fetch_add(&calls, 1);
    // No mask to restore: SA_NODEFER blocks no signal.
    siglongjmp(start, 1);
}

static void jump_out_of_handlers(void) {
    handle(jump_out, (int)SA_NODEFER, 0);
    use_the_library();
    for (volatile int round = 0; round < 3; round++)
        if (sigsetjmp(start, 0) == 0)
            touch_what_is_not_there();
    use_the_library();
    _exit(atomic_load(&calls));
}

TEST(a_handler_may_jump_out_repeatedly) {
    CHECK_EQ(in_forked_child(jump_out_of_handlers), 3);
}

static void look_at_the_mask(int signal) {
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    _exit(sigismember(&blocked, SIGUSR1) == 1 && sigismember(&blocked, signal) == 1 ? 5 : 99);
}

static void crash_with_a_mask(void) {
    handle(look_at_the_mask, 0, SIGUSR1);
    use_the_library();
    touch_what_is_not_there();
}

TEST(a_handler_runs_with_its_mask) {
    CHECK_EQ(in_forked_child(crash_with_a_mask), 5);
}

static void crash_without_a_handler(void) {
    handle(SIG_DFL, 0, 0);
    use_the_library();
    touch_what_is_not_there();
}

TEST(an_unhandled_fault_ends_the_program) {
    CHECK_EQ(in_forked_child(crash_without_a_handler), -SIGSEGV);
}

static void send_to_itself(void) {
    handle(SIG_DFL, 0, 0);
    use_the_library();
    raise(SIGSEGV);
    _exit(99);
}

TEST(a_sent_signal_is_no_fault) {
    CHECK_EQ(in_forked_child(send_to_itself), -SIGSEGV);
}

static void send_what_is_ignored(void) {
    handle(SIG_IGN, 0, 0);
    use_the_library();
    raise(SIGSEGV);
    use_the_library();
    _exit(6);
}

TEST(an_ignored_signal_stays_ignored) {
    CHECK_EQ(in_forked_child(send_what_is_ignored), 6);
}
