//! Fifos between processes: several on one end, and some that are killed.

mod support;

use jacinth::*;
use rustix::process::Pid;
use std::process::Child;
use support::*;

#[test]
fn child_main() {
    play(&[
        (WRITER, writes),
        (READER, reads),
        (ECHO, echoes),
        (LEAVER, leaves_elements),
        (SENDER, sends_an_end),
    ]);
}

const WRITER: &str = "writes its numbers";
const READER: &str = "reads numbers";
const ECHO: &str = "echoes elements";
const LEAVER: &str = "leaves elements";
const SENDER: &str = "sends an end";

const READABLE: Signals = Signals::FIFO_READABLE;
const WRITABLE: Signals = Signals::FIFO_WRITABLE;
const PEER_CLOSED: Signals = Signals::FIFO_PEER_CLOSED;

/// Three words, and so no power of two: who wrote it, its number, and a check of both.
type Element = [u32; 3];

fn element(writer: u32, number: u32) -> Element {
    [writer, number, writer.wrapping_mul(0x9e37_79b9) ^ !number]
}

fn is_whole(element: &Element) -> bool {
    self::element(element[0], element[1]) == *element
}

/// The fifo that the other process has sent.
fn receive_fifo(channel: &Channel) -> Fifo<Element> {
    next(channel).take_handle(0).unwrap().into()
}

fn give(channel: &Channel, fifo: &Fifo<Element>) {
    let copy = fifo.duplicate(Rights::SAME_RIGHTS).unwrap();
    channel.write(b"", &mut [copy.into()]).unwrap();
}

/// A process in this role, with a duplicate of the fifo.
fn spawn_with(supervisor: &Supervisor, role: &str, fifo: &Fifo<Element>) -> (Channel, Child) {
    let (ours, child) = spawn(supervisor, role);
    give(&ours, fifo);
    (ours, child)
}

fn write_all(fifo: &Fifo<Element>, elements: &[Element]) -> Result<(), Status> {
    let mut left = elements;
    while !left.is_empty() {
        match fifo.write(left) {
            Ok(written) => left = &left[written..],
            Err(Status::SHOULD_WAIT) => {
                fifo.wait_one(WRITABLE | PEER_CLOSED, FOREVER).to_result()?;
            }
            Err(status) => return Err(status),
        }
    }
    Ok(())
}

/// Waits for elements, and reads them.
fn read_some(fifo: &Fifo<Element>, elements: &mut [Element]) -> Result<usize, Status> {
    loop {
        match fifo.read(elements) {
            Err(Status::SHOULD_WAIT) => {
                fifo.wait_one(READABLE | PEER_CLOSED, FOREVER).to_result()?;
            }
            read => return read,
        }
    }
}

const NUMBERS: u32 = 3000;

/// Writes its numbers, in lots of different lengths.
fn writes() {
    let channel = startup_channel();
    let fifo = receive_fifo(&channel);
    let (mut random, writer) = (random(u64::from(std::process::id())), std::process::id());
    let numbers: Vec<Element> = (0..NUMBERS).map(|number| element(writer, number)).collect();
    let mut left = &numbers[..];
    while !left.is_empty() {
        let (lot, rest) = left.split_at(left.len().min(1 + random.usize(..20)));
        write_all(&fifo, lot).unwrap();
        left = rest;
    }
    tell(&channel, "written");
    wait_for_peer_closed(&channel);
}

/// Reads until the other end is closed, and sends what it has read.
fn reads() {
    let channel = startup_channel();
    let fifo = receive_fifo(&channel);
    tell(&channel, "begins");
    let (mut read, mut elements) = (Vec::new(), [[0; 3]; 16]);
    loop {
        match read_some(&fifo, &mut elements) {
            Ok(count) => read.extend(elements[..count].iter().flatten().flat_map(|word| word.to_le_bytes())),
            Err(status) => break assert_eq!(status, Status::PEER_CLOSED),
        }
    }
    read.chunks(60_000).for_each(|part| tell(&channel, part));
    tell(&channel, "");
    wait_for_peer_closed(&channel);
}

/// The elements that a reader has read.
fn elements_of(channel: &Channel) -> Vec<Element> {
    let mut bytes = Vec::new();
    loop {
        let message = next(channel);
        if message.bytes().is_empty() {
            break;
        }
        bytes.extend_from_slice(message.bytes());
    }
    let words: Vec<u32> = bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    words.as_chunks().0.to_vec()
}

/// Each writer's numbers came once, and in their order.
fn assert_complete(mut elements: Vec<Element>, writers: usize, is_in_order: bool) {
    assert!(elements.iter().all(is_whole));
    if !is_in_order {
        elements.sort_unstable();
    }
    elements.sort_by_key(|element| element[0]);
    let lots: Vec<&[Element]> = elements.chunk_by(|one, other| one[0] == other[0]).collect();
    assert_eq!(lots.len(), writers);
    for lot in lots {
        assert!(lot.iter().map(|element| element[1]).eq(0..NUMBERS));
    }
}

#[test]
fn writers_share_one_end() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<Element>::create(64).unwrap();
        let writers: Vec<_> = (0..3).map(|_| spawn_with(supervisor, WRITER, &ours)).collect();
        let (mut all, mut elements) = (Vec::new(), [[0; 3]; 16]);
        while all.len() < 3 * NUMBERS as usize {
            let read = read_some(&theirs, &mut elements).unwrap();
            all.extend_from_slice(&elements[..read]);
        }
        assert_complete(all, 3, true);
        for (channel, child) in writers {
            assert_eq!(next(&channel).bytes(), b"written");
            drop(channel);
            join(child);
        }
        assert_eq!(theirs.read_one(), Err(Status::SHOULD_WAIT));
    });
}

#[test]
fn each_element_goes_to_one_reader() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<Element>::create(64).unwrap();
        let readers: Vec<_> = (0..3).map(|_| spawn_with(supervisor, READER, &theirs)).collect();
        readers.iter().for_each(|(channel, _)| assert_eq!(next(channel).bytes(), b"begins"));
        drop(theirs);
        let numbers: Vec<Element> = (0..NUMBERS).map(|number| element(1, number)).collect();
        numbers.chunks(7).for_each(|lot| write_all(&ours, lot).unwrap());
        drop(ours);
        let mut all = Vec::new();
        for (channel, child) in readers {
            let read = elements_of(&channel);
            assert!(read.is_sorted(), "each reader sees the order");
            all.extend(read);
            drop(channel);
            join(child);
        }
        assert_complete(all, 1, false);
    });
}

/// Sends each element back.
fn echoes() {
    set_spin(MonotonicDuration::ZERO);
    let channel = startup_channel();
    let fifo = receive_fifo(&channel);
    drop(channel);
    let mut elements = [[0; 3]; 4];
    while let Ok(count) = read_some(&fifo, &mut elements) {
        let _ = write_all(&fifo, &elements[..count]);
    }
}

#[test]
fn elements_wake_another_process() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<Element>::create(4).unwrap();
        let (channel, child) = spawn(supervisor, ECHO);
        channel.write(b"", &mut [theirs.into()]).unwrap();
        wait_for_peer_closed(&channel);
        for number in 0..300 {
            let sent = element(1, number);
            write_all(&ours, &[sent]).unwrap();
            let mut back = [[0; 3]];
            assert_eq!((read_some(&ours, &mut back), back), (Ok(1), [sent]));
        }
        drop(ours);
        join(child);
    });
}

#[test]
fn duplicates_work_in_other_processes() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<Element>::create(4).unwrap();
        let (channel, child) = spawn_with(supervisor, ECHO, &theirs);
        wait_for_peer_closed(&channel);
        for number in 0..100 {
            write_all(&ours, &[element(1, number)]).unwrap();
            let back = if number % 2 == 0 { &ours } else { &ours.duplicate(Rights::SAME_RIGHTS).unwrap() };
            let mut read = [[0; 3]; 4];
            assert_eq!((read_some(back, &mut read), read[0]), (Ok(1), element(1, number)));
        }
        // Its own duplicate goes on after the first handle is closed, and after the other process's death.
        kill(supervisor, child);
        write_all(&ours, &[element(2, 1)]).unwrap();
        assert_eq!(theirs.read_one(), Ok(element(2, 1)));
        drop(theirs);
        assert_eq!(ours.write_one(&element(2, 2)), Err(Status::PEER_CLOSED));
    });
}

/// Fills the fifo, and waits to be killed.
fn leaves_elements() {
    let channel = startup_channel();
    let fifo = receive_fifo(&channel);
    let numbers: Vec<Element> = (0..64).map(|number| element(1, number)).collect();
    assert_eq!(fifo.write(&numbers), Ok(64));
    tell(&channel, "written");
    wait_for_peer_closed(&channel);
}

#[test]
fn elements_outlive_a_killed_writer() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<Element>::create(64).unwrap();
        let (channel, child) = spawn(supervisor, LEAVER);
        channel.write(b"", &mut [theirs.into()]).unwrap();
        assert_eq!(next(&channel).bytes(), b"written");
        kill(supervisor, child);
        assert!(ours.is_closed().unwrap());
        assert_eq!(ours.write_one(&element(2, 0)), Err(Status::PEER_CLOSED));
        let mut elements = [[0; 3]; 40];
        assert_eq!(ours.read(&mut elements), Ok(40));
        assert_eq!(ours.read(&mut elements[..24]), Ok(24));
        assert_eq!(elements[..24], std::array::from_fn::<_, 24, _>(|index| element(1, 40 + index as u32)));
        assert_eq!(ours.read(&mut elements), Err(Status::PEER_CLOSED));
    });
}

#[test]
fn killed_writers_leave_whole_elements() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<Element>::create(256).unwrap();
        let mut random = random(2);
        for _ in 0..20 {
            let (_channel, child) = spawn_with(supervisor, WRITER, &ours);
            let mut elements = [[0; 3]; 16];
            let (mut expected, most) = (0, random.u32(1..2000));
            while expected < most {
                let read = read_some(&theirs, &mut elements).unwrap();
                for element in &elements[..read] {
                    assert!(is_whole(element) && element[1] == expected, "{element:?}");
                    expected += 1;
                }
            }
            kill(supervisor, child);
            while let Ok(read) = theirs.read(&mut elements) {
                for element in &elements[..read] {
                    assert!(is_whole(element) && element[1] == expected, "{element:?}");
                    expected += 1;
                }
            }
            assert_eq!(ours.count_info().unwrap().handle_count, 1);
        }
    });
}

#[test]
fn killed_readers_take_whole_elements() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<Element>::create(16).unwrap();
        for round in 0..20 {
            let (channel, child) = spawn_with(supervisor, READER, &theirs);
            assert_eq!(next(&channel).bytes(), b"begins");
            for number in 0..200 {
                write_all(&ours, &[element(round, number)]).unwrap();
            }
            kill(supervisor, child);
            // Those that are left are the last ones.
            let mut left = [[0; 3]; 16];
            let count = theirs.read(&mut left).unwrap_or(0);
            let first = 200 - count as u32;
            assert!(left[..count].iter().copied().eq((first..200).map(|number| element(round, number))));
            assert_eq!(theirs.read_one(), Err(Status::SHOULD_WAIT));
        }
    });
}

#[test]
fn kills_at_both_ends_lose_nothing() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<Element>::create(64).unwrap();
        let mut random = random(3);
        for round in 0..15 {
            let (_writing, writer) = spawn_with(supervisor, WRITER, &ours);
            let (reading, reader) = spawn_with(supervisor, READER, &theirs);
            assert_eq!(next(&reading).bytes(), b"begins");
            let (mut elements, mut last, mut left) = ([[0; 3]; 16], None, random.u32(1..150));
            let mut see = |elements: &[Element]| {
                for element in elements {
                    assert!(is_whole(element) && Some(element[1]) > last, "{element:?} after {last:?}");
                    last = Some(element[1]);
                }
            };
            while left > 0 {
                // The other reader may have all that are left.
                let soon = std::time::Duration::from_millis(1);
                let _ = theirs.wait_one(READABLE, soon);
                let read = theirs.read(&mut elements).unwrap_or(0);
                see(&elements[..read]);
                left -= 1;
            }
            let order = if round % 2 == 0 { [reader, writer] } else { [writer, reader] };
            for child in order {
                kill(supervisor, child);
            }
            while let Ok(read) = theirs.read(&mut elements) {
                see(&elements[..read]);
            }
        }
    });
}

#[test]
fn stopped_processes_hold_up_no_other() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<Element>::create(64).unwrap();
        let (mut random, mut elements) = (random(4), [[0; 3]; 16]);
        for _ in 0..15 {
            let (_writing, writer) = spawn_with(supervisor, WRITER, &ours);
            let (reading, reader) = spawn_with(supervisor, READER, &theirs);
            assert_eq!(next(&reading).bytes(), b"begins");
            std::thread::sleep(std::time::Duration::from_micros(random.u64(1..2000)));
            for child in [&writer, &reader] {
                stop(Pid::from_child(child));
            }
            while theirs.read(&mut elements).is_ok() {}
            for number in 0..200 {
                assert_eq!(ours.write_one(&element(0, number)), Ok(()));
                assert_eq!(theirs.read_one(), Ok(element(0, number)));
            }
            kill(supervisor, writer);
            kill(supervisor, reader);
        }
    });
}

/// Makes a fifo, sends an end with elements in it, and waits to be killed.
fn sends_an_end() {
    let channel = startup_channel();
    let (ours, theirs) = Fifo::<Element>::create(4).unwrap();
    ours.write(&[element(1, 0), element(1, 1)]).unwrap();
    channel.write(b"", &mut [theirs.into()]).unwrap();
    wait_for_peer_closed(&channel);
}

#[test]
fn a_fifo_outlives_its_maker() {
    in_arena(|supervisor| {
        let (channel, child) = spawn(supervisor, SENDER);
        let fifo = receive_fifo(&channel);
        assert_eq!(fifo.read_one(), Ok(element(1, 0)));
        kill(supervisor, child);
        assert_eq!(fifo.read_one(), Ok(element(1, 1)));
        assert_eq!(fifo.read_one(), Err(Status::PEER_CLOSED));
    });
}
