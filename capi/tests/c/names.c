// jacinth_serve, jacinth_connect, jacinth_accept, and the directories
#define _GNU_SOURCE
#include "partner.h"

#define AT_ONCE 0

static zx_handle_t serve(const char* name) {
    zx_handle_t listener;
    CHECK_OK(jacinth_serve(name, AT_ONCE, &listener));
    return listener;
}

ROLE(connects_to_the_log) {
    zx_handle_t startup = startup_channel(), channel;
    CHECK_OK(jacinth_connect("log", ZX_TIME_INFINITE, &channel));
    send_bytes(channel, "hello", 5);
    await_readable(channel);
    expect_bytes(channel, "welcome", 7);
    // A server that ends.
    await_peer_closed(channel);
    CHECK_OK(zx_handle_close(channel));
    CHECK_STATUS(jacinth_connect("log", AT_ONCE, &channel), ZX_ERR_NOT_FOUND);
    CHECK_OK(zx_handle_close(startup));
}

TEST(a_program_connects_by_name) {
    zx_handle_t channel, client;
    pid_t pid = spawn_partner("connects_to_the_log", &channel);
    zx_handle_t listener = serve("log");
    CHECK_OK(zx_object_wait_one(listener, JACINTH_LISTENER_READABLE, ZX_TIME_INFINITE, NULL));
    CHECK_OK(jacinth_accept(listener, &client));
    CHECK_STATUS(jacinth_accept(listener, &client), ZX_ERR_SHOULD_WAIT);
    await_readable(client);
    expect_bytes(client, "hello", 5);
    send_bytes(client, "welcome", 7);
    CHECK_OK(zx_handle_close(listener));
    CHECK_OK(zx_handle_close(client));
    CHECK_EQ(join_process(pid), 0);
    CHECK_OK(zx_handle_close(channel));
}

TEST(a_name_has_one_server) {
    zx_handle_t listener = serve("log"), second = 77;
    CHECK_STATUS(jacinth_serve("log", AT_ONCE, &second), ZX_ERR_ALREADY_EXISTS);
    CHECK(strstr(jacinth_error(), "serving the name") != NULL);
    CHECK_EQ(second, 77);
    CHECK_STATUS(jacinth_serve("log", zx_deadline_after(ZX_MSEC(1)), &second), ZX_ERR_TIMED_OUT);
    CHECK_OK(zx_handle_close(listener));
    CHECK_OK(zx_handle_close(serve("log")));
}

TEST(info_names_the_types) {
    zx_handle_t listener = serve("log"), directory;
    CHECK_OK(jacinth_directory(&directory));
    CHECK_EQ(basic_info(listener).type, JACINTH_OBJ_TYPE_LISTENER);
    CHECK_EQ(basic_info(listener).rights, JACINTH_LISTENER_DEFAULT_RIGHTS);
    CHECK_EQ(basic_info(directory).type, JACINTH_OBJ_TYPE_DIRECTORY);
    CHECK_EQ(basic_info(directory).rights, JACINTH_DIRECTORY_DEFAULT_RIGHTS);
    jacinth_config_t config;
    jacinth_config_default(&config);
    CHECK_EQ(config.root_rights, JACINTH_DIRECTORY_DEFAULT_RIGHTS);
    CHECK_OK(zx_handle_close(listener));
    CHECK_OK(zx_handle_close(directory));
}

TEST(a_full_queue_refuses_clients) {
    zx_handle_t listener = serve("log"), clients[JACINTH_LISTENER_BACKLOG], more;
    for (size_t i = 0; i < JACINTH_LISTENER_BACKLOG; ++i) {
        CHECK_OK(jacinth_connect("log", AT_ONCE, &clients[i]));
    }
    CHECK_STATUS(jacinth_connect("log", AT_ONCE, &more), ZX_ERR_SHOULD_WAIT);
    CHECK_STATUS(jacinth_connect("log", zx_deadline_after(ZX_MSEC(1)), &more), ZX_ERR_TIMED_OUT);
    CHECK_OK(zx_handle_close(listener));
    CHECK_OK(zx_handle_close_many(clients, JACINTH_LISTENER_BACKLOG));
}

TEST(a_view_has_fewer_names) {
    zx_handle_t log = serve("log"), secret = serve("secret"), root, view, channel;
    const char* const names[] = {"log", "clock"};
    CHECK_OK(jacinth_directory(&root));
    CHECK_OK(jacinth_directory_create_view(root, names, 2, &view));
    CHECK_STATUS(jacinth_directory_connect(view, "secret", AT_ONCE, &channel), ZX_ERR_NOT_FOUND);
    CHECK_OK(jacinth_directory_connect(view, "log", AT_ONCE, &channel));
    CHECK_OK(zx_handle_close(channel));
    char buffer[64] = {0};
    size_t actual = 0;
    CHECK_OK(jacinth_directory_names(root, buffer, sizeof(buffer), &actual));
    CHECK(actual == sizeof("log\0secret") && memcmp(buffer, "log\0secret", actual) == 0);
    CHECK_OK(jacinth_directory_names(view, buffer, sizeof(buffer), &actual));
    CHECK(actual == 4 && strcmp(buffer, "log") == 0);
    CHECK_STATUS(jacinth_directory_names(view, buffer, 3, &actual), ZX_ERR_BUFFER_TOO_SMALL);
    // The view becomes this process's own, and so no name but the log's is found.
    CHECK_OK(jacinth_set_directory(view));
    CHECK_STATUS(jacinth_connect("secret", AT_ONCE, &channel), ZX_ERR_NOT_FOUND);
    CHECK_OK(jacinth_set_directory(root));
    CHECK_OK(zx_handle_close(log));
    CHECK_OK(zx_handle_close(secret));
}

ROLE(may_connect_alone) {
    zx_handle_t startup = startup_channel(), listener = 77, directory, channel;
    CHECK_STATUS(jacinth_serve("clock", AT_ONCE, &listener), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(listener, 77);
    CHECK_OK(jacinth_directory(&directory));
    CHECK_STATUS(jacinth_directory_names(directory, NULL, 0, NULL), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(jacinth_connect("log", AT_ONCE, &channel));
    send_bytes(channel, "restricted", 10);
    CHECK_OK(zx_handle_close(startup));
}

TEST(root_rights_bind_members) {
    jacinth_config_t config;
    jacinth_config_default(&config);
    config.root_rights = ZX_RIGHT_READ;
    CHECK_OK(jacinth_create(&config));
    // The creator itself has them all.
    zx_handle_t listener = serve("log"), startup, client;
    CHECK_EQ(join_process(spawn_partner("may_connect_alone", &startup)), 0);
    CHECK_OK(jacinth_accept(listener, &client));
    expect_bytes(client, "restricted", 10);
    CHECK_OK(zx_handle_close(listener));
    CHECK_OK(zx_handle_close(client));
    CHECK_OK(zx_handle_close(startup));
}

ROLE(has_a_view) {
    zx_handle_t view = zx_take_startup_handle(PA_HND(PA_USER0, 0)), channel;
    char buffer[64];
    size_t actual = 0;
    CHECK_EQ(basic_info(view).type, JACINTH_OBJ_TYPE_DIRECTORY);
    CHECK_OK(jacinth_set_directory(view));
    CHECK_STATUS(jacinth_connect("secret", AT_ONCE, &channel), ZX_ERR_NOT_FOUND);
    CHECK_OK(jacinth_directory(&view));
    CHECK_OK(jacinth_directory_names(view, buffer, sizeof(buffer), &actual));
    CHECK(actual == 4 && strcmp(buffer, "log") == 0);
    CHECK_OK(jacinth_connect("log", AT_ONCE, &channel));
    send_bytes(channel, "confined", 8);
    // What it serves is in the view alone.
    CHECK_OK(zx_handle_close(serve("secret")));
}

TEST(a_child_with_a_view_is_confined) {
    zx_handle_t log = serve("log"), secret = serve("secret"), root, view, client;
    const char* const names[] = {"log"};
    CHECK_OK(jacinth_directory(&root));
    CHECK_OK(jacinth_directory_create_view(root, names, 1, &view));
    CHECK_EQ(join_process(spawn_role("has_a_view", view)), 0);
    CHECK(!is_open(view));
    CHECK_OK(jacinth_accept(log, &client));
    expect_bytes(client, "confined", 8);
    CHECK_STATUS(jacinth_accept(secret, &client), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(zx_handle_close(log));
    CHECK_OK(zx_handle_close(secret));
    CHECK_OK(zx_handle_close(root));
}

TEST(an_own_directory_has_own_names) {
    zx_handle_t directory, listener, channel;
    CHECK_OK(jacinth_directory_create(&directory));
    CHECK_OK(jacinth_directory_serve(directory, "log", AT_ONCE, &listener));
    CHECK_STATUS(jacinth_connect("log", AT_ONCE, &channel), ZX_ERR_NOT_FOUND);
    CHECK_OK(jacinth_directory_connect(directory, "log", AT_ONCE, &channel));
    CHECK_OK(zx_handle_close(channel));
    CHECK_OK(zx_handle_close(listener));
    CHECK_OK(zx_handle_close(directory));
}

TEST(bad_input_gets_clear_errors) {
    zx_handle_t directory, event = make_event(), out = 77;
    CHECK_OK(jacinth_directory_create(&directory));
    char long_name[JACINTH_MAX_SERVICE_NAME_LEN + 2];
    memset(long_name, 'x', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = 0;
    CHECK_STATUS(jacinth_serve("", AT_ONCE, &out), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_serve(NULL, AT_ONCE, &out), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_serve("\xff", AT_ONCE, &out), ZX_ERR_INVALID_ARGS);
    CHECK(strstr(jacinth_error(), "UTF-8") != NULL);
    CHECK_STATUS(jacinth_serve(long_name, AT_ONCE, &out), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(jacinth_serve("log", AT_ONCE, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_connect("", AT_ONCE, &out), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_connect(long_name, AT_ONCE, &out), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(jacinth_connect("log", AT_ONCE, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_directory_serve(event, "log", AT_ONCE, &out), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(jacinth_directory_serve(ZX_HANDLE_INVALID, "log", AT_ONCE, &out), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(jacinth_directory_connect(event, "log", AT_ONCE, &out), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(jacinth_directory_create_view(event, NULL, 0, &out), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(jacinth_directory_create_view(directory, NULL, 1, &out), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(jacinth_directory_names(event, NULL, 0, NULL), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(jacinth_accept(event, &out), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(jacinth_accept(event, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(out, 77);
    // It consumes its handle also when it fails.
    CHECK_STATUS(jacinth_set_directory(event), ZX_ERR_WRONG_TYPE);
    CHECK(!is_open(event));
    CHECK_STATUS(jacinth_set_directory(event), ZX_ERR_BAD_HANDLE);
    zx_handle_t weak;
    CHECK_OK(zx_handle_replace(directory, ZX_RIGHT_TRANSFER, &weak));
    CHECK_STATUS(jacinth_directory_serve(weak, "log", AT_ONCE, &out), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(jacinth_directory_connect(weak, "log", AT_ONCE, &out), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(jacinth_directory_create_view(weak, NULL, 0, &out), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(jacinth_directory_names(weak, NULL, 0, NULL), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_handle_close(weak));
    CHECK_OK(zx_handle_replace(serve("log"), ZX_RIGHT_TRANSFER, &weak));
    CHECK_STATUS(jacinth_accept(weak, &out), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(out, 77);
    CHECK_OK(zx_handle_close(weak));
    // The calls without a directory use duplicates of this one.
    CHECK_OK(jacinth_directory_create(&directory));
    CHECK_OK(zx_handle_replace(directory, ZX_RIGHTS_IO, &weak));
    CHECK_OK(jacinth_set_directory(weak));
    CHECK_STATUS(jacinth_directory(&out), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(jacinth_serve("log", AT_ONCE, &out), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(jacinth_connect("log", AT_ONCE, &out), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(out, 77);
}
