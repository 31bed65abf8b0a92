//! Auditing the arena, and recovering the resources of dead processes.

use crate::process::entry::enter;
use crate::process::error_text::{CallError, Context, with_error_text};
use crate::types::{jacinth_audit_t, jacinth_report_t, zx_status_t};
use crate::user_memory::UserOut;
use jacinth::{Status, Supervisor};

/// Walks the arena and finds anything that is lost, leaked or doubled.
///
/// # Safety
/// `audit` is NULL or points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_audit(audit: UserOut<jacinth_audit_t>) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        let audit = audit.check_optional().context("where the audit goes")?;
        // In a forked child `audit` has a finding of its own, which is no damage to the arena.
        if !jacinth::is_attached() {
            return Err(Status::BAD_STATE).context("this process was forked from an attached one");
        }
        let found = Supervisor::get()?.audit();
        audit.store(jacinth_audit_t {
            processes: found.processes,
            threads: found.threads,
            objects: found.objects,
            retired: found.retired,
            handles: found.handles,
            in_transit: found.in_transit,
            messages: found.messages,
            blocks: found.blocks,
            findings: found.findings.len().try_into().unwrap_or(u32::MAX),
        });
        match found.is_clean() {
            true => Ok(()),
            false => Err(CallError::new(Status::IO_DATA_INTEGRITY, found.findings.join("\n"))),
        }
    })
}

/// Recovers the resources of dead processes now, and reports all recovery so far.
///
/// # Safety
/// `report` is NULL or points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_collect(report: UserOut<jacinth_report_t>) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        report.check_optional().context("where the report goes")?;
        let collected = Supervisor::get()?.collect().context_with_detail("collecting")?;
        // The collection slept, so the address is checked again.
        report.store_optional(collected).context("where the report goes")
    })
}
