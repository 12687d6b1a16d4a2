//! The programs of the way as child processes: the demo's roles.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use renata_peers::Running;

/// How long a part may take to start or to stop on a busy machine.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);

/// One run of the whole way at a time: they share two cores, and each has a schedule to keep.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed before says nothing about this one.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The demo itself.
pub(crate) fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_renata-demo"));
    command.stdin(std::process::Stdio::null());
    command
}

/// A broker without TLS that lets everybody in, with its journal in `dir`.
pub(crate) fn broker(dir: &Path) -> (Running, SocketAddr) {
    let mut command = demo();
    command.args([
        "role",
        "broker",
        "--allow-anonymous",
        "--listen",
        "mqtt://127.0.0.1:0",
    ]);
    command.arg("--data-dir").arg(dir.join("broker"));
    let mut broker = start("broker", &mut command, dir);
    let addr = broker
        .wait_line("listening on mqtt://", WITHIN)
        .expect("the broker listens");
    (broker, addr.parse().expect("an address"))
}

/// A gateway with a configuration that is written into `dir`; figures in `NAME.stats`.
pub(crate) fn gateway(name: &str, config: &str, dir: &Path) -> Running {
    let file = dir.join(format!("{name}.toml"));
    std::fs::write(&file, config).expect("the configuration is written");
    let mut command = demo();
    command
        .args(["role", "gateway", "--stats-every-ms", "100", "--config"])
        .arg(file);
    command
        .arg("--stats")
        .arg(dir.join(format!("{name}.stats")));
    start(name, &mut command, dir)
}

fn start(name: &str, command: &mut Command, dir: &Path) -> Running {
    let log = dir.join(format!("{name}.log"));
    let mut running = Running::start(name, command, &log).expect("it starts");
    running.wait_line("ready", WITHIN).expect("it gets ready");
    running
}
