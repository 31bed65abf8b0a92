//! The places of futures that read from an end or write to it.

use super::ready::Ready;
use super::source::Place;
use jacinth::{HandleRef, Status};
use std::task::{Context, Poll};

/// A future's place among those that wait for something to read. Leaves it when it is dropped.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    ready: &'a Ready,
    handle: HandleRef<'a>,
    place: Place,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(ready: &'a Ready, handle: HandleRef<'a>) -> Self {
        Self { ready, handle, place: Place::default() }
    }

    /// Tries until `read` gives something other than SHOULD_WAIT.
    pub(crate) fn poll<T>(
        &mut self,
        context: &Context<'_>,
        read: impl FnMut() -> Result<T, Status>,
    ) -> Poll<Result<T, Status>> {
        self.ready.poll_read(&self.handle, context, &mut self.place, read)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.ready.leave_readable(&self.handle, &mut self.place);
    }
}

/// A future's place among those that wait for room. Leaves it when it is dropped.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    ready: &'a Ready,
    handle: HandleRef<'a>,
    place: Place,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(ready: &'a Ready, handle: HandleRef<'a>) -> Self {
        Self { ready, handle, place: Place::default() }
    }

    /// Tries until `write` gives something other than SHOULD_WAIT.
    pub(crate) fn poll<T>(
        &mut self,
        context: &Context<'_>,
        write: impl FnMut() -> Result<T, Status>,
    ) -> Poll<Result<T, Status>> {
        self.ready.poll_write(&self.handle, context, &mut self.place, write)
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.ready.leave_writable(&self.handle, &mut self.place);
    }
}
