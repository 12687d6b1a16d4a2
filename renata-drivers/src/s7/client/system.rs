//! What a CPU says about itself.

use bytes::BytesMut;

use super::{Client, ClientError};
use crate::s7::pdu::{
    Clock, HeaderError, Szl, SzlRequest, Userdata, WireError, put_clock_request, put_szl_request,
};
use crate::s7::types::{Civil, Type, civil_of};

/// What the CPU is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CpuState {
    /// The program runs.
    Run,
    /// The program is stopped; memory can still be read.
    Stop,
    /// Another state, by its number.
    Other(u8),
}

impl Client {
    /// Whether the CPU runs. Some CPUs do not say: [`ClientError::Service`], and the connection stays.
    ///
    /// # Errors
    /// When the CPU refuses, or the connection had to be closed.
    pub async fn cpu_state(&mut self) -> Result<CpuState, ClientError> {
        let mut request = BytesMut::new();
        put_szl_request(
            0,
            SzlRequest {
                id: CPU_STATE,
                index: 0,
            },
            &mut request,
        );
        self.service(&request, |data| {
            let entry = Szl::parse(data)?.entries().next();
            match entry.and_then(|e| e.get(3)) {
                Some(8) => Ok(CpuState::Run),
                Some(4) => Ok(CpuState::Stop),
                Some(other) => Ok(CpuState::Other(*other)),
                None => Err(WireError::Truncated),
            }
        })
        .await
    }

    /// What time the CPU's clock has. It has no time zone: it is what somebody set.
    ///
    /// # Errors
    /// When the CPU refuses, or the connection had to be closed.
    pub async fn clock(&mut self) -> Result<Civil, ClientError> {
        let mut request = BytesMut::new();
        put_clock_request(0, &mut request);
        self.service(&request, |data| {
            let clock = Clock::parse(data)?;
            civil_of(Type::DateTime, &clock.date_and_time).map_err(|_| WireError::Lengths)
        })
        .await
    }

    async fn service<T: Send>(
        &mut self,
        request: &[u8],
        read: impl Fn(&[u8]) -> Result<T, WireError> + Send + Sync,
    ) -> Result<T, ClientError> {
        let connection = self.connection.as_mut().ok_or(ClientError::NotConnected)?;
        let mut outcome = Err(ClientError::Wire(WireError::Unexpected));
        let exchanged = connection.exchange([request].into_iter(), |_, pdu| {
            // A CPU without the service may answer with a plain refusal.
            if !pdu.error.is_ok() {
                outcome = Err(ClientError::Service(pdu.error));
                return Ok(());
            }
            let reply = Userdata::parse(pdu)?;
            outcome = match reply.data {
                Ok(data) if reply.error.is_ok() => Ok(read(data)?),
                Ok(_) => Err(ClientError::Service(reply.error)),
                Err(_) if !reply.error.is_ok() => Err(ClientError::Service(reply.error)),
                Err(_) => Err(ClientError::Service(HeaderError::NOT_AVAILABLE)),
            };
            Ok(())
        });
        let exchanged = exchanged.await;
        self.closed_on_error(exchanged)?;
        outcome
    }
}

const CPU_STATE: u16 = 0x0424;
