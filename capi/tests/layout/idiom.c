/*
 * A program as of late 2018, written for Zircon: for its headers, macros and habits. It does not know jacinth. It must
 * compile as C and as C++, and work as on Zircon.
 */

#include <zircon/compiler.h>
#include <zircon/errors.h>
#include <zircon/limits.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/rights.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/policy.h>
#include <zircon/syscalls/port.h>
#include <zircon/time.h>
#include <zircon/types.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRY(call)                                                                                    \
    do {                                                                                             \
        zx_status_t try_status = (call);                                                             \
        if (unlikely(try_status != ZX_OK)) {                                                         \
            fail(#call, __LINE__, try_status);                                                       \
        }                                                                                            \
    } while (0)

#define REFUSED(expected, call)                                                                      \
    do {                                                                                             \
        zx_status_t refused_status = (call);                                                         \
        if (refused_status != (expected)) {                                                          \
            fail(#call, __LINE__, refused_status);                                                   \
        }                                                                                            \
    } while (0)

#define CHECK(condition)                                                                             \
    do {                                                                                             \
        if (unlikely(!(condition))) {                                                                \
            fail(#condition, __LINE__, ZX_ERR_INTERNAL);                                             \
        }                                                                                            \
    } while (0)

__BEGIN_CDECLS
__PRINTFLIKE(1, 2) static void say(const char* format, ...);
__END_CDECLS

static void say(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

static __NO_RETURN __NO_INLINE void fail(const char* what, int line, zx_status_t status) {
    say("line %d: %s: %s (%d)\n", line, what, zx_status_get_string(status), status);
    exit(1);
}

/* A message of the time before there were better ones: a header that begins with the transaction, then a payload. */
typedef struct request {
    zx_txid_t txid;
    uint32_t ordinal;
    uint8_t payload[8];
} __PACKED request_t;

typedef struct server {
    zx_handle_t channel;
    uint32_t served;
} server_t;

static void* serve(void* argument) {
    server_t* server = (server_t*)argument;
    for (;;) {
        zx_signals_t observed;
        zx_status_t status = zx_object_wait_one(server->channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED,
                                                ZX_TIME_INFINITE, &observed);
        TRY(status);
        if (!(observed & ZX_CHANNEL_READABLE)) {
            break;
        }
        request_t request;
        zx_handle_t handle = ZX_HANDLE_INVALID;
        uint32_t bytes, handles;
        status = zx_channel_read(server->channel, 0, &request, &handle, sizeof(request), 1, &bytes, &handles);
        if (status == ZX_ERR_PEER_CLOSED) {
            break;
        }
        TRY(status);
        CHECK(bytes == sizeof(request));
        switch (request.ordinal) {
        case 1:
            request.payload[0]++;
            __FALLTHROUGH;
        case 2:
            request.payload[0]++;
            break;
        default:
            fail("an ordinal", __LINE__, ZX_ERR_NOT_SUPPORTED);
        }
        TRY(zx_channel_write(server->channel, 0, &request, sizeof(request), &handle, handles));
        server->served++;
    }
    TRY(zx_handle_close(server->channel));
    return NULL;
}

static zx_koid_t get_koid(zx_handle_t handle) {
    zx_info_handle_basic_t info;
    if (zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL) != ZX_OK) {
        return ZX_KOID_INVALID;
    }
    return info.koid;
}

static void test_calls(void) {
    zx_handle_t client;
    server_t server;
    memset(&server, 0, sizeof(server));
    TRY(zx_channel_create(0, &client, &server.channel));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, serve, &server) == 0);

    zx_handle_t event;
    TRY(zx_event_create(0u, &event));
    zx_koid_t koid = get_koid(event);
    CHECK(koid != ZX_KOID_INVALID);

    request_t request, reply;
    memset(&request, 0, sizeof(request));
    request.ordinal = 1;
    zx_channel_call_args_t args;
    memset(&args, 0, sizeof(args));
    args.wr_bytes = &request;
    args.wr_num_bytes = sizeof(request);
    args.wr_handles = &event;
    args.wr_num_handles = 1;
    args.rd_bytes = &reply;
    args.rd_num_bytes = sizeof(reply);
    args.rd_handles = &event;
    args.rd_num_handles = 1;
    uint32_t actual_bytes, actual_handles;
    TRY(zx_channel_call(client, 0, zx_deadline_after(ZX_SEC(30)), &args, &actual_bytes, &actual_handles));
    CHECK(actual_bytes == sizeof(reply) && actual_handles == 1);
    CHECK(reply.payload[0] == 2 && reply.txid >= 0x80000000u);
    CHECK(get_koid(event) == koid);

    TRY(zx_handle_close(event));
    TRY(zx_handle_close(client));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(server.served == 1);
}

static void test_signals(void) {
    zx_handle_t pair[2];
    TRY(zx_eventpair_create(0, &pair[0], &pair[1]));
    zx_wait_item_t items[2];
    for (size_t i = 0; i < countof(items); i++) {
        items[i].handle = pair[i];
        items[i].waitfor = ZX_USER_SIGNAL_3 | ZX_EVENTPAIR_SIGNALED;
        items[i].pending = ZX_SIGNAL_NONE;
    }
    REFUSED(ZX_ERR_TIMED_OUT, zx_object_wait_many(items, countof(items), zx_deadline_after(ZX_MSEC(1))));
    TRY(zx_object_signal_peer(pair[0], 0, ZX_USER_SIGNAL_3));
    TRY(zx_object_wait_many(items, countof(items), ZX_TIME_INFINITE));
    CHECK(items[0].pending == 0 && items[1].pending == ZX_USER_SIGNAL_3);

    zx_handle_t observer;
    TRY(zx_handle_duplicate(pair[1], ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT, &observer));
    REFUSED(ZX_ERR_ACCESS_DENIED, zx_object_signal(observer, 0, ZX_EVENTPAIR_SIGNALED));
    zx_info_handle_count_t count;
    TRY(zx_object_get_info(observer, ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL, NULL));
    CHECK(count.handle_count == 2);
    TRY(zx_handle_replace(observer, ZX_RIGHT_SAME_RIGHTS, &observer));
    TRY(zx_handle_close(pair[0]));
    TRY(zx_object_wait_one(observer, ZX_EVENTPAIR_PEER_CLOSED, 0, NULL));

    zx_handle_t rest[] = {observer, ZX_HANDLE_INVALID, pair[1]};
    TRY(zx_handle_close_many(rest, countof(rest)));
    REFUSED(ZX_ERR_BAD_HANDLE, zx_object_get_info(pair[1], ZX_INFO_HANDLE_VALID, NULL, 0u, NULL, NULL));
}

static void test_fifos(void) {
    typedef struct {
        uint32_t offset;
        uint16_t length, flags;
    } entry_t;
    zx_handle_t tx, rx;
    TRY(zx_fifo_create(ZX_PAGE_SIZE / sizeof(entry_t), sizeof(entry_t), 0, &tx, &rx));
    entry_t entries[3] = {{0, 64, 1}, {64, 32, 0}, {96, 8, 0}};
    size_t actual = 0;
    TRY(zx_fifo_write(tx, sizeof(entry_t), entries, countof(entries), &actual));
    CHECK(actual == countof(entries));
    TRY(zx_object_wait_one(rx, ZX_FIFO_READABLE | ZX_FIFO_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    entry_t entry;
    TRY(zx_fifo_read(rx, sizeof(entry), &entry, 1, NULL));
    CHECK(entry.offset == 0 && entry.length == 64 && entry.flags == 1);
    TRY(zx_handle_close(tx));
    TRY(zx_fifo_read(rx, sizeof(entry_t), entries, countof(entries), &actual));
    CHECK(actual == 2 && entries[1].offset == 96);
    REFUSED(ZX_ERR_PEER_CLOSED, zx_fifo_read(rx, sizeof(entry), &entry, 1, NULL));
    REFUSED(ZX_ERR_PEER_CLOSED, zx_fifo_write(rx, sizeof(entry), &entry, 1, NULL));
    TRY(zx_handle_close(rx));
}

static void test_sockets(void) {
    zx_handle_t client, server, stdio, shell;
    TRY(zx_socket_create(ZX_SOCKET_STREAM | ZX_SOCKET_HAS_CONTROL | ZX_SOCKET_HAS_ACCEPT, &client, &server));
    TRY(zx_socket_create(ZX_SOCKET_DATAGRAM, &stdio, &shell));
    size_t actual = 0, threshold = 8;
    TRY(zx_object_set_property(server, ZX_PROP_SOCKET_RX_THRESHOLD, &threshold, sizeof(threshold)));
    TRY(zx_socket_write(client, 0u, "GET /\r\n\r\n", 9, &actual));
    CHECK(actual == 9);
    TRY(zx_object_wait_one(server, ZX_SOCKET_READ_THRESHOLD | ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    zx_info_socket_t info;
    TRY(zx_object_get_info(server, ZX_INFO_SOCKET, &info, sizeof(info), NULL, NULL));
    CHECK(info.rx_buf_available == 9 && (info.options & ZX_SOCKET_HAS_CONTROL) != 0);
    char text[16];
    TRY(zx_socket_read(server, ZX_SOCKET_PEEK, text, 3, &actual));
    CHECK(actual == 3 && memcmp(text, "GET", 3) == 0);
    TRY(zx_socket_write(server, ZX_SOCKET_CONTROL, "ok", 2, NULL));
    TRY(zx_socket_read(client, ZX_SOCKET_CONTROL, text, sizeof(text), &actual));
    CHECK(actual == 2);
    TRY(zx_socket_share(server, shell));
    TRY(zx_object_wait_one(client, ZX_SOCKET_ACCEPT | ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
    TRY(zx_socket_accept(client, &shell));
    TRY(zx_socket_shutdown(stdio, ZX_SOCKET_SHUTDOWN_WRITE));
    REFUSED(ZX_ERR_BAD_STATE, zx_socket_read(shell, 0u, text, sizeof(text), &actual));
    zx_handle_t ends[] = {client, server, stdio, shell};
    TRY(zx_handle_close_many(ends, countof(ends)));
}

static void test_typed_handles(void) {
    zx_handle_t ends[2];
    TRY(zx_channel_create(0u, &ends[0], &ends[1]));
    REFUSED(ZX_ERR_SHOULD_WAIT, zx_channel_read(ends[1], 0u, NULL, NULL, 0u, 0u, NULL, NULL));
    zx_handle_t event;
    TRY(zx_event_create(0, &event));
    TRY(zx_channel_write(ends[0], 0, "hello", 5, &event, 1));
    uint32_t bytes, handles;
    REFUSED(ZX_ERR_BUFFER_TOO_SMALL, zx_channel_read(ends[1], 0, NULL, NULL, 0, 0, &bytes, &handles));
    CHECK(bytes == 5 && handles == 1);
    char text[8];
    zx_handle_info_t info;
    TRY(zx_channel_read_etc(ends[1], 0, text, &info, sizeof(text), 1, &bytes, &handles));
    CHECK(info.type == ZX_OBJ_TYPE_EVENT && info.rights == ZX_DEFAULT_EVENT_RIGHTS);
    TRY(zx_handle_close(info.handle));
    TRY(zx_handle_close(ends[0]));
    REFUSED(ZX_ERR_PEER_CLOSED, zx_channel_read(ends[1], ZX_CHANNEL_READ_MAY_DISCARD, text, NULL, 8, 0, NULL, NULL));
    TRY(zx_handle_close(ends[1]));
}

static void test_own_objects(void) {
    CHECK(zx_take_startup_handle(PA_HND(PA_USER1, 0)) == ZX_HANDLE_INVALID);
    char name[ZX_MAX_NAME_LEN] = "idiom";
    TRY(zx_object_set_property(zx_process_self(), ZX_PROP_NAME, name, strlen(name)));
    memset(name, 0, sizeof(name));
    TRY(zx_object_get_property(zx_process_self(), ZX_PROP_NAME, name, sizeof(name)));
    CHECK(strcmp(name, "idiom") == 0);
    CHECK(zx_thread_self() != ZX_HANDLE_INVALID && zx_job_default() != ZX_HANDLE_INVALID);
    CHECK(zx_vmar_root_self() != ZX_HANDLE_INVALID);
}

static void test_time(void) {
    zx_time_t start = zx_clock_get_monotonic();
    TRY(zx_nanosleep(zx_time_add_duration(start, ZX_MSEC(2))));
    CHECK(zx_time_sub_time(zx_clock_get(ZX_CLOCK_MONOTONIC), start) >= ZX_MSEC(2));
    zx_time_t utc;
    TRY(zx_clock_get_new(ZX_CLOCK_UTC, &utc));
    CHECK(utc > 0 && zx_deadline_after(ZX_TIME_INFINITE) == ZX_TIME_INFINITE);
    uint64_t ticks = zx_ticks_get();
    CHECK(ticks > 0 && zx_ticks_per_second() > 0);
}

/* The lock of the book: 0 free, 1 taken, 2 taken with a waiter. */
static zx_futex_t lock_word;
static int guarded;

static int exchange(zx_futex_t* word, int value) {
    return __atomic_exchange_n((int*)(void*)word, value, __ATOMIC_ACQ_REL);
}

static void* contend(__UNUSED void* argument) {
    for (int i = 0; i < 1000; i++) {
        if (exchange(&lock_word, 1) != 0) {
            while (exchange(&lock_word, 2) != 0) {
                zx_status_t status = zx_futex_wait(&lock_word, 2, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
                CHECK(status == ZX_OK || status == ZX_ERR_BAD_STATE);
            }
        }
        guarded++;
        if (exchange(&lock_word, 0) == 2) {
            TRY(zx_futex_wake(&lock_word, 1));
        }
    }
    return NULL;
}

static void test_futex(void) {
    pthread_t threads[4];
    for (size_t i = 0; i < countof(threads); i++) {
        CHECK(pthread_create(&threads[i], NULL, contend, NULL) == 0);
    }
    for (size_t i = 0; i < countof(threads); i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(guarded == 4000);
}

/* Code that handles packets, exceptions and policies compiles before there are any. */
static zx_koid_t packet_koid(const zx_port_packet_t* packet) {
    if (ZX_PKT_IS_EXCEPTION(packet->type)) {
        return ZX_EXCP_IS_ARCH(packet->type) ? packet->exception.tid : packet->exception.pid;
    }
    return ZX_PKT_IS_SIGNAL_ONE(packet->type) ? packet->signal.count : packet->user.u64[0];
}

static void test_later_objects(void) {
    zx_port_packet_t packet;
    memset(&packet, 0, sizeof(packet));
    packet.type = ZX_EXCP_THREAD_STARTING;
    packet.exception.pid = 7;
    CHECK(packet_koid(&packet) == 7);
    static const zx_policy_basic_t policy[] = {{ZX_POL_NEW_ANY, ZX_POL_ACTION_DENY}};
    CHECK(policy[0].policy == 1u);
    CHECK(ZX_THREAD_STATE_BASIC(ZX_THREAD_STATE_BLOCKED_FUTEX) == ZX_THREAD_STATE_BLOCKED);
    CHECK((ZX_PAGE_SIZE & ZX_PAGE_MASK) == 0);
}

int main(void) {
    test_calls();
    test_signals();
    test_fifos();
    test_sockets();
    test_typed_handles();
    test_own_objects();
    test_time();
    test_futex();
    test_later_objects();
    uint8_t random[16];
    zx_cprng_draw(random, sizeof(random));
    char version[64];
    TRY(zx_system_get_version(version, sizeof(version)));
    CHECK(zx_system_get_num_cpus() > 0 && zx_system_get_physmem() > 0);
    zx_process_exit(0);
}
