//! Values that their owner dropped, and how each is released.

use jacinth_shm as shm;

/// A value that its owner dropped.
pub(crate) enum Dropped {
    Handle(u32),
    Loan(Option<shm::Loan>),
    Message(shm::InPlace),
}

impl Dropped {
    pub(crate) fn release(&mut self, thread: &shm::Thread) -> shm::Result<()> {
        match self {
            Self::Handle(value) => thread.close(thread.lookup(shm::HandleValue(*value))?),
            Self::Loan(loan) => {
                if let Some(loan) = loan.take() {
                    thread.return_loan(loan);
                }
                Ok(())
            }
            Self::Message(message) => {
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
