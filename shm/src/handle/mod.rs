//! Handles of this process: how a value is looked up, and how a thread keeps its object from being reused meanwhile.

pub(crate) mod keeper;
pub(crate) mod lookup;
pub(crate) mod pin;
