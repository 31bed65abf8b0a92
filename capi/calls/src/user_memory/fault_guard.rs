//! Looking into memory that may not be there.
//!
//! A kernel finds out by trying: its copy routines have a table that says where to go on when an instruction of theirs
//! faults. So do these: each access is one instruction, whose address stands in the section `jacinth_fixups` beside the
//! address of what to do instead, and a handler of SIGSEGV and SIGBUS that is called for one of those instructions
//! sends the thread there. Where nothing faults it costs the one instruction; asking the kernel (`process_vm_readv` and
//! the like) would cost more than most calls do altogether.
//!
//! INV-GUARD-1: a fault of any other instruction goes to whoever handled it before, as if this were not here.
//!
//! A program that installs a handler of its own afterwards, and does not pass on what it does not know, takes this
//! away: a bad pointer is then what it is in any other library, the end of the program. Memory that another thread
//! unmaps between the look and the use is not noticed either.

use nix::libc::{self, c_int, c_void, siginfo_t};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use std::arch::asm;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("guarded accesses are written for Linux on x86-64");

/// The granule of protection: memory that is there at one byte is there to the end of its page.
const PAGE_BYTES: usize = 4096;

/// The code of a SIGBUS that no instruction of the thread's caused.
const BUS_MCEERR_AO: c_int = 5;

/// An instruction that may fault, and where the thread goes on if it does: each relative to its own place, so that
/// nothing needs relocation.
#[repr(C)]
struct Fixup {
    instruction: i32,
    landing: i32,
}

unsafe extern "C" {
    /// The linker's names for the two ends of the section.
    #[link_name = "__start_jacinth_fixups"]
    static FIRST: Fixup;
    #[link_name = "__stop_jacinth_fixups"]
    static END: Fixup;
}

/// Whether `bytes` bytes from `start` can be read. For a thread that has [`arm`]ed.
#[inline(always)]
pub fn is_readable(start: *const c_void, bytes: usize) -> bool {
    all_pages(start, bytes, |at| {
        // SAFETY: one byte is looked at and nothing else changes; if it is not there, the handler makes this `false`.
        unsafe {
            asm!(
                "2: test byte ptr [{at}], 0",
                ".pushsection jacinth_fixups, \"aR\", @progbits",
                ".balign 4",
                ".long 2b - .",
                ".long {missing} - .",
                ".popsection",
                at = in(reg) at,
                missing = label { return false },
                options(nostack, readonly),
            );
        }
        true
    })
}

/// Whether `bytes` bytes from `start` can be written. A byte of each page is written as it is: ask only for what will be
/// overwritten. For a thread that has [`arm`]ed.
#[inline(always)]
pub fn is_writable(start: *mut c_void, bytes: usize) -> bool {
    all_pages(start, bytes, |at| {
        // SAFETY: as above; the byte is the caller's to write, and keeps its value.
        unsafe {
            asm!(
                "2: or byte ptr [{at}], 0",
                ".pushsection jacinth_fixups, \"aR\", @progbits",
                ".balign 4",
                ".long 2b - .",
                ".long {missing} - .",
                ".popsection",
                at = in(reg) at,
                missing = label { return false },
                options(nostack),
            );
        }
        true
    })
}

/// Looks at the first byte of the range, and at one of each further page that it touches.
#[inline(always)]
fn all_pages(start: *const c_void, bytes: usize, mut is_there: impl FnMut(usize) -> bool) -> bool {
    let start = start.addr();
    if bytes == 0 {
        return true;
    }
    let Some(last) = start.checked_add(bytes - 1) else { return false };
    if !is_there(start) {
        return false;
    }
    let mut page = start | (PAGE_BYTES - 1);
    while page < last {
        if !is_there(page + 1) {
            return false;
        }
        page += PAGE_BYTES;
    }
    true
}

static IS_ARMED: AtomicBool = AtomicBool::new(false);

/// Makes sure that the handler is there.
#[inline(always)]
pub fn arm() {
    // Acquire pairs with the Release of `install`: what the handler passes on to is known.
    if !IS_ARMED.load(Ordering::Acquire) {
        install();
    }
}

/// Who handled faults before. Set before the handler that reads them can be called, but for a fault within the call of
/// `sigaction` itself.
static BEFORE: [OnceLock<SigAction>; 2] = [OnceLock::new(), OnceLock::new()];
const SIGNALS: [Signal; 2] = [Signal::SIGSEGV, Signal::SIGBUS];

#[cold]
fn install() {
    static ONE: std::sync::Once = std::sync::Once::new();
    ONE.call_once(|| {
        for (signal, before) in SIGNALS.into_iter().zip(&BEFORE) {
            let flags = SaFlags::SA_SIGINFO | SaFlags::SA_ONSTACK | SaFlags::SA_RESTART;
            let ours = SigAction::new(SigHandler::SigAction(on_fault), flags, SigSet::empty());
            // SAFETY: the handler only reads what is constant by then, and calls what is safe to call in handlers.
            // A failure would leave bad pointers unguarded, no more.
            if let Ok(previous) = unsafe { sigaction(signal, &ours) } {
                let _ = before.set(previous);
            }
        }
        IS_ARMED.store(true, Ordering::Release);
    });
}

extern "C" fn on_fault(signal: c_int, about: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO the interrupted thread's context, its alone until it returns.
    let machine = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext };
    let at = &mut machine.gregs[libc::REG_RIP as usize];
    // One that somebody sends is for somebody else, wherever the thread is.
    match is_fault(about).then(|| landing_of(*at as usize)).flatten() {
        Some(landing) => *at = landing as i64,
        None => pass_on(signal, about, context),
    }
}

fn landing_of(instruction: usize) -> Option<usize> {
    let (first, end) = (&raw const FIRST, &raw const END);
    let count = (end.addr() - first.addr()) / size_of::<Fixup>();
    (0..count).find_map(|index| {
        // SAFETY: the linker put `count` of them there, one after another, and nothing writes to them.
        let fixup = unsafe { &*first.add(index) };
        let absolute = |field: &i32| std::ptr::from_ref(field).addr().wrapping_add_signed(*field as isize);
        (absolute(&fixup.instruction) == instruction).then(|| absolute(&fixup.landing))
    })
}

/// Does with the signal what would have been done without this library.
fn pass_on(signal: c_int, about: *mut siginfo_t, context: *mut c_void) {
    let index = SIGNALS.iter().position(|known| *known as c_int == signal);
    let Some((name, before)) = index.and_then(|index| Some((SIGNALS[index], BEFORE[index].get()?))) else {
        return restore_default(signal);
    };
    match before.handler() {
        SigHandler::SigAction(handler) => {
            prepare_as_for(name, before);
            handler(signal, about, context);
        }
        SigHandler::Handler(handler) => {
            prepare_as_for(name, before);
            handler(signal);
        }
        SigHandler::SigIgn if !is_fault(about) => {}
        _ => {
            // The instruction faults again when the handler returns, and the program ends where it went wrong.
            restore_default(signal);
            if !is_fault(about) {
                let _ = raise(name);
            }
        }
    }
}

/// Makes the signals that are blocked, and what comes next, those that the kernel would have made for that handler. What
/// is blocked goes back when this handler returns.
fn prepare_as_for(signal: Signal, before: &SigAction) {
    if before.flags().contains(SaFlags::SA_RESETHAND) {
        restore_default(signal as c_int);
    }
    let _ = before.mask().thread_block();
    if before.flags().contains(SaFlags::SA_NODEFER) && !before.mask().contains(signal) {
        let mut own = SigSet::empty();
        own.add(signal);
        let _ = own.thread_unblock();
    }
}

/// Takes the handler away.
fn restore_default(signal: c_int) {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    if let Ok(signal) = Signal::try_from(signal) {
        // SAFETY: the default is no code of anybody's.
        let _ = unsafe { sigaction(signal, &default) };
    }
}

/// Whether the kernel raised the signal for what the thread did, rather than somebody sent it.
fn is_fault(about: *const siginfo_t) -> bool {
    // SAFETY: the kernel gives a handler with SA_SIGINFO this record.
    let code = unsafe { (*about).si_code };
    // Memory that was found to be broken, and that nobody has touched yet, is no fault of this thread's.
    code > 0 && code != BUS_MCEERR_AO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_not_there_is_seen_before_it_is_used() {
        arm();
        // SAFETY: a fresh mapping of three pages, of which this test is the only user.
        let pages = unsafe {
            let (length, anonymous) = (3 * PAGE_BYTES, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let start = libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                anonymous,
                -1,
                0,
            );
            assert_ne!(start, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(start.byte_add(PAGE_BYTES), PAGE_BYTES, libc::PROT_READ), 0);
            assert_eq!(libc::mprotect(start.byte_add(2 * PAGE_BYTES), PAGE_BYTES, libc::PROT_NONE), 0);
            start
        };
        let from = |offset: usize| pages.wrapping_byte_add(offset);
        for (offset, bytes, readable, writable) in [
            (0, 0, true, true),
            (0, 1, true, true),
            (0, PAGE_BYTES, true, true),
            (0, PAGE_BYTES + 1, true, false),
            (PAGE_BYTES - 1, 2, true, false),
            (PAGE_BYTES, 1, true, false),
            (1, 2 * PAGE_BYTES - 1, true, false),
            (1, 2 * PAGE_BYTES, false, false),
            (2 * PAGE_BYTES, 1, false, false),
            (2 * PAGE_BYTES, 0, true, true),
            (0, usize::MAX, false, false),
        ] {
            assert_eq!(is_readable(from(offset), bytes), readable, "read {bytes} from {offset}");
            assert_eq!(is_writable(from(offset), bytes), writable, "write {bytes} from {offset}");
        }
        assert!(!is_readable(std::ptr::null(), 1) && !is_writable(std::ptr::null_mut(), 1));
        // SAFETY: nobody uses it any more.
        assert_eq!(unsafe { libc::munmap(pages, 3 * PAGE_BYTES) }, 0);
    }
}
