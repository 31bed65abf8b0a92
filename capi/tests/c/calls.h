// Calls, and a server that answers them.
#ifndef CALLS_H_
#define CALLS_H_

#include "internal.h"
#include "objects.h"
#include "sleeper.h"

// A call: the request, and buffers for the reply. The first four bytes are the transaction id.
struct call {
    zx_handle_t channel;
    zx_time_t deadline;
    char request[64], reply[64];
    zx_handle_t sent[4], received[4];
    zx_channel_call_args_t args;
    uint32_t actual_bytes, actual_handles;
    zx_status_t status;
};

static inline void prepare(struct call* call, zx_handle_t channel, const char* text) {
    memset(call, 0, sizeof(*call));
    call->channel = channel;
    call->deadline = ZX_TIME_INFINITE;
    snprintf(call->request + 4, sizeof(call->request) - 4, "%s", text);
    call->args = (zx_channel_call_args_t){
        .wr_bytes = call->request,
        .wr_handles = call->sent,
        .rd_bytes = call->reply,
        .rd_handles = call->received,
        .wr_num_bytes = 4 + (uint32_t)strlen(text),
        .wr_num_handles = 0,
        .rd_num_bytes = sizeof(call->reply),
        .rd_num_handles = 4,
    };
    call->actual_bytes = call->actual_handles = 77;
}

static inline void make_call(void* argument) {
    struct call* call = argument;
    call->status = zx_channel_call(call->channel, 0, call->deadline, &call->args, &call->actual_bytes,
                                   &call->actual_handles);
}

static inline void make_call_without_retry(void* argument) {
    struct call* call = argument;
    call->status = zx_channel_call_noretry(call->channel, 0, call->deadline, &call->args, &call->actual_bytes,
                                           &call->actual_handles);
}

static inline void finish(struct call* call) {
    call->status =
        zx_channel_call_finish(call->deadline, &call->args, &call->actual_bytes, &call->actual_handles);
}

static inline void check_reply(const struct call* call, const char* text) {
    CHECK_OK(call->status);
    CHECK_EQ(call->actual_bytes, 4 + strlen(text));
    CHECK_BYTES(call->reply + 4, text, strlen(text));
}

// A request as the server received it.
struct request {
    zx_txid_t id;
    char text[60];
    uint32_t size;
    zx_handle_t handles[4];
    uint32_t n_handles;
};

static inline struct request next_request(zx_handle_t server) {
    struct request request = {0};
    CHECK_OK(zx_object_wait_one(server, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    CHECK_OK(zx_channel_read(server, 0, &request, request.handles, 64, 4, &request.size, &request.n_handles));
    CHECK(request.size >= 4);
    CHECK(request.id & 0x80000000);
    return request;
}

static inline void answer(zx_handle_t server, zx_txid_t id, const char* text) {
    char bytes[64];
    memcpy(bytes, &id, 4);
    memcpy(bytes + 4, text, strlen(text));
    send_bytes(server, bytes, 4 + (uint32_t)strlen(text));
}

// Answers every request with its own text and handles, until the client has closed.
static inline void serve(void* argument) {
    zx_handle_t server = (zx_handle_t)(uintptr_t)argument;
    zx_signals_t seen;
    for (;;) {
        CHECK_OK(zx_object_wait_one(server, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, &seen));
        if ((seen & ZX_CHANNEL_READABLE) == 0)
            break;
        struct request request = next_request(server);
        zx_status_t status =
            zx_channel_write(server, 0, &request, request.size, request.handles, request.n_handles);
        if (status != ZX_ERR_PEER_CLOSED)
            CHECK_OK(status);
    }
    CHECK_OK(zx_handle_close(server));
}

static inline void start_server(struct sleeper* thread, zx_handle_t* client) {
    zx_handle_t server;
    make_channel(client, &server);
    start_sleeper(thread, serve, (void*)(uintptr_t)server);
}

#endif // CALLS_H_
