//! The machines of the plant: two simulated S7-1500 PLCs whose values move.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use renata_codec::Value;
use renata_drivers::s7::Tag;
use renata_drivers::s7::sim::{Memory, Simulator};

/// One machine: a PLC and what it measures.
pub(crate) struct Machine {
    /// The device id in its topics.
    pub(crate) name: &'static str,
    /// Area and line in its topics.
    pub(crate) place: (&'static str, &'static str),
    /// Its values.
    pub(crate) signals: &'static [Signal],
}

/// One value of a machine.
pub(crate) struct Signal {
    /// The measurement in its topic.
    pub(crate) name: &'static str,
    /// Where it lies in data block 1.
    pub(crate) address: &'static str,
    /// UCUM unit, where it has one.
    pub(crate) unit: Option<&'static str>,
    /// How it moves with the seconds since the start.
    pub(crate) value: fn(f64) -> Value,
}

/// Both machines.
pub(crate) const MACHINES: [Machine; 2] = [
    Machine {
        name: "press-3",
        place: ("movements", "press-3"),
        signals: &[
            signal("ram/force", "DB1.DBD0:REAL", Some("kN"), |t| {
                float(12.0 * wave(t, 1.0) + 80.0)
            }),
            signal("ram/position", "DB1.DBD4:REAL", Some("mm"), |t| {
                float(40.0 * wave(t, 1.0))
            }),
            signal("oil/temperature", "DB1.DBD8:REAL", Some("Cel"), |t| {
                float(48.0 + wave(t, 60.0))
            }),
            signal("oil/pressure", "DB1.DBD12:REAL", Some("bar"), |t| {
                float(210.0 + wave(t, 7.0))
            }),
            signal("parts/good", "DB1.DBD16:DINT", None, |t| {
                Value::I64((t * 4.0) as i64)
            }),
            signal("parts/scrap", "DB1.DBD20:DINT", None, |t| {
                Value::I64((t / 9.0) as i64)
            }),
            signal("spindle/vibration", "DB1.DBB24:LREAL", Some("mm/s"), |t| {
                Value::F64(2.0 + 0.3 * wave(t, 0.7))
            }),
            signal("guard/closed", "DB1.DBX32.0", None, |t| {
                Value::Bool(t % 5.0 < 4.0)
            }),
            signal("order", "DB1.DBB34:STRING(16)", None, |t| {
                Value::Text(format!("MO-{:06}", 4200 + (t / 10.0) as u64))
            }),
        ],
    },
    Machine {
        name: "fill-1",
        place: ("batteries", "fill-1"),
        signals: &[
            signal("electrolyte/flow", "DB1.DBD0:REAL", Some("mL/min"), |t| {
                float(31.0 + 2.0 * wave(t, 3.0))
            }),
            signal(
                "electrolyte/temperature",
                "DB1.DBD4:REAL",
                Some("Cel"),
                |t| float(22.0 + wave(t, 40.0)),
            ),
            signal("cell/voltage", "DB1.DBD8:REAL", Some("V"), |t| {
                float(3.02 + 0.01 * wave(t, 0.9))
            }),
            signal("cells/filled", "DB1.DBD12:UDINT", None, |t| {
                Value::U64((t * 11.0) as u64)
            }),
            signal("cells/rejected", "DB1.DBW16:UINT", None, |t| {
                Value::U64((t / 6.0) as u64)
            }),
            signal("vacuum", "DB1.DBW18:INT", Some("mbar"), |t| {
                Value::I64((-820.0 + 30.0 * wave(t, 5.0)) as i64)
            }),
            signal("cycle/time", "DB1.DBD20:TIME", Some("ms"), |t| {
                Value::I64((1_350.0 + 40.0 * wave(t, 2.0)) as i64)
            }),
            signal("running", "DB1.DBX24.0", None, |t| {
                Value::Bool(t % 8.0 < 7.0)
            }),
        ],
    },
];

/// The role of a PLC: `plc --machine NAME --listen ADDR`.
#[derive(Debug, Parser)]
struct Args {
    #[arg(long)]
    machine: String,
    #[arg(long)]
    listen: SocketAddr,
}

/// Simulates one machine until it is ended from outside.
pub(crate) fn main_from(args: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let args = Args::parse_from(args);
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plc: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(args: &Args) -> anyhow::Result<()> {
    let machine = MACHINES.iter().find(|machine| machine.name == args.machine);
    let machine = machine.with_context(|| format!("there is no machine `{}`", args.machine))?;
    let tags: Vec<(Tag, _)> = machine
        .signals
        .iter()
        .map(|signal| Ok((signal.address.parse()?, signal.value)))
        .collect::<anyhow::Result<_>>()?;
    let memory = Memory::new();
    memory.add_db(1, 64);
    let began = Instant::now();
    let step = || {
        memory.set_all(
            tags.iter()
                .map(|(tag, value)| (*tag, value(seconds(began)))),
        )
    };
    step()?;
    let plc = Simulator::start(args.listen, memory.clone()).await?;
    eprintln!("listening on s7://{}", plc.addr());
    eprintln!("ready");

    let mut beat = tokio::time::interval(BEAT);
    let mut stop = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            _ = beat.tick() => step()?,
            _ = stop.recv() => break,
        }
    }
    plc.stop().await;
    Ok(())
}

const fn signal(
    name: &'static str,
    address: &'static str,
    unit: Option<&'static str>,
    value: fn(f64) -> Value,
) -> Signal {
    Signal {
        name,
        address,
        unit,
        value,
    }
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

/// A sine with a period in seconds.
fn wave(t: f64, period: f64) -> f64 {
    (t / period * std::f64::consts::TAU).sin()
}

/// What a REAL can hold of a number.
fn float(value: f64) -> Value {
    Value::F64(f64::from(value as f32))
}

/// How often a machine moves on.
const BEAT: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_fits_its_place_at_any_time() {
        for machine in &MACHINES {
            let memory = Memory::new();
            memory.add_db(1, 64);
            for signal in machine.signals {
                let tag: Tag = signal.address.parse().expect(signal.address);
                for t in [0.0, 1.3, 4.9, 3600.0, 86_400.0] {
                    memory.set(&tag, &(signal.value)(t)).expect(signal.name);
                }
                assert_eq!(
                    memory.get(&tag),
                    Ok((signal.value)(86_400.0)),
                    "{}",
                    signal.name
                );
            }
        }
    }
}
