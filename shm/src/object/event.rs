//! Events: one side, and nothing but stored signals.

use crate::object::class::Class;

pub(crate) struct Event;

impl Class for Event {}
