//! Accepting.

use crate::channel::Channel;
use crate::on_signals::OnSignals;
use futures_core::Stream;
use jacinth::{Signals, Status};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A listener that tasks accept clients from. Made from a [`jacinth::Listener`].
///
/// ```
/// use futures::StreamExt;
/// use jacinth::{Config, MonotonicInstant, Supervisor};
/// use jacinth_async::{Channel, Listener, connect};
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let listener = Listener::from(jacinth::serve("log")?);
/// futures::executor::block_on(async {
///     let client = Channel::from(connect("log", MonotonicInstant::INFINITE).await?);
///     client.send(b"hello", &mut []).await?;
///     let server = listener.incoming().next().await.expect("a listener does not end")?;
///     assert_eq!(server.recv().await?.bytes(), b"hello");
///     Ok::<(), jacinth::Status>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener(jacinth::Listener);

impl From<jacinth::Listener> for Listener {
    fn from(listener: jacinth::Listener) -> Self {
        Self(listener)
    }
}

impl Listener {
    /// The next client's channel. A future that is dropped has accepted none.
    ///
    /// # Errors
    /// The future's errors: those of [`jacinth::Listener::accept`] but SHOULD_WAIT, and those of [`OnSignals`].
    ///
    /// ```
    /// # use jacinth::{Config, MonotonicInstant, Supervisor};
    /// # use jacinth_async::Listener;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let listener = Listener::from(jacinth::serve("log")?);
    /// let client = jacinth::connect("log", MonotonicInstant::INFINITE)?;
    /// let server = futures::executor::block_on(listener.accept())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept(&self) -> Accept<'_> {
        Accept { listener: &self.0, readable: None }
    }

    /// The clients' channels as a stream. It does not end; after an error, the next poll tries again.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use jacinth::{Config, MonotonicInstant, Supervisor};
    /// # use jacinth_async::Listener;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let listener = Listener::from(jacinth::serve("log")?);
    /// let clients = [(); 3].map(|()| jacinth::connect("log", MonotonicInstant::INFINITE));
    /// let served = futures::executor::block_on(listener.incoming().take(3).count());
    /// assert_eq!(served, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming(self.accept())
    }

    /// The listener itself.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Listener;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let listener = Listener::from(jacinth::serve("log")?);
    /// assert_eq!(listener.get_ref().accept().map(drop), Err(jacinth::Status::SHOULD_WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_ref(&self) -> &jacinth::Listener {
        &self.0
    }
}

/// The future of [`Listener::accept`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Accept<'a> {
    listener: &'a jacinth::Listener,
    readable: Option<OnSignals<'a>>,
}

impl Future for Accept<'_> {
    type Output = Result<Channel, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { listener, readable } = &mut *self;
        loop {
            match listener.accept() {
                Err(Status::SHOULD_WAIT) => {}
                accepted => {
                    *readable = None;
                    return Poll::Ready(accepted.map(Channel::from));
                }
            }
            let waiting =
                readable.get_or_insert_with(|| OnSignals::new(*listener, Signals::LISTENER_READABLE));
            match Pin::new(waiting).poll(context) {
                Poll::Pending => return Poll::Pending,
                // Another task or process may take the channel first.
                Poll::Ready(Ok(_)) => *readable = None,
                Poll::Ready(Err(status)) => {
                    *readable = None;
                    return Poll::Ready(Err(status));
                }
            }
        }
    }
}

/// The stream of [`Listener::incoming`].
#[derive(Debug)]
#[must_use = "streams do nothing unless they are polled"]
pub struct Incoming<'a>(Accept<'a>);

impl Stream for Incoming<'_> {
    type Item = Result<Channel, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll(context).map(Some)
    }
}
