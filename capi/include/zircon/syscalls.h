/**
 * @file
 * The calls.
 *
 * Each call has the arguments, the statuses and the meaning of Zircon's call of that name, and follows its page in
 * docs/syscalls of Zircon of late 2018. Its comment describes every difference. Each call has a second name that
 * starts with an underscore, for libraries that must not meet a program's own function of the first name. Calls of
 * Zircon that are not declared here are not implemented: a program that uses one does not compile.
 *
 * A program needs no preparation: its first call that deals with handles attaches it to an arena, as jacinth.h
 * says. Every call that deals with handles may return these statuses too:
 *
 * - ZX_ERR_BAD_STATE: this process has no arena and could not get one (jacinth_error() says why), or it was forked
 *   from an attached process, or a signal handler made the call while it interrupted another call. The call has
 *   done no work and consumed no handle.
 * - ZX_ERR_IO_DATA_INTEGRITY: the arena is damaged. No call on it succeeds any more.
 * - ZX_ERR_NO_RESOURCES: this thread's first call found as many threads in the arena as it has room for
 *   (jacinth_config_t::max_threads, max_threads_per_process). Closing handles still works.
 *
 * Zircon's calls never return these statuses for these reasons.
 *
 * Pointers: if a pointer is NULL, or this process may not read or write the memory, the call returns
 * ZX_ERR_INVALID_ARGS, unless its comment says otherwise. A pointer that is called optional may be NULL, and so may a
 * pointer to an array without elements.
 *
 * Deadlines are instants of ZX_CLOCK_MONOTONIC. With ZX_TIME_INFINITE a call waits for ever; with a deadline that has
 * passed it does not wait.
 *
 * This library checks rights. They do not protect a program from processes that bypass it.
 */

#ifndef ZIRCON_SYSCALLS_H_
#define ZIRCON_SYSCALLS_H_

#include <zircon/types.h>
#include <zircon/syscalls/types.h>

#include <zircon/syscalls/object.h>
#include <zircon/syscalls/port.h>

__BEGIN_CDECLS

/*
 * Handles.
 */

/**
 * Closes a handle. With its last handle an object ends.
 *
 * Waits on the handle in other threads of this process end with ZX_ERR_CANCELED. Closing ZX_HANDLE_INVALID succeeds
 * without effect.
 *
 * Rights: none.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_BAD_STATE: it is an end of a channel whose memory is lent to this process (jacinth/in_place.h). It stays open.
 */
zx_status_t zx_handle_close(zx_handle_t handle);
zx_status_t _zx_handle_close(zx_handle_t handle);

/**
 * Closes @p num_handles handles. An error of one handle does not keep the others open. ZX_HANDLE_INVALID is
 * skipped.
 *
 * Rights: none.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: one or more were not handles of this process, or were repeated. The others are closed.
 * - ZX_ERR_BAD_STATE: one or more are ends of channels whose memory is lent to this process (jacinth/in_place.h). They stay
 *   open, and the others are closed.
 * - ZX_ERR_INVALID_ARGS: @p handles cannot be read.
 */
zx_status_t zx_handle_close_many(const zx_handle_t* handles, size_t num_handles);
zx_status_t _zx_handle_close_many(const zx_handle_t* handles, size_t num_handles);

/**
 * Makes another handle to the same object, with @p rights; with ZX_RIGHT_SAME_RIGHTS, those of @p handle.
 *
 * Rights: ZX_RIGHT_DUPLICATE.
 *
 * - ZX_OK: @p out has the new handle.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_DUPLICATE.
 * - ZX_ERR_INVALID_ARGS: @p rights has rights that @p handle lacks, or @p out cannot be written.
 * - ZX_ERR_NO_RESOURCES: this process has as many handles as the arena allows
 *   (jacinth_config_t::max_handles_per_process). Zircon returns ZX_ERR_NO_MEMORY at its own limit.
 */
zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);
zx_status_t _zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);

/**
 * Replaces a handle by one to the same object with @p rights; with ZX_RIGHT_SAME_RIGHTS, those of @p handle.
 *
 * The call consumes @p handle, also when it fails, but for ZX_ERR_BAD_STATE. Waits on it end with ZX_ERR_CANCELED.
 *
 * Rights: none.
 *
 * - ZX_OK: @p out has the new handle.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_INVALID_ARGS: @p rights has rights that @p handle lacks, or @p out cannot be written.
 * - ZX_ERR_NO_RESOURCES: this process has as many handles as the arena allows. Zircon returns ZX_ERR_NO_MEMORY.
 * - ZX_ERR_BAD_STATE: @p handle is an end of a channel whose memory is lent to this process (jacinth/in_place.h). It stays open.
 */
zx_status_t zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);
zx_status_t _zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);

/*
 * Any object.
 */

/**
 * Stores information about a handle and its object. The topics, their records and the rights they need:
 *
 * - ZX_INFO_HANDLE_VALID: no record, no rights. ZX_OK if @p handle is a handle. The call stores no record and no counts, and
 *   all pointers may be NULL.
 * - ZX_INFO_HANDLE_BASIC: one zx_info_handle_basic_t; no rights.
 * - ZX_INFO_HANDLE_COUNT: one zx_info_handle_count_t; ZX_RIGHT_INSPECT. For debugging: other threads may change the
 *   count before the program reads it.
 * - ZX_INFO_PROCESS_HANDLE_STATS: one zx_info_process_handle_stats_t of a process; ZX_RIGHT_INSPECT. For debugging too.
 *   Handles in messages are no process's; a process that has ended has none. The record has no place for types that
 *   Zircon does not have (JACINTH_OBJ_TYPE_DIRECTORY, JACINTH_OBJ_TYPE_LISTENER).
 * - ZX_INFO_SOCKET: one zx_info_socket_t of an end of a socket; ZX_RIGHT_INSPECT. In bytes of data, of datagrams too: those of
 *   the control plane do not count.
 * - ZX_INFO_VMO: one zx_info_vmo_t; no rights. For debugging too: num_mappings and share_count are of the own process
 *   alone, parent_koid is 0 once the parent has ended, and committed_bytes counts pages that were swapped out.
 * - ZX_INFO_PROCESS_VMOS: any number of zx_info_vmo_t of the own process; ZX_RIGHT_INSPECT. One for each handle, with
 *   ZX_INFO_VMO_VIA_HANDLE, and then one for each mapped range, with ZX_INFO_VMO_VIA_MAPPING and no rights.
 * - ZX_INFO_PROCESS_MAPS: any number of zx_info_maps_t of the own process; ZX_RIGHT_INSPECT. The address space, its region, and
 *   the ranges that VM objects are mapped to, in the order of addresses. What the system maps by other means is not there.
 *
 * @p actual_count and @p avail_count, both optional, get how many records were stored, and how many there are:
 * 1 and 1, or 0 and 1 if @p buffer is too small. A topic with any number of records stores as many as fit, and gives ZX_OK.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: it lacks a right that the topic needs.
 * - ZX_ERR_WRONG_TYPE: the topic is about objects of another type; also if jacinth does not have it yet.
 * - ZX_ERR_BUFFER_TOO_SMALL: @p buffer_size is less than the one record of the topic.
 * - ZX_ERR_INVALID_ARGS: @p buffer, @p actual_count or @p avail_count cannot be written.
 * - ZX_ERR_NOT_SUPPORTED: the topic does not exist, or jacinth does not have it yet; ZX_INFO_PROCESS_VMOS and
 *   ZX_INFO_PROCESS_MAPS of another process.
 */
zx_status_t zx_object_get_info(zx_handle_t handle, uint32_t topic, void* buffer, size_t buffer_size,
                               size_t* actual_count, size_t* avail_count);
zx_status_t _zx_object_get_info(zx_handle_t handle, uint32_t topic, void* buffer, size_t buffer_size,
                                size_t* actual_count, size_t* avail_count);

/**
 * Reads a property of an object. The properties:
 *
 * - ZX_PROP_NAME: char[ZX_MAX_NAME_LEN], of any object. Always all 32 bytes, the last a NUL. Of an object
 *   without a name, all NUL.
 * - ZX_PROP_SOCKET_RX_THRESHOLD: size_t, of an end of a socket. So many unread bytes assert ZX_SOCKET_READ_THRESHOLD at it; of
 *   0, which is the first value, none do.
 * - ZX_PROP_SOCKET_TX_THRESHOLD: size_t, of an end of a socket. Room for so many bytes asserts ZX_SOCKET_WRITE_THRESHOLD at it;
 *   of 0, which is the first value, no room does.
 *
 * Rights: ZX_RIGHT_GET_PROPERTY. As in Zircon, first handles to events, eventpairs, channels and fifos lack it;
 * those to sockets, processes, threads and jobs have it.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_GET_PROPERTY.
 * - ZX_ERR_BUFFER_TOO_SMALL: @p value_size is less than the property's.
 * - ZX_ERR_INVALID_ARGS: @p value cannot be written.
 * - ZX_ERR_WRONG_TYPE: the property is one of objects of another type; also if jacinth does not have it yet.
 * - ZX_ERR_NOT_SUPPORTED: there is no such property, or jacinth does not have it yet.
 *
 * Different from Zircon: if another thread sets the name at the same moment, the result may have parts of both names.
 */
zx_status_t zx_object_get_property(zx_handle_t handle, uint32_t property, void* value, size_t value_size);
zx_status_t _zx_object_get_property(zx_handle_t handle, uint32_t property, void* value, size_t value_size);

/**
 * Sets a property of an object. The properties:
 *
 * - ZX_PROP_NAME: up to @p value_size bytes, of which the first 31 count, and of them those before the first
 *   NUL.
 * - ZX_PROP_SOCKET_RX_THRESHOLD, ZX_PROP_SOCKET_TX_THRESHOLD: at most the bytes that a socket holds; 0 turns the signal off.
 *
 * Rights: ZX_RIGHT_SET_PROPERTY; see zx_object_get_property().
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_SET_PROPERTY.
 * - ZX_ERR_BUFFER_TOO_SMALL: the property has a size, and @p value_size is less. A name may have any length.
 * - ZX_ERR_INVALID_ARGS: @p value cannot be read; or a threshold is more than a socket holds.
 * - ZX_ERR_WRONG_TYPE: the property is one of objects of another type; also if jacinth does not have it yet.
 * - ZX_ERR_PEER_CLOSED: the property is ZX_PROP_SOCKET_TX_THRESHOLD, and the other end is closed.
 * - ZX_ERR_NOT_SUPPORTED: there is no such property, or jacinth does not have it yet.
 *
 * Different from Zircon: if two threads set the name at once, the object's name may have parts of both.
 */
zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t property, const void* value,
                                   size_t value_size);
zx_status_t _zx_object_set_property(zx_handle_t handle, uint32_t property, const void* value,
                                    size_t value_size);

/**
 * Reads the cookie of an event or of one side of an eventpair: 64 bits that a program has attached to it. Only the holder
 * of a handle to the cookie's scope can read it.
 *
 * So a server can tell whether a handle that it is sent refers to an object that it has made, and to which: the scope is an
 * object that the server sends to no process.
 *
 * Rights: none, of either handle.
 *
 * - ZX_OK: @p cookie has the cookie.
 * - ZX_ERR_BAD_HANDLE: @p handle or @p scope is not a handle of this process.
 * - ZX_ERR_NOT_SUPPORTED: objects of the type of @p handle have no cookies.
 * - ZX_ERR_ACCESS_DENIED: no cookie was set, or @p scope refers to another object than the one it was set with, or the other
 *   side of the eventpair is closed.
 * - ZX_ERR_INVALID_ARGS: @p cookie cannot be written.
 */
zx_status_t zx_object_get_cookie(zx_handle_t handle, zx_handle_t scope, uint64_t* cookie);
zx_status_t _zx_object_get_cookie(zx_handle_t handle, zx_handle_t scope, uint64_t* cookie);

/**
 * Sets or replaces the cookie of an event or of one side of an eventpair. The first call makes the object of @p scope the
 * cookie's scope, for the life of the object of @p handle. An object may be its own scope.
 *
 * When the other side of an eventpair is closed, the cookie becomes invalid: it can be neither read nor set.
 *
 * Rights: none, of either handle.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p handle or @p scope is not a handle of this process.
 * - ZX_ERR_NOT_SUPPORTED: objects of the type of @p handle have no cookies.
 * - ZX_ERR_ACCESS_DENIED: a cookie was set with another scope, or the other side of the eventpair is closed.
 */
zx_status_t zx_object_set_cookie(zx_handle_t handle, zx_handle_t scope, uint64_t cookie);
zx_status_t _zx_object_set_cookie(zx_handle_t handle, zx_handle_t scope, uint64_t cookie);

/**
 * Clears the signals of @p clear_mask on an object, and then raises those of @p set_mask, in one step.
 *
 * On any object these are the eight user signals; on an event ZX_EVENT_SIGNALED too, on an eventpair
 * ZX_EVENTPAIR_SIGNALED.
 *
 * Rights: ZX_RIGHT_SIGNAL.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_SIGNAL.
 * - ZX_ERR_INVALID_ARGS: a mask has signals that a program may not change.
 */
zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);
zx_status_t _zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);

/**
 * Does the same as zx_object_signal() on the object at the other end of a channel, an eventpair or a fifo.
 *
 * Rights: ZX_RIGHT_SIGNAL_PEER.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_SIGNAL_PEER.
 * - ZX_ERR_INVALID_ARGS: a mask has signals that a program may not change.
 * - ZX_ERR_NOT_SUPPORTED: the object has no other end.
 * - ZX_ERR_PEER_CLOSED: the other end is closed.
 */
zx_status_t zx_object_signal_peer(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);
zx_status_t _zx_object_signal_peer(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);

/**
 * Waits until an object has one of @p signals, or until the deadline.
 *
 * @p observed, optional, gets all the signals that the object had, after ZX_OK, ZX_ERR_TIMED_OUT and
 * ZX_ERR_CANCELED. When it is read they may have changed again.
 *
 * Rights: ZX_RIGHT_WAIT.
 *
 * - ZX_OK: it had one of them.
 * - ZX_ERR_TIMED_OUT: the deadline passed first.
 * - ZX_ERR_CANCELED: another thread closed the handle, replaced it or sent it away; @p observed then has
 *   ZX_SIGNAL_HANDLE_CLOSED.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WAIT.
 * - ZX_ERR_INVALID_ARGS: @p observed is not NULL and cannot be written.
 *
 * Different from Zircon: a wait spins briefly before it sleeps (jacinth_set_spin()). A wait that another signal woke
 * may miss a signal that is raised and cleared before it sleeps again.
 */
zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
                               zx_signals_t* observed);
zx_status_t _zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
                                zx_signals_t* observed);

/**
 * Waits until one of several objects has one of the signals of its item, or until the deadline.
 *
 * The pending of each item gets all the signals that its object had, after ZX_OK, ZX_ERR_TIMED_OUT and
 * ZX_ERR_CANCELED. With no items it sleeps until the deadline.
 *
 * Rights: ZX_RIGHT_WAIT on each handle.
 *
 * - ZX_OK: one of them had one of its signals.
 * - ZX_ERR_TIMED_OUT: the deadline passed first.
 * - ZX_ERR_CANCELED: another thread closed one of the handles, replaced it or sent it away; its pending then
 *   has ZX_SIGNAL_HANDLE_CLOSED.
 * - ZX_ERR_OUT_OF_RANGE: @p count is more than ZX_WAIT_MANY_MAX_ITEMS.
 * - ZX_ERR_BAD_HANDLE: one is not a handle of this process.
 * - ZX_ERR_ACCESS_DENIED: one lacks ZX_RIGHT_WAIT.
 * - ZX_ERR_INVALID_ARGS: @p items cannot be read and written.
 *
 * Different from Zircon: as zx_object_wait_one().
 */
zx_status_t zx_object_wait_many(zx_wait_item_t* items, size_t count, zx_time_t deadline);
zx_status_t _zx_object_wait_many(zx_wait_item_t* items, size_t count, zx_time_t deadline);

/**
 * Asks for a packet with @p key at @p port when an object asserts one of @p signals, or at once if it does already.
 *
 * With ZX_WAIT_ASYNC_ONCE one packet ends the wait; its type is ZX_PKT_TYPE_SIGNAL_ONE. With ZX_WAIT_ASYNC_REPEATING a
 * packet of ZX_PKT_TYPE_SIGNAL_REP comes each time that the object's signals have changed and one of @p signals is
 * asserted, and while it is pending, the signals that come are added to its observed. A wait also ends by zx_port_cancel(), and when @p handle is closed,
 * replaced or sent away; its packet stays then.
 *
 * Rights: ZX_RIGHT_WAIT on @p handle, ZX_RIGHT_WRITE on @p port.
 *
 * - ZX_OK: the wait has begun, or the packet is queued.
 * - ZX_ERR_BAD_HANDLE: @p port or @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: @p port is not a port.
 * - ZX_ERR_ACCESS_DENIED: @p port lacks ZX_RIGHT_WRITE, or @p handle lacks ZX_RIGHT_WAIT.
 * - ZX_ERR_NOT_SUPPORTED: @p handle is a port or an address space, which have no signals. Or the kernel refuses
 *   membarrier to this process alone.
 * - ZX_ERR_INVALID_ARGS: @p options is neither of the two.
 * - ZX_ERR_NO_RESOURCES: the port has 239,841 waits, or packets of waits, or this process has reached its limit of
 *   memory. Zircon returns ZX_ERR_NO_MEMORY.
 * - ZX_ERR_NO_MEMORY: the arena's pools have no room.
 *
 * Different from Zircon: the wait ends when @p handle is sent, and not when it is received. For a repeating wait,
 * ZX_CHANNEL_READABLE and ZX_CHANNEL_WRITABLE, and those of fifos, are a change only when they become asserted, and only if
 * they are among @p signals. When ZX_CHANNEL_WRITABLE comes back after a refused write, each repeating wait at that end gets a
 * packet if one of its signals is asserted. At a port where only another process waits, that packet may be a hint to try again. A
 * packet of a wait is never lost for want of room.
 */
zx_status_t zx_object_wait_async(zx_handle_t handle, zx_handle_t port, uint64_t key, zx_signals_t signals,
                                 uint32_t options);
zx_status_t _zx_object_wait_async(zx_handle_t handle, zx_handle_t port, uint64_t key, zx_signals_t signals,
                                  uint32_t options);

/*
 * Ports.
 */

/**
 * Makes a port: a queue of packets. Its first handle has ZX_DEFAULT_PORT_RIGHTS.
 *
 * @p options is 0 or ZX_PORT_BIND_TO_INTERRUPT, which changes nothing here.
 *
 * - ZX_OK: @p out has its handle.
 * - ZX_ERR_INVALID_ARGS: @p options is neither of the two, or @p out cannot be written.
 * - ZX_ERR_NO_RESOURCES: as zx_event_create().
 */
zx_status_t zx_port_create(uint32_t options, zx_handle_t* out);
zx_status_t _zx_port_create(uint32_t options, zx_handle_t* out);

/**
 * Queues a packet. Its key, its status and its user arrive as they are; its type becomes ZX_PKT_TYPE_USER.
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK: it is queued.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a port.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WRITE.
 * - ZX_ERR_INVALID_ARGS: @p packet cannot be read.
 * - ZX_ERR_SHOULD_WAIT: 2,048 queued packets are pending. In Zircon packets of waits count, too.
 * - ZX_ERR_NO_MEMORY: the arena's pools have no room.
 * - ZX_ERR_NO_RESOURCES: this process has reached its limit of memory.
 */
zx_status_t zx_port_queue(zx_handle_t handle, const zx_port_packet_t* packet);
zx_status_t _zx_port_queue(zx_handle_t handle, const zx_port_packet_t* packet);

/**
 * Waits for the next packet, or until the deadline. Each packet goes to one of the threads that wait, which may be in
 * several processes.
 *
 * Rights: ZX_RIGHT_READ.
 *
 * - ZX_OK: @p packet has it.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a port.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_READ.
 * - ZX_ERR_INVALID_ARGS: @p packet cannot be written. This is seen before the wait.
 * - ZX_ERR_TIMED_OUT: the deadline passed first.
 * - ZX_ERR_CANCELED: another thread closed the handle, replaced it or sent it away.
 *
 * Different from Zircon: there the wait goes on when its handle is closed. While more than 4,096 packets are pending,
 * those beyond may come in another order. A wait spins briefly before it sleeps (jacinth_set_spin()).
 */
zx_status_t zx_port_wait(zx_handle_t handle, zx_time_t deadline, zx_port_packet_t* packet);
zx_status_t _zx_port_wait(zx_handle_t handle, zx_time_t deadline, zx_port_packet_t* packet);

/**
 * Ends the waits that were asked for with the handle @p source and @p key, and removes their packets. A wait that was
 * asked for with another handle to the same object goes on.
 *
 * Rights: ZX_RIGHT_WRITE on @p handle, ZX_RIGHT_WAIT on @p source.
 *
 * - ZX_OK: there was a wait or a packet.
 * - ZX_ERR_BAD_HANDLE: @p handle or @p source is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: @p handle is not a port.
 * - ZX_ERR_ACCESS_DENIED: @p handle lacks ZX_RIGHT_WRITE, or @p source lacks ZX_RIGHT_WAIT.
 * - ZX_ERR_NOT_SUPPORTED: @p source is a port or an address space.
 * - ZX_ERR_NOT_FOUND: there was neither a wait nor a packet.
 */
zx_status_t zx_port_cancel(zx_handle_t handle, zx_handle_t source, uint64_t key);
zx_status_t _zx_port_cancel(zx_handle_t handle, zx_handle_t source, uint64_t key);

/*
 * Events and eventpairs.
 */

/**
 * Makes an event: an object that only has signals. Its first handle has ZX_DEFAULT_EVENT_RIGHTS.
 *
 * @p options must be 0.
 *
 * - ZX_OK: @p out has its handle.
 * - ZX_ERR_INVALID_ARGS: @p options is not 0, or @p out cannot be written.
 * - ZX_ERR_NO_RESOURCES: the arena has no room for another object, or this process has reached its limit of objects or
 *   of handles. Zircon returns ZX_ERR_NO_MEMORY.
 */
zx_status_t zx_event_create(uint32_t options, zx_handle_t* out);
zx_status_t _zx_event_create(uint32_t options, zx_handle_t* out);

/**
 * Makes two events that can signal each other. Each handle has ZX_DEFAULT_EVENTPAIR_RIGHTS.
 *
 * When the last handle to one is closed, the other gets ZX_EVENTPAIR_PEER_CLOSED.
 *
 * @p options must be 0.
 *
 * - ZX_OK: @p out0 and @p out1 have their handles.
 * - ZX_ERR_NOT_SUPPORTED: @p options is not 0.
 * - ZX_ERR_INVALID_ARGS: @p out0 or @p out1 cannot be written.
 * - ZX_ERR_NO_RESOURCES: as zx_event_create().
 */
zx_status_t zx_eventpair_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);
zx_status_t _zx_eventpair_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);

/*
 * Timers.
 */

/**
 * Makes a timer that is not set. Its first handle has ZX_DEFAULT_TIMER_RIGHTS.
 *
 * @p options is ZX_TIMER_SLACK_CENTER, ZX_TIMER_SLACK_EARLY or ZX_TIMER_SLACK_LATE. @p clock_id must be
 * ZX_CLOCK_MONOTONIC.
 *
 * - ZX_OK: @p out has its handle.
 * - ZX_ERR_INVALID_ARGS: @p options or @p clock_id is another number, or @p out cannot be written.
 * - ZX_ERR_NO_RESOURCES: as zx_event_create().
 */
zx_status_t zx_timer_create(uint32_t options, zx_clock_t clock_id, zx_handle_t* out);
zx_status_t _zx_timer_create(uint32_t options, zx_clock_t clock_id, zx_handle_t* out);

/**
 * Starts a timer: from @p deadline on it asserts ZX_TIMER_SIGNALED, and at once if that has passed.
 *
 * A setting from before is gone, and ZX_TIMER_SIGNALED of it is cleared. @p slack says by how much the timer may be off.
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK
 * - ZX_ERR_OUT_OF_RANGE: @p slack is negative. This is looked at first.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a timer.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WRITE.
 *
 * Different from Zircon: @p slack is checked, and otherwise unused. The timer expires at its deadline, to within 64 ns.
 */
zx_status_t zx_timer_set(zx_handle_t handle, zx_time_t deadline, zx_duration_t slack);
zx_status_t _zx_timer_set(zx_handle_t handle, zx_time_t deadline, zx_duration_t slack);

/**
 * Stops a timer, and clears ZX_TIMER_SIGNALED. On a timer that is not set it has no effect.
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a timer.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WRITE.
 */
zx_status_t zx_timer_cancel(zx_handle_t handle);
zx_status_t _zx_timer_cancel(zx_handle_t handle);

/*
 * Channels.
 */

/**
 * Makes a channel. Messages written at one end are read at the other, in order. Each handle has
 * ZX_DEFAULT_CHANNEL_RIGHTS.
 *
 * @p options must be 0.
 *
 * - ZX_OK: @p out0 and @p out1 have a handle to each end.
 * - ZX_ERR_INVALID_ARGS: @p options is not 0, or @p out0 or @p out1 cannot be written.
 * - ZX_ERR_NO_RESOURCES: as zx_event_create().
 */
zx_status_t zx_channel_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);
zx_status_t _zx_channel_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);

/**
 * Reads the next message of a channel: the whole message, or no part of it.
 *
 * The buffers hold @p num_bytes bytes and @p num_handles handles. @p actual_bytes and @p actual_handles, both optional, get
 * the sizes of the message, also when it does not fit. This process owns the handles from then on. If the buffers overlap,
 * the handles are stored after the bytes.
 *
 * @p options may be ZX_CHANNEL_READ_MAY_DISCARD: a message that does not fit is discarded with its handles.
 *
 * Rights: ZX_RIGHT_READ.
 *
 * - ZX_OK
 * - ZX_ERR_SHOULD_WAIT: the channel has no message.
 * - ZX_ERR_PEER_CLOSED: the channel has no message, and the other end is closed.
 * - ZX_ERR_BUFFER_TOO_SMALL: the message does not fit. It stays, unless @p options says otherwise.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a channel.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_READ.
 * - ZX_ERR_NOT_SUPPORTED: @p options has another bit.
 * - ZX_ERR_INVALID_ARGS: one of the four pointers cannot be written. The message stays; Zircon may lose it.
 * - ZX_ERR_NO_RESOURCES: this process has no room for the message's handles
 *   (jacinth_config_t::max_handles_per_process). The message stays.
 */
zx_status_t zx_channel_read(zx_handle_t handle, uint32_t options, void* bytes, zx_handle_t* handles,
                            uint32_t num_bytes, uint32_t num_handles, uint32_t* actual_bytes,
                            uint32_t* actual_handles);
zx_status_t _zx_channel_read(zx_handle_t handle, uint32_t options, void* bytes, zx_handle_t* handles,
                             uint32_t num_bytes, uint32_t num_handles, uint32_t* actual_bytes,
                             uint32_t* actual_handles);

/**
 * Does the same as zx_channel_read(), and stores each handle with its rights and the type of its object.
 *
 * Follows docs/syscalls/channel_read.md.
 */
zx_status_t zx_channel_read_etc(zx_handle_t handle, uint32_t options, void* bytes, zx_handle_info_t* handles,
                                uint32_t num_bytes, uint32_t num_handles, uint32_t* actual_bytes,
                                uint32_t* actual_handles);
zx_status_t _zx_channel_read_etc(zx_handle_t handle, uint32_t options, void* bytes,
                                 zx_handle_info_t* handles, uint32_t num_bytes, uint32_t num_handles,
                                 uint32_t* actual_bytes, uint32_t* actual_handles);

/**
 * Writes a message of up to ZX_CHANNEL_MAX_MSG_BYTES bytes and ZX_CHANNEL_MAX_MSG_HANDLES handles to a channel.
 *
 * The call consumes the handles, also when it fails. The exceptions are the three errors that only jacinth has: after
 * ZX_ERR_SHOULD_WAIT, ZX_ERR_NO_RESOURCES and ZX_ERR_BAD_STATE this process keeps the handles, so that it can write the
 * message again.
 *
 * @p options must be 0.
 *
 * Rights: ZX_RIGHT_WRITE, and ZX_RIGHT_TRANSFER on each of @p handles.
 *
 * - ZX_OK
 * - ZX_ERR_PEER_CLOSED: the other end is closed.
 * - ZX_ERR_BAD_HANDLE: @p handle or one of @p handles is not a handle of this process, or one of @p handles is repeated.
 * - ZX_ERR_WRONG_TYPE: @p handle is not a channel.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WRITE, or one of @p handles lacks ZX_RIGHT_TRANSFER.
 * - ZX_ERR_NOT_SUPPORTED: the end written to is itself among @p handles.
 * - ZX_ERR_OUT_OF_RANGE: the message has too many bytes or handles.
 * - ZX_ERR_INVALID_ARGS: @p options is not 0, or @p bytes or @p handles cannot be read.
 * - ZX_ERR_NO_MEMORY: the arena has no memory left for messages of this size.
 * - ZX_ERR_SHOULD_WAIT: the channel is full (jacinth_config_t::max_pending_messages). Try again when the channel has
 *   ZX_CHANNEL_WRITABLE. Zircon has no such limit, and runs out of memory instead.
 * - ZX_ERR_NO_RESOURCES: the unread messages of this process have reached its quota of messages or of memory
 *   (jacinth_config_t::max_pending_messages_per_process, max_block_bytes_per_process). Zircon has no such quota. The channel
 *   has no ZX_CHANNEL_WRITABLE until a write of that size can succeed.
 * - ZX_ERR_BAD_STATE: one of @p handles is an end of a channel whose memory is lent to this process (jacinth/in_place.h). All
 *   of them stay open.
 */
zx_status_t zx_channel_write(zx_handle_t handle, uint32_t options, const void* bytes, uint32_t num_bytes,
                             const zx_handle_t* handles, uint32_t num_handles);
zx_status_t _zx_channel_write(zx_handle_t handle, uint32_t options, const void* bytes, uint32_t num_bytes,
                              const zx_handle_t* handles, uint32_t num_handles);

/**
 * Writes a message to a channel and waits for its reply.
 *
 * The call replaces the first four bytes of the message by a transaction id, 0x80000000 or more, that no other pending call
 * at this end has. The message that comes back with the same four bytes is the reply. It goes to this call and not to
 * zx_channel_read(), also when other messages come before it. So any number of threads may call at one end, and replies may
 * come in any order. Messages that are not replies should begin with a number below 0x80000000.
 *
 * @p args has the request and the buffers for the reply. @p actual_bytes and @p actual_handles get the sizes of the reply.
 * The call consumes the handles of the request, as zx_channel_write() does.
 *
 * @p options must be 0.
 *
 * Rights: ZX_RIGHT_READ and ZX_RIGHT_WRITE, and ZX_RIGHT_TRANSFER on each handle written.
 *
 * - ZX_OK
 * - ZX_ERR_TIMED_OUT: the deadline passed first. zx_channel_read() reads a reply that comes later. A program that never
 *   reads from an end makes its channel with jacinth_channel_create(), because late replies accumulate there.
 * - ZX_ERR_PEER_CLOSED: the other end is closed, or was closed before it replied.
 * - ZX_ERR_CANCELED: another thread closed @p handle, replaced it or sent it away.
 * - ZX_ERR_BUFFER_TOO_SMALL: the reply does not fit. It is discarded.
 * - ZX_ERR_INVALID_ARGS: @p options is not 0, the message has fewer than four bytes, or a required pointer cannot be read or
 *   written.
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED, ZX_ERR_NOT_SUPPORTED, ZX_ERR_OUT_OF_RANGE,
 *   ZX_ERR_NO_MEMORY, ZX_ERR_SHOULD_WAIT, ZX_ERR_NO_RESOURCES: as zx_channel_write().
 * - ZX_ERR_NO_MEMORY also when this process has no room for the reply's handles: the message was written, and the
 *   reply stays for zx_channel_read().
 *
 * Different from Zircon: when the end of a call is sent to another process, the call ends with ZX_ERR_CANCELED. In Zircon
 * the reply goes with the end.
 */
zx_status_t zx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                            const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                            uint32_t* actual_handles);
zx_status_t _zx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                             const zx_channel_call_args_t* args, uint32_t* actual_bytes,
                             uint32_t* actual_handles);

/*
 * Sockets.
 */

/**
 * Makes a socket: bytes, or datagrams, written at one end are read at the other. It holds 257,024 bytes each way. Each handle
 * has ZX_DEFAULT_SOCKET_RIGHTS.
 *
 * @p options is ZX_SOCKET_STREAM or ZX_SOCKET_DATAGRAM, with ZX_SOCKET_HAS_CONTROL for a control plane, and
 * ZX_SOCKET_HAS_ACCEPT for zx_socket_share() and zx_socket_accept().
 *
 * - ZX_OK: @p out0 and @p out1 have a handle to each end.
 * - ZX_ERR_INVALID_ARGS: @p options has another bit, or @p out0 or @p out1 cannot be written.
 * - ZX_ERR_NO_RESOURCES: as zx_event_create(). Zircon returns ZX_ERR_NO_MEMORY.
 */
zx_status_t zx_socket_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);
zx_status_t _zx_socket_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);

/**
 * Writes to a socket: of a stream as many of the @p buffer_size bytes as there is room for; a datagram whole. @p actual,
 * optional, gets how many were written. No bytes at all are no datagram.
 *
 * With the option ZX_SOCKET_CONTROL the bytes are a message of the control plane, which holds one each way, of up to 1024
 * bytes.
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK: one or more bytes were written, or @p buffer_size is 0.
 * - ZX_ERR_INVALID_ARGS: @p options has another bit; @p buffer cannot be read; @p actual is not NULL and cannot be written;
 *   @p buffer_size is for data, and does not fit into 32 bits; or a message of the control plane is empty.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a socket.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WRITE.
 * - ZX_ERR_PEER_CLOSED: the other end is closed.
 * - ZX_ERR_BAD_STATE: zx_socket_shutdown() has ended writing at this end; or the socket has no control plane.
 * - ZX_ERR_SHOULD_WAIT: there is no room; of datagrams, no room for this one, or 1024 are unread already; of the control
 *   plane, the message before is unread. A stream whose end has had a second handle has room for 1024 unread writes.
 * - ZX_ERR_OUT_OF_RANGE: the datagram is larger than the socket, or the message of the control plane than 1024 bytes.
 * - ZX_ERR_NO_MEMORY: the arena's pools have no room.
 * - ZX_ERR_NO_RESOURCES: this process has reached its limit of memory.
 */
zx_status_t zx_socket_write(zx_handle_t handle, uint32_t options, const void* buffer, size_t buffer_size,
                            size_t* actual);
zx_status_t _zx_socket_write(zx_handle_t handle, uint32_t options, const void* buffer, size_t buffer_size,
                             size_t* actual);

/**
 * Reads from a socket: of a stream as many bytes as there are, up to @p buffer_size; or the first datagram. What does not fit
 * of a datagram is gone; a read of no bytes leaves it. @p actual, optional, gets how many were read.
 *
 * With the option ZX_SOCKET_CONTROL it reads the message of the control plane, and what does not fit is gone. With
 * ZX_SOCKET_PEEK, also beside it, what is read stays in the socket.
 *
 * Rights: ZX_RIGHT_READ.
 *
 * - ZX_OK: the bytes are in @p buffer.
 * - ZX_ERR_INVALID_ARGS: @p options has another bit; @p buffer cannot be written; @p actual is not NULL and cannot be
 *   written; or @p buffer_size is for data, and does not fit into 32 bits.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a socket.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_READ.
 * - ZX_ERR_PEER_CLOSED: nothing is unread, and the other end is closed. The control plane returns ZX_ERR_SHOULD_WAIT then.
 * - ZX_ERR_BAD_STATE: nothing is unread, and zx_socket_shutdown() has ended the direction; or the socket has no control
 *   plane.
 * - ZX_ERR_SHOULD_WAIT: nothing is unread.
 *
 * Different from Zircon: while others read at the same end, the rest of @p buffer may be overwritten.
 */
zx_status_t zx_socket_read(zx_handle_t handle, uint32_t options, void* buffer, size_t buffer_size, size_t* actual);
zx_status_t _zx_socket_read(zx_handle_t handle, uint32_t options, void* buffer, size_t buffer_size,
                            size_t* actual);

/**
 * Ends writing at this end (ZX_SOCKET_SHUTDOWN_WRITE), reading (ZX_SOCKET_SHUTDOWN_READ), or both, for good. What was written
 * before can still be read; then reads and writes of the direction return ZX_ERR_BAD_STATE. The control plane goes on.
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK: it is ended, now or earlier.
 * - ZX_ERR_INVALID_ARGS: @p options has another bit.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a socket.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WRITE.
 */
zx_status_t zx_socket_shutdown(zx_handle_t handle, uint32_t options);
zx_status_t _zx_socket_shutdown(zx_handle_t handle, uint32_t options);

/**
 * Puts @p socket_to_share into the queue of the other end of @p handle, where zx_socket_accept() takes it out. The queue has
 * one place. @p socket_to_share is gone afterwards; after an error it is closed.
 *
 * Rights: ZX_RIGHT_WRITE; of @p socket_to_share, ZX_RIGHT_TRANSFER.
 *
 * - ZX_OK: it is in the queue.
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: one of the handles is none of this process, is not a socket,
 *   or lacks its right.
 * - ZX_ERR_BAD_STATE: @p socket_to_share is an end of the same socket, or was made with ZX_SOCKET_HAS_ACCEPT.
 * - ZX_ERR_NOT_SUPPORTED: @p handle was made without ZX_SOCKET_HAS_ACCEPT.
 * - ZX_ERR_PEER_CLOSED: the other end of @p handle is closed.
 * - ZX_ERR_SHOULD_WAIT: a socket is in the queue already.
 * - ZX_ERR_NO_MEMORY, ZX_ERR_NO_RESOURCES: the first socket that is shared finds no memory for the queue.
 */
zx_status_t zx_socket_share(zx_handle_t handle, zx_handle_t socket_to_share);
zx_status_t _zx_socket_share(zx_handle_t handle, zx_handle_t socket_to_share);

/**
 * Takes the socket out of the queue of this end. The handle has the rights that it was shared with.
 *
 * Rights: ZX_RIGHT_READ.
 *
 * - ZX_OK: @p out_socket has the handle.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a socket.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_READ.
 * - ZX_ERR_INVALID_ARGS: @p out_socket cannot be written. The queue stays as it is.
 * - ZX_ERR_NOT_SUPPORTED: @p handle was made without ZX_SOCKET_HAS_ACCEPT.
 * - ZX_ERR_SHOULD_WAIT: the queue is empty.
 * - ZX_ERR_NO_RESOURCES: this process has no room for another handle. The queue stays as it is.
 */
zx_status_t zx_socket_accept(zx_handle_t handle, zx_handle_t* out_socket);
zx_status_t _zx_socket_accept(zx_handle_t handle, zx_handle_t* out_socket);

/*
 * Fifos.
 */

/**
 * Makes a fifo: elements of one size, written at one end, are read at the other, in order. Each direction has room for
 * @p elem_count elements of @p elem_size bytes. Each handle has ZX_DEFAULT_FIFO_RIGHTS.
 *
 * @p options must be 0.
 *
 * - ZX_OK: @p out0 and @p out1 have a handle to each end.
 * - ZX_ERR_INVALID_ARGS: @p options is not 0, or @p out0 or @p out1 cannot be written.
 * - ZX_ERR_OUT_OF_RANGE: @p elem_count or @p elem_size is 0, @p elem_count is no power of two, or their product is more than
 *   4096.
 * - ZX_ERR_NO_MEMORY: the arena's pools have no room.
 * - ZX_ERR_NO_RESOURCES: as zx_event_create(), or this process has reached its limit of memory. Zircon returns
 *   ZX_ERR_NO_MEMORY.
 */
zx_status_t zx_fifo_create(size_t elem_count, size_t elem_size, uint32_t options, zx_handle_t* out0,
                           zx_handle_t* out1);
zx_status_t _zx_fifo_create(size_t elem_count, size_t elem_size, uint32_t options, zx_handle_t* out0,
                            zx_handle_t* out1);

/**
 * Writes up to @p count elements to a fifo: as many as there is room for. @p data is an array of @p count elements of
 * @p elem_size bytes. @p actual_count, optional, gets how many were written. A @p count of 1 needs no @p actual_count.
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK: one or more elements were written.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a fifo.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WRITE.
 * - ZX_ERR_INVALID_ARGS: @p data cannot be read, or @p actual_count is not NULL and cannot be written. No element is written.
 * - ZX_ERR_PEER_CLOSED: the other end is closed.
 * - ZX_ERR_OUT_OF_RANGE: @p count is 0, or @p elem_size is not the fifo's.
 * - ZX_ERR_SHOULD_WAIT: the fifo is full.
 * - ZX_ERR_NO_MEMORY: the arena's pools have no room. Only once this end has had a second handle, each write takes a block of
 *   memory, until its elements are read. In Zircon no write takes memory.
 * - ZX_ERR_NO_RESOURCES: so too, when this process has reached its limit of memory.
 */
zx_status_t zx_fifo_write(zx_handle_t handle, size_t elem_size, const void* data, size_t count,
                          size_t* actual_count);
zx_status_t _zx_fifo_write(zx_handle_t handle, size_t elem_size, const void* data, size_t count,
                           size_t* actual_count);

/**
 * Reads up to @p count elements from a fifo: as many as there are. @p data has room for @p count elements of @p elem_size
 * bytes. @p actual_count, optional, gets how many were read. A @p count of 1 needs no @p actual_count.
 *
 * Elements that were written before the other end was closed can be read afterwards.
 *
 * Rights: ZX_RIGHT_READ.
 *
 * - ZX_OK: one or more elements were read.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a fifo.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_READ.
 * - ZX_ERR_INVALID_ARGS: @p data cannot be written, or @p actual_count is not NULL and cannot be written. No element is read.
 * - ZX_ERR_OUT_OF_RANGE: @p count is 0, or @p elem_size is not the fifo's.
 * - ZX_ERR_SHOULD_WAIT: the fifo is empty.
 * - ZX_ERR_PEER_CLOSED: the fifo is empty, and the other end is closed.
 *
 * Different from Zircon: while others read at the same end, the rest of @p data may be overwritten.
 */
zx_status_t zx_fifo_read(zx_handle_t handle, size_t elem_size, void* data, size_t count, size_t* actual_count);
zx_status_t _zx_fifo_read(zx_handle_t handle, size_t elem_size, void* data, size_t count,
                          size_t* actual_count);

/**
 * Makes a VM object of @p size bytes, rounded up to whole pages of 4,096 bytes. The bytes are 0, and take memory when they are
 * first written. The handle has ZX_DEFAULT_VMO_RIGHTS.
 *
 * @p options is 0 or ZX_VMO_NON_RESIZABLE.
 *
 * - ZX_OK: @p out has a handle.
 * - ZX_ERR_INVALID_ARGS: @p options has other bits, or @p out cannot be written.
 * - ZX_ERR_OUT_OF_RANGE: no VM object can be so large.
 * - ZX_ERR_NO_MEMORY: none of this arena can (jacinth_config_t::vmo_pool_bytes).
 * - ZX_ERR_NO_RESOURCES: as zx_event_create().
 */
zx_status_t zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out);
zx_status_t _zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out);

/**
 * Reads @p buffer_size bytes of a VM object from @p offset on.
 *
 * Rights: ZX_RIGHT_READ.
 *
 * - ZX_OK: @p buffer has all the bytes.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a VM object.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_READ.
 * - ZX_ERR_OUT_OF_RANGE: the object has fewer bytes.
 * - ZX_ERR_INVALID_ARGS: @p buffer cannot be written.
 */
zx_status_t zx_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t buffer_size);
zx_status_t _zx_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t buffer_size);

/**
 * Writes @p buffer_size bytes to a VM object from @p offset on.
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK: all the bytes are written.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a VM object.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WRITE.
 * - ZX_ERR_OUT_OF_RANGE: the object has fewer bytes. None is written.
 * - ZX_ERR_INVALID_ARGS: @p buffer cannot be read. None is written.
 * - ZX_ERR_NO_MEMORY: the arena's address space for VM objects is used up. The first bytes may be written.
 * - ZX_ERR_NO_RESOURCES: so too, when this process has reached its limit of it.
 */
zx_status_t zx_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset, size_t buffer_size);
zx_status_t _zx_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset, size_t buffer_size);

/**
 * Clones a VM object: makes one of @p size bytes with those of @p handle from @p offset on, and zeros behind its end. The new
 * handle has the rights of @p handle, and ZX_RIGHT_WRITE. The bytes are copied at once: later writes to the parent do not show
 * in the clone, where Zircon shows those to pages that the clone has not written. ZX_VMO_ZERO_CHILDREN of the parent is active
 * again when all its clones are closed and unmapped.
 *
 * @p options has ZX_VMO_CLONE_COPY_ON_WRITE, and may have ZX_VMO_CLONE_NON_RESIZEABLE.
 *
 * Rights: ZX_RIGHT_DUPLICATE and ZX_RIGHT_READ.
 *
 * - ZX_OK: @p out has a handle to the clone.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a VM object.
 * - ZX_ERR_ACCESS_DENIED: it lacks a right.
 * - ZX_ERR_INVALID_ARGS: @p options lacks ZX_VMO_CLONE_COPY_ON_WRITE or has other bits, @p offset is no multiple of the page
 *   size, or @p out cannot be written.
 * - ZX_ERR_OUT_OF_RANGE: @p offset + @p size is more than 64 bits, or no VM object can be so large.
 * - ZX_ERR_NO_MEMORY: as zx_vmo_create() and zx_vmo_write().
 * - ZX_ERR_NO_RESOURCES: so too; and for the 513th living clone of one object.
 */
zx_status_t zx_vmo_clone(zx_handle_t handle, uint32_t options, uint64_t offset, uint64_t size, zx_handle_t* out);
zx_status_t _zx_vmo_clone(zx_handle_t handle, uint32_t options, uint64_t offset, uint64_t size, zx_handle_t* out);

/**
 * Stores the size of a VM object in bytes: whole pages. Needs no right.
 *
 * - ZX_OK: @p size has it.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a VM object.
 * - ZX_ERR_INVALID_ARGS: @p size cannot be written.
 */
zx_status_t zx_vmo_get_size(zx_handle_t handle, uint64_t* size);
zx_status_t _zx_vmo_get_size(zx_handle_t handle, uint64_t* size);

/**
 * Sets the size of a VM object, rounded up to whole pages. New bytes are 0. The memory of bytes that are cut goes back to the
 * system.
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK: the object has the size.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a VM object.
 * - ZX_ERR_ACCESS_DENIED: it lacks ZX_RIGHT_WRITE.
 * - ZX_ERR_UNAVAILABLE: the object was made with ZX_VMO_NON_RESIZABLE.
 * - ZX_ERR_OUT_OF_RANGE: no VM object of this arena can be so large.
 */
zx_status_t zx_vmo_set_size(zx_handle_t handle, uint64_t size);
zx_status_t _zx_vmo_set_size(zx_handle_t handle, uint64_t size);

/**
 * Does an operation on the pages of a VM object that @p size bytes from @p offset on touch. @p buffer and @p buffer_size are
 * not used.
 *
 * - ZX_VMO_OP_COMMIT: the system provides memory for the pages now. Rights: ZX_RIGHT_WRITE.
 * - ZX_VMO_OP_DECOMMIT: their memory goes back to the system, and they are 0. Rights: ZX_RIGHT_WRITE.
 * - ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_CLEAN, ZX_VMO_OP_CACHE_CLEAN_INVALIDATE: only the range is checked, as the caches
 *   of this machine agree by themselves. Rights: ZX_RIGHT_READ.
 * - ZX_VMO_OP_CACHE_INVALIDATE: the same. Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK: it is done. The first two cut off what is behind the end of the object.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a VM object.
 * - ZX_ERR_ACCESS_DENIED: it lacks the right.
 * - ZX_ERR_INVALID_ARGS: there is no such operation, or @p size is 0 and it is one of the cache.
 * - ZX_ERR_NOT_SUPPORTED: @p op is ZX_VMO_OP_LOCK or ZX_VMO_OP_UNLOCK.
 * - ZX_ERR_OUT_OF_RANGE: the range begins behind the end of the object; of a cache operation, it ends behind it.
 * - ZX_ERR_NO_MEMORY: the system or the arena has no memory for ZX_VMO_OP_COMMIT.
 * - ZX_ERR_NO_RESOURCES: this process has reached its limit of it.
 */
zx_status_t zx_vmo_op_range(zx_handle_t handle, uint32_t op, uint64_t offset, uint64_t size, void* buffer,
                            size_t buffer_size);
zx_status_t _zx_vmo_op_range(zx_handle_t handle, uint32_t op, uint64_t offset, uint64_t size, void* buffer,
                             size_t buffer_size);

/**
 * Maps @p len bytes of a VM object, from @p vmo_offset on, into the address space of this process: zx_vmar_root_self(). The mapping
 * stands until zx_vmar_unmap(), also when @p vmo is closed. Bytes behind the end of the object can be read, and are 0; when it
 * grows, they are its bytes. So no change of its size makes a reader fault.
 *
 * @p options are of ZX_VM_PERM_READ, ZX_VM_PERM_WRITE, ZX_VM_PERM_EXECUTE, ZX_VM_MAP_RANGE, ZX_VM_REQUIRE_NON_RESIZABLE, and
 * ZX_VM_SPECIFIC: then @p vmar_offset is the address, at which nothing may be. Without it, @p vmar_offset is 0. A child of
 * fork() does not have the mapping.
 *
 * Rights: of @p vmo ZX_RIGHT_MAP; of both handles ZX_RIGHT_READ, ZX_RIGHT_WRITE and ZX_RIGHT_EXECUTE for the PERM of that name.
 * Where ZX_RIGHT_WRITE is missing, the kernel refuses any access to write, also by mprotect().
 *
 * - ZX_OK: @p mapped_addr has the address.
 * - ZX_ERR_BAD_HANDLE: @p handle or @p vmo is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: they are not an address space and a VM object.
 * - ZX_ERR_ACCESS_DENIED: one lacks a right, or the system refuses ZX_VM_PERM_EXECUTE.
 * - ZX_ERR_INVALID_ARGS: @p options has other bits, or ZX_VM_PERM_WRITE or ZX_VM_PERM_EXECUTE without ZX_VM_PERM_READ;
 *   @p vmar_offset, @p vmo_offset or @p len is no multiple of the page size, or @p len is 0; or @p mapped_addr cannot be written.
 * - ZX_ERR_NOT_SUPPORTED: @p handle is the address space of another process; @p options has ZX_VM_SPECIFIC_OVERWRITE; the object
 *   can be resized, and ZX_VM_REQUIRE_NON_RESIZABLE asks for one that cannot.
 * - ZX_ERR_NO_MEMORY: there is no address space, something is at the address of ZX_VM_SPECIFIC, or no VM object of this arena
 *   can be so large.
 * - ZX_ERR_NO_RESOURCES: this process has reached its limit of handles or of address space for VM objects.
 */
zx_status_t zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, uint64_t vmar_offset, zx_handle_t vmo,
                        uint64_t vmo_offset, uint64_t len, zx_vaddr_t* mapped_addr);
zx_status_t _zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, uint64_t vmar_offset, zx_handle_t vmo,
                         uint64_t vmo_offset, uint64_t len, zx_vaddr_t* mapped_addr);

/**
 * Unmaps what is mapped of VM objects in a range. A mapping that is partly in it is split. No thread may use the memory any more.
 * An access to it faults from then on. The process may retain the addresses of up to 16 whole mappings, 128 MiB in all, without
 * access, for a later zx_vmar_map() of the same bytes; a program must not map anything of its own there with MAP_FIXED.
 * ZX_VM_SPECIFIC gets the addresses that it asks for.
 *
 * - ZX_OK: nothing of a VM object is mapped there.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not an address space.
 * - ZX_ERR_NOT_SUPPORTED: it is that of another process.
 * - ZX_ERR_INVALID_ARGS: @p addr or @p len is no multiple of the page size, or @p len is 0.
 * - ZX_ERR_NOT_FOUND: nothing of a VM object was mapped there.
 */
zx_status_t zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, uint64_t len);
zx_status_t _zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, uint64_t len);

/**
 * Changes the access to a range, all of which is mapped of VM objects. @p options are of ZX_VM_PERM_READ, ZX_VM_PERM_WRITE and
 * ZX_VM_PERM_EXECUTE. No thread may rely on access that is taken away.
 *
 * Rights: ZX_RIGHT_READ, ZX_RIGHT_WRITE and ZX_RIGHT_EXECUTE for the PERM of that name. The handles of zx_vmar_map() must have
 * had them, too.
 *
 * - ZX_OK: the access is this one.
 * - ZX_ERR_BAD_HANDLE: @p handle is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not an address space.
 * - ZX_ERR_NOT_SUPPORTED: it is that of another process.
 * - ZX_ERR_ACCESS_DENIED: a right is missing, or was when the range was mapped.
 * - ZX_ERR_INVALID_ARGS: @p options has other bits, or ZX_VM_PERM_WRITE or ZX_VM_PERM_EXECUTE without ZX_VM_PERM_READ; @p addr
 *   or @p len is no multiple of the page size, or @p len is 0.
 * - ZX_ERR_NOT_FOUND: some of the range is not mapped.
 */
zx_status_t zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr, uint64_t len);
zx_status_t _zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr, uint64_t len);

/*
 * Time. These need no arena.
 */

/** The time of a clock: ZX_CLOCK_MONOTONIC, ZX_CLOCK_UTC or ZX_CLOCK_THREAD. 0 if the clock does not exist. */
zx_time_t zx_clock_get(zx_clock_t clock_id);
zx_time_t _zx_clock_get(zx_clock_t clock_id);

/**
 * Stores the time of a clock.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: the clock does not exist, or @p out cannot be written.
 */
zx_status_t zx_clock_get_new(zx_clock_t clock_id, zx_time_t* out);
zx_status_t _zx_clock_get_new(zx_clock_t clock_id, zx_time_t* out);

/** The time of ZX_CLOCK_MONOTONIC. It is Linux's CLOCK_MONOTONIC, which does not run while the machine sleeps. */
zx_time_t zx_clock_get_monotonic(void);
zx_time_t _zx_clock_get_monotonic(void);

/**
 * The number of ticks since the machine started.
 *
 * A tick is a nanosecond of ZX_CLOCK_MONOTONIC here. Linux does not tell programs the rate of the processor's counter.
 */
uint64_t zx_ticks_get(void);
uint64_t _zx_ticks_get(void);

/** The number of ticks in a second: 1,000,000,000. */
uint64_t zx_ticks_per_second(void);
uint64_t _zx_ticks_per_second(void);

/** Sleeps until the deadline. With a deadline of 0 or less it yields the processor once. Always ZX_OK. */
zx_status_t zx_nanosleep(zx_time_t deadline);
zx_status_t _zx_nanosleep(zx_time_t deadline);

/** The instant @p nanoseconds from now; ZX_TIME_INFINITE if it cannot be represented. */
zx_time_t zx_deadline_after(zx_duration_t nanoseconds);
zx_time_t _zx_deadline_after(zx_duration_t nanoseconds);

/*
 * Futexes. They work among the threads of this process, as in Zircon. They need no arena, except to set an owner or to ask
 * for one.
 *
 * A futex can have an owner: a thread of this process that does not sleep on it. In Zircon the owner inherits the priority
 * of the sleepers. Here it does not. A futex without sleepers has no owner.
 *
 * An aligned pointer is a multiple of four. In a signal handler that interrupted one of these calls, each of them returns
 * ZX_ERR_BAD_STATE.
 */

/**
 * If *@p value_ptr is @p current_value, sleeps until another thread wakes it, or until the deadline. The call makes
 * @p new_futex_owner the futex's owner; with ZX_HANDLE_INVALID the futex has no owner. A timeout does not change the owner.
 *
 * The call may also return without a wake. The program must check its condition again.
 *
 * Rights: none.
 *
 * - ZX_OK: it was woken.
 * - ZX_ERR_BAD_STATE: *@p value_ptr is not @p current_value. This error comes before errors of @p new_futex_owner.
 * - ZX_ERR_TIMED_OUT: the deadline passed first.
 * - ZX_ERR_INVALID_ARGS: @p value_ptr is not aligned or cannot be read; or @p new_futex_owner is the calling thread, one
 *   that sleeps on @p value_ptr, one of another process, or one that has ended.
 * - ZX_ERR_BAD_HANDLE: @p new_futex_owner is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a thread.
 */
zx_status_t zx_futex_wait(const zx_futex_t* value_ptr, zx_futex_t current_value, zx_handle_t new_futex_owner,
                          zx_time_t deadline);
zx_status_t _zx_futex_wait(const zx_futex_t* value_ptr, zx_futex_t current_value,
                           zx_handle_t new_futex_owner, zx_time_t deadline);

/**
 * Wakes up to @p wake_count threads that sleep on @p value_ptr, in the order in which they came, and clears the futex's
 * owner. The call succeeds also if no thread sleeps there, and if the memory is not mapped.
 *
 * Rights: none.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: @p value_ptr is NULL or not aligned.
 */
zx_status_t zx_futex_wake(const zx_futex_t* value_ptr, uint32_t wake_count);
zx_status_t _zx_futex_wake(const zx_futex_t* value_ptr, uint32_t wake_count);

/**
 * If *@p value_ptr is @p current_value: wakes up to @p wake_count threads that sleep on it, clears its owner, and moves up to
 * @p requeue_count of the other sleepers to @p requeue_ptr. It makes @p new_requeue_owner the owner of @p requeue_ptr; with
 * ZX_HANDLE_INVALID that has no owner.
 *
 * Rights: none.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_STATE: *@p value_ptr is not @p current_value. This error comes before errors of @p new_requeue_owner.
 * - ZX_ERR_INVALID_ARGS: the two pointers are equal, or one is not aligned or cannot be read; or @p new_requeue_owner is a
 *   thread that sleeps on one of them, a thread of another process, or a thread that has ended.
 * - ZX_ERR_BAD_HANDLE: @p new_requeue_owner is not a handle of this process.
 * - ZX_ERR_WRONG_TYPE: it is not a thread.
 */
zx_status_t zx_futex_requeue(const zx_futex_t* value_ptr, uint32_t wake_count, zx_futex_t current_value,
                             const zx_futex_t* requeue_ptr, uint32_t requeue_count,
                             zx_handle_t new_requeue_owner);
zx_status_t _zx_futex_requeue(const zx_futex_t* value_ptr, uint32_t wake_count, zx_futex_t current_value,
                              const zx_futex_t* requeue_ptr, uint32_t requeue_count,
                              zx_handle_t new_requeue_owner);

/** Does the same as zx_futex_wake() with one thread, which becomes the owner of the futex if others still sleep on it. */
zx_status_t zx_futex_wake_single_owner(const zx_futex_t* value_ptr);
zx_status_t _zx_futex_wake_single_owner(const zx_futex_t* value_ptr);

/**
 * Does the same as zx_futex_requeue(), except that it wakes one thread, which becomes the owner of @p value_ptr if others still
 * sleep on it.
 */
zx_status_t zx_futex_requeue_single_owner(const zx_futex_t* value_ptr, zx_futex_t current_value,
                                          const zx_futex_t* requeue_ptr, uint32_t requeue_count,
                                          zx_handle_t new_requeue_owner);
zx_status_t _zx_futex_requeue_single_owner(const zx_futex_t* value_ptr, zx_futex_t current_value,
                                           const zx_futex_t* requeue_ptr, uint32_t requeue_count,
                                           zx_handle_t new_requeue_owner);

/**
 * Stores the koid of the thread that owns a futex; ZX_KOID_INVALID if it has no owner.
 *
 * Rights: none.
 *
 * - ZX_OK
 * - ZX_ERR_INVALID_ARGS: @p value_ptr is not aligned or cannot be read, or @p koid cannot be written.
 */
zx_status_t zx_futex_get_owner(const zx_futex_t* value_ptr, zx_koid_t* koid);
zx_status_t _zx_futex_get_owner(const zx_futex_t* value_ptr, zx_koid_t* koid);

/** Does the same as zx_futex_wait() with ZX_HANDLE_INVALID for the owner: its form before futexes had owners. */
zx_status_t zx_futex_wait_deprecated(const zx_futex_t* value_ptr, int32_t current_value, zx_time_t deadline);
zx_status_t _zx_futex_wait_deprecated(const zx_futex_t* value_ptr, int32_t current_value, zx_time_t deadline);

/** Does the same as zx_futex_requeue() with ZX_HANDLE_INVALID for the owner: its form before futexes had owners. */
zx_status_t zx_futex_requeue_deprecated(const zx_futex_t* wake_ptr, uint32_t wake_count, int32_t current_value,
                                        const zx_futex_t* requeue_ptr, uint32_t requeue_count);
zx_status_t _zx_futex_requeue_deprecated(const zx_futex_t* wake_ptr, uint32_t wake_count,
                                         int32_t current_value, const zx_futex_t* requeue_ptr,
                                         uint32_t requeue_count);

/*
 * The machine. These need no arena.
 */

/**
 * Fills memory with unpredictable random bytes. The call cannot fail. As in Zircon, a bad buffer ends the process.
 */
void zx_cprng_draw(void* buffer, size_t buffer_size);
void _zx_cprng_draw(void* buffer, size_t buffer_size);

/** The size of a line of the processor's data cache in bytes; 64 if Linux does not know it. */
uint32_t zx_system_get_dcache_line_size(void);
uint32_t _zx_system_get_dcache_line_size(void);

/** The number of processors that are online. */
uint32_t zx_system_get_num_cpus(void);
uint32_t _zx_system_get_num_cpus(void);

/** The memory of the machine in bytes. */
uint64_t zx_system_get_physmem(void);
uint64_t _zx_system_get_physmem(void);

/**
 * Stores the version of the system, here of jacinth, as a string that ends in a NUL. 64 bytes are always enough.
 *
 * - ZX_OK
 * - ZX_ERR_BUFFER_TOO_SMALL: @p version_size is less than the size of the string with its NUL.
 * - ZX_ERR_INVALID_ARGS: @p version cannot be written.
 */
zx_status_t zx_system_get_version(char* version, size_t version_size);
zx_status_t _zx_system_get_version(char* version, size_t version_size);

/*
 * Ends.
 */

/**
 * Ends this process at once, without the handlers of atexit(). Its handles are closed.
 *
 * Different from Zircon: Linux keeps the lowest eight bits of @p retcode.
 */
void zx_process_exit(int64_t retcode) __NO_RETURN;
void _zx_process_exit(int64_t retcode) __NO_RETURN;

/**
 * Ends this thread, as pthread_exit() does. When the program's last thread ends, the process ends with 0.
 */
void zx_thread_exit(void) __NO_RETURN;
void _zx_thread_exit(void) __NO_RETURN;

__END_CDECLS

#endif /* ZIRCON_SYSCALLS_H_ */
