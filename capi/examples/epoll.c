/* A service in one epoll loop: 50 clients on jacinth channels, and beside them a Unix socket, a timerfd, and a signalfd for
 * Ctrl-C. The clients are processes of this program.
 *
 *   cc -I capi/include capi/examples/epoll.c -L target/release -ljacinth -lpthread -o epoll
 *   LD_LIBRARY_PATH=target/release ./epoll */
#define _GNU_SOURCE
#include <errno.h>
#include <jacinth.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>

enum { CLIENTS = 50, CALLS = 20 };

static void check(zx_status_t status, const char* what) {
    if (status != ZX_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, zx_status_get_string(status), jacinth_error());
        exit(1);
    }
}

/* A client: calls the service, and asks for the double of each number. */
static int client(void) {
    zx_handle_t service = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    for (uint32_t number = 0; number < CALLS; number++) {
        uint32_t request[2] = {0, number}, reply[2], size, count;
        zx_channel_call_args_t call = {.wr_bytes = request, .wr_num_bytes = sizeof(request),
                                       .rd_bytes = reply, .rd_num_bytes = sizeof(reply)};
        check(zx_channel_call(service, 0, ZX_TIME_INFINITE, &call, &size, &count), "a call");
        if (reply[1] != 2 * number)
            return 1;
    }
    return 0;
}

/* Answers all requests of a client. Whether the client is still there. */
static bool serve(zx_handle_t channel, uint32_t* served) {
    uint32_t request[2], size, count;
    zx_status_t status;
    while ((status = zx_channel_read(channel, 0, request, NULL, sizeof(request), 0, &size, &count)) == ZX_OK) {
        request[1] *= 2;
        check(zx_channel_write(channel, 0, request, sizeof(request), NULL, 0), "a reply");
        ++*served;
    }
    if (status != ZX_ERR_SHOULD_WAIT && status != ZX_ERR_PEER_CLOSED)
        check(status, "a request");
    return status == ZX_ERR_SHOULD_WAIT;
}

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        perror("a descriptor of the loop");
        exit(1);
    }
}

int main(int argc, char** argv) {
    if (argc > 1 && strcmp(argv[1], "client") == 0)
        return client();
    /* Ctrl-C is a descriptor of the loop, and interrupts nothing. */
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupts, NULL);

    zx_handle_t port, channels[CLIENTS];
    check(zx_port_create(0, &port), "a port");
    int port_fd, sockets[2];
    check(jacinth_port_fd_create(port, &port_fd), "a descriptor for the port");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return 1;
    int signal_fd = signalfd(-1, &interrupts, SFD_CLOEXEC);
    int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec every_ms = {{0, 1000000}, {0, 1000000}};
    timerfd_settime(timer_fd, 0, &every_ms, NULL);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, port_fd);
    watch(epoll, sockets[0]);
    watch(epoll, signal_fd);
    watch(epoll, timer_fd);

    for (uint64_t number = 0; number < CLIENTS; number++) {
        zx_handle_t theirs;
        check(zx_channel_create(0, &channels[number], &theirs), "a channel");
        check(zx_object_wait_async(channels[number], port, number, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED,
                                   ZX_WAIT_ASYNC_REPEATING), "a wait");
        char* arguments[] = {argv[0], (char*)"client", NULL};
        pid_t pid;
        check(jacinth_spawn("/proc/self/exe", arguments, NULL, theirs, &pid), "a client");
    }

    uint32_t clients = CLIENTS, served = 0, ticks = 0, words = 0;
    for (bool is_over = false; !is_over;) {
        /* The port first: the descriptor is armed when no packet is left. */
        zx_port_packet_t packet;
        zx_status_t status;
        while ((status = jacinth_port_fd_wait(port_fd, &packet)) == ZX_OK) {
            /* A packet may outlive the handle that it came from. */
            zx_handle_t* channel = &channels[packet.key];
            if (*channel != ZX_HANDLE_INVALID && !serve(*channel, &served)) {
                zx_handle_close(*channel);
                *channel = ZX_HANDLE_INVALID;
                /* The last client is gone: a word through the socket, which ends in Ctrl-C. */
                if (--clients == 0 && write(sockets[1], "bye", 3) != 3)
                    return 1;
            }
        }
        if (status != ZX_ERR_SHOULD_WAIT)
            check(status, "the port");

        struct epoll_event events[4];
        int count = epoll_wait(epoll, events, 4, -1);
        if (count < 0 && errno != EINTR)
            return 1;
        for (int index = 0; index < count; index++) {
            char bytes[sizeof(struct signalfd_siginfo)];
            int fd = events[index].data.fd;
            if (fd == port_fd)
                continue; /* Served at the start of the next round. */
            if (read(fd, bytes, sizeof(bytes)) <= 0)
                return 1;
            if (fd == timer_fd)
                ticks++;
            if (fd == sockets[0]) {
                words++;
                kill(getpid(), SIGINT); /* As a user would, by Ctrl-C. */
            }
            if (fd == signal_fd)
                is_over = true;
        }
    }
    check(jacinth_port_fd_close(port_fd), "the descriptor");
    check(zx_handle_close(port), "the port");
    int status, failed = 0;
    while (wait(&status) > 0)
        failed += status != 0;
    check(jacinth_collect(NULL), "the supervisor");
    jacinth_audit_t audit;
    check(jacinth_audit(&audit), "an audit");
    printf("%u calls of %d clients, %d failed; ticks: %s, words: %u; Ctrl-C\n", served, CLIENTS, failed,
           ticks > 0 ? "some" : "none", words);
    printf("audit: %llu processes, nothing lost\n", (unsigned long long)audit.processes);
    return failed;
}
