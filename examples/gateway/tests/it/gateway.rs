//! A gateway as a process of its own, so that it can really be killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use renata_peers::wait_for;

/// A running gateway. Dropping it kills it.
pub(crate) struct Gateway {
    child: Child,
    stats: PathBuf,
    log: PathBuf,
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_renata-gateway"))
}

impl Gateway {
    /// Starts one with this configuration in `dir` and waits until it is ready.
    pub(crate) fn start(dir: &Path, name: &str, config: &str) -> Self {
        let file = dir.join(format!("{name}.toml"));
        fs::write(&file, config).unwrap();
        let (stats, log) = (
            dir.join(format!("{name}.jsonl")),
            dir.join(format!("{name}.log")),
        );
        let _ = fs::remove_file(&stats);
        let child = command()
            .args(["--stats-every-ms", "10", "--config"])
            .arg(&file)
            .arg("--stats")
            .arg(&stats)
            .stderr(fs::File::create(&log).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut gateway = Self { child, stats, log };
        let ready = wait_for(LONG, || gateway.log().lines().any(|line| line == "ready"));
        assert!(ready, "not ready:\n{}", gateway.log());
        assert!(
            gateway.child.try_wait().unwrap().is_none(),
            "{}",
            gateway.log()
        );
        gateway
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A figure of the last line of figures.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let text = fs::read_to_string(&self.stats).unwrap_or_default();
        let line = text.lines().next_back().unwrap_or("{}");
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        line[name].as_u64().unwrap_or(0)
    }

    /// Waits until a figure is at least this high.
    pub(crate) fn wait_for(&self, name: &str, least: u64) {
        let reached = wait_for(LONG, || self.figure(name) >= least);
        let now = self.figure(name);
        assert!(reached, "{name} is {now}, not {least}:\n{}", self.log());
    }

    /// Like [`wait_for`](Self::wait_for), and back as soon as it can be: to act in the middle of
    /// something.
    pub(crate) fn catch(&self, name: &str, least: u64) {
        let deadline = Instant::now() + LONG;
        while self.figure(name) < least {
            assert!(Instant::now() < deadline, "{name} is {}", self.figure(name));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and what it ends with.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let ended = wait_for(LONG, || self.child.try_wait().unwrap().is_some());
        assert!(ended, "does not end:\n{}", self.log());
        self.child.wait().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long anything may take on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(30);
