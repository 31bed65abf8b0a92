//! VM objects in one process: bytes, sizes, ranges, options, and what is refused.

mod support;

use jacinth::*;
use support::*;

const PAGE: u64 = 4096;
const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;

fn read(vmo: &Vmo, offset: u64, length: u64) -> Result<Vec<u8>, Status> {
    vmo.read_to_vec(offset, length)
}

#[test]
fn a_new_object_is_zero() {
    in_arena(|_| {
        let vmo = Vmo::create(2 * PAGE).unwrap();
        let info = vmo.basic_info().unwrap();
        assert_eq!((info.object_type, info.rights), (ObjectType::VMO, Rights::VMO_DEFAULT));
        assert_eq!(info.related_koid.raw_koid(), 0);
        assert_eq!(read(&vmo, 0, 2 * PAGE).unwrap(), [0; 2 * PAGE as usize]);
        assert_eq!(
            vmo.wait_one(Signals::VMO_ZERO_CHILDREN, PAST),
            WaitResult::Ok(Signals::VMO_ZERO_CHILDREN)
        );
    });
}

#[test]
fn sizes_are_rounded_up_to_pages() {
    in_arena(|_| {
        for (asked, given) in [(0, 0), (1, PAGE), (PAGE, PAGE), (PAGE + 1, 2 * PAGE), (1 << 30, 1 << 30)] {
            let vmo = Vmo::create(asked).unwrap();
            assert_eq!(vmo.get_size(), Ok(given));
            vmo.set_size(asked + PAGE).unwrap();
            assert_eq!(vmo.get_size(), Ok(given + PAGE));
        }
    });
}

#[test]
fn impossible_sizes_are_refused() {
    in_arena(|supervisor| {
        let before = supervisor.inspect();
        for size in [u64::MAX, u64::MAX - PAGE, 1 << 63] {
            assert_eq!(Vmo::create(size).err(), Some(Status::OUT_OF_RANGE), "{size}");
        }
        assert_eq!(
            Vmo::create((64 << 30) + 1).err(),
            Some(Status::NO_MEMORY),
            "larger than the arena's largest"
        );
        assert_eq!(raw::vmo_create(PAGE, 2, Rights::VMO_DEFAULT), Err(Status::INVALID_ARGS));
        assert_eq!(raw::create(ObjectType::VMO, Rights::VMO_DEFAULT), Err(Status::INVALID_ARGS));
        assert_eq!(supervisor.inspect().objects, before.objects);
        let vmo = Vmo::create(PAGE).unwrap();
        for size in [u64::MAX, 1 << 63, (64 << 30) + 1] {
            assert_eq!(vmo.set_size(size), Err(Status::OUT_OF_RANGE), "{size}");
        }
        assert_eq!(vmo.get_size(), Ok(PAGE));
    });
}

#[test]
fn bytes_are_read_as_written() {
    in_arena(|_| {
        let vmo = Vmo::create(PAGE).unwrap();
        vmo.set_size(300 * PAGE).unwrap();
        let bytes: Vec<u8> = (0..200_000).map(|at| (at % 251) as u8).collect();
        for offset in [0, 1, PAGE - 1, 3 * PAGE, 17 * PAGE + 5] {
            vmo.write(&bytes, offset).unwrap();
            assert_eq!(read(&vmo, offset, 200_000).unwrap(), bytes, "at {offset}");
        }
        assert_eq!(vmo.read_to_object::<[u8; 4]>(17 * PAGE + 5), Ok([0, 1, 2, 3]));
    });
}

#[test]
fn reads_and_writes_end_at_the_size() {
    in_arena(|_| {
        let vmo = Vmo::create(2 * PAGE).unwrap();
        for (offset, length) in [(0, 2 * PAGE), (2 * PAGE, 0), (2 * PAGE - 1, 1), (0, 0)] {
            assert_eq!(vmo.write(&vec![1; length as usize], offset), Ok(()));
            assert_eq!(read(&vmo, offset, length).unwrap(), vec![1; length as usize]);
        }
        for (offset, length) in
            [(0, 2 * PAGE + 1), (2 * PAGE, 1), (2 * PAGE + 1, 0), (u64::MAX, 1), (u64::MAX, 0)]
        {
            let mut bytes = vec![9; length as usize];
            assert_eq!(vmo.write(&bytes, offset), Err(Status::OUT_OF_RANGE), "{offset}");
            assert_eq!(vmo.read(&mut bytes, offset), Err(Status::OUT_OF_RANGE), "{offset}");
        }
        assert_eq!(
            read(&vmo, 0, 2 * PAGE).unwrap(),
            [1; 2 * PAGE as usize],
            "a refused write changes nothing"
        );
    });
}

#[test]
fn a_shrunken_object_grows_with_zeros() {
    in_arena(|_| {
        let vmo = Vmo::create(16 * PAGE).unwrap();
        vmo.write(&[7; 16 * PAGE as usize], 0).unwrap();
        vmo.set_size(3 * PAGE).unwrap();
        assert_eq!(read(&vmo, 3 * PAGE, 1), Err(Status::OUT_OF_RANGE));
        vmo.set_size(16 * PAGE).unwrap();
        assert_eq!(read(&vmo, 0, 3 * PAGE).unwrap(), [7; 3 * PAGE as usize]);
        assert_eq!(read(&vmo, 3 * PAGE, 13 * PAGE).unwrap(), [0; 13 * PAGE as usize]);
    });
}

#[test]
fn a_fixed_size_is_unavailable() {
    in_arena(|_| {
        let vmo = Vmo::create_with_opts(VmoOptions::NON_RESIZABLE, PAGE).unwrap();
        assert_eq!(vmo.set_size(PAGE), Err(Status::UNAVAILABLE));
        assert_eq!(vmo.set_size(u64::MAX), Err(Status::UNAVAILABLE));
        assert_eq!(vmo.write(&[1], 0), Ok(()));
    });
}

#[test]
fn range_operations_give_documented_errors() {
    in_arena(|_| {
        let vmo = Vmo::create(4 * PAGE).unwrap();
        vmo.write(&[7; 4 * PAGE as usize], 0).unwrap();
        assert_eq!(vmo.op_range(VmoOp::COMMIT, 0, 4 * PAGE), Ok(()));
        assert_eq!(vmo.op_range(VmoOp::COMMIT, PAGE, u64::MAX), Err(Status::OUT_OF_RANGE));
        assert_eq!(vmo.op_range(VmoOp::DECOMMIT, 4 * PAGE + 1, 1), Err(Status::OUT_OF_RANGE));
        assert_eq!(vmo.op_range(VmoOp::DECOMMIT, 4 * PAGE, 1), Ok(()), "nothing is left of the range");
        assert_eq!(read(&vmo, 0, 4 * PAGE).unwrap(), [7; 4 * PAGE as usize]);
        // All pages that the range touches, up to the end.
        assert_eq!(vmo.op_range(VmoOp::DECOMMIT, 2 * PAGE + 5, 1 << 40), Ok(()));
        assert_eq!(read(&vmo, 0, 2 * PAGE).unwrap(), [7; 2 * PAGE as usize]);
        assert_eq!(read(&vmo, 2 * PAGE, 2 * PAGE).unwrap(), [0; 2 * PAGE as usize]);
        let cache =
            [VmoOp::CACHE_SYNC, VmoOp::CACHE_INVALIDATE, VmoOp::CACHE_CLEAN, VmoOp::CACHE_CLEAN_INVALIDATE];
        for op in cache {
            assert_eq!(vmo.op_range(op, 1, 4 * PAGE - 1), Ok(()), "{op:?}");
            assert_eq!(vmo.op_range(op, 1, 4 * PAGE), Err(Status::OUT_OF_RANGE), "{op:?}");
            assert_eq!(vmo.op_range(op, 0, u64::MAX), Err(Status::OUT_OF_RANGE), "{op:?}");
            assert_eq!(vmo.op_range(op, 0, 0), Err(Status::INVALID_ARGS), "{op:?}");
        }
        for op in [VmoOp::LOCK, VmoOp::UNLOCK] {
            assert_eq!(vmo.op_range(op, 0, PAGE), Err(Status::NOT_SUPPORTED), "{op:?}");
        }
        for op in [0, 5, 10, u32::MAX].map(VmoOp::from_raw) {
            assert_eq!(vmo.op_range(op, 0, PAGE), Err(Status::INVALID_ARGS), "{op:?}");
        }
    });
}

#[test]
fn tens_of_gigabytes_take_few_pages() {
    in_arena(|supervisor| {
        let vmo = Vmo::create(48 << 30).unwrap();
        for gib in 0..48 {
            vmo.write(&u64::to_ne_bytes(gib), gib << 30).unwrap();
        }
        for gib in 0..48 {
            assert_eq!(vmo.read_to_object::<u64>(gib << 30), Ok(gib));
        }
        drop(vmo);
        supervisor.collect().unwrap();
    });
}

#[test]
fn objects_live_while_they_have_handles() {
    in_arena(|supervisor| {
        let before = supervisor.inspect();
        let vmo = Vmo::create(PAGE).unwrap();
        let reader = vmo.duplicate(Rights::READ).unwrap();
        vmo.write(b"jacinth", 0).unwrap();
        drop(vmo);
        assert_eq!(read(&reader, 0, 7).unwrap(), b"jacinth");
        drop(reader);
        supervisor.collect().unwrap();
        let after = supervisor.inspect();
        assert_eq!((after.objects, after.blocks), (before.objects, before.blocks));
    });
}

#[test]
fn user_signals_and_names_work() {
    in_arena(|_| {
        let vmo = Vmo::create_named(PAGE, &Name::new("frames").unwrap()).unwrap();
        assert_eq!(vmo.get_name().unwrap(), "frames");
        vmo.signal(Signals::NONE, Signals::USER_3).unwrap();
        let both = Signals::VMO_ZERO_CHILDREN | Signals::USER_3;
        assert_eq!(vmo.wait_one(Signals::USER_3, PAST), WaitResult::Ok(both));
        let system = vmo.signal(Signals::NONE, Signals::VMO_ZERO_CHILDREN);
        assert_eq!(system, Err(Status::INVALID_ARGS));
        let port = Port::create();
        vmo.wait_async(&port, 7, Signals::VMO_ZERO_CHILDREN, WaitAsyncOpts::empty()).unwrap();
        assert_eq!(port.wait(PAST).unwrap().key(), 7);
    });
}

const COPY: VmoChildOptions = VmoChildOptions::COPY_ON_WRITE;

fn is_childless(vmo: &Vmo) -> bool {
    vmo.wait_one(Signals::VMO_ZERO_CHILDREN, PAST).to_result().is_ok()
}

#[test]
fn a_clone_has_the_parents_bytes() {
    in_arena(|_| {
        let vmo = Vmo::create(4 * PAGE).unwrap();
        vmo.write(&[7; 4 * PAGE as usize], 0).unwrap();
        let child = vmo.create_child(COPY, PAGE, 2 * PAGE + 1).unwrap();
        assert_eq!(child.get_size(), Ok(3 * PAGE));
        assert_eq!(read(&child, 0, 3 * PAGE).unwrap(), [7; 3 * PAGE as usize]);
        child.write(&[8], 0).unwrap();
        vmo.write(&[9], 2 * PAGE).unwrap();
        assert_eq!(read(&vmo, PAGE, 1).unwrap(), [7]);
        assert_eq!(read(&child, PAGE, 1).unwrap(), [7], "a copy: the parent's later bytes do not show");
        let beyond = vmo.create_child(COPY, 3 * PAGE, 4 * PAGE).unwrap();
        assert_eq!(read(&beyond, 0, PAGE).unwrap(), [7; PAGE as usize]);
        assert_eq!(read(&beyond, PAGE, 3 * PAGE).unwrap(), [0; 3 * PAGE as usize]);
        beyond.set_size(PAGE).unwrap();
        let fixed = vmo.create_child(COPY | VmoChildOptions::NON_RESIZABLE, 0, PAGE).unwrap();
        assert_eq!(fixed.set_size(PAGE), Err(Status::UNAVAILABLE));
    });
}

#[test]
fn clones_get_rights_and_errors() {
    in_arena(|_| {
        let vmo = Vmo::create(4 * PAGE).unwrap();
        let reader = vmo.duplicate(Rights::READ | Rights::DUPLICATE | Rights::MAP).unwrap();
        let child = reader.create_child(COPY, 0, PAGE).unwrap();
        let rights = child.basic_info().unwrap().rights;
        assert_eq!(rights, Rights::READ | Rights::DUPLICATE | Rights::MAP | Rights::WRITE);
        let refused = |opts: u32, offset, size| raw::vmo_clone(vmo.raw_handle(), opts, offset, size);
        for opts in [0, 2, 4, 5] {
            assert_eq!(refused(opts, 0, PAGE), Err(Status::INVALID_ARGS), "{opts}");
        }
        assert_eq!(refused(1, 1, PAGE), Err(Status::INVALID_ARGS));
        assert_eq!(refused(1, PAGE, u64::MAX), Err(Status::OUT_OF_RANGE));
        assert_eq!(refused(1, 0, u64::MAX), Err(Status::OUT_OF_RANGE));
        let mute = vmo.duplicate(Rights::DUPLICATE).unwrap();
        assert_eq!(mute.create_child(COPY, 0, PAGE).err(), Some(Status::ACCESS_DENIED));
    });
}

#[test]
fn zero_children_waits_for_every_clone() {
    in_arena(|_| {
        let vmo = Vmo::create(PAGE).unwrap();
        let one = vmo.create_child(COPY, 0, PAGE).unwrap();
        let two = vmo.create_child(COPY, 0, PAGE).unwrap();
        assert!(!is_childless(&vmo) && is_childless(&one));
        let port = Port::create();
        vmo.wait_async(&port, 7, Signals::VMO_ZERO_CHILDREN, WaitAsyncOpts::empty()).unwrap();
        drop(one);
        assert!(!is_childless(&vmo));
        assert_eq!(port.wait(PAST).err(), Some(Status::TIMED_OUT));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| vmo.wait_one(Signals::VMO_ZERO_CHILDREN, FOREVER).to_result());
            std::thread::sleep(std::time::Duration::from_millis(20));
            drop(two);
            assert_eq!(waiter.join().unwrap(), Ok(Signals::VMO_ZERO_CHILDREN));
        });
        assert_eq!(port.wait(PAST).unwrap().key(), 7);
        // A mapping of a clone counts as one.
        let vmar: Unowned<'_, Vmar> = vmar_root_self().unwrap().cast();
        let child = vmo.create_child(COPY, 0, PAGE).unwrap();
        let address = vmar.map(0, &child, 0, PAGE as usize, VmarFlags::PERM_READ).unwrap();
        drop(child);
        assert!(!is_childless(&vmo));
        // SAFETY: it was never used.
        vmar.unmap(address, PAGE as usize, unsafe { MemoryPromise::no_thread_relies_on_it() }).unwrap();
        assert!(is_childless(&vmo));
    });
}
