//! Objects that are made with a name.

use jacinth::{Channel, Config, EventPair, Name, Rights, Status, Supervisor};

#[test]
fn pair_sides_are_named_separately() {
    let _supervisor = Supervisor::create(&Config::default()).unwrap();
    let name = Name::new_lossy("to the printer");
    let (ours, theirs) = Channel::create_named(&name).unwrap();
    assert_eq!((ours.get_name(), theirs.get_name()), (Ok(name), Ok(name)));
    ours.set_name(&Name::new_lossy("from the printer")).unwrap();
    assert_eq!(ours.get_name().unwrap().to_string(), "from the printer");
    assert_eq!(theirs.get_name(), Ok(name));
    let theirs = theirs.replace(Rights::CHANNEL_DEFAULT | Rights::GET_PROPERTY).unwrap();
    assert_eq!(theirs.set_name(&name), Err(Status::ACCESS_DENIED));

    let (first, second) = EventPair::create_named(&name).unwrap();
    assert_eq!((first.get_name(), second.get_name()), (Ok(name), Ok(name)));
    drop((ours, theirs, first, second));
    // A slot that is used again remembers no name.
    for _ in 0..5000 {
        let (side, _other) = EventPair::create_named(&Name::new_lossy("")).unwrap();
        assert_eq!(side.get_name().unwrap().as_bytes(), b"");
    }
}
