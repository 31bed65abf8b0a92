// jacinth_audit, jacinth_collect, and a damaged arena
#define _GNU_SOURCE
#include "partner.h"

TEST(an_audit_counts_the_contents) {
    zx_handle_t one, other, event = make_event();
    jacinth_audit_t before = audit_now();
    CHECK_EQ(before.processes, 1);
    CHECK_EQ(before.findings, 0);
    make_channel(&one, &other);
    for (int index = 0; index < 5; index++)
        send_handle(one, duplicate(event, ZX_RIGHT_SAME_RIGHTS));
    jacinth_audit_t after = audit_now();
    CHECK_EQ(after.objects, before.objects + 1);
    CHECK_EQ(after.handles, before.handles + 2);
    CHECK_EQ(after.in_transit, 5);
    CHECK_EQ(after.messages, 5);
    CHECK(strcmp(jacinth_error(), "") == 0);
}

TEST(a_collection_reports_recovery) {
    jacinth_report_t report;
    memset(&report, 0xab, sizeof(report));
    make_event();
    CHECK_OK(jacinth_collect(&report));
    CHECK_EQ(report.processes, 0);
    CHECK_EQ(report.handles_closed, 0);
    CHECK_EQ(report.unused, 0);
    CHECK_OK(jacinth_collect(NULL));
}

// The arena's first page has its sizes: the test does not damage it.
#define PAGE_OF_HEADER 4096

// The address and the size of the mapped arena.
static char* find_arena(size_t* size) {
    char line[512];
    FILE* maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long start, end;
        if (strstr(line, "rw-s") != NULL && strstr(line, "memfd:") != NULL &&
            sscanf(line, "%lx-%lx", &start, &end) == 2) {
            fclose(maps);
            *size = end - start;
            return (char*)start;
        }
    }
    check_fail(__FILE__, __LINE__, "no arena is mapped");
}

ROLE(damages_its_arena) {
    size_t size;
    zx_handle_t event = make_event();
    char* arena = find_arena(&size);
    jacinth_audit_t audit;
    // An audit reads some word of the first megabytes.
    for (size_t offset = PAGE_OF_HEADER; offset < 4u << 20; offset += 8) {
        uint64_t word;
        memcpy(&word, arena + offset, 8);
        if (word != 0)
            memset(arena + offset, 0xa5, 8);
    }
    CHECK_STATUS(jacinth_audit(&audit), ZX_ERR_IO_DATA_INTEGRITY);
    CHECK(audit.findings > 0);
    CHECK(strlen(jacinth_error()) > 0);
    CHECK_STATUS(zx_object_signal(event, 0, ZX_EVENT_SIGNALED), ZX_ERR_IO_DATA_INTEGRITY);
    CHECK_STATUS(zx_event_create(0, &event), ZX_ERR_IO_DATA_INTEGRITY);
    _exit(0);
}

TEST(a_damaged_arena_says_io_data_integrity) {
    CHECK_EQ(run_stranger("damages_its_arena", "UNUSED", ""), 0);
}
