//! A child process of the demo: this same program again, in another role.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// What a member has said on stderr that the demo acts upon; everything goes to its log file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// The addresses of its `listening on ..` lines.
    pub(crate) listening: Vec<String>,
    /// It printed `ready`.
    pub(crate) ready: bool,
}

impl Said {
    /// The one address that it listens on with this scheme.
    pub(crate) fn addr(&self, scheme: &str) -> anyhow::Result<SocketAddr> {
        let prefix = format!("{scheme}://");
        let found = self
            .listening
            .iter()
            .find_map(|url| url.strip_prefix(&prefix));
        let found =
            found.with_context(|| format!("no {prefix} address among {:?}", self.listening))?;
        Ok(found.parse()?)
    }
}

/// One running member. Killed when dropped, so that no error path leaves a process behind.
#[derive(Debug)]
pub(crate) struct Member {
    name: &'static str,
    child: Child,
    said: watch::Receiver<Said>,
    log: PathBuf,
    /// Never written to: it closes when the demo is gone, however that happens, and the member ends.
    _leash: ChildStdin,
}

impl Member {
    /// Starts this program again as `arguments` (the role first), logging to `logs/{name}.log`.
    pub(crate) fn start<A: AsRef<OsStr>>(
        name: &'static str,
        arguments: impl IntoIterator<Item = A>,
        logs: &Path,
    ) -> anyhow::Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let arguments: Vec<OsString> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        writeln!(file, "--- {name} starts: {arguments:?}")?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            // Ctrl-C in a terminal goes to the whole process group: the demo alone hears it, and stops
            // its members in the order in which nothing is lost.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start the {name}"))?;
        let stderr = child.stderr.take().context("a child without stderr")?;
        let leash = child.stdin.take().context("a child without stdin")?;
        let (tell, said) = watch::channel(Said::default());
        tokio::spawn(listen(stderr, file, tell));
        Ok(Self {
            name,
            child,
            said,
            log,
            _leash: leash,
        })
    }

    /// Waits for its `ready` line and gives what it said until then.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<Said> {
        let heard = timeout(READY_WITHIN, self.said.wait_for(|said| said.ready)).await;
        let said = heard.map(|heard| heard.map(|said| said.clone()));
        match said {
            Ok(Ok(said)) => Ok(said),
            Ok(Err(_)) => bail!("the {} ended before it was ready{}", self.name, self.tail()),
            Err(_) => bail!(
                "the {} is not ready after {READY_WITHIN:?}{}",
                self.name,
                self.tail()
            ),
        }
    }

    /// Fails when it has ended although nobody asked it to.
    pub(crate) fn still_runs(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the {} ended by itself: {status}{}", self.name, self.tail()),
        }
    }

    /// Ends it as a power cut would (SIGKILL).
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .await
            .with_context(|| format!("cannot kill the {}", self.name))
    }

    /// Asks it to finish what it has and to end (SIGTERM); anything but exit 0 is an error.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let id = self
            .child
            .id()
            .with_context(|| format!("the {} is gone", self.name))?;
        terminate(id)?;
        let status = timeout(STOP_WITHIN, self.child.wait()).await;
        let status: ExitStatus =
            status.with_context(|| format!("the {} does not end{}", self.name, self.tail()))??;
        if !status.success() {
            bail!("the {} ended with {status}{}", self.name, self.tail());
        }
        Ok(())
    }

    /// The last lines of its log, for an error message.
    fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(5).collect();
        let tail: Vec<_> = lines
            .into_iter()
            .rev()
            .map(|line| format!("\n    {line}"))
            .collect();
        format!("; the end of {}:{}", self.log.display(), tail.concat())
    }
}

/// Ends this process when the demo that started it is gone, so that a killed demo leaves nothing behind.
pub(crate) fn end_with_the_demo() {
    std::thread::spawn(|| {
        let mut byte = [0];
        while !matches!(std::io::stdin().read(&mut byte), Ok(0) | Err(_)) {}
        std::process::exit(1);
    });
}

fn terminate(id: u32) -> anyhow::Result<()> {
    let id = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let id = id.context("not a process id")?;
    Ok(rustix::process::kill_process(
        id,
        rustix::process::Signal::TERM,
    )?)
}

/// Copies stderr to the log and publishes the two kinds of line that the demo waits for.
async fn listen(stderr: ChildStderr, mut log: File, tell: watch::Sender<Said>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // A full disk must not stop the member by a full pipe: go on reading.
        let _ = writeln!(log, "{line}");
        if let Some(addr) = line.strip_prefix("listening on ") {
            tell.send_modify(|said| said.listening.push(addr.to_owned()));
        } else if line == "ready" {
            tell.send_modify(|said| said.ready = true);
        }
    }
}

const READY_WITHIN: Duration = Duration::from_secs(20);
const STOP_WITHIN: Duration = Duration::from_secs(30);
