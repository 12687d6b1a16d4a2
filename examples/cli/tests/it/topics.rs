//! `renata topic`.

use crate::support::run;

#[test]
fn match_says_yes_or_no_for_each_topic() {
    let (code, out, _) = run(&[
        "topic",
        "match",
        "hall/+/lamp",
        "hall/1/lamp",
        "hall/2/door",
    ]);
    assert_eq!(
        (code, out.as_str()),
        (1, "yes hall/1/lamp\nno  hall/2/door\n")
    );
    assert_eq!(run(&["topic", "match", "a/#", "a", "a/b/c"]).0, 0);
    assert_eq!(run(&["topic", "match", "#", "$SYS/x"]).0, 1);
    let (_, out, _) = run(&["topic", "match", "a/#", "a", "--json"]);
    assert_eq!(out, "{\"matches\":true,\"topic\":\"a\"}\n");
}

#[test]
fn covers_takes_several_filters_together() {
    for (args, yes) in [
        (&["a/#", "a/+"][..], true),
        (&["a/+", "a/#"], false),
        (&["a", "a/+", "a/+/#", "a/#"], true),
        (&["a/#", "$share/workers/a/b"], true),
    ] {
        let (code, out, _) = run(&[&["topic", "covers"], args].concat());
        let expected = if yes { (0, "yes\n") } else { (1, "no\n") };
        assert_eq!((code, out.as_str()), expected, "{args:?}");
    }
}

#[test]
fn meet_gives_the_filter_of_both() {
    let (code, out, _) = run(&["topic", "meet", "a/+/c", "a/b/#"]);
    assert_eq!((code, out.as_str()), (0, "a/b/c\n"));
    let (code, out, err) = run(&["topic", "meet", "a", "b"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (1, "", "nothing matches both\n")
    );
    assert_eq!(
        run(&["topic", "meet", "a", "b", "--json"]).1,
        "{\"meet\":null}\n"
    );
}

#[test]
fn what_is_no_topic_is_named() {
    let (code, _, err) = run(&["topic", "match", "a/#/b", "a"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("renata: \"a/#/b\": "), "{err}");
    assert_eq!(
        run(&["topic", "match", "a/+", "a/+"]).0,
        2,
        "a topic has no wildcards"
    );
}

#[test]
fn help_has_examples_and_exit_codes() {
    for (args, part) in [
        (&["--help"][..], "Exit codes:"),
        (&["pub", "--help"], "renata pub -t hall/1/lamp -m on"),
        (&["sub", "--help"], "renata sub -t 'hall/+/lamp' -v"),
        (&["topic", "covers", "--help"], "Example:"),
        (&["lake", "verify", "--help"], "Examples:"),
    ] {
        let (code, out, _) = run(args);
        assert_eq!(code, 0);
        assert!(out.contains(part), "{args:?}: {out}");
    }
    assert_eq!(run(&[]).0, 2);
    assert_eq!(run(&["nonsense"]).0, 2);
}
