//! What the handles of a client and its driver share: the queue, the budget, acknowledgements.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, watch};

use super::outgoing::{Draft, Outgoing};
use super::{Full, Offline, PublishError, Receipt, Status};
use crate::ReasonCode;
use crate::session::AckId;

/// The future of an admission that has to wait for room.
pub(super) type Admit<'c> = Pin<Box<dyn Future<Output = Result<Receipt, PublishError>> + Send + 'c>>;

/// Shared by the driver, the client's handles, its streams and its tokens. No lock in here is held
/// for longer than it takes to move a value.
#[derive(Debug)]
pub(super) struct Shared {
    offline: Offline,
    /// One permit a byte of the budget. Closed when the client closes.
    budget: Semaphore,
    /// Admitted messages that the driver has not fetched; bounded by the budget.
    queue: Mutex<VecDeque<Outgoing>>,
    /// Messages that were acknowledged by their consumers; bounded by the Receive Maximum.
    acks: Mutex<Vec<(AckId, ReasonCode)>>,
    /// Wakes the driver.
    wake: Notify,
    pub(super) status: watch::Sender<Status>,
    /// A stream went away: the driver has to look which.
    swept: AtomicBool,
    /// The last handle of the client went away.
    abandoned: AtomicBool,
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

    /// Admits a message if there is room now.
    pub(super) fn try_admit(
        &self,
        draft: Draft,
        cost: u32,
    ) -> Result<Receipt, (Draft, PublishError)> {
        match self.budget.try_acquire_many(cost) {
            Ok(permit) => {
                permit.forget();
                Ok(self.enqueue(draft, cost))
            }
            Err(tokio::sync::TryAcquireError::Closed) => Err((draft, PublishError::Closed)),
            Err(tokio::sync::TryAcquireError::NoPermits) => {
                let budget = self.offline.max_bytes;
                Err((draft, PublishError::Full { budget }))
            }
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

    fn enqueue(&self, draft: Draft, cost: u32) -> Receipt {
        let (sender, receipt) = Receipt::new();
        let now = tokio::time::Instant::now().into_std();
        let message = Outgoing::new(draft, cost, now, sender);
        let mut queue = lock(&self.queue);
        let idle = queue.is_empty();
        queue.push_back(message);
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
        std::mem::swap(&mut *lock(&self.queue), into);
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

    pub(super) fn set_status(&self, status: Status) {
        self.status.send_replace(status);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only whole values are moved under these locks, so a poisoned one is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
