//! The task behind a client: connects, serves the connection, waits, connects again.

mod closing;
mod connect;
mod events;
mod io;
mod outbox;
mod requests;
mod serve;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use self::closing::Closing;
use self::outbox::Outbox;
use self::requests::Requests;
use super::backoff::{random, random_bits};
use super::builder::{Config, Server};
use super::command::Command;
use super::inbox::Inbox;
use super::outgoing::Outgoing;
use super::router::Router;
use super::shared::Shared;
use super::{ConnectError, ConnectionError, Status};
use crate::PacketId;
use crate::session::{Role, Session};

/// Owns everything about a client that outlives a connection.
pub(super) struct Driver {
    config: Arc<Config>,
    server: Arc<Server>,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    session: Session<Outgoing>,
    outbox: Outbox,
    router: Router,
    requests: Requests,
    closing: Option<Closing>,
    /// Who waits for the first attempt to connect.
    first: Option<oneshot::Sender<Result<(), ConnectError>>>,
    /// Whether a connection was up before.
    resuming: bool,
    /// The client id: the configured one, or what a server made up for us.
    client_id: String,
}

/// How a connection ended.
enum End {
    /// Lost, or ended by either side: try again.
    Lost(ConnectionError),
    /// The client was closed.
    Closed,
}

impl Driver {
    pub(super) fn new(
        config: Config,
        server: Server,
        shared: Arc<Shared>,
        commands: mpsc::Receiver<Command>,
        unclaimed: Arc<Inbox>,
        first: Option<oneshot::Sender<Result<(), ConnectError>>>,
    ) -> Self {
        // The server may remember QoS 2 identifiers of an earlier run of this program.
        let start = (random_bits() % u64::from(u16::MAX)) as u16 + 1;
        let start = PacketId::new(start).unwrap_or(PacketId::MIN);
        Self {
            outbox: Outbox::new(Arc::clone(&shared)),
            router: Router::new(unclaimed, config.session.expiry.is_none()),
            requests: Requests::default(),
            session: Session::starting_at(Role::Client, start),
            client_id: config.client_id.clone(),
            config: Arc::new(config),
            server: Arc::new(server),
            shared,
            commands,
            closing: None,
            first,
            resuming: false,
        }
    }

    pub(super) async fn run(mut self) {
        let mut failures = 0;
        loop {
            self.shared.set_status(Status::Connecting);
            let attempt = connect::connect(
                Arc::clone(&self.config),
                Arc::clone(&self.server),
                self.client_id.clone(),
                self.config.session.starts_clean(self.resuming),
            );
            let Some(attempt) = self.meanwhile(attempt).await else {
                break;
            };
            let why = match attempt {
                Ok(connection) => {
                    if let Some(first) = self.first.take() {
                        // Whoever waited may have gone, and the client with them.
                        let _ = first.send(Ok(()));
                    }
                    let since = now();
                    let end = self.serve(connection).await;
                    if now() - since >= STABLE {
                        failures = 0;
                    }
                    match end {
                        End::Closed => break,
                        End::Lost(why) => why,
                    }
                }
                Err(error) => {
                    if let Some(first) = self.first.take() {
                        let _ = first.send(Err(error));
                        break;
                    }
                    error.into()
                }
            };
            let wait = if why.is_permanent() {
                self.config.backoff.longest(random())
            } else {
                self.config.backoff.delay(failures, random())
            };
            self.shared.down(why);
            failures = failures.saturating_add(1);
            if self.meanwhile(tokio::time::sleep(wait)).await.is_none() {
                break;
            }
        }
    }

    /// Drives `future` while there is no connection, and takes commands all the while. `None`: the
    /// client closed.
    async fn meanwhile<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        loop {
            if self.must_end() {
                return None;
            }
            tokio::select! {
                biased;
                done = &mut future => return Some(done),
                Some(command) = self.commands.recv() => self.take(command),
                () = self.shared.woken() => self.housekeep(),
                () = closing::deadline(self.closing.as_ref()) => return None,
            }
        }
    }

    /// Takes a command up; what it needs of the server happens when there is a connection.
    fn take(&mut self, command: Command) {
        // A stream may have been dropped before: what it leaves is for the one that comes.
        self.housekeep();
        match command {
            Command::Subscribe { wish, reply } => self.router.add(wish, reply),
            Command::Unsubscribe { inbox, reply } => {
                if let Some(id) = self.router.find(&inbox) {
                    self.requests.unsubscribe(id, &mut self.router, reply);
                } else {
                    // The stream has ended already.
                    let _ = reply.send(Ok(()));
                }
            }
            Command::Close { drain, reply } => {
                self.shared.close();
                match &mut self.closing {
                    Some(closing) => closing.also(reply),
                    none => *none = Some(Closing::new(deadline(drain.within), reply)),
                }
            }
        }
    }

    /// What the flags in `Shared` ask for.
    fn housekeep(&mut self) {
        if self.shared.is_abandoned() && self.closing.is_none() {
            self.shared.close();
            self.closing = Some(Closing::at(now()));
        }
        if self.shared.take_stream_gone() {
            let persistent = self.config.session.expiry.is_some();
            for id in self.router.abandoned() {
                if persistent {
                    let left = self.router.remove(id);
                    self.router.keep_all(left);
                } else {
                    for mut message in self.requests.dismiss(id, &mut self.router) {
                        message.ack();
                    }
                }
            }
        }
    }

    /// Whether the client is closing and has nothing left to do, or no time.
    fn must_end(&mut self) -> bool {
        let Some(closing) = &self.closing else {
            return false;
        };
        let idle = self.outbox.is_empty() && self.session.messages().next().is_none();
        idle || closing.is_over(now())
    }
}

/// The end of the client, also when its runtime shuts down: tells everybody who still waits.
impl Drop for Driver {
    fn drop(&mut self) {
        self.commands.close();
        let unsent = self.outbox.end();
        let in_flight = self.session.messages().count();
        self.router.end();
        self.requests.end();
        self.shared.set_status(Status::Closed);
        let drained = super::Drained { unsent, in_flight };
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Close { reply, .. } = command {
                // Dropped otherwise, which says `Closed` to whoever waits.
                let _ = reply.send(drained);
            }
        }
        if let Some(closing) = self.closing.take() {
            closing.tell(drained);
        }
        // Messages in flight are dropped with the session: their receipts say `Doubt::Closed`.
    }
}

/// A connection that lasted this long starts the backoff anew.
const STABLE: Duration = Duration::from_secs(5);

/// The one clock of the client. A paused tokio clock drives everything.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A point in time that is not further away than clocks go.
fn deadline(within: Duration) -> Instant {
    now() + within.min(FOREVER)
}

/// Longer than any of this runs.
const FOREVER: Duration = Duration::from_secs(365 * 86_400);

/// Messages that were fetched and not sent, in order.
type Queue = VecDeque<Outgoing>;
