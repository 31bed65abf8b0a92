//! VM objects between processes: pages travel with their handle, and outlive every process.

mod support;

use jacinth::*;
use support::*;

#[test]
fn child_main() {
    play(&[(CHECKER, checks_pages), (MAKER, makes_pages), (CLONER, clones)]);
}

const CHECKER: &str = "checks pages";
const MAKER: &str = "makes pages";
const CLONER: &str = "clones";
const SIZE: u64 = 16 << 20;

/// The byte of page `page`.
fn byte_of(page: u64) -> u8 {
    (page % 251) as u8 + 1
}

fn fill(vmo: &Vmo) {
    for page in 0..SIZE / 4096 {
        vmo.write(&[byte_of(page); 4096], page * 4096).unwrap();
    }
}

fn assert_filled(vmo: &Vmo) {
    for page in 0..SIZE / 4096 {
        assert_eq!(vmo.read_to_object::<[u8; 4096]>(page * 4096), Ok([byte_of(page); 4096]), "page {page}");
    }
}

fn receive_vmo(channel: &Channel) -> Vmo {
    next(channel).take_handle(0).unwrap().into()
}

/// Gets an object with `READ` alone, looks at all of it, and answers.
fn checks_pages() {
    let channel = startup_channel();
    let vmo = receive_vmo(&channel);
    assert_filled(&vmo);
    assert_eq!(vmo.write(&[1], 0), Err(Status::ACCESS_DENIED));
    tell(&channel, "all there");
}

/// Sends an object, and dies with a handle to it.
fn makes_pages() {
    let channel = startup_channel();
    let vmo = Vmo::create(SIZE).unwrap();
    fill(&vmo);
    let copy = vmo.duplicate(Rights::SAME_RIGHTS).unwrap();
    channel.write(b"", &mut [copy.into()]).unwrap();
    std::process::abort();
}

#[test]
fn pages_travel_with_their_handle() {
    in_arena(|supervisor| {
        let vmo = Vmo::create(SIZE).unwrap();
        fill(&vmo);
        let (channel, mut child) = spawn(supervisor, CHECKER);
        let reader = vmo.duplicate(Rights::READ | Rights::TRANSFER).unwrap();
        channel.write(b"", &mut [reader.into()]).unwrap();
        assert_eq!(next(&channel).bytes(), b"all there");
        child.wait().unwrap();
    });
}

#[test]
fn pages_outlive_their_maker() {
    in_arena(|supervisor| {
        let (channel, mut child) = spawn(supervisor, MAKER);
        child.wait().unwrap();
        let vmo = receive_vmo(&channel);
        assert_filled(&vmo);
    });
}

/// Clones the object that it gets, and dies with the clone.
fn clones() {
    let channel = startup_channel();
    let vmo = receive_vmo(&channel);
    let _child = vmo.create_child(VmoChildOptions::COPY_ON_WRITE, 0, SIZE).unwrap();
    assert!(vmo.wait_one(Signals::VMO_ZERO_CHILDREN, MonotonicInstant::INFINITE_PAST).to_result().is_err());
    std::process::abort();
}

#[test]
fn a_dead_cloner_leaves_no_child() {
    in_arena(|supervisor| {
        let vmo = Vmo::create(SIZE).unwrap();
        vmo.write(&[1], SIZE / 2).unwrap();
        let (channel, mut child) = spawn(supervisor, CLONER);
        let copy = vmo.duplicate(Rights::SAME_RIGHTS).unwrap();
        channel.write(b"", &mut [copy.into()]).unwrap();
        child.wait().unwrap();
        vmo.wait_one(Signals::VMO_ZERO_CHILDREN, FOREVER).to_result().unwrap();
    });
}
