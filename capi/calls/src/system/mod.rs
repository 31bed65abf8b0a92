//! Clocks, the machine, random numbers, and the names of statuses: calls that need no arena.

mod clock;
mod status;

pub use clock::*;
pub use status::*;

use crate::call_macro::calls;
use crate::user_memory::{UserOut, fault_guard};
use jacinth::Status;
use rustix::rand::{GetRandomFlags, getrandom};

/// The version that `zx_system_get_version` stores.
const VERSION: &str = concat!("jacinth-", env!("CARGO_PKG_VERSION"), "\0");

calls! {
    /// How many processors there are.
    fn zx_system_get_num_cpus, _zx_system_get_num_cpus() -> u32 {
        configured(libc::_SC_NPROCESSORS_ONLN).map_or(1, |count| count.try_into().unwrap_or(u32::MAX))
    }

    /// How much memory there is, in bytes.
    fn zx_system_get_physmem, _zx_system_get_physmem() -> u64 {
        configured(libc::_SC_PHYS_PAGES).unwrap_or(0).saturating_mul(rustix::param::page_size() as u64)
    }

    /// The version of this library, as a string.
    fn zx_system_get_version, _zx_system_get_version(version: UserOut<u8>, version_size: usize) {
        fault_guard::install_handler();
        if version_size < VERSION.len() {
            return Err(Status::BUFFER_TOO_SMALL);
        }
        for (place, byte) in version.buffer(VERSION.len())?.iter_mut().zip(VERSION.bytes()) {
            place.write(byte);
        }
        Ok(())
    }

    /// How long a line of the data cache is, in bytes.
    fn zx_system_get_dcache_line_size, _zx_system_get_dcache_line_size() -> u32 {
        configured(libc::_SC_LEVEL1_DCACHE_LINESIZE).map_or(64, |bytes| bytes.try_into().unwrap_or(u32::MAX))
    }

    /// Fills a buffer with random bytes from the kernel.
    fn zx_cprng_draw, _zx_cprng_draw(buffer: UserOut<u8>, buffer_size: usize) -> () {
        fault_guard::install_handler();
        // The call returns no status. As in Zircon, a bad buffer ends the program.
        let Ok(mut rest) = buffer.buffer(buffer_size) else { std::process::abort() };
        while !rest.is_empty() {
            match getrandom(&mut *rest, GetRandomFlags::empty()) {
                Ok((drawn, _)) => {
                    let drawn = drawn.len();
                    rest = &mut rest[drawn..];
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => std::process::abort(),
            }
        }
    }
}

/// A number of the C library; `None` if it does not know it.
fn configured(name: libc::c_int) -> Option<u64> {
    // SAFETY: `sysconf` only returns a number. Neither rustix nor nix knows these names.
    let number = unsafe { libc::sysconf(name) };
    u64::try_from(number).ok().filter(|number| *number > 0)
}
