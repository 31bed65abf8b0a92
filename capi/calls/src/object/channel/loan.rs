//! Messages that are filled where they will lie.

use super::message::{Handles, close_beyond, close_unsent};
use crate::object::buffer::unsent::Contents;
use crate::process::entry::enter_unforked;
use crate::process::error_text::{Context, with_error_text};
use crate::process::lent::{Lending, Lent};
use crate::types::{jacinth_loan_t, zx_handle_t, zx_status_t};
use crate::user_memory::{UserIn, UserOut};
use jacinth::{Loan, Status};

/// The loans that this process has.
static LOANS: Lent<Loan<'static>> = Lent::new(1, "the loan");

impl Lending for jacinth_loan_t {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Reserves room for a message.
///
/// # Safety
/// `loan` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_channel_reserve(
    channel: zx_handle_t,
    num_bytes: usize,
    num_handles: u32,
    options: u32,
    loan: UserOut<jacinth_loan_t>,
) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        let contents = Contents::from_options(options)?;
        loan.check().context("where the loan goes")?;
        let reserved = Loan::of_channel(channel, num_bytes, num_handles as usize);
        let mut reserved = reserved.context_unless_waiting("reserving room for a message")?;
        let data = contents.start(reserved.as_raw());
        LOANS.lend(reserved, loan, |id| jacinth_loan_t { data, num_bytes, id })
    })
}

/// Sends a loan.
///
/// # Safety
/// `loan` points to a structure to read and write, and `handles` to so many handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_loan_commit(
    loan: UserOut<jacinth_loan_t>,
    handles: UserIn<zx_handle_t>,
    num_handles: u32,
) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        let mut loaded = Handles::new();
        handles.load_into(num_handles as usize, &mut loaded).context("the handles")?;
        let taken = LOANS.take(loan).and_then(|taken| taken.ok_or(Status::BAD_HANDLE).context("no loan"));
        // From here on the call consumes the handles, also when it fails, as every write does.
        let taken = taken.inspect_err(|error| {
            if error.status() != Status::BAD_STATE {
                close_unsent(&loaded);
                close_beyond(&loaded, handles, num_handles);
            }
        })?;
        let sent = taken.commit_raw(&loaded);
        close_beyond(&loaded, handles, num_handles);
        sent.context_with_detail("sending a loan")
    })
}

/// Gives a loan back.
///
/// # Safety
/// `loan` points to a structure to read and write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_loan_cancel(loan: UserOut<jacinth_loan_t>) -> zx_status_t {
    with_error_text(|| {
        enter_unforked()?;
        LOANS.take(loan).map(drop)
    })
}
