//! The calls of a channel end that await their reply.

use crate::arena::word::ring::Txid;
use std::collections::BTreeMap;

/// The calls in progress, by transaction id, each with the position of its reply once a thread has seen it. There is seldom
/// more than one, and the first needs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    one: Option<(Txid, Option<u64>)>,
    others: BTreeMap<Txid, Option<u64>>,
}

impl Calls {
    /// Adds a call with an id that no other one has.
    pub(crate) fn insert(&mut self, txid: Txid) {
        if self.one.is_none() {
            self.one = Some((txid, None));
        } else {
            self.others.insert(txid, None);
        }
    }

    /// The position of the reply to this call; `None` if there is no such call.
    #[inline]
    pub(crate) fn reply(&mut self, txid: Txid) -> Option<&mut Option<u64>> {
        match &mut self.one {
            Some((one, reply)) if *one == txid => Some(reply),
            _ if self.others.is_empty() => None,
            _ => self.others.get_mut(&txid),
        }
    }

    /// Ends a call. Returns the position of its reply if that was seen.
    pub(crate) fn remove(&mut self, txid: Txid) -> Option<u64> {
        match self.one {
            Some((one, reply)) if one == txid => {
                self.one = None;
                reply
            }
            _ => self.others.remove(&txid).flatten(),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.one.is_some()) + self.others.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn clear(&mut self) {
        self.one = None;
        if !self.others.is_empty() {
            self.others.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_keeps_its_own_reply() {
        let mut calls = Calls::default();
        (1..=3).for_each(|id| calls.insert(Txid(id)));
        for (id, position) in [(1, 10), (3, 30)] {
            *calls.reply(Txid(id)).unwrap() = Some(position);
        }
        assert_eq!(calls.reply(Txid(4)), None);
        assert_eq!((calls.remove(Txid(1)), calls.remove(Txid(1))), (Some(10), None));
        // The place of the first call is free, and the others are still found.
        calls.insert(Txid(5));
        assert_eq!(calls.reply(Txid(5)), Some(&mut None));
        assert_eq!((calls.len(), calls.reply(Txid(3))), (3, Some(&mut Some(30))));
        assert_eq!(
            (calls.remove(Txid(3)), calls.remove(Txid(2)), calls.remove(Txid(5))),
            (Some(30), None, None)
        );
        assert!(calls.is_empty());
    }
}
