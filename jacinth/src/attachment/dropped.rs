//! Values that their owner dropped, and how each is released.

use jacinth_shm as shm;

/// A value that its owner dropped.
pub(crate) enum Dropped {
    Handle(u32),
    Loan(Option<shm::Loan>),
    Message(Option<shm::InPlace>),
    Buffer(Option<shm::BufferMut>),
    View(Option<shm::BufferView>),
}

impl Dropped {
    pub(crate) fn release(&mut self, thread: &shm::Thread) -> shm::Result<()> {
        match self {
            Self::Handle(value) => thread.close_when_returned(thread.lookup(shm::HandleValue(*value))?),
            Self::Loan(loan) => loan.take().map_or(Ok(()), |loan| thread.return_loan(loan)),
            Self::Buffer(buffer) => buffer.take().map_or(Ok(()), |buffer| thread.discard(buffer)),
            Self::View(view) => view.take().map_or(Ok(()), |view| thread.end_view(view)),
            Self::Message(message) => {
                let Some(message) = message.take() else { return Ok(()) };
                let mut handles = Vec::new();
                let finished = thread.finish(message, &mut |handle| handles.push(handle));
                for handle in handles {
                    thread.close(thread.lookup(handle.value)?)?;
                }
                finished
            }
        }
    }
}
