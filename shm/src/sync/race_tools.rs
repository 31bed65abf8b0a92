//! Reports synchronization through the arena to race detectors: valgrind's tools and ThreadSanitizer.
//!
//! These tools look for races in the user's code. They know the order of two threads from the calls that they
//! intercept. A message or a signal that goes through the arena is invisible to them. So one thread's accesses before
//! it and another thread's accesses after it look like a race. Therefore each operation that orders threads reports
//! itself here: `released` before the change of an arena's word that other threads see, `acquired` after a thread has
//! seen it. Both take that word; its address in this process identifies the order. Without a race detector each report
//! is one load of a flag and a branch.
//!
//! | key | released by | acquired by |
//! |---|---|---|
//! | a direction's tail | the sender | the thread that sees READABLE, and the reader |
//! | a direction's head | the reader | the thread that sees WRITABLE, and the sender |
//! | a private lock's word | the holder that gives it back | the next holder |
//! | a handover | the giver, and each end that is dropped | the taker, and the last end that is dropped |
//! | a side's state | the thread that changes its signals or closes the other side | the reader of its signals |
//!
//! valgrind's tools are told by *client requests*: instructions that have no effect on a processor and that valgrind
//! recognises. ThreadSanitizer is told by `__tsan_acquire` and `__tsan_release`, which exist if the program was
//! compiled with it.

use super::Relaxed;
use core::ffi::c_void;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

/// Whether a race detector watches. Relaxed: set before the first arena of the process can be used.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// ThreadSanitizer's functions; 0 if it is not part of this program. Relaxed, as above.
static TSAN_ACQUIRE: AtomicUsize = AtomicUsize::new(0);
static TSAN_RELEASE: AtomicUsize = AtomicUsize::new(0);

/// `VG_USERREQ__RUNNING_ON_VALGRIND` of `<valgrind/valgrind.h>`.
const RUNNING_ON_VALGRIND: usize = 0x1001;
/// `ANNOTATE_HAPPENS_BEFORE` and `_AFTER` of `<valgrind/helgrind.h>`, which drd knows too.
const HAPPENS_BEFORE: usize = HELGRIND + 256 + 33;
const HAPPENS_AFTER: usize = HELGRIND + 256 + 34;
/// `VALGRIND_HG_DISABLE_CHECKING`, and drd's `VG_USERREQ__DRD_START_SUPPRESSION`: no access in this range is a race.
const HELGRIND_UNTRACK: usize = HELGRIND + 256 + 39;
const DRD_UNTRACK: usize = DRD + 2;
/// `VALGRIND_HG_GET_ABITS`: helgrind answers how many of the given bytes it knows. drd answers `DRD_GET_THREAD_ID` with
/// the number of this thread, which is not 0.
const HELGRIND_GET_ABITS: usize = HELGRIND + 256 + 46;
const DRD_GET_THREAD_ID: usize = DRD + 1;
const DRD: usize = (b'D' as usize) << 24 | (b'R' as usize) << 16;
const HELGRIND: usize = (b'H' as usize) << 24 | (b'G' as usize) << 16;

/// Asks valgrind. Gives 0 without valgrind.
#[cfg(target_arch = "x86_64")]
fn ask_valgrind(request: usize, arguments: [usize; 3]) -> usize {
    let [first, second, third] = arguments;
    let question = [request, first, second, third, 0, 0];
    let mut answer = 0_usize;
    // SAFETY: on a processor this rotates rdi by 128 bits in all, and exchanges rbx with itself: it changes only flags.
    // valgrind knows the sequence, reads the six words of `question`, and writes its answer to rdx.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") question.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

#[cfg(not(target_arch = "x86_64"))]
fn ask_valgrind(_request: usize, _arguments: [usize; 3]) -> usize {
    0
}

/// Whether this process runs under valgrind.
pub(crate) fn is_under_valgrind() -> bool {
    ask_valgrind(RUNNING_ON_VALGRIND, [0; 3]) != 0
}

/// Whether this process runs under one of valgrind's race detectors. Each has a question that no other tool answers, so
/// under callgrind, for example, the operations are not slowed down by reports.
fn looks_for_races() -> bool {
    let (byte, mut known) = (0_u8, 0_u8);
    let at = core::ptr::from_ref(&byte).expose_provenance();
    let answer =
        ask_valgrind(HELGRIND_GET_ABITS, [at, core::ptr::from_mut(&mut known).expose_provenance(), 1]);
    answer != 0 || ask_valgrind(DRD_GET_THREAD_ID, [0; 3]) != 0
}

/// The addresses of `__tsan_acquire` and `__tsan_release`; 0 if the program has none.
#[cfg(target_arch = "x86_64")]
fn tsan() -> [usize; 2] {
    let (acquire, release): (usize, usize);
    // SAFETY: reads two entries of the global offset table, which the linker has made. The symbols are weak: the linker
    // leaves 0 there if they are not defined.
    unsafe {
        core::arch::asm!(
            ".weak __tsan_acquire",
            ".weak __tsan_release",
            "mov {}, qword ptr [rip + __tsan_acquire@GOTPCREL]",
            "mov {}, qword ptr [rip + __tsan_release@GOTPCREL]",
            out(reg) acquire,
            out(reg) release,
            options(nostack, pure, readonly, preserves_flags),
        );
    }
    [acquire, release]
}

#[cfg(not(target_arch = "x86_64"))]
fn tsan() -> [usize; 2] {
    [0; 2]
}

/// Reports that an arena has been mapped here. Many threads change its words at once; loom checks that, not these
/// tools.
pub(crate) fn mapped(base: usize, len_bytes: usize) {
    if looks_for_races() {
        ask_valgrind(HELGRIND_UNTRACK, [base, len_bytes, 0]);
        ask_valgrind(DRD_UNTRACK, [base, len_bytes, 0]);
        IS_WATCHED.store(true, Relaxed);
    }
    let [acquire, release] = tsan();
    if acquire != 0 && release != 0 {
        TSAN_ACQUIRE.store(acquire, Relaxed);
        TSAN_RELEASE.store(release, Relaxed);
        IS_WATCHED.store(true, Relaxed);
    }
}

/// Whether a race detector watches: for callers to which the word itself costs time to find.
#[inline(always)]
pub(crate) fn is_watched() -> bool {
    IS_WATCHED.load(Relaxed)
}

/// This thread's earlier accesses come before the accesses of threads that have seen `word` change.
#[inline(always)]
pub(crate) fn released<T>(word: &T) {
    if is_watched() {
        tell(core::ptr::from_ref(word).addr(), HAPPENS_BEFORE, &TSAN_RELEASE);
    }
}

/// This thread's later accesses come after those that other threads made before they changed `word`.
#[inline(always)]
pub(crate) fn acquired<T>(word: &T) {
    if is_watched() {
        tell(core::ptr::from_ref(word).addr(), HAPPENS_AFTER, &TSAN_ACQUIRE);
    }
}

/// As [`acquired`], for the word of a private lock. Accesses to that word are no race.
#[cold]
pub(crate) fn locked(word: &AtomicU32) {
    let address = core::ptr::from_ref(word).addr();
    ask_valgrind(HELGRIND_UNTRACK, [address, size_of::<AtomicU32>(), 0]);
    ask_valgrind(DRD_UNTRACK, [address, size_of::<AtomicU32>(), 0]);
    tell(address, HAPPENS_AFTER, &TSAN_ACQUIRE);
}

#[cold]
#[inline(never)]
fn tell(word: usize, request: usize, tsan: &AtomicUsize) {
    // Twice: drd takes a thread's first release of a word for the creation of the word, and orders no access by it.
    ask_valgrind(request, [word, 0, 0]);
    ask_valgrind(request, [word, 0, 0]);
    let function = tsan.load(Relaxed);
    if function != 0 {
        // SAFETY: the address of `void __tsan_acquire(void*)` or of `__tsan_release`. They take any address of this
        // process as a name, and do not access the memory there.
        unsafe {
            core::mem::transmute::<usize, unsafe extern "C" fn(*mut c_void)>(function)(
                core::ptr::with_exposed_provenance_mut(word),
            );
        }
    }
}
