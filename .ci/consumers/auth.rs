//+ renata-topics = { path = "@TOP@/renata-topics" }
//! A policy decides, and says why.

use std::sync::Arc;

use renata_auth::{Policy, Principal, Request};
use renata_topics::TopicFilter;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = r#"
[roles.viewer]
rules = [{ allow = ["subscribe"], topics = ["renata/biel/+"] }]

[[bindings]]
username = "viewer-*"
roles = ["viewer"]
"#;
    let policy = Arc::new(Policy::from_toml(text, "policy.toml")?);
    let rights = policy.session(&Principal::from_username("viewer-1")?, "v1")?;
    let filter = TopicFilter::new("renata/biel/#")?;
    assert!(!rights.may_subscribe(filter, 0), "more than one level was not granted");
    print!("{}", rights.explain(&Request::Subscribe { filter, qos: 0 }));
    Ok(())
}
