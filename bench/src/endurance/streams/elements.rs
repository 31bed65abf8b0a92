//! Elements of fifos that go to another process and come back.

use crate::endurance::meter::Meter;
use crate::endurance::peer::{Part, Peer, deadline, receive, send};
use anyhow::{Context as _, Result, ensure};
use jacinth::{Channel, Fifo, MessageBuf, NullableHandle, Rights, Signals, Status, Supervisor};

/// How many elements are on their way before the first of them is awaited.
const WINDOW: usize = 16;

/// The elements go through the fifo's rings.
pub fn owned(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    there_and_back(supervisor, meter, |_| Ok(()))
}

/// Both ends have had a second handle, so each write takes a block of memory, which the other process frees.
pub fn shared(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    there_and_back(supervisor, meter, |fifo| {
        drop(fifo.duplicate(Rights::SAME_RIGHTS)?);
        Ok(())
    })
}

fn there_and_back(
    supervisor: &Supervisor,
    meter: &mut Meter<'_>,
    prepare: impl Fn(&Fifo<u64>) -> Result<()>,
) -> Result<()> {
    let peer = Peer::spawn(supervisor, Part::Echo, 0)?;
    meter.count_memory_of(vec![peer.id()]);
    let (ours, theirs) = Fifo::<u64>::create(WINDOW)?;
    prepare(&ours)?;
    prepare(&theirs)?;
    send(&peer.line, b"", &mut [NullableHandle::from(theirs)])?;
    let mut next = 0;
    while !meter.is_over() {
        meter.time(2 * WINDOW as u64, || {
            let elements = [(); WINDOW].map(|()| {
                next += 1;
                next
            });
            elements.iter().try_for_each(|element| ours.write_one(element)).context("writing")?;
            let mut came = [0; WINDOW];
            let mut read = 0;
            while read < WINDOW {
                read += read_some(&ours, &mut came[read..])?.context("the other process is gone")?;
            }
            ensure!(came == elements, "{elements:?} came back as {came:?}");
            Ok(())
        })?;
    }
    Ok(())
}

/// Reads elements, once there are some. `None` when the other end is closed.
fn read_some(fifo: &Fifo<u64>, elements: &mut [u64]) -> Result<Option<usize>> {
    loop {
        match fifo.read(elements) {
            Err(Status::SHOULD_WAIT) => {
                let wanted = Signals::FIFO_READABLE | Signals::FIFO_PEER_CLOSED;
                fifo.wait_one(wanted, deadline()).to_result().context("waiting for elements")?;
            }
            Err(Status::PEER_CLOSED) => return Ok(None),
            read => return Ok(Some(read?)),
        }
    }
}

/// The other process: writes back what it reads, each element by itself. There is room for all that are on their way.
pub fn echo(line: &Channel) -> Result<()> {
    let mut message = MessageBuf::new();
    ensure!(receive(line, &mut message)?, "no fifo came");
    let fifo = Fifo::<u64>::from(message.take_handle(0).context("a message without a fifo")?);
    let mut elements = [0; WINDOW];
    while let Some(read) = read_some(&fifo, &mut elements)? {
        for element in &elements[..read] {
            match fifo.write_one(element) {
                Err(Status::PEER_CLOSED) => return Ok(()),
                written => written.context("writing back")?,
            }
        }
    }
    Ok(())
}
