// Pointers to memory that cannot be read or written give INVALID_ARGS, never a crash, and no call has an effect.
#define _GNU_SOURCE
#include "pages.h"
#include "partner.h"

TEST(an_unstorable_handle_is_not_created) {
    prepare_bad_pointers();
    zx_handle_t event = make_event(), good;
    jacinth_audit_t before = audit_now();
    FOR_EACH_BAD_OUTPUT(bad) {
        CHECK_STATUS(zx_event_create(0, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_timer_create(0, ZX_CLOCK_MONOTONIC, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_port_create(0, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_eventpair_create(0, bad, &good), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_eventpair_create(0, &good, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_create(0, bad, &good), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_channel_create(0, &good, bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, bad), ZX_ERR_INVALID_ARGS);
    }
    CHECK_EQ(audit_now().objects, before.objects);
    CHECK_EQ(audit_now().handles, before.handles);
    CHECK_EQ(handle_count(event), 1);
}

TEST(an_unstorable_replacement_is_closed) {
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(bad) {
        zx_handle_t kept, sent;
        make_eventpair(&kept, &sent);
        CHECK_STATUS(zx_handle_replace(sent, ZX_RIGHT_SAME_RIGHTS, bad), ZX_ERR_INVALID_ARGS);
        CHECK(!is_open(sent));
        CHECK_EQ(signals_of(kept), ZX_EVENTPAIR_PEER_CLOSED);
    }
}

TEST(an_unreadable_list_is_invalid_args) {
    prepare_bad_pointers();
    FOR_EACH_BAD_INPUT(bad)
        CHECK_STATUS(zx_handle_close_many(bad, 2), ZX_ERR_INVALID_ARGS);
}

TEST(a_list_may_end_with_memory) {
    zx_handle_t* list = at_the_edge(2 * sizeof(zx_handle_t));
    list[0] = make_event();
    list[1] = make_event();
    CHECK_OK(zx_handle_close_many(list, 2));
    CHECK(!is_open(list[0]) && !is_open(list[1]));
}

TEST(unstorable_information_is_invalid_args) {
    prepare_bad_pointers();
    zx_handle_t event = make_event();
    zx_info_handle_basic_t basic;
    FOR_EACH_BAD_OUTPUT(bad) {
        CHECK_STATUS(zx_object_get_info(event, ZX_INFO_HANDLE_BASIC, bad, sizeof(basic), NULL, NULL),
                     ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_object_get_info(event, ZX_INFO_HANDLE_COUNT, bad, 8, NULL, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_HANDLE_STATS, bad, 1024, NULL, NULL),
                     ZX_ERR_INVALID_ARGS);
        if (bad == NULL)
            continue; // NULL is allowed: the counts are optional.
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

TEST(a_bad_name_pointer_is_invalid_args) {
    prepare_bad_pointers();
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

TEST(unstorable_signals_are_invalid_args) {
    prepare_bad_pointers();
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

TEST(an_unstorable_time_is_invalid_args) {
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(bad)
        CHECK_STATUS(zx_clock_get_new(ZX_CLOCK_UTC, bad), ZX_ERR_INVALID_ARGS);
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

TEST(an_unstorable_version_is_invalid_args) {
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(bad)
        CHECK_STATUS(zx_system_get_version(bad, 64), ZX_ERR_INVALID_ARGS);
}

TEST(unreadable_limits_make_no_arena) {
    prepare_bad_pointers();
    FOR_EACH_BAD_INPUT(bad)
        if (bad != NULL)
            CHECK_STATUS(jacinth_create(bad), ZX_ERR_INVALID_ARGS);
    CHECK(!jacinth_is_attached());
}

TEST(an_unstorable_report_is_invalid_args) {
    prepare_bad_pointers();
    make_event();
    FOR_EACH_BAD_OUTPUT(bad) {
        CHECK_STATUS(jacinth_spawn_status(getpid(), bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_prepare(ZX_HANDLE_INVALID, bad), ZX_ERR_INVALID_ARGS);
        if (bad == NULL)
            continue; // NULL is allowed: it is optional.
        CHECK_STATUS(jacinth_audit(bad), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_collect(bad), ZX_ERR_INVALID_ARGS);
    }
}

TEST(unreadable_arguments_spawn_no_program) {
    prepare_bad_pointers();
    char* arguments[] = {(char*)"true", NULL, NULL};
    pid_t pid = 77;
    FOR_EACH_BAD_INPUT(bad) {
        if (bad != NULL)
            CHECK_STATUS(jacinth_spawn("true", bad, NULL, make_event(), &pid), ZX_ERR_INVALID_ARGS);
        if (bad == bad_inputs[3])
            continue; // The one accessible byte is an empty string.
        CHECK_STATUS(jacinth_spawn(bad, arguments, NULL, make_event(), &pid), ZX_ERR_INVALID_ARGS);
        if (bad == NULL)
            continue; // NULL ends the arguments, and stands for the same environment.
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
    CHECK_EQ(audit_now().handles, 0);
}

static void draw_into_nothing(void) {
    zx_cprng_draw(bad_outputs[1], 8);
}

static void draw_into_read_only_memory(void) {
    zx_cprng_draw(bad_outputs[4], 8);
}

TEST(unstorable_random_bytes_end_the_process) {
    prepare_bad_pointers();
    CHECK(in_forked_child(draw_into_nothing) < 0);
    CHECK(in_forked_child(draw_into_read_only_memory) < 0);
}
