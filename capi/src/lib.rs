//! `libjacinth.so` and `libjacinth.a`: the calls of `jacinth-capi-calls`, exported under Zircon's names.
//!
//! The headers document them: `include/zircon/` and `include/jacinth.h`.

pub use jacinth_capi_calls::*;
