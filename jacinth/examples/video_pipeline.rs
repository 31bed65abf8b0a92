//! A video pipeline of five processes. Frames are buffers: their handles travel, and the pictures stay where they are.
//!
//! ```text
//!            ┌──▶ filter ──┬──▶ recorder
//!   camera ──┤             ╳
//!            └──▶ filter ──┴──▶ display (slow)
//! ```
//!
//! A filter turns each picture upside down and shares the result with both sinks. Memory has room for a few frames only, so all
//! processes wait for the display. The camera keeps a handle to each frame until a filter confirms that it has passed the picture
//! on. One filter is killed. The frames that were in its hands go to its successor, and no frame is lost.

use jacinth::*;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::process::{Child, Command};
use std::time::Duration;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;
const READABLE: Signals = Signals::CHANNEL_READABLE.union(Signals::CHANNEL_PEER_CLOSED);
const FRAMES: u32 = 300;
const WIDTH: usize = 1280;
const HEIGHT: usize = 720;
const FRAME_BYTES: usize = WIDTH * HEIGHT;
/// The most frames in the hands of one filter: sent to it, and not confirmed.
const IN_HAND: usize = 3;
/// Room for twelve frames, at most seven of which are the camera's. The filters share what is left.
const POOL_BYTES: u64 = 12 * FRAME_BYTES.next_power_of_two() as u64;

fn main() -> Outcome {
    match std::env::args().nth(1).as_deref() {
        None => run(),
        Some("filter") => filter(),
        Some("display") => sink(Duration::from_millis(3)),
        Some(_) => sink(Duration::ZERO),
    }
}

fn run() -> Outcome {
    let supervisor = Supervisor::create(&Config::default().with_pool_bytes(POOL_BYTES))?;
    let sinks = [spawn(&supervisor, "recorder")?, spawn(&supervisor, "display")?];
    let filters = vec![Filter::spawn(&supervisor, &sinks)?, Filter::spawn(&supervisor, &sinks)?];
    let mut camera = Camera { supervisor: &supervisor, sinks: &sinks, filters, resent: Vec::new(), waits: 0 };
    camera.film()?;
    let Camera { filters, resent, waits, .. } = camera;
    println!("The camera waited {waits} times for a filter or for memory.");
    println!("A killed filter had the frames {resent:?} in its hands. They were sent again.");

    for Filter { end, mut process, .. } in filters {
        drop(end); // This ends the filter.
        assert!(process.wait()?.success());
    }
    for (role, (end, mut process)) in ["recorder", "display"].into_iter().zip(sinks) {
        end.write(b"no more inputs", &mut [])?;
        let twice: Vec<_> = next(&end)?.bytes().chunks(4).map(number).collect::<Outcome<_>>()?;
        // The killed filter had passed these frames on, and was dead before it could confirm that.
        assert!(process.wait()?.success() && twice.iter().all(|number| resent.contains(number)));
        println!("{role:<8}  {FRAMES} of {FRAMES} frames; came twice: {twice:?}");
    }
    supervisor.collect()?;
    let audit = supervisor.audit();
    println!("{audit}");
    assert!(audit.is_clean() && audit.objects == 0, "all memory is free again");
    Ok(())
}

/// Starts this program again, in another role. The channel is the other end of its startup handle.
fn spawn(supervisor: &Supervisor, role: &str) -> Outcome<(Channel, Child)> {
    let (ours, theirs) = Channel::create();
    let process = supervisor.spawn(Command::new(std::env::current_exe()?).arg(role), theirs)?;
    Ok((ours, process))
}

/// How bright a row of the camera's picture is.
fn shade(frame: u32, row: usize) -> u8 {
    (frame as usize + row) as u8
}

/// The source of the frames, in the first process.
struct Camera<'a> {
    supervisor: &'a Supervisor,
    sinks: &'a [(Channel, Child)],
    filters: Vec<Filter>,
    resent: Vec<u32>,
    waits: u32,
}

impl Camera<'_> {
    fn film(&mut self) -> Outcome {
        for number in 0..FRAMES {
            let (to, mut frame) = self.reserve()?;
            for row in 0..HEIGHT {
                frame.write_all(&[shade(number, row); WIDTH])?;
            }
            self.filters[to].send(number, frame.freeze()?)?;
            if number == FRAMES / 2 {
                self.filters[0].process.kill()?;
            }
        }
        while self.filters.iter().any(|filter| !filter.in_hand.is_empty()) {
            self.wait(0, Signals::NONE)?;
        }
        Ok(())
    }

    /// Memory for a frame, and which filter will get it. Waits while the filters have enough to do, or memory is exhausted.
    fn reserve(&mut self) -> Outcome<(usize, BufferMut)> {
        loop {
            let idlest = usize::from(self.filters[1].in_hand.len() < self.filters[0].in_hand.len());
            let filter = &self.filters[idlest];
            let mut awaited = Signals::NONE;
            if filter.in_hand.len() < IN_HAND {
                match filter.end.reserve_buffer(FRAME_BYTES) {
                    Ok(frame) => return Ok((idlest, frame)),
                    // The channel is not writable until there is memory.
                    Err(Status::NO_MEMORY | Status::NO_RESOURCES) => awaited = Signals::CHANNEL_WRITABLE,
                    Err(Status::PEER_CLOSED) => {} // It has died. The wait ends at once.
                    Err(status) => return Err(status.into()),
                }
            }
            self.wait(idlest, awaited)?;
        }
    }

    /// Waits until a filter confirms a frame or dies, or until the channel to `filter` has one of `signals`.
    fn wait(&mut self, filter: usize, signals: Signals) -> Outcome {
        let mut items: Vec<_> = self.filters.iter().map(|one| WaitItem::new(&one.end, READABLE)).collect();
        items[filter].waitfor |= signals;
        object_wait_many(&mut items, FOREVER)?;
        self.waits += 1;
        (0..self.filters.len()).try_for_each(|filter| self.hear(filter))
    }

    /// Reads what a filter has confirmed. If it has died, no more will come: its other frames go to its successor.
    fn hear(&mut self, filter: usize) -> Outcome {
        let heard = &mut self.filters[filter];
        let mut message = MessageBuf::new();
        loop {
            match heard.end.read(&mut message) {
                Ok(()) => drop(heard.in_hand.remove(&number(message.bytes())?)),
                Err(Status::SHOULD_WAIT) => return Ok(()),
                Err(Status::PEER_CLOSED) => break,
                Err(status) => return Err(status.into()),
            }
        }
        let mut dead = std::mem::replace(heard, Filter::spawn(self.supervisor, self.sinks)?);
        assert!(!dead.process.wait()?.success());
        for (number, frame) in dead.in_hand {
            self.resent.push(number);
            self.filters[filter].send(number, frame)?;
        }
        Ok(())
    }
}

/// A filter, as the camera holds it.
struct Filter {
    end: Channel,
    process: Child,
    /// The frames that it has not confirmed, by number.
    in_hand: BTreeMap<u32, Buffer>,
}

impl Filter {
    /// Starts one that has a channel of its own to each sink.
    fn spawn(supervisor: &Supervisor, sinks: &[(Channel, Child)]) -> Outcome<Self> {
        let (end, process) = spawn(supervisor, "filter")?;
        for (sink, _) in sinks {
            let (output, input) = Channel::create();
            sink.write(b"input", &mut [input.into()])?;
            end.write(b"output", &mut [output.into()])?;
        }
        Ok(Self { end, process, in_hand: BTreeMap::new() })
    }

    /// Sends a frame. If the filter is dead, the frame counts as in its hands all the same, and `hear` sends it again.
    fn send(&mut self, number: u32, frame: Buffer) -> Outcome {
        let shared = frame.duplicate(Rights::SAME_RIGHTS)?;
        self.in_hand.insert(number, frame);
        match self.end.write(&number.to_le_bytes(), &mut [shared.into()]) {
            Ok(()) | Err(Status::PEER_CLOSED) => Ok(()),
            Err(status) => Err(status.into()),
        }
    }
}

/// A filter: turns pictures upside down.
fn filter() -> Outcome {
    let camera = Channel::from(take_startup_handle()?);
    let output = || next(&camera)?.take_handle(0).map(Channel::from).ok_or(Status::BAD_HANDLE);
    let (recorder, display) = (output()?, output()?);
    loop {
        let mut message = match next(&camera) {
            Err(Status::PEER_CLOSED) => return Ok(()),
            message => message?,
        };
        let picture =
            message.take_handle(0).map(Buffer::from).ok_or("a message came without a frame")?.view()?;
        let mut flipped = loop {
            match recorder.reserve_buffer(FRAME_BYTES) {
                Err(Status::NO_MEMORY | Status::NO_RESOURCES) => {
                    let awaited = Signals::CHANNEL_WRITABLE | Signals::CHANNEL_PEER_CLOSED;
                    recorder.wait_one(awaited, FOREVER).to_result()?;
                }
                reserved => break reserved?,
            }
        };
        picture.chunks(WIDTH).rev().try_for_each(|row| flipped.write_all(row))?;
        let flipped = flipped.freeze()?;
        let number = message.bytes();
        recorder.write(number, &mut [flipped.duplicate(Rights::SAME_RIGHTS)?.into()])?;
        display.write(number, &mut [flipped.into()])?;
        camera.write(number, &mut [])?;
    }
}

/// A sink: looks at the frames of all inputs, and reports those that came twice.
fn sink(pause: Duration) -> Outcome {
    // The first input brings the others.
    let mut inputs = vec![Channel::from(take_startup_handle()?)];
    let (mut arrived, mut twice, mut is_complete) = ([false; FRAMES as usize], Vec::new(), false);
    let mut message = MessageBuf::new();
    while !is_complete || inputs.len() > 1 {
        let mut items: Vec<_> = inputs.iter().map(|input| WaitItem::new(input, READABLE)).collect();
        object_wait_many(&mut items, FOREVER)?;
        for index in (0..inputs.len()).rev() {
            match inputs[index].read(&mut message) {
                Ok(()) => {}
                Err(Status::SHOULD_WAIT) => continue,
                Err(Status::PEER_CLOSED) if index > 0 => {
                    drop(inputs.remove(index));
                    continue;
                }
                Err(status) => return Err(status.into()),
            }
            match message.take_handle(0) {
                None => is_complete = true,
                Some(input) if index == 0 => inputs.push(input.into()),
                Some(frame) => {
                    let number = number(message.bytes())?;
                    let picture = Buffer::from(frame).view()?;
                    for (row, pixels) in picture.chunks(WIDTH).rev().enumerate() {
                        assert!(pixels == [shade(number, row); WIDTH], "row {row} of frame {number}");
                    }
                    if std::mem::replace(&mut arrived[number as usize], true) {
                        twice.extend(number.to_le_bytes());
                    }
                    std::thread::sleep(pause);
                }
            }
        }
    }
    assert!(arrived.iter().all(|arrived| *arrived), "no frame is lost");
    Ok(inputs[0].write(&twice, &mut [])?)
}

/// The next message. Waits for it.
fn next(channel: &Channel) -> Result<MessageBuf, Status> {
    channel.wait_one(READABLE, FOREVER).to_result()?;
    let mut message = MessageBuf::new();
    channel.read(&mut message)?;
    Ok(message)
}

/// The number of a frame, as messages have it.
fn number(bytes: &[u8]) -> Outcome<u32> {
    Ok(u32::from_le_bytes(bytes.try_into()?))
}
