// Memory that only messages and signals hand from thread to thread. A race detector must report no race. With the argument
// "race" the program has one.
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jacinth.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/syscalls.h>

#define CHECK(condition)                                                   \
    do {                                                                   \
        if (!(condition)) {                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(2);                                                       \
        }                                                                  \
    } while (0)

enum { ROUNDS = 40 };

static zx_handle_t ours, theirs, go, done;
static int plain, numbers[ROUNDS];
static bool is_racing;

static void receive(zx_handle_t channel, int** pointer) {
    uint32_t size, count;
    CHECK(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL) == ZX_OK);
    CHECK(zx_channel_read(channel, 0, pointer, NULL, sizeof(*pointer), 0, &size, &count) == ZX_OK);
}

static void send(zx_handle_t channel, int* pointer) {
    CHECK(zx_channel_write(channel, 0, &pointer, sizeof(pointer), NULL, 0) == ZX_OK);
}

static void* worker(void* none) {
    if (!is_racing) {
        CHECK(zx_object_wait_one(go, ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, NULL) == ZX_OK);
    }
    plain++;
    for (int round = 0; round < ROUNDS; round++) {
        int* pointer;
        receive(theirs, &pointer);
        ++*pointer;
        send(theirs, pointer);
    }
    plain++;
    CHECK(zx_object_signal(done, 0, ZX_USER_SIGNAL_1) == ZX_OK);
    return none;
}

static void large_messages(void) {
    static char sent[60000], received[60000];
    for (int round = 0; round < 4; round++) {
        uint32_t size, count;
        memset(sent, round, sizeof(sent));
        CHECK(zx_channel_write(ours, 0, sent, sizeof(sent), NULL, 0) == ZX_OK);
        CHECK(zx_channel_read(theirs, 0, received, NULL, sizeof(received), 0, &size, &count) == ZX_OK);
        CHECK(size == sizeof(sent) && memcmp(sent, received, sizeof(sent)) == 0);
    }
}

static int hand_over(void) {
    CHECK(zx_clock_get_monotonic() > 0);
    CHECK(zx_channel_create(0, &ours, &theirs) == ZX_OK);
    CHECK(zx_event_create(0, &go) == ZX_OK && zx_event_create(0, &done) == ZX_OK);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
    plain = 1;
    CHECK(zx_object_signal(go, 0, ZX_USER_SIGNAL_0) == ZX_OK);
    for (int round = 0; round < ROUNDS; round++) {
        int* pointer = &numbers[round];
        *pointer = round;
        send(ours, pointer);
        receive(ours, &pointer);
        CHECK(*pointer == round + 1);
    }
    zx_wait_item_t items[2] = {{go, ZX_USER_SIGNAL_5, 0}, {done, ZX_USER_SIGNAL_1, 0}};
    CHECK(zx_object_wait_many(items, 2, ZX_TIME_INFINITE) == ZX_OK);
    CHECK(plain == 3 || is_racing);
    plain = 4;
    large_messages();
    CHECK(zx_object_wait_one(go, ZX_USER_SIGNAL_5, zx_deadline_after(1000000), NULL) == ZX_ERR_TIMED_OUT);
    CHECK(pthread_join(thread, NULL) == 0);
    jacinth_audit_t audit;
    CHECK(jacinth_audit(&audit) == ZX_OK);
    puts("all is well");
    return 0;
}

// Starts the program in the arguments, in this program's arena.
static int spawn(char** arguments) {
    zx_handle_t line, other;
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.pool_bytes = config.vmo_pool_bytes = 16 << 20;
    config.max_objects = 1 << 16;
    CHECK(jacinth_create(&config) == ZX_OK);
    CHECK(zx_channel_create(0, &line, &other) == ZX_OK);
    if (jacinth_spawn(arguments[0], arguments, NULL, other, NULL) != ZX_OK) {
        fprintf(stderr, "%s\n", jacinth_error());
        return 2;
    }
    send(line, numbers);
    int* pointer;
    receive(line, &pointer);
    CHECK(pointer == numbers + 1);
    CHECK(zx_object_wait_one(line, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL) == ZX_OK);
    puts("all is well");
    return 0;
}

static int child(void) {
    zx_handle_t line = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    CHECK(line != ZX_HANDLE_INVALID);
    int* pointer;
    receive(line, &pointer);
    send(line, pointer + 1);
    return 0;
}

static int print_config(void) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    printf("pool_bytes %lu\n", (unsigned long)config.pool_bytes);
    return 0;
}

int main(int count, char** arguments) {
    const char* mode = count > 1 ? arguments[1] : "";
    if (strcmp(mode, "spawn") == 0) return spawn(arguments + 2);
    if (strcmp(mode, "child") == 0) return child();
    if (strcmp(mode, "config") == 0) return print_config();
    is_racing = strcmp(mode, "race") == 0;
    return hand_over();
}
