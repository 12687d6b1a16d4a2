//! `renata policy`: whether a policy is sound, and why it says yes or no.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use renata_auth::{Explanation, Extractor, Policy, Principal, Request, RuleRef};
use renata_mqtt::QoS;
use renata_topics::{TopicFilter, TopicName};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;

use crate::connect::qos;
use crate::exit::{Exit, Failure, Outcome, say};

/// Ask about a policy.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Whether a policy file is sound: exit code 1 and a line a problem when it is not.
    #[command(after_help = "Example:\n  renata policy check policy.toml")]
    Check {
        /// The policy (TOML).
        policy: PathBuf,
        /// Answer in JSON.
        #[arg(short, long)]
        json: bool,
    },
    /// Why a client may do something, or may not: exit code 0 or 1.
    #[command(after_help = EXAMPLES)]
    Explain(Explain),
}

/// Who asks what.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The policy (TOML).
    policy: PathBuf,
    /// What the client wants to do.
    #[arg(value_enum)]
    action: Ask,
    /// The topic, or for subscribe the filter; none for connect and takeover.
    topic: Option<String>,
    #[command(flatten)]
    who: Who,
    /// A value that `${attr.name}` in the policy stands for; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = crate::publish::pair)]
    attr: Vec<(String, String)>,
    /// The client id.
    #[arg(short = 'i', long, value_name = "ID")]
    client_id: String,
    /// QoS of the message, or the highest of the subscription.
    #[arg(short, long, value_parser = qos, default_value = "0")]
    qos: QoS,
    /// The message or will is retained.
    #[arg(short, long)]
    retain: bool,
    /// Answer in JSON.
    #[arg(short, long)]
    json: bool,
}

/// How the client proved who it is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// By this certificate (PEM).
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// By a user name and a password that was right.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Not at all.
    #[arg(long)]
    anonymous: bool,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ask {
    Connect,
    Takeover,
    Publish,
    Will,
    Subscribe,
    Deliver,
}

/// Answers.
pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::Check { policy, json } => check(&policy, json),
        Command::Explain(explain) => explain.run(),
    }
}

fn check(file: &Path, as_json: bool) -> Outcome {
    let name = file.display().to_string();
    let (exit, text, answer) = match Policy::from_toml(&read(file)?, &name) {
        Ok(policy) => {
            let roles: Vec<_> = policy.roles().collect();
            let text = format!("{name}: sound, roles: {}", roles.join(", "));
            (
                Exit::Yes,
                text,
                json!({ "sound": true, "roles": roles, "problems": [] }),
            )
        }
        Err(error) => {
            let problems: Vec<_> = error
                .problems()
                .iter()
                .map(|p| json!({ "file": name, "line": p.line, "column": p.column, "message": p.message }))
                .collect();
            (
                Exit::No,
                error.to_string(),
                json!({ "sound": false, "problems": problems }),
            )
        }
    };
    if as_json {
        say(answer);
    } else {
        say(text);
    }
    Ok(exit)
}

impl Explain {
    fn run(self) -> Outcome {
        let name = self.policy.display().to_string();
        let policy = Policy::from_toml(&read(&self.policy)?, &name).map_err(Failure::usage)?;
        let request = self.request()?;
        let principal = match self.principal()? {
            Ok(principal) => principal,
            Err(why) => return Ok(self.nobody(&request, &why)),
        };
        let rights = match Arc::new(policy).session(&principal, &self.client_id) {
            Ok(rights) => rights,
            Err(error) => return Ok(self.nobody(&request, &error.to_string())),
        };
        let explanation = rights.explain(&request);
        let allowed = explanation.decision.is_allowed();
        if self.json {
            say(object(&explanation));
        } else {
            say(explanation);
        }
        Ok(if allowed { Exit::Yes } else { Exit::No })
    }

    fn request(&self) -> Result<Request<'_>, Failure> {
        let topic = || {
            self.topic
                .as_deref()
                .ok_or_else(|| Failure::usage("name the topic"))
        };
        let name = || TopicName::new(topic()?).map_err(Failure::usage);
        let (qos, retain) = (self.qos as u8, self.retain);
        Ok(match self.action {
            Ask::Connect | Ask::Takeover if self.topic.is_some() => {
                return Err(Failure::usage("connect and takeover have no topic"));
            }
            Ask::Connect => Request::Connect,
            Ask::Takeover => Request::Takeover,
            Ask::Publish => Request::Publish {
                topic: name()?,
                qos,
                retain,
            },
            Ask::Will => Request::Will {
                topic: name()?,
                qos,
                retain,
            },
            Ask::Deliver => Request::Deliver {
                topic: name()?,
                qos,
            },
            Ask::Subscribe => {
                let filter = TopicFilter::new(topic()?).map_err(Failure::usage)?;
                Request::Subscribe { filter, qos }
            }
        })
    }

    /// The client, or why it is nobody.
    fn principal(&self) -> Result<Result<Principal, String>, Failure> {
        let who = match (&self.who.cert, &self.who.username) {
            (Some(file), _) => {
                let der = CertificateDer::from_pem_file(file)
                    .map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
                Principal::from_certificate(&der, &Extractor::DEFAULT)
            }
            (None, Some(name)) => Principal::from_username(name),
            (None, None) => Ok(Principal::anonymous()),
        };
        let mut who = match who {
            Ok(who) => who,
            Err(error) => return Ok(Err(error.to_string())),
        };
        for (name, value) in &self.attr {
            who = who
                .with_attribute(name, value)
                .map_err(|e| Failure::usage(format!("--attr {name}: the value {e}")))?;
        }
        Ok(Ok(who))
    }

    /// Who is nobody may do nothing, whatever the rules say.
    fn nobody(&self, request: &Request<'_>, why: &str) -> Exit {
        if self.json {
            let answer =
                json!({ "decision": "deny", "request": request.to_string(), "reason": why });
            say(answer);
        } else {
            say(format!(
                "deny: {request}\n  why: the connection is refused: {why}"
            ));
        }
        Exit::No
    }
}

fn object(explanation: &Explanation) -> serde_json::Value {
    let rule = |rule: &RuleRef| {
        json!({
            "file": rule.file,
            "line": rule.line,
            "role": rule.role,
            "effect": rule.effect.to_string(),
            "action": rule.action.to_string(),
            "pattern": rule.pattern,
        })
    };
    let trace: Vec<_> = explanation
        .trace
        .iter()
        .map(|step| {
            let mut object = rule(&step.rule);
            object["resolved"] = json!(step.resolved);
            object["matched"] = json!(step.matched);
            object
        })
        .collect();
    json!({
        "decision": explanation.decision.to_string(),
        "reason": format!("{:?}", explanation.reason),
        "request": explanation.request,
        "subject": explanation.subject,
        "decided_by": explanation.decided_by.iter().map(rule).collect::<Vec<_>>(),
        "trace": trace,
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))
}

const EXAMPLES: &str = "\
The answer names the rule that decided, file:line, and every rule that was looked at.

Examples:
  renata policy explain policy.toml --cert plc-1.pem -i plc-1 publish renata/biel/x -q 1
  renata policy explain policy.toml --username anna -i hmi-1 subscribe 'renata/#'
  renata policy explain policy.toml --anonymous -i guest connect --json";
