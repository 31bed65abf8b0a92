// zx_vmar_map, zx_vmar_unmap, zx_vmar_protect
#define _GNU_SOURCE
#include "objects.h"
#include "pages.h"

#define READ ZX_VM_PERM_READ
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

static zx_status_t map(zx_handle_t vmo, uint64_t offset, uint64_t len, zx_vm_option_t options, zx_vaddr_t* address) {
    return zx_vmar_map(zx_vmar_root_self(), options, 0, vmo, offset, len, address);
}

static volatile uint64_t* word(zx_vaddr_t address) {
    return (volatile uint64_t*)address;
}

TEST(a_mapping_shares_the_bytes) {
    zx_handle_t vmo = make_vmo(PAGE, 0);
    CHECK_OK(zx_vmo_set_size(vmo, 20 * PAGE));
    zx_vaddr_t address = 0;
    CHECK_OK(map(vmo, 0, 20 * PAGE, READ_WRITE, &address));
    for (uint64_t page = 0; page < 20; page++) {
        uint64_t number = page + 1;
        CHECK_OK(zx_vmo_write(vmo, &number, page * PAGE, sizeof(number)));
        CHECK_EQ(*word(address + page * PAGE), number);
        *word(address + page * PAGE) = page + 100;
        CHECK_OK(zx_vmo_read(vmo, &number, page * PAGE, sizeof(number)));
        CHECK_EQ(number, page + 100);
    }
    CHECK_OK(zx_handle_close(vmo));
    CHECK_EQ(*word(address + 19 * PAGE), 119);
    CHECK_OK(zx_vmar_unmap(zx_vmar_root_self(), address, 20 * PAGE));
}

TEST(rights_bound_the_access) {
    zx_handle_t vmo = make_vmo(PAGE, 0), vmar = zx_vmar_root_self();
    zx_handle_t reader = duplicate(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP);
    zx_vaddr_t address = 77;
    CHECK_STATUS(map(reader, 0, PAGE, READ_WRITE, &address), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(map(reader, 0, PAGE, READ | ZX_VM_PERM_EXECUTE, &address), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(map(duplicate(vmo, ZX_RIGHT_READ), 0, PAGE, READ, &address), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(map(duplicate(vmo, ZX_RIGHT_MAP), 0, PAGE, READ, &address), ZX_ERR_ACCESS_DENIED);
    CHECK_STATUS(zx_vmar_map(duplicate(vmar, 0), READ, 0, vmo, 0, PAGE, &address), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(address, 77);
    CHECK_OK(map(reader, 0, PAGE, READ, &address));
    CHECK_EQ(*word(address), 0);
    CHECK_STATUS(zx_vmar_protect(vmar, READ_WRITE, address, PAGE), ZX_ERR_ACCESS_DENIED);
    CHECK_EQ(mprotect((void*)address, PAGE, PROT_READ | PROT_WRITE), -1);
    CHECK_OK(map(vmo, 0, PAGE, READ, &address));
    CHECK_STATUS(zx_vmar_protect(duplicate(vmar, ZX_RIGHT_READ), READ_WRITE, address, PAGE), ZX_ERR_ACCESS_DENIED);
    CHECK_OK(zx_vmar_protect(vmar, READ_WRITE, address, PAGE));
    *word(address) = 7;
    CHECK_OK(zx_vmar_protect(vmar, READ, address, PAGE));
    CHECK_EQ(*word(address), 7);
}

TEST(shrinking_makes_no_reader_fault) {
    zx_handle_t vmo = make_vmo(8 * PAGE, 0);
    zx_vaddr_t address = 0;
    CHECK_OK(map(vmo, 0, 8 * PAGE, READ_WRITE | ZX_VM_MAP_RANGE, &address));
    *word(address + 7 * PAGE) = 7;
    CHECK_OK(zx_vmo_set_size(vmo, PAGE));
    CHECK_EQ(*word(address + 7 * PAGE), 0);
}

TEST(a_part_is_unmapped) {
    zx_handle_t vmo = make_vmo(3 * PAGE, 0), vmar = zx_vmar_root_self();
    zx_vaddr_t address = 0, there = 0;
    CHECK_OK(map(vmo, 0, 3 * PAGE, READ_WRITE, &address));
    CHECK_OK(zx_vmar_unmap(vmar, address + PAGE, PAGE));
    CHECK_STATUS(zx_vmar_unmap(vmar, address + PAGE, PAGE), ZX_ERR_NOT_FOUND);
    CHECK_STATUS(zx_vmar_protect(vmar, READ, address, 3 * PAGE), ZX_ERR_NOT_FOUND);
    *word(address) = 1;
    *word(address + 2 * PAGE) = 2;
    CHECK_OK(zx_vmar_map(vmar, READ | ZX_VM_SPECIFIC, address + PAGE, vmo, 0, PAGE, &there));
    CHECK_EQ(there, address + PAGE);
    CHECK_EQ(*word(there), 1);
    CHECK_STATUS(zx_vmar_map(vmar, READ | ZX_VM_SPECIFIC, address, vmo, 0, PAGE, &there), ZX_ERR_NO_MEMORY);
}

TEST(bad_arguments_are_refused) {
    zx_handle_t vmo = make_vmo(4 * PAGE, 0), vmar = zx_vmar_root_self();
    zx_vaddr_t address = 77;
    CHECK_STATUS(map(vmo, 0, 0, READ, &address), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(map(vmo, 0, PAGE + 1, READ, &address), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(map(vmo, 1, PAGE, READ, &address), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(map(vmo, 0, PAGE, ZX_VM_PERM_WRITE, &address), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(map(vmo, 0, PAGE, READ | ZX_VM_CAN_MAP_READ, &address), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(map(vmo, (uint64_t)0 - PAGE, 2 * PAGE, READ, &address), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmar_map(vmar, READ, PAGE, vmo, 0, PAGE, &address), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(map(vmo, 0, PAGE, READ | ZX_VM_SPECIFIC_OVERWRITE, &address), ZX_ERR_NOT_SUPPORTED);
    CHECK_STATUS(map(vmo, 0, PAGE, READ | ZX_VM_REQUIRE_NON_RESIZABLE, &address), ZX_ERR_NOT_SUPPORTED);
    CHECK_STATUS(map(vmo, (uint64_t)1 << 40, PAGE, READ, &address), ZX_ERR_NO_MEMORY);
    CHECK_STATUS(map(vmo, 0, PAGE, READ, NULL), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(map(vmo, 0, PAGE, READ, unmapped_page()), ZX_ERR_INVALID_ARGS);
    CHECK_EQ(address, 77);
    CHECK_OK(map(make_vmo(PAGE, ZX_VMO_NON_RESIZABLE), 0, PAGE, READ | ZX_VM_REQUIRE_NON_RESIZABLE, &address));
    CHECK_STATUS(zx_vmar_unmap(vmar, address + 1, PAGE), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmar_unmap(vmar, address, 0), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmar_unmap(vmar, address, 1), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmar_protect(vmar, ZX_VM_PERM_WRITE, address, PAGE), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmar_protect(vmar, READ | ZX_VM_MAP_RANGE, address, PAGE), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmar_protect(vmar, READ, address, PAGE + 1), ZX_ERR_INVALID_ARGS);
    CHECK_STATUS(zx_vmar_map(vmo, READ, 0, vmo, 0, PAGE, &address), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(zx_vmar_map(vmar, READ, 0, vmar, 0, PAGE, &address), ZX_ERR_WRONG_TYPE);
    CHECK_STATUS(zx_vmar_map(vmar, READ, 0, ZX_HANDLE_INVALID, 0, PAGE, &address), ZX_ERR_BAD_HANDLE);
}
