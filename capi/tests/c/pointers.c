// Pointers to memory that cannot be read or written: INVALID_ARGS, never a crash, and nothing is lost.
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"
#include "partner.h"
#include "sleeper.h"

// Memory that a call cannot write, and memory that it cannot read.
static void *bad_outputs[5], *bad_inputs[4];

static void prepare(void) {
    bad_outputs[0] = bad_inputs[0] = NULL;
    bad_outputs[1] = bad_inputs[1] = unmapped_page();
    bad_outputs[2] = bad_inputs[2] = fenced_page() + PAGE;
    bad_outputs[3] = bad_inputs[3] = over_the_edge();
    bad_outputs[4] = read_only_page();
}

#define FOR_EACH_BAD_OUTPUT(pointer) \
    for (void **at_##pointer = bad_outputs, *pointer; at_##pointer < bad_outputs + 5 && (pointer = *at_##pointer, true); at_##pointer++)
#define FOR_EACH_BAD_INPUT(pointer) \
    for (void **at_##pointer = bad_inputs, *pointer; at_##pointer < bad_inputs + 4 && (pointer = *at_##pointer, true); at_##pointer++)

// How many objects and handles there are: a call that fails leaves none.
static jacinth_audit_t count(void) {
    jacinth_audit_t audit;
    CHECK_OK(jacinth_audit(&audit));
    return audit;
}

TEST(what_cannot_be_stored_is_not_made) {
    prepare();
    zx_handle_t event = make_event(), good;
    jacinth_audit_t before = count();
    FOR_EACH_BAD_OUTPUT(bad) {
        CHECK_STATUS(zx_event_create(0, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_eventpair_create(0, bad, &good), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_eventpair_create(0, &good, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_create(0, bad, &good), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_create(0, &good, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, bad), ZX_ERR_INVALID_ARGS);
    }
    CHECK_EQ(count().objects, before.objects);
    CHECK_EQ(count().handles, before.handles);
    CHECK_EQ(handle_count(event), 1);
}

TEST(a_replacement_that_cannot_be_stored_is_closed_like_the_original) {
    prepare();
    FOR_EACH_BAD_OUTPUT(bad) {
        zx_handle_t kept, sent;
        make_eventpair(&kept, &sent);
        CHECK_STATUS(zx_handle_replace(sent, ZX_RIGHT_SAME_RIGHTS, bad), ZX_ERR_INVALID_ARGS);
        CHECK(!is_open(sent));
        CHECK_EQ(signals_of(kept), ZX_EVENTPAIR_PEER_CLOSED);
    }
}

TEST(a_list_that_cannot_be_read_is_invalid_args) {
    prepare();
    FOR_EACH_BAD_INPUT(bad)
        CHECK_STATUS(zx_handle_close_many(bad, 2), ZX_ERR_INVALID_ARGS);
}

TEST(a_list_may_end_where_memory_ends) {
    zx_handle_t* list = at_the_edge(2 * sizeof(zx_handle_t));
    list[0] = make_event();
    list[1] = make_event();
    CHECK_OK(zx_handle_close_many(list, 2));
    CHECK(!is_open(list[0]) && !is_open(list[1]));
}

TEST(information_that_cannot_be_stored_is_invalid_args) {
    prepare();
    zx_handle_t event = make_event();
    zx_info_handle_basic_t basic;
    FOR_EACH_BAD_OUTPUT(bad) {
        CHECK_STATUS(zx_object_get_info(event, ZX_INFO_HANDLE_BASIC, bad, sizeof(basic), NULL, NULL),
                     ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_object_get_info(event, ZX_INFO_HANDLE_COUNT, bad, 8, NULL, NULL), ZX_ERR_INVALID_ARGS);
        if (bad == NULL)
            continue; // Then the counts are not asked for.
        CHECK_STATUS(zx_object_get_info(event, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic), bad, NULL),
                     ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_object_get_info(event, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic), NULL, bad),
                     ZX_ERR_INVALID_ARGS);
    }
    zx_info_handle_basic_t* last = at_the_edge(sizeof(basic));
    size_t *actual = at_the_edge(sizeof(size_t)), *avail = at_the_edge(sizeof(size_t));
    CHECK_OK(zx_object_get_info(event, ZX_INFO_HANDLE_BASIC, last, sizeof(basic), actual, avail));
    CHECK_EQ(*actual, 1);
    CHECK_EQ(*avail, 1);
    CHECK_EQ(last->type, ZX_OBJ_TYPE_EVENT);
}

TEST(a_name_that_cannot_be_stored_or_read_is_invalid_args) {
    prepare();
    zx_handle_t self = zx_process_self();
    char* name = at_the_edge(ZX_MAX_NAME_LEN);
    memcpy(name, "a name at the edge of its page.", ZX_MAX_NAME_LEN);
    CHECK_OK(zx_object_set_property(self, ZX_PROP_NAME, name, ZX_MAX_NAME_LEN));
    FOR_EACH_BAD_OUTPUT(bad)
        CHECK_STATUS(zx_object_get_property(self, ZX_PROP_NAME, bad, ZX_MAX_NAME_LEN), ZX_ERR_INVALID_ARGS);
    FOR_EACH_BAD_INPUT(bad)
        CHECK_STATUS(zx_object_set_property(self, ZX_PROP_NAME, bad, ZX_MAX_NAME_LEN), ZX_ERR_INVALID_ARGS);
    char* seen = at_the_edge(ZX_MAX_NAME_LEN);
    CHECK_OK(zx_object_get_property(self, ZX_PROP_NAME, seen, ZX_MAX_NAME_LEN));
    CHECK_BYTES(seen, name, ZX_MAX_NAME_LEN);
}

TEST(signals_that_cannot_be_stored_are_invalid_args) {
    prepare();
    zx_handle_t event = make_event();
    CHECK_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    FOR_EACH_BAD_OUTPUT(bad) {
        if (bad != NULL)
            CHECK_STATUS(zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, bad), ZX_ERR_INVALID_ARGS);
    }
    FOR_EACH_BAD_INPUT(bad)
        CHECK_STATUS(zx_object_wait_many(bad, 1, ZX_TIME_INFINITE), ZX_ERR_INVALID_ARGS);
    zx_wait_item_t* fixed = (zx_wait_item_t*)fenced_page();
    *fixed = (zx_wait_item_t){event, ZX_EVENT_SIGNALED, 0};
    CHECK_EQ(mprotect(fixed, PAGE, PROT_READ), 0);
    CHECK_STATUS(zx_object_wait_many(fixed, 1, ZX_TIME_INFINITE), ZX_ERR_INVALID_ARGS);
    zx_signals_t* seen = at_the_edge(sizeof(zx_signals_t));
    CHECK_OK(zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, seen));
    CHECK_EQ(*seen, ZX_EVENT_SIGNALED);
    zx_wait_item_t* item = at_the_edge(sizeof(zx_wait_item_t));
    *item = (zx_wait_item_t){event, ZX_EVENT_SIGNALED, 0};
    CHECK_OK(zx_object_wait_many(item, 1, ZX_TIME_INFINITE));
    CHECK_EQ(item->pending, ZX_EVENT_SIGNALED);
}

TEST(a_time_that_cannot_be_stored_is_invalid_args) {
    prepare();
    FOR_EACH_BAD_OUTPUT(bad)
        CHECK_STATUS(zx_clock_get_new(ZX_CLOCK_UTC, bad), ZX_ERR_INVALID_ARGS);
}

TEST(a_message_that_cannot_be_read_is_not_sent) {
    prepare();
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
    CHECK_EQ(count().messages, 0);
}

TEST(a_long_message_may_end_where_memory_ends_and_no_later) {
    zx_handle_t one, other;
    size_t sizes[] = {1, 8, 48, 49, 500, 4096};
    make_channel(&one, &other);
    for (size_t index = 0; index < sizeof(sizes) / sizeof(*sizes); index++) {
        uint32_t size = (uint32_t)sizes[index], actual = 0;
        char *sent = at_the_edge(size), *received = at_the_edge(size);
        memset(sent, 'x', size);
        tell(one, sent, size);
        CHECK_OK(zx_channel_read(other, 0, received, NULL, size, 0, &actual, NULL));
        CHECK_EQ(actual, size);
        CHECK_BYTES(received, sent, size);
        CHECK_STATUS(zx_channel_write(one, 0, sent, size + 1, NULL, 0), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read(other, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
    }
}

// One message of bytes and a handle that waits to be read.
static void send_one(zx_handle_t channel) {
    zx_handle_t event = make_event();
    CHECK_OK(zx_channel_write(channel, 0, "precious", 8, &event, 1));
}

TEST(a_message_that_cannot_be_stored_stays) {
    prepare();
    zx_handle_t one, other, handle = ZX_HANDLE_INVALID;
    zx_handle_info_t info;
    char bytes[8];
    uint32_t bytes_read = 0, handles_read = 0;
    make_channel(&one, &other);
    send_one(one);
    jacinth_audit_t before = count();
    FOR_EACH_BAD_OUTPUT(bad) {
        CHECK_STATUS(zx_channel_read(other, 0, bad, &handle, 8, 1, NULL, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read(other, 0, bytes, bad, 8, 1, NULL, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read_etc(other, 0, bad, &info, 8, 1, NULL, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read_etc(other, 0, bytes, bad, 8, 1, NULL, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read(other, ZX_CHANNEL_READ_MAY_DISCARD, bad, &handle, 8, 1, NULL, NULL),
                     ZX_ERR_INVALID_ARGS);
        if (bad == NULL)
            continue; // Then the sizes are not asked for.
        CHECK_STATUS(zx_channel_read(other, 0, bytes, &handle, 8, 1, bad, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read(other, 0, bytes, &handle, 8, 1, NULL, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read_etc(other, 0, bytes, &info, 8, 1, bad, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_read_etc(other, 0, bytes, &info, 8, 1, NULL, bad), ZX_ERR_INVALID_ARGS);
    }
    CHECK_EQ(count().handles, before.handles);
    CHECK_EQ(count().in_transit, before.in_transit);
    CHECK_OK(zx_channel_read(other, 0, bytes, &handle, 8, 1, &bytes_read, &handles_read));
    CHECK_EQ(bytes_read, 8);
    CHECK_EQ(handles_read, 1);
    CHECK_BYTES(bytes, "precious", 8);
    CHECK(is_open(handle));
}

TEST(handles_may_be_stored_where_memory_ends) {
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

TEST(a_call_with_a_bad_pointer_is_not_made) {
    prepare();
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

TEST(a_reply_that_cannot_be_stored_is_lost_with_its_handles) {
    prepare();
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

TEST(a_value_need_not_be_aligned) {
    static _Alignas(16) char room[256];
    zx_handle_t handle, one, other;
    uint32_t size;
    zx_time_t now;
    CHECK_OK(zx_event_create(0, (zx_handle_t*)(room + 1)));
    memcpy(&handle, room + 1, sizeof(handle));
    CHECK_OK(zx_object_signal(handle, 0, ZX_USER_SIGNAL_0));
    CHECK_OK(zx_clock_get_new(ZX_CLOCK_UTC, (zx_time_t*)(room + 33)));
    memcpy(&now, room + 33, sizeof(now));
    CHECK(now > 0);
    zx_wait_item_t item = {handle, ZX_USER_SIGNAL_0, 0};
    memcpy(room + 65, &item, sizeof(item));
    CHECK_OK(zx_object_wait_many((zx_wait_item_t*)(room + 65), 1, ZX_TIME_INFINITE));
    make_channel(&one, &other);
    CHECK_OK(zx_channel_write(one, 0, room + 1, 3, &handle, 1));
    CHECK_OK(zx_channel_read(other, 0, room + 97, (zx_handle_t*)(room + 129), 3, 1, (uint32_t*)(room + 141), NULL));
    memcpy(&handle, room + 129, sizeof(handle));
    memcpy(&size, room + 141, sizeof(size));
    CHECK_EQ(size, 3);
    CHECK(is_open(handle));
}

TEST(a_version_that_cannot_be_stored_is_invalid_args) {
    prepare();
    FOR_EACH_BAD_OUTPUT(bad)
        CHECK_STATUS(zx_system_get_version(bad, 64), ZX_ERR_INVALID_ARGS);
}

TEST(an_arena_whose_limits_cannot_be_read_is_not_made) {
    prepare();
    FOR_EACH_BAD_INPUT(bad)
        if (bad != NULL)
            CHECK_STATUS(jacinth_create(bad), ZX_ERR_INVALID_ARGS);
    CHECK(!jacinth_is_attached());
}

TEST(a_report_that_cannot_be_stored_is_invalid_args) {
    prepare();
    make_event();
    FOR_EACH_BAD_OUTPUT(bad) {
        if (bad == NULL)
            continue; // Then it is not asked for.
        CHECK_STATUS(jacinth_audit(bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_collect(bad), ZX_ERR_INVALID_ARGS);
    }
}

TEST(a_program_whose_arguments_cannot_be_read_is_not_spawned) {
    prepare();
    char* arguments[] = {(char*)"true", NULL, NULL};
    pid_t pid = 77;
    FOR_EACH_BAD_INPUT(bad) {
        if (bad != NULL)
            CHECK_STATUS(jacinth_spawn("true", bad, NULL, make_event(), &pid), ZX_ERR_INVALID_ARGS);
        if (bad == bad_inputs[3])
            continue; // The one byte that is there is a text that ends.
        CHECK_STATUS(jacinth_spawn(bad, arguments, NULL, make_event(), &pid), ZX_ERR_INVALID_ARGS);
        if (bad == NULL)
            continue; // Which ends the arguments, and means the same environment.
        arguments[1] = bad;
        CHECK_STATUS(jacinth_spawn("true", arguments, NULL, make_event(), &pid), ZX_ERR_INVALID_ARGS);
        arguments[1] = NULL;
        CHECK_STATUS(jacinth_spawn("true", arguments, bad, make_event(), &pid), ZX_ERR_INVALID_ARGS);
    }
    FOR_EACH_BAD_OUTPUT(bad)
        if (bad != NULL)
            CHECK_STATUS(jacinth_spawn("true", arguments, NULL, make_event(), bad), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(pid, 77);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_EQ(count().handles, 0);
}

static void draw_into_nothing(void) {
    zx_cprng_draw(bad_outputs[1], 8);
}

static void draw_into_read_only_memory(void) {
    zx_cprng_draw(bad_outputs[4], 8);
}

TEST(random_bytes_that_cannot_be_stored_end_the_process) {
    prepare();
    CHECK(in_forked_child(draw_into_nothing) < 0);
    CHECK(in_forked_child(draw_into_read_only_memory) < 0);
}
