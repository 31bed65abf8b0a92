// zx_object_get_info
#define _GNU_SOURCE
#include "objects.h"
#include "partner.h"

// The call with all arguments, to check its counts.
struct outcome {
    zx_status_t status;
    size_t actual, avail;
};

static struct outcome ask(zx_handle_t handle, uint32_t topic, void* buffer, size_t size) {
    struct outcome outcome = {0, 77, 77};
    outcome.status = zx_object_get_info(handle, topic, buffer, size, &outcome.actual, &outcome.avail);
    return outcome;
}

TEST(handle_valid_gives_no_record) {
    zx_handle_t event = restrict_to(make_event(), ZX_RIGHT_NONE);
    CHECK_OK(zx_object_get_info(event, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL));
    CHECK_OK(ask(event, ZX_INFO_HANDLE_VALID, NULL, 0).status);
    CHECK_OK(zx_handle_close(event));
    CHECK_STATUS(ask(event, ZX_INFO_HANDLE_VALID, NULL, 0).status, ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(ask(ZX_HANDLE_INVALID, ZX_INFO_HANDLE_VALID, NULL, 0).status, ZX_ERR_BAD_HANDLE);
}

TEST(a_topic_gives_one_record) {
    zx_handle_t event = make_event();
    zx_info_handle_basic_t basic[2];
    zx_info_handle_count_t count[2];
    struct outcome outcome = ask(event, ZX_INFO_HANDLE_BASIC, basic, sizeof(basic[0]));
    CHECK_OK(outcome.status);
    CHECK_EQ(outcome.actual, 1);
    CHECK_EQ(outcome.avail, 1);
    outcome = ask(event, ZX_INFO_HANDLE_COUNT, count, sizeof(count[0]));
    CHECK_OK(outcome.status);
    CHECK_EQ(outcome.actual, 1);
    CHECK_EQ(outcome.avail, 1);
    CHECK_EQ(count[0].handle_count, 1);
}

TEST(a_larger_buffer_keeps_its_rest) {
    zx_handle_t event = make_event();
    zx_info_handle_basic_t basic[2];
    memset(basic, 0xab, sizeof(basic));
    struct outcome outcome = ask(event, ZX_INFO_HANDLE_BASIC, basic, sizeof(basic));
    CHECK_OK(outcome.status);
    CHECK_EQ(outcome.actual, 1);
    CHECK_EQ(outcome.avail, 1);
    CHECK_EQ(basic[0].koid, koid_of(event));
    for (size_t index = 0; index < sizeof(basic[1]); index++)
        CHECK_EQ(((unsigned char*)&basic[1])[index], 0xab);
}

TEST(a_small_buffer_reports_the_count) {
    zx_handle_t event = make_event();
    zx_info_handle_basic_t basic;
    zx_info_handle_count_t count;
    for (size_t size = 0; size < sizeof(basic); size++) {
        struct outcome outcome = ask(event, ZX_INFO_HANDLE_BASIC, &basic, size);
        CHECK_STATUS(outcome.status, ZX_ERR_BUFFER_TOO_SMALL);
        CHECK_EQ(outcome.actual, 0);
        CHECK_EQ(outcome.avail, 1);
        CHECK_STATUS(zx_object_get_info(event, ZX_INFO_HANDLE_BASIC, &basic, size, NULL, NULL),
                     ZX_ERR_BUFFER_TOO_SMALL);
    }
    struct outcome outcome = ask(event, ZX_INFO_HANDLE_COUNT, &count, sizeof(count) - 1);
    CHECK_STATUS(outcome.status, ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_EQ(outcome.actual, 0);
    CHECK_EQ(outcome.avail, 1);
    CHECK_STATUS(ask(event, ZX_INFO_HANDLE_BASIC, NULL, 0).status, ZX_ERR_BUFFER_TOO_SMALL);
}

TEST(only_the_count_needs_inspect) {
    zx_handle_t event = restrict_to(make_event(), ZX_DEFAULT_EVENT_RIGHTS & ~ZX_RIGHT_INSPECT);
    zx_info_handle_count_t count;
    CHECK_EQ(rights_of(event), ZX_DEFAULT_EVENT_RIGHTS & ~ZX_RIGHT_INSPECT);
    CHECK_STATUS(ask(event, ZX_INFO_HANDLE_COUNT, &count, sizeof(count)).status, ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(rights_of(restrict_to(event, ZX_RIGHT_NONE)), ZX_RIGHT_NONE);
}

TEST(handles_in_transit_are_counted) {
    zx_handle_t event = make_event(), copies[10], one, other;
    make_channel(&one, &other);
    for (size_t index = 0; index < 10; index++) {
        copies[index] = duplicate(event, ZX_RIGHT_SAME_RIGHTS);
        CHECK_EQ(handle_count(event), 2 + index);
    }
    send_handle(one, copies[0]);
    CHECK_EQ(handle_count(event), 11);
    CHECK_OK(zx_handle_close(receive_handle(other)));
    CHECK_EQ(handle_count(event), 10);
    CHECK_EQ(handle_count(one), 1);
}

static uint32_t own_handles(zx_obj_type_t type) {
    zx_info_process_handle_stats_t stats;
    struct outcome outcome = ask(zx_process_self(), ZX_INFO_PROCESS_HANDLE_STATS, &stats, sizeof(stats));
    CHECK_OK(outcome.status);
    CHECK_EQ(outcome.actual, 1);
    CHECK_EQ(outcome.avail, 1);
    CHECK_EQ(stats.handle_count[ZX_OBJ_TYPE_NONE], 0);
    return stats.handle_count[type];
}

TEST(own_handles_are_counted_by_type) {
    zx_handle_t one, other;
    uint32_t events = own_handles(ZX_OBJ_TYPE_EVENT), channels = own_handles(ZX_OBJ_TYPE_CHANNEL);
    CHECK_EQ(own_handles(ZX_OBJ_TYPE_PROCESS), 1);
    zx_handle_t event = make_event();
    make_channel(&one, &other);
    CHECK_EQ(own_handles(ZX_OBJ_TYPE_EVENT), events + 1);
    CHECK_EQ(own_handles(ZX_OBJ_TYPE_CHANNEL), channels + 2);
    CHECK_OK(zx_handle_close(duplicate(event, ZX_RIGHT_NONE)));
    zx_handle_t copy = duplicate(event, ZX_RIGHT_TRANSFER);
    CHECK_EQ(own_handles(ZX_OBJ_TYPE_EVENT), events + 2);
    send_handle(one, copy);
    CHECK_EQ(own_handles(ZX_OBJ_TYPE_EVENT), events + 1);
    CHECK_OK(zx_handle_close(receive_handle(other)));
    CHECK_OK(zx_handle_close(event));
    CHECK_EQ(own_handles(ZX_OBJ_TYPE_EVENT), events);
}

ROLE(holds_three_timers) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0)), timer;
    for (int index = 0; index < 3; index++)
        CHECK_OK(zx_timer_create(0, ZX_CLOCK_MONOTONIC, &timer));
    send_handle(channel, duplicate(zx_process_self(), ZX_RIGHT_SAME_RIGHTS));
    CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
}

TEST(another_processs_handles_are_counted) {
    zx_info_process_handle_stats_t stats;
    zx_handle_t channel;
    pid_t pid = spawn_partner("holds_three_timers", &channel);
    await_readable(channel);
    zx_handle_t partner = receive_handle(channel);
    CHECK_OK(ask(partner, ZX_INFO_PROCESS_HANDLE_STATS, &stats, sizeof(stats)).status);
    CHECK_EQ(stats.handle_count[ZX_OBJ_TYPE_TIMER], 3);
    CHECK_EQ(stats.handle_count[ZX_OBJ_TYPE_CHANNEL], 1);
    CHECK_EQ(own_handles(ZX_OBJ_TYPE_TIMER), 0);
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
    // Its handles are closed once its death is known.
    do
        CHECK_OK(ask(partner, ZX_INFO_PROCESS_HANDLE_STATS, &stats, sizeof(stats)).status);
    while (stats.handle_count[ZX_OBJ_TYPE_TIMER] != 0);
    CHECK_EQ(stats.handle_count[ZX_OBJ_TYPE_CHANNEL], 0);
}

TEST(the_count_by_type_keeps_the_rules) {
    zx_info_process_handle_stats_t stats;
    zx_handle_t self = zx_process_self();
    struct outcome outcome = ask(self, ZX_INFO_PROCESS_HANDLE_STATS, &stats, sizeof(stats) - 1);
    CHECK_STATUS(outcome.status, ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_EQ(outcome.actual, 0);
    CHECK_EQ(outcome.avail, 1);
    CHECK_STATUS(ask(self, ZX_INFO_PROCESS_HANDLE_STATS, NULL, 0).status, ZX_ERR_BUFFER_TOO_SMALL);
    CHECK_STATUS(ask(self, ZX_INFO_PROCESS_HANDLE_STATS, NULL, sizeof(stats)).status, ZX_ERR_INVALID_ARGS);
    // The type comes before the rights, and the rights before the size.
    zx_handle_t bare = duplicate(self, ZX_RIGHT_NONE), event = restrict_to(make_event(), ZX_RIGHT_NONE);
    CHECK_STATUS(ask(bare, ZX_INFO_PROCESS_HANDLE_STATS, NULL, 0).status, ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(ask(event, ZX_INFO_PROCESS_HANDLE_STATS, NULL, 0).status, ZX_ERR_WRONG_TYPE);
}

TEST(topics_of_other_types_are_wrong_type) {
    uint32_t topics[] = {ZX_INFO_PROCESS,      ZX_INFO_PROCESS_THREADS, ZX_INFO_VMAR,         ZX_INFO_JOB_CHILDREN,
                         ZX_INFO_JOB_PROCESSES, ZX_INFO_THREAD,          ZX_INFO_THREAD_STATS, ZX_INFO_TASK_STATS,
                         ZX_INFO_PROCESS_MAPS, ZX_INFO_PROCESS_VMOS,    ZX_INFO_SOCKET,       ZX_INFO_VMO};
    zx_handle_t event = make_event();
    char buffer[1024];
    for (size_t index = 0; index < sizeof(topics) / sizeof(*topics); index++) {
        CHECK_STATUS(ask(event, topics[index], buffer, sizeof(buffer)).status, ZX_ERR_WRONG_TYPE);
        CHECK_STATUS(ask(ZX_HANDLE_INVALID, topics[index], buffer, sizeof(buffer)).status, ZX_ERR_BAD_HANDLE);
    }
}

TEST(unknown_topics_are_not_supported) {
    uint32_t topics[] = {ZX_INFO_NONE, 5, 6, 1000, ~0u};
    zx_handle_t event = make_event();
    char buffer[1024];
    for (size_t index = 0; index < sizeof(topics) / sizeof(*topics); index++)
        CHECK_STATUS(ask(event, topics[index], buffer, sizeof(buffer)).status, ZX_ERR_NOT_SUPPORTED);
}

TEST(missing_topics_are_not_supported) {
    char buffer[1024];
    CHECK_STATUS(ask(zx_process_self(), ZX_INFO_PROCESS, buffer, sizeof(buffer)).status, ZX_ERR_NOT_SUPPORTED);
    CHECK_STATUS(ask(zx_thread_self(), ZX_INFO_THREAD, buffer, sizeof(buffer)).status, ZX_ERR_NOT_SUPPORTED);
    CHECK_STATUS(ask(zx_job_default(), ZX_INFO_JOB_PROCESSES, buffer, sizeof(buffer)).status,
                 ZX_ERR_NOT_SUPPORTED);
    CHECK_STATUS(ask(zx_vmar_root_self(), ZX_INFO_VMAR, buffer, sizeof(buffer)).status, ZX_ERR_NOT_SUPPORTED);
}
