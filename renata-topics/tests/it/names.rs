//! What is a topic and what is not.

use renata_topics::{Limits, TopicError, TopicFilter, TopicFilterBuf, TopicName, TopicNameBuf};

use crate::model::{f, t};

#[test]
fn names_of_the_standard_are_accepted() {
    for text in [
        "/",
        "//",
        "a",
        "/finance",
        "sport/tennis/",
        "$SYS/",
        "a b",
        "ACCOUNTS",
        "\u{feff}",
        "été/x",
    ] {
        assert_eq!(TopicName::new(text).map(TopicName::as_str), Ok(text));
        assert!(f(text).is_literal());
    }
}

#[test]
fn errors_name_level_byte_and_character() {
    let name = |text| TopicName::new(text).unwrap_err();
    assert_eq!(name(""), TopicError::Empty);
    assert_eq!(
        name("a/é/b#"),
        TopicError::WildcardInName {
            level: 2,
            position: 6,
            character: '#'
        }
    );
    assert_eq!(
        name("a/\0"),
        TopicError::Character {
            level: 1,
            position: 2,
            character: '\0'
        }
    );
    assert_eq!(
        name("a/b\n"),
        TopicError::Character {
            level: 1,
            position: 3,
            character: '\n'
        }
    );
    assert_eq!(
        name("\u{85}"),
        TopicError::Character {
            level: 0,
            position: 0,
            character: '\u{85}'
        }
    );
    assert_eq!(
        name("x\u{ffff}"),
        TopicError::Character {
            level: 0,
            position: 1,
            character: '\u{ffff}'
        }
    );

    let filter = |text| TopicFilter::new(text).unwrap_err();
    assert_eq!(filter(""), TopicError::Empty);
    assert_eq!(
        filter("a/b+/c"),
        TopicError::WildcardNotAlone {
            level: 1,
            position: 3,
            character: '+'
        }
    );
    assert_eq!(
        filter("a/+b"),
        TopicError::WildcardNotAlone {
            level: 1,
            position: 2,
            character: '+'
        }
    );
    assert_eq!(
        filter("a#"),
        TopicError::WildcardNotAlone {
            level: 0,
            position: 1,
            character: '#'
        }
    );
    assert_eq!(
        filter("a/#/b"),
        TopicError::HashNotLast {
            level: 1,
            position: 2
        }
    );
    assert_eq!(
        filter("##"),
        TopicError::WildcardNotAlone {
            level: 0,
            position: 0,
            character: '#'
        }
    );
    assert_eq!(
        filter("a/\u{1}"),
        TopicError::Character {
            level: 1,
            position: 2,
            character: '\u{1}'
        }
    );
}

#[test]
fn filters_of_the_standard_are_accepted() {
    for text in [
        "#",
        "+",
        "+/+",
        "/+",
        "+/tennis/#",
        "sport/+/player1",
        "sport/tennis/#",
        "$SYS/monitor/+",
    ] {
        assert!(!f(text).is_literal());
        assert_eq!(
            TopicFilter::new(text).map(|f| f.to_buf().to_string()),
            Ok(text.to_owned())
        );
    }
}

#[test]
fn length_and_depth_are_limited() {
    let longest = "x".repeat(65_535);
    assert!(TopicName::new(&longest).is_ok());
    let long = "x".repeat(65_536);
    let error = TopicError::TooLong {
        bytes: 65_536,
        max: 65_535,
    };
    assert_eq!(TopicName::new(&long), Err(error));
    assert_eq!(TopicFilter::new(&long), Err(error));
    let shared = format!("$share/{}/t", "g".repeat(65_530));
    assert!(matches!(
        TopicFilter::new(&shared),
        Err(TopicError::TooLong { .. })
    ));

    let deepest = "/".repeat(127);
    assert!(TopicName::new(&deepest).is_ok());
    let deep = "/".repeat(65_400);
    let error = TopicError::TooDeep {
        levels: 65_401,
        max: 128,
    };
    assert_eq!(TopicName::new(&deep), Err(error));
    assert_eq!(TopicFilter::new(&deep), Err(error));
    let wide_open = Limits::DEFAULT.with_max_levels(u16::MAX);
    assert!(TopicName::with_limits(&deep, wide_open).is_ok());
}

#[test]
fn bytes_from_the_wire_must_be_utf8() {
    let error = TopicError::NotUtf8 { position: 2 };
    assert_eq!(TopicName::from_bytes(b"a/\xc0\x80"), Err(error));
    assert_eq!(TopicName::from_bytes(b"a/\xed\xa0\x80"), Err(error));
    assert_eq!(TopicFilter::from_bytes(b"a/\xff"), Err(error));
    assert_eq!(TopicName::from_bytes(b"a/b"), Ok(t("a/b")));
}

#[test]
fn owned_forms_behave_like_the_borrowed_ones() {
    let name: TopicNameBuf = "a/b".parse().unwrap();
    assert_eq!(name.as_name(), t("a/b"));
    let filter: TopicFilterBuf = "$share/g/a/+".parse().unwrap();
    assert_eq!(filter.as_filter(), f("$share/g/a/+"));
    assert_eq!(filter.as_filter().share_name(), Some("g"));
    assert_eq!(filter.as_filter().without_share(), f("a/+"));
    assert_eq!(filter.as_filter().without_share().to_buf().as_str(), "a/+");
}

#[test]
fn wildcards_at_level_0_skip_dollar_and_hash_includes_the_parent() {
    let table = [
        ("#", "$SYS/uptime", false),
        ("+/uptime", "$SYS/uptime", false),
        ("$SYS/#", "$SYS/uptime", true),
        ("$SYS/#", "$SYS", true),
        ("a/#", "a", true),
        ("a/#", "ab", false),
        ("a/+", "a", false),
        ("a/+", "a/", true),
        ("+", "/a", false),
        ("/+", "/a", true),
        ("+/+", "/a", true),
        ("a/+/$x", "a/b/$x", true),
        ("a/#", "a/$x", true),
    ];
    for (filter, topic, truth) in table {
        assert_eq!(f(filter).matches(t(topic)), truth, "{filter} {topic}");
    }
}
