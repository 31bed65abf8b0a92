//! The operations of one thread; `loom-tests` has the races.

use crate::arena::Arena;
use crate::arena::config::Config;
use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::intent::Operation;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::Signals;
use crate::object::ObjectClass;
use crate::object::vmo::extents::Extents;
use crate::object::vmo::info::VmoInfo;
use crate::object::vmo::pages::VmoRangeOp;
use crate::process::Process;
use crate::process::thread::Thread;
use crate::sync::Relaxed;
use std::sync::Arc;

const PAGE: u64 = 4096;
const NONE: Rights = Rights::empty();

fn config() -> Config {
    Config {
        max_objects: 64,
        max_handles_per_process: 511,
        max_processes: 2,
        max_threads: 4,
        pool_bytes: 1 << 16,
        max_loan_bytes: 1 << 12,
        ..Config::default()
    }
}

/// A thread in an arena on the heap, which gives no memory back.
fn on_the_heap() -> Thread {
    Thread::join(&Process::alone(&config())).unwrap()
}

/// A thread in an arena in a file, which does.
fn in_a_file() -> Thread {
    let arena = Arc::new(Arena::create(&config()).unwrap());
    let process_slot = arena.first_slot().unwrap();
    Thread::join(&Process::attach(arena, process_slot, 1, 1).unwrap()).unwrap()
}

fn create(thread: &Thread, bytes: u64) -> HandleValue {
    thread.vmo_create(bytes, true, Rights::all()).unwrap()
}

fn write(thread: &Thread, vmo: HandleValue, offset: u64, bytes: &[u8]) -> Result<()> {
    thread.vmo_write(thread.lookup(vmo)?, NONE, offset, bytes)
}

fn read(thread: &Thread, vmo: HandleValue, offset: u64, len: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0xee; len];
    thread.vmo_read_bytes(thread.lookup(vmo)?, NONE, offset, &mut bytes)?;
    Ok(bytes)
}

fn set_size(thread: &Thread, vmo: HandleValue, bytes: u64) -> Result<()> {
    thread.vmo_set_size(thread.lookup(vmo)?, NONE, bytes)
}

fn size(thread: &Thread, vmo: HandleValue) -> u64 {
    thread.vmo_size(thread.lookup(vmo).unwrap(), NONE).unwrap().0
}

fn real_bytes(thread: &Thread) -> u64 {
    rustix::fs::fstat(thread.arena().file().unwrap()).unwrap().st_blocks as u64 * 512
}

fn object(thread: &Thread, vmo: HandleValue) -> ObjectRef {
    thread.lookup(vmo).unwrap().entry.object()
}

fn close(thread: &Thread, vmo: HandleValue) {
    thread.close(thread.lookup(vmo).unwrap()).unwrap();
}

#[test]
fn sizes_are_in_whole_pages() {
    let thread = on_the_heap();
    for (asked, given) in [(0, 0), (1, PAGE), (PAGE, PAGE), (PAGE + 1, 2 * PAGE)] {
        let vmo = create(&thread, asked);
        assert_eq!(size(&thread, vmo), given);
        close(&thread, vmo);
    }
    assert!(matches!(thread.vmo_create(u64::MAX, true, NONE), Err(Error::OutOfRange { .. })));
    assert_eq!(
        thread.vmo_create((64 << 10) + 1, true, NONE),
        Err(Error::NoMemory { bytes: 68 << 10 }),
        "larger than any of this arena"
    );
}

#[test]
fn bytes_come_back_across_extents() {
    for thread in [on_the_heap(), in_a_file()] {
        // Extents of 4, 16 and 64 KiB.
        let vmo = create(&thread, PAGE);
        set_size(&thread, vmo, 16 * PAGE).unwrap();
        let bytes: Vec<u8> = (0..15 * PAGE + 7).map(|at| (at % 251) as u8).collect();
        write(&thread, vmo, 100, &bytes).unwrap();
        assert_eq!(read(&thread, vmo, 100, bytes.len()).unwrap(), bytes);
        assert_eq!(read(&thread, vmo, 0, 100).unwrap(), [0; 100]);
        assert!(thread.arena().audit().is_clean());
    }
}

#[test]
fn ranges_outside_the_object_are_refused() {
    let thread = on_the_heap();
    let vmo = create(&thread, 2 * PAGE);
    for (offset, len) in [(0, 2 * PAGE + 1), (2 * PAGE, 1), (u64::MAX, 1), (u64::MAX - 1, 2), (3 * PAGE, 0)] {
        let refused =
            |result: Result<()>| assert!(matches!(result, Err(Error::OutOfRange { .. })), "{offset}");
        refused(write(&thread, vmo, offset, &vec![1; len as usize]));
        refused(read(&thread, vmo, offset, len as usize).map(drop));
    }
    assert_eq!(write(&thread, vmo, 2 * PAGE, &[]), Ok(()));
    assert_eq!(read(&thread, vmo, 0, 2 * PAGE as usize).unwrap(), [0; 2 * PAGE as usize]);
}

#[test]
fn cut_bytes_are_zero_after_growth() {
    for thread in [on_the_heap(), in_a_file()] {
        let vmo = create(&thread, PAGE);
        set_size(&thread, vmo, 8 * PAGE).unwrap();
        write(&thread, vmo, 0, &[7; 8 * PAGE as usize]).unwrap();
        set_size(&thread, vmo, PAGE + 1).unwrap();
        assert_eq!(size(&thread, vmo), 2 * PAGE);
        set_size(&thread, vmo, 8 * PAGE).unwrap();
        let bytes = read(&thread, vmo, 0, 8 * PAGE as usize).unwrap();
        assert!(bytes[..2 * PAGE as usize].iter().all(|byte| *byte == 7));
        assert!(bytes[2 * PAGE as usize..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn a_fixed_size_stays_fixed() {
    let thread = on_the_heap();
    let vmo = thread.vmo_create(PAGE, false, Rights::all()).unwrap();
    assert!(matches!(set_size(&thread, vmo, PAGE), Err(Error::Unavailable(_))));
    assert_eq!(thread.vmo_size(thread.lookup(vmo).unwrap(), NONE), Ok((PAGE, false)));
}

/// Tens of gigabytes, of which three pages are written.
#[test]
fn a_huge_object_is_sparse() {
    let thread = in_a_file();
    let before = real_bytes(&thread);
    let vmo = create(&thread, 40 << 30);
    for offset in [0, 20 << 30, (40 << 30) - 8] {
        write(&thread, vmo, offset, b"jacinth!").unwrap();
        assert_eq!(read(&thread, vmo, offset, 8).unwrap(), b"jacinth!");
    }
    let used = real_bytes(&thread) - before;
    assert!(used <= 16 * PAGE, "{used} bytes");
    set_size(&thread, vmo, 1 << 30).unwrap();
    assert!(matches!(read(&thread, vmo, 20 << 30, 8), Err(Error::OutOfRange { .. })));
    close(&thread, vmo);
    thread.collect().unwrap();
    assert!(thread.arena().audit().is_clean());
}

#[test]
fn freed_pages_go_back_to_the_system() {
    let thread = in_a_file();
    let vmo = create(&thread, 1 << 20);
    write(&thread, vmo, 0, &vec![1; 1 << 20]).unwrap();
    let full = real_bytes(&thread);
    set_size(&thread, vmo, 1 << 19).unwrap();
    assert_eq!(full - real_bytes(&thread), 1 << 19);
    let op = |op, offset, len| thread.vmo_op_range(thread.lookup(vmo).unwrap(), NONE, op, offset, len);
    // From the middle of a page to the middle of another one.
    op(VmoRangeOp::Decommit, PAGE + 1, PAGE).unwrap();
    assert_eq!(full - real_bytes(&thread), (1 << 19) + 2 * PAGE);
    assert_eq!(read(&thread, vmo, PAGE, 1).unwrap(), [0]);
    op(VmoRangeOp::Commit, 0, u64::MAX / 2).unwrap();
    assert_eq!(full - real_bytes(&thread), 1 << 19);
    close(&thread, vmo);
    assert!(real_bytes(&thread) <= full - (1 << 20), "the last close gives back");
    thread.collect().unwrap();
    let again = create(&thread, 1 << 20);
    write(&thread, again, 0, &[2]).unwrap();
    assert_eq!(read(&thread, again, 0, 1 << 20).unwrap()[1..], vec![0; (1 << 20) - 1]);
}

#[test]
fn range_operations_check_their_range() {
    let thread = on_the_heap();
    let vmo = create(&thread, 2 * PAGE);
    let op = |op, offset, len| thread.vmo_op_range(thread.lookup(vmo).unwrap(), NONE, op, offset, len);
    for cut in [VmoRangeOp::Commit, VmoRangeOp::Decommit] {
        assert_eq!(op(cut, PAGE, u64::MAX - PAGE), Ok(()));
        assert_eq!(op(cut, 2 * PAGE, 1), Ok(()));
        assert!(matches!(op(cut, 2 * PAGE + 1, 0), Err(Error::OutOfRange { .. })));
        assert!(matches!(op(cut, PAGE, u64::MAX), Err(Error::OutOfRange { .. })));
    }
    assert_eq!(op(VmoRangeOp::Cache, 0, 2 * PAGE), Ok(()));
    assert!(matches!(op(VmoRangeOp::Cache, 0, 0), Err(Error::InvalidArgs(_))));
    assert!(matches!(op(VmoRangeOp::Cache, 0, 2 * PAGE + 1), Err(Error::OutOfRange { .. })));
}

#[test]
fn address_space_that_is_used_up_returns() {
    let thread = on_the_heap();
    let vmos: Vec<_> = (0..17).map(|_| create(&thread, PAGE)).collect();
    // The arena on the heap has 16 extents of 4 KiB.
    let written: Vec<_> = vmos.iter().map(|vmo| write(&thread, *vmo, 0, &[1])).collect();
    assert!(written[..16].iter().all(Result::is_ok));
    assert_eq!(written[16], Err(Error::NoMemory { bytes: 4096 }));
    close(&thread, vmos[3]);
    assert_eq!(write(&thread, vmos[16], 0, &[1]), Ok(()));
    assert_eq!(read(&thread, vmos[16], 0, 2).unwrap(), [1, 0]);
}

#[test]
fn one_process_cannot_take_all_extents() {
    let config = Config { max_vmo_bytes_per_process: 2 * PAGE, ..config() };
    let thread = Thread::join(&Process::alone(&config)).unwrap();
    let vmos: Vec<_> = (0..3).map(|_| create(&thread, PAGE)).collect();
    let written: Vec<_> = vmos.iter().map(|vmo| write(&thread, *vmo, 0, &[1])).collect();
    assert!(written[..2].iter().all(Result::is_ok));
    assert!(matches!(written[2], Err(Error::NoResources(_))), "{written:?}");
}

/// A thread that died before its commit is completed, and one that had committed is left alone.
#[test]
fn a_shrink_is_completed_once() {
    let thread = on_the_heap();
    let vmo = create(&thread, 4 * PAGE);
    write(&thread, vmo, 0, &[7; 4 * PAGE as usize]).unwrap();
    let of = object(&thread, vmo);
    let size_word = Extents::of(thread.arena(), of.slot()).unwrap().size();
    let to = size_word.with_bytes(PAGE);
    assert_eq!(super::size::complete_shrink(&thread, of, to), Ok(true));
    assert_eq!(size(&thread, vmo), PAGE);
    set_size(&thread, vmo, 4 * PAGE).unwrap();
    write(&thread, vmo, PAGE, &[8]).unwrap();
    assert_eq!(super::size::complete_shrink(&thread, of, to), Ok(true));
    assert_eq!(read(&thread, vmo, PAGE, 1).unwrap(), [8], "it is another version");
    assert_eq!(thread.row().operation[0].load(Relaxed), Operation::Idle.to_words()[0]);
}

#[test]
fn the_audit_finds_damaged_words() {
    let thread = on_the_heap();
    let vmo = create(&thread, PAGE);
    write(&thread, vmo, 0, &[1]).unwrap();
    let extents = Extents::of(thread.arena(), object(&thread, vmo).slot()).unwrap();
    let findings = || thread.arena().inspect().findings.join(" ");
    assert_eq!(findings(), "");
    for (cell, damaged, finding) in [
        (extents.body.size(), u64::MAX, "larger than any"),
        (extents.body.geometry(), 0, "impossible extents"),
        (extents.body.extents()[0], 0, "not reachable"),
        (extents.body.extents()[1], extents.body.extents()[0].load(Relaxed), "wrong size"),
    ] {
        let good = cell.swap(damaged, Relaxed);
        assert!(findings().contains(finding), "{finding} in {}", findings());
        cell.store(good, Relaxed);
    }
    assert_eq!(findings(), "");
}

fn clone(thread: &Thread, vmo: HandleValue, offset: u64, bytes: u64) -> Result<HandleValue> {
    thread.vmo_clone(thread.lookup(vmo)?, NONE, offset, bytes, true, Rights::all())
}

fn has_zero_children(thread: &Thread, vmo: HandleValue) -> bool {
    thread.signals(thread.lookup(vmo).unwrap()).unwrap().contains(Signals::SIGNALED)
}

#[test]
fn a_clone_is_a_copy() {
    for thread in [on_the_heap(), in_a_file()] {
        let vmo = create(&thread, PAGE);
        set_size(&thread, vmo, 8 * PAGE).unwrap();
        write(&thread, vmo, PAGE - 4, &[7; 8]).unwrap();
        let child = clone(&thread, vmo, PAGE, 3 * PAGE).unwrap();
        assert_eq!(size(&thread, child), 3 * PAGE);
        assert_eq!(read(&thread, child, 0, 6).unwrap(), [7, 7, 7, 7, 0, 0]);
        write(&thread, child, 0, &[8]).unwrap();
        write(&thread, vmo, PAGE + 1, &[9]).unwrap();
        assert_eq!(read(&thread, child, 0, 2).unwrap(), [8, 7]);
        assert_eq!(read(&thread, vmo, PAGE, 2).unwrap(), [7, 9]);
        // Behind the end of the parent are zeros, also where the clone begins there.
        let behind = clone(&thread, vmo, 7 * PAGE, 4 * PAGE).unwrap();
        assert_eq!(read(&thread, behind, 0, 4 * PAGE as usize).unwrap(), [0; 4 * PAGE as usize]);
        assert_eq!(size(&thread, clone(&thread, vmo, 1 << 40, 0).unwrap()), 0);
        assert!(thread.arena().audit().is_clean());
    }
}

#[test]
fn a_sparse_clone_stays_sparse() {
    let thread = in_a_file();
    let vmo = create(&thread, 1 << 30);
    for offset in [5, 1 << 29] {
        write(&thread, vmo, offset, &[7]).unwrap();
    }
    let before = real_bytes(&thread);
    let child = clone(&thread, vmo, 0, 1 << 30).unwrap();
    assert!(real_bytes(&thread) - before <= 8 * PAGE);
    for offset in [5, 1 << 29] {
        assert_eq!(read(&thread, child, offset, 1).unwrap(), [7]);
    }
}

#[test]
fn zero_children_follows_the_clones() {
    let thread = on_the_heap();
    let vmo = create(&thread, PAGE);
    assert!(has_zero_children(&thread, vmo));
    let [one, two] = [(); 2].map(|()| clone(&thread, vmo, 0, PAGE).unwrap());
    let grandchild = clone(&thread, one, 0, PAGE).unwrap();
    close(&thread, one);
    assert!(!has_zero_children(&thread, vmo), "there is another one");
    let copy = thread.duplicate(thread.lookup(two).unwrap(), Rights::all()).unwrap();
    close(&thread, two);
    assert!(!has_zero_children(&thread, vmo), "it has another handle");
    assert!(thread.arena().inspect().is_clean());
    close(&thread, copy);
    assert!(has_zero_children(&thread, vmo));
    // A parent that ends before its child.
    let last = clone(&thread, vmo, 0, PAGE).unwrap();
    close(&thread, vmo);
    thread.collect().unwrap();
    close(&thread, last);
    close(&thread, grandchild);
    assert!(thread.arena().audit().is_clean());
}

#[test]
fn a_refused_clone_leaves_nothing() {
    let thread = on_the_heap();
    let vmos: Vec<_> = (0..16).map(|_| create(&thread, PAGE)).collect();
    vmos.iter().for_each(|vmo| write(&thread, *vmo, 0, &[1]).unwrap());
    let before = thread.arena().inspect().objects;
    assert!(clone(&thread, vmos[0], 0, PAGE).is_err(), "no extent is left for it");
    assert_eq!(thread.arena().inspect().objects, before);
    assert!(has_zero_children(&thread, vmos[0]));
}

fn info(thread: &Thread, vmo: HandleValue) -> VmoInfo {
    thread.vmo_info(thread.lookup(vmo).unwrap(), NONE).unwrap()
}

#[test]
fn information_follows_the_object() {
    let thread = in_a_file();
    let vmo = create(&thread, PAGE);
    let koid = thread.basic(thread.lookup(vmo).unwrap()).unwrap().koid;
    let mut name = [0; 32];
    name[..6].copy_from_slice(b"frames");
    thread.set_name(thread.lookup(vmo).unwrap(), &name).unwrap();
    let rights = Some(Rights::all());
    let fresh = VmoInfo {
        koid,
        name,
        size_bytes: PAGE,
        is_resizable: true,
        parent_koid: None,
        children: 0,
        mappings: 0,
        committed_bytes: 0,
        rights,
    };
    assert_eq!(info(&thread, vmo), fresh);
    set_size(&thread, vmo, 1 << 30).unwrap();
    for offset in [0, PAGE - 1, 1 << 20, (1 << 30) - 1] {
        write(&thread, vmo, offset, &[7]).unwrap();
    }
    let sparse = VmoInfo { size_bytes: 1 << 30, committed_bytes: 3 * PAGE, ..fresh };
    assert_eq!(info(&thread, vmo), sparse);
    set_size(&thread, vmo, PAGE).unwrap();
    assert_eq!(info(&thread, vmo), VmoInfo { committed_bytes: PAGE, ..fresh });
    let fixed = thread.vmo_create(PAGE, false, NONE).unwrap();
    assert!(!info(&thread, fixed).is_resizable);
    assert_eq!(info(&thread, fixed).rights, Some(NONE));
    assert!(matches!(
        thread.vmo_info(thread.lookup(fixed).unwrap(), Rights::all()),
        Err(Error::AccessDenied { .. })
    ));
}

#[test]
fn information_names_the_parent() {
    let thread = on_the_heap();
    let vmo = create(&thread, PAGE);
    let [one, two] = [(); 2].map(|()| clone(&thread, vmo, 0, PAGE).unwrap());
    let koid = info(&thread, vmo).koid;
    assert_eq!([one, two].map(|child| info(&thread, child).parent_koid), [Some(koid); 2]);
    assert_eq!((info(&thread, vmo).children, info(&thread, one).children), (2, 0));
    close(&thread, two);
    assert_eq!(info(&thread, vmo).children, 1);
    close(&thread, vmo);
    thread.collect().unwrap();
    // Others have its slot now.
    let later: Vec<_> = (0..40).map(|_| create(&thread, PAGE)).collect();
    assert_eq!(info(&thread, one).parent_koid, Some(0), "the parent has ended");
    assert_eq!(later.iter().filter(|vmo| info(&thread, **vmo).parent_koid.is_some()).count(), 0);
}

#[test]
fn damaged_words_give_no_wild_counts() {
    let thread = on_the_heap();
    let vmo = create(&thread, PAGE);
    clone(&thread, vmo, 0, PAGE).unwrap();
    let body = Extents::of(thread.arena(), object(&thread, vmo).slot()).unwrap().body;
    body.parent().store(u64::MAX, Relaxed);
    assert_eq!(info(&thread, vmo).parent_koid, Some(0));
    body.size().store(u64::MAX, Relaxed);
    assert!(info(&thread, vmo).committed_bytes <= thread.arena().config().largest_vmo_bytes());
    body.children().store(u64::MAX, Relaxed);
    let looked = thread.vmo_info(thread.lookup(vmo).unwrap(), NONE);
    assert!(matches!(looked, Err(Error::Corrupt(_))), "{looked:?}");
}

#[test]
fn the_listing_has_each_handle() {
    let thread = on_the_heap();
    assert_eq!(thread.vmos(), Ok(vec![]));
    thread.create(ObjectClass::Event, Rights::all()).unwrap();
    let vmo = create(&thread, PAGE);
    let copy = thread.duplicate(thread.lookup(vmo).unwrap(), NONE).unwrap();
    let other = create(&thread, 0);
    let mut listed = thread.vmos().unwrap();
    let mut expected = [vmo, copy, other].map(|vmo| info(&thread, vmo));
    listed.sort_by_key(|info| (info.koid, info.rights));
    expected.sort_by_key(|info| (info.koid, info.rights));
    assert_eq!(listed, expected);
    [vmo, copy].iter().for_each(|vmo| close(&thread, *vmo));
    assert_eq!(thread.vmos(), Ok(vec![info(&thread, other)]));
    let body = Extents::of(thread.arena(), object(&thread, other).slot()).unwrap().body;
    body.geometry().store(0, Relaxed);
    assert!(matches!(thread.vmos(), Err(Error::Corrupt(_))));
}
