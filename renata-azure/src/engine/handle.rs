//! [`Handle`]: what sinks ask the keeper of the journals.

use renata_journal::Reader;
use tokio::sync::{mpsc, oneshot, watch};

use super::messages::Control;
use crate::batcher::Tally;
use crate::record::DeadLetter;
use crate::{JournalId, SeqRange};

/// The keeper has ended: with the engine, or because the journal failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone;

#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) control: mpsc::Sender<Control>,
    pub(crate) tally: watch::Receiver<Tally>,
    pub(crate) journal: JournalId,
}

impl Handle {
    /// Position and plan of a sink.
    pub(crate) async fn attach(
        &self,
        sink: &str,
    ) -> Result<Result<(u64, Option<SeqRange>), String>, Gone> {
        self.ask(|reply| Control::Attach(sink.to_owned(), reply))
            .await
    }

    pub(crate) async fn read(&self, from: u64) -> Result<Result<Reader, String>, Gone> {
        self.ask(|reply| Control::Read(from, reply)).await
    }

    /// Returns when the plan is durable.
    pub(crate) async fn plan(&self, sink: &str, range: SeqRange) -> Result<(), Gone> {
        self.ask(|reply| Control::Plan(sink.to_owned(), range, reply))
            .await
    }

    pub(crate) async fn ack(&self, sink: &str, seq: u64) -> Result<(), Gone> {
        let sent = self.control.send(Control::Ack(sink.to_owned(), seq)).await;
        sent.map_err(|_| Gone)
    }

    /// Returns when they are durable.
    pub(crate) async fn dead_letters(&self, letters: Vec<DeadLetter>) -> Result<(), Gone> {
        self.ask(|reply| Control::DeadLetters(letters, reply)).await
    }

    pub(crate) async fn ask<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<T>) -> Control,
    ) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        self.control.send(make(reply)).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}
