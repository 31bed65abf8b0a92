//! Fifos: elements as futures, a stream and a sink.
//!
//! Each operation is tried first, and waits only when it gave SHOULD_WAIT. An end that has waited for an element has one
//! observer from then on, for as long as it lives. One that waits for room has an observer until there is room.

use crate::reactor::places::{Reader, Writer};
use crate::reactor::ready::Ready;
use futures_core::Stream;
use futures_sink::Sink;
use jacinth::{AsHandleRef, HandleRef, Status, UnspecifiedFifoElement};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// An end of a fifo, for tasks. Any number of tasks may use it at once, and other processes may use duplicates of it.
///
/// ```
/// use jacinth::{Config, Supervisor};
/// use jacinth_async::Fifo;
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = jacinth::Fifo::<u64>::create(16)?;
/// let (ours, theirs) = (Fifo::from(ours), Fifo::from(theirs));
/// futures::executor::block_on(async {
///     let sum = async {
///         let mut sum = 0;
///         for _ in 0..100 {
///             sum += theirs.recv().await?;
///         }
///         theirs.send(&sum).await
///     };
///     let numbers = async {
///         for number in 1..=100 {
///             ours.send(&number).await?; // It waits while the fifo is full.
///         }
///         ours.recv().await
///     };
///     let (_, sum) = futures::try_join!(sum, numbers)?;
///     assert_eq!(sum, 5050);
///     Ok::<(), jacinth::Status>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping an end of a fifo closes it, and its peer is told"]
pub struct Fifo<R = UnspecifiedFifoElement, W = R> {
    /// Before the fifo: its keys are taken back before the handle is closed.
    ready: Ready,
    fifo: jacinth::Fifo<R, W>,
}

impl<R: IntoBytes + FromBytes, W: IntoBytes + FromBytes> Fifo<R, W> {
    /// The next element. It waits until there is one.
    ///
    /// Dropped, it has taken no element. An element goes to one of the futures that wait. Needs
    /// [`Rights::READ`](jacinth::Rights::READ) and [`Rights::WAIT`](jacinth::Rights::WAIT).
    ///
    /// # Errors
    /// The future's errors: [`PEER_CLOSED`](jacinth::Status::PEER_CLOSED) when there is no element and the other end is
    /// closed; as [`jacinth::Fifo::read`], but for SHOULD_WAIT, and [`OnSignals::new`](crate::OnSignals::new).
    ///
    /// ```
    /// # use jacinth::{Config, Status, Supervisor};
    /// # use jacinth_async::Fifo;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Fifo::<u32>::create(16)?;
    /// let ours = Fifo::from(ours);
    /// theirs.write_one(&7)?;
    /// drop(theirs);
    /// futures::executor::block_on(async {
    ///     assert_eq!(ours.recv().await, Ok(7));
    ///     assert_eq!(ours.recv().await, Err(Status::PEER_CLOSED));
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv(&self) -> Recv<'_, R, W> {
        Recv { reader: self.reader(), fifo: &self.fifo }
    }

    /// As many elements as there are and as fit, and how many. It waits until there is one.
    ///
    /// Dropped, it has taken no element.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); [`OUT_OF_RANGE`](jacinth::Status::OUT_OF_RANGE) when `elements` is empty.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Fifo;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Fifo::<u32>::create(16)?;
    /// let (ours, mut elements) = (Fifo::from(ours), [0; 8]);
    /// theirs.write(&[1, 2, 3])?;
    /// assert_eq!(futures::executor::block_on(ours.recv_into(&mut elements)), Ok(3));
    /// assert_eq!(elements[..3], [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_into<'a>(&'a self, elements: &'a mut [R]) -> RecvInto<'a, R, W> {
        RecvInto { reader: self.reader(), fifo: &self.fifo, elements }
    }

    /// The elements, as a stream. It ends when the other end is closed and all elements were received.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Fifo;
    /// use futures::TryStreamExt;
    ///
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Fifo::<u32>::create(16)?;
    /// theirs.write(&[1, 2, 3])?;
    /// drop(theirs);
    /// let ours = Fifo::from(ours);
    /// let elements: Vec<u32> = futures::executor::block_on(ours.elements().try_collect())?;
    /// assert_eq!(elements, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn elements(&self) -> Elements<'_, R, W> {
        Elements { recv: self.recv(), has_ended: false }
    }
}

impl<R: IntoBytes + FromBytes, W: IntoBytes + FromBytes + Immutable> Fifo<R, W> {
    /// Sends an element. It waits while the fifo is full.
    ///
    /// Dropped before it is ready, it has sent nothing. Needs [`Rights::WRITE`](jacinth::Rights::WRITE) and
    /// [`Rights::WAIT`](jacinth::Rights::WAIT).
    ///
    /// # Errors
    /// The future's errors: [`PEER_CLOSED`](jacinth::Status::PEER_CLOSED); as [`jacinth::Fifo::write`], but for
    /// SHOULD_WAIT, and [`OnSignals::new`](crate::OnSignals::new).
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Fifo;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Fifo::<u32>::create(1)?;
    /// let (ours, theirs) = (Fifo::from(ours), Fifo::from(theirs));
    /// futures::executor::block_on(async {
    ///     ours.send(&1).await?;
    ///     // The second one waits until the first is received.
    ///     let (_, first) = futures::try_join!(ours.send(&2), theirs.recv())?;
    ///     assert_eq!((first, theirs.recv().await?), (1, 2));
    ///     Ok::<(), jacinth::Status>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send<'a>(&'a self, element: &'a W) -> Send<'a, R, W> {
        Send { writer: self.writer(), fifo: &self.fifo, element }
    }

    /// Sends as many of these elements as there is room for, and gives how many. It waits while the fifo is full.
    ///
    /// Dropped before it is ready, it has sent nothing.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`OUT_OF_RANGE`](jacinth::Status::OUT_OF_RANGE) when `elements` is empty.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Fifo;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = jacinth::Fifo::<u32>::create(2)?;
    /// let ours = Fifo::from(ours);
    /// assert_eq!(futures::executor::block_on(ours.send_some(&[1, 2, 3])), Ok(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_some<'a>(&'a self, elements: &'a [W]) -> SendSome<'a, R, W> {
        SendSome { writer: self.writer(), fifo: &self.fifo, elements }
    }

    /// A sink of elements. It holds one element while the fifo is full.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Fifo;
    /// use futures::{SinkExt, stream};
    ///
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = jacinth::Fifo::<u32>::create(16)?;
    /// let ours = Fifo::from(ours);
    /// futures::executor::block_on(ours.sink().send_all(&mut stream::iter([Ok(1), Ok(2)])))?;
    /// assert_eq!([theirs.read_one()?, theirs.read_one()?], [1, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sink(&self) -> ElementSink<'_, R, W> {
        ElementSink { writer: self.writer(), fifo: &self.fifo, next: None }
    }
}

impl<R, W> Fifo<R, W> {
    fn reader(&self) -> Reader<'_> {
        Reader::new(&self.ready, self.fifo.as_handle_ref())
    }

    fn writer(&self) -> Writer<'_> {
        Writer::new(&self.ready, self.fifo.as_handle_ref())
    }

    /// The fifo, for the calls that do not wait.
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Fifo;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = jacinth::Fifo::<u32>::create(16)?;
    /// let koid = ours.koid()?;
    /// assert_eq!(Fifo::from(ours).get_ref().koid()?, koid);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_ref(&self) -> &jacinth::Fifo<R, W> {
        &self.fifo
    }

    /// The fifo, without its observers.
    ///
    /// ```
    /// # use jacinth::{Channel, Config, Supervisor};
    /// # use jacinth_async::Fifo;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = jacinth::Fifo::<u32>::create(16)?;
    /// let (carrier, _far) = Channel::create();
    /// carrier.write(b"", &mut [Fifo::from(ours).into_inner().into()])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_inner(self) -> jacinth::Fifo<R, W> {
        let Self { ready, fifo } = self;
        ready.end_observers(&fifo.as_handle_ref());
        fifo
    }
}

impl<R, W> From<jacinth::Fifo<R, W>> for Fifo<R, W> {
    fn from(fifo: jacinth::Fifo<R, W>) -> Self {
        Self { ready: Ready::default(), fifo }
    }
}

impl<R, W> AsHandleRef for Fifo<R, W> {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        self.fifo.as_handle_ref()
    }
}

/// The future of [`Fifo::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Recv<'a, R, W> {
    reader: Reader<'a>,
    fifo: &'a jacinth::Fifo<R, W>,
}

impl<R: IntoBytes + FromBytes, W: IntoBytes + FromBytes> Future for Recv<'_, R, W> {
    type Output = Result<R, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, fifo } = &mut *self;
        reader.poll(context, || fifo.read_one())
    }
}

/// The future of [`Fifo::recv_into`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct RecvInto<'a, R, W> {
    reader: Reader<'a>,
    fifo: &'a jacinth::Fifo<R, W>,
    elements: &'a mut [R],
}

impl<R: IntoBytes + FromBytes, W: IntoBytes + FromBytes> Future for RecvInto<'_, R, W> {
    type Output = Result<usize, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, fifo, elements } = &mut *self;
        reader.poll(context, || fifo.read(elements))
    }
}

/// The stream of [`Fifo::elements`].
#[derive(Debug)]
#[must_use = "streams do nothing unless they are polled"]
pub struct Elements<'a, R, W> {
    recv: Recv<'a, R, W>,
    has_ended: bool,
}

impl<R: IntoBytes + FromBytes, W: IntoBytes + FromBytes> Stream for Elements<'_, R, W> {
    type Item = Result<R, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let received = ready!(Pin::new(&mut self.recv).poll(context));
        // After an error too: the next look would find the same.
        self.has_ended = received.is_err();
        let is_over = matches!(received, Err(Status::PEER_CLOSED));
        Poll::Ready((!is_over).then_some(received))
    }
}

/// The future of [`Fifo::send`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Send<'a, R, W> {
    writer: Writer<'a>,
    fifo: &'a jacinth::Fifo<R, W>,
    element: &'a W,
}

impl<R: IntoBytes + FromBytes, W: IntoBytes + FromBytes + Immutable> Future for Send<'_, R, W> {
    type Output = Result<(), Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { writer, fifo, element } = &mut *self;
        writer.poll(context, || fifo.write_one(element))
    }
}

/// The future of [`Fifo::send_some`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct SendSome<'a, R, W> {
    writer: Writer<'a>,
    fifo: &'a jacinth::Fifo<R, W>,
    elements: &'a [W],
}

impl<R: IntoBytes + FromBytes, W: IntoBytes + FromBytes + Immutable> Future for SendSome<'_, R, W> {
    type Output = Result<usize, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { writer, fifo, elements } = &mut *self;
        writer.poll(context, || fifo.write(elements))
    }
}

/// The sink of [`Fifo::sink`].
#[derive(Debug)]
#[must_use = "sinks do nothing unless they are polled"]
pub struct ElementSink<'a, R, W> {
    writer: Writer<'a>,
    fifo: &'a jacinth::Fifo<R, W>,
    next: Option<W>,
}

/// No element is pinned.
impl<R, W> Unpin for ElementSink<'_, R, W> {}

impl<R: IntoBytes + FromBytes, W: IntoBytes + FromBytes + Immutable> Sink<W> for ElementSink<'_, R, W> {
    type Error = Status;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, element: W) -> Result<(), Status> {
        self.next = Some(element);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let Self { writer, fifo, next } = &mut *self;
        let Some(element) = next else { return Poll::Ready(Ok(())) };
        let sent = ready!(writer.poll(context, || fifo.write_one(element)));
        *next = None;
        Poll::Ready(sent)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.poll_flush(context)
    }
}
