// zx_cprng_draw, zx_system_get_num_cpus, zx_system_get_physmem, zx_system_get_version,
// zx_system_get_dcache_line_size
#define _GNU_SOURCE
#include "check.h"

#include <sys/sysinfo.h>

TEST(random_bytes_fill_exactly_the_buffer) {
    size_t sizes[] = {0, 1, 3, 8, 255, 256, 257, 1000, 70000};
    static unsigned char bytes[70001];
    for (size_t index = 0; index < sizeof(sizes) / sizeof(*sizes); index++) {
        memset(bytes, 0, sizeof(bytes));
        zx_cprng_draw(bytes, sizes[index]);
        CHECK_EQ(bytes[sizes[index]], 0);
        // The last eight bytes are all 0 once in 2^64.
        if (sizes[index] >= 8) {
            static const unsigned char zeros[8];
            CHECK(memcmp(bytes + sizes[index] - 8, zeros, 8) != 0);
        }
    }
}

TEST(two_draws_are_different) {
    unsigned char one[32], other[32];
    zx_cprng_draw(one, 32);
    zx_cprng_draw(other, 32);
    CHECK(memcmp(one, other, 32) != 0);
}

TEST(the_processors_are_those_of_the_system) {
    CHECK(zx_system_get_num_cpus() > 0);
    CHECK(zx_system_get_num_cpus() <= (uint32_t)get_nprocs_conf());
}

TEST(the_memory_is_that_of_the_system) {
    CHECK_EQ(zx_system_get_physmem(), (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
}

TEST(the_cache_line_is_plausible) {
    uint32_t line = zx_system_get_dcache_line_size();
    CHECK(line >= 16 && (line & (line - 1)) == 0);
}

TEST(the_version_is_a_short_string) {
    char version[65], small[64];
    memset(version, 0xab, sizeof(version));
    CHECK_OK(zx_system_get_version(version, 64));
    size_t size = strnlen(version, 65) + 1;
    CHECK(size > 5 && size <= 64);
    memset(small, 0, sizeof(small));
    CHECK_OK(zx_system_get_version(small, size));
    CHECK_BYTES(small, version, size);
    for (size_t less = 0; less < size; less++)
        CHECK_STATUS(zx_system_get_version(small, less), ZX_ERR_BUFFER_TOO_SMALL);
}

TEST(the_system_needs_no_arena) {
    char bytes[64];
    zx_cprng_draw(bytes, 8);
    zx_system_get_num_cpus();
    zx_system_get_version(bytes, 64);
    CHECK(!jacinth_is_attached());
}
