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
}

#[test]
fn a_name_too_long_is_refused() {
    assert!(from_str::<Name>(&format!("{:?}", "x".repeat(32))).is_err());
    assert!(to_string(&Name::from_bytes(b"\xff").unwrap()).is_err());
}
