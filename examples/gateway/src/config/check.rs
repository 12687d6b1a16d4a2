//! From the shape of the file to settings that can be run.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use renata_codec::Codec;
use toml::Spanned;

use super::problem::{Problem, Problems};
use super::{Config, JournalConfig, LakeConfig, WhenFull, raw};

/// Checks the text of a file.
pub(super) fn check(file: &Path, text: &str) -> Result<Config, Vec<Problem>> {
    let mut problems = Problems::of(file, text);
    let shape = match toml::from_str::<raw::File>(text) {
        Ok(shape) => shape,
        Err(error) => {
            let (what, remedy) = shape_problem(error.message());
            problems.add(error.span(), what, remedy);
            return problems.or(None);
        }
    };
    let mut checker = Checker {
        folder: file.parent().unwrap_or(Path::new("")).to_owned(),
        topics: HashMap::new(),
        names: HashMap::new(),
        problems,
    };
    let config = checker.config(&shape);
    checker.problems.or(config)
}

/// What every part of the check needs.
pub(super) struct Checker<'t> {
    folder: PathBuf,
    /// Which tag or status has which topic.
    pub(super) topics: HashMap<String, (Range<usize>, String)>,
    /// Names of devices and links: one name, one thing, one file.
    names: HashMap<String, Range<usize>>,
    pub(super) problems: Problems<'t>,
}

impl Checker<'_> {
    fn config(&mut self, shape: &raw::File) -> Option<Config> {
        let id = self.name(&shape.gateway.id);
        let codec = self.codec(shape.gateway.format.as_ref());
        let journal = self.journal(&shape.journal);
        let devices: Vec<_> = shape
            .device
            .iter()
            .map(|d| self.device(&shape.gateway, d))
            .collect();
        let id = id.unwrap_or_default();
        let uplinks: Vec<_> = shape.uplink.iter().map(|u| self.uplink(id, u)).collect();
        let subscriptions: Vec<_> = (shape.subscription.iter())
            .map(|s| self.subscription(id, s))
            .collect();
        let lake = shape.lake.as_ref().map(|lake| self.lake(lake.get_ref()));
        self.routes(shape);
        Some(Config {
            id: id.to_owned(),
            data_dir: self.path(&shape.gateway.data_dir),
            codec: codec?,
            journal: journal?,
            devices: devices.into_iter().collect::<Option<_>>()?,
            uplinks: uplinks.into_iter().collect::<Option<_>>()?,
            subscriptions: subscriptions.into_iter().collect::<Option<_>>()?,
            lake: match lake {
                Some(lake) => Some(lake?),
                None => None,
            },
        })
    }

    /// Every source needs a sink, and every sink a source.
    fn routes(&mut self, shape: &raw::File) {
        let device = shape.device.first().map(Spanned::span);
        let uplink = shape.uplink.first().map(Spanned::span);
        let subscription = shape.subscription.first().map(Spanned::span);
        let lake = shape.lake.as_ref().map(Spanned::span);
        let add = "add a [[device]] and an [[uplink]], or a [[subscription]] and a [lake]";
        match (device, uplink) {
            (Some(span), None) => {
                let what = "the devices have nowhere to send their samples to";
                self.problems.add(Some(span), what, "add an [[uplink]]");
            }
            (None, Some(span)) => {
                let what = "the uplink has nothing to send";
                self.problems.add(Some(span), what, "add a [[device]]");
            }
            (None, None) if shape.subscription.is_empty() && lake.is_none() => {
                self.problems
                    .add(None, "there is neither source nor sink", add);
            }
            _ => {}
        }
        match (subscription, lake) {
            (Some(span), None) => {
                let what = "the messages of the subscription have nowhere to go";
                self.problems.add(Some(span), what, "add a [lake]");
            }
            (None, Some(span)) => {
                let what = "the lake gets nothing";
                self.problems
                    .add(Some(span), what, "add a [[subscription]]");
            }
            _ => {}
        }
    }

    fn codec(&mut self, text: Option<&Spanned<String>>) -> Option<Codec> {
        let Some(text) = text else {
            return Some(Codec::new(renata_codec::Format::Json));
        };
        match text.get_ref().parse() {
            Ok(codec) => Some(codec),
            Err(error) => {
                let known: Vec<_> = Codec::all().map(|c| c.content_type()).collect();
                let remedy = format!("write one of {}", known.join(", "));
                let what = format!("format {:?}: {error}", text.get_ref());
                self.problems.add(Some(text.span()), what, remedy);
                None
            }
        }
    }

    fn journal(&mut self, journal: &raw::Journal) -> Option<JournalConfig> {
        let max_mib = self.number(journal.max_mib.as_ref(), 1024, 4..=1 << 20)?;
        let segment = (max_mib / 4).min(16);
        let segment_mib = self.number(journal.segment_mib.as_ref(), segment, 1..=max_mib / 4)?;
        let when_full = match journal
            .when_full
            .as_ref()
            .map(|t| (t.get_ref().as_str(), t.span()))
        {
            None | Some(("drop_oldest", _)) => WhenFull::DropOldest,
            Some(("drop_newest", _)) => WhenFull::DropNewest,
            Some((other, span)) => {
                let what = format!("when_full is {other:?}");
                let remedy = "write \"drop_oldest\" or \"drop_newest\"";
                self.problems.add(Some(span), what, remedy);
                return None;
            }
        };
        Some(JournalConfig {
            max_bytes: max_mib << 20,
            segment_bytes: segment_mib << 20,
            when_full,
        })
    }

    fn lake(&mut self, lake: &raw::Lake) -> Option<LakeConfig> {
        let table = match &lake.table {
            Some(table) => self.word(table)?.to_owned(),
            None => "samples".to_owned(),
        };
        let file_age = self.number(lake.file_age_s.as_ref(), 900, 1..=86_400)?;
        let journal = self.number(lake.journal_max_mib.as_ref(), 4096, 64..=1 << 20)?;
        Some(LakeConfig {
            path: self.path(&lake.path),
            table,
            file_age: Duration::from_secs(file_age),
            journal_max_bytes: journal << 20,
        })
    }

    /// A name that no other device or link has.
    pub(super) fn name<'a>(&mut self, name: &'a Spanned<String>) -> Option<&'a str> {
        let text = self.word(name)?;
        match self.names.insert(text.to_owned(), name.span()) {
            None => Some(text),
            Some(other) => {
                let (line, _) = self.problems.place(other.start);
                let what = format!("the name {text:?} is taken in line {line}");
                let remedy = "give every device, uplink and subscription a name of its own";
                self.problems.add(Some(name.span()), what, remedy);
                None
            }
        }
    }

    /// A word that can be a topic level, a file name and an identifier (ISA-95 names).
    pub(super) fn word<'a>(&mut self, name: &'a Spanned<String>) -> Option<&'a str> {
        let text = name.get_ref().as_str();
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if text.chars().all(good) && (1..=64).contains(&text.len()) && !text.starts_with('.') {
            return Some(text);
        }
        let what = format!("{text:?} is not a name");
        let remedy = "use 1 to 64 of A-Z a-z 0-9 - _ . with no dot in front";
        self.problems.add(Some(name.span()), what, remedy);
        None
    }

    /// A whole number within bounds, or the default.
    pub(super) fn number<T: Copy + TryInto<u64> + TryFrom<u64>>(
        &mut self,
        number: Option<&Spanned<T>>,
        default: u64,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let Some(number) = number else {
            return Some(default);
        };
        let value = (*number.get_ref()).try_into().unwrap_or(u64::MAX);
        if bounds.contains(&value) {
            return Some(value);
        }
        let what = format!("{value} is out of range");
        let remedy = format!("write {} to {}", bounds.start(), bounds.end());
        self.problems.add(Some(number.span()), what, remedy);
        None
    }

    /// A path, relative to the folder of the file.
    pub(super) fn path(&self, path: &Spanned<String>) -> PathBuf {
        self.folder.join(path.get_ref())
    }
}

/// serde's words for a wrong shape, with a remedy.
fn shape_problem(message: &str) -> (String, String) {
    let line = message.lines().next().unwrap_or_default();
    if let Some((what, known)) = line.split_once(", expected one of ") {
        return (
            what.replace("field", "key"),
            format!("known here are {known}"),
        );
    }
    if let Some((what, known)) = line.split_once(", expected ") {
        return (what.replace("field", "key"), format!("write {known}"));
    }
    if line.starts_with("duplicate key") {
        return (line.to_owned(), "remove one of the two".to_owned());
    }
    match line.strip_prefix("missing field ") {
        Some(field) => (
            format!("the key {field} is missing"),
            format!("add {field} = .."),
        ),
        None => (
            line.to_owned(),
            "see the README for the shape of the file".to_owned(),
        ),
    }
}
