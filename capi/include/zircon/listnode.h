/**
 * @file
 * Doubly linked lists whose links are members of the items.
 *
 * A list is a list_node_t that is no item's: its next is the first item, its prev the last; where it is empty both are the
 * list itself. An item that is in no list has two null pointers. Every function takes constant time but list_length().
 */

#ifndef ZIRCON_LISTNODE_H_
#define ZIRCON_LISTNODE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zircon/compiler.h>

__BEGIN_CDECLS

/** The structure that contains the @p member at @p ptr. */
#ifndef containerof
#define containerof(ptr, type, member) ((type*)((uintptr_t)(ptr) - offsetof(type, member)))
#endif

typedef struct list_node list_node_t;

/** A list, or an item's links. */
struct list_node {
    list_node_t* prev;
    list_node_t* next;
};

/** The initializer of an empty list. */
#define LIST_INITIAL_VALUE(list) {&(list), &(list)}
/** The initializer of an item that is in no list. */
#define LIST_INITIAL_CLEARED_VALUE {NULL, NULL}

/** Makes the list empty, without access to its items. */
static inline void list_initialize(list_node_t* list) {
    list->next = list;
    list->prev = list;
}

/** Says that the item is in no list. */
static inline void list_clear_node(list_node_t* item) {
    item->next = NULL;
    item->prev = NULL;
}

/** Whether the item is in a list. */
static inline bool list_in_list(const list_node_t* item) {
    return item->prev != NULL || item->next != NULL;
}

/** Whether the list is empty. */
static inline bool list_is_empty(const list_node_t* list) {
    return list->next == list;
}

/* Puts a chain, from first to last, between two neighbours. */
static inline void __list_link(list_node_t* before, list_node_t* first, list_node_t* last, list_node_t* after) {
    first->prev = before;
    last->next = after;
    before->next = first;
    after->prev = last;
}

/* The item, or NULL if it is the list itself. */
static inline list_node_t* __list_item(const list_node_t* list, list_node_t* node) {
    return node == list ? NULL : node;
}

/* The item that contains a node at this offset; NULL for NULL. */
static inline void* __list_container(list_node_t* node, size_t offset) {
    return node == NULL ? NULL : (void*)((char*)node - offset);
}

/** Makes the item the first of the list. */
static inline void list_add_head(list_node_t* list, list_node_t* item) {
    __list_link(list, item, item, list->next);
}

/** Makes the item the last of the list. */
static inline void list_add_tail(list_node_t* list, list_node_t* item) {
    __list_link(list->prev, item, item, list);
}

/** Puts an item behind another. */
#define list_add_after(entry, new_entry) list_add_head(entry, new_entry)
/** Puts an item before another. */
#define list_add_before(entry, new_entry) list_add_tail(entry, new_entry)

/** Takes the item off its list. */
static inline void list_delete(list_node_t* item) {
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_clear_node(item);
}

/** Puts an item in the place of another. */
static inline void list_replace_node(list_node_t* old_node, list_node_t* new_node) {
    __list_link(old_node->prev, new_node, new_node, old_node->next);
    list_clear_node(old_node);
}

/** The first item, which stays; NULL of an empty list. */
static inline list_node_t* list_peek_head(list_node_t* list) {
    return __list_item(list, list->next);
}

/** The last item, which stays; NULL of an empty list. */
static inline list_node_t* list_peek_tail(list_node_t* list) {
    return __list_item(list, list->prev);
}

/** Takes the first item off the list; NULL of an empty list. */
static inline list_node_t* list_remove_head(list_node_t* list) {
    list_node_t* item = list_peek_head(list);
    if (item != NULL)
        list_delete(item);
    return item;
}

/** Takes the last item off the list; NULL of an empty list. */
static inline list_node_t* list_remove_tail(list_node_t* list) {
    list_node_t* item = list_peek_tail(list);
    if (item != NULL)
        list_delete(item);
    return item;
}

/** The item before this one; NULL for the first. */
static inline list_node_t* list_prev(list_node_t* list, list_node_t* item) {
    return __list_item(list, item->prev);
}

/** The item behind this one; NULL for the last. */
static inline list_node_t* list_next(list_node_t* list, list_node_t* item) {
    return __list_item(list, item->next);
}

/** The item before this one, and before the first the last; NULL of an empty list. */
static inline list_node_t* list_prev_wrap(list_node_t* list, list_node_t* item) {
    return __list_item(list, item->prev == list ? list->prev : item->prev);
}

/** The item behind this one, and behind the last the first; NULL of an empty list. */
static inline list_node_t* list_next_wrap(list_node_t* list, list_node_t* item) {
    return __list_item(list, item->next == list ? list->next : item->next);
}

/* The same, with the structure that the item is a member of. */
#define list_peek_head_type(list, type, element) \
    ((type*)__list_container(list_peek_head(list), offsetof(type, element)))
#define list_peek_tail_type(list, type, element) \
    ((type*)__list_container(list_peek_tail(list), offsetof(type, element)))
#define list_remove_head_type(list, type, element) \
    ((type*)__list_container(list_remove_head(list), offsetof(type, element)))
#define list_remove_tail_type(list, type, element) \
    ((type*)__list_container(list_remove_tail(list), offsetof(type, element)))
#define list_prev_type(list, item, type, element) \
    ((type*)__list_container(list_prev(list, item), offsetof(type, element)))
#define list_next_type(list, item, type, element) \
    ((type*)__list_container(list_next(list, item), offsetof(type, element)))
#define list_prev_wrap_type(list, item, type, element) \
    ((type*)__list_container(list_prev_wrap(list, item), offsetof(type, element)))
#define list_next_wrap_type(list, item, type, element) \
    ((type*)__list_container(list_next_wrap(list, item), offsetof(type, element)))

/** Runs the next statement for each item, from the first to the last. */
#define list_for_every(list, node) for ((node) = (list)->next; (node) != (list); (node) = (node)->next)

/** The same; the statement may remove the item from the list. */
#define list_for_every_safe(list, node, temp_node)                             \
    for ((node) = (list)->next, (temp_node) = (node)->next; (node) != (list);  \
         (node) = (temp_node), (temp_node) = (node)->next)

/** As list_for_every(), with the structures that the items are members of. */
#define list_for_every_entry(list, entry, type, member)                                   \
    for ((entry) = containerof((list)->next, type, member); &(entry)->member != (list);   \
         (entry) = containerof((entry)->member.next, type, member))

/** As list_for_every_safe(), with the structures that the items are members of. */
#define list_for_every_entry_safe(list, entry, temp_entry, type, member)     \
    for ((entry) = containerof((list)->next, type, member),                  \
        (temp_entry) = containerof((entry)->member.next, type, member);      \
         &(entry)->member != (list); (entry) = (temp_entry),                 \
        (temp_entry) = containerof((temp_entry)->member.next, type, member))

/** How many items there are: they are counted. */
static inline size_t list_length(const list_node_t* list) {
    size_t length = 0;
    const list_node_t* node;
    list_for_every(list, node) {
        length++;
    }
    return length;
}

/** Moves all of a list behind an item, or to the front, of another. */
static inline void list_splice_after(list_node_t* splice_from, list_node_t* pos) {
    if (!list_is_empty(splice_from)) {
        __list_link(pos, splice_from->next, splice_from->prev, pos->next);
        list_initialize(splice_from);
    }
}

/** Moves the items behind an item to an empty list. */
static inline void list_split_after(list_node_t* list, list_node_t* pos, list_node_t* split_to) {
    list_initialize(split_to);
    if (pos->next != list) {
        list_node_t* first = pos->next;
        list_node_t* last = list->prev;
        pos->next = list;
        list->prev = pos;
        __list_link(split_to, first, last, split_to);
    }
}

/** Moves all of a list to an empty one. */
static inline void list_move(list_node_t* old_list, list_node_t* new_list) {
    list_initialize(new_list);
    list_splice_after(old_list, new_list);
}

__END_CDECLS

#endif /* ZIRCON_LISTNODE_H_ */
