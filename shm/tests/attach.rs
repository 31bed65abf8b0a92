//! Attaching to a file that is no arena, or another one: each a named error, none a crash.

use jacinth_shm::{Arena, AttachError, Config, ObjectClass, Process, Rights, Thread};
use memmap2::MmapRaw;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn small() -> Config {
    let mut config = Config::default();
    config.max_processes = 4;
    config.max_threads = 8;
    config.max_objects = 64;
    config.max_handles_per_process = 511;
    config.pool_bytes = 1 << 20;
    config.vmo_pool_bytes = 1 << 20;
    config.max_loan_bytes = 1 << 17;
    config
}

/// The words of the header, in order: magic, version, layout hash, total bytes, four spare, the configuration.
const VERSION: usize = 1;
const LAYOUT_HASH: usize = 2;
const TOTAL_BYTES: usize = 3;
const CONFIG: usize = 8;
const CONFIG_WORDS: usize = 11;

/// A second mapping of an arena's file, as a program that breaks all rules has one.
struct Raw(MmapRaw);

impl Raw {
    fn of(file: impl AsFd) -> Self {
        Self(MmapRaw::map_raw(&file.as_fd()).unwrap())
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!((index + 1) * 8 <= self.0.len());
        // SAFETY: inside the mapping, which lives as long as `self`; aligned, since a mapping is; shared memory is
        // only ever accessed by atomics here and in the library.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().cast::<u64>().add(index)) }
    }

    fn set(&self, index: usize, value: u64) {
        self.word(index).store(value, Ordering::SeqCst);
    }
}

fn file_of(arena: &Arena) -> OwnedFd {
    arena.file().unwrap().try_clone_to_owned().unwrap()
}

const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// A memfd of `len` bytes.
fn memfd(len: u64) -> OwnedFd {
    let fd = memfd_create("no-arena", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&fd, len).unwrap();
    fd
}

/// A sealed memfd of `len` bytes, with the header of `arena`.
fn with_header_of(arena: &Arena, len: u64) -> OwnedFd {
    let fd = memfd(len);
    let (from, to) = (Raw::of(arena.file().unwrap()), Raw::of(&fd));
    for index in 0..512 {
        to.set(index, from.word(index).load(Ordering::SeqCst));
    }
    fcntl_add_seals(&fd, SEALS).unwrap();
    fd
}

fn attach_error(file: OwnedFd) -> AttachError {
    Arena::attach(file).expect_err("this is no arena to attach to")
}

#[test]
fn a_second_attachment_sees_the_same_arena() {
    let first = Arc::new(Arena::create(&small()).unwrap());
    let second = Arc::new(Arena::attach(file_of(&first)).unwrap());
    assert_eq!(first.config(), second.config());
    assert_eq!(first.len_bytes(), second.len_bytes());
    let process = Process::attach(first.clone(), first.first_slot().unwrap(), std::process::id(), 7).unwrap();
    let thread = Thread::join(&process).unwrap();
    let other_slot = second.reserve_slot(&thread).unwrap();
    let other = Process::attach(second.clone(), other_slot, std::process::id(), 8).unwrap();
    let other_thread = Thread::join(&other).unwrap();
    let value = thread.create(ObjectClass::Event, Rights::from_bits_retain(!0)).unwrap().0;
    assert!(other_thread.lookup(value).is_err(), "a value of another process");
    assert_eq!(second.audit().objects, 1);
    assert!(first.audit().is_clean());
}

#[test]
fn files_without_an_arena_are_refused() {
    let zeros = memfd(1 << 20);
    fcntl_add_seals(&zeros, SEALS).unwrap();
    assert!(matches!(attach_error(zeros), AttachError::NotAnArena));
    let text = memfd(4096);
    let raw = Raw::of(&text);
    (0..512).for_each(|index| raw.set(index, 0x2065_6874_2073_6920));
    fcntl_add_seals(&text, SEALS).unwrap();
    assert!(matches!(attach_error(text), AttachError::NotAnArena));
    let arena = Arena::create(&small()).unwrap();
    Raw::of(arena.file().unwrap()).set(0, u64::from_le_bytes(*b"jacinth\x02"));
    let error = attach_error(file_of(&arena));
    assert!(matches!(error, AttachError::NotAnArena));
    assert!(error.to_string().contains("not an arena"), "{error}");
}

#[test]
fn files_of_other_kinds_are_refused() {
    let (reader, _writer) = rustix::pipe::pipe().unwrap();
    assert!(matches!(attach_error(reader), AttachError::Truncated { .. } | AttachError::NotSealed));
    let null = std::fs::File::open("/dev/null").unwrap();
    assert!(matches!(
        attach_error(null.into()),
        AttachError::Truncated { actual_bytes: 0, .. }
            | AttachError::NotSealed
            | AttachError::AnotherUser { .. }
    ));
    let this = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    assert!(matches!(attach_error(this.into()), AttachError::NotSealed | AttachError::AnotherUser { .. }));
    assert!(matches!(attach_error(memfd(0)), AttachError::Truncated { actual_bytes: 0, .. }));
}

#[test]
fn an_arena_of_another_version_is_refused() {
    for version in [0, 1, 99, u64::MAX] {
        let arena = Arena::create(&small()).unwrap();
        Raw::of(arena.file().unwrap()).set(VERSION, version);
        let error = attach_error(file_of(&arena));
        let AttachError::AnotherVersion { found, expected } = error else { panic!("{error:?}") };
        assert!(found == version && expected != version);
        assert!(error.to_string().contains(&version.to_string()), "{error}");
    }
}

#[test]
fn arenas_of_wrong_length_are_refused() {
    let arena = Arena::create(&small()).unwrap();
    let full = arena.len_bytes() as u64;
    for len in [4096, 8192, full - 4096, full + 4096] {
        let error = attach_error(with_header_of(&arena, len));
        let AttachError::Truncated { actual_bytes, expected_bytes } = error else { panic!("{error:?}") };
        assert_eq!((actual_bytes, expected_bytes), (len, full));
    }
    for len in [1, 100, 4095] {
        let short = memfd(len);
        fcntl_add_seals(&short, SEALS).unwrap();
        let error = attach_error(short);
        assert!(
            matches!(error, AttachError::Truncated { actual_bytes, .. } if actual_bytes == len),
            "{error:?}"
        );
    }
    // The same header over the same length is an arena: an empty one.
    assert!(Arena::attach(with_header_of(&arena, full)).is_ok());
}

#[test]
fn out_of_range_header_numbers_are_named() {
    let fields = [
        "max_processes",
        "max_threads",
        "max_objects",
        "max_handles_per_process",
        "max_pending_messages",
        "first_segment_messages",
        "pool_bytes",
        "max_loan_bytes",
        "max_objects_per_process",
        "max_block_bytes_per_process",
        "max_pending_messages_per_process",
        "max_threads_per_process",
    ];
    for (word, field) in fields.into_iter().enumerate() {
        for value in [0, u64::MAX, 1 << 63, 1 << 41] {
            let arena = Arena::create(&small()).unwrap();
            Raw::of(arena.file().unwrap()).set(CONFIG + word, value);
            let error = attach_error(file_of(&arena));
            let AttachError::OutOfRange(out_of_range) = &error else {
                panic!("{field} = {value}: {error:?}")
            };
            assert_eq!(out_of_range.field, field);
            assert!(error.to_string().contains(field), "{error}");
        }
    }
}

#[test]
fn inconsistent_header_numbers_are_refused() {
    let arena = || Arena::create(&small()).unwrap();
    for (word, change) in [
        (LAYOUT_HASH, 1),
        (TOTAL_BYTES, 4096),
        (CONFIG, 1),
        (CONFIG + 1, 1),
        (CONFIG + 2, 1),
        (CONFIG + 3, 512),
        (CONFIG + 4, 1),
        (CONFIG + 6, 1 << 20),
    ] {
        let arena = arena();
        let raw = Raw::of(arena.file().unwrap());
        raw.set(word, raw.word(word).load(Ordering::SeqCst) + change);
        let error = attach_error(file_of(&arena));
        assert!(matches!(error, AttachError::LayoutMismatch), "word {word}: {error:?}");
    }
}

#[test]
fn resizable_arenas_are_refused() {
    let arena = Arena::create(&small()).unwrap();
    let unsealed = |seals: SealFlags| {
        let fd = memfd(arena.len_bytes() as u64);
        let (from, to) = (Raw::of(arena.file().unwrap()), Raw::of(&fd));
        (0..512).for_each(|index| to.set(index, from.word(index).load(Ordering::SeqCst)));
        fcntl_add_seals(&fd, seals).unwrap();
        fd
    };
    for seals in [
        SealFlags::empty(),
        SealFlags::SHRINK,
        SealFlags::GROW,
        SealFlags::SHRINK | SealFlags::GROW,
        SealFlags::SHRINK | SealFlags::SEAL,
    ] {
        let error = attach_error(unsealed(seals));
        assert!(matches!(error, AttachError::NotSealed), "{seals:?}: {error:?}");
    }
    assert!(Arena::attach(unsealed(SEALS)).is_ok());
    let ordinary = tempfile::tempfile().unwrap();
    ordinary.set_len(1 << 20).unwrap();
    assert!(matches!(attach_error(ordinary.into()), AttachError::NotSealed));
}

#[test]
fn another_users_arena_is_refused() {
    let arena = Arena::create(&small()).unwrap();
    let other_user = rustix::fs::Uid::from_raw(54_321);
    if rustix::fs::fchown(arena.file().unwrap(), Some(other_user), None).is_err() {
        eprintln!("not tried: only root can give a file away");
        return;
    }
    let error = attach_error(file_of(&arena));
    let AttachError::AnotherUser { owner, user } = error else { panic!("{error:?}") };
    assert_eq!((owner, user), (54_321, rustix::process::geteuid().as_raw()));
    assert!(error.to_string().contains("54321"), "{error}");
}

#[test]
fn damaged_headers_are_refused_or_harmless() {
    let mut random = fastrand::Rng::with_seed(3);
    let arena = Arena::create(&small()).unwrap();
    let raw = Raw::of(arena.file().unwrap());
    let original: Vec<u64> = (0..64).map(|index| raw.word(index).load(Ordering::SeqCst)).collect();
    let mut attached = 0;
    for _ in 0..3000 {
        for _ in 0..random.usize(1..4) {
            let word = random.usize(0..CONFIG + CONFIG_WORDS);
            let value = match random.u32(0..4) {
                0 => random.u64(..),
                1 => random.u64(0..10_000),
                2 => 1 << random.u32(0..64),
                _ => original[random.usize(0..original.len())],
            };
            raw.set(word, value);
        }
        attached += u32::from(Arena::attach(file_of(&arena)).is_ok());
        original.iter().enumerate().for_each(|(index, word)| raw.set(index, *word));
    }
    // Only damage to a spare word, or none at all, goes unnoticed.
    assert!(attached < 1500, "{attached} of 3000 damaged headers were accepted");
    assert!(Arena::attach(file_of(&arena)).is_ok());
}
