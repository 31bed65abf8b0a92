// Buffers: bytes that are written once, and read in place by all who get a handle.
#define _GNU_SOURCE
#include "in_place.h"
#include "pages.h"
#include "partner.h"

#include <pthread.h>

static jacinth_buffer_view_t view_of(zx_handle_t buffer) {
    jacinth_buffer_view_t view = {NULL, 0, 0};
    CHECK_OK(jacinth_buffer_view(buffer, &view));
    CHECK(view.data != NULL && view.id != 0);
    return view;
}

TEST(a_buffer_has_what_was_filled) {
    const size_t sizes[] = {0, 1, 64, 65, 5000, MIB};
    for (size_t index = 0; index < 6; index++) {
        zx_handle_t buffer = make_buffer(sizes[index], 2);
        jacinth_buffer_view_t view = view_of(buffer);
        CHECK_EQ(view.num_bytes, sizes[index]);
        CHECK_EQ((uintptr_t)view.data % 64, 0);
        CHECK(is_filled(view.data, sizes[index], 2));
        size_t size = ~(size_t)0;
        CHECK_OK(jacinth_buffer_get_size(buffer, &size));
        CHECK_EQ(size, sizes[index]);
        CHECK_OK(jacinth_buffer_view_release(&view));
        CHECK_ZEROED(view);
        CHECK_OK(zx_handle_close(buffer));
    }
    CHECK_EQ(audit_now().objects, 0);
}

TEST(unwritten_bytes_are_zero) {
    jacinth_buffer_mut_t filled;
    zx_handle_t buffer;
    CHECK_OK(zx_handle_close(make_buffer(5000, 1)));
    CHECK_OK(jacinth_buffer_create(5000, 0, &filled));
    CHECK_EQ(filled.num_bytes, 5000);
    CHECK(is_zero(filled.data, 5000));
    ((char*)filled.data)[4999] = 'x';
    CHECK_OK(jacinth_buffer_freeze(&filled, &buffer));
    CHECK_ZEROED(filled);
    jacinth_buffer_view_t view = view_of(buffer);
    CHECK(is_zero(view.data, 4999) && ((const char*)view.data)[4999] == 'x');
    CHECK_OK(jacinth_buffer_view_release(&view));
}

TEST(a_buffer_has_its_type_and_rights) {
    zx_info_handle_basic_t info = basic_info(make_buffer(10, 0));
    CHECK_EQ(info.type, JACINTH_OBJ_TYPE_BUFFER);
    CHECK_EQ(info.rights, JACINTH_BUFFER_DEFAULT_RIGHTS);
}

TEST(creations_have_their_errors) {
    jacinth_buffer_mut_t filled;
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    CHECK_STATUS(jacinth_buffer_create(16 * MIB + 1, 0, &filled), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(jacinth_channel_reserve_buffer(ours, SIZE_MAX, 0, &filled), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(jacinth_buffer_create(1, 2, &filled), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_channel_reserve_buffer(ours, 1, 2, &filled), ZX_ERR_INVALID_ARGS);
    CHECK_OK(jacinth_channel_reserve_buffer(ours, 1, 0, &filled));
    CHECK_OK(jacinth_buffer_discard(&filled));
    CHECK_OK(zx_handle_close(theirs));
    CHECK_STATUS(jacinth_channel_reserve_buffer(ours, 1, 0, &filled), ZX_ERR_PEER_CLOSED);
}

TEST(a_discarded_buffer_leaves_nothing) {
    jacinth_buffer_mut_t filled, copy;
    zx_handle_t buffer;
    CHECK_OK(jacinth_buffer_create(MIB, 0, &filled));
    copy = filled;
    CHECK_OK(jacinth_buffer_discard(&filled));
    CHECK_ZEROED(filled);
    CHECK_OK(jacinth_buffer_discard(&filled));
    CHECK_STATUS(jacinth_buffer_discard(&copy), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_buffer_freeze(&copy, &buffer), ZX_ERR_BAD_HANDLE);
    CHECK_EQ(audit_now().objects, 0);
}

TEST(a_frozen_buffer_is_not_filled) {
    jacinth_buffer_mut_t filled, copy, forged = {NULL, 0, 0};
    zx_handle_t buffer, second = ZX_HANDLE_INVALID;
    CHECK_OK(jacinth_buffer_create(10, 0, &filled));
    copy = filled;
    CHECK_OK(jacinth_buffer_freeze(&filled, &buffer));
    CHECK_STATUS(jacinth_buffer_freeze(&filled, &second), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_buffer_freeze(&copy, &second), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_buffer_discard(&copy), ZX_ERR_BAD_HANDLE);
    forged.id = view_of(buffer).id;
    CHECK_STATUS(jacinth_buffer_freeze(&forged, &second), ZX_ERR_BAD_HANDLE);
    CHECK_EQ(second, ZX_HANDLE_INVALID);
}

TEST(a_view_outlives_its_handles) {
    zx_handle_t buffer = make_buffer(5000, 8);
    jacinth_buffer_view_t view = view_of(buffer), copy = view;
    CHECK_OK(zx_handle_close(buffer));
    for (int round = 0; round < 100; round++)
        CHECK_OK(zx_handle_close(make_buffer(5000, 9)));
    CHECK(is_filled(view.data, 5000, 8));
    CHECK_EQ(audit_now().objects, 1);
    CHECK_OK(jacinth_buffer_view_release(&view));
    CHECK_OK(jacinth_buffer_view_release(&view));
    CHECK_STATUS(jacinth_buffer_view_release(&copy), ZX_ERR_BAD_HANDLE);
    CHECK_EQ(audit_now().objects, 0);
}

TEST(bad_pointers_cost_no_buffer) {
    prepare_bad_pointers();
    zx_handle_t ours, theirs, buffer;
    make_channel(&ours, &theirs);
    jacinth_buffer_mut_t filled;
    CHECK_OK(jacinth_buffer_create(10, 0, &filled));
    FOR_EACH_BAD_OUTPUT(pointer) {
        CHECK_STATUS(jacinth_buffer_create(10, 0, pointer), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_channel_reserve_buffer(ours, 10, 0, pointer), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_buffer_freeze(pointer, &buffer), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_buffer_freeze(&filled, pointer), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_buffer_discard(pointer), ZX_ERR_INVALID_ARGS);
    }
    memcpy(filled.data, "all's well", 10);
    CHECK_OK(jacinth_buffer_freeze(&filled, &buffer));
    FOR_EACH_BAD_OUTPUT(pointer) {
        CHECK_STATUS(jacinth_buffer_view(buffer, pointer), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_buffer_view_release(pointer), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_buffer_get_size(buffer, pointer), ZX_ERR_INVALID_ARGS);
    }
    CHECK_EQ(handle_count(buffer), 1);
    jacinth_buffer_view_t view = view_of(buffer);
    CHECK_BYTES(view.data, "all's well", 10);
    CHECK_OK(jacinth_buffer_view_release(&view));
    CHECK_EQ(audit_now().objects, 2);
}

TEST(a_full_handle_table_refuses_views) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.max_handles_per_process = 64;
    CHECK_OK(jacinth_create(&config));
    zx_handle_t buffer = make_buffer(10, 0), copy;
    while (zx_handle_duplicate(buffer, ZX_RIGHT_SAME_RIGHTS, &copy) == ZX_OK) {
    }
    jacinth_buffer_view_t view;
    jacinth_buffer_mut_t filled;
    CHECK_STATUS(jacinth_buffer_view(buffer, &view), ZX_ERR_NO_RESOURCES);
    CHECK_STATUS(jacinth_buffer_create(10, 0, &filled), ZX_ERR_NO_RESOURCES);
}

static void* close_soon(void* handle) {
    zx_nanosleep(zx_deadline_after(ZX_MSEC(20)));
    CHECK_OK(zx_handle_close(*(zx_handle_t*)handle));
    return NULL;
}

// Sends buffers of 1 MiB until there is no memory. Returns how many.
static int exhaust(zx_handle_t channel) {
    jacinth_buffer_mut_t filled;
    zx_handle_t buffer;
    zx_status_t status;
    int sent = 0;
    while ((status = jacinth_channel_reserve_buffer(channel, MIB, JACINTH_UNINITIALIZED, &filled)) == ZX_OK) {
        fill(filled.data, MIB, 4);
        CHECK_OK(jacinth_buffer_freeze(&filled, &buffer));
        send_handle(channel, buffer);
        sent++;
    }
    CHECK(status == ZX_ERR_NO_MEMORY || status == ZX_ERR_NO_RESOURCES);
    CHECK(sent > 1);
    return sent;
}

TEST(exhausted_memory_is_waited_for) {
    make_small_arena();
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    exhaust(ours);
    CHECK_EQ(signals_of(ours) & ZX_CHANNEL_WRITABLE, 0);
    jacinth_buffer_mut_t filled;
    CHECK_STATUS(jacinth_buffer_create(MIB, 0, &filled), ZX_ERR_NO_MEMORY);
    zx_handle_t buffer = receive_handle(theirs);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, close_soon, &buffer), 0);
    CHECK_OK(zx_object_wait_one(ours, ZX_CHANNEL_WRITABLE, ZX_TIME_INFINITE, NULL));
    CHECK_OK(jacinth_channel_reserve_buffer(ours, MIB, 0, &filled));
    CHECK_OK(jacinth_buffer_discard(&filled));
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

// Receives a buffer, looks at it, and sends it back.
ROLE(looks_and_forwards) {
    zx_handle_t channel = startup_channel();
    await_readable(channel);
    zx_handle_t buffer = receive_handle(channel);
    jacinth_buffer_view_t view = view_of(buffer);
    CHECK(is_filled(view.data, 100000, 6));
    send_handle(channel, buffer);
    CHECK(is_filled(view.data, 100000, 6));
    CHECK_OK(jacinth_buffer_view_release(&view));
}

TEST(one_buffer_reaches_many_processes) {
    zx_handle_t channels[3], buffer = make_buffer(100000, 6);
    zx_koid_t koid = koid_of(buffer);
    pid_t pids[3];
    for (int index = 0; index < 3; index++) {
        pids[index] = spawn_partner("looks_and_forwards", &channels[index]);
        send_handle(channels[index], duplicate(buffer, ZX_RIGHT_SAME_RIGHTS));
    }
    jacinth_buffer_view_t ours = view_of(buffer);
    for (int index = 0; index < 3; index++) {
        await_readable(channels[index]);
        zx_handle_t forwarded = receive_handle(channels[index]);
        CHECK_EQ(koid_of(forwarded), koid);
        jacinth_buffer_view_t view = view_of(forwarded);
        CHECK(view.data == ours.data);
        CHECK_OK(jacinth_buffer_view_release(&view));
        CHECK_OK(zx_handle_close(forwarded));
        CHECK_EQ(join_process(pids[index]), 0);
        CHECK_OK(zx_handle_close(channels[index]));
    }
    CHECK_OK(jacinth_buffer_view_release(&ours));
    CHECK_OK(zx_handle_close(buffer));
    CHECK_OK(jacinth_collect(NULL));
    CHECK_EQ(audit_now().objects, 0);
}

// Has views of all buffers, one that it fills, a loan, and a message that it reads in place. It is killed.
ROLE(holds_all_kinds) {
    zx_handle_t channel = startup_channel(), one, other;
    for (zx_signals_t seen = ZX_CHANNEL_READABLE; seen & ZX_CHANNEL_READABLE; seen = signals_of(channel)) {
        await_readable(channel);
        zx_handle_t buffer = receive_handle(channel);
        view_of(buffer);
        CHECK_OK(zx_handle_close(buffer));
    }
    jacinth_buffer_mut_t filled;
    CHECK_OK(jacinth_buffer_create(100, 0, &filled));
    make_channel(&one, &other);
    reserve(one, 100, 0);
    send_bytes(one, "read", 4);
    read_in_place(other);
    reserve(channel, 100, 0);
    send_bytes(channel, "mine", 4);
    zx_nanosleep(ZX_TIME_INFINITE);
}

TEST(a_killed_receiver_frees_the_memory) {
    make_small_arena();
    zx_handle_t channel, theirs, ours, far;
    make_channel(&ours, &far);
    make_channel(&channel, &theirs);
    exhaust(channel);
    pid_t pid = spawn_role("holds_all_kinds", theirs);
    await_readable(channel);
    expect_bytes(channel, "mine", 4);
    // No handle is in this process or in a message, and yet there is no memory.
    jacinth_buffer_mut_t filled;
    CHECK(jacinth_channel_reserve_buffer(ours, MIB, 0, &filled) != ZX_OK);
    CHECK_EQ(signals_of(ours) & ZX_CHANNEL_WRITABLE, 0);
    kill_process(pid);
    CHECK_OK(zx_object_wait_one(ours, ZX_CHANNEL_WRITABLE, ZX_TIME_INFINITE, NULL));
    CHECK_OK(jacinth_channel_reserve_buffer(ours, MIB, 0, &filled));
    CHECK_OK(jacinth_buffer_discard(&filled));
    await_peer_closed(channel);
    CHECK_OK(zx_handle_close(channel));
    CHECK_OK(jacinth_collect(NULL));
    CHECK_EQ(audit_now().objects, 1);
}

// In a child that was forked.
static zx_handle_t inherited_channel, inherited_buffer;
static jacinth_loan_t inherited_loan;
static jacinth_message_t inherited_message;
static jacinth_buffer_mut_t inherited_filled;
static jacinth_buffer_view_t inherited_view;

static void check_that_nothing_works(void) {
    zx_handle_t out;
    jacinth_buffer_mut_t filled;
    size_t size;
    CHECK_STATUS(jacinth_channel_reserve(inherited_channel, 1, 0, 0, &inherited_loan), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_loan_commit(&inherited_loan, NULL, 0), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_loan_cancel(&inherited_loan), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_channel_read_in_place(inherited_channel, 0, &inherited_message), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_message_finish(&inherited_message, NULL, 0), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_message_finish_etc(&inherited_message, NULL, 0), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_message_release(&inherited_message), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_buffer_create(1, 0, &filled), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_channel_reserve_buffer(inherited_channel, 1, 0, &filled), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_buffer_freeze(&inherited_filled, &out), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_buffer_discard(&inherited_filled), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_buffer_get_size(inherited_buffer, &size), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_buffer_view(inherited_buffer, &inherited_view), ZX_ERR_BAD_STATE);
    CHECK_STATUS(jacinth_buffer_view_release(&inherited_view), ZX_ERR_BAD_STATE);
}

TEST(a_forked_child_has_nothing_lent) {
    zx_handle_t theirs;
    make_channel(&inherited_channel, &theirs);
    send_bytes(inherited_channel, "held", 4);
    inherited_loan = reserve(inherited_channel, 10, 0);
    inherited_message = read_in_place(theirs);
    inherited_buffer = make_buffer(10, 1);
    inherited_view = view_of(inherited_buffer);
    CHECK_OK(jacinth_buffer_create(10, 0, &inherited_filled));
    CHECK_EQ(in_forked_child(check_that_nothing_works), 0);
    // The parent has all of it.
    CHECK(is_filled(inherited_view.data, 10, 1));
    CHECK_OK(jacinth_buffer_discard(&inherited_filled));
    CHECK_OK(jacinth_loan_commit(&inherited_loan, NULL, 0));
    CHECK_OK(jacinth_message_release(&inherited_message));
}
