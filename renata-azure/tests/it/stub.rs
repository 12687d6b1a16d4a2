//! A target whose answers a test scripts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use renata_azure::{
    Encoder, Envelope, Health, JournalId, Limits, Outcome, Record, Refusal, SeqRange, Sink,
};

/// What the target does with the next delivery.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Say(Outcome),
    /// Takes the batch and never answers.
    TakeAndHang,
    /// Never answers.
    Hang,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) script: VecDeque<Answer>,
    /// When the script is over: every delivery hangs instead of being taken.
    pub(crate) hang: bool,
    pub(crate) healthy: bool,
    /// Range and topics of each delivery that arrived, taken or not.
    pub(crate) seen: Vec<(SeqRange, Vec<String>)>,
    /// What the target has.
    pub(crate) taken: Vec<(SeqRange, Vec<String>)>,
    pub(crate) remembers: bool,
}

#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) state: Arc<Mutex<State>>,
}

impl Stub {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            limits: Limits {
                max_records: 10,
                max_bytes: 1 << 20,
                max_age: Duration::from_millis(20),
                timeout: Duration::from_secs(30),
            },
            state: Arc::default(),
        }
    }

    pub(crate) fn say(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().script.extend(answers);
    }

    /// Every topic that the target has, in order.
    pub(crate) fn topics(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.taken.iter().flat_map(|(_, t)| t.clone()).collect()
    }
}

pub(crate) struct Batch {
    range: SeqRange,
    topics: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Collect(Vec<String>);

impl Encoder for Collect {
    type Batch = Batch;

    fn push(&mut self, record: &Record) -> Result<(), Refusal> {
        if record.envelope.topic.ends_with("/refused") {
            return Err(Refusal::Topic("refused".into()));
        }
        self.0.push(record.envelope.topic.clone());
        Ok(())
    }

    fn finish(self, range: SeqRange) -> Result<Option<Batch>, String> {
        let topics = self.0;
        Ok((!topics.is_empty()).then_some(Batch { range, topics }))
    }
}

impl Sink for Stub {
    type Encoder = Collect;
    type Batch = Batch;

    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    async fn position(&self, _: JournalId) -> Result<Option<u64>, Outcome> {
        let state = self.state.lock().unwrap();
        let last = state.taken.iter().map(|(range, _)| range.last).max();
        Ok(last.filter(|_| state.remembers))
    }

    async fn probe(&self) -> Health {
        let mut state = self.state.lock().unwrap();
        if std::mem::replace(&mut state.healthy, true) {
            Health::Ready
        } else {
            Health::Paused(renata_azure::Pause::Auth("still".into()))
        }
    }

    fn encoder(&self) -> Collect {
        Collect::default()
    }

    async fn deliver(&self, batch: &Batch) -> Outcome {
        let entry = (batch.range, batch.topics.clone());
        let answer = {
            let mut state = self.state.lock().unwrap();
            state.seen.push(entry.clone());
            let hang = state.hang;
            let answer = state.script.pop_front();
            answer.unwrap_or(if hang {
                Answer::Hang
            } else {
                Answer::Say(Outcome::Durable)
            })
        };
        match answer {
            Answer::Say(outcome) => {
                if matches!(outcome, Outcome::Durable | Outcome::Reject(_)) {
                    self.state.lock().unwrap().taken.push(entry);
                }
                outcome
            }
            Answer::TakeAndHang => {
                self.state.lock().unwrap().taken.push(entry);
                std::future::pending().await
            }
            Answer::Hang => std::future::pending().await,
        }
    }
}

/// A message that is no sample, so that every copy counts.
pub(crate) fn plain(topic: impl Into<String>) -> Envelope {
    Envelope::new(topic, "text/plain", &b"x"[..])
}
