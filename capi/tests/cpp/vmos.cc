// VM objects in C++.

#include "owners.h"

#include <stdint.h>

#include <utility>

namespace {

TEST(an_owner_reads_and_writes) {
    zx::vmo vmo;
    CHECK_OK(zx::vmo::create(5000, 0, &vmo));
    CHECK_EQ(type_of(vmo), zx::vmo::TYPE);
    uint64_t size = 0;
    CHECK_OK(vmo.get_size(&size));
    CHECK_EQ(size, 8192);
    CHECK_OK(vmo.set_size(4096));
    const uint32_t number = 7;
    CHECK_OK(vmo.write(&number, 4092, sizeof(number)));
    uint32_t read = 0;
    CHECK_OK(vmo.borrow()->read(&read, 4092, sizeof(read)));
    CHECK_EQ(read, number);
    CHECK_STATUS(vmo.read(&read, 4093, sizeof(read)), ZX_ERR_OUT_OF_RANGE);
    CHECK_OK(vmo.op_range(ZX_VMO_OP_DECOMMIT, 0, 4096, nullptr, 0));
    CHECK_OK(vmo.read(&read, 4092, sizeof(read)));
    CHECK_EQ(read, 0);
}

TEST(a_refused_creation_empties_the_owner) {
    zx::vmo vmo;
    CHECK_OK(zx::vmo::create(4096, ZX_VMO_NON_RESIZABLE, &vmo));
    CHECK_STATUS(vmo.set_size(8192), ZX_ERR_UNAVAILABLE);
    CHECK_STATUS(zx::vmo::create(4096, 2, &vmo), ZX_ERR_INVALID_ARGS);
    CHECK(!vmo);
}

TEST(a_duplicate_keeps_the_bytes) {
    zx::vmo vmo, copy;
    CHECK_OK(zx::vmo::create(4096, 0, &vmo));
    CHECK_OK(vmo.write("jacinth", 0, 8));
    CHECK_OK(vmo.duplicate(ZX_RIGHT_READ, &copy));
    vmo.reset();
    char bytes[8] = {};
    CHECK_OK(copy.read(bytes, 0, 8));
    CHECK_BYTES(bytes, "jacinth", 8);
    CHECK_STATUS(copy.write(bytes, 0, 8), ZX_ERR_ACCESS_DENIED);
}

TEST(a_clone_has_its_own_bytes) {
    zx::vmo vmo, clone;
    CHECK_OK(zx::vmo::create(4096, 0, &vmo));
    CHECK_OK(vmo.write("jacinth", 0, 8));
    CHECK_OK(vmo.clone(ZX_VMO_CLONE_COPY_ON_WRITE, 0, 4096, &clone));
    CHECK_OK(clone.write("J", 0, 1));
    char bytes[8] = {};
    CHECK_OK(clone.read(bytes, 0, 8));
    CHECK_BYTES(bytes, "Jacinth", 8);
    CHECK_OK(vmo.read(bytes, 0, 8));
    CHECK_BYTES(bytes, "jacinth", 8);
    CHECK_STATUS(vmo.clone(0, 0, 4096, &clone), ZX_ERR_INVALID_ARGS);
    CHECK(!clone);
    CHECK_OK(vmo.wait_one(ZX_VMO_ZERO_CHILDREN, zx::time::infinite(), nullptr));
}

TEST(a_mapping_shares_the_bytes) {
    zx::vmo vmo;
    CHECK_OK(zx::vmo::create(8192, 0, &vmo));
    auto root = zx::vmar::root_self();
    zx_vaddr_t address = 0;
    CHECK_OK(root->map(0, vmo, 4096, 4096, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, &address));
    *reinterpret_cast<volatile uint32_t*>(address) = 7;
    uint32_t read = 0;
    CHECK_OK(vmo.read(&read, 4096, sizeof(read)));
    CHECK_EQ(read, 7);
    CHECK_OK(root->protect(address, 4096, ZX_VM_PERM_READ));
    CHECK_OK(root->unmap(address, 4096));
    CHECK_STATUS(root->unmap(address, 4096), ZX_ERR_NOT_FOUND);
}

}  // namespace
