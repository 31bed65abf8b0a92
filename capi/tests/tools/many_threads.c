// Many threads at once on one channel, on their own events and on each other's: the shared data inside the library.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zircon/syscalls.h>

#define CHECK(condition)                                                   \
    do {                                                                   \
        if (!(condition)) {                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(2);                                                       \
        }                                                                  \
    } while (0)

enum { WRITERS = 3, READERS = 2, MESSAGES = 60, LARGE = 3000 };

static zx_handle_t ours, theirs;

static void* writer(void* none) {
    char* bytes = malloc(LARGE);
    for (int message = 0; message < MESSAGES; message++) {
        memset(bytes, message, LARGE);
        zx_handle_t event;
        CHECK(zx_event_create(0, &event) == ZX_OK);
        zx_status_t status;
        while ((status = zx_channel_write(ours, 0, bytes, message % 2 ? LARGE : 40, &event, 1)) == ZX_ERR_SHOULD_WAIT) {
            CHECK(zx_object_wait_one(ours, ZX_CHANNEL_WRITABLE, ZX_TIME_INFINITE, NULL) == ZX_OK);
        }
        CHECK(status == ZX_OK);
    }
    free(bytes);
    return none;
}

static void* reader(void* none) {
    char* bytes = malloc(LARGE);
    for (int message = 0; message < MESSAGES * WRITERS / READERS;) {
        zx_handle_t event;
        uint32_t size, count;
        CHECK(zx_object_wait_one(theirs, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL) == ZX_OK);
        if (zx_channel_read(theirs, 0, bytes, &event, LARGE, 1, &size, &count) == ZX_OK) {
            CHECK(bytes[0] == bytes[size - 1]);
            CHECK(zx_handle_close(event) == ZX_OK);
            message++;
        }
    }
    free(bytes);
    return none;
}

int main(void) {
    pthread_t threads[WRITERS + READERS];
    CHECK(zx_channel_create(0, &ours, &theirs) == ZX_OK);
    for (int thread = 0; thread < WRITERS + READERS; thread++) {
        CHECK(pthread_create(&threads[thread], NULL, thread < WRITERS ? writer : reader, NULL) == 0);
    }
    for (int thread = 0; thread < WRITERS + READERS; thread++) {
        CHECK(pthread_join(threads[thread], NULL) == 0);
    }
    puts("all is well");
    return 0;
}
