//! One connection: bytes out, bytes in, jobs matched to their replies.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout_at};

use super::config::Config;
use super::error::{ClientError, Phase};
use crate::s7::pdu::{
    Deframer, Pdu, Setup, Tpdu, TpduSize, WireError, frame_len, put_connect_request, put_data,
    put_setup_request,
};
use crate::s7::plan::Budget;

/// A connection that is set up.
///
/// All state lives here and not in the futures, so a call that is dropped half way does no harm: bytes
/// half sent go on, and the replies still to come are counted against the jobs in flight and dropped.
/// After an error the connection is meaningless; the owner drops it.
#[derive(Debug)]
pub(super) struct Connection<S> {
    stream: S,
    input: BytesMut,
    output: BytesMut,
    deframer: Deframer,
    size: TpduSize,
    agreed: Agreed,
    answer_within: Duration,
    phase: Phase,
    next_reference: u16,
    open: Vec<Open>,
    stale: u64,
    chunk: Box<[u8; READ]>,
}

/// What client and PLC agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Longest message in bytes.
    pub pdu: u16,
    /// Jobs in flight at once.
    pub jobs: u16,
}

/// A request whose reply is still to come.
#[derive(Clone, Copy, Debug)]
struct Open {
    reference: u16,
    /// Which of the caller's requests it is; `None` when the caller has gone.
    job: Option<usize>,
    deadline: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Sets a connection up over a stream that is connected. The caller bounds the time.
    pub(super) async fn set_up(stream: S, config: &Config) -> Result<Self, ClientError> {
        let mut this = Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::new(),
            deframer: Deframer::default(),
            size: TpduSize::DEFAULT,
            agreed: Agreed {
                pdu: config.pdu,
                jobs: 1,
            },
            answer_within: config.connect_within,
            phase: Phase::Connect,
            next_reference: 1,
            open: Vec::new(),
            stale: 0,
            chunk: Box::new([0; READ]),
        };
        put_connect_request(config.tsaps.calling, config.tsaps.called, &mut this.output);
        let deadline = Instant::now() + config.connect_within;
        let frame = loop {
            if let Some(len) = frame_len(&this.input)?.filter(|len| *len <= this.input.len()) {
                break this.input.split_to(len);
            }
            this.turn(deadline).await?;
        };
        match Tpdu::parse(&frame)? {
            // Silence means the smallest size; more than we asked for is not ours to use.
            Tpdu::ConnectConfirm(c) => {
                this.size = c.size.unwrap_or(TpduSize::DEFAULT).min(TpduSize::B1024);
            }
            Tpdu::Disconnect(d) => return Err(ClientError::Refused { reason: d.reason }),
            _ => return Err(WireError::Unexpected.into()),
        }
        this.phase = Phase::Setup;
        this.negotiate(config).await?;
        this.phase = Phase::Job;
        this.answer_within = config.answer_within;
        Ok(this)
    }

    async fn negotiate(&mut self, config: &Config) -> Result<(), ClientError> {
        let asked = Setup {
            jobs_calling: config.jobs.max(1),
            jobs_called: config.jobs.max(1),
            pdu: config.pdu,
        };
        let mut request = BytesMut::new();
        put_setup_request(0, asked, &mut request);
        let mut outcome = Err(ClientError::Wire(WireError::Unexpected));
        self.exchange([&request[..]].into_iter(), |_, pdu| {
            outcome = if pdu.error.is_ok() {
                Ok(Setup::parse(pdu)?)
            } else {
                Err(ClientError::Setup(pdu.error))
            };
            Ok(())
        })
        .await?;
        let given = outcome?;
        self.agreed = Agreed {
            pdu: given.pdu.min(config.pdu),
            jobs: given.jobs_calling.clamp(1, asked.jobs_calling),
        };
        if self.agreed.pdu < Budget::MIN_PDU {
            return Err(ClientError::Pdu(self.agreed.pdu));
        }
        Ok(())
    }

    /// Sends `messages` and gives each reply, with the message's number, to `on_reply`. As many are in
    /// flight at once as were agreed; each has its own deadline from when it was sent.
    pub(super) async fn exchange<'m>(
        &mut self,
        messages: impl ExactSizeIterator<Item = &'m [u8]> + Send,
        mut on_reply: impl FnMut(usize, &Pdu<'_>) -> Result<(), WireError> + Send,
    ) -> Result<(), ClientError> {
        let started = Instant::now();
        for open in &mut self.open {
            open.job = None;
        }
        let mut left = messages.len();
        let mut messages = messages.enumerate();
        while left > 0 {
            while self.open.len() < usize::from(self.agreed.jobs)
                && let Some((job, message)) = messages.next()
            {
                self.send(job, message);
            }
            // Jobs of callers who left have no say: their time ran while nobody read the socket.
            let live = self.open.iter().filter(|o| o.job.is_some());
            let first = live.map(|o| o.deadline).min();
            let deadline = first.unwrap_or(started + self.answer_within);
            // A peer that never stops talking must not keep us from looking at the clock.
            if Instant::now() >= deadline {
                return Err(ClientError::Timeout(self.phase));
            }
            self.turn(deadline).await?;
            while let Some(bytes) = self.deframer.next_pdu(&mut self.input)? {
                let pdu = Pdu::parse(&bytes)?;
                let Some(at) = self.open.iter().position(|o| o.reference == pdu.reference) else {
                    self.stale += 1;
                    continue;
                };
                if let Some(job) = self.open.swap_remove(at).job {
                    on_reply(job, &pdu)?;
                    left -= 1;
                }
            }
        }
        Ok(())
    }

    pub(super) const fn agreed(&self) -> Agreed {
        self.agreed
    }

    /// Replies that belonged to no open request.
    pub(super) const fn stale(&self) -> u64 {
        self.stale
    }

    fn send(&mut self, job: usize, message: &[u8]) {
        let reference = self.next_reference;
        self.next_reference = self.next_reference.wrapping_add(1);
        let mut message = BytesMut::from(message);
        message[REFERENCE..REFERENCE + 2].copy_from_slice(&reference.to_be_bytes());
        put_data(&message, self.size, &mut self.output);
        let deadline = Instant::now() + self.answer_within;
        self.open.push(Open {
            reference,
            job: Some(job),
            deadline,
        });
    }

    /// Writes what is to be written and waits until something was read.
    async fn turn(&mut self, deadline: Instant) -> Result<(), ClientError> {
        let phase = self.phase;
        let turn = std::future::poll_fn(|cx| self.poll_turn(cx));
        match timeout_at(deadline, turn).await {
            Ok(done) => done,
            Err(_) => Err(ClientError::Timeout(phase)),
        }
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        while !self.output.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.output) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(ClientError::Closed(self.phase))),
                Poll::Ready(Ok(written)) => self.output.advance(written),
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e.into())),
                // Read all the same: a PLC that waits for us to read would wait for ever.
                Poll::Pending => break,
            }
        }
        let mut chunk = ReadBuf::new(&mut self.chunk[..]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut chunk))?;
        if chunk.filled().is_empty() {
            return Poll::Ready(Err(ClientError::Closed(self.phase)));
        }
        self.input.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(()))
    }
}

/// Where the reference lies in a message.
const REFERENCE: usize = 4;
const READ: usize = 8 * 1024;

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
