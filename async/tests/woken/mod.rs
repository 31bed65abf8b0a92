//! Whether a change wakes each of the tasks that wait for it.

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;

/// Has all of these wait, makes the change, and waits until they have ended. Each is polled only when it is woken.
pub async fn wakes_all<const N: usize>(waits: [LocalBoxFuture<'_, ()>; N], change: impl FnOnce()) {
    let mut waits: FuturesUnordered<_> = waits.into_iter().collect();
    assert!(futures::poll!(waits.next()).is_pending());
    assert_eq!(waits.len(), N);
    change();
    while waits.next().await.is_some() {}
}
