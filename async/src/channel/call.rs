//! A request and its reply.

use super::end::End;
use super::recv::Receiver;
use super::send::Sender;
use jacinth::{ChannelIoSlice, MessageBuf, NullableHandle, Status};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The future of [`Channel::call`](crate::Channel::call).
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Call<'a> {
    sender: Sender<'a>,
    receiver: Receiver<'a>,
    bytes: &'a [u8],
    handles: &'a mut [NullableHandle],
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    New,
    Sending(u32),
    Sent(u32),
    Done,
}

impl<'a> Call<'a> {
    pub(super) fn new(end: &'a End, bytes: &'a [u8], handles: &'a mut [NullableHandle]) -> Self {
        let (sender, receiver) = (Sender::new(end), Receiver::new(end));
        Self { sender, receiver, bytes, handles, state: State::New }
    }
}

impl Future for Call<'_> {
    type Output = Result<MessageBuf, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, receiver, bytes, handles, state } = &mut *self;
        let end = sender.end;
        loop {
            match *state {
                State::New => {
                    if bytes.len() < size_of::<u32>() {
                        return Poll::Ready(Err(Status::INVALID_ARGS));
                    }
                    *state = State::Sending(end.inbox.begin());
                }
                State::Sending(id) => {
                    let (id_bytes, (_, rest)) = (id.to_le_bytes(), bytes.split_at(size_of::<u32>()));
                    let slices = [ChannelIoSlice::new(&id_bytes), ChannelIoSlice::new(rest)];
                    match sender.poll(context, || end.channel.writev(&slices, handles)) {
                        Poll::Ready(sent) => sent?,
                        Poll::Pending => return Poll::Pending,
                    }
                    *state = State::Sent(id);
                }
                State::Sent(id) => {
                    let polled = receiver.poll(context, || end.try_reply(id));
                    if polled.is_ready() {
                        // No effect after a reply.
                        end.inbox.end(id, false);
                        *state = State::Done;
                    }
                    return polled;
                }
                State::Done => return Poll::Ready(Err(Status::BAD_STATE)),
            }
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let (id, is_sent) = match self.state {
            State::New | State::Done => return,
            State::Sending(id) => (id, false),
            State::Sent(id) => (id, true),
        };
        if jacinth::is_attached() {
            self.sender.end.inbox.end(id, is_sent);
        }
    }
}
