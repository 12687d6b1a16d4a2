//! `renata pub`.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use renata_mqtt::{Client, Drain, Outcome as Ending, QoS, Receipt};
use renata_topics::TopicName;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connect::{ConnectArgs, qos};
use crate::exit::{Exit, Failure, Outcome};
use crate::payload::PayloadArgs;

/// Publish messages, and wait until the broker has them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Topic to publish to.
    #[arg(short, long)]
    topic: String,
    #[command(flatten)]
    payload: PayloadArgs,
    /// 0 at most once, 1 at least once, 2 exactly once.
    #[arg(short, long, value_parser = qos, default_value = "0")]
    qos: QoS,
    /// The broker keeps the message for later subscribers.
    #[arg(short, long)]
    retain: bool,
    /// What the payload is, as a MIME type (MQTT 5).
    #[arg(long, value_name = "MIME")]
    content_type: Option<String>,
    /// Where an answer should go (MQTT 5).
    #[arg(long, value_name = "TOPIC")]
    response_topic: Option<String>,
    /// What an answer should repeat (MQTT 5).
    #[arg(long, value_name = "TEXT")]
    correlation_data: Option<String>,
    /// The broker forgets the message after so long (MQTT 5).
    #[arg(long, value_name = "SECONDS")]
    expiry: Option<u32>,
    /// A property of your own; may be given several times (MQTT 5).
    #[arg(short = 'D', long, value_name = "NAME=VALUE", value_parser = pair)]
    user_property: Vec<(String, String)>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Publishes everything, then waits for what is still open.
pub(crate) async fn run(args: Args) -> Outcome {
    let properties = args.content_type.is_some()
        || args.response_topic.is_some()
        || args.correlation_data.is_some()
        || args.expiry.is_some()
        || !args.user_property.is_empty();
    if properties && !args.connect.is_v5() {
        return Err(Failure::usage(
            "MQTT 3.1.1 has no properties: leave them out, or use --mqtt 5",
        ));
    }
    TopicName::new(&args.topic).map_err(|e| Failure::usage(format!("--topic: {e}")))?;
    let Args {
        topic,
        payload,
        qos,
        retain,
        content_type,
        response_topic,
        correlation_data,
        expiry,
        user_property,
        connect,
    } = args;
    let client = connect.connect().await?;
    let publish = |payload: Bytes| {
        let mut message = client.publish(topic.clone(), payload).qos(qos);
        if retain {
            message = message.retain();
        }
        if let Some(text) = &content_type {
            message = message.content_type(text.clone());
        }
        if let Some(topic) = &response_topic {
            message = message.response_topic(topic.clone());
        }
        if let Some(data) = &correlation_data {
            message = message.correlation_data(data.clone());
        }
        if let Some(seconds) = expiry {
            message = message.expiry(Duration::from_secs(seconds.into()));
        }
        for (name, value) in &user_property {
            message = message.user_property(name.clone(), value.clone());
        }
        message
    };
    let within = connect.timeout();
    let mut payloads = payload.open()?;
    let mut open = Open {
        client: &client,
        within,
        receipts: VecDeque::new(),
        ended: 0,
    };
    let mut more = true;
    while more || !open.receipts.is_empty() {
        // Ends are looked at while lines are waited for: a refusal shows at once.
        tokio::select! {
            payload = payloads.next(), if more && open.receipts.len() < WINDOW => match payload? {
                None => more = false,
                Some(payload) => {
                    let admitted = timeout(within, publish(payload)).await;
                    let receipt = admitted.map_err(|_| open.late())?.map_err(Failure::usage)?;
                    open.receipts.push_back((Instant::now() + within, receipt));
                }
            },
            ended = open.first_end(), if !open.receipts.is_empty() => open.settle(ended)?,
        }
    }
    client.close(Drain::within(within)).await;
    Ok(Exit::Yes)
}

/// Messages whose end is not known yet, oldest first, and until when to wait for it.
struct Open<'c> {
    client: &'c Client,
    within: Duration,
    receipts: VecDeque<(Instant, Receipt)>,
    ended: u64,
}

impl Open<'_> {
    /// How the oldest ends; `None` when it takes too long. May be dropped and asked again.
    async fn first_end(&mut self) -> Option<Ending> {
        match self.receipts.front_mut() {
            Some((deadline, receipt)) => timeout_at(*deadline, receipt).await.ok(),
            None => std::future::pending().await,
        }
    }

    fn settle(&mut self, ending: Option<Ending>) -> Result<(), Failure> {
        let ending = ending.ok_or_else(|| self.late())?;
        self.receipts.pop_front();
        self.ended += 1;
        let failed = |exit, why: &dyn std::fmt::Display| {
            Err(Failure::new(exit, format!("message {}: {why}", self.ended)))
        };
        match ending {
            Ending::Delivered { .. } => Ok(()),
            Ending::Rejected { why } => failed(Exit::No, &why),
            Ending::Indeterminate { why } => failed(Exit::NoConnection, &why),
            other => failed(Exit::No, &format!("{other:?}")),
        }
    }

    fn late(&self) -> Failure {
        let seconds = self.within.as_secs();
        let why = self.client.last_error();
        let why = why.map_or_else(String::new, |e| format!(": {e}"));
        let number = self.ended + 1;
        let text = format!("message {number} did not get through within {seconds} s{why}");
        Failure::new(Exit::Timeout, text)
    }
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Messages in flight before the oldest is waited for.
const WINDOW: usize = 1000;

const EXAMPLES: &str = "\
Examples:
  renata pub -t hall/1/lamp -m on
  renata pub -t hall/1/config -f config.json -q 1 -r --content-type application/json
  renata pub -t hall/1/config -n -r                    forget what is retained there
  journalctl -f -o cat | renata pub -t hall/1/log -l
  renata pub -u mqtts://broker:8883 --ca ca.pem --cert me.pem --key me.key -t a/b -m hello
  renata pub -t hall/1/cmd/start -m 1 -q 2 --response-topic me/answers --correlation-data 7 -D by=anna";
