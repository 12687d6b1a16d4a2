//! One connection, from CONNACK to its end.

use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::Sleep;

use super::connect::{Connection, Terms};
use super::events::Events;
use super::io::{Step, Wire};
use super::{Driver, End, FOREVER, closing, now};
use crate::client::outgoing::Outgoing;
use crate::client::{ConnectionError, Status};
use crate::session::{AckId, Next, ProtocolError, Session};
use crate::wire::{Framing, frame_len};
use crate::{ReasonCode, WriteQueue};

/// What belongs to the current connection.
struct Live {
    wire: Wire,
    terms: Terms,
    /// Whole packets that were read and not yet handled, because the session paused.
    rest: Bytes,
    /// The server said goodbye.
    goodbye: Option<ConnectionError>,
    acks: Vec<(AckId, ReasonCode)>,
}

impl Driver {
    /// Serves a connection until it ends.
    pub(super) async fn serve(&mut self, connection: Connection) -> End {
        let Connection {
            wire,
            link,
            terms,
            assigned_id,
        } = connection;
        if let Some(id) = assigned_id {
            self.client_id = id;
        }
        let forgotten = !link.session_present;
        let mut live = Live {
            wire,
            terms,
            rest: Bytes::new(),
            goodbye: None,
            acks: Vec::new(),
        };
        self.router.lost(forgotten);
        self.router.reconnected(!forgotten);
        if forgotten {
            self.requests.session_lost(&mut self.router);
        }
        let (session, mut events, out) = self.parts(&mut live);
        session.connected(now(), link, &mut events, out);
        let status = if forgotten && self.resuming {
            Status::SessionLost
        } else {
            Status::Up
        };
        self.resuming = true;
        self.shared.set_status(status);
        let end = self.exchange(&mut live).await;
        self.session.lost();
        self.outbox.lost();
        self.requests.lost();
        self.router.lost(false);
        end
    }

    async fn exchange(&mut self, live: &mut Live) -> End {
        let mut timer = pin!(tokio::time::sleep(FOREVER));
        // Packets may have come together with CONNACK.
        let mut ended = self.handle_input(live);
        loop {
            if ended.is_ok() {
                ended = self.write_what_is_due(live);
            }
            if let Err(error) = ended {
                return self.break_off(live, error).await;
            }
            if let Some(goodbye) = live.goodbye.take() {
                return End::Lost(goodbye);
            }
            if self.must_end() {
                self.say_goodbye(live).await;
                return End::Closed;
            }
            arm(timer.as_mut(), self.session.poll_timeout());
            let read = live.rest.is_empty() && live.wire.out.len() < OUT_LIMIT;
            tokio::select! {
                step = live.wire.step(read) => match step {
                    Ok(Step::Read) => ended = self.handle_input(live),
                    Ok(Step::Written) => self.outbox.flushed(),
                    Err(error) => return End::Lost(error.into()),
                },
                () = self.shared.woken() => self.housekeep(),
                Some(command) = self.commands.recv() => self.take(command),
                () = &mut timer => {
                    ended = self.session.handle_timeout(now(), &mut live.wire.out);
                }
                () = closing::deadline(self.closing.as_ref()) => {}
            }
        }
    }

    /// Acknowledgements, requests and messages: whatever the session lets out now.
    fn write_what_is_due(&mut self, live: &mut Live) -> Result<(), ProtocolError> {
        let now = now();
        self.shared.fetch_acks(&mut live.acks);
        for (ack, reason) in live.acks.drain(..) {
            // Not owed any more if the connection that it came on is gone: it will come again.
            let _ = self.session.ack(ack, reason, &mut live.wire.out);
        }
        if self.session.is_paused() {
            self.handle_rest(live)?;
        }
        self.send_requests(now, &live.terms, &mut live.wire.out);
        if self.session.is_paused() {
            self.router.presume();
        }
        self.outbox
            .send(now, &mut self.session, &live.terms, &mut live.wire.out);
        Ok(())
    }

    fn handle_input(&mut self, live: &mut Live) -> Result<(), ProtocolError> {
        let whole = whole_packets(&live.wire.input, self.config.limits.max_packet);
        live.rest = live.wire.input.split_to(whole).freeze();
        self.handle_rest(live)
    }

    fn handle_rest(&mut self, live: &mut Live) -> Result<(), ProtocolError> {
        let chunk = std::mem::take(&mut live.rest);
        let (session, mut events, out) = self.parts(live);
        events.chunk = chunk.clone();
        let input = session.handle_input(now(), &chunk, &mut events, out)?;
        if input.next == Next::Paused {
            live.rest = chunk.slice(input.used..);
        }
        Ok(())
    }

    fn parts<'a>(
        &'a mut self,
        live: &'a mut Live,
    ) -> (&'a mut Session<Outgoing>, Events<'a>, &'a mut WriteQueue) {
        let events = Events {
            shared: &self.shared,
            router: &mut self.router,
            requests: &mut self.requests,
            terms: &live.terms,
            goodbye: &mut live.goodbye,
            chunk: Bytes::new(),
        };
        (&mut self.session, events, &mut live.wire.out)
    }

    /// The server broke the protocol, or is silent: tell it and go.
    async fn break_off(&mut self, live: &mut Live, error: ProtocolError) -> End {
        self.session.disconnect(error.reason(), &mut live.wire.out);
        // It is worth a moment, no more: the other side may not be reading.
        let _ = tokio::time::timeout(GOODBYE, live.wire.flush()).await;
        End::Lost(error.into())
    }

    async fn say_goodbye(&mut self, live: &mut Live) {
        self.session
            .disconnect(ReasonCode::NORMAL_DISCONNECTION, &mut live.wire.out);
        let goodbye = async {
            live.wire.flush().await?;
            live.wire.shutdown().await
        };
        if let Ok(Ok(())) = tokio::time::timeout(GOODBYE, goodbye).await {
            self.outbox.flushed();
        }
    }
}

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// With so many bytes waiting to be written nothing more is read, so that a server that never reads
/// cannot make us answer without end.
const OUT_LIMIT: usize = 1 << 20;

/// How many bytes at the front of `input` are whole packets. What cannot be a packet counts as one:
/// the session will say what is wrong with it.
fn whole_packets(input: &[u8], max_packet: u32) -> usize {
    let mut at = 0;
    loop {
        match frame_len(&input[at..], max_packet) {
            Ok(Framing::Frame { header, body }) => at += header + body,
            Ok(Framing::Need(_)) => return at,
            Err(_) => return input.len(),
        }
    }
}

/// Sets the timer to an earlier deadline. A later one is left for when it rings, because every
/// packet moves the deadline.
fn arm(timer: Pin<&mut Sleep>, deadline: Option<Instant>) {
    let deadline = deadline.unwrap_or_else(|| now() + FOREVER).into();
    if timer.is_elapsed() || deadline < timer.deadline() {
        timer.reset(deadline);
    }
}
