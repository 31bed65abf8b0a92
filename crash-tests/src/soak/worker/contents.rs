//! What workers write, so that each of them can check what it reads.
//!
//! * A message and a datagram carry their length, the number of their handles, and bytes that follow from one number.
//! * A stream carries *records*. All workers write and read whole ones, and a socket's room is a multiple of them. So a
//!   record that is torn is a fault.
//! * Each byte of a VM object is 0, or the one that belongs to its place in its page. So a byte that was copied to the
//!   wrong place is a fault, in a clone too.

/// The bytes of a message: its length, its number of handles, and `number` for all others.
pub fn compose(len: usize, handles: usize, number: u8) -> Vec<u8> {
    let mut bytes = vec![number; len.max(8)];
    let len = bytes.len() as u32;
    // A call writes its transaction id into the first four bytes.
    bytes[4..7].copy_from_slice(&len.to_le_bytes()[..3]);
    bytes[7] = handles as u8;
    bytes
}

/// A message is as [`compose`] made it.
pub fn assert_whole(bytes: &[u8], handles: usize) {
    assert!(bytes.len() >= 8, "a message of {} bytes came", bytes.len());
    let expected_len = usize::from(bytes[4]) | usize::from(bytes[5]) << 8 | usize::from(bytes[6]) << 16;
    assert_eq!(
        (bytes.len(), handles),
        (expected_len, bytes[7].into()),
        "a message did not come as it was sent"
    );
    assert!(bytes[8..].windows(2).all(|pair| pair[0] == pair[1]), "a message's bytes are not whole");
}

/// The bytes of a record.
pub const RECORD_BYTES: usize = 16;

/// Records, which follow from one number.
pub fn records(count: usize, number: u64) -> Vec<u8> {
    let record = |index: usize| {
        let value = number.wrapping_add(index as u64);
        [value.to_le_bytes(), (!value).to_le_bytes()]
    };
    (0..count).flat_map(record).flatten().collect()
}

/// The bytes of a stream are whole records.
pub fn assert_records(bytes: &[u8]) {
    assert!(bytes.len().is_multiple_of(RECORD_BYTES), "{} bytes came of a stream of records", bytes.len());
    for record in bytes.chunks_exact(RECORD_BYTES) {
        let (value, complement) = record.split_at(8);
        let is_whole = value.iter().zip(complement).all(|(one, other)| *one == !*other);
        assert!(is_whole, "a torn record came: {record:x?}");
    }
}

/// The bytes of a page.
pub const PAGE: usize = 4096;

/// The byte that belongs to a place.
pub fn byte_at(offset: usize) -> u8 {
    (offset % PAGE % 251) as u8 + 1
}

/// The bytes from `offset` on belong there.
pub fn assert_in_place(bytes: &[u8], offset: usize) {
    let wrong = (offset..).zip(bytes).find(|(at, byte)| **byte != 0 && **byte != byte_at(*at));
    assert!(wrong.is_none(), "a byte of a VM object is none of its place: {wrong:x?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_contents_pass_their_checks() {
        assert_whole(&compose(100, 3, 7), 3);
        assert_records(&records(5, u64::MAX - 2));
        assert_in_place(&(5000..9000).map(byte_at).collect::<Vec<_>>(), 5000);
        assert_in_place(&[0; 10], 7);
    }

    #[test]
    #[should_panic(expected = "a torn record came")]
    fn torn_record_is_found() {
        let mut bytes = records(4, 9);
        bytes.drain(8..24);
        assert_records(&bytes);
    }

    #[test]
    #[should_panic(expected = "none of its place")]
    fn misplaced_byte_is_found() {
        assert_in_place(&[byte_at(3)], 4);
    }
}
