/*
 * Times one call after another as a C program sees them: a line "name times" comes in, the nanoseconds of one go out.
 */

#include <jacinth/in_place.h>
#include <zircon/syscalls.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static zx_handle_t event, ours, theirs;
static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];

static void expect(zx_status_t status) {
    if (status != ZX_OK) {
        fprintf(stderr, "a call that is timed failed: %d\n", status);
        exit(EXIT_FAILURE);
    }
}

static void handle_valid(void) {
    expect(zx_object_get_info(event, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL));
}

static void handle_basic(void) {
    zx_info_handle_basic_t info;
    expect(zx_object_get_info(event, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL));
}

static void duplicate_close(void) {
    zx_handle_t copy;
    expect(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy));
    expect(zx_handle_close(copy));
}

static void event_create_close(void) {
    zx_handle_t made;
    expect(zx_event_create(0, &made));
    expect(zx_handle_close(made));
}

static void channel_create_close(void) {
    zx_handle_t one, other;
    expect(zx_channel_create(0, &one, &other));
    expect(zx_handle_close(one));
    expect(zx_handle_close(other));
}

static void signal_set_clear(void) {
    expect(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    expect(zx_object_signal(event, ZX_USER_SIGNAL_0, 0));
}

static void wait_one(void) {
    zx_signals_t seen;
    expect(zx_object_wait_one(ours, ZX_CHANNEL_WRITABLE, ZX_TIME_INFINITE, &seen));
}

static void write_read(uint32_t size) {
    uint32_t actual_bytes, actual_handles;
    expect(zx_channel_write(ours, 0, bytes, size, NULL, 0));
    expect(zx_channel_read(theirs, 0, bytes, NULL, size, 0, &actual_bytes, &actual_handles));
}

static void write_read_64(void) {
    write_read(64);
}

static void write_read_1k(void) {
    write_read(1024);
}

static void write_read_64k(void) {
    write_read(ZX_CHANNEL_MAX_MSG_BYTES);
}

static void write_read_handle(void) {
    uint32_t actual_bytes, actual_handles;
    expect(zx_channel_write(ours, 0, bytes, 64, &event, 1));
    expect(zx_channel_read(theirs, 0, bytes, &event, 64, 1, &actual_bytes, &actual_handles));
}

// A message that is filled and read where it lies.
static void loan(size_t size) {
    jacinth_loan_t lent;
    jacinth_message_t message;
    expect(jacinth_channel_reserve(ours, size, 0, JACINTH_UNINITIALIZED, &lent));
    memset(lent.data, 1, size);
    expect(jacinth_loan_commit(&lent, NULL, 0));
    expect(jacinth_channel_read_in_place(theirs, 0, &message));
    expect(jacinth_message_release(&message));
}

static void loan_1k(void) {
    loan(1024);
}

static void loan_64k(void) {
    loan(ZX_CHANNEL_MAX_MSG_BYTES);
}

static const struct {
    const char* name;
    void (*once)(void);
} operations[] = {
    {"handle_valid", handle_valid},
    {"handle_basic", handle_basic},
    {"duplicate_close", duplicate_close},
    {"event_create_close", event_create_close},
    {"channel_create_close", channel_create_close},
    {"signal_set_clear", signal_set_clear},
    {"wait_one", wait_one},
    {"write_read_64", write_read_64},
    {"write_read_1k", write_read_1k},
    {"write_read_64k", write_read_64k},
    {"write_read_handle", write_read_handle},
    {"loan_1k", loan_1k},
    {"loan_64k", loan_64k},
};

int main(void) {
    expect(zx_event_create(0, &event));
    expect(zx_channel_create(0, &ours, &theirs));
    char name[64];
    uint64_t times;
    while (scanf("%63s %" SCNu64, name, &times) == 2) {
        double nanoseconds = -1;
        for (size_t index = 0; index < sizeof operations / sizeof *operations; index++) {
            if (strcmp(name, operations[index].name) == 0) {
                zx_time_t before = zx_clock_get_monotonic();
                for (uint64_t time = 0; time < times; time++) {
                    operations[index].once();
                }
                nanoseconds = (double)(zx_clock_get_monotonic() - before) / (double)times;
            }
        }
        printf("%f\n", nanoseconds);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
