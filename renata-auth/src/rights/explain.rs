//! Why a request is allowed or denied, for the person who asks.

use std::fmt;

use super::request::{Decision, Question, Request};
use super::session::SessionRights;
use crate::policy::linear::{Candidate, covered};
use crate::policy::{Action, Effect};

/// Why a request is allowed or denied: the answer, the rules that gave it, and every rule that was
/// looked at. Its `Display` is for people.
///
/// It comes from the list of rules and not from the trees that decide; both must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The answer.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// What was asked.
    pub request: String,
    /// Who asked: principal, client id, roles.
    pub subject: String,
    /// The epoch of the policy.
    pub epoch: u64,
    /// The rules that decided: the denies if one denied, the allows otherwise.
    pub decided_by: Vec<RuleRef>,
    /// Every rule about the action, in the order in which it was looked at.
    pub trace: Vec<Step>,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Rules allow it and none denies it.
    Allowed,
    /// A rule denies it.
    Denied,
    /// No rule allows it, or for a subscription: the rules that allow do not cover all of it.
    NotAllowed(Action),
    /// No binding gives the client a role.
    NoRole,
    /// There is no such quality of service.
    NoSuchQos,
}

/// A rule and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleRef {
    /// The policy file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The role.
    pub role: String,
    /// Allow or deny.
    pub effect: Effect,
    /// The action.
    pub action: Action,
    /// The filter or client id as it was written; `*` for any client id.
    pub pattern: String,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The rule.
    pub rule: RuleRef,
    /// Its filter with the client's values in it; `None` if a value is missing.
    pub resolved: Option<String>,
    /// Whether it concerns the request.
    pub matched: bool,
}

impl SessionRights {
    /// Why a request is allowed or denied.
    #[must_use]
    pub fn explain(&self, request: &Request<'_>) -> Explanation {
        let mut trace = Vec::new();
        let reason = self.reason(request, &mut trace);
        let decision = Decision::from(reason == Reason::Allowed);
        let deciding = match reason {
            Reason::Allowed => Some(Effect::Allow),
            Reason::Denied => Some(Effect::Deny),
            _ => None,
        };
        let decided = trace.iter().filter(|step: &&Step| step.matched);
        let decided = decided.filter(|step| Some(step.rule.effect) == deciding);
        Explanation {
            decision,
            reason,
            request: request.to_string(),
            subject: self.subject(),
            epoch: self.epoch(),
            decided_by: decided.map(|step| step.rule.clone()).collect(),
            trace,
        }
    }

    fn subject(&self) -> String {
        let roles: Vec<_> = self.roles().collect();
        let roles = if roles.is_empty() {
            "none".to_owned()
        } else {
            roles.join(", ")
        };
        let (principal, client_id) = (self.principal(), self.client_id());
        format!("{principal}, client id {client_id}, roles: {roles}")
    }

    fn reason(&self, request: &Request<'_>, trace: &mut Vec<Step>) -> Reason {
        if self.role_ids().is_empty() {
            return Reason::NoRole;
        }
        let Some(bit) = request.bit() else {
            return Reason::NoSuchQos;
        };
        for question in request.questions() {
            let actions = question.allowed_by.union(question.denied_by);
            let candidates = self
                .policy()
                .candidates(self.role_ids(), self.values(), actions, bit);
            let candidates: Vec<_> = candidates.collect();
            let from = trace.len();
            match *request {
                Request::Connect | Request::Takeover => self.trace_client_id(&question, trace),
                Request::Subscribe { filter, .. } => {
                    for one in &candidates {
                        // An allow counts if it holds a part; the whole is judged below.
                        trace.push(self.step(one, one.meets(filter)));
                    }
                }
                Request::Publish { topic, .. }
                | Request::Will { topic, .. }
                | Request::Deliver { topic, .. } => {
                    for one in &candidates {
                        trace.push(self.step(one, one.matches(topic)));
                    }
                }
            }
            let said = |effect| {
                let mut steps = trace[from..].iter();
                steps.any(|step| step.matched && step.rule.effect == effect)
            };
            let allowed = match *request {
                Request::Subscribe { filter, .. } => {
                    let may = |one: &Candidate<'_>| question.allowed_by.contains(one.action);
                    let candidates = candidates.into_iter().filter(may).collect::<Vec<_>>();
                    covered(&candidates, filter)
                }
                _ => said(Effect::Allow),
            };
            if said(Effect::Deny) {
                return Reason::Denied;
            }
            if !allowed {
                let action = question.allowed_by.iter().next();
                return action.map_or(Reason::NoRole, Reason::NotAllowed);
            }
        }
        Reason::Allowed
    }

    fn trace_client_id(&self, question: &Question, trace: &mut Vec<Step>) {
        let roles = self.role_ids().iter();
        for role in roles.map(|&role| &self.policy().roles[usize::from(role)]) {
            for rule in &role.rules {
                let Some(action) = rule
                    .actions
                    .iter()
                    .find(|&a| question.allowed_by.contains(a))
                else {
                    continue;
                };
                let ids = rule.client_ids.as_deref();
                let ids = ids.map(|ids| ids.iter().map(|id| &*id.text).collect::<Vec<_>>());
                let pattern = ids.map_or("*".to_owned(), |ids| ids.join(" | "));
                trace.push(Step {
                    rule: RuleRef {
                        file: self.policy().file.to_string(),
                        line: rule.line,
                        role: role.name.to_string(),
                        effect: rule.effect,
                        action,
                        pattern,
                    },
                    resolved: None,
                    matched: rule.fits_client_id(self.client_id(), self.values()),
                });
            }
        }
    }

    fn step(&self, one: &Candidate<'_>, matched: bool) -> Step {
        Step {
            rule: RuleRef {
                file: self.policy().file.to_string(),
                line: one.filter.line,
                role: one.role.name.to_string(),
                effect: one.rule.effect,
                action: one.action,
                pattern: one.filter.text.to_string(),
            },
            resolved: one.resolved.as_ref().map(ToString::to_string),
            matched,
        }
    }
}

impl fmt::Display for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            role,
            effect,
            action,
            pattern,
        } = self;
        write!(f, "{file}:{line}: role {role}: {effect} {action} {pattern}")
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.decision, self.request)?;
        writeln!(f, "  who: {}", self.subject)?;
        match self.reason {
            Reason::Allowed => writeln!(f, "  why: allowed, and nothing denies it")?,
            Reason::Denied => writeln!(f, "  why: a deny overrides every allow")?,
            Reason::NotAllowed(action) => {
                writeln!(f, "  why: no rule allows {action} here, or not all of it")?;
            }
            Reason::NoRole => writeln!(f, "  why: no binding gives this client a role")?,
            Reason::NoSuchQos => writeln!(f, "  why: QoS is 0, 1 or 2")?,
        }
        for rule in &self.decided_by {
            writeln!(f, "  by:  {rule}")?;
        }
        write!(
            f,
            "  policy epoch {}, rules looked at: {}",
            self.epoch,
            self.trace.len()
        )?;
        for step in &self.trace {
            let mark = if step.matched {
                "matches"
            } else {
                "does not match"
            };
            write!(f, "\n    {}", step.rule)?;
            match &step.resolved {
                Some(resolved) if *resolved != step.rule.pattern => write!(f, " = {resolved}")?,
                None if step.rule.action.has_topic() => write!(f, " = (value missing)")?,
                _ => {}
            }
            write!(f, ": {mark}")?;
        }
        Ok(())
    }
}
