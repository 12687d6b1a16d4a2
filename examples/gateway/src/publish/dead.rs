//! Messages that a broker refused for good: a file of JSON lines a person can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use renata_codec::Timestamp;
use serde::Serialize;

use crate::record::entry::Outgoing;

/// The dead letters of one uplink: `{data_dir}/dead-letters/{uplink}.jsonl`.
///
/// When the file reaches its limit it becomes `{uplink}.old.jsonl`, and what that held is gone.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetters {
    path: PathBuf,
    max_bytes: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    topic: &'a str,
    content_type: &'a str,
    reason: &'a str,
    payload_base64: String,
}

impl DeadLetters {
    pub(crate) fn new(data_dir: &std::path::Path, uplink: &str) -> Self {
        Self {
            path: data_dir
                .join("dead-letters")
                .join(format!("{uplink}.jsonl")),
            max_bytes: 64 << 20,
        }
    }

    /// Writes a letter and waits for the disk.
    pub(crate) fn write(&self, message: &Outgoing, reason: &str) -> io::Result<()> {
        let line = Line {
            time: Timestamp::from(SystemTime::now()).to_string(),
            topic: &message.topic,
            content_type: &message.content_type,
            reason,
            payload_base64: STANDARD.encode(&message.payload),
        };
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let full = |m: fs::Metadata| m.len() + line.len() as u64 > self.max_bytes;
        if fs::metadata(&self.path).is_ok_and(full) {
            fs::rename(&self.path, self.path.with_extension("old.jsonl"))?;
        }
        let mut file: File = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        file.write_all(&line)?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_say_what_was_refused_and_take_no_more_room_than_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let mut letters = DeadLetters::new(dir.path(), "plant");
        letters.max_bytes = 1_000;
        let message = Outgoing {
            retain: false,
            qos: 1,
            topic: "renata/a".into(),
            content_type: "application/cbor".into(),
            payload: (&b"\x00\xff"[..]).into(),
        };
        for n in 0..50 {
            letters.write(&message, &format!("no {n}")).unwrap();
        }
        let folder = dir.path().join("dead-letters");
        let text = fs::read_to_string(folder.join("plant.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["reason"], "no 49");
        assert_eq!(last["payload_base64"], "AP8=");
        let sizes = fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().metadata().unwrap().len());
        assert!(sizes.sum::<u64>() <= 2_000);
    }
}
