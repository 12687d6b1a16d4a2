//! Waiting for what has to come, and programs that are killed.

use std::future::{Future, IntoFuture};
use std::time::Duration;

/// Far more than anything here takes, and little enough to see that it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The result of `future`, which has to be there within [`PATIENCE`].
pub(crate) async fn soon<T>(what: &str, future: impl IntoFuture<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future.into_future())
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Runs a client like a program that is killed: everything that `future` started is gone at its
/// end, and nobody says goodbye.
pub(crate) fn killed_at_its_end<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let result = runtime.block_on(future);
        runtime.shutdown_background();
        result
    };
    std::thread::spawn(run).join().expect("no panic")
}
