/*
 * A program as of late 2018, written for Fuchsia: for its C library, its lists, its assertions, its messages. It does not
 * know Linux or jacinth. It must compile as C and as C++, and work as on Fuchsia.
 */

#define _ALL_SOURCE
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

#include <zircon/assert.h>
#include <zircon/features.h>
#include <zircon/fidl.h>
#include <zircon/listnode.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/log.h>
#include <zircon/syscalls/resource.h>
#include <zircon/syscalls/system.h>
#include <zircon/thread_annotations.h>
#include <zircon/threads.h>
#include <zircon/tls.h>

static char page[PAGE_SIZE];

typedef struct item {
    list_node_t node;
    int number;
} item_t;

static mtx_t lock = MTX_INIT;
static cnd_t changed = CND_INIT;
static list_node_t list TA_GUARDED(lock) = LIST_INITIAL_VALUE(list);

static int produce(void* argument) {
    item_t* items = (item_t*)argument;
    for (int i = 0; i < 3; i++) {
        mtx_lock(&lock);
        items[i].number = i;
        list_add_tail(&list, &items[i].node);
        cnd_signal(&changed);
        mtx_unlock(&lock);
    }
    return 7;
}

static void test_threads(void) {
    static item_t items[3];
    thrd_t thread;
    ZX_ASSERT(thrd_status_to_zx_status(thrd_create_with_name(&thread, produce, items, "producer")) == ZX_OK);
    for (int taken = 0; taken < 3; taken++) {
        mtx_lock(&lock);
        while (list_is_empty(&list))
            cnd_wait(&changed, &lock);
        item_t* item = list_remove_head_type(&list, item_t, node);
        mtx_unlock(&lock);
        ZX_ASSERT_MSG(item->number == taken, "%d instead of %d", item->number, taken);
    }
    int result;
    ZX_ASSERT(thrd_join(thread, &result) == thrd_success && result == 7);
}

static int wait_until_told(void* event) {
    return zx_object_wait_one(*(zx_handle_t*)event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL);
}

static void test_handles_of_threads(void) {
    zx_handle_t event;
    ZX_ASSERT(zx_event_create(0, &event) == ZX_OK);
    thrd_t named, plain;
    ZX_ASSERT(thrd_create_with_name(&named, wait_until_told, &event, "waits-until-it-is-told-to-go-on-and-longer") == 0);
    ZX_ASSERT(thrd_create(&plain, wait_until_told, &event) == thrd_success);
    char name[ZX_MAX_NAME_LEN];
    zx_handle_t handle = thrd_get_zx_handle(named);
    ZX_ASSERT(zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name)) == ZX_OK);
    ZX_ASSERT_MSG(strcmp(name, "waits-until-it-is-told-to-go-on") == 0, "%s", name);
    zx_info_handle_basic_t info;
    handle = thrd_get_zx_handle(plain);
    ZX_ASSERT(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL) == ZX_OK);
    ZX_ASSERT(info.type == ZX_OBJ_TYPE_THREAD);
    ZX_ASSERT(thrd_get_zx_handle(thrd_current()) == zx_thread_self());
    ZX_ASSERT(zx_object_signal(event, 0, ZX_EVENT_SIGNALED) == ZX_OK);
    ZX_ASSERT(thrd_join(named, NULL) == thrd_success && thrd_join(plain, NULL) == thrd_success);
    ZX_ASSERT(zx_handle_close(event) == ZX_OK);
}

/* 1 2 3, by every way to traverse a list. */
static void test_lists(void) {
    item_t items[4], *item, *next;
    list_node_t numbers, rest, *node;
    memset(items, 0, sizeof(items));
    list_initialize(&numbers);
    ZX_ASSERT(list_length(&numbers) == 0 && list_remove_tail(&numbers) == NULL && list_peek_head(&numbers) == NULL);
    ZX_ASSERT(list_peek_head_type(&numbers, item_t, node) == NULL);
    for (int i = 1; i < 4; i++) {
        items[i].number = i;
        ZX_ASSERT(!list_in_list(&items[i].node));
        list_add_tail(&numbers, &items[i].node);
        ZX_ASSERT(list_in_list(&items[i].node));
    }
    int seen = 0;
    list_for_every(&numbers, node) {
        seen = 10 * seen + containerof(node, item_t, node)->number;
    }
    list_for_every_entry(&numbers, item, item_t, node) {
        seen = 10 * seen + item->number;
    }
    ZX_ASSERT(seen == 123123);
    ZX_ASSERT(list_next_type(&numbers, &items[1].node, item_t, node)->number == 2);
    ZX_ASSERT(list_next(&numbers, &items[3].node) == NULL && list_prev(&numbers, &items[1].node) == NULL);
    ZX_ASSERT(list_next_wrap_type(&numbers, &items[3].node, item_t, node)->number == 1);
    ZX_ASSERT(list_prev_wrap_type(&numbers, &items[1].node, item_t, node)->number == 3);
    ZX_ASSERT(list_prev_wrap(&numbers, &items[3].node) == &items[2].node);
    list_split_after(&numbers, &items[1].node, &rest);
    ZX_ASSERT(list_length(&numbers) == 1 && list_length(&rest) == 2);
    list_splice_after(&rest, &items[1].node);
    ZX_ASSERT(list_is_empty(&rest) && list_length(&numbers) == 3);
    list_move(&numbers, &rest);
    items[0].number = 9;
    list_replace_node(&items[2].node, &items[0].node);
    list_add_before(&items[0].node, &items[2].node);
    seen = 0;
    list_for_every_entry_safe(&rest, item, next, item_t, node) {
        seen = 10 * seen + item->number;
        list_delete(&item->node);
    }
    ZX_ASSERT(seen == 1293 && list_is_empty(&rest));
    list_add_head(&rest, &items[1].node);
    list_add_after(&items[1].node, &items[2].node);
    ZX_ASSERT(list_remove_tail_type(&rest, item_t, node) == &items[2]);
    ZX_ASSERT(list_peek_tail_type(&rest, item_t, node) == &items[1] && list_remove_head(&rest) == &items[1].node);
}

typedef struct greeting {
    FIDL_ALIGNDECL fidl_message_header_t hdr;
    fidl_string_t name;
    zx_handle_t handle;
} greeting_t;

static void test_messages(void) {
    greeting_t greeting;
    memset(&greeting, 0, sizeof(greeting));
    greeting.hdr.txid = FIDL_TXID_NO_RESPONSE;
    greeting.hdr.ordinal = 12;
    greeting.name.size = 5;
    greeting.name.data = (char*)FIDL_ALLOC_PRESENT;
    greeting.handle = FIDL_HANDLE_PRESENT;
    ZX_ASSERT(FIDL_ALIGN(sizeof(greeting)) == sizeof(greeting) && (greeting.hdr.ordinal & FIDL_ORD_SYSTEM_MASK) == 0);
    fidl_msg_t message;
    message.bytes = &greeting;
    message.handles = NULL;
    message.num_bytes = sizeof(greeting);
    message.num_handles = 0;
    ZX_DEBUG_ASSERT(message.num_bytes == 0);
    ZX_DEBUG_ASSERT_MSG(message.num_bytes == 0, "not evaluated: %u", message.num_bytes);
    ZX_DEBUG_ASSERT_COND(nothing_of_this_name);
}

int main(void) {
    page[0] = 1;
    ZX_ASSERT(sizeof(page) == 4096 && ZX_RSRC_EXTRACT_KIND(ZX_RSRC_KIND_ROOT | ZX_RSRC_FLAG_EXCLUSIVE) == 4);
    test_threads();
    test_handles_of_threads();
    test_lists();
    test_messages();
    zx_thread_state_general_regs_t registers;
    zx_system_powerctl_arg_t power;
    memset(&registers, 0, sizeof(registers));
    memset(&power, 0, sizeof(power));
    return ZX_LOG_INFO == 4 && ZX_FEATURE_KIND_CPU == 0 && ZX_HAS_CPU_FEATURES == 1 ? 0 : 1;
}
