// ZX_INFO_VMO, ZX_INFO_PROCESS_VMOS, ZX_INFO_PROCESS_MAPS
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"
#include "partner.h"

static zx_info_vmo_t info_of(zx_handle_t vmo) {
    zx_info_vmo_t info;
    size_t actual = 77, avail = 77;
    memset(&info, 0xab, sizeof(info));
    CHECK_OK(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), &actual, &avail));
    CHECK_EQ(actual, 1);
    CHECK_EQ(avail, 1);
    return info;
}

static zx_handle_t make_clone(zx_handle_t vmo) {
    zx_handle_t clone = ZX_HANDLE_INVALID;
    CHECK_OK(zx_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, &clone));
    return clone;
}

TEST(a_new_object_tells_its_beginnings) {
    zx_handle_t vmo = make_vmo(2 * PAGE - 1, 0);
    CHECK_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "frames", 6));
    zx_info_vmo_t info = info_of(vmo);
    CHECK_EQ(info.koid, koid_of(vmo));
    CHECK(strcmp(info.name, "frames") == 0);
    for (size_t index = 6; index < ZX_MAX_NAME_LEN; index++)
        CHECK_EQ(info.name[index], 0);
    CHECK_EQ(info.size_bytes, 2 * PAGE);
    CHECK_EQ(info.parent_koid, ZX_KOID_INVALID);
    CHECK_EQ(info.num_children, 0);
    CHECK_EQ(info.num_mappings, 0);
    CHECK_EQ(info.share_count, 0);
    CHECK_EQ(info.flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE);
    CHECK_EQ(info.committed_bytes, 0);
    CHECK_EQ(info.handle_rights, ZX_DEFAULT_VMO_RIGHTS);
    CHECK_EQ(info.create_options, 1);
    CHECK_EQ(info.cache_policy, ZX_CACHE_POLICY_CACHED);
    CHECK_EQ(info_of(make_vmo(PAGE, ZX_VMO_NON_RESIZABLE)).create_options, 0);
}

TEST(information_needs_no_right) {
    zx_handle_t vmo = restrict_to(make_vmo(PAGE, 0), ZX_RIGHT_NONE);
    CHECK_EQ(info_of(vmo).handle_rights, ZX_RIGHT_NONE);
    CHECK_EQ(info_of(vmo).koid, koid_of(vmo));
}

TEST(committed_bytes_are_the_pages) {
    zx_handle_t vmo = make_vmo((uint64_t)1 << 30, 0);
    CHECK_OK(zx_vmo_write(vmo, "1", (1 << 29) + 5, 1));
    CHECK_EQ(info_of(vmo).committed_bytes, PAGE);
    CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, 3 * PAGE, NULL, 0));
    CHECK_EQ(info_of(vmo).committed_bytes, 4 * PAGE);
    CHECK_OK(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, UINT64_MAX / 2, NULL, 0));
    CHECK_EQ(info_of(vmo).committed_bytes, 0);
}

TEST(a_clone_names_its_parent) {
    zx_handle_t vmo = make_vmo(PAGE, 0), clone = make_clone(vmo);
    CHECK_EQ(info_of(clone).parent_koid, koid_of(vmo));
    CHECK_EQ(info_of(clone).flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_IS_COW_CLONE | ZX_INFO_VMO_VIA_HANDLE);
    CHECK_EQ(info_of(vmo).num_children, 1);
    CHECK_OK(zx_handle_close(vmo));
    CHECK_EQ(info_of(clone).parent_koid, ZX_KOID_INVALID);
    CHECK(info_of(clone).flags & ZX_INFO_VMO_IS_COW_CLONE);
}

TEST(mappings_are_counted) {
    zx_handle_t vmo = make_vmo(2 * PAGE, 0), vmar = zx_vmar_root_self();
    zx_vaddr_t one, two;
    CHECK_OK(zx_vmar_map(vmar, ZX_VM_PERM_READ, 0, vmo, 0, 2 * PAGE, &one));
    CHECK_OK(zx_vmar_map(vmar, ZX_VM_PERM_READ, 0, vmo, 0, PAGE, &two));
    CHECK_EQ(info_of(vmo).num_mappings, 2);
    CHECK_EQ(info_of(vmo).share_count, 1);
    CHECK_OK(zx_vmar_unmap(vmar, one, 2 * PAGE));
    CHECK_OK(zx_vmar_unmap(vmar, two, PAGE));
    CHECK_EQ(info_of(vmo).num_mappings, 0);
    CHECK_EQ(info_of(vmo).share_count, 0);
}

TEST(information_needs_a_whole_record) {
    zx_handle_t vmo = make_vmo(PAGE, 0);
    zx_info_vmo_t info[2];
    size_t actual = 77, avail = 77;
    for (size_t size = 0; size < sizeof(*info); size++) {
        CHECK_STATUS(zx_object_get_info(vmo, ZX_INFO_VMO, info, size, &actual, &avail), ZX_ERR_BUFFER_TOO_SMALL);
        CHECK_EQ(actual, 0);
        CHECK_EQ(avail, 1);
    }
    memset(info, 0xab, sizeof(info));
    CHECK_OK(zx_object_get_info(vmo, ZX_INFO_VMO, info, sizeof(info), NULL, NULL));
    for (size_t index = 0; index < sizeof(*info); index++)
        CHECK_EQ(((unsigned char*)&info[1])[index], 0xab);
}

TEST(bad_memory_gets_no_information) {
    zx_handle_t vmo = make_vmo(PAGE, 0);
    zx_info_vmo_t info;
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(nowhere)
        CHECK_STATUS(zx_object_get_info(vmo, ZX_INFO_VMO, nowhere, sizeof(info), NULL, NULL), ZX_ERR_INVALID_ARGS);
    FOR_EACH_BAD_OUTPUT(nowhere) {
        if (nowhere == NULL)
            continue;
        CHECK_STATUS(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), nowhere, NULL), ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, nowhere), ZX_ERR_INVALID_ARGS);
    }
}

TEST(other_handles_are_refused) {
    zx_handle_t vmo = make_vmo(PAGE, 0), event = restrict_to(make_event(), ZX_RIGHT_NONE);
    zx_info_vmo_t info;
    CHECK_STATUS(zx_object_get_info(event, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(zx_object_get_info(event, ZX_INFO_VMO, NULL, 0, NULL, NULL), ZX_ERR_WRONG_TYPE);
    CHECK_OK(zx_handle_close(vmo));
    CHECK_STATUS(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_object_get_info(ZX_HANDLE_INVALID, ZX_INFO_VMO, NULL, 0, NULL, NULL), ZX_ERR_BAD_HANDLE);
}

static size_t list(zx_info_vmo_t* records, size_t size, size_t* actual) {
    size_t avail = 77;
    *actual = 77;
    CHECK_OK(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_VMOS, records, size, actual, &avail));
    return avail;
}

TEST(the_listing_has_handles_then_mappings) {
    zx_info_vmo_t records[4];
    size_t actual;
    CHECK_EQ(list(records, sizeof(records), &actual), 0);
    CHECK_EQ(actual, 0);
    zx_handle_t vmo = make_vmo(2 * PAGE, 0);
    zx_koid_t koid = koid_of(vmo);
    zx_vaddr_t address;
    CHECK_OK(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, PAGE, &address));
    CHECK_EQ(list(records, sizeof(records), &actual), 2);
    CHECK_EQ(actual, 2);
    CHECK_EQ(records[0].koid, koid);
    CHECK_EQ(records[0].flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE);
    CHECK_EQ(records[0].handle_rights, ZX_DEFAULT_VMO_RIGHTS);
    CHECK_EQ(records[0].num_mappings, 1);
    CHECK_EQ(records[1].koid, koid);
    CHECK_EQ(records[1].flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_MAPPING);
    CHECK_EQ(records[1].handle_rights, ZX_RIGHT_NONE);
    CHECK_EQ(records[1].size_bytes, 2 * PAGE);
    CHECK_OK(zx_handle_close(vmo));
    CHECK_EQ(list(records, sizeof(records), &actual), 1);
    CHECK_EQ(records[0].flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_MAPPING);
    CHECK_OK(zx_vmar_unmap(zx_vmar_root_self(), address, PAGE));
    CHECK_EQ(list(NULL, 0, &actual), 0);
}

TEST(the_listing_stores_what_fits) {
    zx_info_vmo_t records[4];
    size_t actual;
    for (int index = 0; index < 3; index++)
        make_vmo(PAGE, 0);
    for (size_t size = 0; size <= sizeof(records); size++) {
        memset(records, 0xab, sizeof(records));
        CHECK_EQ(list(records, size, &actual), 3);
        size_t fits = size / sizeof(*records) < 3 ? size / sizeof(*records) : 3;
        CHECK_EQ(actual, fits);
        for (size_t index = fits * sizeof(*records); index < sizeof(records); index++)
            CHECK_EQ(((unsigned char*)records)[index], 0xab);
    }
    CHECK_EQ(list(NULL, 0, &actual), 3);
    CHECK_OK(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_VMOS, records, sizeof(records), NULL, NULL));
}

TEST(bad_memory_gets_no_listing) {
    zx_info_vmo_t record;
    zx_handle_t self = zx_process_self();
    prepare_bad_pointers();
    make_vmo(PAGE, 0);
    FOR_EACH_BAD_OUTPUT(nowhere) {
        CHECK_STATUS(zx_object_get_info(self, ZX_INFO_PROCESS_VMOS, nowhere, sizeof(record), NULL, NULL),
                     ZX_ERR_INVALID_ARGS);
        if (nowhere == NULL)
            continue;
        CHECK_STATUS(zx_object_get_info(self, ZX_INFO_PROCESS_VMOS, &record, sizeof(record), nowhere, NULL),
                     ZX_ERR_INVALID_ARGS);
        CHECK_STATUS(zx_object_get_info(self, ZX_INFO_PROCESS_VMOS, &record, sizeof(record), NULL, nowhere),
                     ZX_ERR_INVALID_ARGS);
    }
    // Two records, of which the second cannot be written: none is stored.
    make_vmo(PAGE, 0);
    unsigned char* edge = at_the_edge(sizeof(record) + 8);
    edge[0] = 0xab;
    CHECK_STATUS(zx_object_get_info(self, ZX_INFO_PROCESS_VMOS, edge, 2 * sizeof(record), NULL, NULL),
                 ZX_ERR_INVALID_ARGS);
    CHECK_EQ(edge[0], 0xab);
}

ROLE(sends_its_process) {
    zx_handle_t channel = startup_channel();
    send_handle(channel, duplicate(zx_process_self(), ZX_RIGHT_SAME_RIGHTS));
    CHECK_OK(zx_object_wait_one(channel, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL));
}

TEST(only_the_own_process_is_listed) {
    zx_info_vmo_t record;
    zx_handle_t channel, bare = duplicate(zx_process_self(), ZX_DEFAULT_PROCESS_RIGHTS & ~ZX_RIGHT_INSPECT);
    CHECK_STATUS(zx_object_get_info(bare, ZX_INFO_PROCESS_VMOS, &record, sizeof(record), NULL, NULL),
                 ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_object_get_info(make_event(), ZX_INFO_PROCESS_VMOS, NULL, 0, NULL, NULL), ZX_ERR_WRONG_TYPE);
    pid_t pid = spawn_partner("sends_its_process", &channel);
    await_readable(channel);
    zx_handle_t partner = receive_handle(channel);
    CHECK_STATUS(zx_object_get_info(partner, ZX_INFO_PROCESS_VMOS, &record, sizeof(record), NULL, NULL),
                 ZX_ERR_NOT_SUPPORTED);
    CHECK_STATUS(zx_object_get_info(partner, ZX_INFO_PROCESS_MAPS, NULL, 0, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
    CHECK_OK(zx_handle_close(channel));
    CHECK_EQ(join_process(pid), 0);
}

TEST(maps_tell_the_tree) {
    zx_info_maps_t nodes[4];
    size_t actual = 77, avail = 77;
    zx_handle_t vmo = make_vmo(4 * PAGE, 0), self = zx_process_self();
    CHECK_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "frames", 6));
    CHECK_OK(zx_vmo_write(vmo, "1", 2 * PAGE, 1));
    zx_vaddr_t address;
    CHECK_OK(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, PAGE, 3 * PAGE, &address));
    for (size_t size = 0; size <= sizeof(nodes); size++) {
        memset(nodes, 0xab, sizeof(nodes));
        CHECK_OK(zx_object_get_info(self, ZX_INFO_PROCESS_MAPS, nodes, size, &actual, &avail));
        CHECK_EQ(actual, size / sizeof(*nodes) < 3 ? size / sizeof(*nodes) : 3);
        CHECK_EQ(avail, 3);
        for (size_t index = actual * sizeof(*nodes); index < sizeof(nodes); index++)
            CHECK_EQ(((unsigned char*)nodes)[index], 0xab);
    }
    CHECK_EQ(nodes[0].type, ZX_INFO_MAPS_TYPE_ASPACE);
    CHECK_EQ(nodes[1].type, ZX_INFO_MAPS_TYPE_VMAR);
    for (size_t depth = 0; depth < 3; depth++)
        CHECK_EQ(nodes[depth].depth, depth);
    CHECK(nodes[1].base <= address && address + 3 * PAGE <= nodes[1].base + nodes[1].size);
    CHECK_EQ(nodes[2].type, ZX_INFO_MAPS_TYPE_MAPPING);
    CHECK(strcmp(nodes[2].name, "frames") == 0);
    CHECK_EQ(nodes[2].base, address);
    CHECK_EQ(nodes[2].size, 3 * PAGE);
    CHECK_EQ(nodes[2].u.mapping.mmu_flags, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE);
    CHECK_EQ(nodes[2].u.mapping.vmo_koid, koid_of(vmo));
    CHECK_EQ(nodes[2].u.mapping.vmo_offset, PAGE);
    CHECK_EQ(nodes[2].u.mapping.committed_pages, 1);
    prepare_bad_pointers();
    FOR_EACH_BAD_OUTPUT(nowhere)
        CHECK_STATUS(zx_object_get_info(self, ZX_INFO_PROCESS_MAPS, nowhere, sizeof(*nodes), NULL, NULL),
                     ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_object_get_info(vmo, ZX_INFO_PROCESS_MAPS, NULL, 0, NULL, NULL), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(zx_object_get_info(ZX_HANDLE_INVALID, ZX_INFO_PROCESS_MAPS, NULL, 0, NULL, NULL), ZX_ERR_BAD_HANDLE);
    CHECK_STATUS(zx_object_get_info(duplicate(self, ZX_RIGHT_NONE), ZX_INFO_PROCESS_MAPS, NULL, 0, NULL, NULL),
                 ZX_ERR_ACCESS_DENIED);
}
