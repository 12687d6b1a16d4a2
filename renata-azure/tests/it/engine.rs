//! The engine with a scripted target.

use std::time::Duration;

use renata_azure::{Admitted, Engine, EngineOptions};

use crate::stub::{Stub, plain};

fn options(dir: &tempfile::TempDir) -> EngineOptions {
    EngineOptions::new(dir.path())
}

#[tokio::test]
async fn what_a_ticket_confirms_is_delivered_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(options(&dir)).await.unwrap();
    let stub = Stub::new("stub");
    engine.attach(stub.clone()).await.unwrap();
    let ingest = engine.ingest();
    let mut tickets = Vec::new();
    for n in 0..95 {
        tickets.push(ingest.append(plain(format!("t/{n}"))).await.unwrap());
    }
    for ticket in tickets {
        assert!(matches!(ticket.await, Ok(Admitted::Stored { .. })));
    }
    engine.flush().await.unwrap();
    let expected: Vec<_> = (0..95).map(|n| format!("t/{n}")).collect();
    assert_eq!(stub.topics(), expected);
    let stats = &engine.sinks()[0];
    assert_eq!((stats.records, stats.waiting_records), (95, 0));
    assert!(stats.batches >= 10, "batches of at most ten records");
    engine.close(Duration::from_secs(5)).await.unwrap();
}
