//! Mappings of VM objects in the victim's address space. A mapping keeps its object by a handle of its own, the *keeper*.

#![expect(unsafe_code, reason = "mapped memory is written, and unmapped")]

use crate::operation::fixture::startup_channel;
use crate::operation::guarantee::CLOSE;
use crate::operation::spec::OperationSpec;
use crate::operation::vmo::scene::{AT, PAGE, check_bytes, control_and_vmo, shared, write_all};
use jacinth::*;

/// The guarantee of a mapping.
const MAP: &str =
    "the mapping ends with the victim: the survivor has the last handle, and bytes stay or are 0";
/// The guarantee of a change to a mapping.
const MAPPED: &str =
    "the bytes that were written through the mapping are there, and the survivor has the last handle";

const READ_WRITE: VmarFlags = VmarFlags::PERM_READ.union(VmarFlags::PERM_WRITE);
const LEN: usize = 3 * PAGE as usize;

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        // The extents come with it.
        map("vmar_map_first", false).exercises_recovery(),
        map("vmar_map", true),
        map_refused(),
        unmap("vmar_unmap", 0, LEN).handle_delta(-1),
        // The keeper stays.
        unmap("vmar_unmap_part", PAGE as usize, PAGE as usize).handle_delta(0),
        unmap_last().exercises_recovery(),
        protect(),
    ]
}

/// In the victim: its own address space. Its handle is made once.
fn own_vmar() -> Unowned<'static, Vmar> {
    vmar_root_self().expect("an own address space").cast()
}

fn map_all(vmar: &Vmar, vmo: &Vmo) -> usize {
    vmar.map(0, vmo, 0, LEN, READ_WRITE).expect("a mapping")
}

/// Writes this byte in each extent, through a mapping.
fn write_mapped(address: usize, byte: u8) {
    for offset in AT {
        let to = std::ptr::with_exposed_provenance_mut::<u8>(address + offset as usize);
        for index in 0..8 {
            // SAFETY: `map_all` has mapped these bytes for writing. This process has no reference to them.
            unsafe { to.add(index).write_volatile(byte) };
        }
    }
}

fn promise() -> MemoryPromise {
    // SAFETY: the victim has one thread, which does not touch the memory any more.
    unsafe { MemoryPromise::no_thread_relies_on_it() }
}

fn map(name: &str, written: bool) -> OperationSpec {
    OperationSpec::new(name, MAP)
        .set_up(move || shared(written))
        .prepare(|| {
            let (control, vmo) = control_and_vmo();
            let vmar = own_vmar();
            move || {
                map_all(&vmar, &vmo);
                (vmo, control)
            }
        })
        .handle_delta(1)
        .check(move |fixture, _| check_bytes(fixture, if written { &[7] } else { &[0] }))
}

/// The victim maps where something is mapped: the keeper goes again.
fn map_refused() -> OperationSpec {
    OperationSpec::new("vmar_map_refused", MAP)
        .set_up(|| shared(true))
        .prepare(|| {
            let (control, vmo) = control_and_vmo();
            let vmar = own_vmar();
            let taken = map_all(&vmar, &vmo);
            move || {
                let refused = vmar.map(taken, &vmo, 0, LEN, READ_WRITE | VmarFlags::SPECIFIC);
                assert_eq!(refused, Err(Status::NO_MEMORY));
                (vmo, control)
            }
        })
        .handle_delta(0)
        .check(|fixture, _| check_bytes(fixture, &[7]))
}

/// The victim has written through its mapping, and unmaps `len` bytes of it.
fn unmap(name: &str, from: usize, len: usize) -> OperationSpec {
    OperationSpec::new(name, MAPPED)
        .set_up(|| shared(false))
        .prepare(move || {
            let (control, vmo) = control_and_vmo();
            let vmar = own_vmar();
            let address = map_all(&vmar, &vmo);
            write_mapped(address, 8);
            move || {
                vmar.unmap(address + from, len, promise()).unwrap();
                (vmo, control)
            }
        })
        .check(|fixture, _| check_bytes(fixture, &[8]))
}

/// The mapping is all that keeps the object.
fn unmap_last() -> OperationSpec {
    OperationSpec::new("vmar_unmap_last", CLOSE)
        .prepare(|| {
            let control = startup_channel();
            let vmar = own_vmar();
            let vmo = Vmo::create(3 * PAGE).unwrap();
            write_all(&vmo, 7).unwrap();
            let address = map_all(&vmar, &vmo);
            drop(vmo);
            move || {
                vmar.unmap(address, LEN, promise()).unwrap();
                control
            }
        })
        .handle_delta(-1)
}

fn protect() -> OperationSpec {
    OperationSpec::new("vmar_protect", MAPPED)
        .set_up(|| shared(false))
        .prepare(|| {
            let (control, vmo) = control_and_vmo();
            let vmar = own_vmar();
            let address = map_all(&vmar, &vmo);
            write_mapped(address, 8);
            move || {
                vmar.protect(address, LEN, VmarFlags::PERM_READ, promise()).unwrap();
                (vmo, control)
            }
        })
        .handle_delta(0)
        .check(|fixture, _| check_bytes(fixture, &[8]))
}
