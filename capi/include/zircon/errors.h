/**
 * @file
 * The status of a call: ZX_OK, or an error.
 *
 * A zx_status_t is a signed 32-bit number; success is 0 and every error is negative. zx_status_get_string() of
 * zircon/status.h has the function for their names.
 */

#ifndef ZIRCON_ERRORS_H_
#define ZIRCON_ERRORS_H_

/** The operation succeeded. */
#define ZX_OK (0)

/* The system itself. */

/** Something went wrong that has no better name. */
#define ZX_ERR_INTERNAL (-1)

/** This operation is not implemented or not enabled here. */
#define ZX_ERR_NOT_SUPPORTED (-2)

/** A resource that the operation needs has run out. */
#define ZX_ERR_NO_RESOURCES (-3)

/** There is not enough memory. */
#define ZX_ERR_NO_MEMORY (-4)

/** The call was interrupted and must be made again. No declared call shows it. */
#define ZX_ERR_INTERNAL_INTR_RETRY (-6)

/* Arguments. */

/** An argument is not acceptable. */
#define ZX_ERR_INVALID_ARGS (-10)

/** The value is not a handle of this process. */
#define ZX_ERR_BAD_HANDLE (-11)

/** The object is not of the type that this operation works on. */
#define ZX_ERR_WRONG_TYPE (-12)

/** There is no system call with this number. */
#define ZX_ERR_BAD_SYSCALL (-13)

/** An argument lies outside the range allowed. */
#define ZX_ERR_OUT_OF_RANGE (-14)

/** The buffer is smaller than the data. */
#define ZX_ERR_BUFFER_TOO_SMALL (-15)

/* The state of things. */

/** The object is not in a state that allows this. */
#define ZX_ERR_BAD_STATE (-20)

/** The deadline passed first. */
#define ZX_ERR_TIMED_OUT (-21)

/** Not possible now, but it may be after a wait. */
#define ZX_ERR_SHOULD_WAIT (-22)

/** The operation was cancelled while it was going on. */
#define ZX_ERR_CANCELED (-23)

/** The other end has been closed. */
#define ZX_ERR_PEER_CLOSED (-24)

/** The requested thing does not exist. */
#define ZX_ERR_NOT_FOUND (-25)

/** Something of that name or key is there already. */
#define ZX_ERR_ALREADY_EXISTS (-26)

/** Another user has it now. */
#define ZX_ERR_ALREADY_BOUND (-27)

/** Not possible now, and there is no signal to wait for. */
#define ZX_ERR_UNAVAILABLE (-28)

/* Permission. */

/** The handle lacks a right, or policy forbids this. */
#define ZX_ERR_ACCESS_DENIED (-30)

/* Input and output. */

/** Input or output failed, for a reason not given. */
#define ZX_ERR_IO (-40)

/** The device rejected the operation. */
#define ZX_ERR_IO_REFUSED (-41)

/** The data did not pass its integrity check. */
#define ZX_ERR_IO_DATA_INTEGRITY (-42)

/** The data cannot be had now, and may be lost for good. */
#define ZX_ERR_IO_DATA_LOSS (-43)

/** The device was removed. */
#define ZX_ERR_IO_NOT_PRESENT (-44)

/** The device sent more than was expected. */
#define ZX_ERR_IO_OVERRUN (-45)

/** The device did not finish in the time required. */
#define ZX_ERR_IO_MISSED_DEADLINE (-46)

/** The device found the data invalid or out of range. */
#define ZX_ERR_IO_INVALID (-47)

/* File systems. */

/** The path is too long. */
#define ZX_ERR_BAD_PATH (-50)

/** It is not a directory. */
#define ZX_ERR_NOT_DIR (-51)

/** It is not a regular file. */
#define ZX_ERR_NOT_FILE (-52)

/** The file would outgrow the file system's limit. */
#define ZX_ERR_FILE_BIG (-53)

/** There is no space left. */
#define ZX_ERR_NO_SPACE (-54)

/** The directory is not empty. */
#define ZX_ERR_NOT_EMPTY (-55)

/* Requests of a callback to its caller. No operation returns these. */

/** Do not call again. */
#define ZX_ERR_STOP (-60)

/** Go on to the next item. */
#define ZX_ERR_NEXT (-61)

/** An asynchronous worker has taken the item over. */
#define ZX_ERR_ASYNC (-62)

/* Networks. */

/** The protocol is not supported. */
#define ZX_ERR_PROTOCOL_NOT_SUPPORTED (-70)

/** There is no way to the host. */
#define ZX_ERR_ADDRESS_UNREACHABLE (-71)

/** The address is taken. */
#define ZX_ERR_ADDRESS_IN_USE (-72)

/** There is no connection. */
#define ZX_ERR_NOT_CONNECTED (-73)

/** The remote host would not have the connection. */
#define ZX_ERR_CONNECTION_REFUSED (-74)

/** The connection was reset. */
#define ZX_ERR_CONNECTION_RESET (-75)

/** The connection was broken off. */
#define ZX_ERR_CONNECTION_ABORTED (-76)

#endif /* ZIRCON_ERRORS_H_ */
