// Two processes: a handle travels, rights refuse a call, the worker is killed, and no resource is lost.
//
//   cc -I capi/include capi/examples/quickstart.c -L target/release -ljacinth -lpthread -o quickstart
//   LD_LIBRARY_PATH=target/release ./quickstart

#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <jacinth.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>

// Ends the program when a call fails that should not.
static void must(zx_status_t status, const char* what) {
    if (status != ZX_OK) {
        fprintf(stderr, "%s: %s. %s\n", what, zx_status_get_string(status), jacinth_error());
        exit(1);
    }
}

// Waits for the next message and reads its handle. False when the other side has closed its end.
static int next(zx_handle_t channel, zx_handle_t* handle) {
    zx_signals_t seen = 0;
    must(zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, &seen), "wait");
    if (!(seen & ZX_CHANNEL_READABLE))
        return 0;
    uint32_t count = 0;
    must(zx_channel_read(channel, 0, NULL, handle, 0, 1, NULL, &count), "read");
    return count == 1;
}

static zx_koid_t koid_of(zx_handle_t handle) {
    zx_info_handle_basic_t info;
    must(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL), "info");
    return info.koid;
}

// The worker: raises a signal on each event that it is sent, and sends it back.
static int worker(void) {
    // The startup handle from the parent. Taking it also joins the parent's arena.
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    zx_handle_t event;
    while (next(channel, &event)) {
        // This handle came without ZX_RIGHT_WAIT.
        zx_status_t refused = zx_object_wait_one(event, ZX_EVENT_SIGNALED, 0, NULL);
        printf("  worker: waiting is refused with %s\n", zx_status_get_string(refused));
        must(zx_object_signal(event, 0, ZX_EVENT_SIGNALED), "signal");
        must(zx_channel_write(channel, 0, NULL, 0, &event, 1), "send it back");
    }
    return 0;
}

int main(int argc, char** argv) {
    setvbuf(stdout, NULL, _IOLBF, 0); // Keeps the lines of both processes in order.
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        return worker();

    zx_handle_t ours, theirs, event, lesser;
    must(zx_channel_create(0, &ours, &theirs), "channel"); // The first call makes an arena, and a supervisor in it.
    must(zx_event_create(0, &event), "event");
    must(zx_handle_duplicate(event, ZX_RIGHT_SIGNAL | ZX_RIGHT_TRANSFER, &lesser), "duplicate");

    pid_t pid;
    char* arguments[] = {argv[0], "worker", NULL};
    must(jacinth_spawn("/proc/self/exe", arguments, NULL, theirs, &pid), "spawn"); // The worker owns `theirs` now.
    printf("worker: process %d\n", (int)pid);

    must(zx_channel_write(ours, 0, NULL, 0, &lesser, 1), "send the event"); // And `lesser` too.
    must(zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL), "wait for the worker");
    zx_handle_t back = ZX_HANDLE_INVALID;
    if (!next(ours, &back) || koid_of(back) != koid_of(event))
        return 1;
    printf("the event went to another process and came back: koid %llu\n", (unsigned long long)koid_of(back));

    kill(pid, SIGKILL);
    must(zx_object_wait_one(ours, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL), "wait for the death");
    waitpid(pid, NULL, 0);
    printf("the worker was killed, and its end of the channel is closed\n");

    zx_handle_t handles[] = {ours, event, back};
    must(zx_handle_close_many(handles, 3), "close");
    jacinth_audit_t audit;
    must(jacinth_collect(NULL), "collect");
    must(jacinth_audit(&audit), "audit");
    printf("audit: %u processes, %u objects, %u handles, nothing lost\n", audit.processes, audit.objects, audit.handles);
    return 0;
}
