//! Clocks, the machine, random numbers, and the names of statuses: calls that need no arena.

mod clock;
mod status;

pub use clock::*;
pub use status::*;

use crate::call_macro::calls;
use crate::user_memory::{UserOut, fault_guard};
use jacinth::Status;
use rustix::rand::{GetRandomFlags, getrandom};

calls! {
    /// How many processors there are.
    fn zx_system_get_num_cpus, _zx_system_get_num_cpus() -> u32 {
        jacinth::system_get_num_cpus()
    }

    /// How much memory there is, in bytes.
    fn zx_system_get_physmem, _zx_system_get_physmem() -> u64 {
        jacinth::system_get_physmem()
    }

    /// The version of this library, as a string.
    fn zx_system_get_version, _zx_system_get_version(version: UserOut<u8>, version_size: usize) {
        fault_guard::install_handler();
        let text = jacinth::system_get_version_string();
        // With the NUL at its end.
        let needed = text.len() + 1;
        if version_size < needed {
            return Err(Status::BUFFER_TOO_SMALL);
        }
        for (place, byte) in version.buffer(needed)?.iter_mut().zip(text.bytes().chain([0])) {
            place.write(byte);
        }
        Ok(())
    }

    /// How long a line of the data cache is, in bytes.
    fn zx_system_get_dcache_line_size, _zx_system_get_dcache_line_size() -> u32 {
        jacinth::system_get_dcache_line_size()
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
