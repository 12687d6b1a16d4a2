//! How a command ends.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// The exit codes. `--help` lists them, and scripts may count on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or the answer is yes.
    Yes = 0,
    /// The answer is no: no match, denied, refused by the broker, a wrong policy, a wrong lake.
    No = 1,
    /// The command line or a file that it names cannot be used.
    Usage = 2,
    /// No connection: not reached, not trusted, not accepted, or lost for good.
    NoConnection = 3,
    /// Not done in time.
    Timeout = 4,
}

/// The end of `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done, or the answer is yes
  1  the answer is no: no match, denied, refused by the broker, a wrong policy, a wrong lake
  2  the command line or a file that it names cannot be used
  3  no connection: not reached, not trusted, not accepted, or lost for good
  4  not done in time

Examples:
  renata sub -t 'renata/biel/#' -v
  renata pub -t renata/biel/press/l1/s7/plc-1/level -m 21.5 -q 1
  renata topic match 'renata/+/press/#' renata/biel/press/l1/s7/plc-1/level
  renata policy explain policy.toml --cert plc-1.pem -i plc-1 publish renata/biel/x
  renata lake verify data/lake --json";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was told.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    text: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self {
            exit,
            text: text.to_string(),
        }
    }

    /// For `map_err`: a problem with what the user gave.
    pub(crate) fn usage(error: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Prints an answer. Whoever has closed our output wants no more of it, which is no failure.
pub(crate) fn say(answer: impl fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{answer}");
}

/// What a command returns.
pub(crate) type Outcome = Result<Exit, Failure>;
