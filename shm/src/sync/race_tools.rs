//! What tools that watch a running program cannot see: valgrind's, and ThreadSanitizer.
//!
//! They look for races in the user's code, and know what orders two threads by the calls that they intercept. That a
//! message or a signal went from one thread to another through the arena they do not see, and so what the one did before
//! and the other after looks like a race. So each operation that orders threads says so here: `released` before the
//! change of an arena's word that others see, `acquired` after it was seen, both with that word, whose address in this
//! process stands for the order. Where nobody watches this is one load of a flag, and a branch.
//!
//! | key | released by | acquired by |
//! |---|---|---|
//! | a direction's tail | who sends | who sees READABLE, and who reads |
//! | a direction's head | who reads | who sees WRITABLE, and who sends |
//! | a private lock's word | who gives it back | who takes it |
//! | a handover | who gives the value, and each that lets go | who takes it, and the last that lets go |
//! | a side's state | who changes its signals, who closes the other side | who looks at its signals |
//!
//! valgrind's tools are told by *client requests*, instructions that do nothing on a processor and that valgrind knows;
//! ThreadSanitizer by `__tsan_acquire` and `__tsan_release`, which are there if the program was compiled with it.

use super::Relaxed;
use core::ffi::c_void;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

/// Whether anybody watches. Relaxed: set before the first arena of the process can be used.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// ThreadSanitizer's functions; 0 where it is not part of this program. Relaxed, as above.
static TSAN_ACQUIRE: AtomicUsize = AtomicUsize::new(0);
static TSAN_RELEASE: AtomicUsize = AtomicUsize::new(0);

/// `VG_USERREQ__RUNNING_ON_VALGRIND` of `<valgrind/valgrind.h>`.
const RUNNING_ON_VALGRIND: usize = 0x1001;
/// `ANNOTATE_HAPPENS_BEFORE` and `_AFTER` of `<valgrind/helgrind.h>`, which drd knows too.
const HAPPENS_BEFORE: usize = HELGRIND + 256 + 33;
const HAPPENS_AFTER: usize = HELGRIND + 256 + 34;
/// `VALGRIND_HG_DISABLE_CHECKING`, and drd's `VG_USERREQ__DRD_START_SUPPRESSION`: nothing in this range is a race.
const HELGRIND_UNTRACK: usize = HELGRIND + 256 + 39;
const DRD_UNTRACK: usize = DRD + 2;
/// `VALGRIND_HG_GET_ABITS`: how many of so many bytes helgrind knows. drd: the number of this thread, which is not 0.
const HELGRIND_GET_ABITS: usize = HELGRIND + 256 + 46;
const DRD_GET_THREAD_ID: usize = DRD + 1;
const DRD: usize = (b'D' as usize) << 24 | (b'R' as usize) << 16;
const HELGRIND: usize = (b'H' as usize) << 24 | (b'G' as usize) << 16;

/// Asks valgrind; gives 0 where there is none.
#[cfg(target_arch = "x86_64")]
fn ask_valgrind(request: usize, arguments: [usize; 3]) -> usize {
    let [first, second, third] = arguments;
    let question = [request, first, second, third, 0, 0];
    let mut answer = 0_usize;
    // SAFETY: on a processor this rotates rdi by 128 bits in all, and exchanges rbx with itself: it changes nothing but
    // flags. valgrind knows the sequence, reads the six words of `question`, and writes its answer to rdx.
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

/// Whether this process runs under one of valgrind's tools that look for races: each has a question that no other tool
/// answers. Under callgrind, then, a call costs what it costs.
fn looks_for_races() -> bool {
    let (byte, mut known) = (0_u8, 0_u8);
    let at = core::ptr::from_ref(&byte).expose_provenance();
    let answer =
        ask_valgrind(HELGRIND_GET_ABITS, [at, core::ptr::from_mut(&mut known).expose_provenance(), 1]);
    answer != 0 || ask_valgrind(DRD_GET_THREAD_ID, [0; 3]) != 0
}

/// The addresses of `__tsan_acquire` and `__tsan_release`; 0 where the program has none.
#[cfg(target_arch = "x86_64")]
fn tsan() -> [usize; 2] {
    let (acquire, release): (usize, usize);
    // SAFETY: reads two entries of the table of global offsets, which the linker has made. The symbols are weak: it
    // leaves 0 there when nothing defines them.
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

/// An arena has been mapped here. Its words are changed by many at once, and checked by loom, not by these tools.
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

/// Whether to say anything: for whom the word itself costs something to find.
#[inline(always)]
pub(crate) fn is_watched() -> bool {
    IS_WATCHED.load(Relaxed)
}

/// What this thread has done comes before what others do once they have seen `word` change.
#[inline(always)]
pub(crate) fn released<T>(word: &T) {
    if is_watched() {
        tell(core::ptr::from_ref(word).addr(), HAPPENS_BEFORE, &TSAN_RELEASE);
    }
}

/// What this thread does comes after what others had done before they changed `word`.
#[inline(always)]
pub(crate) fn acquired<T>(word: &T) {
    if is_watched() {
        tell(core::ptr::from_ref(word).addr(), HAPPENS_AFTER, &TSAN_ACQUIRE);
    }
}

/// As [`acquired`], for a private lock whose word this is: that itself is no race.
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
    // Twice: drd takes the first release of a word by a thread for the word's making, and orders nothing by it.
    ask_valgrind(request, [word, 0, 0]);
    ask_valgrind(request, [word, 0, 0]);
    let function = tsan.load(Relaxed);
    if function != 0 {
        // SAFETY: the address of `void __tsan_acquire(void*)`, or of `__tsan_release`. They take any address of this
        // process as a name, and touch nothing there.
        unsafe {
            core::mem::transmute::<usize, unsafe extern "C" fn(*mut c_void)>(function)(
                core::ptr::with_exposed_provenance_mut(word),
            );
        }
    }
}
