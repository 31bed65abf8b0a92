//! The limits of an arena: between [`jacinth::Config`] and C's structure.

use crate::process::error_text::{CallError, Context};
use crate::types::jacinth_config_t;
use crate::user_memory::{UserIn, UserOut, fault_guard};
use jacinth::Config;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Writes both conversions from one list of the members that have the same name and type on both sides.
macro_rules! conversions {
    ($( $limit:ident )+) => {
        pub(super) fn from_c(config: &jacinth_config_t) -> Result<Config, CallError> {
            let mut made = Config::default();
            $( made.$limit = config.$limit; )+
            if !config.socket_path.is_null() {
                let path = config.socket_path.c_string().context("the path of the supervisor's socket")?;
                made.socket_path = Some(OsStr::from_bytes(path.to_bytes()).into());
            }
            Ok(made)
        }

        fn to_c(config: &Config) -> jacinth_config_t {
            jacinth_config_t { $( $limit: config.$limit, )+ padding: 0, socket_path: UserIn::NULL }
        }
    };
}

conversions! {
    max_processes max_threads max_threads_per_process max_objects max_objects_per_process max_handles_per_process
    max_pending_messages max_pending_messages_per_process first_segment_messages pool_bytes
    max_block_bytes_per_process max_loan_bytes
}

/// Stores the default limits.
///
/// # Safety
/// `config` is NULL or points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_config_default(config: UserOut<jacinth_config_t>) {
    fault_guard::install_handler();
    let _ = config.store_optional(to_c(&Config::default()));
}
