//! Clocks, the machine, random numbers and statuses.

use super::Subject;
use crate::signature::signatures;

pub fn subject() -> Subject {
    let calls = signatures! {
        zx_clock_get(1)
        zx_clock_get_new(1, 2)
        zx_clock_get_monotonic()
        zx_ticks_get()
        zx_ticks_per_second()
        zx_nanosleep(1)
        zx_deadline_after(1)
        zx_cprng_draw(1, 2)
        zx_system_get_dcache_line_size()
        zx_system_get_num_cpus()
        zx_system_get_physmem()
        zx_system_get_version(1, 2)
        zx_status_get_string(1)
    };
    Subject { calls, structures: Vec::new() }
}
