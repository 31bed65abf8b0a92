//! Messages that are read together.

/// Messages that were read together: their bytes one after another. Reused from read to read, it allocates only
/// to grow.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) ends: Vec<usize>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many messages it holds.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The messages, in the order in which they were sent.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let start_of = |index: usize| if index == 0 { 0 } else { self.ends[index - 1] };
        (0..self.ends.len()).map(move |index| &self.bytes[start_of(index)..self.ends[index]])
    }
}
