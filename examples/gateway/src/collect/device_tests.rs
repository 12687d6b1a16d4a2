use std::collections::VecDeque;
use std::sync::Mutex;

use renata_drivers::Confirm;
use tokio::time::timeout;

use super::*;
use crate::config::Config;
use crate::record::entry::{self, Entry};
use crate::record::{self, Stream};

/// What the puppet does next.
enum Act {
    Connect(Result<(), ()>),
    Read(Result<Vec<Result<Value, Fault>>, ()>),
}

/// A driver that acts as the test says, and then hangs.
struct Puppet(Arc<Mutex<VecDeque<Act>>>);

#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("no such address")]
struct Fault;

#[derive(Debug, thiserror::Error)]
#[error("cable cut")]
struct Cut;

impl TagFault for Fault {
    fn quality(&self) -> Quality {
        Quality::bad(Reason::Address)
    }
}

impl Puppet {
    async fn act(&self) -> Act {
        let act = self.0.lock().unwrap().pop_front();
        match act {
            Some(act) => act,
            None => std::future::pending().await,
        }
    }
}

impl Driver for Puppet {
    type Tag = String;
    type Plan = String;
    type Fault = Fault;
    type Error = Cut;

    fn plan(&self, tags: &[String]) -> String {
        tags.join(" ")
    }

    async fn connect(&mut self) -> Result<(), Cut> {
        match self.act().await {
            Act::Connect(result) => result.map_err(|()| Cut),
            Act::Read(_) => panic!("the device reads when it has to connect"),
        }
    }

    async fn read(&mut self, _: &mut String) -> Result<Vec<Result<Value, Fault>>, Cut> {
        match self.act().await {
            Act::Read(result) => result.map_err(|()| Cut),
            Act::Connect(_) => panic!("the device connects when it has to read"),
        }
    }

    async fn write(&mut self, _: &String, _: &Value, _: Confirm) -> Result<Result<(), Fault>, Cut> {
        Ok(Ok(()))
    }
}

const CONFIG: &str = r#"
[gateway]
id = "gw"
data_dir = "data"
location = "a"
area = "b"
line = "c"
[[device]]
name = "plc"
driver = "s7"
host = "h"
[[device.group]]
name = "fast"
period_ms = 1
[[device.tag]]
name = "x"
address = "MW0:INT"
[[device.tag]]
name = "y"
address = "MW2:INT"
[[uplink]]
name = "plant"
url = "mqtt://h"
"#;

/// Plays the acts and gives all samples, as (measurement, value, quality).
async fn play(acts: Vec<Act>, samples: u64) -> Vec<(String, Option<Value>, Quality)> {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::parse(&dir.path().join("gateway.toml"), CONFIG).unwrap();
    let stats = Arc::new(Stats::default());
    let plc = &config.devices[0];
    let topics = plc
        .tags
        .iter()
        .map(|t| t.topic.clone())
        .chain([plc.status_topic.clone()]);
    let streams = topics.map(Stream::new).collect();
    let (recorder, thread) = record::start(&config, streams, stats.clone()).unwrap();
    let script = Arc::new(Mutex::new(VecDeque::from(acts)));
    let tags = vec!["x".to_owned(), "y".to_owned()];
    let device = Device::new(
        plc,
        Puppet(script.clone()),
        tags,
        0,
        recorder.clone(),
        stats.clone(),
    );
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(device.run(stopped));
    let played = async {
        while !script.lock().unwrap().is_empty() || stats.committed.get() < samples {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), played)
        .await
        .expect("all samples in time");
    stop.send_replace(true);
    running.await.unwrap();
    let mut reader = recorder.read(0, None).await.unwrap();
    let mut found = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        if let Entry::Message(m) = entry::read(record.payload).unwrap() {
            let sample = config.codec.decode(m.payload).unwrap();
            let measurement = m.topic.rsplit('/').next().unwrap().to_owned();
            assert_eq!(m.retain, measurement == "status");
            found.push((measurement, sample.value, sample.quality));
        }
    }
    drop(recorder);
    thread.end().await.unwrap();
    found
}

fn good(name: &str, value: impl Into<Value>) -> (String, Option<Value>, Quality) {
    (name.to_owned(), Some(value.into()), Quality::GOOD)
}

fn bad(name: &str, reason: Reason) -> (String, Option<Value>, Quality) {
    (name.to_owned(), None, Quality::bad(reason))
}

fn read(x: i64, y: Result<i64, Fault>) -> Act {
    Act::Read(Ok(vec![Ok(x.into()), y.map(Value::from)]))
}

#[tokio::test]
async fn changes_become_samples_and_one_bad_tag_spoils_no_other() {
    let acts = vec![
        Act::Connect(Ok(())),
        read(1, Err(Fault)),
        read(1, Err(Fault)),
        read(2, Ok(5)),
    ];
    let expected = [
        good("status", "online"),
        good("x", 1i64),
        bad("y", Reason::Address),
        good("x", 2i64),
        good("y", 5i64),
    ];
    assert_eq!(play(acts, 5).await, expected);
}

#[tokio::test]
async fn a_device_that_is_lost_says_so_once_and_comes_back() {
    let acts = vec![
        Act::Connect(Ok(())),
        read(1, Ok(5)),
        Act::Read(Err(())),
        Act::Connect(Err(())),
        Act::Connect(Ok(())),
        read(1, Ok(5)),
    ];
    let expected = [
        good("status", "online"),
        good("x", 1i64),
        good("y", 5i64),
        good("status", "offline"),
        bad("x", Reason::NotConnected),
        bad("y", Reason::NotConnected),
        good("status", "online"),
        good("x", 1i64),
        good("y", 5i64),
    ];
    assert_eq!(play(acts, 9).await, expected);
}

#[tokio::test]
async fn a_device_that_was_never_there_is_reported_too() {
    let expected = [
        good("status", "offline"),
        bad("x", Reason::NotConnected),
        bad("y", Reason::NotConnected),
    ];
    assert_eq!(play(vec![Act::Connect(Err(()))], 3).await, expected);
}
