//! How much of a long piece of work may be done in one slice.

/// Steps that may still be taken in a slice.
pub(crate) struct Budget(pub(crate) u64);

impl Budget {
    /// More steps than anything takes.
    pub(crate) fn unlimited() -> Self {
        Self(u64::MAX)
    }

    /// Takes a step. `false` when none is left.
    pub(crate) fn spend(&mut self) -> bool {
        let left = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        left
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.0 == 0
    }
}
