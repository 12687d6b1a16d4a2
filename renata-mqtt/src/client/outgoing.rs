//! A message on its way out, with what has to be told when it ends.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{Doubt, Outcome, Rejection};
use crate::QoS;

/// What the user wants sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) topic: Cow<'static, str>,
    pub(super) payload: Bytes,
    pub(super) qos: QoS,
    pub(super) retain: bool,
    pub(super) content_type: Option<Cow<'static, str>>,
    pub(super) expiry: Option<Duration>,
    /// Boxed, because most messages have none of them.
    pub(super) more: Option<Box<More>>,
}

/// Properties that few messages carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct More {
    pub(super) response_topic: Option<String>,
    pub(super) correlation_data: Option<Bytes>,
    pub(super) user: Vec<(String, String)>,
}

impl Draft {
    pub(super) fn new(topic: Cow<'static, str>, payload: Bytes) -> Self {
        Self {
            topic,
            payload,
            qos: QoS::AtMostOnce,
            retain: false,
            content_type: None,
            expiry: None,
            more: None,
        }
    }

    /// What the message counts against the budget.
    pub(super) fn cost(&self) -> usize {
        let more = self.more.as_ref().map_or(0, |more| {
            let user: usize = more.user.iter().map(|(k, v)| k.len() + v.len() + 48).sum();
            more.response_topic.as_ref().map_or(0, String::len)
                + more.correlation_data.as_ref().map_or(0, Bytes::len)
                + user
        });
        let content_type = self.content_type.as_ref().map_or(0, |text| text.len());
        OVERHEAD + self.topic.len() + self.payload.len() + content_type + more
    }
}

/// Book-keeping of one message: the draft, the receipt, and what else is held for it.
const OVERHEAD: usize = 128;

/// An admitted message. Dropping one that was not finished tells its receipt so.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) draft: Draft,
    /// What it holds of the budget.
    pub(super) cost: u32,
    /// When it is worth nothing any more.
    pub(super) deadline: Option<Instant>,
    receipt: Option<oneshot::Sender<Outcome>>,
}

impl Outgoing {
    pub(super) fn new(
        draft: Draft,
        cost: u32,
        now: Instant,
        receipt: oneshot::Sender<Outcome>,
    ) -> Self {
        Self {
            deadline: draft.expiry.and_then(|expiry| now.checked_add(expiry)),
            draft,
            cost,
            receipt: Some(receipt),
        }
    }

    /// Whole seconds that are left of the expiry, or `Err` once it has passed. The server counts on
    /// from the moment of sending (MQTT 5.0 §3.3.2.3.3).
    pub(super) fn seconds_left(&self, now: Instant) -> Result<Option<u32>, Rejection> {
        let Some(deadline) = self.deadline else {
            return Ok(None);
        };
        let left = deadline.saturating_duration_since(now);
        if left.is_zero() {
            return Err(Rejection::Expired);
        }
        let secs = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        Ok(Some(u32::try_from(secs).unwrap_or(u32::MAX)))
    }

    /// Tells the receipt, if anybody still holds it.
    pub(super) fn finish(&mut self, outcome: Outcome) {
        if let Some(receipt) = self.receipt.take() {
            // A receipt that was dropped is one that nobody asks.
            let _ = receipt.send(outcome);
        }
    }

    /// Tells the receipt that nobody will ever know.
    pub(super) fn doubt(&mut self, why: Doubt) {
        self.finish(Outcome::Indeterminate { why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_an_expiry_is_rounded_up() {
        let start = Instant::now();
        let mut draft = Draft::new("a".into(), Bytes::new());
        draft.expiry = Some(Duration::from_secs(10));
        let (receipt, _) = oneshot::channel();
        let message = Outgoing::new(draft, 0, start, receipt);
        let after = |ms| message.seconds_left(start + Duration::from_millis(ms));
        assert_eq!(after(0), Ok(Some(10)));
        assert_eq!(after(8_500), Ok(Some(2)));
        assert_eq!(after(9_999), Ok(Some(1)));
        assert_eq!(after(10_000), Err(Rejection::Expired));
    }
}
