//! Brokers: how a link of the configuration becomes a client, and the uplink's side of it.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use renata_mqtt::{
    Builder, Client, Credentials, CredentialsFuture, CredentialsProvider, Outcome, PublishError,
    QoS, ReasonCode, Receipt, Rejection, Status,
};

use crate::config::LinkConfig;
use crate::publish::{Closed, Link, Verdict};
use crate::record::entry::Outgoing;
use crate::stats::Stats;

/// A client for this link, not started yet.
pub(crate) fn builder(link: &LinkConfig) -> anyhow::Result<Builder> {
    let mut builder = Client::builder(link.url.clone()).client_id(link.client_id.clone());
    if let Some(files) = &link.tls {
        builder = builder.tls(files.load()?);
    }
    if let Some((user, file)) = &link.login {
        builder = builder.credentials(PasswordFile {
            user: user.clone(),
            file: file.clone(),
        });
    }
    Ok(builder)
}

/// The password is read before each connect, so that it can be changed while we run.
struct PasswordFile {
    user: String,
    file: PathBuf,
}

impl CredentialsProvider for PasswordFile {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async {
            let file = self.file.clone();
            let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file));
            let password = read.await??;
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            Ok(Credentials::password(self.user.clone(), password))
        })
    }
}

/// Keeps the figure of a link's state, until the client is closed.
pub(crate) async fn watch(client: Client, name: String, stats: Arc<Stats>) {
    let mut status = client.status();
    let mut now = status.get();
    let mut told = String::new();
    loop {
        match client.last_error().filter(|_| now == Status::Down) {
            Some(error) => {
                // The same reason at every attempt is told once.
                let error = error.to_string();
                if error != told {
                    tracing::warn!(link = %name, error, "broker lost");
                }
                told = error;
            }
            None if now == Status::Connecting => tracing::debug!(link = %name, "connecting"),
            None => {
                told.clear();
                tracing::info!(link = %name, status = ?now, "broker");
            }
        }
        stats.link(&name, now.is_up());
        if now == Status::Closed {
            return;
        }
        now = status.changed().await;
    }
}

/// The uplink's side of a client.
pub(crate) struct Uplink(pub(crate) Client);

/// What became of one publish.
pub(crate) enum Told {
    /// The client will tell.
    Waiting(Receipt),
    /// It was clear at once.
    Now(Option<Verdict>),
}

impl Link for Uplink {
    type Receipt = Told;

    async fn send(&self, message: &Outgoing) -> Result<Told, Closed> {
        let qos = match message.qos {
            0 => QoS::AtMostOnce,
            1 => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        };
        let publish = (self.0)
            .publish(message.topic.clone(), message.payload.clone())
            .content_type(message.content_type.clone())
            .qos(qos);
        let publish = if message.retain {
            publish.retain()
        } else {
            publish
        };
        match publish.await {
            Ok(receipt) => Ok(Told::Waiting(receipt)),
            Err(PublishError::Closed) => Err(Closed),
            Err(PublishError::Full { .. }) => Ok(Told::Now(Some(Verdict::Later))),
            Err(error) => Ok(Told::Now(Some(Verdict::Refused(error.to_string())))),
        }
    }
}

impl Future for Told {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Verdict> {
        match &mut *self {
            Self::Waiting(receipt) => Pin::new(receipt).poll(cx).map(|outcome| verdict(&outcome)),
            Self::Now(verdict) => Poll::Ready(verdict.take().unwrap_or(Verdict::Closed)),
        }
    }
}

fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Delivered { .. } => Verdict::Delivered,
        Outcome::Indeterminate { .. } => Verdict::Again,
        Outcome::Rejected { why } => match why {
            Rejection::Closed => Verdict::Closed,
            Rejection::Server { reason, .. } if passes(*reason) => Verdict::Later,
            why => Verdict::Refused(why.to_string()),
        },
        _ => Verdict::Again,
    }
}

/// Whether the broker may take the same message another time.
fn passes(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::UNSPECIFIED_ERROR
            | ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR
            | ReasonCode::SERVER_UNAVAILABLE
            | ReasonCode::SERVER_BUSY
            | ReasonCode::PACKET_IDENTIFIER_IN_USE
            | ReasonCode::MESSAGE_RATE_TOO_HIGH
            | ReasonCode::QUOTA_EXCEEDED
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use renata_mqtt::Doubt;

    fn rejected(reason: ReasonCode) -> Outcome {
        Outcome::Rejected {
            why: Rejection::Server {
                reason,
                reason_string: None,
            },
        }
    }

    #[test]
    fn only_a_refusal_for_good_ends_among_the_dead_letters() {
        let delivered = Outcome::Delivered {
            reason: ReasonCode::NO_MATCHING_SUBSCRIBERS,
        };
        assert_eq!(verdict(&delivered), Verdict::Delivered);
        let lost = Outcome::Indeterminate {
            why: Doubt::SessionLost,
        };
        assert_eq!(verdict(&lost), Verdict::Again);
        assert_eq!(
            verdict(&rejected(ReasonCode::QUOTA_EXCEEDED)),
            Verdict::Later
        );
        let refused = verdict(&rejected(ReasonCode::NOT_AUTHORIZED));
        assert!(matches!(refused, Verdict::Refused(_)));
        let closed = Outcome::Rejected {
            why: Rejection::Closed,
        };
        assert_eq!(verdict(&closed), Verdict::Closed);
    }

    #[tokio::test]
    async fn the_password_is_read_anew_before_each_connect() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let provider = PasswordFile {
            user: "gw".into(),
            file: file.path().to_owned(),
        };
        for password in ["one", "two"] {
            std::fs::write(file.path(), format!("{password}\n")).unwrap();
            let given = provider.credentials().await.unwrap();
            assert_eq!(given, Credentials::password("gw", password));
        }
    }
}
