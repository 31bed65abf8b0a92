//! `libjacinth.so` and `libjacinth.a`: the calls of `jacinth-calls`, exported under Zircon's names.
//!
//! What they do is documented where C looks for it: `include/zircon/` and `include/jacinth.h`.

pub use jacinth_calls::*;
