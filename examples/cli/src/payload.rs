//! Where the messages of `renata pub` come from.

use std::fs;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use tokio::sync::mpsc;

use crate::exit::Failure;

/// What to publish: exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct PayloadArgs {
    /// This text.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// The content of a file; `-` is standard input.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Each line of standard input, as a message of its own.
    #[arg(short, long)]
    lines: bool,
    /// Nothing: with --retain, the broker forgets what it kept.
    #[arg(short, long)]
    null: bool,
}

/// Messages, one after the other.
pub(crate) enum Payloads {
    One(Option<Bytes>),
    Lines(mpsc::Receiver<io::Result<Bytes>>),
}

impl PayloadArgs {
    /// Opens what the options name.
    pub(crate) fn open(self) -> Result<Payloads, Failure> {
        if self.lines {
            return Ok(Payloads::Lines(lines()));
        }
        let payload = match (self.message, self.file) {
            (Some(text), _) => text.into(),
            (None, Some(file)) if file.as_os_str() == "-" => {
                let mut all = Vec::new();
                let read = io::stdin().lock().read_to_end(&mut all);
                read.map_err(|e| Failure::usage(format!("standard input: {e}")))?;
                all.into()
            }
            (None, Some(file)) => fs::read(&file)
                .map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?
                .into(),
            (None, None) => Bytes::new(),
        };
        Ok(Payloads::One(Some(payload)))
    }
}

impl Payloads {
    /// The next message; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::One(payload) => Ok(payload.take()),
            Self::Lines(lines) => match lines.recv().await.transpose() {
                Ok(line) => Ok(line),
                Err(e) => Err(Failure::usage(format!("standard input: {e}"))),
            },
        }
    }
}

/// Reads lines on a thread of their own: reading standard input blocks. A few wait to be sent.
fn lines() -> mpsc::Receiver<io::Result<Bytes>> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let line = match read_line(&mut input) {
                Ok(None) => return,
                Ok(Some(line)) => Ok(line),
                Err(e) => Err(e),
            };
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                return;
            }
        }
    });
    receiver
}

fn read_line(input: &mut impl BufRead) -> io::Result<Option<Bytes>> {
    let mut line = Vec::new();
    let read = input.take(MAX_LINE + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if line.len() as u64 > MAX_LINE {
        let text = format!("a line longer than {MAX_LINE} bytes: use --file for large messages");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(Some(line.into()))
}

/// Longest line in bytes.
const MAX_LINE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        let mut input = &b"a\r\n\n b \nlast"[..];
        for line in ["a", "", " b ", "last"] {
            assert_eq!(read_line(&mut input).unwrap().unwrap(), line);
        }
        assert!(read_line(&mut input).unwrap().is_none());
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let endless = vec![b'x'; MAX_LINE as usize + 1];
        assert!(read_line(&mut &endless[..]).is_err());
        assert!(read_line(&mut &endless[1..]).is_ok());
    }
}
