//! What VM objects tell of themselves.

mod support;

use jacinth::*;
use support::*;

const PAGE: u64 = 4096;

#[test]
fn child_main() {
    play(&[("maps an object", maps_an_object), ("sends its process", sends_its_process)]);
}

fn own() -> Unowned<'static, Process> {
    process_self().unwrap().cast()
}

fn root() -> Unowned<'static, Vmar> {
    vmar_root_self().unwrap().cast()
}

fn promise() -> MemoryPromise {
    // SAFETY: no test uses memory that it has unmapped, or writes memory that it has protected.
    unsafe { MemoryPromise::no_thread_relies_on_it() }
}

fn map(vmo: &Vmo, offset: u64, pages: usize, flags: VmarFlags) -> usize {
    root().map(0, vmo, offset, pages * PAGE as usize, flags).unwrap()
}

#[test]
fn a_new_object_tells_its_beginnings() {
    in_arena(|_| {
        let vmo = Vmo::create(PAGE + 1).unwrap();
        let info = vmo.info().unwrap();
        assert_eq!((info.koid, info.name), (vmo.koid().unwrap(), Name::default()));
        assert_eq!((info.size_bytes, info.committed_bytes), (2 * PAGE, 0));
        assert_eq!((info.parent_koid, info.num_children), (Koid::INVALID, 0));
        assert_eq!((info.num_mappings, info.share_count), (0, 0));
        assert_eq!(info.flags, VmoInfoFlags::PAGED | VmoInfoFlags::RESIZABLE | VmoInfoFlags::VIA_HANDLE);
        assert_eq!(info.handle_rights, Rights::VMO_DEFAULT);
        let fixed = Vmo::create_with_opts(VmoOptions::NON_RESIZABLE, 0).unwrap();
        assert_eq!(fixed.info().unwrap().flags, VmoInfoFlags::PAGED | VmoInfoFlags::VIA_HANDLE);
    });
}

#[test]
fn a_handle_without_rights_tells_all() {
    in_arena(|_| {
        let vmo = Vmo::create_named(PAGE, &Name::new("frames").unwrap()).unwrap();
        let bare = vmo.duplicate(Rights::NONE).unwrap();
        let info = VmoInfo::from(raw::vmo_info(bare.raw_handle()).unwrap());
        assert_eq!((info.name, info.handle_rights), (Name::new("frames").unwrap(), Rights::NONE));
        assert_eq!(info.koid, vmo.koid().unwrap());
    });
}

#[test]
fn committed_bytes_follow_the_pages() {
    in_arena(|_| {
        let vmo = Vmo::create(1 << 30).unwrap();
        let committed = || vmo.info().unwrap().committed_bytes;
        vmo.write(&[1], 3 * PAGE - 1).unwrap();
        vmo.write(&[1], 1 << 29).unwrap();
        assert_eq!(committed(), 2 * PAGE);
        vmo.op_range(VmoOp::COMMIT, 0, 8 * PAGE).unwrap();
        assert_eq!(committed(), 9 * PAGE);
        vmo.op_range(VmoOp::DECOMMIT, PAGE, PAGE).unwrap();
        assert_eq!(committed(), 8 * PAGE);
        vmo.set_size(PAGE).unwrap();
        assert_eq!(committed(), PAGE);
        vmo.set_size(0).unwrap();
        assert_eq!(committed(), 0);
        // Through a mapping, in an extent of its own.
        let address = map(&vmo, 1 << 25, 2, VmarFlags::PERM_READ | VmarFlags::PERM_WRITE);
        assert_eq!(committed(), 0);
        // SAFETY: mapped and aligned; no other thread uses it.
        unsafe { std::ptr::with_exposed_provenance_mut::<u64>(address).write_volatile(7) };
        assert_eq!((vmo.get_size(), committed()), (Ok(0), PAGE), "behind the end");
    });
}

#[test]
fn clones_and_parents_name_each_other() {
    in_arena(|_| {
        let vmo = Vmo::create(2 * PAGE).unwrap();
        vmo.write(&[1; 2 * PAGE as usize], 0).unwrap();
        let clone = |of: &Vmo| of.create_child(VmoChildOptions::COPY_ON_WRITE, PAGE, PAGE).unwrap();
        let (one, two) = (clone(&vmo), clone(&vmo));
        let grandchild = clone(&one);
        let info = one.info().unwrap();
        assert_eq!((info.parent_koid, info.num_children), (vmo.koid().unwrap(), 1));
        assert!(info.flags.contains(VmoInfoFlags::IS_COW_CLONE));
        assert_eq!(info.committed_bytes, PAGE, "its own copy");
        assert_eq!(vmo.info().unwrap().num_children, 2, "a grandchild is no child");
        assert!(!vmo.info().unwrap().flags.contains(VmoInfoFlags::IS_COW_CLONE));
        let copy = two.duplicate(Rights::NONE).unwrap();
        drop(two);
        assert_eq!(vmo.info().unwrap().num_children, 2);
        drop(copy);
        assert_eq!(vmo.info().unwrap().num_children, 1);
        drop(vmo);
        let orphan = one.info().unwrap();
        assert_eq!(orphan.parent_koid, Koid::INVALID);
        assert!(orphan.flags.contains(VmoInfoFlags::IS_COW_CLONE), "still a clone");
        assert_eq!(grandchild.info().unwrap().parent_koid, one.koid().unwrap());
    });
}

#[test]
fn mappings_are_counted_by_range() {
    in_arena(|_| {
        let (vmo, other) = (Vmo::create(4 * PAGE).unwrap(), Vmo::create(PAGE).unwrap());
        let counts = || {
            let info = vmo.info().unwrap();
            (info.num_mappings, info.share_count)
        };
        map(&other, 0, 1, VmarFlags::PERM_READ);
        assert_eq!(counts(), (0, 0));
        let first = map(&vmo, 0, 4, VmarFlags::PERM_READ);
        let second = map(&vmo, 0, 1, VmarFlags::PERM_READ);
        assert_eq!(counts(), (2, 1));
        root().unmap(second, PAGE as usize, promise()).unwrap();
        assert_eq!(counts(), (1, 1));
        // A hole makes two of one.
        root().unmap(first + PAGE as usize, PAGE as usize, promise()).unwrap();
        assert_eq!(counts(), (2, 1));
        root().unmap(first, 4 * PAGE as usize, promise()).unwrap();
        assert_eq!(counts(), (0, 0));
    });
}

#[test]
fn other_handles_are_refused() {
    in_arena(|_| {
        let event = Event::create();
        assert_eq!(raw::vmo_info(event.raw_handle()), Err(Status::WRONG_TYPE));
        assert_eq!(raw::vmo_info(own().raw_handle()), Err(Status::WRONG_TYPE));
        let value = event.into_raw();
        raw::close(value).unwrap();
        assert_eq!(raw::vmo_info(value), Err(Status::BAD_HANDLE));
        assert_eq!(raw::vmo_info(raw::INVALID), Err(Status::BAD_HANDLE));
    });
}

/// A mapping of another process is not known here, but its handle is.
#[test]
fn other_processes_mappings_are_left_out() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "maps an object");
        let vmo = Vmo::create(PAGE).unwrap();
        ours.write(b"", &mut [vmo.duplicate(Rights::SAME_RIGHTS).unwrap().into()]).unwrap();
        next(&ours);
        let info = vmo.info().unwrap();
        assert_eq!((info.num_mappings, info.share_count), (0, 0));
        assert_eq!(vmo.count_info().unwrap().handle_count, 2);
        drop(ours);
        join(child);
    });
}

fn maps_an_object() {
    let channel = startup_channel();
    let vmo: Vmo = next(&channel).take_handle(0).unwrap().into();
    map(&vmo, 0, 1, VmarFlags::PERM_READ);
    assert_eq!(vmo.info().unwrap().num_mappings, 1);
    drop(vmo);
    tell(&channel, "mapped");
    wait_for_peer_closed(&channel);
}

fn listed() -> Vec<VmoInfo> {
    own().info_vmos_vec().unwrap()
}

#[test]
fn the_listing_has_handles_then_mappings() {
    in_arena(|_| {
        assert_eq!(listed(), []);
        let _event = Event::create();
        let vmo = Vmo::create_named(4 * PAGE, &Name::new("frames").unwrap()).unwrap();
        let weak = vmo.duplicate(Rights::READ).unwrap();
        let address = map(&vmo, 0, 4, VmarFlags::PERM_READ);
        let vias = || {
            let vmos = listed();
            assert!(vmos.iter().all(|info| (info.koid, info.size_bytes) == (vmos[0].koid, 4 * PAGE)));
            assert!(vmos.iter().all(|info| info.name == "frames"));
            let via = VmoInfoFlags::VIA_HANDLE | VmoInfoFlags::VIA_MAPPING;
            vmos.iter().map(|info| (info.flags & via, info.handle_rights)).collect::<Vec<_>>()
        };
        let by_handle = |rights| (VmoInfoFlags::VIA_HANDLE, rights);
        let by_mapping = (VmoInfoFlags::VIA_MAPPING, Rights::NONE);
        let mut all = vias();
        all[..2].sort();
        let mut handles = [by_handle(Rights::READ), by_handle(Rights::VMO_DEFAULT)];
        handles.sort();
        assert_eq!(all, [handles[0], handles[1], by_mapping]);
        drop(vmo);
        assert_eq!(vias(), [by_handle(Rights::READ), by_mapping]);
        root().unmap(address + PAGE as usize, PAGE as usize, promise()).unwrap();
        drop(weak);
        assert_eq!(vias(), [by_mapping, by_mapping], "the keeper is no handle");
        root().unmap(address, 4 * PAGE as usize, promise()).unwrap();
        assert_eq!(listed(), []);
    });
}

#[test]
fn only_the_own_process_is_listed() {
    in_arena(|supervisor| {
        let bare = own().duplicate(Rights::SAME_RIGHTS).unwrap();
        assert_eq!(bare.info_vmos_vec(), Ok(vec![]), "another handle to it");
        let bare = bare.replace(Rights::WAIT).unwrap();
        assert_eq!(bare.info_vmos_vec(), Err(Status::ACCESS_DENIED));
        assert_eq!(bare.info_maps_vec(), Err(Status::ACCESS_DENIED));
        assert_eq!(raw::process_vmos(Event::create().raw_handle()), Err(Status::WRONG_TYPE));
        assert_eq!(raw::process_vmos(raw::INVALID), Err(Status::BAD_HANDLE));
        let (ours, child) = spawn(supervisor, "sends its process");
        let process: Process = next(&ours).take_handle(0).unwrap().into();
        assert_eq!(process.info_vmos_vec(), Err(Status::NOT_SUPPORTED));
        assert_eq!(process.info_maps_vec(), Err(Status::NOT_SUPPORTED));
        let process = process.replace(Rights::WAIT).unwrap();
        assert_eq!(process.info_vmos_vec(), Err(Status::ACCESS_DENIED), "before the support");
        drop(ours);
        join(child);
    });
}

fn sends_its_process() {
    let channel = startup_channel();
    let own = process_self().unwrap().duplicate(Rights::SAME_RIGHTS).unwrap();
    channel.write(b"", &mut [own]).unwrap();
    wait_for_peer_closed(&channel);
}

#[test]
fn listing_survives_other_threads() {
    in_arena(|_| {
        let kept = Vmo::create(PAGE).unwrap();
        std::thread::scope(|scope| {
            let busy = scope.spawn(|| {
                for _ in 0..2_000 {
                    let vmo = Vmo::create(PAGE).unwrap();
                    let address = map(&vmo, 0, 1, VmarFlags::PERM_READ);
                    drop(vmo);
                    root().unmap(address, PAGE as usize, promise()).unwrap();
                }
            });
            while !busy.is_finished() {
                // Any number of the other thread's objects: the listing is of no single moment.
                let (ours, others): (Vec<_>, Vec<_>) =
                    listed().into_iter().partition(|info| info.koid == kept.koid().unwrap());
                assert_eq!(ours, [kept.info().unwrap()]);
                assert!(others.iter().all(|info| info.size_bytes == PAGE && info.koid > ours[0].koid));
            }
        });
        assert_eq!(listed().len(), 1);
    });
}

/// The mappings: first address, pages, access, first page of the object, pages that have memory.
fn mapped() -> Vec<(usize, usize, VmarFlags, u64, usize)> {
    let maps = own().info_maps_vec().unwrap();
    let is_root = |node: &MapInfo| node.base == 0 && node.size > 1 << 46 && node.name == Name::default();
    assert!(maps[..2].iter().all(is_root) && maps[2..].is_sorted_by_key(|node| node.base));
    assert_eq!((maps[0].depth, *maps[0].details()), (0, MapDetails::AddressSpace));
    assert_eq!((maps[1].depth, *maps[1].details()), (1, MapDetails::Vmar));
    let page = PAGE as usize;
    let mapping = |node: &MapInfo| {
        assert_eq!((node.depth, node.name), (2, Name::new("frames").unwrap()));
        let details = node.details().as_mapping().unwrap();
        let (offset, committed) = (details.vmo_offset / PAGE, details.committed_bytes / page);
        (node.base, node.size / page, details.mmu_flags, offset, committed)
    };
    maps[2..].iter().map(mapping).collect()
}

#[test]
fn maps_follow_every_change() {
    in_arena(|_| {
        assert_eq!(mapped(), []);
        let (page, read) = (PAGE as usize, VmarFlags::PERM_READ);
        let read_write = read | VmarFlags::PERM_WRITE;
        let vmo = Vmo::create_named(16 * PAGE, &Name::new("frames").unwrap()).unwrap();
        let base = map(&vmo, 2 * PAGE, 8, read);
        assert_eq!(mapped(), [(base, 8, read, 2, 0)]);
        vmo.write(&[1; 3 * PAGE as usize], 4 * PAGE).unwrap();
        vmo.write(&[1], 0).unwrap();
        assert_eq!(mapped(), [(base, 8, read, 2, 3)], "the first page is not mapped");
        root().protect(base + 3 * page, 2 * page, read_write, promise()).unwrap();
        let parts =
            [(base, 3, read, 2, 1), (base + 3 * page, 2, read_write, 5, 2), (base + 5 * page, 3, read, 7, 0)];
        assert_eq!(mapped(), parts);
        assert_eq!(vmo.info().unwrap().num_mappings, 3, "as in Zircon");
        root().unmap(base + 2 * page, 2 * page, promise()).unwrap();
        let parts =
            [(base, 2, read, 2, 0), (base + 4 * page, 1, read_write, 6, 1), (base + 5 * page, 3, read, 7, 0)];
        assert_eq!(mapped(), parts);
        drop(vmo);
        assert_eq!(mapped(), parts);
        root().unmap(base, 8 * page, promise()).unwrap();
        assert_eq!(mapped(), []);
    });
}

#[test]
fn a_refused_change_is_not_told() {
    in_arena(|_| {
        let vmo = Vmo::create_named(PAGE, &Name::new("frames").unwrap()).unwrap();
        let reader = vmo.duplicate(Rights::READ | Rights::MAP).unwrap();
        let base = map(&reader, 0, 1, VmarFlags::PERM_READ);
        let writable = VmarFlags::PERM_READ | VmarFlags::PERM_WRITE;
        assert_eq!(root().protect(base, PAGE as usize, writable, promise()), Err(Status::ACCESS_DENIED));
        assert_eq!(mapped(), [(base, 1, VmarFlags::PERM_READ, 0, 0)]);
        root().protect(base, PAGE as usize, VmarFlags::empty(), promise()).unwrap();
        assert_eq!(mapped(), [(base, 1, VmarFlags::empty(), 0, 0)]);
    });
}
