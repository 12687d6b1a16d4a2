use std::fs::File;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::PeerError;

/// A child process with its output in a file; killed and reaped on drop.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `command` with both outputs going to `log`, from where an error can quote them.
    ///
    /// # Errors
    /// [`PeerError::Missing`] when there is no such program.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self, PeerError> {
        let out = File::create(log).map_err(PeerError::io(format!("create {}", log.display())))?;
        let err = out
            .try_clone()
            .map_err(PeerError::io("clone the log's handle"))?;
        let child = command
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|e| spawn_error(command, e))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// Waits until something listens on `addr`.
    ///
    /// # Errors
    /// [`PeerError::NotReady`] with the program's output when it ends first or ten seconds pass.
    pub fn wait_listening(&mut self, addr: SocketAddr) -> Result<(), PeerError> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if TcpStream::connect(addr).is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(PeerError::not_ready(
                    &self.name,
                    format!("{status}; {}", self.output()),
                ));
            }
            if Instant::now() > deadline {
                let why = format!("nothing listens on {addr}; {}", self.output());
                return Err(PeerError::not_ready(&self.name, why));
            }
            std::thread::sleep(POLL_EVERY);
        }
    }

    /// Waits for a line that begins with `prefix` and gives what follows it.
    ///
    /// # Errors
    /// [`PeerError::NotReady`] with the program's output when it ends first or `within` passes.
    pub fn wait_line(&mut self, prefix: &str, within: Duration) -> Result<String, PeerError> {
        let deadline = Instant::now() + within;
        loop {
            // Looked at before the output, so that nothing printed before the end is missed.
            let ended = self.child.try_wait().ok().flatten();
            let output = self.output();
            let whole = output.rfind('\n').map_or("", |end| &output[..end]);
            if let Some(rest) = whole.lines().find_map(|line| line.strip_prefix(prefix)) {
                return Ok(rest.to_owned());
            }
            if let Some(status) = ended {
                return Err(PeerError::not_ready(
                    &self.name,
                    format!("{status}; {output}"),
                ));
            }
            if Instant::now() > deadline {
                let why = format!("no line `{prefix}..`; {output}");
                return Err(PeerError::not_ready(&self.name, why));
            }
            std::thread::sleep(POLL_EVERY);
        }
    }

    /// Asks the program to end (SIGTERM) and gives its exit status.
    ///
    /// # Errors
    /// [`PeerError::NotReady`] when it has not ended after `within`.
    pub fn terminate(&mut self, within: Duration) -> Result<ExitStatus, PeerError> {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // It may have ended already; its status says so.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let mut status = None;
        wait_for(within, || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        status.ok_or_else(|| {
            PeerError::not_ready(&self.name, format!("it does not end; {}", self.output()))
        })
    }

    /// What the program has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = File::open(&self.log) {
            // A judge that prints no UTF-8 is still a judge: show what can be shown.
            let mut raw = Vec::new();
            let _ = file.read_to_end(&mut raw);
            text = String::from_utf8_lossy(&raw).into_owned();
        }
        text
    }

    /// The process id, for signals.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the program at once (SIGKILL), as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Polls `ready` every few milliseconds until it holds; `false` when `within` passed first.
pub fn wait_for(within: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    while !ready() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(POLL_EVERY);
    }
    true
}

/// Waits until something listens on `addr`; `false` when `within` passed first.
#[must_use]
pub fn wait_for_port(addr: SocketAddr, within: Duration) -> bool {
    wait_for(within, || TcpStream::connect(addr).is_ok())
}

/// A command whose program is looked up on the PATH and in the folders of system daemons.
pub(crate) fn program(name: &str) -> Result<Command, PeerError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
        .map(|found| {
            let mut command = Command::new(found);
            command.stdin(Stdio::null());
            command
        })
        .ok_or_else(|| PeerError::missing(name))
}

pub(crate) fn spawn_error(command: &Command, error: io::Error) -> PeerError {
    if error.kind() == io::ErrorKind::NotFound {
        PeerError::missing(command.get_program())
    } else {
        PeerError::io(format!("start {}", command.get_program().display()))(error)
    }
}

const READY_WITHIN: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(10);
