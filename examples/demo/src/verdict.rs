//! The verification at the end: what was sent must be what was received and what is stored.

use std::fmt;

use renata_azure::lake::Report;

/// The three counts of one run, and what the lake's own numbering says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Measurements that the gateway made.
    pub(crate) sent: u64,
    /// Of these, what the subscriber was given, each once.
    pub(crate) received: u64,
    /// Rows that this run added to the lake.
    pub(crate) stored: u64,
    /// Ranges that are missing in the lake, of this and earlier runs.
    pub(crate) gaps: u64,
    /// Rows that are in the lake twice.
    pub(crate) duplicates: u64,
    /// The first faults of the lake, for a reader.
    pub(crate) details: Vec<String>,
}

impl Verdict {
    /// Compares the lake before and after the run with what passed through.
    pub(crate) fn new(sent: u64, received: u64, rows_before: u64, lake: &Report) -> Self {
        let gaps = lake.first_gaps.iter().map(|gap| format!("{gap:?}"));
        let duplicates = lake
            .first_duplicates
            .iter()
            .map(|duplicate| format!("{duplicate:?}"));
        Self {
            sent,
            received,
            stored: lake.rows.saturating_sub(rows_before),
            gaps: lake.gaps,
            duplicates: lake.duplicates,
            details: gaps.chain(duplicates).take(6).collect(),
        }
    }

    /// Whether every message is in the lake, once.
    pub(crate) fn holds(&self) -> bool {
        self.sent > 0
            && self.received == self.sent
            && self.stored == self.sent
            && self.gaps == 0
            && self.duplicates == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sent,
            received,
            stored,
            gaps,
            duplicates,
            details,
        } = self;
        writeln!(f, "verification")?;
        writeln!(f, "  messages sent      {sent:>10}")?;
        writeln!(f, "  messages received  {received:>10}")?;
        writeln!(f, "  messages stored    {stored:>10}")?;
        writeln!(f, "  {gaps} gaps, {duplicates} duplicates")?;
        for detail in details {
            writeln!(f, "  {detail}")?;
        }
        let result = if self.holds() {
            "every message once"
        } else {
            "WRONG"
        };
        write!(f, "  result: {result}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Verdict {
        Verdict {
            sent: 5,
            received: 5,
            stored: 5,
            gaps: 0,
            duplicates: 0,
            details: Vec::new(),
        }
    }

    #[test]
    fn one_message_more_or_less_anywhere_is_wrong() {
        assert!(good().holds());
        for wrong in [
            Verdict { sent: 6, ..good() },
            Verdict {
                received: 4,
                ..good()
            },
            Verdict {
                received: 6,
                ..good()
            },
            Verdict {
                stored: 4,
                ..good()
            },
            Verdict {
                stored: 6,
                ..good()
            },
            Verdict { gaps: 1, ..good() },
            Verdict {
                duplicates: 1,
                ..good()
            },
            Verdict {
                sent: 0,
                received: 0,
                stored: 0,
                ..good()
            },
        ] {
            assert!(!wrong.holds(), "{wrong}");
            assert!(wrong.to_string().ends_with("WRONG"));
        }
    }
}
