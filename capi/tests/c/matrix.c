// Every call that takes a handle, and its errors for unsuitable handles.
#define _GNU_SOURCE
#include "matrix/channels.h"
#include "matrix/fifos.h"
#include "matrix/meeting.h"
#include "matrix/objects.h"
#include "matrix/ports.h"
#include "matrix/sockets.h"
#include "matrix/vmos.h"

#define TABLE(rows) {rows, rows + sizeof(rows) / sizeof(*(rows))}

// The rows of all calls, by their objects.
static const struct {
    const struct row *first, *end;
} tables[] = {
    TABLE(rows_of_objects),
    TABLE(rows_of_channels),
    TABLE(rows_of_fifos),
    TABLE(rows_of_vmos),
    TABLE(rows_of_sockets),
    TABLE(rows_of_ports),
    TABLE(rows_of_meeting),
};

#define FOR_EACH_ROW(row)                                                      \
    for (size_t table = 0; table < sizeof(tables) / sizeof(*tables); table++) \
        for (const struct row* row = tables[table].first; row < tables[table].end; row++)

static void expect(const struct row* row, const char* what, zx_handle_t handle, zx_status_t expected) {
    zx_status_t status = row->call(handle);
    if (status != expected)
        check_fail(__FILE__, __LINE__, "%s of %s gives %s, not %s", row->name, what, zx_status_get_string(status),
                   zx_status_get_string(expected));
}

TEST(each_call_takes_a_suitable_handle) {
    FOR_EACH_ROW(row)
        expect(row, "what it takes", row->make(), row->succeeds);
}

TEST(no_other_right_is_needed) {
    FOR_EACH_ROW(row)
        if (row->needs != 0)
            expect(row, "just its rights", restrict_to(row->make(), row->needs), row->succeeds);
}

TEST(a_missing_right_is_access_denied) {
    FOR_EACH_ROW(row) {
        for (zx_rights_t right = 1; right < ZX_RIGHT_SAME_RIGHTS; right <<= 1) {
            if ((row->needs & right) == 0)
                continue;
            zx_handle_t handle = row->make();
            expect(row, "a handle without a right", restrict_to(handle, rights_of(handle) & ~right),
                   ZX_ERR_ACCESS_DENIED);
        }
    }
}

TEST(another_type_is_wrong_type) {
    FOR_EACH_ROW(row)
        if (row->wrong != ANY)
            expect(row, "a handle of another type", row->wrong(), ZX_ERR_WRONG_TYPE);
}

TEST(a_closed_handle_is_bad_handle) {
    FOR_EACH_ROW(row) {
        zx_handle_t handle = row->make();
        CHECK_OK(zx_handle_close(handle));
        expect(row, "a closed handle", handle, ZX_ERR_BAD_HANDLE);
    }
}

TEST(a_sent_handle_is_bad_handle) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    FOR_EACH_ROW(row) {
        zx_handle_t handle = row->make();
        send_handle(one, handle);
        expect(row, "a moved handle", handle, ZX_ERR_BAD_HANDLE);
        zx_handle_t received = receive_handle(other);
        CHECK(received != handle);
        expect(row, "its old value after it has arrived", handle, ZX_ERR_BAD_HANDLE);
        CHECK_OK(zx_handle_close(received));
    }
}

TEST(a_replaced_handle_is_bad_handle) {
    FOR_EACH_ROW(row) {
        zx_handle_t handle = row->make();
        restrict_to(handle, ZX_RIGHT_SAME_RIGHTS);
        expect(row, "a replaced handle", handle, ZX_ERR_BAD_HANDLE);
    }
}

TEST(the_invalid_handle_is_bad_handle) {
    FOR_EACH_ROW(row) {
        // It may be closed, and is the handle of a seat that has none.
        bool is_valid = row->call == handle_close || row->call == handle_close_many || row->call == prepare;
        expect(row, "ZX_HANDLE_INVALID", ZX_HANDLE_INVALID, is_valid ? ZX_OK : ZX_ERR_BAD_HANDLE);
    }
}

TEST(a_random_number_is_bad_handle) {
    FOR_EACH_ROW(row) {
        for (int round = 0; round < 20; round++) {
            zx_handle_t handle;
            zx_cprng_draw(&handle, sizeof(handle));
            if (!is_open(handle) && handle != ZX_HANDLE_INVALID)
                expect(row, "a random number", handle, ZX_ERR_BAD_HANDLE);
        }
    }
}

ROLE(sends_its_values) {
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0)), values[32];
    values[0] = channel;
    for (size_t index = 1; index < 32; index++)
        values[index] = make_event();
    send_bytes(channel, values, sizeof(values));
    CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
}

TEST(another_processs_handle_is_bad_handle) {
    zx_handle_t channel, values[32];
    pid_t pid = spawn_partner("sends_its_values", &channel);
    await_readable(channel);
    CHECK_OK(zx_channel_read(channel, 0, values, NULL, sizeof(values), 0, NULL, NULL));
    size_t tried = 0;
    FOR_EACH_ROW(row) {
        for (size_t index = 0; index < 32; index++) {
            // The same number may by chance be a handle of this process too.
            if (!is_open(values[index])) {
                expect(row, "a handle of another process", values[index], ZX_ERR_BAD_HANDLE);
                tried++;
            }
        }
    }
    CHECK(tried > 0);
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}
