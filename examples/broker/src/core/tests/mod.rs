//! The core without sockets: bytes in, bytes out, made-up instants, an engine that commits when told.

mod durable;
mod hostile;
mod lifetimes;
mod recovery;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Core, LinkId, Next};
use crate::access::Access;
use crate::broker::Settings;
use crate::clock::Now;
use crate::config::Config;
use crate::engine::{Change, Engine, EngineError, Recovered, Ticket};

/// An engine whose disk is slow: nothing is committed before the test says so.
#[derive(Clone, Default)]
struct Slow {
    appended: Arc<AtomicU64>,
    committed: Arc<AtomicU64>,
    changes: Arc<Mutex<Vec<String>>>,
    full: Arc<AtomicU64>,
    left: Arc<Mutex<Recovered>>,
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
        Ok(std::mem::take(&mut self.left.lock().unwrap()))
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
        let packet = connect(version, name, clean, properties);
        assert_eq!(self.send(id, &packet), Next::Read);
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

fn connect(version: u8, name: &str, clean: bool, properties: &[u8]) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT".to_vec();
    body.extend([version, u8::from(clean) << 1, 0, 60]);
    if version == 5 {
        body.push(properties.len() as u8);
        body.extend(properties);
    }
    body.extend([0, name.len() as u8]);
    body.extend(name.as_bytes());
    frame(0x10, &body)
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
