// Names: jacinth::serve, connect, accept and set_directory.

#include "owners.h"

#include <utility>

namespace {

constexpr zx::time kAtOnce = zx::time();

void expect_hello(const zx::channel& channel) {
    char bytes[8] = {};
    uint32_t actual = 0;
    CHECK_OK(channel.read(0, bytes, sizeof(bytes), &actual, nullptr, 0, nullptr));
    CHECK_EQ(actual, 5);
    CHECK_BYTES(bytes, "hello", 5);
}

TEST(a_client_reaches_the_server) {
    zx::handle listener;
    zx::channel client, server, none;
    CHECK_STATUS(jacinth::connect("log", kAtOnce, &client), ZX_ERR_NOT_FOUND);
    CHECK(!client.is_valid());
    CHECK_OK(jacinth::serve("log", kAtOnce, &listener));
    CHECK_STATUS(jacinth::accept(listener, &server), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(jacinth::connect("log", kAtOnce, &client));
    CHECK_OK(client.write(0, "hello", 5, nullptr, 0));
    CHECK_OK(listener.wait_one(JACINTH_LISTENER_READABLE, zx::time::infinite(), nullptr));
    CHECK_OK(jacinth::accept(listener, &server));
    expect_hello(server);
    CHECK_STATUS(jacinth::accept(listener, &none), ZX_ERR_SHOULD_WAIT);
    CHECK_STATUS(jacinth::accept(zx::handle(std::move(server)), &none), ZX_ERR_WRONG_TYPE);
    CHECK_OK(client.wait_one(ZX_CHANNEL_PEER_CLOSED, kAtOnce, nullptr));
}

TEST(a_deadline_bounds_the_waits) {
    zx::handle listener, second;
    zx::channel client;
    CHECK_STATUS(jacinth::connect("log", zx::deadline_after(zx::msec(1)), &client), ZX_ERR_TIMED_OUT);
    CHECK_OK(jacinth::serve("log", kAtOnce, &listener));
    CHECK_STATUS(jacinth::serve("log", kAtOnce, &second), ZX_ERR_ALREADY_EXISTS);
    CHECK_STATUS(jacinth::serve("log", zx::deadline_after(zx::msec(1)), &second), ZX_ERR_TIMED_OUT);
    CHECK(!second.is_valid());
    // The name ends with its owner.
    listener.reset();
    CHECK_OK(jacinth::serve("log", kAtOnce, &second));
}

TEST(a_set_directory_has_the_names) {
    zx::handle at_the_root, root, own, kept, listener;
    zx::channel client;
    CHECK_OK(jacinth::serve("log", kAtOnce, &at_the_root));
    CHECK_OK(jacinth_directory(root.reset_and_get_address()));
    CHECK_OK(jacinth_directory_create(own.reset_and_get_address()));
    CHECK_OK(own.duplicate(ZX_RIGHT_SAME_RIGHTS, &kept));
    CHECK_OK(jacinth::set_directory(std::move(own)));
    CHECK(!own.is_valid());
    CHECK_STATUS(jacinth::connect("log", kAtOnce, &client), ZX_ERR_NOT_FOUND);
    CHECK_OK(jacinth::serve("log", kAtOnce, &listener));
    CHECK_OK(jacinth_directory_connect(kept.get(), "log", 0, client.reset_and_get_address()));
    CHECK_OK(jacinth::accept(listener, &client));
    // It is consumed also when it is none.
    zx_handle_t value = listener.get();
    CHECK_STATUS(jacinth::set_directory(std::move(listener)), ZX_ERR_WRONG_TYPE);
    CHECK(!is_open(value));
    CHECK_OK(jacinth::set_directory(std::move(root)));
    CHECK_OK(jacinth::connect("log", kAtOnce, &client));
    CHECK_OK(jacinth::accept(at_the_root, &client));
}

}  // namespace
