//! Templates: there and back, and the filter that finds them.

use proptest::collection::vec;
use proptest::prelude::*;
use renata_topics::{PlantTopic, Template, TemplateError, TopicError};

use crate::model::t;

const PLANT: &str = "renata/{location}/{area}/{line}/{device_type}/{device_id}/{measurement..}";

proptest! {
    /// What is built parses back to its fields, and the filter finds it; the plant topic and the
    /// template that spells it out agree.
    #[test]
    fn built_topics_parse_back(
        levels in vec("[a-z0-9._-]{1,8}", 5),
        measurement in vec("[a-z0-9]{1,5}", 1..4)
    ) {
        let measurement = measurement.join("/");
        let plant = PlantTopic {
            location: &levels[0],
            area: &levels[1],
            line: &levels[2],
            device_type: &levels[3],
            device_id: &levels[4],
            measurement: &measurement,
        };
        let name = plant.to_name().unwrap();
        prop_assert_eq!(PlantTopic::parse(name.as_name()), Ok(plant));

        let template = Template::new(PLANT).unwrap();
        let fields = template.parse(name.as_name()).unwrap();
        let pairs: Vec<(&str, &str)> = fields.iter().collect();
        prop_assert_eq!(template.build(&pairs), Ok(name.clone()));
        prop_assert!(template.to_filter(&[]).unwrap().as_filter().matches(name.as_name()));
        prop_assert!(template.to_filter(&pairs[..2]).unwrap().as_filter().matches(name.as_name()));
        prop_assert_eq!(fields.get("line"), Some(plant.line));
        prop_assert_eq!(fields.get("nothing"), None);
    }
}

#[test]
fn a_template_prints_as_it_was_written() {
    assert_eq!(Template::new(PLANT).unwrap().to_string(), PLANT);
}

#[test]
fn wrong_templates_are_refused_with_the_level() {
    let error = |text| Template::new(text).unwrap_err();
    assert_eq!(error("a/{b"), TemplateError::Field { level: 1 });
    assert_eq!(error("a/x{b}"), TemplateError::Field { level: 1 });
    assert_eq!(error("{}"), TemplateError::Field { level: 0 });
    assert_eq!(error("{a}/{a}"), TemplateError::Repeated { level: 1 });
    assert_eq!(error("{a..}/b"), TemplateError::TailNotLast { level: 0 });
    assert_eq!(error(""), TemplateError::Topic(TopicError::Empty));
    assert!(matches!(error("a/+"), TemplateError::Topic(_)));
}

#[test]
fn a_topic_that_does_not_fit_names_the_level() {
    let template = Template::new("plant/{line}/{rest..}").unwrap();
    let level = |topic| match template.parse(t(topic)) {
        Err(TemplateError::Mismatch { level }) => Some(level),
        _ => None,
    };
    assert_eq!(level("factory/7/x"), Some(0));
    assert_eq!(level("plant"), Some(1));
    assert_eq!(level("plant//x"), Some(1));
    assert_eq!(level("plant/7"), Some(2));
    assert_eq!(level("plant/7/x//y"), Some(3));
    assert_eq!(level("plant/7/x/y"), None);
    assert_eq!(
        Template::new("a/{b}")
            .unwrap()
            .parse(t("a/b/c"))
            .unwrap_err(),
        TemplateError::Mismatch { level: 2 }
    );
}

#[test]
fn values_that_would_not_parse_back_are_refused() {
    let template = Template::new("plant/{line}/{rest..}").unwrap();
    let build = |values: &[(&str, &str)]| template.build(values).unwrap_err();
    assert_eq!(build(&[("line", "7")]), TemplateError::NoValue { level: 2 });
    assert_eq!(
        build(&[("line", "7/8"), ("rest", "x")]),
        TemplateError::Value { level: 1 }
    );
    assert_eq!(
        build(&[("line", ""), ("rest", "x")]),
        TemplateError::Value { level: 1 }
    );
    assert_eq!(
        build(&[("line", "7"), ("rest", "x//y")]),
        TemplateError::Value { level: 2 }
    );
    assert_eq!(
        build(&[("lime", "7")]),
        TemplateError::UnknownName { index: 0 }
    );
    assert!(matches!(
        build(&[("line", "+"), ("rest", "x")]),
        TemplateError::Topic(_)
    ));
}
