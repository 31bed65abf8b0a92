//! Limits how many steps of a long operation run in one slice.

/// The steps left in a slice.
pub(crate) struct Budget(pub(crate) u64);

impl Budget {
    /// More steps than any operation takes.
    pub(crate) fn unlimited() -> Self {
        Self(u64::MAX)
    }

    /// Takes one step. `false` when no step is left.
    pub(crate) fn charge(&mut self) -> bool {
        let left = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        left
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.0 == 0
    }
}
