//! The machine, and its random numbers. These calls need no arena.

use crate::types::status::Status;
use crate::types::sys;
use nix::unistd::{SysconfVar, sysconf};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use std::sync::OnceLock;

/// The most bytes that [`cprng_add_entropy`] takes (`ZX_CPRNG_ADD_ENTROPY_MAX_LEN`).
pub const CPRNG_ADD_ENTROPY_MAX_LEN: usize = sys::ZX_CPRNG_ADD_ENTROPY_MAX_LEN;

/// The file with the length of a line of the machine's first data cache.
const LINE_SIZE_FILE: &str = "/sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size";

/// The size of a page of memory, in bytes.
///
/// ```
/// assert!(jacinth::system_get_page_size().is_power_of_two());
/// ```
#[must_use]
pub fn system_get_page_size() -> u32 {
    u32::try_from(rustix::param::page_size()).unwrap_or(u32::MAX)
}

/// The length of a line of the data cache, in bytes; 64 where the system does not say.
///
/// Follows `docs/syscalls/system_get_dcache_line_size.md`.
///
/// ```
/// assert!(jacinth::system_get_dcache_line_size() >= 16);
/// ```
pub fn system_get_dcache_line_size() -> u32 {
    static LINE: OnceLock<u32> = OnceLock::new();
    *LINE.get_or_init(|| {
        let text = std::fs::read_to_string(LINE_SIZE_FILE).unwrap_or_default();
        text.trim().parse().unwrap_or(64)
    })
}

/// How many processors there are.
///
/// Follows `docs/syscalls/system_get_num_cpus.md`.
///
/// ```
/// assert!(jacinth::system_get_num_cpus() >= 1);
/// ```
#[must_use]
pub fn system_get_num_cpus() -> u32 {
    configured(SysconfVar::_NPROCESSORS_ONLN).map_or(1, |count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// How much memory there is, in bytes.
///
/// Follows `docs/syscalls/system_get_physmem.md`.
///
/// ```
/// assert!(jacinth::system_get_physmem() > 0);
/// ```
#[must_use]
pub fn system_get_physmem() -> u64 {
    configured(SysconfVar::_PHYS_PAGES).unwrap_or(0).saturating_mul(u64::from(system_get_page_size()))
}

/// The name and version of this library.
///
/// Follows `docs/syscalls/system_get_version.md`.
///
/// ```
/// assert!(jacinth::system_get_version_string().starts_with("jacinth-"));
/// ```
#[must_use]
pub const fn system_get_version_string() -> &'static str {
    concat!("jacinth-", env!("CARGO_PKG_VERSION"))
}

/// Fills `buffer` with random bytes from the system.
///
/// Follows `docs/syscalls/cprng_draw.md`.
///
/// # Panics
/// When the system has none, which Linux says only to a program that forbids itself to ask (`seccomp(2)`).
///
/// ```
/// let mut key = [0; 32];
/// jacinth::cprng_draw(&mut key);
/// assert_ne!(key, [0; 32]);
/// ```
pub fn cprng_draw(buffer: &mut [u8]) {
    let mut rest = buffer;
    while !rest.is_empty() {
        match getrandom(&mut *rest, GetRandomFlags::empty()) {
            Ok(drawn) => rest = &mut rest[drawn..],
            Err(Errno::INTR) => {}
            Err(errno) => panic!("the system has no random numbers: {errno}"),
        }
    }
}

/// Mixes up to 256 bytes into the system's random numbers. They add no trust: the system counts its own sources
/// alone.
///
/// Follows `docs/syscalls/cprng_add_entropy.md`.
///
/// # Errors
/// [`Status::INVALID_ARGS`] for more than [`CPRNG_ADD_ENTROPY_MAX_LEN`] bytes; the status that comes nearest when the
/// system refuses.
///
/// ```
/// # use jacinth::{Status, cprng_add_entropy};
/// assert_eq!(cprng_add_entropy(b"a secret of this program"), Ok(()));
/// assert_eq!(cprng_add_entropy(&[0; 257]), Err(Status::INVALID_ARGS));
/// ```
pub fn cprng_add_entropy(buffer: &[u8]) -> Result<(), Status> {
    if buffer.len() > CPRNG_ADD_ENTROPY_MAX_LEN {
        return Err(Status::INVALID_ARGS);
    }
    Ok(std::fs::write("/dev/urandom", buffer)?)
}

/// A number that the C library knows.
fn configured(name: SysconfVar) -> Option<u64> {
    u64::try_from(sysconf(name).ok()??).ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_fill_the_whole_buffer() {
        for len in [1, 20, 257, 100_000] {
            let draws: Vec<_> = (0..30)
                .map(|_| {
                    let mut buffer = vec![0; len];
                    cprng_draw(&mut buffer);
                    (buffer[0], buffer[len - 1])
                })
                .collect();
            assert!(draws.iter().any(|draw| draw.0 != 0) && draws.iter().any(|draw| draw.1 != 0));
        }
        cprng_draw(&mut []);
    }

    #[test]
    fn the_machine_agrees_with_the_standard_library() {
        let processors = std::thread::available_parallelism().unwrap().get();
        assert!(system_get_num_cpus() as usize >= processors);
        assert_eq!(system_get_page_size() as usize, rustix::param::page_size());
        assert!(system_get_physmem().is_multiple_of(u64::from(system_get_page_size())));
    }
}
