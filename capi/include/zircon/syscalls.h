/**
 * @file
 * The calls.
 *
 * Each does what Zircon's call of that name does, with the same arguments and statuses; what differs stands with
 * it. Each has a second name with an underscore before it, for libraries that must not meet a program's own
 * function of the first name. Calls of Zircon's that are not declared here are not implemented.
 */

#ifndef ZIRCON_SYSCALLS_H_
#define ZIRCON_SYSCALLS_H_

#include <zircon/types.h>
#include <zircon/syscalls/types.h>

#include <zircon/syscalls/object.h>

__BEGIN_CDECLS

/* Handles. */

zx_status_t zx_handle_close(zx_handle_t handle);
zx_status_t _zx_handle_close(zx_handle_t handle);

zx_status_t zx_handle_close_many(const zx_handle_t* handles, size_t num_handles);
zx_status_t _zx_handle_close_many(const zx_handle_t* handles, size_t num_handles);

zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);
zx_status_t _zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);

zx_status_t zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);
zx_status_t _zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);

/* Any object. */

zx_status_t zx_object_get_info(zx_handle_t handle, uint32_t topic, void* buffer, size_t buffer_size,
                               size_t* actual_count, size_t* avail_count);
zx_status_t _zx_object_get_info(zx_handle_t handle, uint32_t topic, void* buffer, size_t buffer_size,
                                size_t* actual_count, size_t* avail_count);

zx_status_t zx_object_get_property(zx_handle_t handle, uint32_t property, void* value, size_t value_size);
zx_status_t _zx_object_get_property(zx_handle_t handle, uint32_t property, void* value, size_t value_size);

zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t property, const void* value,
                                   size_t value_size);
zx_status_t _zx_object_set_property(zx_handle_t handle, uint32_t property, const void* value,
                                    size_t value_size);

zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);
zx_status_t _zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);

zx_status_t zx_object_signal_peer(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);
zx_status_t _zx_object_signal_peer(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);

zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
                               zx_signals_t* observed);
zx_status_t _zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
                                zx_signals_t* observed);

zx_status_t zx_object_wait_many(zx_wait_item_t* items, size_t count, zx_time_t deadline);
zx_status_t _zx_object_wait_many(zx_wait_item_t* items, size_t count, zx_time_t deadline);

/* Events and eventpairs. */

zx_status_t zx_event_create(uint32_t options, zx_handle_t* out);
zx_status_t _zx_event_create(uint32_t options, zx_handle_t* out);

zx_status_t zx_eventpair_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);
zx_status_t _zx_eventpair_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);

/* Channels. */

zx_status_t zx_channel_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);
zx_status_t _zx_channel_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);

zx_status_t zx_channel_read(zx_handle_t handle, uint32_t options, void* bytes, zx_handle_t* handles,
                            uint32_t num_bytes, uint32_t num_handles, uint32_t* actual_bytes,
                            uint32_t* actual_handles);
zx_status_t _zx_channel_read(zx_handle_t handle, uint32_t options, void* bytes, zx_handle_t* handles,
                             uint32_t num_bytes, uint32_t num_handles, uint32_t* actual_bytes,
                             uint32_t* actual_handles);

zx_status_t zx_channel_read_etc(zx_handle_t handle, uint32_t options, void* bytes, zx_handle_info_t* handles,
                                uint32_t num_bytes, uint32_t num_handles, uint32_t* actual_bytes,
                                uint32_t* actual_handles);
zx_status_t _zx_channel_read_etc(zx_handle_t handle, uint32_t options, void* bytes,
                                 zx_handle_info_t* handles, uint32_t num_bytes, uint32_t num_handles,
                                 uint32_t* actual_bytes, uint32_t* actual_handles);

zx_status_t zx_channel_write(zx_handle_t handle, uint32_t options, const void* bytes, uint32_t num_bytes,
                             const zx_handle_t* handles, uint32_t num_handles);
zx_status_t _zx_channel_write(zx_handle_t handle, uint32_t options, const void* bytes, uint32_t num_bytes,
                              const zx_handle_t* handles, uint32_t num_handles);

zx_status_t zx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                            const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                            uint32_t* actual_handles);
zx_status_t _zx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                             const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                             uint32_t* actual_handles);

zx_status_t zx_channel_call_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                    const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                                    uint32_t* actual_handles);
zx_status_t _zx_channel_call_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                     const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                                     uint32_t* actual_handles);

zx_status_t zx_channel_call_finish(zx_time_t deadline, const zx_channel_call_args_t* args,
                                   uint32_t* actual_bytes, uint32_t* actual_handles);
zx_status_t _zx_channel_call_finish(zx_time_t deadline, const zx_channel_call_args_t* args,
                                    uint32_t* actual_bytes, uint32_t* actual_handles);

/* Time. */

zx_time_t zx_clock_get(zx_clock_t clock_id);
zx_time_t _zx_clock_get(zx_clock_t clock_id);

zx_status_t zx_clock_get_new(zx_clock_t clock_id, zx_time_t* out);
zx_status_t _zx_clock_get_new(zx_clock_t clock_id, zx_time_t* out);

zx_time_t zx_clock_get_monotonic(void);
zx_time_t _zx_clock_get_monotonic(void);

uint64_t zx_ticks_get(void);
uint64_t _zx_ticks_get(void);

uint64_t zx_ticks_per_second(void);
uint64_t _zx_ticks_per_second(void);

zx_status_t zx_nanosleep(zx_time_t deadline);
zx_status_t _zx_nanosleep(zx_time_t deadline);

zx_time_t zx_deadline_after(zx_duration_t nanoseconds);
zx_time_t _zx_deadline_after(zx_duration_t nanoseconds);

/* Futexes. */

zx_status_t zx_futex_wait(const zx_futex_t* value_ptr, int32_t current_value, zx_time_t deadline);
zx_status_t _zx_futex_wait(const zx_futex_t* value_ptr, int32_t current_value, zx_time_t deadline);

zx_status_t zx_futex_wake(const zx_futex_t* value_ptr, uint32_t count);
zx_status_t _zx_futex_wake(const zx_futex_t* value_ptr, uint32_t count);

zx_status_t zx_futex_requeue(const zx_futex_t* wake_ptr, uint32_t wake_count, int32_t current_value,
                             const zx_futex_t* requeue_ptr, uint32_t requeue_count);
zx_status_t _zx_futex_requeue(const zx_futex_t* wake_ptr, uint32_t wake_count, int32_t current_value,
                              const zx_futex_t* requeue_ptr, uint32_t requeue_count);

/* The machine. */

void zx_cprng_draw(void* buffer, size_t buffer_size);
void _zx_cprng_draw(void* buffer, size_t buffer_size);

uint32_t zx_system_get_dcache_line_size(void);
uint32_t _zx_system_get_dcache_line_size(void);

uint32_t zx_system_get_num_cpus(void);
uint32_t _zx_system_get_num_cpus(void);

uint64_t zx_system_get_physmem(void);
uint64_t _zx_system_get_physmem(void);

zx_status_t zx_system_get_version(char* version, size_t version_size);
zx_status_t _zx_system_get_version(char* version, size_t version_size);

/* Ends. */

void zx_process_exit(int64_t retcode) __NO_RETURN;
void _zx_process_exit(int64_t retcode) __NO_RETURN;

void zx_thread_exit(void) __NO_RETURN;
void _zx_thread_exit(void) __NO_RETURN;

__END_CDECLS

#endif /* ZIRCON_SYSCALLS_H_ */
