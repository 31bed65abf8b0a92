//! Ports by a file descriptor, for event loops.
//!
//! A program names one by the number of its descriptor. The table here says which one that is, so a wrong number is an error
//! and no wild pointer.

use crate::process::entry::enter_unforked;
use crate::process::error_text::{CallError, Context, with_error_text};
use crate::types::{zx_handle_t, zx_port_packet_t, zx_status_t};
use crate::user_memory::UserOut;
use jacinth::{Status, raw, sys};
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, PoisonError, RwLock};

/// The descriptors of this process. A forked child may have a copy of a locked lock, and does not look.
static OPEN: RwLock<BTreeMap<RawFd, Arc<raw::PortFd>>> = RwLock::new(BTreeMap::new());

/// Makes a descriptor for a port.
///
/// # Safety
/// `fd` points to a number to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_port_fd_create(port: zx_handle_t, fd: UserOut<RawFd>) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        let made = raw::PortFd::new(port).context_with_detail("a descriptor for the port")?;
        let number = made.as_raw_fd();
        fd.store(number).context("where the descriptor goes")?;
        OPEN.write().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::new(made));
        Ok(())
    })
}

/// Takes a packet, or arms the descriptor.
///
/// # Safety
/// `packet` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_port_fd_wait(fd: RawFd, packet: UserOut<zx_port_packet_t>) -> zx_status_t {
    wait(fd, packet, |port_fd| port_fd.try_wait().map(Some))
}

/// Takes a packet, says that one may come soon, or arms the descriptor.
///
/// # Safety
/// `packet` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_port_fd_wait_adaptive(
    fd: RawFd,
    packet: UserOut<zx_port_packet_t>,
) -> zx_status_t {
    wait(fd, packet, raw::PortFd::try_wait_adaptive)
}

/// `take` takes a packet; without one it fails, or gives `None`: `ZX_ERR_NEXT`.
fn wait(
    fd: RawFd,
    packet: UserOut<zx_port_packet_t>,
    take: impl FnOnce(&raw::PortFd) -> Result<Option<sys::zx_port_packet_t>, Status>,
) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        // Not locked during the wait: another thread may make one meanwhile.
        let found = OPEN.read().unwrap_or_else(PoisonError::into_inner).get(&fd).cloned();
        let port_fd = found.ok_or(Status::BAD_HANDLE).context("no descriptor of a port")?;
        // Before a packet is taken, which an error must not cost.
        packet.check().context("where the packet goes")?;
        match take(&port_fd).and_then(|taken| taken.ok_or(Status::NEXT)) {
            // Part of every event loop: no text, which would take memory.
            Err(status @ (Status::SHOULD_WAIT | Status::NEXT)) => Err(CallError::new(status, String::new())),
            taken => {
                packet.store(taken.context_with_detail("a wait")?.into()).context("where the packet goes")
            }
        }
    })
}

/// Closes the descriptor.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_port_fd_close(fd: RawFd) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        let closed = OPEN.write().unwrap_or_else(PoisonError::into_inner).remove(&fd);
        closed.map(drop).ok_or(Status::BAD_HANDLE).context("no descriptor of a port")
    })
}
