//! Plain data as text and back.

use jacinth::*;
use serde_json::{from_str, to_string};

#[test]
fn numbers_serialize_as_numbers() {
    assert_eq!(to_string(&Status::BAD_HANDLE).unwrap(), "-11");
    assert_eq!(to_string(&Koid::from_raw(1027)).unwrap(), "1027");
    assert_eq!(to_string(&ObjectType::CHANNEL).unwrap(), "4");
    assert_eq!(to_string(&MonotonicInstant::from_nanos(-5)).unwrap(), "-5");
    assert_eq!(to_string(&BootDuration::from_micros(2)).unwrap(), "2000");
}

#[test]
fn sets_serialize_as_their_names() {
    assert_eq!(to_string(&(Rights::READ | Rights::WAIT)).unwrap(), r#""READ | WAIT""#);
    assert_eq!(to_string(&Signals::USER_3).unwrap(), r#""USER_3""#);
}

#[test]
fn data_comes_back_as_it_was() {
    fn same<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
        assert_eq!(from_str::<T>(&to_string(&value).unwrap()).unwrap(), value);
    }
    same(Status::from_raw(-5050));
    same(Rights::CHANNEL_DEFAULT);
    same(Signals::all());
    same(Koid::KERNEL);
    same(MonotonicDuration::INFINITE);
    same(Name::new("a name").unwrap());
    same(HandleCountInfo { handle_count: 3 });
    same(HandleBasicInfo { koid: Koid::FIRST, rights: Rights::WAIT, ..HandleBasicInfo::default() });
    same(WaitResult::TimedOut(Signals::USER_0));
    same(SpawnStatus::CannotAttach(Obstacle::OtherUser(7)));
    same(SpawnStatus::Refused(Status::ACCESS_DENIED));
    same(CollectReport::default());
    same(Counters::default());
    same(Audit::default());
    same(ChannelOptions::new().max_pending_messages(7));
    same(Config::default().with_max_threads(5).with_socket_path("/run/here"));
}

#[test]
fn limits_left_out_have_defaults() {
    assert_eq!(from_str::<Config>("{}").unwrap(), Config::default());
    let few = from_str::<Config>(r#"{"max_processes": 3}"#).unwrap();
    assert_eq!(few, Config::default().with_max_processes(3));
    let options = from_str::<ChannelOptions>(r#"{"discard_late_replies": true}"#).unwrap();
    assert_eq!(options, ChannelOptions::new().discard_late_replies(true));
}

#[test]
fn limits_out_of_range_are_refused() {
    let refused = |text| from_str::<Config>(text).unwrap_err().to_string();
    let message = refused(r#"{"max_processes": 0}"#);
    assert!(message.contains("max_processes is 0, not within 1 to 4095"), "{message}");
    let message = refused(r#"{"first_segment_messages": 3}"#);
    assert!(message.contains("first_segment_messages (a power of two) is 3"), "{message}");
    assert!(refused(r#"{"max_processes": 5000000000}"#).contains("5000000000"));
    assert!(refused(r#"{"max_proceses": 5}"#).contains("unknown field"));
}

#[test]
fn a_name_too_long_is_refused() {
    assert!(from_str::<Name>(&format!("{:?}", "x".repeat(32))).is_err());
    assert!(to_string(&Name::from_bytes(b"\xff").unwrap()).is_err());
}
