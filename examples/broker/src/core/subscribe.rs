//! SUBSCRIBE and UNSUBSCRIBE: the policy, the tree, the retained messages.

use std::sync::Arc;

use renata_mqtt::packet::{RetainHandling, SubscribeRef, SubscriptionOptions, UnsubscribeRef};
use renata_mqtt::{ReasonCode, WriteQueue};
use renata_topics::{Limits, TopicFilter, TopicName};
use smallvec::SmallVec;

use super::client::{ClientKey, Subscription};
use super::parcel::Parcel;
use super::router::{Match, Options};
use super::{Core, LinkId, wire};
use crate::clock::Now;
use crate::engine::{Change, MessageId, QueueRecord, Ticket};
use crate::message::Message;

impl Core {
    /// Handles a SUBSCRIBE; its SUBACK leaves once the engine has the subscriptions.
    pub(super) fn subscribe(
        &mut self,
        now: Now,
        id: LinkId,
        key: ClientKey,
        packet: &SubscribeRef<'_>,
        out: &mut WriteQueue,
    ) {
        let identifier = packet.subscription_id().unwrap_or(0);
        let mut codes: SmallVec<[ReasonCode; 8]> = SmallVec::new();
        let mut retained = Vec::new();
        for (filter, options) in packet.filters() {
            let code = match self.add(key, filter, options, identifier) {
                Ok((subscription, is_new)) => {
                    let code = ReasonCode::new(subscription.options.qos);
                    let send = match options.retain_handling {
                        RetainHandling::Send => true,
                        RetainHandling::SendIfNew => is_new,
                        RetainHandling::DoNotSend => false,
                    };
                    if send {
                        retained.push(subscription);
                    }
                    code
                }
                Err(code) => code,
            };
            codes.push(code);
        }
        let ticket = self.record(now, key);
        if let Some(link) = self.links.get_mut(id) {
            link.flush_after = link.flush_after.max(ticket);
            wire::suback(link.version, packet.id(), &codes, out);
        }
        for subscription in retained {
            self.send_retained(now, key, &subscription);
        }
    }

    /// Adds one subscription, or says why not. `true`: the client did not have it.
    fn add(
        &mut self,
        key: ClientKey,
        text: &str,
        wanted: SubscriptionOptions,
        identifier: u32,
    ) -> Result<(Subscription, bool), ReasonCode> {
        let config = &self.settings.config;
        let limits = Limits::DEFAULT.with_max_levels(config.limits.topic_levels);
        let filter =
            TopicFilter::with_limits(text, limits).map_err(|_| ReasonCode::TOPIC_FILTER_INVALID)?;
        let client = self
            .clients
            .get_mut(key.0 as usize)
            .ok_or(ReasonCode::UNSPECIFIED_ERROR)?;
        let Some(qos) = client.who.grant(filter, wanted.qos as u8) else {
            self.stats.denied += 1;
            tracing::info!(client = %client.who.client_id, filter = text, "subscribe denied");
            return Err(ReasonCode::NOT_AUTHORIZED);
        };
        let subscription = Subscription {
            filter: filter.as_str().into(),
            options: Options {
                qos,
                no_local: wanted.no_local,
                retain_as_published: wanted.retain_as_published,
                identifier,
            },
            retain_handling: wanted.retain_handling as u8,
        };
        let same = |s: &Subscription| *s.filter == *filter.as_str();
        let old = client.subscriptions.iter().position(same);
        match old {
            Some(at) => {
                let old = std::mem::replace(&mut client.subscriptions[at], subscription.clone());
                self.router.remove(filter, key, old.options);
            }
            None if client.subscriptions.len() >= config.limits.subscriptions => {
                return Err(ReasonCode::QUOTA_EXCEEDED);
            }
            None => client.subscriptions.push(subscription.clone()),
        }
        let is_new = old.is_none();
        self.router.insert(filter, key, subscription.options);
        Ok((subscription, is_new))
    }

    /// Queues the retained messages for a new subscription; shared ones get none (MQTT 5.0 §4.8.2).
    fn send_retained(&mut self, now: Now, key: ClientKey, subscription: &Subscription) {
        let Ok(filter) = TopicFilter::new(&subscription.filter) else {
            return;
        };
        if filter.share_name().is_some() {
            return;
        }
        let (found, expired) = self.retained.matching(filter, now.unix_ms);
        let options = subscription.options;
        let mut identifiers = SmallVec::new();
        if options.identifier != 0 {
            identifiers.push(options.identifier);
        }
        let to = Match {
            client: key,
            qos: options.qos,
            retain_as_published: true,
            identifiers,
            group: None,
        };
        for entry in found {
            let ticket = match entry.id {
                Some(message) if to.qos.min(entry.message.qos) > 0 => {
                    self.append_retained(now, &to, message, &entry.message)
                }
                _ => Ticket::default(),
            };
            self.deliver(now, &mut Parcel::of(&entry.message, true), &to, ticket);
        }
        for topic in expired {
            if let Ok(topic) = TopicName::new(&topic) {
                self.clear_retained(now, topic);
            }
        }
    }

    /// Writes down that a session has to get a retained message, if the session survives.
    fn append_retained(
        &mut self,
        now: Now,
        to: &Match,
        message: MessageId,
        content: &Message,
    ) -> Ticket {
        let Some(client) = self.clients.get(to.client.0 as usize) else {
            return Ticket::default();
        };
        if !client.is_persistent() {
            return Ticket::default();
        }
        let record = QueueRecord {
            seq: client.next_seq,
            message,
            qos: to.qos.min(content.qos),
            retain: true,
            identifiers: to.identifiers.clone(),
        };
        let session = client.id;
        self.append_one(now, Change::Enqueue(session, &record))
    }

    /// Handles an UNSUBSCRIBE; its UNSUBACK leaves once the engine knows.
    pub(super) fn unsubscribe(
        &mut self,
        now: Now,
        id: LinkId,
        key: ClientKey,
        packet: &UnsubscribeRef<'_>,
        out: &mut WriteQueue,
    ) {
        let mut codes: SmallVec<[ReasonCode; 8]> = SmallVec::new();
        for text in packet.filters() {
            codes.push(match TopicFilter::new(text) {
                Ok(filter) if self.take_out(key, filter) => ReasonCode::SUCCESS,
                Ok(_) => ReasonCode::NO_SUBSCRIPTION_EXISTED,
                Err(_) => ReasonCode::TOPIC_FILTER_INVALID,
            });
        }
        let ticket = self.record(now, key);
        if let Some(link) = self.links.get_mut(id) {
            link.flush_after = link.flush_after.max(ticket);
            wire::unsuback(link.version, packet.id(), &codes, out);
        }
    }

    /// Ends one subscription; `false` if the client has no such one.
    pub(super) fn take_out(&mut self, key: ClientKey, filter: TopicFilter<'_>) -> bool {
        let Some(client) = self.clients.get_mut(key.0 as usize) else {
            return false;
        };
        let same = |s: &Subscription| *s.filter == *filter.as_str();
        let Some(at) = client.subscriptions.iter().position(same) else {
            return false;
        };
        let gone = client.subscriptions.remove(at);
        self.router.remove(filter, key, gone.options);
        true
    }

    /// Ends the subscriptions that the policy does not cover any more, and takes what came through
    /// them out of the queue.
    pub(super) fn recheck(&mut self, now: Now, key: ClientKey) {
        let Some(client) = self.clients.get(key.0 as usize) else {
            return;
        };
        let who = Arc::clone(&client.who);
        if !who.is_known() {
            return;
        }
        let covered = |s: &Subscription| {
            let filter = TopicFilter::new(&s.filter);
            filter.is_ok_and(|f| who.grant(f, s.options.qos) == Some(s.options.qos))
        };
        let refused: Vec<_> = client
            .subscriptions
            .iter()
            .filter(|s| !covered(s))
            .map(|s| Arc::clone(&s.filter))
            .collect();
        if refused.is_empty() {
            return;
        }
        for text in &refused {
            if let Ok(filter) = TopicFilter::new(text) {
                tracing::warn!(client = %who.client_id, filter = filter.as_str(), "subscription revoked");
                self.take_out(key, filter);
            }
        }
        let Some(client) = self.clients.get_mut(key.0 as usize) else {
            return;
        };
        let filters = &client.subscriptions;
        client.queue.revoke(|message| {
            TopicName::new(&message.topic).is_ok_and(|topic| {
                filters
                    .iter()
                    .any(|s| TopicFilter::new(&s.filter).is_ok_and(|f| f.matches(topic)))
            })
        });
        self.record(now, key);
    }
}
