//! Handles of this process: how a value is looked up, and how its object is kept from being reused meanwhile.

pub(crate) mod lookup;
pub(crate) mod pin;
