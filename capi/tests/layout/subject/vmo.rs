//! VM objects.

use super::Subject;
use crate::signature::signatures;
use crate::structure::structures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_vmo_create(1, 2, 3)
        zx_vmo_read(1, 2, 3, 4)
        zx_vmo_write(1, 2, 3, 4)
        zx_vmo_clone(1, 2, 3, 4, 5)
        zx_vmo_get_size(1, 2)
        zx_vmo_set_size(1, 2)
        zx_vmo_op_range(1, 2, 3, 4, 5, 6)
        zx_vmar_map(1, 2, 3, 4, 5, 6, 7)
        zx_vmar_unmap(1, 2, 3)
        zx_vmar_protect(1, 2, 3, 4)
    };
    let structures = structures! {
        zx_info_maps_mapping_t { mmu_flags vmo_koid vmo_offset committed_pages }
        zx_info_maps_t { name base size depth r#type u }
        zx_info_vmo_t {
            koid name size_bytes parent_koid num_children num_mappings share_count flags committed_bytes handle_rights
            create_options cache_policy
        }
    };
    Subject { calls, structures }
}
