//! Wireshark's S7 dissector reads what client and simulator say to each other.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use renata_drivers::Confirm;
use renata_drivers::s7::pdu::{ReturnCode, frame_len};
use renata_drivers::s7::sim::Limits;
use renata_peers::{text2pcap, tshark};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{connected, one_of_each, simulator_with, tags};

/// Frames in the order in which they passed, with their direction as text2pcap wants it.
type Recording = Arc<Mutex<Vec<(char, Vec<u8>)>>>;

/// Listens in between, for one connection.
async fn record(plc: SocketAddr) -> (SocketAddr, Recording) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let recording = Recording::default();
    let frames = Arc::clone(&recording);
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(plc).await.unwrap();
        let (client_read, client_write) = client.into_split();
        let (server_read, server_write) = server.into_split();
        tokio::join!(
            pass('O', client_read, server_write, &frames),
            pass('I', server_read, client_write, &frames),
        );
    });
    (addr, recording)
}

async fn pass(
    direction: char,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    frames: &Mutex<Vec<(char, Vec<u8>)>>,
) {
    let mut input = BytesMut::new();
    while from.read_buf(&mut input).await.is_ok_and(|read| read > 0) {
        while let Some(len) = frame_len(&input).unwrap().filter(|len| *len <= input.len()) {
            let frame = input.split_to(len);
            frames.lock().unwrap().push((direction, frame.to_vec()));
            if to.write_all(&frame).await.is_err() {
                return;
            }
        }
    }
}

#[tokio::test]
async fn nothing_that_we_say_is_malformed() {
    let (plc, memory) = simulator_with(Limits {
        pdu: 240,
        ..Limits::default()
    })
    .await;
    let (all, len) = one_of_each(1);
    memory.add_db(1, len);
    let (addr, recording) = record(plc.addr()).await;
    let mut client = connected(addr).await;
    for (tag, value) in &all {
        memory.set(tag, value).unwrap();
        let _ = client.write(tag, value, Confirm::ReadBack).await.unwrap();
    }
    let mut names: Vec<_> = all.iter().map(|(t, _)| *t).collect();
    names.extend(tags(&["T1", "C1", "M0.1", "IB0", "QW2", "DB9.DBW0"]));
    plc.faults().fail(&names[3], ReturnCode::ACCESS);
    let mut plan = client.plan(&names);
    client.read(&mut plan).await.unwrap();
    client.cpu_state().await.unwrap();
    client.clock().await.unwrap();
    client.close();

    let folder = tempfile::tempdir().unwrap();
    let (text, capture) = (
        folder.path().join("frames.txt"),
        folder.path().join("frames.pcap"),
    );
    let frames = recording.lock().unwrap().clone();
    let dump = frames
        .iter()
        .fold(String::new(), |mut dump, (direction, frame)| {
            let _ = write!(dump, "{direction}\n000000");
            frame
                .iter()
                .for_each(|byte| write!(dump, " {byte:02x}").unwrap());
            dump.push_str("\n\n");
            dump
        });
    std::fs::write(&text, dump).unwrap();
    let made = text2pcap()
        .expect("text2pcap")
        .args(["-q", "-D", "-T", "50000,102"])
        .arg(&text)
        .arg(&capture)
        .status();
    assert!(made.unwrap().success());

    let count = |filter: &str| {
        let mut command = tshark().expect("tshark");
        command
            .arg("-r")
            .arg(&capture)
            .args(["-Y", filter, "-T", "fields", "-e", "frame.number"]);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).lines().count()
    };
    assert_eq!(
        count("cotp"),
        frames.len(),
        "every frame is understood as COTP"
    );
    assert_eq!(
        count("s7comm"),
        frames.len() - 2,
        "all but the connect are S7"
    );
    assert_eq!(count("_ws.malformed || _ws.expert.severity == error"), 0);
    assert!(
        count("s7comm.param.func == 0x05") >= all.len(),
        "the writes are among them"
    );
    assert!(
        count("s7comm.data.returncode == 0x03") > 0,
        "and the refusal"
    );
}
