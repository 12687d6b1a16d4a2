//! What a worker is told from outside its thread; nothing of the data path goes this way.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use mio::Waker;

use crate::broker::Settings;

/// One thing to do for a worker.
#[derive(Debug)]
pub(crate) enum Mail {
    /// Obey new settings, then say so.
    Reload(Arc<Settings>, SyncSender<()>),
    /// Stop accepting, tell the clients, commit, end.
    Drain,
}

/// The sending end: bounded, and wakes the worker.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    sender: SyncSender<Mail>,
    waker: Arc<Waker>,
}

impl Mailbox {
    /// A mailbox and its receiving end. A full one makes the sender wait.
    pub(super) fn new(waker: Arc<Waker>) -> (Self, Receiver<Mail>) {
        let (sender, receiver) = sync_channel(DEPTH);
        (Self { sender, waker }, receiver)
    }

    /// Puts `mail` in and wakes the worker; for a worker that has ended it does nothing.
    pub(crate) fn send(&self, mail: Mail) {
        let _ = self.sender.send(mail);
        let _ = self.waker.wake();
    }
}

const DEPTH: usize = 16;
