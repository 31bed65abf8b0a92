// Memory that cannot be used, and memory that ends where such memory begins.
#ifndef PAGES_H_
#define PAGES_H_

#include "check.h"

#include <sys/mman.h>

#define PAGE ((size_t)4096)

// Three pages: one that can be read and written, and two that cannot be touched.
static inline char* fenced_page(void) {
    char* page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK_EQ(mprotect(page + PAGE, 2 * PAGE, PROT_NONE), 0);
    return page;
}

// The last `size` bytes before memory that cannot be touched.
static inline void* at_the_edge(size_t size) {
    return fenced_page() + PAGE - size;
}

// `size` bytes of which all but the first cannot be touched. Aligned as the end of a page is, minus one.
static inline void* over_the_edge(void) {
    return fenced_page() + PAGE - 1;
}

// A page that can be read and not written.
static inline void* read_only_page(void) {
    void* page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

// An address where nothing is.
static inline void* unmapped_page(void) {
    void* page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK_EQ(munmap(page, PAGE), 0);
    return page;
}

#endif // PAGES_H_
