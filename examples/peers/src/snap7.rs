use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{ChildStdin, ChildStdout, Stdio};

use tempfile::TempDir;

use crate::PeerError;
use crate::ports::free_addr;
use crate::process::spawn_error;
use crate::python::python;

/// The native libsnap7 server (python-snap7 1.4.1), with data blocks that the test changes at will.
#[derive(Debug)]
pub struct Snap7Server {
    // Killed by its own drop; the temporary folder holds what it wrote to stderr.
    child: std::process::Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    addr: SocketAddr,
    _dir: TempDir,
}

/// When a change of the server's memory happened: wall clock, nanoseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// No client saw the new bytes before this instant.
    pub before_ns: i64,
    /// No client saw the old bytes after this instant.
    pub after_ns: i64,
}

impl Snap7Server {
    /// Starts a server with data blocks of the given (number, size in bytes), all zero.
    ///
    /// # Errors
    /// When the judge is missing or does not come up.
    pub fn start(blocks: &[(u16, usize)]) -> Result<Self, PeerError> {
        let mut last = None;
        for _ in 0..PORT_TRIES {
            match Self::launch(blocks) {
                Err(missing @ PeerError::Missing { .. }) => return Err(missing),
                Err(other) => last = Some(other),
                ready => return ready,
            }
        }
        Err(last.unwrap_or_else(|| PeerError::missing("python-snap7")))
    }

    /// Where it listens; rack 0, slot 1 and every other pair are accepted.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes bytes of one data block, all of them under the server's own lock.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn write(&mut self, db: u16, changes: &[(usize, &[u8])]) -> Result<Written, PeerError> {
        let mut line = format!("write {db}");
        for (offset, bytes) in changes {
            let _ = write!(line, " {offset} {}", hex(bytes));
        }
        let answer = self.ask(&line)?;
        let mut times = answer.split(' ').map(str::parse);
        match (times.next(), times.next()) {
            (Some(Ok(before_ns)), Some(Ok(after_ns))) => Ok(Written {
                before_ns,
                after_ns,
            }),
            _ => Err(PeerError::not_ready(
                NAME,
                format!("it answered `{answer}`"),
            )),
        }
    }

    /// What one data block holds.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn read(&mut self, db: u16, offset: usize, len: usize) -> Result<Vec<u8>, PeerError> {
        let answer = self.ask(&format!("read {db} {offset} {len}"))?;
        unhex(&answer).ok_or_else(|| PeerError::not_ready(NAME, format!("it answered `{answer}`")))
    }

    fn launch(blocks: &[(u16, usize)]) -> Result<Self, PeerError> {
        let dir = TempDir::new().map_err(PeerError::io("make a temporary folder"))?;
        let addr = free_addr().map_err(PeerError::io("find a free port"))?;
        let stderr = dir.path().join("snap7.log");
        let log = std::fs::File::create(&stderr).map_err(PeerError::io("create the log"))?;
        let mut command = python()?;
        command.arg("-c").arg(SCRIPT).arg(addr.port().to_string());
        command.args(
            blocks
                .iter()
                .map(|(number, size)| format!("{number}:{size}")),
        );
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn().map_err(|e| spawn_error(&command, e))?;
        let commands = child.stdin.take();
        let answers = child.stdout.take();
        let (Some(commands), Some(answers)) = (commands, answers) else {
            return Err(PeerError::not_ready(NAME, "it has no pipes"));
        };
        let mut server = Self {
            child,
            commands,
            answers: BufReader::new(answers),
            addr,
            _dir: dir,
        };
        if server.line()? != "ready" {
            let said = std::fs::read_to_string(&stderr).unwrap_or_default();
            return Err(PeerError::not_ready(NAME, said));
        }
        Ok(server)
    }

    fn ask(&mut self, line: &str) -> Result<String, PeerError> {
        writeln!(self.commands, "{line}").map_err(PeerError::io("tell the snap7 server"))?;
        let answer = self.line()?;
        match answer.strip_prefix("ok ") {
            Some(rest) => Ok(rest.to_owned()),
            None => Err(PeerError::not_ready(
                NAME,
                format!("it answered `{answer}`"),
            )),
        }
    }

    fn line(&mut self) -> Result<String, PeerError> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .map_err(PeerError::io("hear the snap7 server"))?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Snap7Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

const NAME: &str = "python-snap7";
const PORT_TRIES: usize = 5;
const SCRIPT: &str = include_str!("../scripts/snap7_server.py");
