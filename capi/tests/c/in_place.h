// Arenas with little memory, and bytes of tests.
#ifndef IN_PLACE_H_
#define IN_PLACE_H_

#include "objects.h"

#define MIB ((size_t)1 << 20)

// Makes an arena whose blocks of 1 MiB are four at most.
static inline void make_small_arena(void) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.pool_bytes = 4 * MIB;
    config.max_loan_bytes = MIB;
    CHECK_OK(jacinth_create(&config));
}

// Fills memory with bytes that differ from place to place.
static inline void fill(void* bytes, size_t size, unsigned seed) {
    for (size_t index = 0; index < size; index++)
        ((unsigned char*)bytes)[index] = (unsigned char)(index * 7 + index / 251 + seed);
}

static inline bool is_filled(const void* bytes, size_t size, unsigned seed) {
    for (size_t index = 0; index < size; index++)
        if (((const unsigned char*)bytes)[index] != (unsigned char)(index * 7 + index / 251 + seed))
            return false;
    return true;
}

static inline bool is_zero(const void* bytes, size_t size) {
    for (size_t index = 0; index < size; index++)
        if (((const unsigned char*)bytes)[index] != 0)
            return false;
    return true;
}

static inline jacinth_loan_t reserve(zx_handle_t channel, size_t num_bytes, uint32_t num_handles) {
    jacinth_loan_t loan = {NULL, 0, 0};
    CHECK_OK(jacinth_channel_reserve(channel, num_bytes, num_handles, 0, &loan));
    CHECK(loan.data != NULL && loan.id != 0);
    CHECK_EQ(loan.num_bytes, num_bytes);
    return loan;
}

static inline jacinth_message_t read_in_place(zx_handle_t channel) {
    jacinth_message_t message = {NULL, 0, 0, 0, 0};
    CHECK_OK(jacinth_channel_read_in_place(channel, 0, &message));
    CHECK(message.data != NULL && message.id != 0);
    return message;
}

// Makes a buffer that is filled.
static inline zx_handle_t make_buffer(size_t num_bytes, unsigned seed) {
    jacinth_buffer_mut_t filled;
    zx_handle_t buffer = ZX_HANDLE_INVALID;
    CHECK_OK(jacinth_buffer_create(num_bytes, JACINTH_UNINITIALIZED, &filled));
    CHECK_EQ(filled.num_bytes, num_bytes);
    fill(filled.data, num_bytes, seed);
    CHECK_OK(jacinth_buffer_freeze(&filled, &buffer));
    CHECK(buffer != ZX_HANDLE_INVALID);
    return buffer;
}

#define CHECK_ZEROED(structure) CHECK(is_zero(&(structure), sizeof(structure)))

#endif // IN_PLACE_H_
