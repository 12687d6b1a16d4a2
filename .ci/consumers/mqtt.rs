//+ tokio = { version = "1", features = ["rt", "macros", "time", "net"] }
//! A client that finds nobody says so, instead of waiting for ever.

use std::time::Duration;

use renata_mqtt::{Client, Session};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Bound and dropped: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let refused = Client::builder(format!("mqtt://127.0.0.1:{port}"))
        .client_id("consumer")
        .session(Session::clean())
        .connect_timeout(Duration::from_secs(2))
        .connect();
    let error = tokio::time::timeout(Duration::from_secs(10), refused).await?.err();
    println!("{}", error.ok_or("somebody listens on a free port")?);
    Ok(())
}
