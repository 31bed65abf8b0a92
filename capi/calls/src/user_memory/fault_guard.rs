//! Checks whether memory is mapped, without a system call.
//!
//! A kernel finds out by trying: its copy routines have an exception table, which says where to go on when one of their
//! instructions faults. This file does the same in user space. Each check is one instruction. The section
//! `jacinth_ex_table` holds its address beside the address of its *fixup*, the code that runs instead. The handler of
//! SIGSEGV and SIGBUS looks the faulting instruction up and sends the thread to the fixup. A check that does not fault
//! costs one instruction. A system call (`process_vm_readv` and the like) would cost more than most calls do altogether.
//!
//! INV-GUARD-1: a fault of any other instruction goes to the handler that was there before, as if this one did not exist.
//!
//! A program that installs a handler of its own later, and does not pass unknown faults on, disables the check: a bad
//! pointer then ends the program, as in any other library. Memory that another thread unmaps between the check and the use
//! is not detected either.

use libc::{c_int, c_void, siginfo_t};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use std::arch::asm;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("guarded accesses are written for Linux on x86-64");

/// The unit of memory protection: if one byte of a page can be accessed, all of them can.
const PAGE_BYTES: usize = 4096;

/// The code of a SIGBUS for broken memory that the thread has not touched.
const BUS_MCEERR_AO: c_int = 5;

/// An instruction that may fault, and where the thread goes on if it does. Each number is relative to its own address, so
/// that the linker needs no relocations.
#[repr(C)]
struct ExceptionEntry {
    instruction: i32,
    fixup: i32,
}

unsafe extern "C" {
    /// The linker's names for the two ends of the section.
    #[link_name = "__start_jacinth_ex_table"]
    static FIRST: ExceptionEntry;
    #[link_name = "__stop_jacinth_ex_table"]
    static END: ExceptionEntry;
}

/// Whether `bytes` bytes from `start` can be read. [`install_handler`] must have been called.
#[inline(always)]
pub fn is_readable(start: *const c_void, bytes: usize) -> bool {
    each_page(start, bytes, |at| {
        // SAFETY: the instruction reads one byte and changes only flags. If the byte is not mapped, the handler
        // continues at the fixup, which returns `false`.
        unsafe {
            asm!(
                "2: test byte ptr [{at}], 0",
                ".pushsection jacinth_ex_table, \"aR\", @progbits",
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

/// Whether `bytes` bytes from `start` can be written. [`install_handler`] must have been called.
///
/// It writes one byte of each page with its own value, so ask only for memory that will be overwritten.
#[inline(always)]
pub fn is_writable(start: *mut c_void, bytes: usize) -> bool {
    each_page(start, bytes, |at| {
        // SAFETY: the instruction writes one byte with the value that it has; the program gave the memory to the call to
        // write. If the byte is not mapped, the handler continues at the fixup, which returns `false`.
        unsafe {
            asm!(
                "2: or byte ptr [{at}], 0",
                ".pushsection jacinth_ex_table, \"aR\", @progbits",
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

/// Tries the first byte of the range, and one byte of each further page.
#[inline(always)]
fn each_page(start: *const c_void, bytes: usize, mut is_mapped: impl FnMut(usize) -> bool) -> bool {
    let start = start.addr();
    if bytes == 0 {
        return true;
    }
    let Some(last) = start.checked_add(bytes - 1) else { return false };
    if !is_mapped(start) {
        return false;
    }
    let mut page = start | (PAGE_BYTES - 1);
    while page < last {
        if !is_mapped(page + 1) {
            return false;
        }
        page += PAGE_BYTES;
    }
    true
}

static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

/// Installs the fault handler, at its first call.
#[inline(always)]
pub fn install_handler() {
    // ORDER: Acquire, pairs with the Release of `install_once`; a thread that sees the handler sees `PREVIOUS`.
    if !IS_INSTALLED.load(Ordering::Acquire) {
        install_once();
    }
}

/// The handlers that were there before. Only a fault during the call of `sigaction` itself finds one unset.
static PREVIOUS: [OnceLock<SigAction>; 2] = [OnceLock::new(), OnceLock::new()];
const SIGNALS: [Signal; 2] = [Signal::SIGSEGV, Signal::SIGBUS];

#[cold]
fn install_once() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for (signal, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
            let flags = SaFlags::SA_SIGINFO | SaFlags::SA_ONSTACK | SaFlags::SA_RESTART;
            let ours = SigAction::new(SigHandler::SigAction(on_fault), flags, SigSet::empty());
            // SAFETY: the handler reads only constants, and calls only functions that are safe in a signal handler.
            // If `sigaction` fails, bad pointers end the program. No other code depends on the handler.
            if let Ok(found) = unsafe { sigaction(signal, &ours) } {
                let _ = previous.set(found);
            }
        }
        // ORDER: Release, pairs with the Acquire of `install_handler`; publishes `PREVIOUS`.
        IS_INSTALLED.store(true, Ordering::Release);
    });
}

extern "C" fn on_fault(signal: c_int, about: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO the context of the interrupted thread. No other code uses it until
    // the handler returns.
    let machine = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext };
    let at = &mut machine.gregs[libc::REG_RIP as usize];
    // A signal that a process sent is not a fault of this instruction.
    match is_fault(about).then(|| fixup_of(*at as usize)).flatten() {
        Some(fixup) => *at = fixup as i64,
        None => pass_on(signal, about, context),
    }
}

/// Looks an instruction up in the exception table.
fn fixup_of(instruction: usize) -> Option<usize> {
    let (first, end) = (&raw const FIRST, &raw const END);
    let count = (end.addr() - first.addr()) / size_of::<ExceptionEntry>();
    (0..count).find_map(|index| {
        // SAFETY: the linker placed `count` entries one after another, and the section is read-only.
        let entry = unsafe { &*first.add(index) };
        let absolute = |field: &i32| std::ptr::from_ref(field).addr().wrapping_add_signed(*field as isize);
        (absolute(&entry.instruction) == instruction).then(|| absolute(&entry.fixup))
    })
}

/// Handles the signal as the process would without this library.
fn pass_on(signal: c_int, about: *mut siginfo_t, context: *mut c_void) {
    let index = SIGNALS.iter().position(|known| *known as c_int == signal);
    let Some((name, previous)) = index.and_then(|index| Some((SIGNALS[index], PREVIOUS[index].get()?)))
    else {
        return restore_default(signal);
    };
    match previous.handler() {
        SigHandler::SigAction(handler) => {
            prepare_as_kernel(name, previous);
            handler(signal, about, context);
        }
        SigHandler::Handler(handler) => {
            prepare_as_kernel(name, previous);
            handler(signal);
        }
        SigHandler::SigIgn if !is_fault(about) => {}
        _ => {
            // The instruction faults again when this handler returns, and the default action ends the program there.
            restore_default(signal);
            if !is_fault(about) {
                let _ = raise(name);
            }
        }
    }
}

/// Sets the signal mask and the next action as the kernel would for that handler. The kernel restores the mask when this
/// handler returns.
fn prepare_as_kernel(signal: Signal, handler: &SigAction) {
    if handler.flags().contains(SaFlags::SA_RESETHAND) {
        restore_default(signal as c_int);
    }
    let _ = handler.mask().thread_block();
    if handler.flags().contains(SaFlags::SA_NODEFER) && !handler.mask().contains(signal) {
        let mut own = SigSet::empty();
        own.add(signal);
        let _ = own.thread_unblock();
    }
}

/// Sets the default action.
fn restore_default(signal: c_int) {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    if let Ok(signal) = Signal::try_from(signal) {
        // SAFETY: the default action runs no code of the process.
        let _ = unsafe { sigaction(signal, &default) };
    }
}

/// Whether the kernel raised the signal for an instruction of the thread. A process can send the same signals.
fn is_fault(about: *const siginfo_t) -> bool {
    // SAFETY: the kernel gives a handler with SA_SIGINFO a pointer to this record.
    let code = unsafe { (*about).si_code };
    // The kernel reports broken memory that the thread has not touched: that is not a fault.
    code > 0 && code != BUS_MCEERR_AO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_follow_page_protection() {
        install_handler();
        // SAFETY: a new mapping of three pages. This test is its only user.
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
        // SAFETY: the test has finished with the mapping.
        assert_eq!(unsafe { libc::munmap(pages, 3 * PAGE_BYTES) }, 0);
    }
}
