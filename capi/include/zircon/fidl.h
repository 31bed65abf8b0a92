/**
 * @file
 * FIDL's wire format, as C lays it out: the form of messages between programs. There are no functions here: those that
 * encode and decode messages are libfidl's.
 *
 * A message as it is sent has marks in place of pointers and handles, and the handles beside it; decoding puts pointers into
 * the message and handles in these places.
 */

#ifndef ZIRCON_FIDL_H_
#define ZIRCON_FIDL_H_

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/** The bound of a string or a vector that has none. */
#define FIDL_MAX_SIZE UINT32_MAX

/* In place of a pointer: the data follows later in the message, or there is none. */
#define FIDL_ALLOC_PRESENT ((uintptr_t)UINTPTR_MAX)
#define FIDL_ALLOC_ABSENT ((uintptr_t)0)

/* In place of a handle: it is the next of the message's; or there is none. */
#define FIDL_HANDLE_ABSENT ((zx_handle_t)ZX_HANDLE_INVALID)
#define FIDL_HANDLE_PRESENT ((zx_handle_t)UINT32_MAX)

/** Data that follows later begins at a multiple of this many bytes. */
#define FIDL_ALIGNMENT ((size_t)8)
/** The next such multiple. */
#define FIDL_ALIGN(a) (((a) + 7) & ~7)
/** Before a member: it begins at one. */
#define FIDL_ALIGNDECL alignas(FIDL_ALIGNMENT)

/** How a type is encoded: libfidl knows. */
typedef struct fidl_type fidl_type_t;

/** A string: UTF-8, not closed by a NUL, which may contain some. */
typedef struct fidl_string {
    /** Bytes; 0 if there is no string. */
    uint64_t size;
    char* data;
} fidl_string_t;

/** A vector. */
typedef struct fidl_vector {
    /** Elements; 0 if there is no vector. */
    uint64_t count;
    void* data;
} fidl_vector_t;

/** Something that its reader need not know. */
typedef struct fidl_envelope {
    /** With all data that it points to: a multiple of 8; 0 if there is none. */
    uint32_t num_bytes;
    uint32_t num_handles;
    union {
        void* data;
        uintptr_t presence;
    };
} fidl_envelope_t;

/** Which member a union has. */
typedef uint32_t fidl_union_tag_t;

/** Which member an extensible union has. */
typedef uint32_t fidl_xunion_tag_t;

/** An extensible union. */
typedef struct fidl_xunion {
    fidl_xunion_tag_t tag;
    /** Always 0. */
    uint32_t padding;
    fidl_envelope_t envelope;
} fidl_xunion_t;

/** A table: its members, by ordinal, from 1 on. */
typedef struct fidl_table {
    fidl_vector_t envelopes;
} fidl_table_t;

/** The start of every message. */
typedef struct fidl_message_header {
    zx_txid_t txid;
    /** In an epitaph, the reason: a status. */
    uint32_t reserved0;
    uint32_t flags;
    /** Which method. */
    uint32_t ordinal;
} fidl_message_header_t;

/** The transaction of a message that has no reply. */
#define FIDL_TXID_NO_RESPONSE 0ul

/** The half of the ordinals that is the system's. */
#define FIDL_ORD_SYSTEM_MASK 0x80000000ul

/** A message, encoded or decoded. */
typedef struct fidl_msg {
    void* bytes;
    zx_handle_t* handles;
    uint32_t num_bytes;
    uint32_t num_handles;
} fidl_msg_t;

typedef struct fidl_txn fidl_txn_t;

/** A transaction that awaits its reply. */
struct fidl_txn {
    /** Replies, once, with an encoded message. Consumes its handles. */
    zx_status_t (*reply)(fidl_txn_t* txn, const fidl_msg_t* msg);
};

/** The last message of a server, which says why it closes the channel. */
typedef struct fidl_epitaph {
    FIDL_ALIGNDECL fidl_message_header_t hdr;
} fidl_epitaph_t;

/** The ordinal of an epitaph. */
#define FIDL_EPITAPH_ORDINAL 0xFFFFFFFF

__END_CDECLS

#endif /* ZIRCON_FIDL_H_ */
