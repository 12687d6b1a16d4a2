//! The core without sockets: bytes in, bytes out, made-up instants, an engine that commits when told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Core, LinkId, Next};
use crate::access::Access;
use crate::broker::Settings;
use crate::clock::Now;
use crate::config::{Config, WhenFull};
use crate::engine::{Change, Engine, EngineError, Memory, Recovered, Ticket};

/// An engine whose disk is slow: nothing is committed before the test says so.
#[derive(Clone, Default)]
struct Slow {
    appended: Arc<AtomicU64>,
    committed: Arc<AtomicU64>,
    changes: Arc<Mutex<Vec<String>>>,
    full: Arc<AtomicU64>,
}

impl Slow {
    fn commit(&self) {
        let all = self.appended.load(Ordering::SeqCst);
        self.committed.store(all, Ordering::SeqCst);
    }

    fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.changes.lock().unwrap())
    }
}

impl Engine for Slow {
    fn recover(&mut self) -> Result<Recovered, EngineError> {
        Ok(Recovered::default())
    }

    fn append(&mut self, _now: Instant, changes: &[Change<'_>]) -> Result<Ticket, EngineError> {
        if self.full.load(Ordering::SeqCst) > 0 {
            return Err(EngineError::Full);
        }
        let names = changes.iter().map(|change| format!("{change:?}"));
        let names = names.map(|text| text.split(['(', ' ']).next().unwrap_or_default().to_owned());
        self.changes.lock().unwrap().extend(names);
        Ok(Ticket(self.appended.fetch_add(1, Ordering::SeqCst) + 1))
    }

    fn committed(&self) -> Ticket {
        Ticket(self.committed.load(Ordering::SeqCst))
    }

    fn turn(&mut self, _now: Instant) -> Result<(), EngineError> {
        Ok(())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn on_commit(&mut self, _wake: Box<dyn Fn() + Send + Sync>) {}

    fn is_durable(&self) -> bool {
        true
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        self.commit();
        Ok(())
    }
}

/// A core with a clock in the test's hand.
struct Table {
    core: Core,
    now: Now,
    links: usize,
}

impl Table {
    fn new(engine: impl Engine + 'static, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            allow_anonymous: true,
            ..Config::default()
        };
        change(&mut config);
        let settings = Settings {
            access: Access::load(&config).unwrap(),
            config,
            tls: None,
        };
        let now = Now::get();
        let core = Core::new(now, Arc::new(settings), Box::new(engine)).unwrap();
        Self {
            core,
            now,
            links: 0,
        }
    }

    fn wait(&mut self, secs: u64) {
        self.now.mono += Duration::from_secs(secs);
        self.now.unix_ms += secs * 1_000;
        self.core.end_turn(self.now);
    }

    fn open(&mut self) -> LinkId {
        let id = LinkId(self.links);
        self.links += 1;
        let peer = "127.0.0.1:9".parse().unwrap();
        self.core.open(self.now, id, peer);
        id
    }

    /// Hands `bytes` in and ends the turn.
    fn send(&mut self, id: LinkId, bytes: &[u8]) -> Next {
        let taken = self.core.receive(self.now, id, bytes);
        self.core.end_turn(self.now);
        taken.next
    }

    /// What was written to `id` since the last call.
    fn read(&mut self, id: LinkId) -> Vec<u8> {
        let mut said = Vec::new();
        let mut others = Vec::new();
        while let Some(dirty) = self.core.next_dirty() {
            if dirty == id {
                said = self.take(id);
            } else {
                others.push(dirty);
            }
        }
        for other in others {
            self.core.set_dirty(other);
        }
        said
    }

    fn take(&mut self, id: LinkId) -> Vec<u8> {
        let out = self.core.out(id).expect("the link is there");
        let mut slices = [std::io::IoSlice::new(&[]); 64];
        let count = out.chunks(&mut slices);
        let said: Vec<u8> = slices[..count].iter().flat_map(|s| s.to_vec()).collect();
        out.advance(said.len());
        self.core.flushed(id, said.len(), false);
        self.core.end_turn(self.now);
        said
    }

    /// A client that is connected; properties for 5.0.
    fn connect(&mut self, version: u8, name: &str, clean: bool, properties: &[u8]) -> LinkId {
        let id = self.open();
        let mut body = b"\x00\x04MQTT".to_vec();
        body.extend([version, u8::from(clean) << 1, 0, 60]);
        if version == 5 {
            body.push(properties.len() as u8);
            body.extend(properties);
        }
        body.extend([0, name.len() as u8]);
        body.extend(name.as_bytes());
        assert_eq!(self.send(id, &frame(0x10, &body)), Next::Read);
        id
    }

    /// A persistent 3.1.1 session with one subscription, its answers read.
    fn keeper(&mut self, slow: &Slow, name: &str, filter: &str, qos: u8) -> LinkId {
        let id = self.connect(4, name, false, &[]);
        self.send(id, &subscribe(4, filter, qos));
        assert!(
            self.read(id).is_empty(),
            "nothing is said before it is safe"
        );
        slow.commit();
        self.core.end_turn(self.now);
        assert_eq!(self.read(id), [0x20, 2, 0, 0, 0x90, 3, 0, 1, qos]);
        slow.changes();
        id
    }
}

fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first, body.len() as u8];
    packet.extend(body);
    packet
}

fn subscribe(version: u8, filter: &str, options: u8) -> Vec<u8> {
    let mut body = vec![0, 1];
    body.extend((version == 5).then_some(0));
    body.extend([0, filter.len() as u8]);
    body.extend(filter.as_bytes());
    body.push(options);
    frame(0x82, &body)
}

fn publish(first: u8, topic: &str, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![0, topic.len() as u8];
    body.extend(topic.as_bytes());
    if first & 6 != 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(payload);
    frame(first, &body)
}

#[test]
fn a_puback_waits_for_the_commit_if_a_persistent_session_needs_the_message() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let sub = table.keeper(&slow, "sub", "a", 1);
    let publisher = table.connect(4, "pub", true, &[]);
    table.read(publisher);
    table.send(publisher, &publish(0x32, "a", 7, b"x"));
    assert_eq!(slow.changes(), ["Message", "Enqueue"]);
    assert_eq!((table.read(publisher), table.read(sub)), (vec![], vec![]));
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(table.read(publisher), [0x40, 2, 0, 7]);
    assert_eq!(table.read(sub), publish(0x32, "a", 1, b"x"));
    table.send(sub, &[0x40, 2, 0, 1]);
    assert_eq!(slow.changes(), ["Dequeue"]);
}

#[test]
fn a_message_for_live_clean_sessions_touches_no_disk() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let sub = table.connect(4, "sub", true, &[]);
    table.send(sub, &subscribe(4, "a", 1));
    table.read(sub);
    let publisher = table.connect(4, "pub", true, &[]);
    table.read(publisher);
    table.send(publisher, &publish(0x32, "a", 7, b"x"));
    assert_eq!(table.read(publisher), [0x40, 2, 0, 7]);
    assert_eq!(table.read(sub), publish(0x32, "a", 1, b"x"));
    assert!(slow.changes().is_empty());
}

#[test]
fn qos_2_from_a_persistent_client_shows_each_step_only_when_it_is_safe() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let publisher = table.keeper(&slow, "pub", "other", 0);
    table.send(publisher, &publish(0x34, "a", 7, b"x"));
    assert_eq!(slow.changes(), ["OpenInbound"]);
    assert!(table.read(publisher).is_empty());
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(table.read(publisher), [0x50, 2, 0, 7], "PUBREC");
    table.send(publisher, &[0x62, 2, 0, 7]);
    assert_eq!(slow.changes(), ["CloseInbound"]);
    assert!(table.read(publisher).is_empty());
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(table.read(publisher), [0x70, 2, 0, 7], "PUBCOMP");
}

#[test]
fn a_full_journal_refuses_the_publisher_and_nobody_gets_the_message() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let sub = table.keeper(&slow, "sub", "a", 1);
    let old = table.connect(4, "old", true, &[]);
    let new = table.connect(5, "new", true, &[]);
    table.read(old);
    table.read(new);
    slow.full.store(1, Ordering::SeqCst);
    assert_eq!(
        table.send(new, b"\x32\x07\x00\x01a\x00\x07\x00x"),
        Next::Read
    );
    assert_eq!(table.read(new)[..5], [0x40, 3, 0, 7, 0x97]);
    assert_eq!(table.send(old, &publish(0x32, "a", 7, b"x")), Next::Close);
    assert!(table.read(old).is_empty(), "3.1.1 cannot be told");
    assert!(table.read(sub).is_empty());
    slow.full.store(0, Ordering::SeqCst);
    table.send(new, b"\x32\x07\x00\x01a\x00\x08\x00x");
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(
        table.read(sub),
        publish(0x32, "a", 1, b"x"),
        "no restart needed"
    );
}

#[test]
fn a_full_queue_refuses_or_drops_as_configured() {
    for when_full in [WhenFull::Refuse, WhenFull::Drop] {
        let slow = Slow::default();
        let mut table = Table::new(slow.clone(), |config| {
            config.queue.messages = 2;
            config.queue.when_full = when_full;
        });
        let sub = table.keeper(&slow, "sub", "a", 1);
        table.core.lost(table.now, sub);
        let publisher = table.connect(5, "pub", true, &[]);
        table.read(publisher);
        let mut reasons = Vec::new();
        for id in 1..4 {
            table.send(publisher, &[0x32, 7, 0, 1, b'a', 0, id, 0, b'x']);
            slow.commit();
            table.core.end_turn(table.now);
            let puback = table.read(publisher);
            reasons.push(
                puback
                    .get(4)
                    .copied()
                    .filter(|_| puback[1] > 2)
                    .unwrap_or(0),
            );
        }
        let last = [0x97, 0][usize::from(when_full == WhenFull::Drop)];
        assert_eq!(reasons, [0, 0, last], "{when_full:?}");
    }
}

#[test]
fn a_silent_client_is_let_go_and_its_will_follows_the_delay() {
    let mut table = Table::new(Memory, |_| {});
    let watcher = table.connect(5, "watcher", true, &[]);
    table.send(watcher, &subscribe(5, "will", 0));
    let id = table.open();
    // Clean start, will at QoS 0; session expiry 100 s; will delay 10 s; keep-alive 60 s.
    let body = b"\x00\x04MQTT\x05\x06\x00\x3c\x05\x11\x00\x00\x00\x64\x00\x01m\x05\x18\x00\x00\x00\x0a\x00\x04will\x00\x01x";
    table.send(id, &frame(0x10, body));
    table.read(id);
    table.read(watcher);
    table.wait(80);
    table.send(watcher, &[0xc0, 0]);
    table.read(watcher);
    table.wait(15);
    assert_eq!(
        table.read(id),
        [0xe0, 1, 0x8d],
        "keep-alive timeout at 1.5 x 60 s"
    );
    table.core.lost(table.now, id);
    assert!(table.read(watcher).is_empty(), "not before the delay");
    table.wait(11);
    assert_eq!(table.read(watcher), b"\x30\x08\x00\x04will\x00x");
}

#[test]
fn a_connection_without_connect_is_closed_in_time() {
    let mut table = Table::new(Memory, |_| {});
    let id = table.open();
    assert_eq!(table.send(id, &[0x10]), Next::Read);
    table.wait(11);
    assert!(table.core.is_closing(id));
}
