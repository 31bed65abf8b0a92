//! Guarantees that several objects give.

/// Of creating an object.
pub const CREATE: &str = "an unfinished object leaves nothing behind";

/// Of closing a handle.
pub const CLOSE: &str = "the handle is closed once, by the victim or by recovery";

/// Of a duplicate that the victim had of the survivor's event.
pub const SHARED: &str = "the object has the survivor's handle and no other";

/// Of setting a signal and clearing it at once.
pub const LATCHED: &str =
    "a sleeper is awake once its signal was set, even if it was cleared again before the sleeper ran";
