//! One row of a comparison, as a table for people and as JSON for programs.

use serde::Serialize;

use crate::measure::Cost;

/// A figure beside a peer's.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The subject: `codec`, `topics`, `policy`.
    pub subject: &'static str,
    /// What was measured, with its unit.
    pub row: String,
    /// Our figure.
    pub ours: f64,
    /// The peer's figure in the same run; `None` when there is none.
    pub peer: Option<f64>,
    /// Who the peer is, or why there is no figure.
    pub peer_name: String,
    /// Ours over the peer's.
    pub ratio: Option<f64>,
    /// What is to be reached, in words.
    pub target: String,
    /// Whether it was; `None` without a figure to compare with.
    pub met: Option<bool>,
    /// Our heap allocations for each operation.
    pub allocations: Option<f64>,
    /// The slowest round over the fastest, of ours.
    pub spread: Option<f64>,
}

impl Row {
    /// Our cost beside a peer's; the target is a ratio, and no allocation.
    #[must_use]
    pub fn against(
        subject: &'static str,
        row: &str,
        ours: Cost,
        peer: Option<(Cost, &str)>,
        target: f64,
    ) -> Self {
        let ratio = peer.map(|(peer, _)| ours.ns / peer.ns);
        let none = ours.allocations == 0.0;
        Self {
            subject,
            row: format!("{row} (ns)"),
            ours: ours.ns,
            peer: peer.map(|(peer, _)| peer.ns),
            peer_name: peer.map_or(NO_PEER, |(_, name)| name).to_owned(),
            ratio,
            target: format!("<= {target}x, 0 allocations"),
            met: ratio.map(|ratio| ratio <= target && none),
            allocations: Some(ours.allocations),
            spread: Some(ours.spread),
        }
    }

    /// Our cost by itself; the target is a number of nanoseconds, and no allocation.
    #[must_use]
    pub fn within(subject: &'static str, row: &str, ours: Cost, target_ns: f64) -> Self {
        Self {
            subject,
            row: format!("{row} (ns)"),
            ours: ours.ns,
            peer: None,
            peer_name: "-".to_owned(),
            ratio: None,
            target: format!("<= {target_ns} ns, 0 allocations"),
            met: Some(ours.ns <= target_ns && ours.allocations == 0.0),
            allocations: Some(ours.allocations),
            spread: Some(ours.spread),
        }
    }

    /// Some other figure of ours.
    #[must_use]
    pub fn figure(subject: &'static str, row: &str, ours: f64, target: &str, met: bool) -> Self {
        Self {
            subject,
            row: row.to_owned(),
            ours,
            peer: None,
            peer_name: "-".to_owned(),
            ratio: None,
            target: target.to_owned(),
            met: Some(met),
            allocations: None,
            spread: None,
        }
    }

    /// The head of the table.
    #[must_use]
    pub fn head() -> String {
        format!(
            "| {:<54} | {:>9} | {:>9} | {:<14} | {:>6} | {:>6} | {:>6} | {:<24} | {:<4} |\n|{}|",
            "row",
            "ours",
            "peer",
            "peer name",
            "ratio",
            "allocs",
            "spread",
            "target",
            "met",
            [
                "-".repeat(56),
                "-".repeat(11),
                "-".repeat(11),
                "-".repeat(16),
                "-".repeat(8),
                "-".repeat(8),
                "-".repeat(8),
                "-".repeat(26),
                "-".repeat(6)
            ]
            .join("|")
        )
    }

    /// A line of the table.
    #[must_use]
    pub fn line(&self) -> String {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let met = self.met.map_or("-", |met| if met { "yes" } else { "no" });
        format!(
            "| {:<54} | {:>9.1} | {:>9} | {:<14} | {:>6} | {:>6} | {:>6} | {:<24} | {met:<4} |",
            self.row,
            self.ours,
            number(self.peer, 1),
            self.peer_name,
            number(self.ratio, 2),
            number(self.allocations, 2),
            number(self.spread, 2),
            self.target,
        )
    }
}

/// What stands where a peer's figure would.
pub const NO_PEER: &str = "- (--features peers)";
