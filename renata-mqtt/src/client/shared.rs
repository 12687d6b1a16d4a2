//! What the handles of a client and its driver share: the queue, the budget, acknowledgements.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, TryAcquireError, watch};

use super::outgoing::{Draft, Outgoing};
use super::{ConnectionError, Full, Offline, Outcome, PublishError, Receipt, Rejection, Status};
use crate::ReasonCode;
use crate::session::AckId;

/// The future of an admission that has to wait for room.
pub(super) type Admit<'c> =
    Pin<Box<dyn Future<Output = Result<Receipt, PublishError>> + Send + 'c>>;

/// Shared by the driver, the client's handles, its streams and its tokens. No lock in here is held
/// for longer than it takes to move a value.
#[derive(Debug)]
pub(super) struct Shared {
    offline: Offline,
    /// One permit a byte of the budget. Closed when the client closes.
    budget: Semaphore,
    /// Admitted messages that the driver has not fetched; bounded by the budget.
    queue: Mutex<Queue>,
    /// Messages that were acknowledged by their consumers; bounded by the Receive Maximum.
    acks: Mutex<Vec<(AckId, ReasonCode)>>,
    /// Wakes the driver.
    wake: Notify,
    pub(super) status: watch::Sender<Status>,
    last_error: Mutex<Option<Arc<ConnectionError>>>,
    /// A stream went away: the driver has to look which.
    swept: AtomicBool,
    /// The last handle of the client went away.
    abandoned: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Outgoing>,
    ended: bool,
}

impl Shared {
    pub(super) fn new(offline: Offline) -> Arc<Self> {
        Arc::new(Self {
            budget: Semaphore::new(offline.max_bytes as usize),
            offline,
            queue: Mutex::default(),
            acks: Mutex::default(),
            wake: Notify::new(),
            status: watch::Sender::new(Status::Connecting),
            last_error: Mutex::default(),
            swept: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        })
    }

    pub(super) fn when_full(&self) -> Full {
        self.offline.when_full
    }

    /// What a message of this size takes from the budget.
    pub(super) fn price(&self, needed: usize) -> Result<u32, PublishError> {
        let budget = self.offline.max_bytes;
        match u32::try_from(needed) {
            Ok(cost) if cost <= budget => Ok(cost),
            _ => Err(PublishError::TooLarge { needed, budget }),
        }
    }

    /// Takes room for a message from the budget, if there is some now.
    pub(super) fn try_reserve(&self, cost: u32) -> Result<(), PublishError> {
        match self.budget.try_acquire_many(cost) {
            Ok(permit) => {
                permit.forget();
                Ok(())
            }
            Err(TryAcquireError::Closed) => Err(PublishError::Closed),
            Err(TryAcquireError::NoPermits) => Err(PublishError::Full {
                budget: self.offline.max_bytes,
            }),
        }
    }

    /// Admits a message once there is room, in the order of asking.
    pub(super) fn admit(&self, draft: Draft, cost: u32) -> Admit<'_> {
        Box::pin(async move {
            let permit = self.budget.acquire_many(cost).await;
            permit.map_err(|_| PublishError::Closed)?.forget();
            Ok(self.enqueue(draft, cost))
        })
    }

    /// Admits a message for which there is room.
    pub(super) fn enqueue(&self, draft: Draft, cost: u32) -> Receipt {
        let (sender, receipt) = Receipt::new();
        let now = tokio::time::Instant::now().into_std();
        let mut message = Outgoing::new(draft, cost, now, sender);
        let mut queue = lock(&self.queue);
        if queue.ended {
            let why = Rejection::Closed;
            message.finish(Outcome::Rejected { why });
            return receipt;
        }
        let idle = queue.messages.is_empty();
        queue.messages.push_back(message);
        drop(queue);
        // The driver fetches all there is, so only the first one has to wake it.
        if idle {
            self.wake.notify_one();
        }
        receipt
    }

    /// The driver has finished a message: its share of the budget is free again.
    pub(super) fn release(&self, message: &Outgoing) {
        self.budget.add_permits(message.cost as usize);
    }

    /// Nothing is admitted any more.
    pub(super) fn close(&self) {
        self.budget.close();
    }

    /// Fetches everything that was admitted. `into` has to be empty: the two are exchanged.
    pub(super) fn fetch(&self, into: &mut VecDeque<Outgoing>) {
        debug_assert!(into.is_empty());
        std::mem::swap(&mut lock(&self.queue).messages, into);
    }

    /// The driver has ended: what is admitted from here on is rejected. Gives what is left.
    pub(super) fn end(&self) -> VecDeque<Outgoing> {
        self.close();
        let mut queue = lock(&self.queue);
        queue.ended = true;
        std::mem::take(&mut queue.messages)
    }

    pub(super) fn ack(&self, ack: AckId, reason: ReasonCode) {
        lock(&self.acks).push((ack, reason));
        self.wake.notify_one();
    }

    /// Fetches the acknowledgements that consumers have given.
    pub(super) fn fetch_acks(&self, into: &mut Vec<(AckId, ReasonCode)>) {
        into.clear();
        std::mem::swap(&mut *lock(&self.acks), into);
    }

    /// A stream was dropped.
    pub(super) fn stream_gone(&self) {
        self.swept.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Whether a stream was dropped since the last time.
    pub(super) fn take_stream_gone(&self) -> bool {
        self.swept.swap(false, Ordering::AcqRel)
    }

    /// The last handle was dropped.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Waits until there may be something to do. Cancel-safe.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub(super) fn last_error(&self) -> Option<Arc<ConnectionError>> {
        lock(&self.last_error).clone()
    }

    /// There is no connection, and this is why.
    pub(super) fn down(&self, why: ConnectionError) {
        *lock(&self.last_error) = Some(Arc::new(why));
        self.set_status(Status::Down);
    }

    pub(super) fn set_status(&self, status: Status) {
        self.status.send_replace(status);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only whole values are moved under these locks, so a poisoned one is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
