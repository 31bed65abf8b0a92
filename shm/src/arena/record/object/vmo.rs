//! The words of a body, as a VM object uses them. They lie beside those of the index of observers.

use super::ObjectBody;
use crate::arena::size_class::EXTENT_CLASSES;
use crate::sync::AtomicU64;

/// The words of a body, as a VM object uses them.
///
/// | word | contents | written by |
/// |---|---|---|
/// | size | `word/vmo/size` | its creator; `set_size`: CAS |
/// | geometry | `word/vmo/geometry` | its creator |
/// | parent, children, children lost | `object/vmo/children` | the cloning thread; a child that ends |
/// | extents | the block of each extent, as a block link; 0 where nothing was ever written | any thread, once (`object/own_block`) |
#[derive(Clone, Copy)]
pub(crate) struct VmoBody<'a>(&'a ObjectBody);

impl<'a> VmoBody<'a> {
    pub(crate) fn of(body: &'a ObjectBody) -> Self {
        Self(body)
    }

    pub(crate) fn size(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.tail
    }

    pub(crate) fn geometry(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.tail_segment
    }

    /// The object that this one is a clone of, as a weak reference; 0 for none.
    pub(crate) fn parent(self) -> &'a AtomicU64 {
        &self.0.directions[1].consumer.head
    }

    /// The block of the children, as a block link.
    pub(crate) fn children(self) -> &'a AtomicU64 {
        &self.0.directions[1].consumer.head_segment
    }

    /// How often a child has ended.
    pub(crate) fn children_lost(self) -> &'a AtomicU64 {
        &self.0.directions[1].consumer.consumed
    }

    /// The words that hold no link: cleared with the object.
    pub(crate) fn plain(self) -> [&'a AtomicU64; 4] {
        [self.size(), self.geometry(), self.parent(), self.children_lost()]
    }

    /// The places of the extents.
    pub(crate) fn extents(self) -> [&'a AtomicU64; EXTENT_CLASSES] {
        let [p, q] = self.0.directions.each_ref().map(|direction| &direction.producer);
        let ([p0, p1, p2], [q0, q1, _]) = (&p.spare, &q.spare);
        let all = [
            &p.first_segment,
            &p.blocks,
            &p.max_pending,
            p0,
            p1,
            p2,
            &q.tail,
            &q.tail_segment,
            &q.first_segment,
            &q.blocks,
            &q.max_pending,
            q0,
            q1,
        ];
        core::array::from_fn(|extent| all[extent])
    }
}
