//! The command line of the demo.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// A plant in a box: simulated PLCs, gateway, broker, lake, in one command.
///
/// Starts two simulated S7-1500 PLCs, a test PKI, the broker over mutual TLS 1.3 with a policy, a
/// gateway, a subscriber and a lake writer, each a process of its own, and shows live figures. At the
/// end it counts: what was sent, received and stored, how many gaps and duplicates.
#[derive(Debug, Parser)]
#[command(
    name = "renata-demo",
    version,
    after_help = "Exit codes: 0 the lake holds every message once; 1 it does not, or a part failed; \
                  2 wrong arguments.\n\nExamples:\n  \
        renata-demo                                  until Ctrl-C, in ./renata-demo-data\n  \
        renata-demo --for 30s --data-dir D           half a minute\n  \
        renata-demo --for 30s --data-dir D --faults  the same while the broker and the gateway are \
                  killed\n  \
        renata-demo --for 10s --data-dir D --sabotage  see the verification fail"
)]
pub(crate) struct Args {
    /// How long the plant runs, such as 30s, 5m or 1h; without it, until Ctrl-C
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) lasting: Option<Duration>,

    /// Where everything is kept: certificates, journals, logs and the lake. A folder of an earlier
    /// run is gone on with
    #[arg(long, value_name = "DIR", default_value = "renata-demo-data")]
    pub(crate) data_dir: PathBuf,

    /// Where the web console listens; this version has none yet
    #[arg(long, value_name = "ADDR", hide = true)]
    pub(crate) http: Option<String>,

    /// Kill the gateway and the broker (SIGKILL) while the plant runs, and stop a PLC for a while
    #[arg(long)]
    pub(crate) faults: bool,

    /// Lose one stored file before the verification, to see that it is noticed
    #[arg(long)]
    pub(crate) sabotage: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| HOW.to_owned())?;
    let seconds = match unit {
        "s" | "" => Some(number),
        "m" | "min" => number.checked_mul(60),
        "h" => number.checked_mul(3600),
        _ => return Err(HOW.to_owned()),
    };
    match seconds {
        Some(0) | None => Err(HOW.to_owned()),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
    }
}

const HOW: &str = "write a number above zero with s, m or h behind it, such as 30s";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "s", "0s", "-1s", "1d", "99999999999999999999h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }
}
