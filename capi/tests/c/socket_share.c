// zx_socket_share, zx_socket_accept
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"
#include "partner.h"

static void make_carrier(zx_handle_t* one, zx_handle_t* other) {
    make_socket(ZX_SOCKET_HAS_ACCEPT, one, other);
}

static void put(zx_handle_t socket, const char* text) {
    CHECK_OK(zx_socket_write(socket, 0, text, strlen(text), NULL));
}

// Reads what must be exactly this.
static void expect(zx_handle_t socket, const char* text) {
    char bytes[100];
    size_t actual = 77;
    CHECK_OK(zx_socket_read(socket, 0, bytes, sizeof(bytes), &actual));
    CHECK_EQ(actual, strlen(text));
    CHECK_BYTES(bytes, text, actual);
}

static zx_handle_t accept_socket(zx_handle_t carrier) {
    zx_handle_t socket = ZX_HANDLE_INVALID;
    CHECK_OK(zx_socket_accept(carrier, &socket));
    CHECK(socket != ZX_HANDLE_INVALID);
    return socket;
}

static zx_status_t refused_accept(zx_handle_t carrier) {
    zx_handle_t socket = 77;
    zx_status_t status = zx_socket_accept(carrier, &socket);
    CHECK_EQ(socket, 77);
    return status;
}

// Shares a new socket, which must be refused, and so be closed.
static void refuse(zx_handle_t carrier, zx_status_t expected) {
    zx_handle_t kept, shared;
    make_socket(ZX_SOCKET_STREAM, &kept, &shared);
    CHECK_STATUS(zx_socket_share(carrier, shared), expected);
    CHECK(!is_open(shared));
    CHECK_EQ(signals_of(kept), ZX_SOCKET_PEER_CLOSED);
    CHECK_OK(zx_handle_close(kept));
}

TEST(a_socket_is_shared_and_accepted) {
    zx_handle_t one, other, kept, shared;
    make_carrier(&one, &other);
    for (int round = 0; round < 3; round++) {
        CHECK_STATUS(refused_accept(other), ZX_ERR_SHOULD_WAIT);
        make_socket(ZX_SOCKET_STREAM, &kept, &shared);
        zx_koid_t koid = koid_of(shared);
        CHECK_OK(zx_socket_share(one, shared));
        CHECK(!is_open(shared));
        CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE);
        CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | ZX_SOCKET_SHARE | ZX_SOCKET_ACCEPT);
        put(kept, "before it is accepted");
        zx_handle_t accepted = accept_socket(other);
        CHECK_EQ(koid_of(accepted), koid);
        CHECK_EQ(rights_of(accepted), ZX_DEFAULT_SOCKET_RIGHTS);
        expect(accepted, "before it is accepted");
        put(accepted, "answer");
        expect(kept, "answer");
        CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE | ZX_SOCKET_SHARE);
        CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | ZX_SOCKET_SHARE);
        CHECK_OK(zx_handle_close(kept));
        CHECK_OK(zx_handle_close(accepted));
    }
}

TEST(each_direction_has_a_queue) {
    zx_handle_t one, other, kept[2], shared[2];
    make_carrier(&one, &other);
    for (size_t index = 0; index < 2; index++)
        make_socket(ZX_SOCKET_DATAGRAM, &kept[index], &shared[index]);
    zx_koid_t koids[] = {koid_of(shared[0]), koid_of(shared[1])};
    CHECK_OK(zx_socket_share(one, shared[0]));
    CHECK_OK(zx_socket_share(other, shared[1]));
    CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE | ZX_SOCKET_ACCEPT);
    CHECK_EQ(signals_of(other), ZX_SOCKET_WRITABLE | ZX_SOCKET_ACCEPT);
    CHECK_EQ(koid_of(accept_socket(other)), koids[0]);
    CHECK_EQ(koid_of(accept_socket(one)), koids[1]);
}

TEST(shared_sockets_keep_their_rights) {
    zx_handle_t one, other, kept, shared;
    make_carrier(&one, &other);
    make_socket(ZX_SOCKET_HAS_CONTROL, &kept, &shared);
    zx_rights_t rights = ZX_RIGHT_TRANSFER | ZX_RIGHT_READ;
    CHECK_OK(zx_socket_share(one, restrict_to(shared, rights)));
    zx_handle_t accepted = accept_socket(other);
    CHECK_EQ(rights_of(accepted), rights);
    CHECK_STATUS(zx_socket_write(accepted, 0, "x", 1, NULL), ZX_ERR_ACCESS_DENIED);
}

TEST(a_full_queue_closes_the_socket) {
    zx_handle_t one, other, kept, shared;
    make_carrier(&one, &other);
    make_socket(ZX_SOCKET_STREAM, &kept, &shared);
    CHECK_OK(zx_socket_share(one, shared));
    for (int round = 0; round < 10; round++)
        refuse(one, ZX_ERR_SHOULD_WAIT);
    CHECK_OK(zx_handle_close(accept_socket(other)));
    CHECK_STATUS(refused_accept(other), ZX_ERR_SHOULD_WAIT);
}

TEST(refused_sockets_are_closed) {
    zx_handle_t one, other, plain, peer, kept, shared;
    make_carrier(&one, &other);
    make_socket(ZX_SOCKET_HAS_CONTROL, &plain, &peer);
    refuse(ZX_HANDLE_INVALID, ZX_ERR_BAD_HANDLE);
    refuse(make_event(), ZX_ERR_WRONG_TYPE);
    refuse(duplicate(one, ZX_DEFAULT_SOCKET_RIGHTS & ~ZX_RIGHT_WRITE), ZX_ERR_ACCESS_DENIED);
    refuse(plain, ZX_ERR_NOT_SUPPORTED);
    CHECK_OK(zx_handle_close(peer));
    refuse(plain, ZX_ERR_NOT_SUPPORTED);
    make_socket(ZX_SOCKET_STREAM, &kept, &shared);
    shared = restrict_to(shared, ZX_DEFAULT_SOCKET_RIGHTS & ~ZX_RIGHT_TRANSFER);
    CHECK_STATUS(zx_socket_share(one, shared), ZX_ERR_ACCESS_DENIED);
    CHECK(!is_open(shared));
    CHECK_EQ(signals_of(kept), ZX_SOCKET_PEER_CLOSED);
    make_socket(ZX_SOCKET_HAS_ACCEPT | ZX_SOCKET_DATAGRAM, &kept, &shared);
    CHECK_STATUS(zx_socket_share(one, shared), ZX_ERR_BAD_STATE);
    CHECK(!is_open(shared));
    CHECK(signals_of(kept) & ZX_SOCKET_PEER_CLOSED);
    CHECK_EQ(signals_of(one), ZX_SOCKET_WRITABLE | ZX_SOCKET_SHARE);
    CHECK_OK(zx_handle_close(other));
    refuse(one, ZX_ERR_PEER_CLOSED);
}

TEST(handles_of_other_types_are_closed) {
    zx_handle_t one, other, channel, peer;
    make_carrier(&one, &other);
    make_channel(&channel, &peer);
    zx_handle_t event = make_event(), handles[] = {event, channel, make_port()};
    for (size_t index = 0; index < 3; index++) {
        CHECK_STATUS(zx_socket_share(one, handles[index]), ZX_ERR_WRONG_TYPE);
        CHECK(!is_open(handles[index]));
    }
    CHECK_EQ(signals_of(peer), ZX_CHANNEL_PEER_CLOSED);
    CHECK_STATUS(zx_socket_share(one, event), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_socket_share(one, ZX_HANDLE_INVALID), ZX_ERR_BAD_HANDLE);
    // The carrier's errors come first, and the right of the shared one before its type.
    event = make_event();
    CHECK_STATUS(zx_socket_share(ZX_HANDLE_INVALID, event), ZX_ERR_BAD_HANDLE);
    CHECK(!is_open(event));
    event = restrict_to(make_event(), ZX_RIGHT_NONE);
    CHECK_STATUS(zx_socket_share(one, event), ZX_ERR_ACCESS_DENIED);
    CHECK(!is_open(event));
    CHECK_STATUS(refused_accept(other), ZX_ERR_SHOULD_WAIT);
}

TEST(a_socket_is_not_sent_over_itself) {
    zx_handle_t one, other;
    make_carrier(&one, &other);
    zx_handle_t copies[] = {duplicate(one, ZX_RIGHT_SAME_RIGHTS), duplicate(other, ZX_RIGHT_SAME_RIGHTS)};
    for (size_t index = 0; index < 2; index++) {
        CHECK_STATUS(zx_socket_share(one, copies[index]), ZX_ERR_BAD_STATE);
        CHECK(!is_open(copies[index]));
    }
    CHECK_STATUS(zx_socket_share(one, one), ZX_ERR_BAD_STATE);
    CHECK(!is_open(one));
    CHECK_STATUS(refused_accept(other), ZX_ERR_SHOULD_WAIT);
    CHECK(signals_of(other) & ZX_SOCKET_PEER_CLOSED);
    // The same of a socket that shares no others.
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    CHECK_STATUS(zx_socket_share(one, other), ZX_ERR_BAD_STATE);
    CHECK_EQ(signals_of(one), ZX_SOCKET_PEER_CLOSED);
}

TEST(refusals_leak_nothing) {
    zx_handle_t one, other, plain, peer, kept, shared;
    make_carrier(&one, &other);
    make_socket(ZX_SOCKET_STREAM, &plain, &peer);
    make_socket(ZX_SOCKET_STREAM, &kept, &shared);
    CHECK_OK(zx_socket_share(one, shared));
    CHECK_OK(jacinth_collect(NULL));
    jacinth_audit_t before = audit_now();
    for (int round = 0; round < 1000; round++) {
        refuse(one, ZX_ERR_SHOULD_WAIT);
        refuse(plain, ZX_ERR_NOT_SUPPORTED);
        refuse(ZX_HANDLE_INVALID, ZX_ERR_BAD_HANDLE);
        CHECK_STATUS(zx_socket_share(one, make_event()), ZX_ERR_WRONG_TYPE);
        CHECK_STATUS(zx_socket_share(one, duplicate(other, ZX_RIGHT_SAME_RIGHTS)), ZX_ERR_BAD_STATE);
        CHECK_STATUS(refused_accept(one), ZX_ERR_SHOULD_WAIT);
    }
    CHECK_OK(jacinth_collect(NULL));
    jacinth_audit_t after = audit_now();
    CHECK_EQ(after.objects, before.objects);
    CHECK_EQ(after.handles, before.handles);
    CHECK_EQ(after.blocks, before.blocks);
}

TEST(only_carriers_accept) {
    zx_handle_t one, other, copy;
    make_socket(ZX_SOCKET_DATAGRAM | ZX_SOCKET_HAS_CONTROL, &one, &other);
    CHECK_STATUS(refused_accept(one), ZX_ERR_NOT_SUPPORTED);
    CHECK_OK(zx_handle_close(other));
    CHECK_STATUS(refused_accept(one), ZX_ERR_NOT_SUPPORTED);
    make_carrier(&one, &other);
    copy = duplicate(one, ZX_DEFAULT_SOCKET_RIGHTS & ~ZX_RIGHT_READ);
    CHECK_STATUS(refused_accept(copy), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_handle_close(other));
    // As in Zircon's kernel.
    CHECK_STATUS(refused_accept(one), ZX_ERR_SHOULD_WAIT);
}

TEST(bad_pointers_accept_nothing) {
    zx_handle_t one, other, kept, shared;
    make_carrier(&one, &other);
    make_socket(ZX_SOCKET_STREAM, &kept, &shared);
    CHECK_OK(zx_socket_share(one, shared));
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(nowhere) {
        CHECK_STATUS(zx_socket_accept(other, nowhere), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_socket_accept(ZX_HANDLE_INVALID, nowhere), ZX_ERR_BAD_HANDLE);
        CHECK_STATUS(zx_socket_accept(kept, nowhere), ZX_ERR_INVALID_ARGS);
    }
    put(kept, "still there");
    expect(accept_socket(other), "still there");
}

TEST(a_queue_ends_with_its_end) {
    zx_handle_t one, other, kept, shared;
    make_carrier(&one, &other);
    make_socket(ZX_SOCKET_STREAM, &kept, &shared);
    CHECK_OK(zx_socket_share(one, shared));
    CHECK_OK(zx_handle_close(other));
    CHECK_EQ(signals_of(kept), ZX_SOCKET_PEER_CLOSED);
    // What a closed end has shared can be accepted.
    make_carrier(&one, &other);
    make_socket(ZX_SOCKET_STREAM, &kept, &shared);
    CHECK_OK(zx_socket_share(one, shared));
    CHECK_OK(zx_handle_close(one));
    CHECK_EQ(signals_of(other) & ~ZX_SOCKET_SHARE, ZX_SOCKET_ACCEPT | ZX_SOCKET_PEER_CLOSED);
    put(kept, "still");
    expect(accept_socket(other), "still");
}

// Accepts sockets, and greets each of them, until its peer is closed.
ROLE(greets_accepted_sockets) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    zx_handle_t carrier = receive_handle(channel);
    for (;;) {
        zx_signals_t seen;
        CHECK_OK(zx_object_wait_one(carrier, ZX_SOCKET_ACCEPT | ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, &seen));
        if ((seen & ZX_SOCKET_ACCEPT) == 0)
            break;
        zx_handle_t accepted = accept_socket(carrier);
        put(accepted, "welcome");
        CHECK_OK(zx_object_wait_one(accepted, ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
        CHECK_OK(zx_handle_close(accepted));
    }
}

static void be_greeted(zx_handle_t carrier, int times) {
    for (int number = 0; number < times; number++) {
        zx_handle_t kept, shared;
        make_socket(ZX_SOCKET_STREAM, &kept, &shared);
        CHECK_OK(zx_object_wait_one(carrier, ZX_SOCKET_SHARE, ZX_TIME_INFINITE, NULL));
        CHECK_OK(zx_socket_share(carrier, shared));
        CHECK_OK(zx_object_wait_one(kept, ZX_SOCKET_READABLE, ZX_TIME_INFINITE, NULL));
        expect(kept, "welcome");
        CHECK_OK(zx_handle_close(kept));
    }
}

TEST(another_process_accepts_sockets) {
    zx_handle_t channel, one, other;
    pid_t pid = spawn_partner("greets_accepted_sockets", &channel);
    make_carrier(&one, &other);
    send_handle(channel, other);
    be_greeted(one, 100);
    CHECK_OK(zx_handle_close(one));
    CHECK_EQ(join_process(pid), 0);
}

TEST(a_killed_process_closes_its_queue) {
    zx_handle_t channel, one, other, kept, shared;
    pid_t pid = spawn_partner("greets_accepted_sockets", &channel);
    make_carrier(&one, &other);
    send_handle(channel, other);
    be_greeted(one, 10);
    stop_process(pid);
    make_socket(ZX_SOCKET_STREAM, &kept, &shared);
    CHECK_OK(zx_object_wait_one(one, ZX_SOCKET_SHARE, ZX_TIME_INFINITE, NULL));
    CHECK_OK(zx_socket_share(one, shared));
    kill_process(pid);
    CHECK_OK(zx_object_wait_one(kept, ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    CHECK_OK(zx_object_wait_one(one, ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    refuse(one, ZX_ERR_PEER_CLOSED);
}

TEST(underscored_names_are_the_same_calls) {
    zx_handle_t one, other, near, far, accepted;
    CHECK_OK(_zx_socket_create(ZX_SOCKET_HAS_ACCEPT, &one, &other));
    CHECK_OK(_zx_socket_create(ZX_SOCKET_STREAM, &near, &far));
    CHECK_OK(_zx_socket_share(one, far));
    CHECK_OK(_zx_socket_accept(other, &accepted));
    size_t actual = 77;
    CHECK_OK(_zx_socket_write(accepted, 0, "abcdef", 6, &actual));
    CHECK_EQ(actual, 6);
    CHECK_OK(_zx_socket_shutdown(accepted, ZX_SOCKET_SHUTDOWN_WRITE));
    char bytes[6];
    CHECK_OK(_zx_socket_read(near, 0, bytes, 6, &actual));
    CHECK_EQ(actual, 6);
    CHECK_BYTES(bytes, "abcdef", 6);
    CHECK_STATUS(_zx_socket_read(near, 0, bytes, 6, &actual), ZX_ERR_BAD_STATE);
}
