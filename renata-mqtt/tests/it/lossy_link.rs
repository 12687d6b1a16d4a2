//! Two sessions over a link that cuts, with ends that crash, in simulated time.
//!
//! Each history is made from one number. Both ends send messages of QoS 1 and 2 to each other and
//! store what they do in a log that only keeps what was committed before a crash. After a while the
//! faults stop, and then has to hold: QoS 1 arrived at least once, QoS 2 exactly once, both in
//! order. What must hold at every step (windows, identifiers, order of acknowledgements) is checked
//! on the way by an observer that reads the bytes.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use renata_mqtt::session::{
    Arrival, Commit, Completion, Handler, Link, Role, Session, StoreSeq, Verdict,
};
use renata_mqtt::{PacketId, QoS, ReasonCode, Version, WriteQueue};

use crate::log::{Log, Message, Record};
use crate::observer::Observer;
use crate::support::{self, Random};

/// Thousands of histories, at a fraction of a millisecond each.
const HISTORIES: u64 = 6_000;

#[test]
fn messages_survive_cuts_and_crashes() {
    for seed in 0..HISTORIES {
        World::new(seed).run();
    }
}

/// One end: a session, its log, and what it has to send.
struct End {
    role: Role,
    session: Session<Message>,
    book: Book,
    out: WriteQueue,
    input: Vec<u8>,
    to_send: VecDeque<Message>,
}

/// What the session's callbacks work on.
struct Book {
    log: Log,
    version: Version,
    arrived: Vec<Message>,
    receipts: u64,
    lazy: bool,
}

impl Handler<Message> for Book {
    fn publish(&mut self, arrival: &Arrival<'_>) -> Verdict {
        let number = support::number(arrival.packet.payload());
        let qos = arrival.packet.qos();
        let message = Message { number, qos };
        let id = arrival.packet.id().filter(|_| qos == QoS::ExactlyOnce);
        self.arrived.push(message);
        let seq = self.log.append(Record::Arrived(message, id));
        self.settle();
        Verdict::AckAfter(seq, ReasonCode::SUCCESS)
    }

    fn completed(&mut self, id: PacketId, _: Message, completion: &Completion<'_>) {
        assert!(!completion.reason.is_error());
        self.log.append(Record::Completed(id));
    }

    fn received(&mut self, id: PacketId, _: &mut Message) -> Commit {
        let seq = self.log.append(Record::Received(id, self.receipts));
        self.receipts += 1;
        Commit::After(seq)
    }

    fn released(&mut self, id: PacketId) -> Commit {
        Commit::After(self.log.append(Record::Released(id)))
    }

    fn resend(&mut self, id: PacketId, message: &Message, out: &mut WriteQueue) {
        support::publish(self.version, message.qos, id, true, message.number, out);
    }

    fn abandoned(&mut self, message: Message) {
        panic!("nothing is ever forgotten here, and {message:?} was");
    }
}

impl Book {
    /// An eager log commits each record at once.
    fn settle(&mut self) {
        if !self.lazy {
            self.log.committed = self.log.records.len();
        }
    }
}

impl End {
    fn new(role: Role, version: Version, lazy: bool) -> Self {
        Self {
            role,
            session: Session::new(role),
            book: Book {
                log: Log::default(),
                version,
                arrived: Vec::new(),
                receipts: 0,
                lazy,
            },
            out: WriteQueue::new(),
            input: Vec::new(),
            to_send: VecDeque::new(),
        }
    }

    /// Opens what the window allows, and commits it: what is sent has to be remembered.
    fn send(&mut self, now: Instant) {
        let before = self.book.log.records.len();
        while self.session.window() > 0
            && let Some(message) = self.to_send.pop_front()
        {
            let id = self
                .session
                .open(now, message.qos, message)
                .expect("the window is open");
            self.book.log.append(Record::Opened(id, message));
            let version = self.book.version;
            support::publish(
                version,
                message.qos,
                id,
                false,
                message.number,
                &mut self.out,
            );
        }
        if self.book.log.records.len() > before {
            self.commit();
        }
    }

    /// The log reaches the disk, and what waited for it may leave.
    fn commit(&mut self) {
        self.book.log.committed = self.book.log.records.len();
        let upto = StoreSeq(self.book.log.committed as u64);
        self.session.committed(upto, &mut self.out);
    }

    /// Everything in memory is gone.
    fn crash(&mut self) {
        let before: Vec<_> = self.unsent_of_log();
        let (state, arrived) = self.book.log.replay();
        self.book.receipts += 1_000_000;
        self.session = Session::restore(self.role, state).expect("a log makes a session");
        self.book.arrived = arrived;
        // The application still has what its session never stored.
        for message in before.into_iter().rev() {
            self.to_send.push_front(message);
        }
    }

    fn unsent_of_log(&self) -> Vec<Message> {
        let lost = &self.book.log.records[self.book.log.committed..];
        let opened = lost.iter().filter_map(|record| match record {
            Record::Opened(_, message) => Some(*message),
            _ => None,
        });
        opened.collect()
    }

    fn drop_connection(&mut self) {
        self.session.lost();
        self.out = WriteQueue::new();
        self.input.clear();
    }

    fn is_done(&self) -> bool {
        self.to_send.is_empty()
            && self.session.messages().next().is_none()
            && self.session.owed() == 0
    }
}

struct World {
    seed: u64,
    random: Random,
    now: Instant,
    ends: [End; 2],
    /// Bytes on their way to each end.
    pipes: [VecDeque<u8>; 2],
    /// Watches what each end sends.
    observers: [Observer; 2],
    up: bool,
    maxima: [u16; 2],
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let version = if random.one_in(3) {
            Version::V3_1_1
        } else {
            Version::V5
        };
        let lazy = random.one_in(2);
        let ends = [Role::Client, Role::Server].map(|role| End::new(role, version, lazy));
        let mut world = Self {
            seed,
            now: Instant::now(),
            ends,
            pipes: Default::default(),
            observers: [Observer::new(seed), Observer::new(seed)],
            up: false,
            maxima: [1 + random.below(8) as u16, 1 + random.below(8) as u16],
            random,
        };
        for end in &mut world.ends {
            for number in 0..world.random.below(40) as u32 {
                let qos = if world.random.one_in(2) {
                    QoS::AtLeastOnce
                } else {
                    QoS::ExactlyOnce
                };
                end.to_send.push_back(Message { number, qos });
            }
        }
        world
    }

    fn run(mut self) {
        let wanted: [Vec<Message>; 2] =
            [0, 1].map(|at| self.ends[at].to_send.iter().copied().collect());
        for _ in 0..300 {
            self.step(true);
        }
        for _ in 0..100_000 {
            if self.ends.iter().all(End::is_done) && self.pipes.iter().all(VecDeque::is_empty) {
                break;
            }
            self.step(false);
        }
        for at in 0..2 {
            self.judge(at, &wanted[1 - at]);
        }
    }

    fn step(&mut self, faults: bool) {
        self.now += Duration::from_millis(self.random.below(20));
        if !self.up {
            self.connect();
        }
        if faults && self.random.one_in(25) {
            self.cut();
            for at in 0..2 {
                if self.random.one_in(3) {
                    self.ends[at].crash();
                }
            }
            return;
        }
        let at = self.random.below(2) as usize;
        match self.random.below(4) {
            0 => self.ends[at].send(self.now),
            1 => self.ends[at].commit(),
            2 => self.transmit(at),
            _ => self.deliver(at),
        }
    }

    fn connect(&mut self) {
        if self.random.one_in(3) {
            // Each connection may come with another window.
            self.maxima = [0, 1].map(|_| 1 + self.random.below(8) as u16);
        }
        self.up = true;
        for at in 0..2 {
            let mut link = Link::new(self.ends[at].book.version);
            link.session_present = true;
            link.receive_maximum = self.maxima[at];
            link.send_maximum = match link.version {
                Version::V5 => self.maxima[1 - at],
                Version::V3_1_1 => u16::MAX,
            };
            self.observers[at].connected(link.send_maximum);
            let end = &mut self.ends[at];
            end.session
                .connected(self.now, link, &mut end.book, &mut end.out);
        }
    }

    fn cut(&mut self) {
        self.up = false;
        for at in 0..2 {
            self.pipes[at].clear();
            self.observers[at].lost();
            self.ends[at].drop_connection();
        }
    }

    /// What an end has written goes on the wire.
    fn transmit(&mut self, at: usize) {
        let bytes = support::take(&mut self.ends[at].out);
        self.observers[at].sends(&bytes);
        self.pipes[1 - at].extend(bytes);
    }

    /// Some of the bytes on the wire arrive.
    fn deliver(&mut self, at: usize) {
        let count = self.random.below(200) as usize;
        let count = count.min(self.pipes[at].len());
        let arriving: Vec<u8> = self.pipes[at].drain(..count).collect();
        self.observers[at].arrives(&arriving);
        let end = &mut self.ends[at];
        end.input.extend(arriving);
        let input = std::mem::take(&mut end.input);
        let done = end
            .session
            .handle_input(self.now, &input, &mut end.book, &mut end.out)
            .unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
        end.input = input[done.used..].to_vec();
    }

    fn judge(&self, at: usize, wanted: &[Message]) {
        let seed = self.seed;
        let arrived = &self.ends[at].book.arrived;
        let of = |messages: &[Message], qos| -> Vec<u32> {
            let wanted = messages.iter().filter(|message| message.qos == qos);
            wanted.map(|message| message.number).collect()
        };
        assert_eq!(
            of(arrived, QoS::ExactlyOnce),
            of(wanted, QoS::ExactlyOnce),
            "seed {seed}: QoS 2 exactly once, in order"
        );
        let mut first = BTreeMap::new();
        for (place, number) in of(arrived, QoS::AtLeastOnce).into_iter().enumerate() {
            first.entry(number).or_insert(place);
        }
        let numbers: Vec<u32> = first.keys().copied().collect();
        assert_eq!(
            numbers,
            of(wanted, QoS::AtLeastOnce),
            "seed {seed}: QoS 1 at least once"
        );
        let places: Vec<usize> = first.values().copied().collect();
        assert!(
            places.is_sorted(),
            "seed {seed}: QoS 1 in order of first arrival"
        );
    }
}
