// zx_status_get_string
#define _GNU_SOURCE
#include "check.h"

// Every status, with its name in the header.
#define STATUSES(each)                                                                                            \
    each(ZX_OK) each(ZX_ERR_INTERNAL) each(ZX_ERR_NOT_SUPPORTED) each(ZX_ERR_NO_RESOURCES) each(ZX_ERR_NO_MEMORY) \
    each(ZX_ERR_INTERNAL_INTR_RETRY) each(ZX_ERR_INVALID_ARGS) each(ZX_ERR_BAD_HANDLE) each(ZX_ERR_WRONG_TYPE)    \
    each(ZX_ERR_BAD_SYSCALL) each(ZX_ERR_OUT_OF_RANGE) each(ZX_ERR_BUFFER_TOO_SMALL) each(ZX_ERR_BAD_STATE)       \
    each(ZX_ERR_TIMED_OUT) each(ZX_ERR_SHOULD_WAIT) each(ZX_ERR_CANCELED) each(ZX_ERR_PEER_CLOSED)                \
    each(ZX_ERR_NOT_FOUND) each(ZX_ERR_ALREADY_EXISTS) each(ZX_ERR_ALREADY_BOUND) each(ZX_ERR_UNAVAILABLE)        \
    each(ZX_ERR_ACCESS_DENIED) each(ZX_ERR_IO) each(ZX_ERR_IO_REFUSED) each(ZX_ERR_IO_DATA_INTEGRITY)             \
    each(ZX_ERR_IO_DATA_LOSS) each(ZX_ERR_IO_NOT_PRESENT) each(ZX_ERR_IO_OVERRUN) each(ZX_ERR_IO_MISSED_DEADLINE) \
    each(ZX_ERR_IO_INVALID) each(ZX_ERR_BAD_PATH) each(ZX_ERR_NOT_DIR) each(ZX_ERR_NOT_FILE) each(ZX_ERR_FILE_BIG) \
    each(ZX_ERR_NO_SPACE) each(ZX_ERR_NOT_EMPTY) each(ZX_ERR_STOP) each(ZX_ERR_NEXT) each(ZX_ERR_ASYNC)           \
    each(ZX_ERR_PROTOCOL_NOT_SUPPORTED) each(ZX_ERR_ADDRESS_UNREACHABLE) each(ZX_ERR_ADDRESS_IN_USE)              \
    each(ZX_ERR_NOT_CONNECTED) each(ZX_ERR_CONNECTION_REFUSED) each(ZX_ERR_CONNECTION_RESET)                      \
    each(ZX_ERR_CONNECTION_ABORTED)

#define PAIR(status) {status, #status},

static const struct {
    zx_status_t status;
    const char* name;
} statuses[] = {STATUSES(PAIR)};

static const char* name_of(zx_status_t status) {
    for (size_t index = 0; index < sizeof(statuses) / sizeof(*statuses); index++)
        if (statuses[index].status == status)
            return statuses[index].name;
    return "(UNKNOWN)";
}

TEST(every_status_has_a_name) {
    for (zx_status_t status = -1000; status <= 1000; status++)
        if (strcmp(zx_status_get_string(status), name_of(status)) != 0)
            check_fail(__FILE__, __LINE__, "%d is called %s, not %s", status, zx_status_get_string(status),
                       name_of(status));
    CHECK(strcmp(zx_status_get_string(INT32_MIN), "(UNKNOWN)") == 0);
    CHECK(strcmp(zx_status_get_string(INT32_MAX), "(UNKNOWN)") == 0);
}

TEST(names_need_no_arena) {
    zx_status_get_string(ZX_OK);
    CHECK(!jacinth_is_attached());
}
