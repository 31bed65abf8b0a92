//! Events: one side, which has only stored signals.

use crate::object::class::Class;

pub(crate) struct Event;

impl Class for Event {}
