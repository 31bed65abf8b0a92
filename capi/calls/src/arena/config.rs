//! The limits of an arena: between [`jacinth::Config`] and C's structure.

use crate::process::error_text::{CallError, Context};
use crate::types::jacinth_config_t;
use crate::user_memory::{UserOut, fault_guard};
use jacinth::Config;
use std::ffi::OsStr;
use std::mem::offset_of;
use std::os::unix::ffi::OsStrExt;

/// Makes both conversions.
macro_rules! conversions {
    ($( $limit:ident: $Number:ty, )+) => {
        pub(super) fn from_c(config: &jacinth_config_t) -> Result<Config, CallError> {
            let mut made = Config::default();
            $( made.$limit = config.$limit; )+
            if !config.socket_path.is_null() {
                let path = config.socket_path.c_string().context("the path of the supervisor's socket")?;
                made.socket_path = Some(OsStr::from_bytes(path.to_bytes()).into());
            }
            Ok(made)
        }

        /// The bytes of the structure. Those between its members, and those of its path, are 0.
        fn to_c(config: &Config) -> [u8; size_of::<jacinth_config_t>()] {
            let mut bytes = [0; size_of::<jacinth_config_t>()];
            $(
                let member = offset_of!(jacinth_config_t, $limit)..;
                bytes[member][..size_of::<$Number>()].copy_from_slice(&config.$limit.to_ne_bytes());
            )+
            bytes
        }
    };
}
jacinth::with_limits!(conversions);

/// Stores the default limits.
///
/// # Safety
/// `config` is NULL or points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_config_default(config: UserOut<jacinth_config_t>) {
    fault_guard::install_handler();
    let _ = config.cast().store_optional(to_c(&Config::default()));
}
