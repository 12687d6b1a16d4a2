//! A message goes into a lake, twice, and is there once.
//features lake
//+ tokio = { version = "1", features = ["rt", "macros", "time"] }

use std::time::Duration;

use renata_azure::lake::{self, Lake, LakeOptions};
use renata_azure::{Admitted, Engine, EngineOptions, Envelope};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("consumer-azure-{}", std::process::id()));
    let mut engine = Engine::open(EngineOptions::new(dir.join("engine"))).await?;
    let lake = Lake::local(dir.join("lake"), LakeOptions::new("consumer"))?;
    engine.attach(lake).await?;
    let message = Envelope::new(
        "renata/biel/press/line-1/s7-1500/plc-3/torque",
        "application/json",
        r#"{"value":1.5,"receive_time":"2026-03-01T05:30:00Z","epoch":1,"seq":0}"#,
    );
    let ingest = engine.ingest();
    ingest.append(message.clone()).await?.await?;
    assert_eq!(ingest.append(message).await?.await?, Admitted::Repetition);
    engine.close(Duration::from_secs(10)).await?;
    let report = lake::verify(dir.join("lake"))?;
    assert_eq!((report.rows, report.is_clean()), (1, true));
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
