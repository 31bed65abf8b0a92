// Sockets in C++.

#include "owners.h"

#include <stdint.h>

#include <utility>

namespace {

struct Ends {
    zx::socket ours, theirs;
    explicit Ends(uint32_t flags = ZX_SOCKET_STREAM) { CHECK_OK(zx::socket::create(flags, &ours, &theirs)); }
};

TEST(bytes_go_through_in_order) {
    Ends ends;
    CHECK_EQ(type_of(ends.ours), zx::socket::TYPE);
    CHECK_EQ(basic(ends.ours).related_koid, koid_of(ends.theirs));
    size_t actual = 0;
    CHECK_OK(ends.ours.write(0, "hello, ", 7, &actual));
    CHECK_EQ(actual, 7);
    CHECK_OK(ends.ours.write(0, "world", 5, nullptr));
    char received[20] = {};
    CHECK_OK(ends.theirs.wait_one(ZX_SOCKET_READABLE, zx::time::infinite(), nullptr));
    CHECK_OK(ends.theirs.read(ZX_SOCKET_PEEK, received, 5, nullptr));
    CHECK_BYTES(received, "hello", 5);
    CHECK_OK(ends.theirs.read(0, received, sizeof(received), &actual));
    CHECK_EQ(actual, 12);
    CHECK_BYTES(received, "hello, world", 12);
    CHECK_STATUS(ends.theirs.borrow()->read(0, received, 5, &actual), ZX_ERR_SHOULD_WAIT);
}

TEST(control_goes_beside_datagrams) {
    Ends ends(ZX_SOCKET_DATAGRAM | ZX_SOCKET_HAS_CONTROL);
    CHECK_OK(ends.ours.write(0, "one", 3, nullptr));
    CHECK_OK(ends.ours.write(0, "two", 3, nullptr));
    CHECK_OK(ends.ours.write(ZX_SOCKET_CONTROL, "control", 7, nullptr));
    char received[20];
    size_t actual = 0;
    CHECK_OK(ends.theirs.read(ZX_SOCKET_CONTROL, received, sizeof(received), &actual));
    CHECK_EQ(actual, 7);
    CHECK_OK(ends.theirs.read(0, received, sizeof(received), &actual));
    CHECK_EQ(actual, 3);
    CHECK_BYTES(received, "one", 3);
}

TEST(a_refused_creation_empties_owners) {
    Ends ends;
    CHECK_STATUS(zx::socket::create(8, &ends.ours, &ends.theirs), ZX_ERR_INVALID_ARGS);
    CHECK(!ends.ours);
    CHECK(!ends.theirs);
}

TEST(sharing_consumes_the_owner) {
    Ends carriers(ZX_SOCKET_HAS_ACCEPT), ends;
    zx_koid_t koid = koid_of(ends.theirs);
    CHECK_OK(carriers.ours.share(std::move(ends.theirs)));
    CHECK(!ends.theirs);
    zx::socket accepted;
    CHECK_OK(carriers.theirs.accept(&accepted));
    CHECK_EQ(koid_of(accepted), koid);
    // An error empties the owner too, and closes what it owned.
    CHECK_STATUS(carriers.theirs.accept(&accepted), ZX_ERR_SHOULD_WAIT);
    CHECK(!accepted);
    CHECK_EQ(ends.ours.wait_one(ZX_SOCKET_PEER_CLOSED, zx::time::infinite(), nullptr), ZX_OK);
    Ends others;
    CHECK_STATUS(ends.ours.share(std::move(others.theirs)), ZX_ERR_NOT_SUPPORTED);
    CHECK(!others.theirs);
    CHECK_OK(others.ours.wait_one(ZX_SOCKET_PEER_CLOSED, zx::time::infinite(), nullptr));
}

TEST(a_shutdown_ends_the_stream) {
    Ends ends;
    CHECK_OK(ends.ours.write(0, "last", 4, nullptr));
    CHECK_OK(ends.ours.shutdown(ZX_SOCKET_SHUTDOWN_WRITE));
    CHECK_STATUS(ends.ours.write(0, "x", 1, nullptr), ZX_ERR_BAD_STATE);
    char received[20];
    size_t actual = 0;
    CHECK_OK(ends.theirs.read(0, received, sizeof(received), &actual));
    CHECK_EQ(actual, 4);
    CHECK_STATUS(ends.theirs.read(0, received, sizeof(received), &actual), ZX_ERR_BAD_STATE);
}

TEST(an_end_has_a_peer_and_duplicates) {
    Ends ends;
    zx::socket copy;
    CHECK_OK(ends.ours.duplicate(ZX_RIGHT_SAME_RIGHTS, &copy));
    CHECK_OK(copy.write(0, "x", 1, nullptr));
    CHECK_OK(copy.signal_peer(0, ZX_USER_SIGNAL_3));
    ends.ours.reset();
    copy.reset();
    zx_signals_t seen = 0;
    CHECK_OK(ends.theirs.wait_one(ZX_SOCKET_PEER_CLOSED, zx::time::infinite(), &seen));
    CHECK_EQ(seen, ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED | ZX_USER_SIGNAL_3);
    zx::handle any(std::move(ends.theirs));
    zx::socket again(std::move(any));
    char received = 0;
    CHECK_OK(again.read(0, &received, 1, nullptr));
    CHECK_EQ(received, 'x');
    CHECK_STATUS(again.read(0, &received, 1, nullptr), ZX_ERR_PEER_CLOSED);
}

}  // namespace
