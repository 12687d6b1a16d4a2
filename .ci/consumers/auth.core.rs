//+ renata-topics = { path = "@TOP@/renata-topics" }
//! Decisions without parsers.

use std::sync::Arc;

use renata_auth::{Policy, Principal};
use renata_topics::TopicName;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let topic = TopicName::new("renata/biel/status")?;
    for (policy, allowed) in [(Policy::deny_all(), false), (Policy::allow_anonymous(), true)] {
        let rights = Arc::new(policy).session(&Principal::anonymous(), "c1")?;
        assert_eq!(rights.may_publish(topic, 0, false), allowed);
    }
    Ok(())
}
