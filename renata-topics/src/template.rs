//! Topic templates: a topic with named holes.

use std::fmt;
use std::str::FromStr;

use smallvec::SmallVec;

use crate::{TopicError, TopicFilterBuf, TopicName, TopicNameBuf};

/// A topic with named levels, such as `plant/{line}/{device}/{measurement..}`.
///
/// `{name}` stands for exactly one level that is not empty, `{name..}` for one level or more and
/// only at the end. A template takes topics apart, puts them together, and says which filter finds
/// them all.
///
/// ```
/// use renata_topics::{Template, TopicName};
/// let template: Template = "plant/{line}/{device}/{measurement..}".parse()?;
///
/// let topic = TopicName::new("plant/line-7/plc-3/axis-1/torque")?;
/// let fields = template.parse(topic)?;
/// assert_eq!(fields.get("device"), Some("plc-3"));
/// assert_eq!(fields.get("measurement"), Some("axis-1/torque"));
///
/// let built = template.build(&[("line", "line-8"), ("device", "plc-1"), ("measurement", "speed")])?;
/// assert_eq!(built.as_str(), "plant/line-8/plc-1/speed");
///
/// assert_eq!(template.to_filter(&[])?.as_str(), "plant/+/+/+/#");
/// assert_eq!(template.to_filter(&[("line", "line-7")])?.as_str(), "plant/line-7/+/+/#");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Literal(Box<str>),
    Level(Box<str>),
    Tail(Box<str>),
}

/// The fields of one topic, in the order of the template. They borrow from the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields<'t, 'a> {
    template: &'t Template,
    values: SmallVec<[&'a str; 8]>,
}

/// Why a text is not a template, or a topic and a template do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A level with a brace that is not `{name}` or `{name..}`, a name letters, digits, `_`, `-`.
    #[error("level {level} of the template is neither a literal nor {{name}} nor {{name..}}")]
    Field {
        /// The level, counted from 0.
        level: usize,
    },
    /// The name of this level was used before.
    #[error("the name of level {level} of the template was used before")]
    Repeated {
        /// The level, counted from 0.
        level: usize,
    },
    /// `{name..}` before the end.
    #[error("level {level} of the template takes the rest and is not the last")]
    TailNotLast {
        /// The level, counted from 0.
        level: usize,
    },
    /// The topic has another literal here, an empty level, or ends too early or too late.
    #[error("the topic does not fit the template at level {level}")]
    Mismatch {
        /// The level of the topic, counted from 0.
        level: usize,
    },
    /// No value was given for a level of the template.
    #[error("no value for level {level} of the template")]
    NoValue {
        /// The level of the template, counted from 0.
        level: usize,
    },
    /// The value is empty, or holds an empty level, or a `/` where one level is wanted.
    #[error("the value for level {level} of the template does not fit there")]
    Value {
        /// The level of the template, counted from 0.
        level: usize,
    },
    /// A value was given for a name that the template does not have.
    #[error("value {index} has a name that the template does not know")]
    UnknownName {
        /// The place in the list of values, counted from 0.
        index: usize,
    },
    /// The text of the template, or what was built, breaks a rule of topics.
    #[error(transparent)]
    Topic(#[from] TopicError),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A level with a brace that is no field, a repeated name, `{name..}` before the end, or a
    /// literal that a topic cannot hold.
    pub fn new(text: &str) -> Result<Self, TemplateError> {
        // Fields hold neither `/` nor wildcards, so the text itself obeys the rules of names.
        let name = TopicName::new(text)?;
        let mut template = Self { parts: Vec::new() };
        for (level, text) in name.levels().enumerate() {
            if matches!(template.parts.last(), Some(Part::Tail(_))) {
                return Err(TemplateError::TailNotLast { level: level - 1 });
            }
            let part = Part::read(text).ok_or(TemplateError::Field { level })?;
            if part.name().is_some_and(|name| template.has(name)) {
                return Err(TemplateError::Repeated { level });
            }
            template.parts.push(part);
        }
        Ok(template)
    }

    /// The names of the fields, from the left.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(Part::name)
    }

    /// Takes a topic apart, without copying; up to eight fields without allocation.
    ///
    /// # Errors
    /// [`TemplateError::Mismatch`] with the first level that does not fit.
    pub fn parse<'a>(&self, topic: TopicName<'a>) -> Result<Fields<'_, 'a>, TemplateError> {
        let mut levels = topic.levels();
        let mut values = SmallVec::new();
        for (level, part) in self.parts.iter().enumerate() {
            let mismatch = TemplateError::Mismatch { level };
            let rest = levels.rest();
            let text = levels.next().ok_or(mismatch)?;
            match part {
                Part::Literal(wanted) if **wanted == *text => {}
                Part::Level(_) if !text.is_empty() => values.push(text),
                Part::Tail(_) if !text.is_empty() => {
                    values.push(rest.ok_or(mismatch)?);
                    if let Some(hollow) = levels.by_ref().position(str::is_empty) {
                        let level = level + 1 + hollow;
                        return Err(TemplateError::Mismatch { level });
                    }
                }
                _ => return Err(mismatch),
            }
        }
        if levels.rest().is_some() {
            let level = self.parts.len();
            return Err(TemplateError::Mismatch { level });
        }
        Ok(Fields {
            template: self,
            values,
        })
    }

    /// Puts a topic together from `(name, value)` pairs.
    ///
    /// # Errors
    /// A field without a value, a value that does not fit, an unknown name, or a result that breaks
    /// a rule of topic names.
    pub fn build(&self, values: &[(&str, &str)]) -> Result<TopicNameBuf, TemplateError> {
        let text = self.fill(values, |level, _| Err(TemplateError::NoValue { level }))?;
        Ok(TopicNameBuf::new(&text)?)
    }

    /// The filter that finds the topics of this template with the given values; fields without a
    /// value become wildcards, `{name..}` becomes `+/#`.
    ///
    /// # Errors
    /// As [`build`](Self::build), but for fields without a value. A value may itself be `+`.
    pub fn to_filter(&self, values: &[(&str, &str)]) -> Result<TopicFilterBuf, TemplateError> {
        let text = self.fill(values, |_, part| match part {
            Part::Tail(_) => Ok("+/#"),
            _ => Ok("+"),
        })?;
        Ok(TopicFilterBuf::new(&text)?)
    }

    fn fill<'v>(
        &self,
        values: &[(&str, &'v str)],
        missing: impl Fn(usize, &Part) -> Result<&'v str, TemplateError>,
    ) -> Result<String, TemplateError> {
        if let Some(index) = values.iter().position(|(name, _)| !self.has(name)) {
            return Err(TemplateError::UnknownName { index });
        }
        let mut text = String::new();
        for (level, part) in self.parts.iter().enumerate() {
            if level > 0 {
                text.push('/');
            }
            let Some(name) = part.name() else {
                text.push_str(part.text());
                continue;
            };
            match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) if part.accepts(value) => text.push_str(value),
                Some(_) => return Err(TemplateError::Value { level }),
                None => text.push_str(missing(level, part)?),
            }
        }
        Ok(text)
    }

    fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }
}

impl<'a> Fields<'_, 'a> {
    /// The value of a field; `None` if the template does not know the name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let at = self.template.names().position(|known| known == name)?;
        self.values.get(at).copied()
    }

    /// The names and values, from the left.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.template.names().zip(self.values.iter().copied())
    }
}

impl Part {
    fn read(text: &str) -> Option<Self> {
        if !text.contains(['{', '}']) {
            return Some(Self::Literal(text.into()));
        }
        let inner = text.strip_prefix('{')?.strip_suffix('}')?;
        let (name, tail) = match inner.strip_suffix("..") {
            Some(name) => (name, true),
            None => (inner, false),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(fits) {
            return None;
        }
        Some(if tail {
            Self::Tail(name.into())
        } else {
            Self::Level(name.into())
        })
    }

    fn text(&self) -> &str {
        match self {
            Self::Literal(text) | Self::Level(text) | Self::Tail(text) => text,
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Level(name) | Self::Tail(name) => Some(name),
        }
    }

    fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Tail(_) => !value.split('/').any(str::is_empty),
            _ => !value.is_empty() && !value.contains('/'),
        }
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::new(text)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (level, part) in self.parts.iter().enumerate() {
            if level > 0 {
                f.write_str("/")?;
            }
            match part {
                Part::Literal(text) => f.write_str(text)?,
                Part::Level(name) => write!(f, "{{{name}}}")?,
                Part::Tail(name) => write!(f, "{{{name}..}}")?,
            }
        }
        Ok(())
    }
}
