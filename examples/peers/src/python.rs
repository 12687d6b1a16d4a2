use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::PeerError;

/// The interpreter of the venv that holds the Python judges (`.ci/peers-requirements.txt`).
///
/// # Errors
/// [`PeerError::Missing`] when the venv was not made yet.
pub fn python() -> Result<Command, PeerError> {
    let interpreter = folder().join("venv/bin/python");
    if !interpreter.is_file() {
        return Err(PeerError::missing(interpreter));
    }
    let mut command = Command::new(interpreter);
    command.env("PYTHONUNBUFFERED", "1").stdin(Stdio::null());
    Ok(command)
}

/// Runs `source` in that interpreter with `args` in `sys.argv[1:]` and gives what it printed.
///
/// # Errors
/// [`PeerError::NotReady`] with what it wrote to stderr when it ends with an error.
pub fn python_script(source: &str, args: &[&str]) -> Result<String, PeerError> {
    // The libraries' threads may abort the interpreter while it takes itself down on a busy machine.
    let source = format!("{source}\nimport os, sys; sys.stdout.flush(); os._exit(0)\n");
    let output = python()?
        .arg("-c")
        .arg(source)
        .args(args)
        .output()
        .map_err(PeerError::io("run the Python judge"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(PeerError::not_ready(
            "python",
            format!("{}: {stderr}", output.status),
        ))
    }
}

/// `RENATA_PEERS`, or `renata/peers` under the user's cache folder, as `.ci/peers` has it.
fn folder() -> PathBuf {
    if let Some(set) = std::env::var_os("RENATA_PEERS") {
        return set.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    cache.join("renata/peers")
}
