//! What each call may work on.

use super::calls::On;
use super::support::*;
use jacinth::*;

/// An end with something to read; its peer is kept open beside it.
pub fn readable_channel() -> (Channel, Channel) {
    let (ours, theirs) = Channel::create();
    tell(&theirs, "something");
    (ours, theirs)
}

/// An end with an element to read; its peer is kept open beside it.
pub fn readable_fifo() -> (Fifo<u32>, Fifo<u32>) {
    let (ours, theirs) = Fifo::create(16).unwrap();
    theirs.write_one(&1).unwrap();
    (ours, theirs)
}

/// An end with something of each kind to read, and a socket to accept; its peer is kept open beside it.
pub fn readable_socket() -> (Socket, Socket) {
    let (ours, theirs) = Socket::create(SocketOpts::HAS_CONTROL | SocketOpts::HAS_ACCEPT).unwrap();
    theirs.write(b"something").unwrap();
    theirs.write_opts(b"something", SocketWriteOpts::CONTROL).unwrap();
    theirs.share(Socket::create_stream().0).unwrap();
    (ours, theirs)
}

/// Makes a handle, with its peer beside it, if it has one.
pub type Maker = fn() -> (NullableHandle, Option<NullableHandle>);

/// What each call may work on, and the rights of a new handle to that.
pub const MAKERS: &[(&str, &[On], Rights, Maker)] = &[
    ("a channel", &[On::Anything, On::Peered, On::Channels], Rights::CHANNEL_DEFAULT, || {
        let (end, other) = readable_channel();
        (end.into(), Some(other.into()))
    }),
    ("an event pair", &[On::Anything, On::Peered, On::Cookies], Rights::EVENTPAIR_DEFAULT, || {
        let (side, other) = EventPair::create();
        (side.into(), Some(other.into()))
    }),
    ("a fifo", &[On::Anything, On::Peered, On::Fifos], Rights::FIFO_DEFAULT, || {
        let (end, other) = readable_fifo();
        (end.into(), Some(other.into()))
    }),
    ("a VM object", &[On::Anything, On::Vmos], Rights::VMO_DEFAULT, || {
        (Vmo::create(4096).unwrap().into(), None)
    }),
    ("a buffer", &[On::Anything, On::Buffers], Rights::BUFFER_DEFAULT, || {
        (Buffer::from_slice(b"bytes").unwrap().into(), None)
    }),
    ("a socket", &[On::Anything, On::Peered, On::Sockets], Rights::SOCKET_DEFAULT, || {
        let (end, other) = readable_socket();
        (end.into(), Some(other.into()))
    }),
    ("a timer", &[On::Anything, On::Timers], Rights::TIMER_DEFAULT, || (Timer::create().into(), None)),
    ("a port", &[On::Anything, On::Ports], Rights::PORT_DEFAULT, || (Port::create().into(), None)),
    ("a directory", &[On::Anything, On::Directories], Rights::DIRECTORY_DEFAULT, || {
        (Directory::create().into(), None)
    }),
    ("a listener", &[On::Anything, On::Listeners], Rights::LISTENER_DEFAULT, || {
        let directory = Directory::create();
        (directory.serve("a name").unwrap().into(), Some(directory.into()))
    }),
    ("a process", &[On::Anything, On::Processes], Rights::PROCESS_DEFAULT, || {
        (process_self().unwrap().duplicate(Rights::SAME_RIGHTS).unwrap(), None)
    }),
];
