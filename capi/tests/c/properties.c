// zx_object_get_property, zx_object_set_property
#define _GNU_SOURCE
#include "objects.h"

#define SIZE ZX_MAX_NAME_LEN

static void name(zx_handle_t handle, const char* text) {
    CHECK_OK(zx_object_set_property(handle, ZX_PROP_NAME, text, strlen(text)));
}

static void check_name(zx_handle_t handle, const char* expected) {
    char text[SIZE];
    memset(text, 0xab, SIZE);
    CHECK_OK(zx_object_get_property(handle, ZX_PROP_NAME, text, SIZE));
    for (size_t index = strlen(expected); index < SIZE; index++)
        CHECK_EQ(text[index], 0);
    CHECK(memchr(text, 0, SIZE) != NULL);
    if (strcmp(text, expected) != 0)
        check_fail(__FILE__, __LINE__, "the name is \"%s\", not \"%s\"", text, expected);
}

TEST(an_object_takes_a_name) {
    zx_handle_t self = zx_process_self();
    name(self, "a process");
    check_name(self, "a process");
    name(self, "other");
    check_name(self, "other");
    name(self, "");
    check_name(self, "");
    zx_handle_t copy = duplicate(self, ZX_RIGHT_GET_PROPERTY);
    name(self, "seen through another handle");
    check_name(copy, "seen through another handle");
    CHECK_OK(zx_handle_close(copy));
}

TEST(each_object_has_its_own_name) {
    zx_handle_t handles[] = {zx_process_self(), zx_thread_self(), zx_job_default()};
    const char* names[] = {"process", "thread", "job"};
    for (size_t index = 0; index < 3; index++)
        name(handles[index], names[index]);
    for (size_t index = 0; index < 3; index++)
        check_name(handles[index], names[index]);
}

TEST(a_name_ends_at_its_nul) {
    zx_handle_t self = zx_process_self();
    CHECK_OK(zx_object_set_property(self, ZX_PROP_NAME, "before\0after", 12));
    check_name(self, "before");
    CHECK_OK(zx_object_set_property(self, ZX_PROP_NAME, "with its nul", 13));
    check_name(self, "with its nul");
    CHECK_OK(zx_object_set_property(self, ZX_PROP_NAME, "no more than this", 7));
    check_name(self, "no more");
}

TEST(a_name_is_cut_to_what_fits) {
    zx_handle_t self = zx_process_self();
    name(self, "0123456789012345678901234567890");
    check_name(self, "0123456789012345678901234567890");
    name(self, "01234567890123456789012345678901");
    check_name(self, "0123456789012345678901234567890");
    name(self, "012345678901234567890123456789012345678901234567890123456789");
    check_name(self, "0123456789012345678901234567890");
}

TEST(a_short_buffer_is_too_small) {
    zx_handle_t self = zx_process_self();
    char text[2 * SIZE];
    name(self, "short");
    for (size_t size = 0; size < SIZE; size++)
        CHECK_STATUS(zx_object_get_property(self, ZX_PROP_NAME, text, size), ZX_ERR_BUFFER_TOO_SMALL);
    memset(text, 0xab, sizeof(text));
    CHECK_OK(zx_object_get_property(self, ZX_PROP_NAME, text, sizeof(text)));
    CHECK_EQ((unsigned char)text[SIZE], 0xab);
}

TEST(a_null_value_is_invalid_args) {
    zx_handle_t self = zx_process_self();
    CHECK_STATUS(zx_object_get_property(self, ZX_PROP_NAME, NULL, 0), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_get_property(self, ZX_PROP_NAME, NULL, SIZE), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_set_property(self, ZX_PROP_NAME, NULL, 0), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_set_property(self, ZX_PROP_NAME, NULL, SIZE), ZX_ERR_INVALID_ARGS);
}

TEST(ipc_objects_lack_name_rights) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    zx_handle_t handles[] = {make_event(), one};
    char text[SIZE];
    for (size_t index = 0; index < 2; index++) {
        CHECK_STATUS(zx_object_get_property(handles[index], ZX_PROP_NAME, text, SIZE), ZX_ERR_ACCESS_DENIED);
        CHECK_STATUS(zx_object_set_property(handles[index], ZX_PROP_NAME, "no", 2), ZX_ERR_ACCESS_DENIED);
    }
}

TEST(getting_and_setting_are_two_rights) {
    char text[SIZE];
    zx_handle_t self = zx_process_self();
    zx_handle_t reader = duplicate(self, ZX_RIGHT_GET_PROPERTY), writer = duplicate(self, ZX_RIGHT_SET_PROPERTY);
    name(writer, "written");
    check_name(reader, "written");
    CHECK_STATUS(zx_object_set_property(reader, ZX_PROP_NAME, "no", 2), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_object_get_property(writer, ZX_PROP_NAME, text, SIZE), ZX_ERR_ACCESS_DENIED);
}

TEST(unknown_properties_are_not_supported) {
    uint32_t properties[] = {0, 1, 7, 1000, ~0u};
    zx_handle_t self = zx_process_self();
    char text[SIZE] = {0};
    for (size_t index = 0; index < sizeof(properties) / sizeof(*properties); index++) {
        CHECK_STATUS(zx_object_get_property(self, properties[index], text, SIZE), ZX_ERR_NOT_SUPPORTED);
        CHECK_STATUS(zx_object_set_property(self, properties[index], text, SIZE), ZX_ERR_NOT_SUPPORTED);
    }
}

struct property {
    uint32_t number;
    bool gettable, settable;
};

// Each is a number of eight bytes, of objects of one type.
static const struct property of_one_type[] = {
    {ZX_PROP_REGISTER_GS, false, true},
    {ZX_PROP_REGISTER_FS, false, true},
    {ZX_PROP_PROCESS_DEBUG_ADDR, true, true},
    {ZX_PROP_PROCESS_VDSO_BASE_ADDRESS, true, false},
    {ZX_PROP_SOCKET_RX_THRESHOLD, true, true},
    {ZX_PROP_SOCKET_TX_THRESHOLD, true, true},
    {ZX_PROP_JOB_KILL_ON_OOM, false, true},
};
#define FOR_EACH_PROPERTY(it) \
    for (const struct property* it = of_one_type; it < of_one_type + sizeof(of_one_type) / sizeof(*of_one_type); it++)

TEST(another_types_property_is_wrong_type) {
    size_t value = 0;
    FOR_EACH_PROPERTY(it) {
        zx_handle_t handle = it->number == ZX_PROP_JOB_KILL_ON_OOM ? zx_process_self() : zx_job_default();
        CHECK_STATUS(zx_object_get_property(handle, it->number, &value, sizeof(value)),
                     it->gettable ? ZX_ERR_WRONG_TYPE : ZX_ERR_NOT_SUPPORTED);
        CHECK_STATUS(zx_object_set_property(handle, it->number, &value, sizeof(value)),
                     it->settable ? ZX_ERR_WRONG_TYPE : ZX_ERR_NOT_SUPPORTED);
    }
}

TEST(sizes_come_before_types) {
    size_t value = 0;
    FOR_EACH_PROPERTY(it) {
        zx_handle_t handle = zx_job_default();
        if (it->gettable)
            CHECK_STATUS(zx_object_get_property(handle, it->number, &value, sizeof(value) - 1), ZX_ERR_BUFFER_TOO_SMALL);
        if (it->settable)
            CHECK_STATUS(zx_object_set_property(handle, it->number, &value, sizeof(value) - 1), ZX_ERR_BUFFER_TOO_SMALL);
    }
}

TEST(rights_come_before_properties) {
    zx_handle_t event = make_event();
    uint32_t properties[] = {ZX_PROP_NAME, ZX_PROP_SOCKET_RX_THRESHOLD, 0, 1000};
    char value;
    for (size_t index = 0; index < sizeof(properties) / sizeof(*properties); index++) {
        CHECK_STATUS(zx_object_get_property(event, properties[index], &value, 0), ZX_ERR_ACCESS_DENIED);
        CHECK_STATUS(zx_object_set_property(event, properties[index], &value, 0), ZX_ERR_ACCESS_DENIED);
        CHECK_STATUS(zx_object_get_property(ZX_HANDLE_INVALID, properties[index], &value, 0), ZX_ERR_BAD_HANDLE);
        CHECK_STATUS(zx_object_get_property(ZX_HANDLE_INVALID, properties[index], NULL, 0), ZX_ERR_INVALID_ARGS);
    }
}

TEST(properties_that_are_missing_are_not_supported) {
    size_t value = 0;
    zx_handle_t process = zx_process_self(), job = zx_job_default();
    CHECK_STATUS(zx_object_get_property(process, ZX_PROP_PROCESS_DEBUG_ADDR, &value, sizeof(value)),
                 ZX_ERR_NOT_SUPPORTED);
    CHECK_STATUS(zx_object_set_property(job, ZX_PROP_JOB_KILL_ON_OOM, &value, sizeof(value)), ZX_ERR_NOT_SUPPORTED);
}
