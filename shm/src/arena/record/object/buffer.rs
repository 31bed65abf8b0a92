//! The words of a body, as a buffer uses them. They lie beside those of the index of observers.

use super::ObjectBody;
use crate::sync::AtomicU64;

/// The words of a body, as a buffer uses them.
///
/// | word | contents | written by |
/// |---|---|---|
/// | size | its bytes | its creator |
/// | frozen | 1 once all bytes are written | its creator: store, Release, **commits the freeze** |
/// | block | the block of its bytes, as a block link | its creator, once (`object/own_block`) |
#[derive(Clone, Copy)]
pub(crate) struct BufferBody<'a>(&'a ObjectBody);

impl<'a> BufferBody<'a> {
    pub(crate) fn of(body: &'a ObjectBody) -> Self {
        Self(body)
    }

    pub(crate) fn size(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.tail
    }

    pub(crate) fn frozen(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.tail_segment
    }

    pub(crate) fn block(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.blocks
    }
}
