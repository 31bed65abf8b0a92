/**
 * @file
 * Messages and buffers without copies: memory of the arena that a program fills and reads where it lies. jacinth.h includes
 * this header.
 *
 * | | a loan | a buffer |
 * |---|---|---|
 * | is | a message | an object, with handles |
 * | is read by | the one reader of its channel | all who have a handle, in any process, and those they send it on to |
 * | its memory is free | when the reader has finished, for the channel's next loan | when the last handle is closed |
 * | costs | less | a handle more for each receiver |
 *
 * A sender fills a loan, and its reader reads it in place:
 *
 *     jacinth_loan_t loan;
 *     while ((status = jacinth_channel_reserve(ours, size, 0, 0, &loan)) == ZX_ERR_SHOULD_WAIT ||
 *            status == ZX_ERR_NO_MEMORY || status == ZX_ERR_NO_RESOURCES)
 *         zx_object_wait_one(ours, ZX_CHANNEL_WRITABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL);
 *     if (status == ZX_OK) {
 *         fill(loan.data, loan.num_bytes);
 *         status = jacinth_loan_commit(&loan, NULL, 0);
 *     }
 *
 *     jacinth_message_t message;
 *     if (jacinth_channel_read_in_place(theirs, 0, &message) == ZX_OK) {
 *         use(message.data, message.num_bytes);
 *         jacinth_message_release(&message);
 *     }
 *
 * A buffer goes to several receivers as a handle, by zx_channel_write(), and each may send it on in the same way. Nothing is
 * copied:
 *
 *     jacinth_buffer_mut_t filled;
 *     zx_handle_t frame, copy;
 *     jacinth_buffer_create(size, 0, &filled);
 *     fill(filled.data, filled.num_bytes);
 *     jacinth_buffer_freeze(&filled, &frame);
 *     zx_handle_duplicate(frame, ZX_RIGHT_SAME_RIGHTS, &copy);
 *     zx_channel_write(recorder, 0, "frame 1", 7, &copy, 1);
 *     zx_channel_write(screen, 0, "frame 1", 7, &frame, 1);      // The last handle of this process.
 *
 *     zx_channel_read(channel, 0, text, &frame, sizeof(text), 1, &num_bytes, &num_handles);
 *     jacinth_buffer_view_t view;
 *     jacinth_buffer_view(frame, &view);
 *     use(view.data, view.num_bytes);
 *     jacinth_buffer_view_release(&view);
 *     zx_channel_write(onward, 0, "frame 1", 7, &frame, 1);      // Forwarded; or zx_handle_close(frame).
 *
 * **The bytes.** While a program may read bytes here, no process writes to them: a loan and a buffer are written by their one
 * owner, before they are sent. All of this library rests on the trust that no process writes to the arena on its own.
 * The addresses are this process's; a pointer within the bytes means nothing in another one. A forked child has none of them.
 *
 * **The structures.** Each stands for something that this process was lent, until the call that ends it; that call fills the
 * structure with zeros. Programs read the members and do not change them. A structure may be copied and given to another thread.
 * The first copy that is used to end the loan, the message, the buffer or the view ends it; for the others the calls return
 * ZX_ERR_BAD_HANDLE. What a process was lent goes back when the process ends, however it ends.
 *
 * **Lent memory keeps its channel.** While a process has a loan of an end of a channel, or reads a message of it in place, the
 * end's handle can be neither closed nor replaced nor sent: zx_handle_close() and its like return ZX_ERR_BAD_STATE, and the handle
 * stays. A call that fails and has consumed such a handle ends its value; the end is closed when the last of its memory is back. A
 * buffer and a view keep nothing but their own memory.
 *
 * Pointers and statuses are as for all calls (zircon/syscalls.h): a pointer to memory that cannot be used is ZX_ERR_INVALID_ARGS,
 * and then the call has done nothing.
 */

#ifndef JACINTH_IN_PLACE_H_
#define JACINTH_IN_PLACE_H_

#include <stddef.h>
#include <stdint.h>

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** The type of a buffer. */
#define JACINTH_OBJ_TYPE_BUFFER ((zx_obj_type_t)130u)

/** The rights of a new buffer. The right to write is not among them: the bytes are written before there is a handle. */
#define JACINTH_BUFFER_DEFAULT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_SIGNAL)

/**
 * An option of the calls that give memory to be filled: the bytes are not zeroed first, which costs as much as a copy. The program
 * promises to write all of them. Those that it does not write are sent as they are, with bytes of older messages.
 */
#define JACINTH_UNINITIALIZED 1u

/** Room for a message, from jacinth_channel_reserve() to jacinth_loan_commit() or jacinth_loan_cancel(). */
typedef struct jacinth_loan_t {
    /** The bytes, to be written and read. They begin at a multiple of 64. */
    void* data;
    /** How many there are: the size of the message. */
    size_t num_bytes;
    /** What the calls know it by; 0 in a structure that is no loan. */
    uint64_t id;
} jacinth_loan_t;

/**
 * A message that is read where it lies, from jacinth_channel_read_in_place() to jacinth_message_finish(),
 * jacinth_message_finish_etc() or jacinth_message_release().
 */
typedef struct jacinth_message_t {
    /** The bytes, to be read. They begin at a multiple of 8, and those of a loan at one of 64. */
    const void* data;
    /** How many there are. */
    size_t num_bytes;
    /** How many handles came with them. */
    uint32_t num_handles;
    /** 0. */
    uint32_t unused;
    /** What the calls know it by; 0 in a structure that is no message. */
    uint64_t id;
} jacinth_message_t;

/**
 * A buffer that is being filled, from jacinth_buffer_create() or jacinth_channel_reserve_buffer() to jacinth_buffer_freeze() or
 * jacinth_buffer_discard().
 */
typedef struct jacinth_buffer_mut_t {
    /** The bytes, to be written and read. They begin at a multiple of 64. */
    void* data;
    /** How many there are: the size of the buffer. */
    size_t num_bytes;
    /** What the calls know it by; 0 in a structure that is no buffer. */
    uint64_t id;
} jacinth_buffer_mut_t;

/** The bytes of a buffer, from jacinth_buffer_view() to jacinth_buffer_view_release(). */
typedef struct jacinth_buffer_view_t {
    /** The bytes, to be read. They begin at a multiple of 64, and stay where and what they are. */
    const void* data;
    /** How many there are: the size of the buffer. */
    size_t num_bytes;
    /** What the calls know it by; 0 in a structure that is no view. */
    uint64_t id;
} jacinth_buffer_view_t;

/**
 * Stores room for a message of @p num_bytes bytes and up to @p num_handles handles, to be filled in place. @p num_bytes may be up
 * to jacinth_config_t::max_loan_bytes, which is more than zx_channel_write() takes.
 *
 * The bytes are zero, unless @p options is JACINTH_UNINITIALIZED; it is 0 otherwise. The loan holds the message's place in the
 * channel. Several loans of an end may exist, and are sent in the order of jacinth_loan_commit().
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_OK: @p loan has a loan.
 * - ZX_ERR_PEER_CLOSED: the other end is closed.
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: for @p channel.
 * - ZX_ERR_OUT_OF_RANGE: more bytes than max_loan_bytes, the handles' records of 8 bytes included, or more than
 *   ZX_CHANNEL_MAX_MSG_HANDLES handles.
 * - ZX_ERR_SHOULD_WAIT: the channel is full (jacinth_config_t::max_pending_messages).
 * - ZX_ERR_NO_MEMORY: the arena has no memory left for messages of this size.
 * - ZX_ERR_NO_RESOURCES: this process has reached its quota of messages or of memory, as for zx_channel_write().
 * - ZX_ERR_INVALID_ARGS: another option, or @p loan cannot be written.
 *
 * After ZX_ERR_SHOULD_WAIT, ZX_ERR_NO_MEMORY and ZX_ERR_NO_RESOURCES the channel has no ZX_CHANNEL_WRITABLE until it can give such
 * a loan: wait for that, and try again.
 */
zx_status_t jacinth_channel_reserve(zx_handle_t channel, size_t num_bytes, uint32_t num_handles, uint32_t options,
                                    jacinth_loan_t* loan);

/**
 * Sends a loan, with these handles. The message is like every other one: zx_channel_read() reads it too, if it fits.
 *
 * The call ends the loan, also when it fails, and consumes the handles, as zx_channel_write() does: after ZX_ERR_NO_RESOURCES and
 * ZX_ERR_BAD_STATE this process keeps them. There is no ZX_ERR_SHOULD_WAIT: the loan has held the message's place.
 *
 * @p handles may be NULL if @p num_handles is 0.
 *
 * Rights: ZX_RIGHT_TRANSFER on each of @p handles. (That on the channel was checked by jacinth_channel_reserve().)
 *
 * - ZX_OK: the message is sent.
 * - ZX_ERR_PEER_CLOSED: the other end is closed.
 * - ZX_ERR_BAD_HANDLE: there is no such loan: it was sent or given back before. Or one of @p handles is not a handle of this
 *   process, or is repeated.
 * - ZX_ERR_OUT_OF_RANGE: more handles than the loan was reserved for.
 * - ZX_ERR_ACCESS_DENIED: one of @p handles lacks the right.
 * - ZX_ERR_NOT_SUPPORTED: the loan's channel is itself among @p handles.
 * - ZX_ERR_NO_MEMORY, ZX_ERR_NO_RESOURCES: the channel needs a larger ring for its messages, and there is no memory for it.
 * - ZX_ERR_BAD_STATE: one of @p handles is an end of a channel whose memory is lent to this process. All of them stay open.
 * - ZX_ERR_INVALID_ARGS: @p handles cannot be read, and the loan stays. Or @p loan cannot be read or written.
 */
zx_status_t jacinth_loan_commit(jacinth_loan_t* loan, const zx_handle_t* handles, uint32_t num_handles);

/**
 * Gives a loan back to its channel unsent. A structure that is all zero, as after the end of its loan, is accepted without effect.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: there is no such loan.
 * - ZX_ERR_INVALID_ARGS: @p loan cannot be read or written.
 */
zx_status_t jacinth_loan_cancel(jacinth_loan_t* loan);

/**
 * Reads the next message of a channel where it lies, however it was sent: stores where its bytes are. Other reads go on with the
 * messages after it, and several may be read in place at once. The message keeps its place in the channel until it is finished.
 *
 * @p options must be 0.
 *
 * Rights: ZX_RIGHT_READ.
 *
 * - ZX_OK: @p message has a message.
 * - ZX_ERR_SHOULD_WAIT: the channel has no message.
 * - ZX_ERR_PEER_CLOSED: the channel has no message, and the other end is closed.
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: for @p channel.
 * - ZX_ERR_INVALID_ARGS: @p options is not 0, or @p message cannot be written. The message stays in the channel.
 */
zx_status_t jacinth_channel_read_in_place(zx_handle_t channel, uint32_t options, jacinth_message_t* message);

/**
 * Consumes a message that was read in place, and stores its handles, which are this process's from then on.
 *
 * @p num_handles is how many fit into @p handles; jacinth_message_t::num_handles of them are stored. @p handles may be NULL if the
 * message has none.
 *
 * - ZX_OK: the message is consumed.
 * - ZX_ERR_BUFFER_TOO_SMALL: the handles do not fit. The message can still be read and finished.
 * - ZX_ERR_BAD_HANDLE: there is no such message: it was finished before.
 * - ZX_ERR_NO_RESOURCES: this process has no room for the handles (jacinth_config_t::max_handles_per_process). The message goes
 *   back to the channel, as its next one, and @p message is zero.
 * - ZX_ERR_INVALID_ARGS: @p handles cannot be written, or @p message cannot be read or written. The message can still be read.
 */
zx_status_t jacinth_message_finish(jacinth_message_t* message, zx_handle_t* handles, uint32_t num_handles);

/** Does the same as jacinth_message_finish(), and stores each handle with its rights and the type of its object. */
zx_status_t jacinth_message_finish_etc(jacinth_message_t* message, zx_handle_info_t* handles, uint32_t num_handles);

/**
 * Consumes a message that was read in place, and closes its handles. A structure that is all zero is accepted without effect.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: there is no such message.
 * - ZX_ERR_INVALID_ARGS: @p message cannot be read or written.
 */
zx_status_t jacinth_message_release(jacinth_message_t* message);

/**
 * Makes a buffer of @p num_bytes bytes, up to jacinth_config_t::max_loan_bytes, and stores where it is filled.
 *
 * The bytes are zero, unless @p options is JACINTH_UNINITIALIZED; it is 0 otherwise.
 *
 * - ZX_OK: @p buffer has a buffer.
 * - ZX_ERR_OUT_OF_RANGE: more bytes than max_loan_bytes.
 * - ZX_ERR_NO_MEMORY: the arena has no memory left for buffers of this size. jacinth_channel_reserve_buffer() can wait for some.
 * - ZX_ERR_NO_RESOURCES: this process has reached its quota of memory, or the limit of objects or handles.
 * - ZX_ERR_INVALID_ARGS: another option, or @p buffer cannot be written.
 */
zx_status_t jacinth_buffer_create(size_t num_bytes, uint32_t options, jacinth_buffer_mut_t* buffer);

/**
 * Does the same as jacinth_buffer_create(), for a message through @p channel. After ZX_ERR_NO_MEMORY and ZX_ERR_NO_RESOURCES the
 * channel has no ZX_CHANNEL_WRITABLE until there is memory for the buffer: wait for that, and try again.
 *
 * The buffer may be sent through any channel. The message takes its place in the channel when it is written, so
 * zx_channel_write() may still return ZX_ERR_SHOULD_WAIT.
 *
 * Rights: ZX_RIGHT_WRITE.
 *
 * - ZX_ERR_PEER_CLOSED: the other end is closed.
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: for @p channel.
 * - Others as jacinth_buffer_create().
 */
zx_status_t jacinth_channel_reserve_buffer(zx_handle_t channel, size_t num_bytes, uint32_t options,
                                           jacinth_buffer_mut_t* buffer);

/**
 * Ends the filling of a buffer, and stores a handle to it. From then on the bytes never change, and jacinth_buffer_mut_t::data must
 * not be used any more.
 *
 * The handle has JACINTH_BUFFER_DEFAULT_RIGHTS, and is like every other one: it can be duplicated, sent, replaced by one with fewer
 * rights, and closed. The memory is free when the last handle is closed and the last view has ended, in whichever process.
 *
 * - ZX_OK: @p out has the handle, and @p buffer is zero.
 * - ZX_ERR_BAD_HANDLE: there is no such buffer: it was frozen or discarded before.
 * - ZX_ERR_INVALID_ARGS: @p out cannot be written, or @p buffer cannot be read or written. The buffer can still be filled.
 */
zx_status_t jacinth_buffer_freeze(jacinth_buffer_mut_t* buffer, zx_handle_t* out);

/**
 * Ends a buffer that is not frozen. A structure that is all zero is accepted without effect.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: there is no such buffer.
 * - ZX_ERR_INVALID_ARGS: @p buffer cannot be read or written.
 */
zx_status_t jacinth_buffer_discard(jacinth_buffer_mut_t* buffer);

/**
 * Stores the size of a buffer in bytes.
 *
 * Rights: none.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE: for @p buffer.
 * - ZX_ERR_INVALID_ARGS: @p size cannot be written.
 */
zx_status_t jacinth_buffer_get_size(zx_handle_t buffer, size_t* size);

/**
 * Stores where the bytes of a buffer are. The view keeps them until jacinth_buffer_view_release(), also if @p buffer is closed
 * or sent on meanwhile.
 *
 * Rights: ZX_RIGHT_READ.
 *
 * - ZX_OK: @p view has a view.
 * - ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED: for @p buffer.
 * - ZX_ERR_NO_RESOURCES: this process has no room for another handle; each view has one of its own.
 * - ZX_ERR_INVALID_ARGS: @p view cannot be written.
 */
zx_status_t jacinth_buffer_view(zx_handle_t buffer, jacinth_buffer_view_t* view);

/**
 * Ends a view. A structure that is all zero is accepted without effect.
 *
 * - ZX_OK
 * - ZX_ERR_BAD_HANDLE: there is no such view.
 * - ZX_ERR_INVALID_ARGS: @p view cannot be read or written.
 */
zx_status_t jacinth_buffer_view_release(jacinth_buffer_view_t* view);

__END_CDECLS

#endif /* JACINTH_IN_PLACE_H_ */
