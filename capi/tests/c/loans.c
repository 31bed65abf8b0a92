// Messages that are filled where they will lie.
#define _GNU_SOURCE
#include "canary.h"
#include "in_place.h"
#include "pages.h"
#include "partner.h"

#include <pthread.h>

TEST(loans_arrive_in_commit_order) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    jacinth_loan_t large = reserve(ours, MIB, 0), small = reserve(ours, 5, 0);
    CHECK_EQ((uintptr_t)large.data % 64, 0);
    fill(large.data, MIB, 1);
    memcpy(small.data, "small", 5);
    CHECK_OK(jacinth_loan_commit(&small, NULL, 0));
    CHECK_OK(jacinth_loan_commit(&large, NULL, 0));
    CHECK_ZEROED(small);
    CHECK_ZEROED(large);
    expect_bytes(theirs, "small", 5);
    jacinth_message_t message = read_in_place(theirs);
    CHECK_EQ(message.num_bytes, MIB);
    CHECK_EQ(message.num_handles, 0);
    CHECK_EQ((uintptr_t)message.data % 64, 0);
    CHECK(is_filled(message.data, MIB, 1));
    CHECK_OK(jacinth_message_release(&message));
}

TEST(unwritten_bytes_are_zero) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    for (int round = 0; round < 3; round++) {
        jacinth_loan_t loan = reserve(ours, 5000, 0);
        CHECK(is_zero(loan.data, 5000));
        memset(loan.data, 0xff, 5000);
        CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
        jacinth_message_t message = read_in_place(theirs);
        CHECK_OK(jacinth_message_release(&message));
    }
    jacinth_loan_t loan = reserve(ours, 5000, 0);
    memcpy((char*)loan.data + 10, "ten", 3);
    CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
    jacinth_message_t message = read_in_place(theirs);
    CHECK(is_zero(message.data, 10) && is_zero((const char*)message.data + 13, 4987));
    CHECK_BYTES((const char*)message.data + 10, "ten", 3);
    CHECK_OK(jacinth_message_release(&message));
}

// The zeros that an ordinary loan costs would show in the older bytes.
TEST(uninitialized_bytes_are_sent_as_they_are) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    for (int round = 0; round < 2; round++) {
        jacinth_loan_t loan;
        CHECK_OK(jacinth_channel_reserve(ours, 100000, 0, JACINTH_UNINITIALIZED, &loan));
        CHECK_EQ(loan.num_bytes, 100000);
        if (round == 0)
            fill(loan.data, 100000, 3);
        else
            CHECK(is_filled(loan.data, 100000, 3));
        CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
        jacinth_message_t message = read_in_place(theirs);
        CHECK(is_filled(message.data, 100000, 3));
        CHECK_OK(jacinth_message_release(&message));
    }
}

TEST(loans_carry_handles) {
    zx_handle_t ours, theirs, handles[64], received[64];
    zx_koid_t koids[64];
    make_channel(&ours, &theirs);
    const uint32_t counts[] = {1, 2, 64};
    for (size_t round = 0; round < 3; round++) {
        for (uint32_t index = 0; index < counts[round]; index++) {
            handles[index] = make_event();
            koids[index] = koid_of(handles[index]);
        }
        jacinth_loan_t loan = reserve(ours, 3000, counts[round]);
        fill(loan.data, 3000, 5);
        CHECK_OK(jacinth_loan_commit(&loan, handles, counts[round]));
        jacinth_message_t message = read_in_place(theirs);
        CHECK_EQ(message.num_handles, counts[round]);
        CHECK(is_filled(message.data, 3000, 5));
        CHECK_OK(jacinth_message_finish(&message, received, 64));
        for (uint32_t index = 0; index < counts[round]; index++)
            CHECK_EQ(koid_of(received[index]), koids[index]);
        CHECK_OK(zx_handle_close_many(received, counts[round]));
    }
    // Fewer than reserved, and a reader that copies.
    jacinth_loan_t loan = reserve(ours, 0, 3);
    zx_handle_t event = make_event();
    CHECK_OK(jacinth_loan_commit(&loan, &event, 1));
    CHECK_OK(zx_handle_close(receive_handle(theirs)));
}

TEST(a_cancelled_loan_sends_nothing) {
    make_small_arena();
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    for (int round = 0; round < 100; round++) {
        jacinth_loan_t loan = reserve(ours, MIB, 0), copy = loan;
        CHECK_OK(jacinth_loan_cancel(&loan));
        CHECK_ZEROED(loan);
        CHECK_OK(jacinth_loan_cancel(&loan));
        CHECK_STATUS(jacinth_loan_cancel(&copy), ZX_ERR_BAD_HANDLE);
    }
    CHECK_STATUS(zx_channel_read(theirs, 0, NULL, NULL, 0, 0, NULL, NULL), ZX_ERR_SHOULD_WAIT);
}

TEST(a_sent_loan_is_gone) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    jacinth_loan_t loan = reserve(ours, 10, 1), copy = loan;
    CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
    CHECK_STATUS(jacinth_loan_commit(&loan, NULL, 0), ZX_ERR_BAD_HANDLE);
    struct canary canary = make_canary();
    CHECK_STATUS(jacinth_loan_commit(&copy, &canary.sent, 1), ZX_ERR_BAD_HANDLE);
    CHECK(is_lost(canary));
    CHECK_STATUS(jacinth_loan_cancel(&copy), ZX_ERR_BAD_HANDLE);
    // The next loan has another id, also if it has the same place.
    jacinth_loan_t next = reserve(ours, 10, 0);
    CHECK_STATUS(jacinth_loan_commit(&copy, NULL, 0), ZX_ERR_BAD_HANDLE);
    CHECK_OK(jacinth_loan_commit(&next, NULL, 0));
}

// Also the ids of other kinds of structures.
TEST(a_forged_loan_is_bad_handle) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    send_bytes(ours, "held", 4);
    jacinth_loan_t loan = reserve(ours, 10, 0), forged = {unmapped_page(), 10, 0};
    jacinth_message_t message = read_in_place(theirs);
    jacinth_buffer_mut_t filled;
    CHECK_OK(jacinth_buffer_create(10, 0, &filled));
    const uint64_t ids[] = {1, ~UINT64_C(0), loan.id + 1, loan.id ^ UINT64_C(1) << 32, message.id, filled.id};
    for (size_t index = 0; index < sizeof(ids) / sizeof(*ids); index++) {
        forged.id = ids[index];
        CHECK_STATUS(jacinth_loan_commit(&forged, NULL, 0), ZX_ERR_BAD_HANDLE);
        CHECK_STATUS(jacinth_loan_cancel(&forged), ZX_ERR_BAD_HANDLE);
        CHECK_EQ(forged.id, ids[index]);
    }
    for (int round = 0; round < 1000; round++) {
        zx_cprng_draw(&forged, sizeof(forged));
        if (forged.id != loan.id && forged.id != 0)
            CHECK_STATUS(jacinth_loan_commit(&forged, NULL, 0), ZX_ERR_BAD_HANDLE);
    }
    // Only the id counts.
    loan.data = unmapped_page();
    loan.num_bytes = 0;
    CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
    CHECK_OK(jacinth_message_release(&message));
    CHECK_OK(jacinth_buffer_discard(&filled));
    char bytes[10] = {0};
    expect_bytes(theirs, bytes, 10);
}

TEST(reservations_have_their_errors) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    jacinth_loan_t loan;
    CHECK_STATUS(jacinth_channel_reserve(ours, 16 * MIB + 1, 0, 0, &loan), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(jacinth_channel_reserve(ours, SIZE_MAX, 0, 0, &loan), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(jacinth_channel_reserve(ours, 16 * MIB, 1, 0, &loan), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(jacinth_channel_reserve(ours, 1, 65, 0, &loan), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(jacinth_channel_reserve(ours, 1, UINT32_MAX, 0, &loan), ZX_ERR_OUT_OF_RANGE);
    CHECK_STATUS(jacinth_channel_reserve(ours, 1, 0, 2, &loan), ZX_ERR_INVALID_ARGS);
    CHECK(strstr(jacinth_error(), "options") != NULL);
    CHECK_OK(zx_handle_close(theirs));
    CHECK_STATUS(jacinth_channel_reserve(ours, 1, 0, 0, &loan), ZX_ERR_PEER_CLOSED);
}

TEST(refused_commits_close_the_handles) {
    zx_handle_t ours, theirs, values[70];
    make_channel(&ours, &theirs);
    struct canary one = make_canary(), other = make_canary();
    jacinth_loan_t loan = reserve(ours, 10, 1);
    values[0] = one.sent, values[1] = other.sent;
    CHECK_STATUS(jacinth_loan_commit(&loan, values, 2), ZX_ERR_OUT_OF_RANGE);
    CHECK(is_lost(one) && is_lost(other));
    CHECK_ZEROED(loan);

    // More than any message has.
    one = make_canary(), other = make_canary();
    for (size_t index = 0; index < 70; index++)
        values[index] = make_event();
    values[0] = one.sent, values[69] = other.sent;
    loan = reserve(ours, 10, 64);
    CHECK_STATUS(jacinth_loan_commit(&loan, values, 70), ZX_ERR_OUT_OF_RANGE);
    CHECK(is_lost(one) && is_lost(other) && !is_open(values[68]));

    loan = reserve(ours, 10, 2);
    one = make_canary();
    values[0] = one.sent, values[1] = restrict_to(make_event(), ZX_RIGHT_WAIT);
    CHECK_STATUS(jacinth_loan_commit(&loan, values, 2), ZX_ERR_ACCESS_DENIED);
    CHECK(is_lost(one) && !is_open(values[1]));

    loan = reserve(ours, 10, 2);
    one = make_canary();
    values[0] = values[1] = one.sent;
    CHECK_STATUS(jacinth_loan_commit(&loan, values, 2), ZX_ERR_BAD_HANDLE);
    CHECK(is_lost(one));

    loan = reserve(ours, 10, 1);
    one = make_canary();
    CHECK_OK(zx_handle_close(theirs));
    CHECK_STATUS(jacinth_loan_commit(&loan, &one.sent, 1), ZX_ERR_PEER_CLOSED);
    CHECK(is_lost(one));
}

TEST(a_channel_does_not_carry_itself) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    jacinth_loan_t loan = reserve(ours, 10, 1);
    CHECK_STATUS(jacinth_loan_commit(&loan, &ours, 1), ZX_ERR_NOT_SUPPORTED);
    CHECK(!is_open(ours));
    await_peer_closed(theirs);
}

TEST(bad_pointers_cost_no_loan) {
    prepare_bad_pointers();
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    FOR_EACH_BAD_OUTPUT(pointer) {
        CHECK_STATUS(jacinth_channel_reserve(ours, 10, 0, 0, pointer), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(jacinth_loan_cancel(pointer), ZX_ERR_INVALID_ARGS);
        struct canary canary = make_canary();
        CHECK_STATUS(jacinth_loan_commit(pointer, &canary.sent, 1), ZX_ERR_INVALID_ARGS);
        CHECK(is_lost(canary));
    }
    jacinth_loan_t loan = reserve(ours, 10, 2);
    FOR_EACH_BAD_INPUT(pointer)
        CHECK_STATUS(jacinth_loan_commit(&loan, pointer, 1), ZX_ERR_INVALID_ARGS);
    // It would be read, and cannot be written.
    jacinth_loan_t* constant = read_only_page();
    CHECK_EQ(mprotect(constant, PAGE, PROT_READ | PROT_WRITE), 0);
    *constant = loan;
    CHECK_EQ(mprotect(constant, PAGE, PROT_READ), 0);
    CHECK_STATUS(jacinth_loan_commit(constant, NULL, 0), ZX_ERR_INVALID_ARGS);
    memcpy(loan.data, "all is well", 10);
    CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
    expect_bytes(theirs, "all is well", 10);
    // None was reserved by the refused calls: the channel can be closed.
    CHECK_OK(zx_handle_close(ours));
}

TEST(structures_may_lie_anywhere) {
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    char packed[1 + sizeof(jacinth_loan_t)];
    jacinth_loan_t loan, *place = (jacinth_loan_t*)(void*)(packed + 1);
    CHECK_OK(jacinth_channel_reserve(ours, 10, 0, 0, place));
    memcpy(&loan, packed + 1, sizeof(loan));
    memcpy(loan.data, "0123456789", 10);
    CHECK_OK(jacinth_loan_commit(place, NULL, 0));
    CHECK(is_zero(packed + 1, sizeof(loan)));
    expect_bytes(theirs, "0123456789", 10);
}

TEST(lent_memory_keeps_its_channel) {
    zx_handle_t carrier, far, ours, theirs, out;
    make_channel(&carrier, &far);
    make_channel(&ours, &theirs);
    send_bytes(ours, "held", 4);
    jacinth_loan_t loan = reserve(ours, 10, 0);
    jacinth_message_t message = read_in_place(theirs);
    zx_handle_t ends[] = {ours, theirs};
    for (size_t index = 0; index < 2; index++) {
        CHECK_STATUS(zx_handle_close(ends[index]), ZX_ERR_BAD_STATE);
        CHECK_STATUS(zx_handle_close_many(&ends[index], 1), ZX_ERR_BAD_STATE);
        CHECK_STATUS(zx_handle_replace(ends[index], ZX_RIGHT_SAME_RIGHTS, &out), ZX_ERR_BAD_STATE);
        CHECK_STATUS(zx_channel_write(carrier, 0, NULL, 0, &ends[index], 1), ZX_ERR_BAD_STATE);
        CHECK(is_open(ends[index]));
    }
    CHECK_BYTES(message.data, "held", 4);
    CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
    CHECK_OK(jacinth_message_release(&message));
    CHECK_OK(zx_handle_close(ours));
    send_handle(carrier, theirs);
    CHECK_OK(zx_handle_close(receive_handle(far)));
}

TEST(a_loan_keeps_its_place) {
    zx_handle_t ours, theirs;
    CHECK_OK(jacinth_channel_create(0, 2, &ours, &theirs));
    jacinth_loan_t kept = reserve(ours, 4, 0), refused;
    send_bytes(ours, "one", 3);
    CHECK_STATUS(zx_channel_write(ours, 0, "two", 3, NULL, 0), ZX_ERR_SHOULD_WAIT);
    CHECK_STATUS(jacinth_channel_reserve(ours, 4, 0, 0, &refused), ZX_ERR_SHOULD_WAIT);
    // No text, which would take memory.
    CHECK_EQ(strlen(jacinth_error()), 0);
    CHECK_EQ(signals_of(ours) & ZX_CHANNEL_WRITABLE, 0);
    memcpy(kept.data, "kept", 4);
    CHECK_OK(jacinth_loan_commit(&kept, NULL, 0));
    expect_bytes(theirs, "one", 3);
    expect_bytes(theirs, "kept", 4);
}

static void* release_soon(void* message) {
    zx_nanosleep(zx_deadline_after(ZX_MSEC(20)));
    CHECK_OK(jacinth_message_release(message));
    return NULL;
}

TEST(exhausted_memory_is_waited_for) {
    make_small_arena();
    zx_handle_t ours, theirs;
    make_channel(&ours, &theirs);
    jacinth_loan_t loan;
    int sent = 0;
    zx_status_t status;
    while ((status = jacinth_channel_reserve(ours, MIB, 0, JACINTH_UNINITIALIZED, &loan)) == ZX_OK) {
        CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
        sent++;
    }
    CHECK(sent > 1);
    CHECK(status == ZX_ERR_NO_MEMORY || status == ZX_ERR_NO_RESOURCES);
    CHECK(strlen(jacinth_error()) > 0);
    CHECK_EQ(signals_of(ours) & ZX_CHANNEL_WRITABLE, 0);
    jacinth_message_t message = read_in_place(theirs);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, release_soon, &message), 0);
    CHECK_OK(zx_object_wait_one(ours, ZX_CHANNEL_WRITABLE, ZX_TIME_INFINITE, NULL));
    loan = reserve(ours, MIB, 0);
    CHECK_OK(jacinth_loan_cancel(&loan));
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static zx_handle_t raced_channel;

static void* send_many(void* unused) {
    for (int round = 0; round < 2000; round++) {
        jacinth_loan_t loan;
        zx_status_t status;
        while ((status = jacinth_channel_reserve(raced_channel, 300, 0, 0, &loan)) == ZX_ERR_SHOULD_WAIT)
            CHECK_OK(zx_object_wait_one(raced_channel, ZX_CHANNEL_WRITABLE, ZX_TIME_INFINITE, NULL));
        CHECK_OK(status);
        fill(loan.data, 300, 9);
        CHECK_OK(jacinth_loan_commit(&loan, NULL, 0));
    }
    return unused;
}

TEST(threads_have_loans_of_their_own) {
    zx_handle_t theirs;
    pthread_t threads[4];
    make_channel(&raced_channel, &theirs);
    for (int index = 0; index < 4; index++)
        CHECK_EQ(pthread_create(&threads[index], NULL, send_many, NULL), 0);
    for (int round = 0; round < 8000; round++) {
        await_readable(theirs);
        jacinth_message_t message = read_in_place(theirs);
        CHECK_EQ(message.num_bytes, 300);
        CHECK(is_filled(message.data, 300, 9));
        CHECK_OK(jacinth_message_release(&message));
    }
    for (int index = 0; index < 4; index++)
        CHECK_EQ(pthread_join(threads[index], NULL), 0);
}
