//! The machine, and its random numbers.

mod clock;
mod status;

pub use clock::*;
pub use status::*;

use crate::user_memory::UserOut;
use crate::user_memory::fault_guard as guard;
use jacinth::Status;
use rustix::rand::{GetRandomFlags, getrandom};

/// What `zx_system_get_version` says.
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

    /// What this is, as a text.
    fn zx_system_get_version, _zx_system_get_version(version: UserOut<u8>, version_size: usize) {
        guard::arm();
        if version_size < VERSION.len() {
            return Err(Status::BUFFER_TOO_SMALL);
        }
        for (place, byte) in version.room(VERSION.len())?.iter_mut().zip(VERSION.bytes()) {
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
        guard::arm();
        // There is no status to say otherwise with: as in Zircon, a buffer that is not there ends the program.
        let Ok(mut rest) = buffer.room(buffer_size) else { std::process::abort() };
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

/// A number that the C library knows, if it is one that says anything.
fn configured(name: libc::c_int) -> Option<u64> {
    // SAFETY: it asks for a number.
    let number = unsafe { libc::sysconf(name) };
    u64::try_from(number).ok().filter(|number| *number > 0)
}
