//! A server that says what a test wants it to say.

use std::time::Duration;

use renata_mqtt::Backoff;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) const CONNACK: &[u8] = &[0x20, 3, 0, 0, 0];

/// One packet off the stream, as its first byte and its body.
pub(crate) async fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let mut len = 0;
    for place in 0.. {
        let byte = stream.read_u8().await.ok()?;
        len |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body).await.ok()?;
    Some((first, body))
}

/// A server that answers CONNECT with `greeting`, and each later packet with what `answer` says.
/// It takes connection after connection, and counts them.
pub(crate) async fn server(
    greeting: &'static [u8],
    answer: impl Fn(u8, &[u8]) -> Vec<u8> + Send + 'static,
) -> (String, watch::Receiver<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("mqtt://{}", listener.local_addr().expect("bound"));
    let (connections, count) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.send_modify(|count| *count += 1);
            if packet(&mut stream).await.is_none() || stream.write_all(greeting).await.is_err() {
                continue;
            }
            while let Some((first, body)) = packet(&mut stream).await {
                if stream.write_all(&answer(first, &body)).await.is_err() {
                    break;
                }
            }
        }
    });
    (url, count)
}

pub(crate) fn quick() -> Backoff {
    Backoff::exponential(Duration::from_millis(5)..Duration::from_millis(20))
}

/// Acknowledges PUBLISH at QoS 1 (of topics that are one character long) and SUBSCRIBE at QoS 1.
pub(crate) fn friendly(first: u8, body: &[u8]) -> Vec<u8> {
    match first >> 4 {
        3 if first & 0b110 == 0b010 => vec![0x40, 2, body[3], body[4]],
        8 => vec![0x90, 4, body[0], body[1], 0, 1],
        10 => vec![0xb0, 4, body[0], body[1], 0, 0],
        _ => Vec::new(),
    }
}
