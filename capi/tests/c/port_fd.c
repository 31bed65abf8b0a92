// jacinth_port_fd_create, jacinth_port_fd_wait, jacinth_port_fd_wait_adaptive, jacinth_port_fd_close: ports beside descriptors in one epoll loop
#define _GNU_SOURCE
#include "pages.h"
#include "partner.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

// From now on this process is refused io_uring: a helper thread sleeps.
static void refuse_io_uring(void) {
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(lines) / sizeof(lines[0]), lines};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static int armed(zx_handle_t port) {
    int fd = -1;
    zx_port_packet_t packet;
    CHECK_OK(jacinth_port_fd_create(port, &fd));
    CHECK_STATUS(jacinth_port_fd_wait(fd, &packet), ZX_ERR_SHOULD_WAIT);
    return fd;
}

static int epoll_of(int fd) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {EPOLLIN, {.fd = fd}};
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    return epoll;
}

static int ready(int epoll, int timeout_ms) {
    struct epoll_event event;
    int count;
    do {
        count = epoll_wait(epoll, &event, 1, timeout_ms);
    } while (count < 0 && errno == EINTR);
    return count;
}

// The next packet, as an event loop waits for it.
static uint64_t polled(int fd, int epoll) {
    zx_port_packet_t packet;
    zx_status_t status;
    while ((status = jacinth_port_fd_wait(fd, &packet)) == ZX_ERR_SHOULD_WAIT)
        CHECK_EQ(ready(epoll, -1), 1);
    CHECK_OK(status);
    return packet.key;
}

ROLE(writes_messages) {
    zx_handle_t channel = startup_channel();
    for (uint32_t number = 0; number < 1000; number++) {
        send_bytes(channel, &number, sizeof(number));
        await_readable(channel);
        expect_bytes(channel, &number, sizeof(number));
    }
}

static void serve_a_process(void) {
    zx_handle_t port = make_port(), channel;
    pid_t pid = spawn_partner("writes_messages", &channel);
    CHECK_OK(zx_object_wait_async(channel, port, 7, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED,
                                  ZX_WAIT_ASYNC_REPEATING));
    int fd, served = 0;
    CHECK_OK(jacinth_port_fd_create(port, &fd));
    int epoll = epoll_of(fd);
    for (zx_status_t status = ZX_OK; status != ZX_ERR_PEER_CLOSED;) {
        CHECK_EQ(polled(fd, epoll), 7);
        uint32_t number, size, count;
        while ((status = zx_channel_read(channel, 0, &number, NULL, sizeof(number), 0, &size, &count)) == ZX_OK) {
            CHECK_EQ(number, served++);
            send_bytes(channel, &number, sizeof(number));
        }
    }
    CHECK_EQ(served, 1000);
    CHECK_EQ(join_process(pid), 0);
    CHECK_OK(jacinth_port_fd_close(fd));
    close(epoll);
}

TEST(an_epoll_loop_serves_a_process) {
    serve_a_process();
}

TEST(a_helper_thread_serves_too) {
    refuse_io_uring();
    serve_a_process();
}

// The next packet, as an event loop waits for it that adapts.
static uint64_t polled_adaptively(int fd, int epoll) {
    zx_port_packet_t packet;
    zx_status_t status;
    while ((status = jacinth_port_fd_wait_adaptive(fd, &packet)) != ZX_OK) {
        if (status != ZX_ERR_NEXT)
            CHECK_STATUS(status, ZX_ERR_SHOULD_WAIT);
        ready(epoll, status == ZX_ERR_NEXT ? 0 : -1);
    }
    return packet.key;
}

TEST(an_adaptive_loop_serves_a_process) {
    zx_handle_t port = make_port(), channel;
    pid_t pid = spawn_partner("writes_messages", &channel);
    CHECK_OK(zx_object_wait_async(channel, port, 7, ZX_CHANNEL_READABLE, ZX_WAIT_ASYNC_REPEATING));
    int fd;
    CHECK_OK(jacinth_port_fd_create(port, &fd));
    int epoll = epoll_of(fd);
    for (uint32_t number = 0; number < 1000; number++) {
        CHECK_EQ(polled_adaptively(fd, epoll), 7);
        expect_bytes(channel, &number, sizeof(number));
        send_bytes(channel, &number, sizeof(number));
    }
    CHECK_EQ(join_process(pid), 0);
    zx_port_packet_t packet;
    zx_status_t status;
    while ((status = jacinth_port_fd_wait_adaptive(fd, &packet)) == ZX_ERR_NEXT || status == ZX_OK) {
    }
    CHECK_STATUS(status, ZX_ERR_SHOULD_WAIT);
    CHECK_EQ(strcmp(jacinth_error(), ""), 0);
    CHECK_STATUS(jacinth_port_fd_wait_adaptive(-1, &packet), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_port_fd_wait_adaptive(fd, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_OK(jacinth_port_fd_close(fd));
    close(epoll);
}

TEST(many_packets_make_it_readable_once) {
    zx_handle_t port = make_port();
    int fd = armed(port), epoll = epoll_of(fd);
    CHECK_EQ(ready(epoll, 0), 0);
    zx_port_packet_t packet = {0};
    for (packet.key = 0; packet.key < 100; packet.key++)
        CHECK_OK(zx_port_queue(port, &packet));
    for (uint64_t key = 0; key < 100; key++)
        CHECK_EQ(polled(fd, epoll), key);
    CHECK_STATUS(jacinth_port_fd_wait(fd, &packet), ZX_ERR_SHOULD_WAIT);
    CHECK_EQ(strcmp(jacinth_error(), ""), 0);
    CHECK_EQ(ready(epoll, 0), 0);
    CHECK_OK(jacinth_port_fd_close(fd));
}

TEST(closing_the_port_cancels) {
    zx_handle_t port = make_port();
    int fd = armed(port), epoll = epoll_of(fd);
    CHECK_OK(zx_handle_close(port));
    CHECK_EQ(ready(epoll, -1), 1);
    zx_port_packet_t packet;
    CHECK_STATUS(jacinth_port_fd_wait(fd, &packet), ZX_ERR_CANCELED);
    CHECK_OK(jacinth_port_fd_close(fd));
    CHECK_STATUS(jacinth_port_fd_close(fd), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_port_fd_wait(fd, &packet), ZX_ERR_BAD_HANDLE);
}

TEST(wrong_arguments_have_their_errors) {
    zx_handle_t port = make_port(), event = make_event(), write_only;
    int fd = -7;
    CHECK_STATUS(jacinth_port_fd_create(ZX_HANDLE_INVALID, &fd), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_port_fd_create(event, &fd), ZX_ERR_WRONG_TYPE);
    CHECK_OK(zx_handle_duplicate(port, ZX_RIGHT_WRITE, &write_only));
    CHECK_STATUS(jacinth_port_fd_create(write_only, &fd), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(fd, -7);
    fd = armed(port);
    zx_port_packet_t packet = {0};
    CHECK_OK(zx_port_queue(port, &packet));
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(bad) {
        CHECK_STATUS(jacinth_port_fd_create(port, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_port_fd_wait(fd, bad), ZX_ERR_INVALID_ARGS);
    }
    CHECK_OK(jacinth_port_fd_wait(fd, &packet));
    for (int other = -1; other < 3; other++) {
        CHECK_STATUS(jacinth_port_fd_wait(other, &packet), ZX_ERR_BAD_HANDLE);
        CHECK_STATUS(jacinth_port_fd_close(other), ZX_ERR_BAD_HANDLE);
    }
    CHECK_OK(jacinth_port_fd_close(fd));
}

static zx_handle_t the_port;
static int the_fd;

static void calls_of_a_child(void) {
    zx_port_packet_t packet;
    int fd;
    CHECK_STATUS(jacinth_port_fd_create(the_port, &fd), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_port_fd_wait(the_fd, &packet), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_port_fd_wait_adaptive(the_fd, &packet), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_port_fd_close(the_fd), ZX_ERR_BAD_STATE);
}

TEST(a_forked_child_is_refused) {
    the_port = make_port();
    the_fd = armed(the_port);
    CHECK_EQ(in_forked_child(calls_of_a_child), 0);
    zx_port_packet_t packet = {0};
    CHECK_OK(zx_port_queue(the_port, &packet));
    CHECK_OK(jacinth_port_fd_wait(the_fd, &packet));
    CHECK_OK(jacinth_port_fd_close(the_fd));
}
