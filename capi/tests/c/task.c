// zx_process_self, zx_thread_self, zx_job_default, zx_vmar_root_self, zx_take_startup_handle
#define _GNU_SOURCE
#include "objects.h"
#include "sleeper.h"

TEST(each_is_an_object_of_its_type) {
    zx_info_handle_basic_t process = basic_info(zx_process_self()), thread = basic_info(zx_thread_self()),
                           job = basic_info(zx_job_default()), vmar = basic_info(zx_vmar_root_self());
    CHECK_EQ(process.type, ZX_OBJ_TYPE_PROCESS);
    CHECK_EQ(process.rights, ZX_DEFAULT_PROCESS_RIGHTS);
    CHECK_EQ(thread.type, ZX_OBJ_TYPE_THREAD);
    CHECK_EQ(thread.rights, ZX_DEFAULT_THREAD_RIGHTS);
    CHECK_EQ(job.type, ZX_OBJ_TYPE_JOB);
    CHECK_EQ(job.rights, ZX_DEFAULT_JOB_RIGHTS);
    CHECK_EQ(vmar.type, ZX_OBJ_TYPE_VMAR);
    CHECK_EQ(vmar.rights, ZX_DEFAULT_VMAR_RIGHTS | ZX_RIGHTS_IO | ZX_RIGHT_EXECUTE);
    // An address space has no signals.
    CHECK_EQ(vmar.props, 0);
    CHECK_EQ(process.props, ZX_OBJ_PROP_WAITABLE);
    zx_koid_t koids[] = {process.koid, thread.koid, job.koid, vmar.koid};
    for (size_t one = 0; one < 4; one++)
        for (size_t other = 0; other < one; other++)
            CHECK(koids[one] != koids[other]);
}

TEST(each_is_made_once) {
    CHECK_EQ(zx_process_self(), zx_process_self());
    CHECK_EQ(zx_thread_self(), zx_thread_self());
    CHECK_EQ(zx_job_default(), zx_job_default());
    CHECK_EQ(zx_vmar_root_self(), zx_vmar_root_self());
}

TEST(running_tasks_are_not_terminated) {
    CHECK_EQ(signals_of(zx_process_self()) & ZX_PROCESS_TERMINATED, 0);
    CHECK_EQ(signals_of(zx_thread_self()) & ZX_THREAD_TERMINATED, 0);
}

TEST(a_process_takes_user_signals) {
    zx_handle_t self = zx_process_self();
    CHECK_OK(zx_object_signal(self, 0, ZX_USER_SIGNAL_0));
    CHECK_OK(zx_object_wait_one(self, ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, NULL));
    CHECK_STATUS(zx_object_signal(self, 0, ZX_PROCESS_TERMINATED), ZX_ERR_INVALID_ARGS);
}

TEST(a_duplicate_can_be_sent) {
    zx_handle_t one, other;
    make_channel(&one, &other);
    send_handle(one, duplicate(zx_process_self(), ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT));
    zx_handle_t received = receive_handle(other);
    CHECK_EQ(koid_of(received), koid_of(zx_process_self()));
    CHECK_EQ(rights_of(received), ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT);
    CHECK_OK(zx_handle_close(received));
}

static zx_handle_t of_threads[8], of_processes[8];
static zx_koid_t koids[8];

static void* note_self(void* number) {
    size_t index = (size_t)number;
    of_threads[index] = zx_thread_self();
    of_processes[index] = zx_process_self();
    koids[index] = koid_of(of_threads[index]);
    CHECK_EQ(zx_thread_self(), of_threads[index]);
    return NULL;
}

TEST(a_threads_object_ends_with_it) {
    in_threads(8, note_self);
    for (size_t one = 0; one < 8; one++) {
        CHECK_EQ(of_processes[one], zx_process_self());
        CHECK(!is_open(of_threads[one]));
        CHECK(koids[one] != koid_of(zx_thread_self()));
        for (size_t other = 0; other < one; other++)
            CHECK(koids[one] != koids[other]);
    }
}

TEST(many_threads_at_once_find_one_process) {
    // The object is made at its first use. Here eight threads use it first.
    in_threads(8, note_self);
    for (size_t index = 1; index < 8; index++)
        CHECK_EQ(of_processes[index], of_processes[0]);
}

TEST(an_unspawned_program_has_no_handle) {
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_USER0, 0)), ZX_HANDLE_INVALID);
    CHECK_EQ(zx_take_startup_handle(PA_HND(PA_PROC_SELF, 0)), ZX_HANDLE_INVALID);
    CHECK_EQ(zx_take_startup_handle(~0u), ZX_HANDLE_INVALID);
}
