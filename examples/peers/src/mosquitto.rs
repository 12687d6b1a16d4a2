use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::PeerError;
use crate::ports::free_addr;
use crate::process::{Running, program};

/// Debian's mosquitto broker on a free loopback port.
///
/// Its persistence lives in a folder of its own, so that [`kill`](Self::kill) and
/// [`restart`](Self::restart) find the sessions again as far as mosquitto has written them.
#[derive(Debug)]
pub struct Mosquitto {
    running: Running,
    addr: SocketAddr,
    dir: TempDir,
}

impl Mosquitto {
    /// Starts a broker that lets everybody do everything.
    ///
    /// # Errors
    /// When mosquitto is missing or does not come up.
    pub fn start() -> Result<Self, PeerError> {
        Self::start_with("allow_anonymous true\n", "")
    }

    /// Starts a broker whose clients need a certificate of `client_ca` (PEM files).
    ///
    /// # Errors
    /// When mosquitto is missing or does not come up.
    pub fn start_mutual_tls(cert: &Path, key: &Path, client_ca: &Path) -> Result<Self, PeerError> {
        let listener = format!(
            "certfile {}\nkeyfile {}\ncafile {}\nrequire_certificate true\ntls_version tlsv1.3\n",
            cert.display(),
            key.display(),
            client_ca.display()
        );
        Self::start_with("allow_anonymous true\n", &listener)
    }

    /// Starts a broker with further lines of mosquitto.conf: `global` for the whole broker,
    /// `listener` for its one listener.
    ///
    /// # Errors
    /// When mosquitto is missing or does not come up.
    pub fn start_with(global: &str, listener: &str) -> Result<Self, PeerError> {
        let mut last = None;
        for _ in 0..PORT_TRIES {
            let dir = TempDir::new().map_err(PeerError::io("make a temporary folder"))?;
            let addr = free_addr().map_err(PeerError::io("find a free port"))?;
            let data = dir.path().display();
            let config = format!(
                "user root\npersistence true\npersistence_location {data}/\nlog_dest stderr\nlog_type all\n\
                 max_queued_messages 0\n{global}listener {} 127.0.0.1\n{listener}",
                addr.port()
            );
            let file = dir.path().join("mosquitto.conf");
            fs::write(&file, config).map_err(PeerError::io("write mosquitto.conf"))?;
            match launch(dir.path(), addr) {
                Ok(running) => return Ok(Self { running, addr, dir }),
                Err(missing @ PeerError::Missing { .. }) => return Err(missing),
                Err(other) => last = Some(other),
            }
        }
        Err(last.unwrap_or_else(|| PeerError::missing("mosquitto")))
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.output()
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        self.running.kill();
    }

    /// Starts it again on the same port and data.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self) -> Result<(), PeerError> {
        self.running.kill();
        self.running = launch(self.dir.path(), self.addr)?;
        Ok(())
    }
}

/// `mosquitto_pub`, pointed at nothing yet.
///
/// # Errors
/// [`PeerError::Missing`] when it is not installed.
pub fn mosquitto_pub() -> Result<Command, PeerError> {
    program("mosquitto_pub")
}

/// `mosquitto_sub`, pointed at nothing yet.
///
/// # Errors
/// [`PeerError::Missing`] when it is not installed.
pub fn mosquitto_sub() -> Result<Command, PeerError> {
    program("mosquitto_sub")
}

fn launch(dir: &Path, addr: SocketAddr) -> Result<Running, PeerError> {
    let mut command = program("mosquitto")?;
    command.arg("-c").arg(dir.join("mosquitto.conf"));
    let mut running = Running::start("mosquitto", &mut command, &dir.join("mosquitto.log"))?;
    running.wait_listening(addr)?;
    Ok(running)
}

const PORT_TRIES: usize = 5;
