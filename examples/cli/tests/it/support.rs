//! Running `renata`, and hearing what it says.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// `renata` with nothing of this machine's environment in its options.
pub(crate) fn renata() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_renata"));
    for name in ["RENATA_URL", "RENATA_USERNAME", "RENATA_PASSWORD"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs to the end: exit code, standard output, standard error.
pub(crate) fn run(args: &[&str]) -> (i32, String, String) {
    said(&renata().args(args).output().expect("renata starts"))
}

/// The same with lines on standard input.
pub(crate) fn run_with(args: &[&str], input: &str) -> (i32, String, String) {
    let mut child = renata()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("renata starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    said(&child.wait_with_output().expect("it ends"))
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().expect("it ends by itself");
    (code, text(&output.stdout), text(&output.stderr))
}

/// A program that runs beside the test and whose lines are waited for; ended on drop.
pub(crate) struct Beside {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Beside {
    /// Starts `command`; `ready` is part of the first line to wait for, on either output.
    pub(crate) fn start(command: &mut Command, ready: Option<&str>) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (sender, lines) = mpsc::channel();
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("piped")),
            Box::new(child.stderr.take().expect("piped")),
        ];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        let this = Self { child, lines };
        if let Some(ready) = ready {
            let line = this.line();
            assert!(line.contains(ready), "{line}");
        }
        this
    }

    /// The next line.
    pub(crate) fn line(&self) -> String {
        self.lines
            .recv_timeout(Duration::from_secs(20))
            .expect("a line in time")
    }

    /// A line that is there already.
    pub(crate) fn try_line(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Waits until a line holds `part`.
    pub(crate) fn wait_for(&self, part: &str) {
        while !self.line().contains(part) {}
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit code, once it ends by itself.
    pub(crate) fn code(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.kill();
    }
}
