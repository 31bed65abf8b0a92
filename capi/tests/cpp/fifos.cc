// Fifos in C++.

#include "owners.h"

#include <stdint.h>

#include <utility>

namespace {

struct Ends {
    zx::fifo ours, theirs;
    Ends() { CHECK_OK(zx::fifo::create(4, sizeof(uint32_t), 0, &ours, &theirs)); }
};

TEST(elements_go_through_in_order) {
    Ends ends;
    CHECK_EQ(type_of(ends.ours), zx::fifo::TYPE);
    CHECK_EQ(basic(ends.ours).related_koid, koid_of(ends.theirs));
    const uint32_t sent[] = {1, 2, 3, 4, 5};
    size_t actual = 0;
    CHECK_OK(ends.ours.write(sizeof(uint32_t), sent, 5, &actual));
    CHECK_EQ(actual, 4);
    CHECK_STATUS(ends.ours.write(sizeof(uint32_t), sent, 1, nullptr), ZX_ERR_SHOULD_WAIT);
    uint32_t received[5] = {};
    CHECK_OK(ends.theirs.wait_one(ZX_FIFO_READABLE, zx::time::infinite(), nullptr));
    CHECK_OK(ends.theirs.read(sizeof(uint32_t), received, 5, &actual));
    CHECK_EQ(actual, 4);
    CHECK_BYTES(received, sent, 4 * sizeof(uint32_t));
    CHECK_STATUS(ends.theirs.borrow()->read(sizeof(uint32_t), received, 5, &actual), ZX_ERR_SHOULD_WAIT);
}

TEST(a_refused_creation_empties_owners) {
    Ends ends;
    CHECK_STATUS(zx::fifo::create(3, 4, 0, &ends.ours, &ends.theirs), ZX_ERR_OUT_OF_RANGE);
    CHECK(!ends.ours);
    CHECK(!ends.theirs);
}

TEST(an_end_has_a_peer_and_duplicates) {
    Ends ends;
    zx::fifo copy;
    CHECK_OK(ends.ours.duplicate(ZX_RIGHT_SAME_RIGHTS, &copy));
    const uint32_t element = 7;
    CHECK_OK(copy.write(sizeof(element), &element, 1, nullptr));
    CHECK_OK(copy.signal_peer(0, ZX_USER_SIGNAL_3));
    ends.ours.reset();
    copy.reset();
    zx_signals_t seen = 0;
    CHECK_OK(ends.theirs.wait_one(ZX_FIFO_PEER_CLOSED, zx::time::infinite(), &seen));
    CHECK_EQ(seen, ZX_FIFO_READABLE | ZX_FIFO_PEER_CLOSED | ZX_USER_SIGNAL_3);
    zx::handle any(std::move(ends.theirs));
    zx::fifo again(std::move(any));
    uint32_t received = 0;
    CHECK_OK(again.read(sizeof(received), &received, 1, nullptr));
    CHECK_EQ(received, 7);
    CHECK_STATUS(again.read(sizeof(received), &received, 1, nullptr), ZX_ERR_PEER_CLOSED);
}

}  // namespace
