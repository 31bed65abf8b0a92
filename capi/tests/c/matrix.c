// Every call that takes a handle, and its errors for unsuitable handles.
#define _GNU_SOURCE
#include "in_place.h"
#include "internal.h"
#include "objects.h"
#include "partner.h"

// The handles.
static zx_handle_t an_event(void) {
    return make_event();
}

static zx_handle_t a_pair(void) {
    zx_handle_t one, other;
    make_eventpair(&one, &other);
    return one;
}

static zx_handle_t a_channel(void) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    return one;
}

static zx_handle_t a_fifo(void) {
    zx_handle_t one, other;
    make_fifo(16, 4, &one, &other);
    return one;
}

static zx_handle_t a_vmo(void) {
    return make_vmo(4096, 0);
}

static zx_handle_t a_socket(void) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_HAS_CONTROL | ZX_SOCKET_HAS_ACCEPT, &one, &other);
    return one;
}

// One that may be sent over another.
static zx_handle_t a_plain_socket(void) {
    zx_handle_t one, other;
    make_socket(ZX_SOCKET_STREAM, &one, &other);
    return one;
}

static zx_handle_t a_timer(void) {
    return make_timer();
}

static zx_handle_t a_port(void) {
    return make_port();
}

static zx_handle_t a_buffer(void) {
    return make_buffer(10, 0);
}

static zx_handle_t a_directory(void) {
    zx_handle_t directory;
    CHECK_OK(jacinth_directory_create(&directory));
    return directory;
}

static zx_handle_t a_listener(void) {
    zx_handle_t listener;
    CHECK_OK(jacinth_directory_serve(a_directory(), "name", 0, &listener));
    return listener;
}

static zx_handle_t a_process(void) {
    return duplicate(zx_process_self(), ZX_RIGHT_SAME_RIGHTS);
}

// The calls.
static zx_status_t handle_close(zx_handle_t handle) {
    return zx_handle_close(handle);
}

static zx_status_t handle_close_many(zx_handle_t handle) {
    return zx_handle_close_many(&handle, 1);
}

static zx_status_t handle_duplicate(zx_handle_t handle) {
    zx_handle_t copy;
    return zx_handle_duplicate(handle, ZX_RIGHT_SAME_RIGHTS, &copy);
}

static zx_status_t handle_replace(zx_handle_t handle) {
    zx_handle_t other;
    return zx_handle_replace(handle, ZX_RIGHT_SAME_RIGHTS, &other);
}

static zx_status_t info_handle_valid(zx_handle_t handle) {
    return zx_object_get_info(handle, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL);
}

static zx_status_t info_handle_basic(zx_handle_t handle) {
    zx_info_handle_basic_t info;
    return zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
}

static zx_status_t info_handle_count(zx_handle_t handle) {
    zx_info_handle_count_t info;
    return zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &info, sizeof(info), NULL, NULL);
}

static zx_status_t info_handle_stats(zx_handle_t handle) {
    zx_info_process_handle_stats_t info;
    return zx_object_get_info(handle, ZX_INFO_PROCESS_HANDLE_STATS, &info, sizeof(info), NULL, NULL);
}

static zx_status_t object_get_property(zx_handle_t handle) {
    char name[ZX_MAX_NAME_LEN];
    return zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name));
}

static zx_status_t object_set_property(zx_handle_t handle) {
    return zx_object_set_property(handle, ZX_PROP_NAME, "name", 4);
}

static zx_status_t object_get_cookie(zx_handle_t handle) {
    uint64_t cookie;
    return zx_object_get_cookie(handle, an_event(), &cookie);
}

static zx_status_t object_set_cookie(zx_handle_t handle) {
    return zx_object_set_cookie(handle, an_event(), 1);
}

static zx_status_t object_get_cookie_of(zx_handle_t scope) {
    uint64_t cookie;
    return zx_object_get_cookie(an_event(), scope, &cookie);
}

static zx_status_t object_set_cookie_of(zx_handle_t scope) {
    return zx_object_set_cookie(a_pair(), scope, 1);
}

static zx_status_t info_socket(zx_handle_t handle) {
    zx_info_socket_t info;
    return zx_object_get_info(handle, ZX_INFO_SOCKET, &info, sizeof(info), NULL, NULL);
}

static zx_status_t get_threshold(zx_handle_t handle) {
    size_t value;
    return zx_object_get_property(handle, ZX_PROP_SOCKET_RX_THRESHOLD, &value, sizeof(value));
}

static zx_status_t set_threshold(zx_handle_t handle) {
    size_t value = 1;
    return zx_object_set_property(handle, ZX_PROP_SOCKET_TX_THRESHOLD, &value, sizeof(value));
}

static zx_status_t object_signal(zx_handle_t handle) {
    return zx_object_signal(handle, 0, ZX_USER_SIGNAL_0);
}

static zx_status_t object_signal_peer(zx_handle_t handle) {
    return zx_object_signal_peer(handle, 0, ZX_USER_SIGNAL_0);
}

static zx_status_t object_wait_one(zx_handle_t handle) {
    return zx_object_wait_one(handle, ZX_USER_SIGNAL_7, 0, NULL);
}

static zx_status_t object_wait_many(zx_handle_t handle) {
    zx_wait_item_t items[] = {{zx_process_self(), ZX_USER_SIGNAL_7, 0}, {handle, ZX_USER_SIGNAL_7, 0}};
    return zx_object_wait_many(items, 2, 0);
}

static zx_status_t channel_read(zx_handle_t handle) {
    return zx_channel_read(handle, 0, NULL, NULL, 0, 0, NULL, NULL);
}

static zx_status_t channel_read_etc(zx_handle_t handle) {
    return zx_channel_read_etc(handle, 0, NULL, NULL, 0, 0, NULL, NULL);
}

static zx_status_t channel_write(zx_handle_t handle) {
    return zx_channel_write(handle, 0, NULL, 0, NULL, 0);
}

static zx_status_t channel_write_with_handles(zx_handle_t handle) {
    zx_handle_t event = make_event();
    zx_status_t status = zx_channel_write(handle, 0, NULL, 0, &event, 1);
    CHECK(!is_open(event));
    return status;
}

static zx_status_t sent_by_channel_write(zx_handle_t handle) {
    zx_status_t status = zx_channel_write(a_channel(), 0, NULL, 0, &handle, 1);
    CHECK(!is_open(handle));
    return status;
}

static zx_channel_call_args_t arguments_of_call(const zx_handle_t* handles, uint32_t count) {
    static char bytes[4];
    return (zx_channel_call_args_t){
        .wr_bytes = bytes, .wr_num_bytes = 4, .wr_handles = handles, .wr_num_handles = count};
}

static zx_status_t channel_call(zx_handle_t handle) {
    zx_channel_call_args_t arguments = arguments_of_call(NULL, 0);
    uint32_t bytes, handles;
    return zx_channel_call(handle, 0, 0, &arguments, &bytes, &handles);
}

static zx_status_t channel_call_noretry(zx_handle_t handle) {
    zx_channel_call_args_t arguments = arguments_of_call(NULL, 0);
    uint32_t bytes, handles;
    return zx_channel_call_noretry(handle, 0, 0, &arguments, &bytes, &handles);
}

static zx_status_t channel_call_with_handles(zx_handle_t handle) {
    zx_handle_t event = make_event();
    zx_channel_call_args_t arguments = arguments_of_call(&event, 1);
    uint32_t bytes, handles;
    zx_status_t status = zx_channel_call(handle, 0, 0, &arguments, &bytes, &handles);
    CHECK(!is_open(event));
    return status;
}

static zx_status_t sent_by_channel_call(zx_handle_t handle) {
    zx_channel_call_args_t arguments = arguments_of_call(&handle, 1);
    uint32_t bytes, handles;
    zx_status_t status = zx_channel_call(a_channel(), 0, 0, &arguments, &bytes, &handles);
    CHECK(!is_open(handle));
    return status;
}

static zx_status_t channel_reserve(zx_handle_t handle) {
    jacinth_loan_t loan;
    zx_status_t status = jacinth_channel_reserve(handle, 10, 0, 0, &loan);
    if (status == ZX_OK)
        CHECK_OK(jacinth_loan_cancel(&loan));
    return status;
}

static zx_status_t sent_by_loan_commit(zx_handle_t handle) {
    jacinth_loan_t loan = reserve(a_channel(), 10, 1);
    zx_status_t status = jacinth_loan_commit(&loan, &handle, 1);
    CHECK(!is_open(handle));
    return status;
}

static zx_status_t channel_read_in_place(zx_handle_t handle) {
    jacinth_message_t message;
    return jacinth_channel_read_in_place(handle, 0, &message);
}

static zx_status_t channel_reserve_buffer(zx_handle_t handle) {
    jacinth_buffer_mut_t filled;
    zx_status_t status = jacinth_channel_reserve_buffer(handle, 10, 0, &filled);
    if (status == ZX_OK)
        CHECK_OK(jacinth_buffer_discard(&filled));
    return status;
}

static zx_status_t buffer_get_size(zx_handle_t handle) {
    size_t size;
    return jacinth_buffer_get_size(handle, &size);
}

static zx_status_t buffer_view(zx_handle_t handle) {
    jacinth_buffer_view_t view;
    zx_status_t status = jacinth_buffer_view(handle, &view);
    if (status == ZX_OK)
        CHECK_OK(jacinth_buffer_view_release(&view));
    return status;
}

static zx_status_t fifo_write(zx_handle_t handle) {
    uint32_t element = 7;
    return zx_fifo_write(handle, sizeof(element), &element, 1, NULL);
}

static zx_status_t fifo_read(zx_handle_t handle) {
    uint32_t element;
    return zx_fifo_read(handle, sizeof(element), &element, 1, NULL);
}

static zx_status_t vmo_read(zx_handle_t handle) {
    char byte;
    return zx_vmo_read(handle, &byte, 0, 1);
}

static zx_status_t vmo_read_to_nowhere(zx_handle_t handle) {
    return zx_vmo_read(handle, NULL, 0, 1);
}

static zx_status_t vmo_write(zx_handle_t handle) {
    return zx_vmo_write(handle, "1", 0, 1);
}

static zx_status_t vmo_write_from_nowhere(zx_handle_t handle) {
    return zx_vmo_write(handle, NULL, 0, 1);
}

static zx_status_t vmo_clone(zx_handle_t handle) {
    zx_handle_t clone;
    return zx_vmo_clone(handle, ZX_VMO_CLONE_COPY_ON_WRITE, 0, 4096, &clone);
}

static zx_status_t vmo_get_size(zx_handle_t handle) {
    uint64_t size;
    return zx_vmo_get_size(handle, &size);
}

static zx_status_t info_vmos(zx_handle_t handle) {
    zx_info_vmo_t info;
    return zx_object_get_info(handle, ZX_INFO_PROCESS_VMOS, &info, sizeof(info), NULL, NULL);
}

static zx_status_t info_maps(zx_handle_t handle) {
    zx_info_maps_t info;
    return zx_object_get_info(handle, ZX_INFO_PROCESS_MAPS, &info, sizeof(info), NULL, NULL);
}

static zx_status_t info_vmo(zx_handle_t handle) {
    zx_info_vmo_t info;
    return zx_object_get_info(handle, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL);
}

static zx_status_t vmo_set_size(zx_handle_t handle) {
    return zx_vmo_set_size(handle, 8192);
}

static zx_status_t vmo_decommit(zx_handle_t handle) {
    return zx_vmo_op_range(handle, ZX_VMO_OP_DECOMMIT, 0, 1, NULL, 0);
}

static zx_status_t vmo_cache_sync(zx_handle_t handle) {
    return zx_vmo_op_range(handle, ZX_VMO_OP_CACHE_SYNC, 0, 1, NULL, 0);
}

// Of a fifo: the errors of its handle come first.
static zx_status_t fifo_write_from_nowhere(zx_handle_t handle) {
    return zx_fifo_write(handle, 4, NULL, 1, NULL);
}

static zx_status_t fifo_read_to_nowhere(zx_handle_t handle) {
    return zx_fifo_read(handle, 4, NULL, 1, NULL);
}

static zx_status_t socket_write(zx_handle_t handle) {
    return zx_socket_write(handle, 0, "x", 1, NULL);
}

static zx_status_t socket_write_control(zx_handle_t handle) {
    return zx_socket_write(handle, ZX_SOCKET_CONTROL, "x", 1, NULL);
}

static zx_status_t socket_read(zx_handle_t handle) {
    char byte;
    return zx_socket_read(handle, 0, &byte, 1, NULL);
}

static zx_status_t socket_read_control(zx_handle_t handle) {
    char byte;
    return zx_socket_read(handle, ZX_SOCKET_CONTROL | ZX_SOCKET_PEEK, &byte, 1, NULL);
}

// Memory that is no memory, and is not NULL: the errors of the handle come first.
static zx_status_t socket_write_from_nowhere(zx_handle_t handle) {
    return zx_socket_write(handle, 0, (void*)1, 1, NULL);
}

static zx_status_t socket_read_to_nowhere(zx_handle_t handle) {
    return zx_socket_read(handle, 0, (void*)1, 1, NULL);
}

static zx_status_t socket_write_too_much(zx_handle_t handle) {
    return zx_socket_write(handle, 0, "x", SIZE_MAX, NULL);
}

static zx_status_t socket_read_too_much(zx_handle_t handle) {
    char byte;
    return zx_socket_read(handle, 0, &byte, SIZE_MAX, NULL);
}

static zx_status_t socket_shutdown(zx_handle_t handle) {
    return zx_socket_shutdown(handle, ZX_SOCKET_SHUTDOWN_READ | ZX_SOCKET_SHUTDOWN_WRITE);
}

static zx_status_t socket_share(zx_handle_t handle) {
    zx_handle_t shared = a_plain_socket();
    zx_status_t status = zx_socket_share(handle, shared);
    CHECK(!is_open(shared));
    return status;
}

static zx_status_t shared_by_socket_share(zx_handle_t handle) {
    zx_status_t status = zx_socket_share(a_socket(), handle);
    CHECK(!is_open(handle));
    return status;
}

static zx_status_t socket_accept(zx_handle_t handle) {
    zx_handle_t socket;
    return zx_socket_accept(handle, &socket);
}

static zx_status_t socket_accept_to_nowhere(zx_handle_t handle) {
    return zx_socket_accept(handle, NULL);
}

static zx_status_t timer_set(zx_handle_t handle) {
    return zx_timer_set(handle, ZX_TIME_INFINITE, 0);
}

static zx_status_t timer_cancel(zx_handle_t handle) {
    return zx_timer_cancel(handle);
}

static zx_status_t object_wait_async(zx_handle_t handle) {
    return zx_object_wait_async(handle, a_port(), 1, ZX_USER_SIGNAL_7, ZX_WAIT_ASYNC_ONCE);
}

static zx_status_t object_wait_async_at(zx_handle_t handle) {
    return zx_object_wait_async(an_event(), handle, 1, ZX_USER_SIGNAL_7, ZX_WAIT_ASYNC_ONCE);
}

static zx_status_t port_queue(zx_handle_t handle) {
    zx_port_packet_t packet = {0};
    return zx_port_queue(handle, &packet);
}

static zx_status_t port_wait(zx_handle_t handle) {
    zx_port_packet_t packet;
    return zx_port_wait(handle, 0, &packet);
}

static zx_status_t port_cancel(zx_handle_t handle) {
    return zx_port_cancel(handle, an_event(), 1);
}

static zx_status_t port_cancel_of(zx_handle_t handle) {
    return zx_port_cancel(a_port(), handle, 1);
}

static zx_status_t port_fd_create(zx_handle_t handle) {
    int fd = -1;
    zx_status_t status = jacinth_port_fd_create(handle, &fd);
    if (status == ZX_OK)
        CHECK_OK(jacinth_port_fd_close(fd));
    else
        CHECK_EQ(fd, -1);
    return status;
}

static zx_status_t directory_serve(zx_handle_t handle) {
    zx_handle_t listener;
    return jacinth_directory_serve(handle, "name", 0, &listener);
}

static zx_status_t directory_connect(zx_handle_t handle) {
    zx_handle_t channel;
    return jacinth_directory_connect(handle, "name", 0, &channel);
}

static zx_status_t directory_create_view(zx_handle_t handle) {
    const char* const names[] = {"name"};
    zx_handle_t view;
    return jacinth_directory_create_view(handle, names, 1, &view);
}

static zx_status_t directory_names(zx_handle_t handle) {
    return jacinth_directory_names(handle, NULL, 0, NULL);
}

static zx_status_t set_directory(zx_handle_t handle) {
    zx_status_t status = jacinth_set_directory(handle);
    // Otherwise the library has it.
    if (status != ZX_OK)
        CHECK(!is_open(handle));
    return status;
}

static zx_status_t listener_accept(zx_handle_t handle) {
    zx_handle_t channel;
    return jacinth_accept(handle, &channel);
}

static zx_status_t prepare(zx_handle_t handle) {
    jacinth_seat_t seat;
    zx_status_t status = jacinth_prepare(handle, &seat);
    if (status == ZX_OK)
        CHECK_OK(jacinth_seat_give_back(seat.slot));
    CHECK(!is_open(handle));
    return status;
}

static zx_status_t spawn(zx_handle_t handle) {
    char* arguments[] = {(char*)"true", NULL};
    pid_t pid;
    zx_status_t status = jacinth_spawn("true", arguments, NULL, handle, &pid);
    if (status == ZX_OK)
        CHECK_EQ(join_process(pid), 0);
    CHECK(!is_open(handle));
    return status;
}

#define ANY NULL

static const struct row {
    const char* name;
    zx_status_t (*call)(zx_handle_t);
    zx_handle_t (*make)(void); // A suitable handle.
    zx_status_t succeeds; // The status for that.
    zx_rights_t needs; // Each of these rights.
    zx_handle_t (*wrong)(void); // A handle of another type.
} rows[] = {
    {"handle_close", handle_close, an_event, ZX_OK, 0, ANY},
    {"handle_close_many", handle_close_many, an_event, ZX_OK, 0, ANY},
    {"handle_duplicate", handle_duplicate, an_event, ZX_OK, ZX_RIGHT_DUPLICATE, ANY},
    {"handle_replace", handle_replace, an_event, ZX_OK, 0, ANY},
    {"object_get_info(HANDLE_VALID)", info_handle_valid, an_event, ZX_OK, 0, ANY},
    {"object_get_info(HANDLE_BASIC)", info_handle_basic, an_event, ZX_OK, 0, ANY},
    {"object_get_info(HANDLE_COUNT)", info_handle_count, an_event, ZX_OK, ZX_RIGHT_INSPECT, ANY},
    {"object_get_info(PROCESS_HANDLE_STATS)", info_handle_stats, a_process, ZX_OK, ZX_RIGHT_INSPECT, an_event},
    {"object_get_property", object_get_property, a_process, ZX_OK, ZX_RIGHT_GET_PROPERTY, ANY},
    {"object_set_property", object_set_property, a_process, ZX_OK, ZX_RIGHT_SET_PROPERTY, ANY},
    {"object_get_cookie", object_get_cookie, an_event, ZX_ERR_ACCESS_DENIED, 0, ANY},
    {"object_set_cookie", object_set_cookie, a_pair, ZX_OK, 0, ANY},
    {"object_get_cookie of a scope", object_get_cookie_of, a_channel, ZX_ERR_ACCESS_DENIED, 0, ANY},
    {"object_set_cookie of a scope", object_set_cookie_of, a_process, ZX_OK, 0, ANY},
    {"object_get_info(SOCKET)", info_socket, a_socket, ZX_OK, ZX_RIGHT_INSPECT, an_event},
    {"object_get_property(SOCKET_RX_THRESHOLD)", get_threshold, a_socket, ZX_OK, ZX_RIGHT_GET_PROPERTY, a_process},
    {"object_set_property(SOCKET_TX_THRESHOLD)", set_threshold, a_socket, ZX_OK, ZX_RIGHT_SET_PROPERTY, a_process},
    {"object_signal", object_signal, an_event, ZX_OK, ZX_RIGHT_SIGNAL, ANY},
    {"object_signal_peer", object_signal_peer, a_pair, ZX_OK, ZX_RIGHT_SIGNAL_PEER, ANY},
    {"object_wait_one", object_wait_one, an_event, ZX_ERR_TIMED_OUT, ZX_RIGHT_WAIT, ANY},
    {"object_wait_many", object_wait_many, an_event, ZX_ERR_TIMED_OUT, ZX_RIGHT_WAIT, ANY},
    {"channel_read", channel_read, a_channel, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_pair},
    {"channel_read_etc", channel_read_etc, a_channel, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_pair},
    {"channel_write", channel_write, a_channel, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"channel_write with handles", channel_write_with_handles, a_channel, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"sent by channel_write", sent_by_channel_write, an_event, ZX_OK, ZX_RIGHT_TRANSFER, ANY},
    {"channel_call", channel_call, a_channel, ZX_ERR_TIMED_OUT, ZX_RIGHTS_IO, a_process},
    {"channel_call with handles", channel_call_with_handles, a_channel, ZX_ERR_TIMED_OUT, ZX_RIGHTS_IO, an_event},
    {"channel_call_noretry", channel_call_noretry, a_channel, ZX_ERR_TIMED_OUT, ZX_RIGHTS_IO, an_event},
    {"sent by channel_call", sent_by_channel_call, an_event, ZX_ERR_TIMED_OUT, ZX_RIGHT_TRANSFER, ANY},
    {"jacinth_channel_reserve", channel_reserve, a_channel, ZX_OK, ZX_RIGHT_WRITE, a_buffer},
    {"sent by jacinth_loan_commit", sent_by_loan_commit, an_event, ZX_OK, ZX_RIGHT_TRANSFER, ANY},
    {"jacinth_channel_read_in_place", channel_read_in_place, a_channel, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_fifo},
    {"jacinth_channel_reserve_buffer", channel_reserve_buffer, a_channel, ZX_OK, ZX_RIGHT_WRITE, a_vmo},
    {"jacinth_buffer_get_size", buffer_get_size, a_buffer, ZX_OK, 0, a_vmo},
    {"jacinth_buffer_view", buffer_view, a_buffer, ZX_OK, ZX_RIGHT_READ, a_channel},
    {"fifo_write", fifo_write, a_fifo, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"fifo_read", fifo_read, a_fifo, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_pair},
    {"fifo_write from nowhere", fifo_write_from_nowhere, a_fifo, ZX_ERR_INVALID_ARGS, ZX_RIGHT_WRITE, a_channel},
    {"fifo_read to nowhere", fifo_read_to_nowhere, a_fifo, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, an_event},
    {"vmo_read", vmo_read, a_vmo, ZX_OK, ZX_RIGHT_READ, an_event},
    {"vmo_read to nowhere", vmo_read_to_nowhere, a_vmo, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, a_fifo},
    {"vmo_write", vmo_write, a_vmo, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"vmo_write from nowhere", vmo_write_from_nowhere, a_vmo, ZX_ERR_INVALID_ARGS, ZX_RIGHT_WRITE, a_timer},
    {"vmo_clone", vmo_clone, a_vmo, ZX_OK, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ, an_event},
    {"vmo_get_size", vmo_get_size, a_vmo, ZX_OK, 0, an_event},
    {"object_get_info(PROCESS_VMOS)", info_vmos, a_process, ZX_OK, ZX_RIGHT_INSPECT, a_vmo},
    {"object_get_info(PROCESS_MAPS)", info_maps, a_process, ZX_OK, ZX_RIGHT_INSPECT, a_vmo},
    {"object_get_info(VMO)", info_vmo, a_vmo, ZX_OK, 0, an_event},
    {"vmo_set_size", vmo_set_size, a_vmo, ZX_OK, ZX_RIGHT_WRITE, a_port},
    {"vmo_op_range(DECOMMIT)", vmo_decommit, a_vmo, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"vmo_op_range(CACHE_SYNC)", vmo_cache_sync, a_vmo, ZX_OK, ZX_RIGHT_READ, a_pair},
    {"socket_write", socket_write, a_socket, ZX_OK, ZX_RIGHT_WRITE, a_fifo},
    {"socket_write of control", socket_write_control, a_socket, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"socket_write from nowhere", socket_write_from_nowhere, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_WRITE, a_pair},
    {"socket_write of too much", socket_write_too_much, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_WRITE, an_event},
    {"socket_read", socket_read, a_socket, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_channel},
    {"socket_read of control", socket_read_control, a_socket, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_fifo},
    {"socket_read to nowhere", socket_read_to_nowhere, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, a_port},
    {"socket_read of too much", socket_read_too_much, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, an_event},
    {"socket_shutdown", socket_shutdown, a_socket, ZX_OK, ZX_RIGHT_WRITE, a_fifo},
    {"socket_share", socket_share, a_socket, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"shared by socket_share", shared_by_socket_share, a_plain_socket, ZX_OK, ZX_RIGHT_TRANSFER, a_channel},
    {"socket_accept", socket_accept, a_socket, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_listener},
    {"socket_accept to nowhere", socket_accept_to_nowhere, a_socket, ZX_ERR_INVALID_ARGS, ZX_RIGHT_READ, an_event},
    {"timer_set", timer_set, a_timer, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"timer_cancel", timer_cancel, a_timer, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"object_wait_async", object_wait_async, an_event, ZX_OK, ZX_RIGHT_WAIT, ANY},
    {"object_wait_async at", object_wait_async_at, a_port, ZX_OK, ZX_RIGHT_WRITE, a_channel},
    {"port_queue", port_queue, a_port, ZX_OK, ZX_RIGHT_WRITE, an_event},
    {"port_wait", port_wait, a_port, ZX_ERR_TIMED_OUT, ZX_RIGHT_READ, a_channel},
    {"port_cancel", port_cancel, a_port, ZX_ERR_NOT_FOUND, ZX_RIGHT_WRITE, a_pair},
    {"port_cancel of", port_cancel_of, an_event, ZX_ERR_NOT_FOUND, ZX_RIGHT_WAIT, ANY},
    {"jacinth_port_fd_create", port_fd_create, a_port, ZX_OK, ZX_RIGHT_READ, an_event},
    {"jacinth_directory_serve", directory_serve, a_directory, ZX_OK, ZX_RIGHT_WRITE, a_port},
    {"jacinth_directory_connect", directory_connect, a_directory, ZX_ERR_NOT_FOUND, ZX_RIGHT_READ, a_listener},
    {"jacinth_directory_create_view", directory_create_view, a_directory, ZX_OK, ZX_RIGHT_READ, a_channel},
    {"jacinth_directory_names", directory_names, a_directory, ZX_OK, ZX_RIGHT_ENUMERATE, a_listener},
    {"jacinth_set_directory", set_directory, a_directory, ZX_OK, 0, an_event},
    {"jacinth_accept", listener_accept, a_listener, ZX_ERR_SHOULD_WAIT, ZX_RIGHT_READ, a_directory},
    {"jacinth_prepare", prepare, an_event, ZX_OK, ZX_RIGHT_TRANSFER, ANY},
    {"jacinth_spawn", spawn, an_event, ZX_OK, ZX_RIGHT_TRANSFER, ANY},
};

#define FOR_EACH_ROW(row) for (const struct row* row = rows; row < rows + sizeof(rows) / sizeof(*rows); row++)

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
