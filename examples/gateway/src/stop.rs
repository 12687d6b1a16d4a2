//! How a task learns that it shall end.

use tokio::sync::watch;

/// Waits until a task is told to stop; whoever could tell being gone means it, too. Cancel-safe.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    // Dropping what this returns releases the watch's lock before the next await.
    let _ = stop.wait_for(|stop| *stop).await;
}
