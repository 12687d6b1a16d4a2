//! Patterns for whole values: `gw-*`, `${cert.cn}`.

use super::placeholder::{Values, VarId};

/// A pattern for a whole value: text, `*` for any run of characters, placeholders.
///
/// `*` is all there is, and matching is linear in the value: no pattern can be made slow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) text: Box<str>,
    pub(crate) parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(Box<str>),
    Star,
    Var(VarId),
}

impl Pattern {
    /// Text and `*`, no placeholder.
    pub(crate) fn plain(text: &str) -> Self {
        let mut parts = Vec::new();
        for (n, piece) in text.split('*').enumerate() {
            if n > 0 {
                parts.push(Part::Star);
            }
            if !piece.is_empty() {
                parts.push(Part::Text(piece.into()));
            }
        }
        Self {
            text: text.into(),
            parts,
        }
    }

    pub(crate) fn vars(&self) -> impl Iterator<Item = VarId> {
        self.parts.iter().filter_map(|part| match part {
            Part::Var(var) => Some(*var),
            _ => None,
        })
    }

    /// False too if the session lacks a value that the pattern needs.
    pub(crate) fn matches(&self, value: &str, values: &Values) -> bool {
        let mut runs = vec![String::new()];
        for part in &self.parts {
            match part {
                Part::Star => runs.push(String::new()),
                Part::Text(text) => add(&mut runs, text),
                Part::Var(var) => match &values[usize::from(*var)] {
                    Some(text) => add(&mut runs, text),
                    None => return false,
                },
            }
        }
        let [first, middle @ .., last] = &runs[..] else {
            return runs[0] == value;
        };
        let Some(rest) = value.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else {
            return false;
        };
        middle.iter().all(|run| match rest.find(run.as_str()) {
            Some(at) => {
                rest = &rest[at + run.len()..];
                true
            }
            None => false,
        })
    }
}

fn add(runs: &mut [String], text: &str) {
    if let Some(last) = runs.last_mut() {
        last.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_run_of_characters() {
        let table = [
            ("gw-*", "gw-7", true),
            ("gw-*", "gw-", true),
            ("gw-*", "xgw-7", false),
            ("*", "", true),
            ("*-7", "gw-7", true),
            ("a*b*c", "a__b__c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a*bb*b", "abb", false),
            ("plain", "plain", true),
            ("plain", "plain2", false),
            ("", "", true),
        ];
        for (pattern, value, truth) in table {
            let found = Pattern::plain(pattern).matches(value, &Values::default());
            assert_eq!(found, truth, "{pattern} {value}");
        }
    }

    #[test]
    fn a_value_is_text_and_never_a_pattern() {
        let pattern = Pattern {
            text: "${cert.cn}-*".into(),
            parts: vec![Part::Var(0), Part::Text("-".into()), Part::Star],
        };
        let values: Values = [Some("*".into())].into();
        assert!(pattern.matches("*-1", &values));
        assert!(!pattern.matches("plc-1", &values));
        assert!(!pattern.matches("plc-1", &[None].into()));
    }
}
