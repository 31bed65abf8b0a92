// Bad pointers of messages: an unreadable message is not sent, and an unstorable message is not lost.
#define _GNU_SOURCE
#include "internal.h"
#include "pages.h"
#include "partner.h"
#include "sleeper.h"

TEST(an_unreadable_message_is_not_sent) {
    prepare_bad_pointers();
    zx_handle_t one, other;
    make_channel(&one, &other);
    FOR_EACH_BAD_INPUT(bad) {
        zx_handle_t kept, sent;
        make_eventpair(&kept, &sent);
        CHECK_STATUS(zx_channel_write(one, 0, bad, 2, NULL, 0), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_write(one, 0, bad, ZX_CHANNEL_MAX_MSG_BYTES, NULL, 0), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_write(one, 0, "good", 4, bad, 1), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_write(one, 0, bad, 2, &sent, 1), ZX_ERR_INVALID_ARGS);
        CHECK(!is_open(sent));
        CHECK_EQ(signals_of(kept), ZX_EVENTPAIR_PEER_CLOSED);
    }
    CHECK_EQ(signals_of(other), ZX_CHANNEL_WRITABLE);
    CHECK_EQ(audit_now().messages, 0);
}

TEST(a_message_may_end_with_memory) {
    zx_handle_t one, other;
    size_t sizes[] = {1, 8, 48, 49, 500, 4096};
    make_channel(&one, &other);
    for (size_t index = 0; index < sizeof(sizes) / sizeof(*sizes); index++) {
        uint32_t size = (uint32_t)sizes[index], actual = 0;
        char *sent = at_the_edge(size), *received = at_the_edge(size);
        memset(sent, 'x', size);
        send_bytes(one, sent, size);
        CHECK_OK(zx_channel_read(other, 0, received, NULL, size, 0, &actual, NULL));
        CHECK_EQ(actual, size);
        CHECK_BYTES(received, sent, size);
        CHECK_STATUS(zx_channel_write(one, 0, sent, size + 1, NULL, 0), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
    }
}

// One unread message of bytes and a handle.
static void send_one(zx_handle_t channel) {
    zx_handle_t event = make_event();
    CHECK_OK(zx_channel_write(channel, 0, "precious", 8, &event, 1));
}

TEST(an_unstorable_message_stays) {
    prepare_bad_pointers();
    zx_handle_t one, other, handle = ZX_HANDLE_INVALID;
    zx_handle_info_t info;
    char bytes[8];
    uint32_t bytes_read = 0, handles_read = 0;
    make_channel(&one, &other);
    send_one(one);
    jacinth_audit_t before = audit_now();
    FOR_EACH_BAD_OUTPUT(bad) {
        CHECK_STATUS(zx_channel_read(other, 0, bad, &handle, 8, 1, NULL, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read(other, 0, bytes, bad, 8, 1, NULL, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read_etc(other, 0, bad, &info, 8, 1, NULL, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read_etc(other, 0, bytes, bad, 8, 1, NULL, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read(other, ZX_CHANNEL_READ_MAY_DISCARD, bad, &handle, 8, 1, NULL, NULL),
                     ZX_ERR_INVALID_ARGS);
        if (bad == NULL)
            continue; // NULL is allowed: the sizes are optional.
        CHECK_STATUS(zx_channel_read(other, 0, bytes, &handle, 8, 1, bad, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read(other, 0, bytes, &handle, 8, 1, NULL, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read_etc(other, 0, bytes, &info, 8, 1, bad, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read_etc(other, 0, bytes, &info, 8, 1, NULL, bad), ZX_ERR_INVALID_ARGS);
    }
    CHECK_EQ(audit_now().handles, before.handles);
    CHECK_EQ(audit_now().in_transit, before.in_transit);
    CHECK_OK(zx_channel_read(other, 0, bytes, &handle, 8, 1, &bytes_read, &handles_read));
    CHECK_EQ(bytes_read, 8);
    CHECK_EQ(handles_read, 1);
    CHECK_BYTES(bytes, "precious", 8);
    CHECK(is_open(handle));
}

TEST(handles_may_end_with_memory) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    zx_handle_t* handle = at_the_edge(sizeof(zx_handle_t));
    zx_handle_info_t* info = at_the_edge(sizeof(zx_handle_info_t));
    char* bytes = at_the_edge(8);
    uint32_t *bytes_read = at_the_edge(4), *handles_read = at_the_edge(4);
    send_one(one);
    CHECK_OK(zx_channel_read(other, 0, bytes, handle, 8, 1, bytes_read, handles_read));
    CHECK(is_open(*handle));
    send_one(one);
    CHECK_OK(zx_channel_read_etc(other, 0, bytes, info, 8, 1, bytes_read, handles_read));
    CHECK(is_open(info->handle));
    CHECK_EQ(*bytes_read, 8);
    CHECK_EQ(*handles_read, 1);
}

TEST(a_bad_pointer_sends_no_request) {
    prepare_bad_pointers();
    zx_handle_t one, other, handle = ZX_HANDLE_INVALID;
    char request[8] = {0}, reply[8];
    uint32_t bytes, handles;
    const zx_channel_call_args_t good = {.wr_bytes = request, .wr_num_bytes = 8, .rd_bytes = reply,
                                         .rd_num_bytes = 8, .rd_handles = &handle, .rd_num_handles = 1};
    make_channel(&one, &other);
    FOR_EACH_BAD_INPUT(bad) {
        zx_channel_call_args_t arguments = good;
        CHECK_STATUS(zx_channel_call(one, 0, 0, bad, &bytes, &handles), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_call_noretry(one, 0, 0, bad, &bytes, &handles), ZX_ERR_INVALID_ARGS);
        arguments.wr_bytes = bad;
        CHECK_STATUS(zx_channel_call(one, 0, 0, &arguments, &bytes, &handles), ZX_ERR_INVALID_ARGS);
        arguments = good;
        arguments.wr_handles = bad;
        arguments.wr_num_handles = 1;
        CHECK_STATUS(zx_channel_call(one, 0, 0, &arguments, &bytes, &handles), ZX_ERR_INVALID_ARGS);
    }
    FOR_EACH_BAD_OUTPUT(bad) {
        CHECK_STATUS(zx_channel_call(one, 0, 0, &good, bad, &handles), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_call(one, 0, 0, &good, &bytes, bad), ZX_ERR_INVALID_ARGS);
    }
    CHECK_STATUS(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

static void answer_with_an_eventpair(void* argument) {
    zx_handle_t server = *(zx_handle_t*)argument, kept, sent;
    char request[8];
    await_readable(server);
    CHECK_OK(zx_channel_read(server, 0, request, NULL, 8, 0, NULL, NULL));
    make_eventpair(&kept, &sent);
    CHECK_OK(zx_channel_write(server, 0, request, 8, &sent, 1));
    CHECK_OK(zx_object_wait_one(kept, ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
}

TEST(an_unstorable_reply_is_lost) {
    prepare_bad_pointers();
    zx_handle_t client, server, handle = ZX_HANDLE_INVALID;
    char request[8] = {0}, reply[8];
    uint32_t bytes, handles;
    make_channel(&client, &server);
    for (int which = 0; which < 2; which++) {
        FOR_EACH_BAD_OUTPUT(bad) {
            struct sleeper thread;
            zx_channel_call_args_t arguments = {
                .wr_bytes = request, .wr_num_bytes = 8, .rd_num_bytes = 8, .rd_num_handles = 1};
            arguments.rd_bytes = which == 0 ? bad : reply;
            arguments.rd_handles = which == 1 ? bad : &handle;
            start_sleeper(&thread, answer_with_an_eventpair, &server);
            CHECK_STATUS(zx_channel_call(client, 0, ZX_TIME_INFINITE, &arguments, &bytes, &handles),
                         ZX_ERR_INVALID_ARGS);
            join_sleeper(&thread);
        }
    }
    CHECK_STATUS(zx_channel_read(client, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}
