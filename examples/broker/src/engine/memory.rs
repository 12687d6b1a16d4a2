use std::time::Instant;

use super::{Change, Engine, EngineError, Recovered, Ticket};

/// The engine without a disk: what the broker holds in memory is all there is.
///
/// Every change is as safe as it will ever be at once, so nothing waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl Engine for Memory {
    fn recover(&mut self) -> Result<Recovered, EngineError> {
        Ok(Recovered::default())
    }

    fn append(&mut self, _now: Instant, _changes: &[Change<'_>]) -> Result<Ticket, EngineError> {
        Ok(Ticket::default())
    }

    fn committed(&self) -> Ticket {
        Ticket::default()
    }

    fn turn(&mut self, _now: Instant) -> Result<(), EngineError> {
        Ok(())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn on_commit(&mut self, _wake: Box<dyn Fn() + Send + Sync>) {}

    fn is_durable(&self) -> bool {
        false
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}
