//! `renata topic`: the set algebra of topics, asked from the command line.

use clap::{Args, Subcommand};
use renata_topics::{TopicError, TopicFilter, TopicFilterBuf, TopicName, meet, union_covers};
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome, say};

/// Ask about topics and filters.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Whether a filter matches topics: exit code 0 when it matches all of them.
    #[command(after_help = "Example:\n  renata topic match 'hall/+/lamp' hall/1/lamp hall/2/door")]
    Match {
        /// The filter.
        filter: String,
        /// The topics.
        #[arg(required = true)]
        topics: Vec<String>,
        #[command(flatten)]
        print: Print,
    },
    /// Whether filters together cover another one: whatever it matches, one of them matches.
    #[command(after_help = "Example:\n  renata topic covers 'a' 'a/+' 'a/+/#' 'a/#'")]
    Covers {
        /// The filters that should cover.
        #[arg(required = true)]
        outer: Vec<String>,
        /// The filter that should be covered; `$share/group/` before it changes nothing.
        inner: String,
        #[command(flatten)]
        print: Print,
    },
    /// The filter of what two filters both match: exit code 1 when there is nothing.
    #[command(after_help = "Example:\n  renata topic meet 'a/+/c' 'a/b/#'")]
    Meet {
        /// One filter.
        a: String,
        /// The other.
        b: String,
        #[command(flatten)]
        print: Print,
    },
}

/// How to answer.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Print {
    /// Answer in JSON.
    #[arg(short, long)]
    json: bool,
}

/// Answers.
pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::Match {
            filter,
            topics,
            print,
        } => {
            let filter = parse(&filter, TopicFilter::new)?;
            let mut all = true;
            for topic in &topics {
                let yes = filter.matches(parse(topic, TopicName::new)?);
                all &= yes;
                if print.json {
                    say(json!({ "topic": topic, "matches": yes }));
                } else {
                    say(format!("{} {topic}", if yes { "yes" } else { "no " }));
                }
            }
            Ok(yes_or_no(all))
        }
        Command::Covers {
            outer,
            inner,
            print,
        } => {
            let outer: Vec<_> = outer
                .iter()
                .map(|filter| parse(filter, TopicFilter::new).map(TopicFilter::without_share))
                .collect::<Result<_, _>>()?;
            let inner = parse(&inner, TopicFilter::new)?.without_share();
            let yes = union_covers(&outer, inner);
            if print.json {
                say(json!({ "covers": yes }));
            } else {
                say(if yes { "yes" } else { "no" });
            }
            Ok(yes_or_no(yes))
        }
        Command::Meet { a, b, print } => {
            let a = parse(&a, TopicFilter::new)?.without_share();
            let b = parse(&b, TopicFilter::new)?.without_share();
            let both = meet(a, b);
            match &both {
                _ if print.json => {
                    let filter = both.as_ref().map(TopicFilterBuf::as_str);
                    say(json!({ "meet": filter }));
                }
                Some(filter) => say(filter.as_str()),
                None => eprintln!("nothing matches both"),
            }
            Ok(yes_or_no(both.is_some()))
        }
    }
}

fn yes_or_no(yes: bool) -> Exit {
    if yes { Exit::Yes } else { Exit::No }
}

fn parse<'a, T>(
    text: &'a str,
    read: impl Fn(&'a str) -> Result<T, TopicError>,
) -> Result<T, Failure> {
    read(text).map_err(|e| Failure::usage(format!("{text:?}: {e}")))
}
