//! One run from start to verdict.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use renata_azure::lake;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Args;
use crate::faults::Faults;
use crate::files::Layout;
use crate::plant::Plant;
use crate::stats::Figures;
use crate::verdict::Verdict;

/// Starts the plant, lets it run, stops it from the source on, and counts.
pub(crate) fn run(args: &Args) -> anyhow::Result<Verdict> {
    tokio::runtime::Runtime::new()?.block_on(play(args))
}

async fn play(args: &Args) -> anyhow::Result<Verdict> {
    println!("renata demo: a plant in a box");
    let layout = Layout::make(&args.data_dir)?;
    let rows_before = rows(&layout.table())?;
    for stats in [&layout.gateway_stats, &layout.lake_stats] {
        // Figures of an earlier run would be taken for ours.
        std::fs::write(stats, "").context("cannot write figures")?;
    }
    let mut plant = Plant::start(layout).await?;
    live(args, &mut plant).await?;

    println!("\n  stopping: the gateway hands over what it has, the lake closes its files");
    plant.stop_gateway().await?;
    let sent = sent(plant.layout());
    // What a killed run left behind in journals and queues is stored by now, and no part of this run.
    let made_before = Figures::first(&plant.layout().gateway_stats).get("recovered");
    let rows_before = rows_before.max(made_before);
    let table = plant.layout().table();
    settle(&plant, sent, rows_before).await?;
    let counts = plant.viewer().counts();
    let (received, repeated, unreadable) =
        (counts.received(), counts.repeated(), counts.unreadable());
    plant.stop().await?;

    if args.sabotage {
        sabotage(&table)?;
    }
    let report = lake::verify(&table).context("the lake cannot be verified")?;
    let verdict = Verdict::new(sent, received, rows_before, &report);
    if repeated > 0 {
        println!(
            "\n  {repeated} message(s) came twice to the subscriber, as QoS 1 may after a cut"
        );
    }
    if unreadable > 0 {
        bail!("{unreadable} message(s) were no measurements");
    }
    if verdict.holds() {
        println!("\n  the lake is yours to look at:");
        println!(
            "    cargo run --release -p renata-cli -- lake verify {}",
            table.display()
        );
        println!(
            "    duckdb -c \"select * from read_parquet('{}/**/*.parquet')\"",
            table.display()
        );
    }
    Ok(verdict)
}

/// Shows figures until the time is over or Ctrl-C.
async fn live(args: &Args, plant: &mut Plant) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut faults = Faults::new();
    let terminal = std::io::stdout().is_terminal();
    let mut every = tokio::time::interval(if terminal { REFRESH } else { 5 * REFRESH });
    let mut beat = tokio::time::interval(REFRESH / 5);
    // Listened to from here on: what comes while figures are shown counts as well.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut stop = signal(SignalKind::terminate())?;
    println!();
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = stop.recv() => return Ok(()),
            _ = every.tick() => show(plant, began, terminal),
            _ = beat.tick() => {}
        }
        if args.faults {
            let lasting = args.lasting.unwrap_or(Duration::from_secs(60));
            faults.tick(plant, began.elapsed(), lasting).await?;
        }
        if !faults.plc_is_off() {
            plant.check()?;
        }
        if args
            .lasting
            .is_some_and(|lasting| began.elapsed() >= lasting)
        {
            return Ok(());
        }
    }
}

fn show(plant: &Plant, began: Instant, terminal: bool) {
    let gateway = Figures::last(&plant.layout().gateway_stats);
    let lake = Figures::last(&plant.layout().lake_stats);
    let counts = plant.viewer().counts();
    let line = format!(
        "  {:>4} s   polled {:>8}   published {:>7}   acknowledged {:>7}   received {:>7}   in lake {:>7}",
        began.elapsed().as_secs(),
        gateway.get("polled"),
        gateway.get("published"),
        gateway.get("acked"),
        counts.received(),
        lake.get("in_lake"),
    );
    if terminal {
        print!("\r{line}");
        // A closed terminal does not stop the plant.
        let _ = std::io::stdout().flush();
    } else {
        println!("{line}");
    }
}

/// Samples that the gateway has made in this run, over all its restarts: its journal counts on.
fn sent(layout: &Layout) -> u64 {
    let (first, last) = (
        Figures::first(&layout.gateway_stats),
        Figures::last(&layout.gateway_stats),
    );
    (last.get("recovered") + last.get("committed")).saturating_sub(first.get("recovered"))
}

/// Waits until everything that was sent has come to the subscriber and into the lake.
async fn settle(plant: &Plant, sent: u64, rows_before: u64) -> anyhow::Result<()> {
    let table = plant.layout().table();
    let deadline = Instant::now() + SETTLE_WITHIN;
    let mut beat = tokio::time::interval(REFRESH / 2);
    // When the deadline passes first, the verdict says what is missing.
    while Instant::now() < deadline {
        beat.tick().await;
        let stored = rows(&table)?.saturating_sub(rows_before);
        if plant.viewer().counts().received() >= sent && stored >= sent {
            break;
        }
    }
    Ok(())
}

/// Rows in the table; 0 before there is one.
fn rows(table: &Path) -> anyhow::Result<u64> {
    if !table.join("_delta_log").exists() {
        return Ok(0);
    }
    Ok(lake::verify(table)
        .context("the lake of the earlier run cannot be read")?
        .rows)
}

/// Takes the first file out of the table, as a disk that forgets would.
fn sabotage(table: &Path) -> anyhow::Result<()> {
    let mut folders = vec![table.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "parquet")
            {
                println!("\n  sabotage: {} is lost", path.display());
                std::fs::remove_file(path)?;
                return Ok(());
            }
        }
    }
    bail!("there is no file to lose")
}

const REFRESH: Duration = Duration::from_secs(1);
const SETTLE_WITHIN: Duration = Duration::from_secs(30);
