// The framework of the C tests: a program is a list of TESTs, and a process runs one of them.
//
//   program --list          names them
//   program NAME            runs one; a check that fails ends it, with the place and both values
//   program --role NAME     is another process of a test, see partner.h
//
// A test in an attached process ends with an audit of the arena, which must be clean.
#ifndef CHECK_H_
#define CHECK_H_

#ifndef _GNU_SOURCE
#error "a test defines _GNU_SOURCE before it includes anything"
#endif

#include <execinfo.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <jacinth.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/types.h>

struct check_test {
    const char* name;
    void (*run)(void);
    bool is_role;
    struct check_test* next;
};

// TEST(a_claim) { ... } and ROLE(what_another_process_does) { ... }
#define TEST(name) CHECK_DEFINE_(name, false)
#define ROLE(name) CHECK_DEFINE_(name, true)
#define CHECK_DEFINE_(name, is_role)                                        \
    static void name(void);                                                 \
    __attribute__((constructor)) static void check_add_##name(void) {       \
        static struct check_test test = {#name, name, is_role, NULL};       \
        check_add(&test);                                                   \
    }                                                                       \
    static void name(void)

#define CHECK(condition) \
    (check_at(__LINE__), (condition) ? (void)0 : check_fail(__FILE__, __LINE__, "%s does not hold", #condition))
// A call's status, and the expected one.
#define CHECK_STATUS(call, expected) \
    (check_at(__LINE__), check_status(__FILE__, __LINE__, #call, (call), (expected)))
#define CHECK_OK(call) CHECK_STATUS(call, ZX_OK)
// Two numbers.
#define CHECK_EQ(value, expected) \
    (check_at(__LINE__), check_equal(__FILE__, __LINE__, #value, (int64_t)(value), (int64_t)(expected)))
// `size` bytes.
#define CHECK_BYTES(value, expected, size) CHECK(memcmp((value), (expected), (size)) == 0)

static struct check_test* check_tests;
static const char* check_running = "?";
static __thread volatile int check_line;

static inline void check_add(struct check_test* test) {
    struct check_test** last = &check_tests;
    while (*last != NULL)
        last = &(*last)->next;
    *last = test;
}

// The place of a test that crashes or hangs.
static inline void check_at(int line) {
    check_line = line;
}

// Ends the process, from any of its threads.
__attribute__((noreturn, format(printf, 3, 4))) static inline void check_fail(const char* file, int line,
                                                                             const char* format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    dprintf(STDERR_FILENO, "%s:%d: in %s: %s\n", file, line, check_running, text);
    _exit(1);
}

static inline void check_status(const char* file, int line, const char* call, zx_status_t status,
                                zx_status_t expected) {
    if (status != expected)
        check_fail(file, line, "%s gives %s (%d), not %s (%d)", call, zx_status_get_string(status), status,
                   zx_status_get_string(expected), expected);
}

static inline void check_equal(const char* file, int line, const char* what, int64_t value, int64_t expected) {
    if (value != expected)
        check_fail(file, line, "%s is %" PRId64 " (0x%" PRIx64 "), not %" PRId64 " (0x%" PRIx64 ")", what, value,
                   (uint64_t)value, expected, (uint64_t)expected);
}

// Prints where the thread crashed, or hung until the runner sent SIGABRT.
static inline void check_say_where(int signal) {
    void* frames[64];
    dprintf(STDERR_FILENO, "%s: signal %d after the check in line %d, at\n", check_running, signal, check_line);
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    // SA_RESETHAND has removed the handler: this ends the process.
    raise(signal);
}

static inline void check_run(const struct check_test* test) {
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = check_say_where;
    action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    void* frame;
    backtrace(&frame, 1); // Loads its library now, not in the handler.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    check_running = test->name;
    test->run();
}

static inline void check_audit(void) {
    if (!jacinth_is_attached())
        return;
    jacinth_audit_t audit;
    CHECK_OK(jacinth_collect(NULL));
    zx_status_t status = jacinth_audit(&audit);
    if (status != ZX_OK || audit.findings != 0)
        check_fail(__FILE__, __LINE__, "the audit is not clean: %s, %u findings: %s", zx_status_get_string(status),
                   audit.findings, jacinth_error());
}

int main(int argc, char** argv) {
    bool is_role = argc == 3 && strcmp(argv[1], "--role") == 0;
    if (!is_role && argc != 2)
        check_fail(__FILE__, __LINE__, "usage: %s --list | NAME | --role NAME", argv[0]);
    bool is_list = strcmp(argv[1], "--list") == 0;
    for (const struct check_test* test = check_tests; test != NULL; test = test->next) {
        if (is_list && !test->is_role) {
            puts(test->name);
        } else if (is_role == test->is_role && strcmp(test->name, argv[argc - 1]) == 0) {
            check_run(test);
            if (!is_role)
                check_audit();
            return 0;
        }
    }
    if (!is_list)
        check_fail(__FILE__, __LINE__, "%s is none of the tests", argv[argc - 1]);
    return 0;
}

#endif // CHECK_H_
