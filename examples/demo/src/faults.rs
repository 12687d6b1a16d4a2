//! What goes wrong while the plant runs with `--faults`.

use std::time::Duration;

use crate::plant::Plant;

/// The faults in their order, spread over a run.
#[derive(Debug)]
pub(crate) struct Faults {
    next: usize,
}

/// A fault and the part of the run after which it happens, in percent.
const SCHEDULE: [(u32, Fault); 7] = [
    (20, Fault::Gateway),
    (32, Fault::Broker),
    (44, Fault::PlcOff),
    (56, Fault::Lake),
    (64, Fault::PlcOn),
    (76, Fault::Broker),
    (84, Fault::Gateway),
];

#[derive(Clone, Copy, Debug)]
enum Fault {
    Gateway,
    Broker,
    Lake,
    PlcOff,
    PlcOn,
}

impl Faults {
    /// None has happened yet.
    pub(crate) fn new() -> Self {
        Self { next: 0 }
    }

    /// Makes the next fault happen if its time has come.
    pub(crate) async fn tick(
        &mut self,
        plant: &mut Plant,
        elapsed: Duration,
        lasting: Duration,
    ) -> anyhow::Result<()> {
        let Some((percent, fault)) = SCHEDULE.get(self.next) else {
            return Ok(());
        };
        if elapsed < lasting * *percent / 100 {
            return Ok(());
        }
        self.next += 1;
        let (what, done) = match fault {
            Fault::Gateway => (
                "the gateway is killed (SIGKILL)",
                plant.crash_gateway().await,
            ),
            Fault::Broker => ("the broker is killed (SIGKILL)", plant.crash_broker().await),
            Fault::Lake => (
                "the lake writer is killed (SIGKILL)",
                plant.crash_lake().await,
            ),
            Fault::PlcOff => ("the first PLC loses its power", plant.stop_plc().await),
            Fault::PlcOn => ("the first PLC has its power back", plant.start_plc().await),
        };
        println!("\n  -- {what}");
        done
    }

    /// Whether a PLC is off right now.
    pub(crate) fn plc_is_off(&self) -> bool {
        matches!(
            SCHEDULE.get(self.next.wrapping_sub(1)),
            Some((_, Fault::PlcOff | Fault::Lake))
        )
    }
}
