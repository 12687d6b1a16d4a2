//! The tokio client.

mod config;
mod connection;
mod error;
mod system;

use renata_codec::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::Tag;
use super::fault::ItemError;
use super::plan::{Answer, Answers, Budget, Plan, Refused};
use super::types::{ValueError, decode};
use super::write::WritePlan;
use crate::{Confirm, Driver};
use connection::Connection;

pub use config::{Config, Partner, Tsaps};
pub use connection::Agreed;
pub use error::{ClientError, Phase};
pub use system::CpuState;

/// A client of one PLC.
///
/// It connects when told to, and closes on the first timeout or framing error: [`connect`](Self::connect)
/// again, when [`Reconnect`](crate::Reconnect) says so. Calls may be dropped at any moment.
///
/// ```no_run
/// use renata_drivers::s7::{Client, Config, Tag};
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let tags: Vec<Tag> = vec!["DB1.DBD0:REAL".parse()?, "DB1.DBX4.0".parse()?];
/// let mut plc = Client::new(Config::new("192.168.0.1").with_slot(0, 1));
/// plc.connect().await?;
/// let mut plan = plc.plan(&tags);
/// println!("{plan}");
/// for (tag, value) in tags.iter().zip(plc.read(&mut plan).await?) {
///     println!("{tag} = {value:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    config: Config,
    connection: Option<Connection<TcpStream>>,
    /// Stale replies of the connections before this one.
    stale_before: u64,
}

impl Client {
    /// A client that is not connected yet.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            connection: None,
            stale_before: 0,
        }
    }

    /// Closes what was there and connects anew.
    ///
    /// # Errors
    /// [`ClientError`] says why not, with a remedy where one is known.
    pub async fn connect(&mut self) -> Result<(), ClientError> {
        // First the old socket: a PLC has few connections, and counts one until it sees the end.
        self.close();
        let attempt = async {
            let stream = TcpStream::connect(self.config.host_and_port()).await?;
            stream.set_nodelay(true)?;
            Connection::set_up(stream, &self.config).await
        };
        let connected = timeout(self.config.connect_within, attempt).await;
        self.connection = Some(connected.map_err(|_| ClientError::Timeout(Phase::Connect))??);
        Ok(())
    }

    /// Closes the connection.
    pub fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.stale_before += connection.stale();
        }
    }

    /// What was negotiated; `None` while no connection stands.
    #[must_use]
    pub fn agreed(&self) -> Option<Agreed> {
        self.connection.as_ref().map(Connection::agreed)
    }

    /// Replies so far that belonged to no open request and were dropped.
    #[must_use]
    pub fn stale_replies(&self) -> u64 {
        self.stale_before + self.connection.as_ref().map_or(0, Connection::stale)
    }

    /// Arranges reads of `tags` for what was negotiated, or for 240 bytes while no connection stands.
    #[must_use]
    pub fn plan(&self, tags: &[Tag]) -> Plan {
        Plan::new(tags, self.budget())
    }

    /// Reads every tag of the plan: one result a tag, in their order.
    ///
    /// When the PLC refuses a block that several tags share, they are read once more by themselves, and
    /// the plan keeps those that spoiled it apart from then on.
    ///
    /// # Errors
    /// When the connection had to be closed, or the plan is for longer messages than were negotiated.
    pub async fn read(&mut self, plan: &mut Plan) -> Result<Vec<Answer>, ClientError> {
        let (mut values, refused) = self.round(plan).await?;
        if let Some(probe) = plan.probe(&refused) {
            let (probed, _) = self.round(&probe.plan).await?;
            plan.learn(&probe, probed, &mut values);
        }
        Ok(values)
    }

    /// Writes one tag. The PLC has confirmed it when the inner result is `Ok`.
    ///
    /// Before a text is written, the room that the PLC has for it is read, so that no neighbour is
    /// overwritten.
    ///
    /// # Errors
    /// When the connection had to be closed. What concerns only this tag is the inner result.
    pub async fn write(
        &mut self,
        tag: &Tag,
        value: &Value,
        confirm: Confirm,
    ) -> Result<Result<(), ItemError>, ClientError> {
        let write = match WritePlan::new(tag, value, self.budget()) {
            Ok(write) => write,
            Err(e) => return Ok(Err(e.into())),
        };
        if let Err(e) = self.check_room(tag, value).await? {
            return Ok(Err(e));
        }
        let mut outcome = Ok(());
        let connection = self.connection.as_mut().ok_or(ClientError::NotConnected)?;
        let exchanged = connection.exchange(write.messages(), |at, pdu| {
            let said = write.reply(at, pdu)?;
            outcome = outcome.and(said);
            Ok(())
        });
        let exchanged = exchanged.await;
        self.closed_on_error(exchanged)?;
        if outcome.is_err() || confirm == Confirm::Reply {
            return Ok(outcome);
        }
        let mut plan = self.plan(std::slice::from_ref(tag));
        let read = self
            .read(&mut plan)
            .await?
            .pop()
            .unwrap_or(Err(ItemError::ReadBack));
        Ok(read.and_then(|read| match same_in_plc(tag, value, &read) {
            Ok(true) => Ok(()),
            Ok(false) => Err(ItemError::ReadBack),
            Err(e) => Err(e.into()),
        }))
    }

    /// Reads the headers of texts that are about to be written.
    async fn check_room(
        &mut self,
        tag: &Tag,
        value: &Value,
    ) -> Result<Result<(), ItemError>, ClientError> {
        let headers = WritePlan::headers(tag);
        if headers.is_empty() {
            return Ok(Ok(()));
        }
        let mut plan = self.plan(&headers);
        let found = self.read(&mut plan).await?;
        Ok(found
            .into_iter()
            .enumerate()
            .try_for_each(|(index, header)| {
                Ok(WritePlan::check_header(tag, value, index, &header?)?)
            }))
    }

    async fn round(&mut self, plan: &Plan) -> Result<(Vec<Answer>, Refused), ClientError> {
        let connection = self.connection.as_mut().ok_or(ClientError::NotConnected)?;
        let (planned, negotiated) = (plan.budget().pdu, connection.agreed().pdu);
        if planned > negotiated {
            return Err(ClientError::Plan {
                planned,
                negotiated,
            });
        }
        let mut answers = Answers::new(plan);
        let exchanged = connection
            .exchange(plan.messages(), |at, pdu| answers.reply(at, pdu))
            .await;
        self.closed_on_error(exchanged)?;
        Ok(answers.finish())
    }

    /// After an error nobody knows what the next byte means: close, so that no request meets it.
    fn closed_on_error<T>(&mut self, result: Result<T, ClientError>) -> Result<T, ClientError> {
        if result.is_err() {
            self.close();
        }
        result
    }

    fn budget(&self) -> Budget {
        Budget {
            pdu: self.agreed().map_or(Budget::default().pdu, |a| a.pdu),
            items: self.config.items,
        }
    }
}

impl Driver for Client {
    type Tag = Tag;
    type Plan = Plan;
    type Fault = ItemError;
    type Error = ClientError;

    fn plan(&self, tags: &[Tag]) -> Plan {
        Self::plan(self, tags)
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        Self::connect(self).await
    }

    async fn read(&mut self, plan: &mut Plan) -> Result<Vec<Answer>, ClientError> {
        Self::read(self, plan).await
    }

    async fn write(
        &mut self,
        tag: &Tag,
        value: &Value,
        confirm: Confirm,
    ) -> Result<Result<(), ItemError>, ClientError> {
        Self::write(self, tag, value, confirm).await
    }
}

/// Whether `read` is what the PLC holds after `value` was written: a `REAL` has rounded it.
fn same_in_plc(tag: &Tag, value: &Value, read: &Value) -> Result<bool, ValueError> {
    let (ty, count) = (tag.data_type(), tag.count());
    let mut bytes = Vec::new();
    for element in super::types::elements(value) {
        super::types::encode_whole(ty, &element, &mut bytes)?;
    }
    if ty == super::types::Type::Bool {
        let bits = bytes.iter().map(|b| *b == 1).collect::<Vec<_>>();
        return Ok(match read {
            Value::Bool(bit) => bits == [*bit],
            other => *other == Value::from(bits),
        });
    }
    Ok(decode(ty, count, 0, &bytes)?.same(read))
}
