// Inaccessible memory, and memory that ends where inaccessible memory begins.
#ifndef PAGES_H_
#define PAGES_H_

#include "check.h"

#include <sys/mman.h>

#define PAGE ((size_t)4096)

// Three pages: one that can be read and written, and two that are inaccessible.
static inline char* fenced_page(void) {
    char* page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK_EQ(mprotect(page + PAGE, 2 * PAGE, PROT_NONE), 0);
    return page;
}

// The last `size` bytes before inaccessible memory.
static inline void* at_the_edge(size_t size) {
    return fenced_page() + PAGE - size;
}

// `size` bytes, all but the first inaccessible. The address is one less than the end of a page.
static inline void* over_the_edge(void) {
    return fenced_page() + PAGE - 1;
}

// A read-only page.
static inline void* read_only_page(void) {
    void* page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

// An address that is not mapped, and that the kernel gives to no mapping: a page that was unmapped may soon be another's.
static inline void* unmapped_page(void) {
    return (void*)PAGE;
}

// Memory that a call cannot write, and memory that it cannot read.
static void *bad_outputs[5], *bad_inputs[4];

// Must be called first in each test that uses them.
static inline void prepare_bad_pointers(void) {
    bad_outputs[0] = bad_inputs[0] = NULL;
    bad_outputs[1] = bad_inputs[1] = unmapped_page();
    bad_outputs[2] = bad_inputs[2] = fenced_page() + PAGE;
    bad_outputs[3] = bad_inputs[3] = over_the_edge();
    bad_outputs[4] = read_only_page();
}

// Runs the next statement with each of them.
#define FOR_EACH_BAD_OUTPUT(pointer) PAGES_FOR_EACH_(pointer, bad_outputs, 5)
#define FOR_EACH_BAD_INPUT(pointer) PAGES_FOR_EACH_(pointer, bad_inputs, 4)
#define PAGES_FOR_EACH_(pointer, list, count) \
    for (void **at_ = (list), *pointer; at_ < (list) + (count) && (pointer = *at_, true); at_++)

#endif // PAGES_H_
