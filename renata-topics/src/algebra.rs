//! Filters as sets of topics: is one contained in another, what do two have in common.
//!
//! L(f) is the set of topic names that a filter matches. The answers here are exact, `$` rule and
//! parent rule included; the integration tests compare them with brute force over every topic that
//! the filters can tell apart. `$share/{group}/` is left aside everywhere: it changes who receives,
//! not what.

use smallvec::SmallVec;

use crate::{Levels, Limits, TopicFilter, TopicFilterBuf};

/// Whether `outer` matches every topic that `inner` matches.
///
/// ```
/// use renata_topics::{TopicFilter, covers};
/// let f = |text| TopicFilter::new(text).unwrap();
/// assert!(covers(f("plant/#"), f("plant/+/speed")));
/// assert!(covers(f("plant/#"), f("plant")));
/// assert!(!covers(f("plant/+"), f("plant/#")), "plant/a/b is outside");
/// assert!(!covers(f("#"), f("$SYS/uptime")), "wildcards at level 0 skip $");
/// ```
#[must_use]
pub fn covers(outer: TopicFilter<'_>, inner: TopicFilter<'_>) -> bool {
    covers_steps(Steps::of(outer), Steps::of(inner))
}

/// Whether some topic is matched by both.
///
/// ```
/// use renata_topics::{TopicFilter, meets};
/// let f = |text| TopicFilter::new(text).unwrap();
/// assert!(meets(f("plant/+/speed"), f("plant/press/#")));
/// assert!(!meets(f("plant/+"), f("plant/press/speed")));
/// ```
#[must_use]
pub fn meets(a: TopicFilter<'_>, b: TopicFilter<'_>) -> bool {
    walk_meet(a, b, |_| {})
}

/// The filter that matches exactly the topics that both match; `None` if there is none.
///
/// The intersection of two filters is always empty or a single filter, found level by level.
///
/// ```
/// use renata_topics::{TopicFilter, meet};
/// let f = |text| TopicFilter::new(text).unwrap();
/// let both = meet(f("plant/+/speed"), f("plant/press/#")).unwrap();
/// assert_eq!(both.as_str(), "plant/press/speed");
/// assert!(meet(f("#"), f("$SYS/#")).is_none());
/// ```
#[must_use]
pub fn meet(a: TopicFilter<'_>, b: TopicFilter<'_>) -> Option<TopicFilterBuf> {
    let mut levels: SmallVec<[&str; 16]> = SmallVec::new();
    if !walk_meet(a, b, |level| levels.push(level)) {
        return None;
    }
    let text = match levels.join("/") {
        text if text == "+/#" => "#".to_owned(),
        text if text == "/+/#" => "/#".to_owned(),
        text => text,
    };
    // Longer than a topic can be: no topic is that long, so the intersection is empty.
    let limits = Limits::DEFAULT.with_max_levels(u16::MAX);
    let both = TopicFilter::with_limits(&text, limits).ok()?;
    Some(both.to_buf())
}

/// Whether the filters of `outer` together match every topic that `inner` matches.
///
/// A filter without `#` lies in a union only if it lies in one member, because a wildcard stands
/// for more names than any list of literals. `p/#` is p, p/+, p/+/+ and so on: it lies in the
/// union iff for some j one member covers `p/+^j/#` and each of p .. `p/+^(j-1)` lies in one
/// member.
///
/// ```
/// use renata_topics::{TopicFilter, union_covers};
/// let f = |text| TopicFilter::new(text).unwrap();
/// assert!(union_covers(&[f("a"), f("a/+"), f("a/+/+/#")], f("a/#")));
/// assert!(!union_covers(&[f("a/+"), f("a/+/+/#")], f("a/#")), "a itself is outside");
/// ```
#[must_use]
pub fn union_covers(outer: &[TopicFilter<'_>], inner: TopicFilter<'_>) -> bool {
    let covered = |steps: Steps<'_>| {
        outer
            .iter()
            .any(|&one| covers_steps(Steps::of(one), steps.clone()))
    };
    let steps = Steps::of(inner);
    if !steps.clone().any(|step| step == Step::Hash) {
        return covered(steps);
    }
    let prefix = steps.clone().count() - 1;
    let longest = outer
        .iter()
        .map(|&one| Steps::of(one).count())
        .max()
        .unwrap_or(0);
    for extra in 0..=longest.saturating_sub(prefix) {
        if covered(steps.stretched(extra, true)) {
            return true;
        }
        if !covered(steps.stretched(extra, false)) {
            return false;
        }
    }
    false
}

fn covers_steps(mut outer: Steps<'_>, mut inner: Steps<'_>) -> bool {
    let mut first = true;
    loop {
        match (outer.next(), inner.next()) {
            // A `#` is never the first step, so the `$` rule does not concern it.
            (Some(Step::Hash), _) | (None, None) => return true,
            (Some(Step::Plus), Some(Step::Plus)) => {}
            (Some(Step::Plus), Some(Step::Literal(level))) if !(first && is_dollar(level)) => {}
            (Some(Step::Literal(a)), Some(Step::Literal(b))) if a == b => {}
            _ => return false,
        }
        first = false;
    }
}

/// Level by level: hands each level of the intersection to `found`, and says whether there is one.
fn walk_meet<'a>(a: TopicFilter<'a>, b: TopicFilter<'a>, mut found: impl FnMut(&'a str)) -> bool {
    let (mut a, mut b) = (Steps::of(a), Steps::of(b));
    let mut first = true;
    loop {
        let (step_a, step_b) = (a.next(), b.next());
        match (step_a, step_b) {
            (Some(Step::Hash), Some(Step::Hash)) => {
                found("#");
                return true;
            }
            (Some(Step::Hash), rest) | (rest, Some(Step::Hash)) => {
                let behind = if step_a == Some(Step::Hash) { b } else { a };
                rest.into_iter()
                    .chain(behind)
                    .for_each(|step| found(step.text()));
                return true;
            }
            (None, None) => return true,
            (Some(Step::Plus), Some(other)) | (Some(other), Some(Step::Plus)) => {
                if first && is_dollar(other.text()) {
                    return false;
                }
                found(other.text());
            }
            (Some(Step::Literal(x)), Some(Step::Literal(y))) if x == y => found(x),
            _ => return false,
        }
        first = false;
    }
}

fn is_dollar(level: &str) -> bool {
    level.starts_with('$')
}

/// One level of a filter in the form that the set algebra works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step<'a> {
    Literal(&'a str),
    Plus,
    Hash,
}

impl<'a> Step<'a> {
    fn text(self) -> &'a str {
        match self {
            Step::Literal(level) => level,
            Step::Plus => "+",
            Step::Hash => "#",
        }
    }
}

/// The levels of a filter, with `#` written as `+/#` and `/#` as `/+/#`.
///
/// Those mean the same, because the parent that `#` would add is the empty text, which is no
/// topic. After that every `p/#` has a real p, and the rules above need no exception.
#[derive(Clone)]
struct Steps<'a> {
    levels: Levels<'a>,
    depth: usize,
    /// Whether all levels so far are one empty level: the head of `/#`.
    only_empty: bool,
    /// `+` to hand out before the `#`.
    plus: usize,
    tail: Tail,
    at_hash: bool,
}

/// What stands where the filter says `#`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Hash,
    Nothing,
}

impl<'a> Steps<'a> {
    fn of(filter: TopicFilter<'a>) -> Self {
        Self {
            levels: filter.levels(),
            depth: 0,
            only_empty: true,
            plus: 0,
            tail: Tail::Hash,
            at_hash: false,
        }
    }

    /// `p/#` as `p/+^extra/#`, or as `p/+^extra` without the `#`.
    fn stretched(&self, extra: usize, hash: bool) -> Self {
        let tail = if hash { Tail::Hash } else { Tail::Nothing };
        Self {
            plus: self.plus + extra,
            tail,
            ..self.clone()
        }
    }
}

impl<'a> Iterator for Steps<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        if !self.at_hash {
            let level = self.levels.next()?;
            let parentless = self.depth == 0 || (self.depth == 1 && self.only_empty);
            self.depth += 1;
            self.only_empty &= level.is_empty();
            match level {
                "#" => {
                    self.at_hash = true;
                    self.plus += usize::from(parentless);
                }
                "+" => return Some(Step::Plus),
                literal => return Some(Step::Literal(literal)),
            }
        }
        if self.plus > 0 {
            self.plus -= 1;
            return Some(Step::Plus);
        }
        let hash = self.tail == Tail::Hash;
        self.tail = Tail::Nothing;
        hash.then_some(Step::Hash)
    }
}
