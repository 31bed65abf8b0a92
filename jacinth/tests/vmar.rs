//! Mappings of VM objects: what they show, what bounds their access, and how they end.

mod support;

use jacinth::*;
use procfs::process::MMPermissions as Permissions;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use support::guessed_values::GuessedValues;
use support::*;

const PAGE: usize = 4096;
const READ: VmarFlags = VmarFlags::PERM_READ;
const READ_WRITE: VmarFlags = VmarFlags::PERM_READ.union(VmarFlags::PERM_WRITE);

fn root() -> Unowned<'static, Vmar> {
    vmar_root_self().unwrap().cast()
}

/// A word that is mapped.
fn word(address: usize) -> &'static AtomicU64 {
    // SAFETY: the callers map it first, and use it while it is mapped; it is aligned.
    unsafe { &*std::ptr::with_exposed_provenance(address) }
}

fn promise() -> MemoryPromise {
    // SAFETY: no test uses memory that it has unmapped, or writes memory that it has protected.
    unsafe { MemoryPromise::no_thread_relies_on_it() }
}

fn map(vmo: &Vmo, offset: u64, len: usize, flags: VmarFlags) -> Result<usize, Status> {
    root().map(0, vmo, offset, len, flags)
}

#[test]
fn a_mapping_shares_the_bytes() {
    in_arena(|_| {
        // In extents of 4, 16 and 64 KiB.
        let vmo = Vmo::create(PAGE as u64).unwrap();
        vmo.set_size(16 * PAGE as u64).unwrap();
        let whole = map(&vmo, 0, 16 * PAGE, READ_WRITE).unwrap();
        let part = map(&vmo, 3 * PAGE as u64, 2 * PAGE, READ).unwrap();
        for page in 0..16 {
            let offset = (page * PAGE + 8) as u64;
            vmo.write(&(page as u64 + 1).to_ne_bytes(), offset).unwrap();
            assert_eq!(word(whole + page * PAGE + 8).load(Relaxed), page as u64 + 1);
            word(whole + page * PAGE + 8).store(page as u64 + 100, Relaxed);
            assert_eq!(vmo.read_to_object::<u64>(offset), Ok(page as u64 + 100));
        }
        assert_eq!(word(part + 8).load(Relaxed), 103);
        assert_eq!(word(part + PAGE + 8).load(Relaxed), 104);
    });
}

/// Not even by a call of the system can a mapping be made writable that was made without the right to write.
#[test]
fn the_kernel_enforces_the_right_to_write() {
    in_arena(|_| {
        let vmo = Vmo::create(PAGE as u64).unwrap();
        let reader = vmo.duplicate(Rights::READ | Rights::MAP).unwrap();
        assert_eq!(map(&reader, 0, PAGE, READ_WRITE), Err(Status::ACCESS_DENIED));
        let address = map(&reader, 0, PAGE, READ).unwrap();
        vmo.write(&7_u64.to_ne_bytes(), 0).unwrap();
        assert_eq!(word(address).load(Relaxed), 7);
        assert_eq!(root().protect(address, PAGE, READ_WRITE, promise()), Err(Status::ACCESS_DENIED));
        // SAFETY: the pages are mapped, and the access to them is not used.
        let protected = unsafe {
            libc::mprotect(
                std::ptr::with_exposed_provenance_mut(address),
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
            )
        };
        assert_eq!((protected, std::io::Error::last_os_error().raw_os_error()), (-1, Some(libc::EACCES)));
    });
}

#[test]
fn access_changes_within_the_rights() {
    in_arena(|_| {
        let vmo = Vmo::create(2 * PAGE as u64).unwrap();
        let address = map(&vmo, 0, 2 * PAGE, READ).unwrap();
        root().protect(address + PAGE, PAGE, READ_WRITE, promise()).unwrap();
        word(address + PAGE).store(7, Relaxed);
        assert_eq!(vmo.read_to_object::<u64>(PAGE as u64), Ok(7));
        root().protect(address, 2 * PAGE, READ, promise()).unwrap();
        assert_eq!(word(address + PAGE).load(Relaxed), 7);
        assert_eq!(root().protect(address, 3 * PAGE, READ, promise()), Err(Status::NOT_FOUND));
        let no_exec = vmo.duplicate(Rights::READ | Rights::MAP).unwrap();
        assert_eq!(map(&no_exec, 0, PAGE, READ | VmarFlags::PERM_EXECUTE), Err(Status::ACCESS_DENIED));
        let unmappable = vmo.duplicate(Rights::READ).unwrap();
        assert_eq!(map(&unmappable, 0, PAGE, READ), Err(Status::ACCESS_DENIED));
        let weak = root().duplicate(Rights::READ).unwrap();
        assert_eq!(weak.map(0, &vmo, 0, PAGE, READ_WRITE), Err(Status::ACCESS_DENIED));
        assert_eq!(weak.protect(address, PAGE, READ_WRITE, promise()), Err(Status::ACCESS_DENIED));
    });
}

/// A reader never faults when the size changes.
#[test]
fn shrinking_makes_no_reader_fault() {
    in_arena(|_| {
        let vmo = Vmo::create(8 * PAGE as u64).unwrap();
        let address = map(&vmo, 0, 32 * PAGE, READ_WRITE).unwrap();
        word(address + 7 * PAGE).store(7, Relaxed);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                for _ in 0..20_000 {
                    let seen = word(address + 7 * PAGE).load(Relaxed);
                    assert!(seen == 7 || seen == 0, "{seen}");
                }
            });
            for _ in 0..500 {
                vmo.set_size(PAGE as u64).unwrap();
                vmo.set_size(8 * PAGE as u64).unwrap();
            }
            reader.join().unwrap();
        });
        assert_eq!(word(address + 7 * PAGE).load(Relaxed), 0);
        assert_eq!(word(address + 31 * PAGE).load(Relaxed), 0, "behind the end");
        vmo.set_size(32 * PAGE as u64).unwrap();
        vmo.write(&9_u64.to_ne_bytes(), 31 * PAGE as u64).unwrap();
        assert_eq!(word(address + 31 * PAGE).load(Relaxed), 9, "the mapping was there already");
    });
}

#[test]
fn a_mapping_keeps_its_object() {
    in_arena(|supervisor| {
        let before = supervisor.inspect();
        let vmo = Vmo::create(2 * PAGE as u64).unwrap();
        let address = map(&vmo, 0, 2 * PAGE, READ_WRITE).unwrap();
        drop(vmo);
        supervisor.collect().unwrap();
        word(address).store(7, Relaxed);
        // Half of it, and then the rest.
        root().unmap(address, PAGE, promise()).unwrap();
        word(address + PAGE).store(8, Relaxed);
        assert_eq!(root().unmap(address, PAGE, promise()), Err(Status::NOT_FOUND));
        root().unmap(address, 2 * PAGE, promise()).unwrap();
        supervisor.collect().unwrap();
        let after = supervisor.inspect();
        // The address space itself is one object more.
        assert_eq!((after.objects, after.blocks), (before.objects + 1, before.blocks));
    });
}

/// A program that works out how values go on does not get at the handle that keeps a mapping.
#[test]
fn guessed_values_end_no_mapping() {
    in_arena(|supervisor| {
        let vmo = Vmo::create(PAGE as u64).unwrap();
        let root = root();
        let values = GuessedValues::from_here();
        let address = map(&vmo, 0, PAGE, READ_WRITE).unwrap();
        word(address).store(7, Relaxed);
        drop(vmo);
        values.close_all();
        supervisor.collect().unwrap();
        let others: Vec<_> = (0..100).map(|_| Vmo::create(PAGE as u64).unwrap()).collect();
        for other in &others {
            other.write(&[9; PAGE], 0).unwrap();
        }
        assert_eq!(word(address).load(Relaxed), 7);
        root.unmap(address, PAGE, promise()).unwrap();
    });
}

/// What the system lets this process do with the memory at an address, if it has any there.
fn access_at(address: usize) -> Option<Permissions> {
    let maps = procfs::process::Process::myself().unwrap().maps().unwrap();
    let mut maps = maps.into_iter();
    maps.find(|map| (map.address.0..map.address.1).contains(&(address as u64))).map(|map| map.perms)
}

#[test]
fn an_unmapped_range_is_mapped_again() {
    in_arena(|supervisor| {
        let vmo = Vmo::create(3 * PAGE as u64).unwrap();
        let reader = vmo.duplicate(Rights::READ | Rights::MAP).unwrap();
        let address = map(&vmo, PAGE as u64, 2 * PAGE, READ_WRITE).unwrap();
        word(address).store(7, Relaxed);
        root().unmap(address, 2 * PAGE, promise()).unwrap();
        // The range is retained without access, and is no mapping any more.
        assert_eq!(access_at(address), Some(Permissions::SHARED));
        assert_eq!(root().protect(address, PAGE, READ, promise()), Err(Status::NOT_FOUND));
        assert_eq!(root().unmap(address, PAGE, promise()), Err(Status::NOT_FOUND));
        // Other bytes, and a handle of other rights, get other ranges.
        for (vmo, offset, len) in [(&vmo, 0, 2), (&vmo, 1, 1), (&reader, 1, 2)] {
            let other = map(vmo, (offset * PAGE) as u64, len * PAGE, READ).unwrap();
            assert_ne!(other, address);
            root().unmap(other, len * PAGE, promise()).unwrap();
        }
        vmo.write(&8_u64.to_ne_bytes(), PAGE as u64).unwrap();
        assert_eq!(map(&vmo, PAGE as u64, 2 * PAGE, READ), Ok(address));
        assert_eq!(access_at(address), Some(Permissions::SHARED | Permissions::READ));
        assert_eq!(word(address).load(Relaxed), 8);
        root().protect(address, 2 * PAGE, READ_WRITE, promise()).unwrap();
        // One handle keeps the mapping, and ends with it.
        let before = supervisor.inspect().handles;
        root().unmap(address, 2 * PAGE, promise()).unwrap();
        assert_eq!(supervisor.inspect().handles, before - 1);
    });
}

/// A range that is retained keeps no object, and shows none after it.
#[test]
fn a_retained_range_shows_no_later_object() {
    in_arena(|supervisor| {
        // The address space is an object too.
        let _ = root();
        let before = supervisor.inspect();
        let mut addresses = Vec::new();
        for round in 0..3_u64 {
            let vmo = Vmo::create(2 * PAGE as u64).unwrap();
            let address = map(&vmo, 0, 2 * PAGE, READ_WRITE).unwrap();
            assert_eq!(word(address).load(Relaxed), 0);
            word(address).store(round + 1, Relaxed);
            assert_eq!(vmo.read_to_object::<u64>(0), Ok(round + 1));
            root().unmap(address, 2 * PAGE, promise()).unwrap();
            addresses.push(address);
            drop(vmo);
            supervisor.collect().unwrap();
        }
        addresses.dedup();
        assert_eq!(addresses.len(), 3, "each object has a range of its own: {addresses:x?}");
        let after = supervisor.inspect();
        assert_eq!((after.objects, after.blocks), (before.objects, before.blocks));
        // A program that wants the address gets it.
        let vmo = Vmo::create(PAGE as u64).unwrap();
        vmo.write(&9_u64.to_ne_bytes(), 0).unwrap();
        let there = root().map(addresses[0] + PAGE, &vmo, 0, PAGE, READ | VmarFlags::SPECIFIC);
        assert_eq!(there, Ok(addresses[0] + PAGE));
        assert_eq!(word(addresses[0] + PAGE).load(Relaxed), 9);
    });
}

/// A program may unmap the address space around a mapping at an address of its choice. So such a range is not retained.
#[test]
fn chosen_addresses_are_not_retained() {
    in_arena(|_| {
        let vmo = Vmo::create(PAGE as u64).unwrap();
        // Free, since it was mapped just now.
        let first = map(&vmo, 0, PAGE, READ_WRITE).unwrap();
        root().unmap(first, PAGE, promise()).unwrap();
        let chosen = root().map(first, &vmo, 0, PAGE, READ_WRITE | VmarFlags::SPECIFIC).unwrap();
        root().unmap(chosen, PAGE, promise()).unwrap();
        assert_ne!(access_at(chosen), Some(Permissions::SHARED));
    });
}

/// A process at its limit of address space still maps as much as it has unmapped: retained ranges do not count against it.
#[test]
fn retained_ranges_give_way() {
    const LEN: usize = 64 << 20;
    in_arena(|_| {
        let vmos = [(); 2].map(|()| Vmo::create(LEN as u64).unwrap());
        for vmo in &vmos {
            vmo.write(b"x", 0).unwrap();
        }
        let _ = root();
        let status = procfs::process::Process::myself().unwrap().status().unwrap();
        let most = status.vmsize.unwrap() * 1024 + LEN as u64 * 3 / 2;
        setrlimit(Resource::As, Rlimit { current: Some(most), ..getrlimit(Resource::As) }).unwrap();
        for vmo in vmos.iter().cycle().take(6) {
            let address = map(vmo, 0, LEN, READ).unwrap();
            assert_eq!(map(vmo, 0, LEN, READ), Err(Status::NO_MEMORY), "the limit holds");
            root().unmap(address, LEN, promise()).unwrap();
        }
    });
}

#[test]
fn a_middle_part_is_unmapped() {
    in_arena(|_| {
        let vmo = Vmo::create(5 * PAGE as u64).unwrap();
        let address = map(&vmo, 0, 5 * PAGE, READ_WRITE).unwrap();
        root().unmap(address + 2 * PAGE, PAGE, promise()).unwrap();
        for page in [0, 1, 3, 4] {
            word(address + page * PAGE).store(page as u64 + 1, Relaxed);
            assert_eq!(vmo.read_to_object::<u64>((page * PAGE) as u64), Ok(page as u64 + 1));
        }
        assert_eq!(root().protect(address, 5 * PAGE, READ, promise()), Err(Status::NOT_FOUND));
        // The hole is free for another mapping.
        let there = root().map(address + 2 * PAGE, &vmo, 0, PAGE, READ | VmarFlags::SPECIFIC);
        assert_eq!(there, Ok(address + 2 * PAGE));
        let taken = root().map(address, &vmo, 0, PAGE, READ | VmarFlags::SPECIFIC);
        assert_eq!(taken, Err(Status::NO_MEMORY));
        root().protect(address, 5 * PAGE, READ, promise()).unwrap();
    });
}

#[test]
fn bad_arguments_are_refused() {
    in_arena(|supervisor| {
        let vmo = Vmo::create(4 * PAGE as u64).unwrap();
        let fixed = Vmo::create_with_opts(VmoOptions::NON_RESIZABLE, PAGE as u64).unwrap();
        let root = root();
        let before = supervisor.inspect().handles;
        for (at, offset, len, flags, status) in [
            (0, 0, 0, READ, Status::INVALID_ARGS),
            (0, 0, 100, READ, Status::INVALID_ARGS),
            (0, 100, PAGE, READ, Status::INVALID_ARGS),
            (PAGE, 0, PAGE, READ, Status::INVALID_ARGS),
            (100, 0, PAGE, READ | VmarFlags::SPECIFIC, Status::INVALID_ARGS),
            (0, u64::MAX - PAGE as u64 + 1, PAGE, READ, Status::INVALID_ARGS),
            (0, 0, PAGE, VmarFlags::PERM_WRITE, Status::INVALID_ARGS),
            (0, 0, PAGE, VmarFlags::PERM_EXECUTE, Status::INVALID_ARGS),
            (0, 0, PAGE, READ | VmarFlags::SPECIFIC_OVERWRITE, Status::NOT_SUPPORTED),
            (0, 0, PAGE, READ | VmarFlags::REQUIRE_NON_RESIZABLE, Status::NOT_SUPPORTED),
            (0, 1 << 40, PAGE, READ, Status::NO_MEMORY),
        ] {
            assert_eq!(root.map(at, &vmo, offset, len, flags), Err(status), "{at} {offset} {len} {flags:?}");
        }
        let unknown = raw::vmar_map(root.raw_handle(), 1 << 20, 0, vmo.raw_handle(), 0, PAGE as u64);
        assert_eq!(unknown, Err(Status::INVALID_ARGS));
        assert_eq!(supervisor.inspect().handles, before, "no refused mapping keeps the object");
        let flags = READ | VmarFlags::REQUIRE_NON_RESIZABLE | VmarFlags::MAP_RANGE;
        let address = root.map(0, &fixed, 0, PAGE, flags).unwrap();
        for (at, len) in [(address + 1, PAGE), (address, 0), (address, 100), (address, usize::MAX - PAGE + 1)]
        {
            assert_eq!(root.unmap(at, len, promise()), Err(Status::INVALID_ARGS));
            assert_eq!(root.protect(at, len, READ, promise()), Err(Status::INVALID_ARGS));
        }
        let other: Vmar = Vmar::from(NullableHandle::from_raw(
            raw::create(ObjectType::VMAR, Rights::VMAR_DEFAULT | Rights::IO).unwrap().0,
        ));
        assert_eq!(other.map(0, &vmo, 0, PAGE, READ), Err(Status::NOT_SUPPORTED));
    });
}

/// In a process that locks its memory the kernel would commit all of a new mapping.
#[test]
#[expect(unsafe_code, reason = "the C library's call")]
fn locked_processes_map_sparse_objects() {
    const GIB: usize = 1 << 30;
    in_arena(|_| {
        // SAFETY: it changes only how the kernel treats memory that is mapped later.
        if unsafe { libc::mlockall(libc::MCL_FUTURE) } != 0 {
            return println!("skipped: this user may lock little memory (RLIMIT_MEMLOCK)");
        }
        let vmo = Vmo::create(GIB as u64).unwrap();
        vmo.write(b"x", 0).unwrap();
        let resident = || {
            let status = procfs::process::Process::myself().unwrap().status().unwrap();
            status.vmrss.unwrap()
        };
        let before = resident();
        for flags in [READ, READ_WRITE] {
            let address = map(&vmo, 0, GIB, flags).unwrap();
            let grown_kib = resident().saturating_sub(before);
            assert!(grown_kib < 64 << 10, "{grown_kib} KiB");
            assert_eq!(word(address).load(Relaxed), u64::from(b'x'));
            root().unmap(address, GIB, promise()).unwrap();
        }
        // A range whose pages the system would keep in memory is not retained.
        let address = map(&vmo, 0, PAGE, READ).unwrap();
        root().unmap(address, PAGE, promise()).unwrap();
        assert_ne!(access_at(address), Some(Permissions::SHARED));
        vmo.set_size(0).unwrap();
        let grown_kib = resident().saturating_sub(before);
        assert!(grown_kib < 64 << 10, "{grown_kib} KiB");
    });
}
