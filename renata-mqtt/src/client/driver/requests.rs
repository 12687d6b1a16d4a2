//! SUBSCRIBE and UNSUBSCRIBE: what is still to be asked, what has no answer yet.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use renata_topics::TopicFilterBuf;
use tokio::sync::oneshot;

use super::Driver;
use super::connect::Terms;
use crate::client::inbox::Inbox;
use crate::client::router::Router;
use crate::client::{Message, SubscribeError};
use crate::packet::{Property, Subscribe, Unsubscribe, encode};
use crate::session::Request;
use crate::{PacketId, WriteQueue};

type Reply = oneshot::Sender<Result<(), SubscribeError>>;

impl Driver {
    /// Sends what is still to be asked: what ends first, so that it does not end what begins.
    pub(super) fn send_requests(&mut self, now: Instant, terms: &Terms, out: &mut WriteQueue) {
        while let Some(unsubscribe) = self.requests.wanted.pop() {
            let Ok(id) = self.session.request(now, Request::Unsubscribe, 1) else {
                self.requests.wanted.push(unsubscribe);
                return;
            };
            let packet = Unsubscribe {
                id,
                filters: &[unsubscribe.filter.as_str()],
                properties: &[],
            };
            // A filter is never longer than a string may be.
            let written = encode(&packet, terms.version, out);
            debug_assert!(written.is_ok());
            self.requests.asked.insert(id, unsubscribe);
        }
        for subscription in self.router.take_wanted() {
            self.subscribe(subscription, now, terms, out);
        }
    }

    fn subscribe(&mut self, number: u32, now: Instant, terms: &Terms, out: &mut WriteQueue) {
        let Some(wish) = self.router.wish(number) else {
            return;
        };
        let Ok(id) = self.session.request(now, Request::Subscribe, 1) else {
            self.router.want(number);
            return;
        };
        let numbered = [Property::SubscriptionIdentifier(number)];
        let packet = Subscribe {
            id,
            filters: &[(wish.filter.as_str(), wish.options)],
            properties: if terms.subscription_ids {
                &numbered
            } else {
                &[]
            },
        };
        // A filter is never longer than a string may be.
        let written = encode(&packet, terms.version, out);
        debug_assert!(written.is_ok());
        self.router.asked(number, id);
    }
}

/// Subscriptions to be ended. There are never more than there were subscriptions to begin with.
#[derive(Debug, Default)]
pub(super) struct Requests {
    wanted: Vec<Ending>,
    asked: HashMap<PacketId, Ending>,
}

/// A subscription to be ended.
#[derive(Debug)]
struct Ending {
    /// Whose it is.
    inbox: Arc<Inbox>,
    filter: TopicFilterBuf,
    reply: Option<Reply>,
}

impl Requests {
    /// Ends a subscription: at the server, if it may know of it.
    pub(super) fn unsubscribe(&mut self, id: u32, router: &mut Router, reply: Reply) {
        let Some(wish) = router.wish(id) else { return };
        let unsubscribe = Ending {
            inbox: Arc::clone(&wish.inbox),
            filter: wish.filter.clone(),
            reply: Some(reply),
        };
        if router.is_known_to_server(id) {
            self.wanted.push(unsubscribe);
        } else {
            unsubscribe.done(router, Ok(()));
        }
    }

    /// The stream of a subscription was dropped, and nobody will come back for it: ends it, and
    /// gives what was not taken.
    pub(super) fn dismiss(&mut self, id: u32, router: &mut Router) -> Vec<Message> {
        if let Some(wish) = router.wish(id)
            && router.is_known_to_server(id)
        {
            self.wanted.push(Ending {
                inbox: Arc::clone(&wish.inbox),
                filter: wish.filter.clone(),
                reply: None,
            });
        }
        router.remove(id)
    }

    /// UNSUBACK arrived.
    pub(super) fn answered(
        &mut self,
        packet: PacketId,
        router: &mut Router,
        answer: Result<(), SubscribeError>,
    ) {
        if let Some(unsubscribe) = self.asked.remove(&packet) {
            unsubscribe.done(router, answer);
        }
    }

    /// The connection is gone: ask again.
    pub(super) fn lost(&mut self) {
        self.wanted
            .extend(self.asked.drain().map(|(_, unsubscribe)| unsubscribe));
    }

    /// The server has forgotten everything: there is nothing left to end.
    pub(super) fn session_lost(&mut self, router: &mut Router) {
        for unsubscribe in self.wanted.drain(..) {
            unsubscribe.done(router, Ok(()));
        }
    }

    /// The client is closed: whoever waits learns it from the dropped reply.
    pub(super) fn end(&mut self) {
        self.wanted.clear();
        self.asked.clear();
    }
}

impl Ending {
    fn done(self, router: &mut Router, answer: Result<(), SubscribeError>) {
        if answer.is_ok()
            && let Some(id) = router.find(&self.inbox)
        {
            let left = router.remove(id);
            router.keep_all(left);
        }
        if let Some(reply) = self.reply {
            // Nobody has to wait for the answer.
            let _ = reply.send(answer);
        }
    }
}
