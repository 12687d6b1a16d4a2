use std::path::Path;

use super::*;

/// A whole configuration; the tests replace a piece of it by something wrong.
const GOOD: &str = r#"[gateway]
id = "gw-1"
data_dir = "data"
location = "biel"
area = "hall-2"

[[device]]
name = "plc-1"
driver = "s7"
host = "10.0.0.1"
line = "line-7"
[[device.group]]
name = "fast"
period_ms = 100
[[device.tag]]
name = "force"
address = "DB1.DBD0:REAL"
group = "fast"
unit = "N"
deadband = 0.5
[[device.tag]]
name = "axis/torque"
address = "DB1.DBW4"
type = "INT"

[[uplink]]
name = "plant"
url = "mqtt://broker"

[[subscription]]
name = "all"
url = "mqtt://broker:1884"
filters = ["renata/#"]

[lake]
path = "lake"
"#;

fn problems(text: &str) -> Vec<String> {
    match Config::parse(Path::new("g.toml"), text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_good_file_gets_its_defaults() {
    let config = Config::parse(Path::new("/etc/renata/g.toml"), GOOD).unwrap();
    assert_eq!(config.data_dir, Path::new("/etc/renata/data"));
    assert_eq!(config.codec.content_type(), "application/json");
    assert_eq!(config.journal.when_full, WhenFull::DropOldest);
    let plc = &config.devices[0];
    assert_eq!((plc.port, plc.rack, plc.slot), (102, 0, 1));
    let topics: Vec<_> = plc.tags.iter().map(|t| t.topic.as_str()).collect();
    let place = "renata/biel/hall-2/line-7/s7/plc-1";
    assert_eq!(
        topics,
        [format!("{place}/force"), format!("{place}/axis/torque")]
    );
    assert_eq!(plc.status_topic.as_str(), format!("{place}/status"));
    let max_silence = Duration::from_secs(60);
    let deadband = Deadband::Absolute(0.5);
    assert_eq!(
        plc.tags[0].publish,
        Publish::OnChange {
            deadband,
            max_silence
        }
    );
    assert_eq!(config.uplinks[0].link.client_id, "gw-1-plant");
    assert_eq!(
        config.subscriptions[0].session_expiry,
        Duration::from_secs(7 * 86_400)
    );
}

/// Replace this by that: where and what must be said, and the remedy.
#[test]
fn every_mistake_has_a_place_and_a_remedy() {
    for (this, that, said) in [
        (
            "id = \"gw-1\"",
            "id = \"gw 1\"",
            "g.toml:2:6: \"gw 1\" is not a name; use 1 to 64 of",
        ),
        (
            "id = \"gw-1\"",
            "idd = \"gw-1\"",
            "g.toml:2:1: unknown key `idd`; known here are `id`",
        ),
        (
            "id = \"gw-1\"\n",
            "",
            "g.toml:1:1: the key `id` is missing; add `id` = ..",
        ),
        (
            "host = \"10.0.0.1\"",
            "host = 5",
            "g.toml:10:8: invalid type: integer `5`; write a string",
        ),
        (
            "host = \"10.0.0.1\"",
            "host = \"\"",
            "g.toml:10:8: host is empty; write a host name",
        ),
        (
            "driver = \"s7\"",
            "driver = \"opc\"",
            "g.toml:9:10: there is no driver \"opc\"; write driver",
        ),
        (
            "line = \"line-7\"\n",
            "",
            "g.toml:8:8: the device has no line, and the topics need one; add line",
        ),
        (
            "line-7",
            "line/7",
            "g.toml:11:8: \"line/7\" is not a name; ",
        ),
        (
            "period_ms = 100",
            "period_ms = 0",
            "g.toml:14:13: 0 is out of range; write 1 to",
        ),
        (
            "group = \"fast\"",
            "group = \"slow\"",
            "g.toml:18:9: the device has no group \"slow\"; write one of fast",
        ),
        (
            "DB1.DBD0:REAL",
            "DB1.DBX0",
            "g.toml:17:11: address \"DB1.DBX0\": ",
        ),
        (
            "DB1.DBD0:REAL",
            "DB1.DBD0:FLOAT128",
            "; write one such as \"DB1.DBD4:REAL\"",
        ),
        (
            "unit = \"N\"",
            "unit = \"°C\"",
            "g.toml:19:8: unit has '°' at byte 0",
        ),
        (
            "deadband = 0.5",
            "deadband = -1.0",
            "g.toml:20:12: not a deadband; write a number from 0 on",
        ),
        (
            "deadband = 0.5",
            "deadband = 1.0\ndeadband_percent = 1.0",
            "g.toml:21:20: a deadband is absolute or",
        ),
        (
            "deadband = 0.5",
            "publish = \"always\"\ndeadband = 0.5",
            "g.toml:21:12: every reading is published",
        ),
        (
            "deadband = 0.5",
            "publish = \"never\"",
            "g.toml:20:11: publish is \"never\"; write \"change\"",
        ),
        (
            "deadband = 0.5",
            "scale = nan",
            "g.toml:20:9: not a number; write a finite number",
        ),
        (
            "axis/torque",
            "force",
            "g.toml:22:8: topic renata/biel/hall-2/line-7/s7/plc-1/force is taken by force of plc-1 in line 16, column 8; rename",
        ),
        (
            "axis/torque",
            "status",
            "is taken by status of plc-1 in line 8, column 8; rename",
        ),
        (
            "axis/torque",
            "axis/+",
            "g.toml:22:8: \"axis/+\" is not a measurement",
        ),
        (
            "axis/torque",
            "axis//t",
            "g.toml:22:8: \"axis//t\" is not a measurement",
        ),
        (
            "axis/torque",
            "Öl",
            "g.toml:22:8: \"Öl\" is not a measurement",
        ),
        (
            "name = \"plant\"",
            "name = \"all\"",
            "g.toml:31:8: the name \"all\" is taken in line 27; give",
        ),
        (
            "name = \"plant\"",
            "name = \"plc-1\"",
            "g.toml:27:8: the name \"plc-1\" is taken in line 8; give",
        ),
        (
            "mqtt://broker\"",
            "broker\"",
            "g.toml:28:7: \"broker\" has no scheme; write mqtt://host",
        ),
        (
            "mqtt://broker\"",
            "http://broker\"",
            "g.toml:28:7: unknown scheme \"http\"; write mqtt://host",
        ),
        (
            "mqtt://broker\"",
            "mqtts://broker\"",
            "g.toml:28:7: mqtts without a certificate authority; add ca",
        ),
        (
            "mqtt://broker\"",
            "mqtt://u:p@broker\"",
            "is not an address; write mqtt://host:port",
        ),
        (
            "mqtt://broker\"",
            "mqtt://broker\"\nkey = \"k.pem\"",
            "g.toml:29:7: certificate and key go together; write both",
        ),
        (
            "mqtt://broker\"",
            "mqtt://broker\"\nca = \"ca.pem\"",
            "g.toml:29:6: ca is set, but mqtt:// does not encrypt",
        ),
        (
            "mqtt://broker\"",
            "mqtts://broker\"\nca = \"nowhere.pem\"",
            "g.toml:29:6: there is no file nowhere.pem; name a PEM",
        ),
        (
            "mqtt://broker\"",
            "mqtt://broker\"\nusername = \"u\"",
            "g.toml:29:12: user name and password go together",
        ),
        (
            "mqtt://broker\"",
            "mqtt://broker\"\nin_flight = 0",
            "g.toml:29:13: 0 is out of range; write 1 to 65535",
        ),
        (
            "\"renata/#\"",
            "\"renata/#/x\"",
            "g.toml:33:12: filter \"renata/#/x\": ",
        ),
        (
            "\"renata/#\"",
            "",
            "g.toml:33:11: there is no filter; name one or more",
        ),
        (
            "[lake]\npath = \"lake\"\n",
            "",
            "g.toml:30:1: the messages of the subscription have nowhere to go; add a [lake]",
        ),
        (
            "[lake]",
            "[lakes]",
            "g.toml:35:2: unknown key `lakes`; known here are",
        ),
        (
            "[lake]\n",
            "[lake]\ntable = \"a/b\"\n",
            "g.toml:36:9: \"a/b\" is not a name",
        ),
        (
            "location",
            "format = \"text/plain\"\nlocation",
            "g.toml:4:10: format \"text/plain\": unknown format",
        ),
        (
            "[[device]]",
            "[journal]\nwhen_full = \"explode\"\n[[device]]",
            "g.toml:8:13: when_full is \"explode\"; write",
        ),
        (
            "[[device]]",
            "[journal]\nmax_mib = 3\n[[device]]",
            "g.toml:8:11: 3 is out of range; write 4 to",
        ),
        (
            "mqtt://broker\"",
            "mqtt://broker\"\nusername = \"u\"\npassword_file = \"none\"",
            "g.toml:30:17: there is no file none; name the file that holds the password",
        ),
        (
            "driver = \"s7\"",
            "driver = \"s7\"\ndriver = \"s7\"",
            "g.toml:10:1: duplicate key; remove one of the two",
        ),
        ("[gateway]", "[gateway", "g.toml:1:9: "),
    ] {
        assert!(GOOD.contains(this), "{this:?}");
        let text = GOOD.replacen(this, that, 1);
        let found = problems(&text);
        assert!(
            found.iter().any(|p| p.contains(said)),
            "{that:?}: {said:?} in {found:#?}"
        );
        assert!(
            found.iter().all(|p| p.contains("; ")),
            "a remedy each: {found:#?}"
        );
    }
}

#[test]
fn a_pem_file_that_is_none_is_told_before_the_start() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ca.pem"), "no certificate").unwrap();
    let text = GOOD.replace("mqtt://broker\"", "mqtts://broker\"\nca = \"ca.pem\"");
    let problems = Config::parse(&dir.path().join("g.toml"), &text).unwrap_err();
    let told = problems[0].to_string();
    assert!(
        told.contains("g.toml:29:6: ") && told.contains("ca.pem"),
        "{told}"
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = GOOD
        .replace("DB1.DBD0:REAL", "nowhere")
        .replace("renata/#", "#/x");
    let found = problems(&text);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("g.toml:17:") && found[1].starts_with("g.toml:33:"));
}

#[test]
fn sources_and_sinks_belong_together() {
    let head = "[gateway]\nid = \"g\"\ndata_dir = \"d\"\n";
    let nothing = problems(head);
    assert_eq!(nothing.len(), 1);
    assert!(nothing[0].starts_with("g.toml: there is neither source nor sink; add a [[device]]"));
    let uplink = format!("{head}[[uplink]]\nname = \"u\"\nurl = \"mqtt://h\"\n");
    assert!(problems(&uplink)[0].contains("the uplink has nothing to send; add a [[device]]"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let problems = Config::read(Path::new("/no/such/file.toml")).unwrap_err();
    assert!(
        problems[0]
            .to_string()
            .starts_with("/no/such/file.toml: cannot be read: ")
    );
}
