//! Sending a message, when there is room.

use super::end::End;
use crate::reactor::source::Place;
use crate::timer::Timer;
use jacinth::{AsHandleRef, MonotonicInstant, NullableHandle, Signals, Status};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How often a task tries again while its process has used up its share of memory: memory comes back without a signal.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// A future's place among those that wait for room. Leaves it when it is dropped.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    pub(super) end: &'a End,
    place: Place,
    again: Option<Timer>,
}

impl<'a> Sender<'a> {
    pub(super) fn new(end: &'a End) -> Self {
        Self { end, place: Place::default(), again: None }
    }

    /// Has the task woken when room comes. `None`: no signal will tell, because it is this process's share of memory that is
    /// used up. `Some(false)`: try again.
    fn wait_for_room(&mut self, context: &Context<'_>, seen: u64) -> Result<Option<bool>, Status> {
        let End { ready, channel, .. } = self.end;
        // An observer sees the channel's room alone.
        let looked = channel.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE_PAST);
        if looked.to_result() != Err(Status::TIMED_OUT) && ready.writable() == seen {
            return Ok(None);
        }
        ready.wait_writable(&channel.as_handle_ref(), context, &mut self.place, seen).map(Some)
    }

    /// Tries until `send` gives something other than SHOULD_WAIT.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        mut send: impl FnMut() -> Result<(), Status>,
    ) -> Poll<Result<(), Status>> {
        let ready = &self.end.ready;
        loop {
            let seen = ready.writable();
            match send() {
                Err(Status::SHOULD_WAIT) => {}
                sent => return Poll::Ready(sent),
            }
            match self.wait_for_room(context, seen)? {
                Some(true) => {
                    self.again = None;
                    return Poll::Pending;
                }
                Some(false) => {}
                None => {
                    let again = self.again.get_or_insert_with(|| Timer::new(TRY_AGAIN));
                    match Pin::new(again).poll(context)? {
                        Poll::Ready(()) => self.again = None,
                        Poll::Pending => return Poll::Pending,
                    }
                }
            }
        }
    }
}

impl Drop for Sender<'_> {
    fn drop(&mut self) {
        let End { ready, channel, .. } = self.end;
        ready.leave_writable(&channel.as_handle_ref(), &mut self.place);
    }
}

/// The future of [`Channel::send`](crate::Channel::send).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Send<'a> {
    sender: Sender<'a>,
    bytes: &'a [u8],
    handles: &'a mut [NullableHandle],
}

impl<'a> Send<'a> {
    pub(super) fn new(end: &'a End, bytes: &'a [u8], handles: &'a mut [NullableHandle]) -> Self {
        Self { sender: Sender::new(end), bytes, handles }
    }
}

impl Future for Send<'_> {
    type Output = Result<(), Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, bytes, handles } = &mut *self;
        let channel = &sender.end.channel;
        sender.poll(context, || channel.write(bytes, handles))
    }
}
