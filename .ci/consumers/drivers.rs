//+ tokio = { version = "1", features = ["rt", "macros"] }
//! A gateway's loop in small: nobody listens, so the next attempt waits.

use std::time::Instant;

use renata_drivers::s7::{Client, Config};
use renata_drivers::{Backoff, Driver, Reconnect, State};

async fn attempt<D: Driver>(device: &mut D, link: &mut Reconnect) {
    match device.connect().await {
        Ok(()) => link.connected(Instant::now()),
        Err(error) => {
            println!("{error}");
            link.failed(Instant::now());
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut plc = Client::new(Config::new("127.0.0.1:1").with_slot(0, 1));
    let mut link = Reconnect::new(Backoff::default(), 1);
    attempt(&mut plc, &mut link).await;
    assert!(matches!(link.poll(Instant::now()), State::Backoff { .. }));
}
