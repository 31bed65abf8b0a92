// Loans, messages that are read in place, and buffers in C++.

#include "owners.h"

#include <stdint.h>

#include <algorithm>
#include <utility>

namespace {

struct Ends {
    zx::channel ours, theirs;
    Ends() { CHECK_OK(zx::channel::create(0, &ours, &theirs)); }
};

template <typename Range>
bool is_all(const Range& bytes, uint8_t byte) {
    return std::all_of(bytes.begin(), bytes.end(), [byte](uint8_t its) { return its == byte; });
}

TEST(a_loan_is_filled_and_read) {
    Ends ends;
    jacinth::loan loan;
    CHECK(!loan);
    CHECK_OK(jacinth::reserve(ends.ours, 100000, 0, JACINTH_UNINITIALIZED, &loan));
    CHECK(static_cast<bool>(loan));
    CHECK_EQ(loan.size(), 100000);
    std::fill(loan.begin(), loan.end(), uint8_t{7});
    CHECK_OK(loan.commit());
    CHECK(!loan);
    CHECK_EQ(loan.size(), 0);
    CHECK_STATUS(loan.commit(), ZX_ERR_BAD_HANDLE);
    jacinth::message message;
    CHECK_OK(jacinth::read_in_place(ends.theirs, &message));
    CHECK_EQ(message.size(), 100000);
    CHECK(is_all(message, 7));
    CHECK_STATUS(ends.theirs.wait_one(ZX_CHANNEL_READABLE, zx::time(), nullptr), ZX_ERR_TIMED_OUT);
    CHECK_STATUS(jacinth::read_in_place(ends.theirs, &message), ZX_ERR_SHOULD_WAIT);
    CHECK(!message);
}

TEST(destructors_give_back_and_consume) {
    Ends ends;
    {
        jacinth::loan loan, moved;
        CHECK_OK(jacinth::reserve(ends.ours, 10, 0, 0, &loan));
        uint8_t* const data = loan.data();
        moved = std::move(loan);
        CHECK(moved.data() == data && is_all(moved, 0));
        jacinth::loan built(std::move(moved));
        CHECK(built.data() == data);
        // The place of one that it has is given back.
        CHECK_OK(jacinth::reserve(ends.ours, 10, 0, 0, &built));
        CHECK_STATUS(zx_handle_close(ends.ours.get()), ZX_ERR_BAD_STATE);
    }
    CHECK_OK(jacinth::write(ends.ours, "text", 4, nullptr, 0));
    {
        jacinth::message message;
        CHECK_OK(jacinth::read_in_place(ends.theirs, &message));
        CHECK_BYTES(message.data(), "text", 4);
    }
    jacinth::message message;
    CHECK_STATUS(jacinth::read_in_place(ends.theirs, &message), ZX_ERR_SHOULD_WAIT);
    CHECK_OK(zx_handle_close(ends.ours.release()));
    CHECK_OK(zx_handle_close(ends.theirs.release()));
}

TEST(lent_memory_keeps_the_owner) {
    Ends ends;
    zx::channel other;
    const zx_handle_t value = ends.ours.get();
    jacinth::loan loan;
    CHECK_OK(jacinth::reserve(ends.ours, 10, 0, 0, &loan));
    CHECK_STATUS(ends.ours.replace(ZX_RIGHT_SAME_RIGHTS, &other), ZX_ERR_BAD_STATE);
    CHECK_STATUS(ends.ours.replace(ZX_RIGHT_SAME_RIGHTS, &ends.ours), ZX_ERR_BAD_STATE);
    CHECK(!other && ends.ours == value);
    loan.reset();
    CHECK_OK(ends.ours.replace(ZX_RIGHT_SAME_RIGHTS, &ends.ours));
    CHECK(ends.ours && ends.ours != value && !is_open(value));
}

TEST(handles_go_with_a_loan) {
    Ends ends;
    jacinth::loan loan;
    zx::handle sent[2] = {new_event(), new_event()}, received[3];
    const zx_koid_t koids[] = {koid_of(sent[0]), koid_of(sent[1])};
    CHECK_OK(jacinth::reserve(ends.ours, 10, 2, 0, &loan));
    CHECK_OK(loan.commit(sent, 2));
    CHECK(!sent[0] && !sent[1]);
    jacinth::message message;
    CHECK_OK(jacinth::read_in_place(ends.theirs, &message));
    CHECK_EQ(message.num_handles(), 2);
    CHECK_STATUS(message.finish(received, 1), ZX_ERR_BUFFER_TOO_SMALL);
    CHECK(static_cast<bool>(message) && !received[0]);
    CHECK_OK(message.finish(received, 3));
    CHECK(!message && !received[2]);
    CHECK_EQ(koid_of(received[0]), koids[0]);
    CHECK_EQ(koid_of(received[1]), koids[1]);
}

TEST(a_refused_commit_ends_the_loan) {
    Ends ends;
    jacinth::loan loan;
    zx::handle many[65];
    many[0] = new_event();
    many[64] = new_event();
    const zx_handle_t values[] = {many[0].get(), many[64].get()};
    CHECK_OK(jacinth::reserve(ends.ours, 10, 64, 0, &loan));
    CHECK_STATUS(loan.commit(many, 65), ZX_ERR_OUT_OF_RANGE);
    CHECK(!loan && !many[0] && !is_open(values[0]) && !is_open(values[1]));
    CHECK_OK(jacinth::reserve(ends.ours, 10, 0, 0, &loan));
    many[0] = new_event();
    CHECK_STATUS(loan.commit(many, 1), ZX_ERR_OUT_OF_RANGE);
    CHECK(!loan && !many[0]);
    CHECK_OK(zx_handle_close(ends.ours.release()));
}

TEST(a_buffer_is_shared_and_forwarded) {
    Ends one, other;
    jacinth::buffer_mut filled;
    jacinth::buffer buffer, copy;
    CHECK_OK(jacinth::buffer_mut::create(1 << 20, 0, &filled));
    CHECK(is_all(filled, 0));
    std::fill(filled.begin(), filled.end(), uint8_t{9});
    CHECK_OK(filled.freeze(&buffer));
    CHECK(!filled);
    CHECK_EQ(type_of(buffer), jacinth::buffer::TYPE);
    CHECK_OK(buffer.duplicate(ZX_RIGHT_SAME_RIGHTS, &copy));
    jacinth::buffer_view ours;
    CHECK_OK(copy.view(&ours));

    zx::handle handle(std::move(buffer));
    CHECK_OK(jacinth::write(one.ours, nullptr, 0, &handle, 1));
    CHECK_OK(jacinth::read(one.theirs, nullptr, 0, nullptr, &handle, 1, nullptr));
    CHECK_OK(jacinth::write(other.ours, nullptr, 0, &handle, 1));
    CHECK_OK(jacinth::read(other.theirs, nullptr, 0, nullptr, &handle, 1, nullptr));
    jacinth::buffer received(std::move(handle));
    jacinth::buffer_view theirs;
    CHECK_OK(received.view(&theirs));
    received.reset();
    copy.reset();
    CHECK(theirs.data() == ours.data());
    CHECK(theirs.size() == 1 << 20 && is_all(theirs, 9));
}

TEST(buffers_report_their_errors) {
    Ends ends;
    jacinth::buffer_mut filled;
    jacinth::buffer buffer;
    jacinth::buffer_view view;
    size_t size = 0;
    CHECK_OK(jacinth::reserve_buffer(ends.ours, 10, 0, &filled));
    CHECK_STATUS(jacinth::buffer_mut::create(SIZE_MAX, 0, &filled), ZX_ERR_OUT_OF_RANGE);
    CHECK(!filled);
    CHECK_STATUS(filled.freeze(&buffer), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(buffer.view(&view), ZX_ERR_BAD_HANDLE);
    CHECK_OK(jacinth::reserve_buffer(ends.ours, 10, JACINTH_UNINITIALIZED, &filled));
    CHECK_OK(filled.freeze(&buffer));
    CHECK_OK(buffer.borrow()->get_size(&size));
    CHECK_EQ(size, 10);
    CHECK_OK(buffer.replace(ZX_RIGHT_NONE, &buffer));
    CHECK_STATUS(buffer.view(&view), ZX_ERR_ACCESS_DENIED);
    CHECK(!view);
}

}  // namespace
