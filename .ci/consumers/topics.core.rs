//! The same without default features.

use renata_topics::{FilterTree, PlantTopic, TopicFilter, TopicName};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let topic = TopicName::new("renata/biel/hall-2/line-7/s7-1500/plc-3/temperature")?;
    let plant = PlantTopic::parse(topic)?;
    assert_eq!((plant.line, plant.device_id), ("line-7", "plc-3"));

    let filter = TopicFilter::new("renata/+/hall-2/#")?;
    assert!(filter.matches(topic));
    let mut tree = FilterTree::new();
    tree.insert(filter, "dashboard");
    let mut found = Vec::new();
    tree.for_each_match(topic, |name| found.push(*name));
    assert_eq!(found, ["dashboard"]);
    Ok(())
}
