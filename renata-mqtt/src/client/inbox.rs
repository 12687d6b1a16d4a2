//! Where messages wait for their consumer.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Message;
use crate::QoS;

/// The queue between the driver and one stream.
///
/// Messages of QoS 1 and 2 always fit: they are not acknowledged before they are taken, so that the
/// Receive Maximum bounds how many there are. Messages of QoS 0 beyond the buffer are dropped and
/// counted.
#[derive(Debug)]
pub(super) struct Inbox {
    state: Mutex<State>,
    buffer: usize,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Message>,
    wakers: Vec<Waker>,
    /// Of the messages in the queue, how many are of QoS 0.
    unacknowledged: usize,
    dropped: u64,
    consumer_gone: bool,
    ended: bool,
}

impl Inbox {
    pub(super) fn new(buffer: usize) -> Self {
        Self {
            state: Mutex::default(),
            buffer: buffer.max(1),
        }
    }

    /// Puts a message in. Gives it back if nobody will take it.
    pub(super) fn push(&self, message: Message) -> Result<(), Message> {
        let mut state = self.lock();
        if state.consumer_gone || state.ended {
            return Err(message);
        }
        if !message.owes_ack() {
            if state.unacknowledged >= self.buffer {
                state.dropped += 1;
                return Ok(());
            }
            state.unacknowledged += 1;
        }
        state.queue.push_back(message);
        state.wakers.drain(..).for_each(Waker::wake);
        Ok(())
    }

    /// The next message, or `None` once the stream has ended and everything was taken.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut state = self.lock();
        if let Some(message) = state.queue.pop_front() {
            state.unacknowledged -= usize::from(!message.owes_ack());
            return Poll::Ready(Some(message));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// There is a new connection, and acknowledgements of QoS 1 on the old one are void. A resumed
    /// session sends those messages again, so they are dropped here. With the session gone nobody
    /// will: they stay, owing nothing, as far as the buffer goes.
    pub(super) fn reconnected(&self, resumed: bool) {
        let mut state = self.lock();
        let mut left = VecDeque::new();
        let mut free = 0;
        for mut message in std::mem::take(&mut state.queue) {
            if message.owes_ack() && resumed {
                if message.qos() == QoS::AtLeastOnce {
                    continue;
                }
            } else {
                if free == self.buffer {
                    state.dropped += 1;
                    continue;
                }
                free += 1;
                // Void, and nobody waits for it.
                drop(message.take_token());
            }
            left.push_back(message);
        }
        state.queue = left;
        state.unacknowledged = free;
    }

    /// Takes out what `wanted` accepts, in order.
    pub(super) fn extract(&self, mut wanted: impl FnMut(&Message) -> bool) -> Vec<Message> {
        let mut state = self.lock();
        let mut taken = Vec::new();
        let mut left = VecDeque::new();
        for message in std::mem::take(&mut state.queue) {
            if wanted(&message) {
                state.unacknowledged -= usize::from(!message.owes_ack());
                taken.push(message);
            } else {
                left.push_back(message);
            }
        }
        state.queue = left;
        taken
    }

    /// Nothing more will come; what is there can still be taken.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.wakers.drain(..).for_each(Waker::wake);
    }

    /// The consumer went away. What it did not take stays for whoever extracts it.
    pub(super) fn abandon(&self) {
        self.lock().consumer_gone = true;
    }

    /// Whether the consumer went away.
    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().consumer_gone
    }

    /// How many messages of QoS 0 found the buffer full.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way, so a poisoned queue is a whole queue.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
