// Many threads at once.
#define _GNU_SOURCE
#include "objects.h"
#include "sleeper.h"

#define THREADS 8
#define ROUNDS 2000

static zx_handle_t shared, other_end;
static _Atomic uint64_t sum;

static void* duplicate_and_close(void* number) {
    (void)number;
    for (int round = 0; round < ROUNDS; round++) {
        zx_handle_t copy = duplicate(shared, ZX_RIGHT_SAME_RIGHTS);
        CHECK_OK(zx_object_signal(copy, 0, ZX_USER_SIGNAL_0));
        CHECK_OK(zx_handle_close(copy));
    }
    return NULL;
}

TEST(many_threads_duplicate_and_close) {
    shared = make_event();
    in_threads(THREADS, duplicate_and_close);
    CHECK_EQ(handle_count(shared), 1);
}

static void* signal_own_bit(void* number) {
    zx_signals_t own = ZX_USER_SIGNAL_0 << (size_t)number;
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_OK(zx_object_signal(shared, 0, own));
        CHECK_OK(zx_object_wait_one(shared, own, 0, NULL));
        CHECK_OK(zx_object_signal(shared, own, 0));
        CHECK_STATUS(zx_object_wait_one(shared, own, 0, NULL), ZX_ERR_TIMED_OUT);
    }
    return NULL;
}

TEST(many_threads_signal_one_event) {
    shared = make_event();
    in_threads(THREADS, signal_own_bit);
    CHECK_EQ(signals_of(shared), ZX_SIGNAL_NONE);
}

static zx_handle_t contested[ROUNDS];

static void* close_all(void* number) {
    (void)number;
    for (int round = 0; round < ROUNDS; round++) {
        zx_status_t status = zx_handle_close(contested[round]);
        if (status == ZX_OK)
            atomic_fetch_add(&sum, 1);
        else
            CHECK_STATUS(status, ZX_ERR_BAD_HANDLE);
    }
    return NULL;
}

TEST(concurrent_closes_close_once) {
    for (int round = 0; round < ROUNDS; round++)
        contested[round] = make_event();
    in_threads(THREADS, close_all);
    CHECK_EQ(atomic_load(&sum), ROUNDS);
}

static void* send_all(void* number) {
    (void)number;
    for (int round = 0; round < ROUNDS; round++) {
        zx_status_t status = zx_channel_write(shared, 0, NULL, 0, &contested[round], 1);
        if (status == ZX_OK)
            atomic_fetch_add(&sum, 1);
        else
            CHECK_STATUS(status, ZX_ERR_BAD_HANDLE);
    }
    return NULL;
}

TEST(concurrent_sends_send_once) {
    make_channel(&shared, &other_end);
    for (int round = 0; round < ROUNDS; round++)
        contested[round] = make_event();
    in_threads(THREADS, send_all);
    CHECK_EQ(atomic_load(&sum), ROUNDS);
    for (int round = 0; round < ROUNDS; round++)
        CHECK_OK(zx_handle_close(receive_handle(other_end)));
    CHECK_STATUS(zx_channel_read(other_end, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

// Half of the threads write numbers, with an event each; the other half read and add.
static void* write_or_read(void* number) {
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        if ((size_t)number % 2 == 0) {
            zx_handle_t event = make_event();
            zx_status_t status;
            while ((status = zx_channel_write(shared, 0, &round, sizeof(round), &event, 1)) == ZX_ERR_SHOULD_WAIT)
                CHECK_OK(zx_object_wait_one(shared, ZX_CHANNEL_WRITABLE, ZX_TIME_INFINITE, NULL));
            CHECK_OK(status);
        } else {
            uint64_t value;
            zx_handle_t event;
            zx_status_t status;
            while ((status = zx_channel_read(other_end, 0, &value, &event, sizeof(value), 1, NULL, NULL)) ==
                   ZX_ERR_SHOULD_WAIT)
                CHECK_OK(zx_object_wait_one(other_end, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
            CHECK_OK(status);
            CHECK_OK(zx_handle_close(event));
            atomic_fetch_add(&sum, value);
        }
    }
    return NULL;
}

TEST(many_threads_share_one_channel) {
    make_channel(&shared, &other_end);
    in_threads(THREADS, write_or_read);
    CHECK_EQ(atomic_load(&sum), (uint64_t)THREADS / 2 * ROUNDS * (ROUNDS + 1) / 2);
    CHECK_STATUS(zx_channel_read(other_end, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

// Two threads answer; the others call.
static void* call_or_answer(void* number) {
    char request[12] = {0}, reply[12];
    uint32_t size, handles;
    if ((size_t)number < 2) {
        for (;;) {
            zx_signals_t seen;
            CHECK_OK(zx_object_wait_one(other_end, ZX_CHANNEL_READABLE | ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, &seen));
            zx_status_t status = zx_channel_read(other_end, 0, request, NULL, 12, 0, &size, NULL);
            if (status == ZX_OK)
                send_bytes(other_end, request, size);
            else if (seen & ZX_USER_SIGNAL_0)
                return NULL;
            else
                CHECK_STATUS(status, ZX_ERR_SHOULD_WAIT);
        }
    }
    for (int round = 0; round < ROUNDS / 4; round++) {
        memcpy(request + 4, &round, 4);
        memcpy(request + 8, &number, 4);
        zx_channel_call_args_t arguments = {
            .wr_bytes = request, .wr_num_bytes = 12, .rd_bytes = reply, .rd_num_bytes = 12};
        CHECK_OK(zx_channel_call(shared, 0, ZX_TIME_INFINITE, &arguments, &size, &handles));
        CHECK_EQ(size, 12);
        CHECK_BYTES(reply + 4, request + 4, 8);
    }
    if (atomic_fetch_add(&sum, 1) + 1 == THREADS - 2)
        CHECK_OK(zx_object_signal_peer(shared, 0, ZX_USER_SIGNAL_0));
    return NULL;
}

TEST(many_callers_and_servers_share_a_channel) {
    make_channel(&shared, &other_end);
    in_threads(THREADS, call_or_answer);
}

static void* wait_until_cancelled(void* event) {
    zx_status_t status = zx_object_wait_one(*(zx_handle_t*)event, ZX_USER_SIGNAL_7, ZX_TIME_INFINITE, NULL);
    // It is closed before the wait or during it.
    if (status != ZX_ERR_BAD_HANDLE)
        CHECK_STATUS(status, ZX_ERR_CANCELED);
    return NULL;
}

TEST(a_close_always_ends_the_wait) {
    for (int round = 0; round < 300; round++) {
        pthread_t thread;
        zx_handle_t event = make_event();
        CHECK_EQ(pthread_create(&thread, NULL, wait_until_cancelled, &event), 0);
        for (int turn = 0; turn < round % 20; turn++)
            sched_yield();
        CHECK_OK(zx_handle_close(event));
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
}

static void* use_everything(void* number) {
    (void)number;
    zx_handle_t one, other, event = make_event();
    make_channel(&one, &other);
    send_handle(one, event);
    CHECK_OK(zx_handle_close(receive_handle(other)));
    CHECK(is_open(zx_thread_self()));
    CHECK_OK(zx_handle_close(one));
    CHECK_OK(zx_handle_close(other));
    return NULL;
}

TEST(ended_threads_free_their_places) {
    make_event();
    zx_thread_self();
    jacinth_audit_t before = audit_now();
    // More threads than the arena has rows.
    for (int round = 0; round < 1200 / THREADS; round++)
        in_threads(THREADS, use_everything);
    CHECK_OK(jacinth_collect(NULL));
    jacinth_audit_t after = audit_now();
    CHECK_EQ(after.threads, before.threads);
    CHECK_EQ(after.objects, before.objects);
    CHECK_EQ(after.handles, before.handles);
}

static void* be_refused(void* number) {
    zx_handle_t event;
    (void)number;
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_NO_RESOURCES);
    return NULL;
}

static void wait_for_shared(void* number) {
    (void)number;
    CHECK_OK(zx_object_wait_one(shared, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL));
}

TEST(an_arena_limits_its_threads) {
    jacinth_config_t config;
    struct sleeper threads[2];
    jacinth_config_default(&config);
    config.max_threads = 4;
    CHECK_OK(jacinth_create(&config));
    // One is the supervisor, one is this thread.
    shared = make_event();
    for (size_t index = 0; index < 2; index++)
        start_sleeper(&threads[index], wait_for_shared, NULL);
    in_threads(3, be_refused);
    CHECK_OK(zx_object_signal(shared, 0, ZX_EVENT_SIGNALED));
    for (size_t index = 0; index < 2; index++)
        join_sleeper(&threads[index]);
    in_threads(2, duplicate_and_close);
}
