//! Short ways to say common things.

use std::net::SocketAddr;
use std::time::Duration;

use renata_codec::Value;
use renata_drivers::s7::sim::{Limits, Memory, Simulator};
use renata_drivers::s7::{Client, Config, Tag};

pub(crate) fn tag(text: &str) -> Tag {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

pub(crate) fn tags(texts: &[&str]) -> Vec<Tag> {
    texts.iter().map(|t| tag(t)).collect()
}

/// A simulated PLC with data block 1 of 4096 bytes.
pub(crate) async fn simulator() -> (Simulator, Memory) {
    simulator_with(Limits::default()).await
}

pub(crate) async fn simulator_with(limits: Limits) -> (Simulator, Memory) {
    let memory = Memory::new();
    memory.add_db(1, 4096);
    let plc = Simulator::start_with("127.0.0.1:0", memory.clone(), limits)
        .await
        .expect("the simulator starts");
    (plc, memory)
}

pub(crate) fn config(addr: SocketAddr) -> Config {
    Config::new(addr.to_string())
}

pub(crate) async fn connected(addr: SocketAddr) -> Client {
    let mut client = Client::new(config(addr));
    client.connect().await.expect("the PLC accepts us");
    client
}

/// A client that gives up soon.
pub(crate) async fn impatient(addr: SocketAddr) -> Client {
    let mut config = config(addr);
    config.answer_within = Duration::from_millis(200);
    let mut client = Client::new(config);
    client.connect().await.expect("the PLC accepts us");
    client
}

/// One tag of each scalar type with a value that is not zero, one after the other in data block `db`.
pub(crate) fn one_of_each(db: u16) -> (Vec<(Tag, Value)>, usize) {
    let values: Vec<(&str, Value)> = vec![
        ("BOOL", true.into()),
        ("BYTE", 0xA5u64.into()),
        ("USINT", 200u64.into()),
        ("SINT", (-100i64).into()),
        ("CHAR", "é".into()),
        ("WORD", 0xBEEFu64.into()),
        ("UINT", 65_000u64.into()),
        ("INT", (-12_345i64).into()),
        ("WCHAR", "€".into()),
        ("DATE", "2026-11-27".into()),
        ("S5TIME", 12_700i64.into()),
        ("COUNTER", 789u64.into()),
        ("DWORD", 0xDEAD_BEEFu64.into()),
        ("UDINT", 4_000_000_000u64.into()),
        ("DINT", (-2_000_000_000i64).into()),
        ("REAL", 3.25.into()),
        ("TIME", (-86_400_000i64).into()),
        ("TOD", "23:59:59.999".into()),
        ("LWORD", u64::MAX.into()),
        ("ULINT", 12_345_678_901_234_567_890u64.into()),
        ("LINT", i64::MIN.into()),
        ("LREAL", std::f64::consts::PI.into()),
        ("LTIME", (-1i64).into()),
        ("LTOD", "12:34:56.123456789".into()),
        ("LDT", "2026-11-27T12:34:56.123456789".into()),
        ("DT", "2026-11-27T12:34:56.789".into()),
        ("DTL", "2026-11-27T12:34:56.123456789".into()),
        ("STRING(20)", "Käse aus Biel".into()),
        ("WSTRING(20)", "Zürich → Biel 😀".into()),
        ("INT[5]", vec![1i64, -2, 3, -4, 5].into()),
        ("REAL[3]", vec![0.5, -0.25, 1024.0].into()),
        (
            "BOOL[11]",
            vec![
                true, false, true, true, false, false, true, false, true, false, true,
            ]
            .into(),
        ),
        ("STRING(4)[2]", vec!["ab".to_owned(), String::new()].into()),
    ];
    let mut at = 0;
    let mut all = Vec::new();
    for (ty, value) in values {
        let bit = if ty.starts_with("BOOL") { ".3" } else { "" };
        let tag = tag(&format!("DB{db}:{at}{bit}:{ty}"));
        // Everything begins at an even byte, as TIA lays it out.
        at += tag.len().next_multiple_of(2);
        all.push((tag, value));
    }
    (all, at)
}
