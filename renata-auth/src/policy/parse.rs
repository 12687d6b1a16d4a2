//! A policy from TOML, with the place of everything that is wrong.

use std::collections::BTreeMap;
use std::ops::Range;

use renata_topics::TopicFilter;
use serde::Deserialize;
use toml::Spanned;

use super::action::{Action, ActionSet, Effect, Mask};
use super::model::{Binding, FilterLevel, Role, Rule, RuleFilter};
use super::pattern::{Part, Pattern};
use super::placeholder::{Placeholder, VarId};
use super::problem::{PolicyError, Problem};
use crate::identity::{Field, Origin};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    roles: BTreeMap<Spanned<String>, RoleText>,
    #[serde(default)]
    bindings: Vec<Spanned<BindingText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleText {
    #[serde(default)]
    rules: Vec<Spanned<RuleText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    allow: Option<Vec<Spanned<String>>>,
    deny: Option<Vec<Spanned<String>>>,
    topics: Option<Spanned<Vec<Spanned<String>>>>,
    client_ids: Option<Spanned<Vec<Spanned<String>>>>,
    max_qos: Option<Spanned<i64>>,
    retain: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BindingText {
    roles: Vec<Spanned<String>>,
    certificate: Option<CertificateText>,
    username: Option<String>,
    client_id: Option<String>,
    anonymous: Option<Spanned<bool>>,
    #[serde(default)]
    attributes: BTreeMap<String, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateText {
    cn: Option<String>,
    ou: Option<String>,
    san_uri: Option<String>,
    san_dns: Option<String>,
    issuer_cn: Option<String>,
    serial: Option<String>,
    fingerprint: Option<String>,
}

/// What a policy file says.
pub(crate) struct Read {
    pub(crate) roles: Vec<Role>,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) placeholders: Vec<Placeholder>,
}

/// Reads a whole file, and goes on after a problem so that one run shows them all.
pub(crate) fn parse(text: &str, file: &str) -> Result<Read, PolicyError> {
    let mut reader = Reader {
        text,
        placeholders: Vec::new(),
        problems: Vec::new(),
    };
    let read = match toml::from_str::<FileText>(text) {
        Ok(found) => reader.file(found),
        Err(error) => {
            reader.report(error.span().unwrap_or(0..0), error.message().to_owned());
            None
        }
    };
    match read {
        Some((roles, bindings)) if reader.problems.is_empty() => Ok(Read {
            roles,
            bindings,
            placeholders: reader.placeholders,
        }),
        _ => {
            reader
                .problems
                .sort_by_key(|problem| (problem.line, problem.column));
            Err(PolicyError {
                file: file.to_owned(),
                problems: reader.problems,
            })
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    placeholders: Vec<Placeholder>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn file(&mut self, file: FileText) -> Option<(Vec<Role>, Vec<Binding>)> {
        let most = usize::from(u16::MAX);
        if file.roles.len() > most {
            self.report(0..0, format!("more than {most} roles: merge some"));
            return None;
        }
        let mut roles = Vec::new();
        for (name, role) in file.roles {
            let rules = role.rules.into_iter().map(|rule| self.rule(rule)).collect();
            let name = name.into_inner().into();
            roles.push(Role { name, rules });
        }
        let bindings = file.bindings.into_iter();
        let bindings = bindings
            .map(|binding| self.binding(binding, &roles))
            .collect();
        Some((roles, bindings))
    }

    fn rule(&mut self, rule: Spanned<RuleText>) -> Rule {
        let (place, rule) = (rule.span(), rule.into_inner());
        let (effect, names) = match (rule.allow, rule.deny) {
            (Some(names), None) => (Effect::Allow, names),
            (None, Some(names)) => (Effect::Deny, names),
            _ => {
                let message = "a rule needs either allow or deny: \
                    write allow = [\"publish\"], and a second rule for what is denied";
                self.report(place.clone(), message.to_owned());
                (Effect::Deny, Vec::new())
            }
        };
        let actions = self.actions(&place, &names);
        let topics = self.topics(&place, actions, rule.topics);
        let client_ids = self.client_ids(actions, rule.client_ids);
        let mask = self.mask(effect, actions, rule.max_qos, rule.retain);
        Rule {
            effect,
            actions,
            topics,
            client_ids,
            mask,
            line: self.place(place.start).0,
        }
    }

    fn actions(&mut self, place: &Range<usize>, names: &[Spanned<String>]) -> ActionSet {
        let mut actions = ActionSet::default();
        for name in names {
            let known = Action::ALL
                .into_iter()
                .find(|action| action.as_str() == name.get_ref());
            match known {
                Some(action) => actions.insert(action),
                None => self.report(
                    name.span(),
                    format!(
                        "unknown action {:?}: use connect, takeover, publish, retain, will, \
                         subscribe or deliver",
                        name.get_ref()
                    ),
                ),
            }
        }
        if names.is_empty() && self.problems.is_empty() {
            let message = "a rule without actions decides nothing: name some, or remove it";
            self.report(place.clone(), message.to_owned());
        }
        actions
    }

    fn topics(
        &mut self,
        place: &Range<usize>,
        actions: ActionSet,
        topics: Option<Spanned<Vec<Spanned<String>>>>,
    ) -> Vec<RuleFilter> {
        let wants = actions.iter().any(Action::has_topic);
        let filters = match topics {
            Some(topics) if !wants && actions != ActionSet::default() => {
                let message = "connect and takeover concern no topic: use client_ids";
                self.report(topics.span(), message.to_owned());
                Vec::new()
            }
            Some(topics) if topics.get_ref().is_empty() => {
                let message = "an empty list of topics matches nothing: name some";
                self.report(topics.span(), message.to_owned());
                Vec::new()
            }
            Some(topics) => topics.into_inner(),
            None => {
                if wants {
                    let message = "these actions need topics: add topics = [\"plant/#\"]";
                    self.report(place.clone(), message.to_owned());
                }
                Vec::new()
            }
        };
        filters
            .iter()
            .filter_map(|filter| self.filter(filter))
            .collect()
    }

    fn filter(&mut self, filter: &Spanned<String>) -> Option<RuleFilter> {
        let text = filter.get_ref();
        let mut levels = Vec::new();
        for level in text.split('/') {
            levels.push(match level {
                "+" => FilterLevel::Plus,
                "#" => FilterLevel::Hash,
                level if level.contains("${") => {
                    let inner = level
                        .strip_prefix("${")
                        .and_then(|rest| rest.strip_suffix('}'));
                    let Some(name) = inner.filter(|name| !name.contains(['{', '}'])) else {
                        let message = format!(
                            "a placeholder fills a whole level, {level:?} does not: \
                             make it a level of its own"
                        );
                        self.report(filter.span(), message);
                        return None;
                    };
                    FilterLevel::Var(self.placeholder(&filter.span(), name)?)
                }
                literal => FilterLevel::Literal(literal.into()),
            });
        }
        // A placeholder's value is a level like any other, so any letter can stand for it here.
        let level = |level: &FilterLevel| match level {
            FilterLevel::Literal(text) => text.to_string(),
            FilterLevel::Var(_) => "x".to_owned(),
            FilterLevel::Plus => "+".to_owned(),
            FilterLevel::Hash => "#".to_owned(),
        };
        let sample = levels.iter().map(level).collect::<Vec<_>>().join("/");
        match TopicFilter::new(&sample) {
            Ok(sample) if sample.share_name().is_none() => Some(RuleFilter {
                text: text.as_str().into(),
                levels,
                line: self.place(filter.span().start).0,
            }),
            Ok(_) => {
                let message = "a shared subscription is decided like its filter: \
                    write the filter without $share/{group}/";
                self.report(filter.span(), message.to_owned());
                None
            }
            Err(error) => {
                self.report(
                    filter.span(),
                    format!("{text:?} is no topic filter: {error}"),
                );
                None
            }
        }
    }

    fn client_ids(
        &mut self,
        actions: ActionSet,
        ids: Option<Spanned<Vec<Spanned<String>>>>,
    ) -> Option<Vec<Pattern>> {
        let ids = ids?;
        if !actions.iter().any(|action| !action.has_topic()) {
            let message = "client_ids concerns connect and takeover only: remove it, or add one";
            self.report(ids.span(), message.to_owned());
        }
        let ids = ids.into_inner();
        Some(ids.iter().filter_map(|id| self.client_id(id)).collect())
    }

    fn client_id(&mut self, id: &Spanned<String>) -> Option<Pattern> {
        let mut parts = Vec::new();
        let mut rest = id.get_ref().as_str();
        while let Some((head, tail)) = rest.split_once("${") {
            let Some((name, behind)) = tail.split_once('}') else {
                let message = "a placeholder without its '}': close it".to_owned();
                self.report(id.span(), message);
                return None;
            };
            parts.extend(Pattern::plain(head).parts);
            let var = self.placeholder(&id.span(), name)?;
            if self.placeholders[usize::from(var)] == Placeholder::ClientId {
                let message = "${client_id} always equals the client id: name what it should equal";
                self.report(id.span(), message.to_owned());
            }
            parts.push(Part::Var(var));
            rest = behind;
        }
        parts.extend(Pattern::plain(rest).parts);
        let text = id.get_ref().as_str().into();
        Some(Pattern { text, parts })
    }

    fn placeholder(&mut self, place: &Range<usize>, name: &str) -> Option<VarId> {
        let Some(placeholder) = Placeholder::read(name) else {
            let remedy = Placeholder::REMEDY;
            self.report(
                place.clone(),
                format!("unknown placeholder ${{{name}}}: {remedy}"),
            );
            return None;
        };
        let known = self
            .placeholders
            .iter()
            .position(|known| *known == placeholder);
        let at = known.unwrap_or_else(|| {
            self.placeholders.push(placeholder);
            self.placeholders.len() - 1
        });
        if let Ok(var) = VarId::try_from(at) {
            return Some(var);
        }
        let message = "more than 65 536 different placeholders: use fewer attributes".to_owned();
        self.report(place.clone(), message);
        None
    }

    fn mask(
        &mut self,
        effect: Effect,
        actions: ActionSet,
        max_qos: Option<Spanned<i64>>,
        retain: Option<Spanned<bool>>,
    ) -> Mask {
        let mut highest = 2;
        if let Some(qos) = max_qos {
            match u8::try_from(*qos.get_ref()) {
                Ok(value @ 0..=2) => highest = value,
                _ => self.report(qos.span(), "max_qos is 0, 1 or 2".to_owned()),
            }
            if effect == Effect::Deny {
                let message = "max_qos in a deny would leave the higher QoS open: \
                    put it into the allow";
                self.report(qos.span(), message.to_owned());
            }
            if !actions.iter().all(Action::has_topic) {
                let message = "connect and takeover have no QoS: put max_qos into another rule";
                self.report(qos.span(), message.to_owned());
            }
        }
        if let Some(retain) = &retain
            && !actions
                .iter()
                .all(|action| matches!(action, Action::Publish | Action::Will))
        {
            let message = "retain as a condition concerns publish and will only: \
                put it into a rule with those alone";
            self.report(retain.span(), message.to_owned());
        }
        Mask::new(highest, retain.map(Spanned::into_inner))
    }

    fn binding(&mut self, binding: Spanned<BindingText>, known: &[Role]) -> Binding {
        let (place, binding) = (binding.span(), binding.into_inner());
        let mut roles = Vec::new();
        for name in &binding.roles {
            match known.iter().position(|role| *role.name == **name.get_ref()) {
                // Not above the number of roles, which was checked.
                Some(at) => roles.push(at as u16),
                None => {
                    let names: Vec<_> = known.iter().map(|role| &*role.name).collect();
                    let message = match names[..] {
                        [] => format!("unknown role {:?}: the file has none", name.get_ref()),
                        _ => {
                            let names = names.join(", ");
                            format!("unknown role {:?}: the file has {names}", name.get_ref())
                        }
                    };
                    self.report(name.span(), message);
                }
            }
        }
        let anonymous = binding.anonymous.as_ref().is_some_and(|anonymous| {
            if !anonymous.get_ref() {
                let message = "anonymous = false says nothing: remove it".to_owned();
                self.report(anonymous.span(), message);
            }
            *anonymous.get_ref()
        });
        let origins = [
            binding.certificate.is_some().then_some(Origin::Certificate),
            binding.username.is_some().then_some(Origin::Username),
            anonymous.then_some(Origin::Anonymous),
        ];
        let mut origins = origins.into_iter().flatten();
        let origin = origins.next();
        if origin.is_none() && binding.anonymous.is_none() {
            let message = "a binding needs certificate, username or anonymous: \
                a client chooses its client id itself";
            self.report(place.clone(), message.to_owned());
        }
        if origins.next().is_some() {
            let message = "a client is known by certificate, by user name or not at all: \
                make one binding for each";
            self.report(place, message.to_owned());
        }
        let attributes = binding.attributes.into_iter().map(|(name, value)| {
            if let Err(problem) = crate::identity::check_placeholder(value.get_ref()) {
                self.report(
                    value.span(),
                    format!("the value of {name} {problem}: change it"),
                );
            }
            (name.into(), value.into_inner().into())
        });
        Binding {
            roles,
            origin,
            attributes: attributes.collect(),
            fields: fields(binding.certificate, binding.username),
            client_id: binding.client_id.as_deref().map(Pattern::plain),
        }
    }

    fn report(&mut self, span: Range<usize>, message: String) {
        let (line, column) = self.place(span.start);
        self.problems.push(Problem {
            line,
            column,
            message,
        });
    }

    /// Line and column, both from 1.
    fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (line, before[start..].chars().count() + 1)
    }
}

fn fields(certificate: Option<CertificateText>, username: Option<String>) -> Vec<(Field, Pattern)> {
    let certificate = certificate.into_iter().flat_map(|text| {
        [
            (Field::CertCn, text.cn),
            (Field::CertOu, text.ou),
            (Field::CertSanUri, text.san_uri),
            (Field::CertSanDns, text.san_dns),
            (Field::CertIssuerCn, text.issuer_cn),
            (Field::CertSerial, text.serial.map(|hex| plain_hex(&hex))),
            (
                Field::CertFingerprint,
                text.fingerprint.map(|hex| plain_hex(&hex)),
            ),
        ]
    });
    certificate
        .chain([(Field::Username, username)])
        .filter_map(|(field, text)| Some((field, Pattern::plain(&text?))))
        .collect()
}

/// `AB:CD` as programs print it is `abcd` here.
fn plain_hex(text: &str) -> String {
    text.replace(':', "").to_lowercase()
}
