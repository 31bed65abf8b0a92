//! Tests of buffers in one process.

use super::*;
use crate::arena::config::Config;

const NONE: Rights = Rights::empty();

fn process() -> Arc<Process> {
    Process::alone(&Config { pool_bytes: 1 << 20, max_loan_bytes: 1 << 18, ..Config::default() })
}

fn frozen(thread: &Thread, bytes: &[u8]) -> HandleValue {
    let mut buffer = thread.buffer_create(bytes.len(), Rights::all()).unwrap();
    buffer.unsent_mut().write_at(0, bytes).unwrap();
    thread.freeze(buffer).unwrap()
}

fn found(thread: &Thread, value: HandleValue) -> ResolvedHandle {
    thread.lookup(value).unwrap()
}

#[test]
fn every_size_reads_back_unchanged() {
    let process = process();
    let thread = Thread::join(&process).unwrap();
    for len in [0, 1, 63, 64, 65, 4096, 100_000, 1 << 18] {
        let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let buffer = frozen(&thread, &bytes);
        assert!(thread.arena().audit().is_clean(), "a living buffer has its block");
        assert_eq!(thread.buffer_size(found(&thread, buffer), NONE), Ok(len));
        let view = thread.view(found(&thread, buffer), NONE).unwrap();
        assert!(view.bytes() == bytes, "{len}");
        thread.end_view(view).unwrap();
        thread.close(found(&thread, buffer)).unwrap();
    }
    assert!(thread.arena().audit().is_clean());
}

#[test]
fn a_view_outlives_the_handles() {
    let process = process();
    let thread = Thread::join(&process).unwrap();
    let buffer = frozen(&thread, b"kept");
    let view = thread.view(found(&thread, buffer), NONE).unwrap();
    let block = own_block::block_at(
        body(thread.arena(), found(&thread, buffer).entry.object().slot()).unwrap().block(),
    );
    thread.close(found(&thread, buffer)).unwrap();
    let others: Vec<_> = (0..100).map(|_| frozen(&thread, b"gone")).collect();
    assert_eq!(view.bytes(), b"kept");
    thread.end_view(view).unwrap();
    let next = frozen(&thread, b"next");
    let reused = own_block::block_at(
        body(thread.arena(), found(&thread, next).entry.object().slot()).unwrap().block(),
    );
    assert_eq!(reused, block, "the block is free as soon as the last handle is closed");
    others.into_iter().chain([next]).for_each(|value| thread.close(found(&thread, value)).unwrap());
    assert!(thread.arena().audit().is_clean());
}

#[test]
fn unfrozen_buffers_show_nothing() {
    let process = process();
    let thread = Thread::join(&process).unwrap();
    let buffer = thread.buffer_create(100, Rights::all()).unwrap();
    let handle = buffer.keeper();
    assert!(matches!(thread.view(handle, NONE), Err(Error::BadState(_))));
    assert!(matches!(thread.buffer_size(handle, NONE), Err(Error::BadState(_))));
    thread.discard(buffer).unwrap();
    assert!(thread.view(handle, NONE).is_err());
    assert!(thread.arena().audit().is_clean());
}

#[test]
fn unwritten_bytes_are_zero() {
    let process = process();
    let thread = Thread::join(&process).unwrap();
    thread.close(found(&thread, frozen(&thread, &[0xff; 4096]))).unwrap();
    let mut buffer = thread.buffer_create(4096, Rights::all()).unwrap();
    buffer.unsent_mut().write_at(10, b"ten").unwrap();
    assert_eq!(buffer.unsent().written(), 13);
    let buffer = thread.freeze(buffer).unwrap();
    let view = thread.view(found(&thread, buffer), NONE).unwrap();
    let mut expected = [0; 4096];
    expected[10..13].copy_from_slice(b"ten");
    assert!(view.bytes() == expected);
    thread.end_view(view).unwrap();
}

#[test]
fn damaged_buffers_give_errors() {
    let process = process();
    let thread = Thread::join(&process).unwrap();
    let buffer = frozen(&thread, &[1; 1000]);
    let handle = found(&thread, buffer);
    let words = body(thread.arena(), handle.entry.object().slot()).unwrap();
    for (word, damage) in
        [(words.size(), 1025), (words.size(), u64::MAX), (words.block(), 0), (words.block(), 1)]
    {
        let before = word.load(Relaxed);
        word.store(damage, Relaxed);
        assert!(matches!(thread.view(handle, NONE), Err(Error::Corrupt(_))), "{damage}");
        assert!(matches!(thread.buffer_size(handle, NONE), Err(Error::Corrupt(_))), "{damage}");
        assert!(damage == 1 || !thread.arena().inspect().is_clean(), "{damage}");
        word.store(before, Relaxed);
    }
    thread.end_view(thread.view(handle, NONE).unwrap()).unwrap();
}

#[test]
fn too_large_buffers_are_refused() {
    let process = process();
    let thread = Thread::join(&process).unwrap();
    assert!(matches!(thread.buffer_create((1 << 18) + 1, NONE), Err(Error::OutOfRange { .. })));
    let taken: Vec<_> = std::iter::from_fn(|| thread.buffer_create(1 << 18, NONE).ok()).collect();
    assert_eq!(taken.len(), 4, "the pool has four");
    assert!(matches!(
        thread.buffer_create(1 << 18, NONE),
        Err(Error::NoMemory { .. } | Error::NoResources(_))
    ));
    taken.into_iter().for_each(|buffer| thread.discard(buffer).unwrap());
    assert!(thread.arena().audit().is_clean());
}

#[test]
fn other_objects_are_no_buffers() {
    let process = process();
    let thread = Thread::join(&process).unwrap();
    let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
    assert_eq!(thread.view(found(&thread, event), NONE).err(), Some(Error::WrongType));
    assert!(matches!(
        thread.create(ObjectClass::Buffer, Rights::all()),
        Err(Error::InvalidArgs(_) | Error::NotSupported(_))
    ));
}
