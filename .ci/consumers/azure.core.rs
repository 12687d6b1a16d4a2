//! A target of one's own behind the engine: no Parquet, no object store.
//+ tokio = { version = "1", features = ["rt", "macros"] }

use std::sync::{Arc, Mutex};
use std::time::Duration;

use renata_azure::{
    Encoder, Engine, EngineOptions, Envelope, Health, JournalId, Limits, Outcome, Record, Refusal,
    SeqRange, Sink,
};

#[derive(Clone, Default)]
struct Board(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Lines(Vec<String>);

impl Encoder for Lines {
    type Batch = Vec<String>;

    fn push(&mut self, record: &Record) -> Result<(), Refusal> {
        self.0.push(record.envelope.topic.clone());
        Ok(())
    }

    fn finish(self, _: SeqRange) -> Result<Option<Vec<String>>, String> {
        Ok(Some(self.0))
    }
}

impl Sink for Board {
    type Encoder = Lines;
    type Batch = Vec<String>;

    fn name(&self) -> &str {
        "board"
    }

    fn limits(&self) -> Limits {
        Limits {
            max_records: 100,
            max_bytes: 1 << 20,
            max_age: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
        }
    }

    async fn position(&self, _: JournalId) -> Result<Option<u64>, Outcome> {
        Ok(None)
    }

    async fn probe(&self) -> Health {
        Health::Ready
    }

    fn encoder(&self) -> Lines {
        Lines::default()
    }

    async fn deliver(&self, batch: &Vec<String>) -> Outcome {
        self.0.lock().unwrap().extend_from_slice(batch);
        Outcome::Durable
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("consumer-azure-{}", std::process::id()));
    let board = Board::default();
    let mut engine = Engine::open(EngineOptions::new(&dir)).await?;
    engine.attach(board.clone()).await?;
    let ticket = engine.ingest().append(Envelope::new("a/b", "text/plain", "hello")).await?;
    ticket.await?;
    engine.close(Duration::from_secs(10)).await?;
    assert_eq!(*board.0.lock().unwrap(), ["a/b"]);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
