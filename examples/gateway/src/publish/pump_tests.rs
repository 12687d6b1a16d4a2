use std::sync::Mutex;

use renata_codec::{Sample, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::*;
use crate::config::Config;
use crate::record::{self, Stream, Thread};

/// A link whose verdicts the test gives one by one.
struct Puppet(mpsc::UnboundedSender<(Outgoing, oneshot::Sender<Verdict>)>);

struct Answer(oneshot::Receiver<Verdict>);

impl Future for Answer {
    type Output = Verdict;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Verdict> {
        std::pin::Pin::new(&mut self.0)
            .poll(cx)
            .map(|v| v.unwrap_or(Verdict::Closed))
    }
}

impl Link for Puppet {
    type Receipt = Answer;

    async fn send(&self, message: &Outgoing) -> Result<Answer, Closed> {
        let (verdict, answer) = oneshot::channel();
        self.0
            .send((message.clone(), verdict))
            .map_err(|_| Closed)?;
        Ok(Answer(answer))
    }
}

type Sent = mpsc::UnboundedReceiver<(Outgoing, oneshot::Sender<Verdict>)>;

struct Stage {
    dir: tempfile::TempDir,
    recorder: Recorder,
    thread: Thread,
    stats: Arc<Stats>,
    stop: watch::Sender<bool>,
}

impl Stage {
    fn set(dir: tempfile::TempDir, journal: &str) -> Self {
        let text = format!(
            "[gateway]\nid = \"gw\"\ndata_dir = \"data\"\nlocation = \"a\"\narea = \"b\"\nline = \"c\"\n\
             [journal]\n{journal}\n[[device]]\nname = \"plc\"\ndriver = \"s7\"\nhost = \"h\"\n\
             [[device.tag]]\nname = \"x\"\naddress = \"MW0:INT\"\n\
             [[uplink]]\nname = \"plant\"\nurl = \"mqtt://h\"\n"
        );
        let config = Config::parse(&dir.path().join("gateway.toml"), &text).unwrap();
        let stats = Arc::new(Stats::default());
        let stream = Stream::new(config.devices[0].tags[0].topic.clone());
        let (recorder, thread) = record::start(&config, vec![stream], stats.clone()).unwrap();
        Self {
            dir,
            recorder,
            thread,
            stats,
            stop: watch::channel(false).0,
        }
    }

    fn new() -> Self {
        Self::set(tempfile::tempdir().unwrap(), "")
    }

    async fn samples(&self, count: u64) {
        for n in 0..count {
            let sample = Sample::new(n, Timestamp::EPOCH);
            self.recorder.record(vec![(0, sample)]).await.unwrap();
        }
    }

    fn pump(&self, window: usize) -> (Sent, tokio::task::JoinHandle<Result<(), PumpError>>) {
        let (sender, sent) = mpsc::unbounded_channel();
        let dead = DeadLetters::new(self.dir.path(), "plant");
        let recorder = self.recorder.clone();
        let pump = Pump::new(
            0,
            Puppet(sender),
            window,
            recorder,
            dead,
            self.stats.clone(),
        );
        let stop = self.stop.subscribe();
        (sent, tokio::spawn(pump.run(stop, Duration::from_secs(5))))
    }

    /// Everything to the disk; gives the folder back, for the next start.
    async fn end(self) -> tempfile::TempDir {
        drop(self.recorder);
        self.thread.end().await.unwrap();
        self.dir
    }
}

async fn next(sent: &mut Sent) -> (u64, oneshot::Sender<Verdict>) {
    let wait = timeout(Duration::from_secs(10), sent.recv());
    let (message, verdict) = wait
        .await
        .expect("a message in time")
        .expect("the pump runs");
    let codec: renata_codec::Codec = message.content_type.parse().unwrap();
    (codec.decode(&message.payload).unwrap().seq, verdict)
}

#[tokio::test]
async fn messages_go_in_order_and_no_more_than_the_window_at_once() {
    let stage = Stage::new();
    stage.samples(5).await;
    let (mut sent, pump) = stage.pump(2);
    let (first, a) = next(&mut sent).await;
    let (second, b) = next(&mut sent).await;
    assert_eq!((first, second), (0, 1));
    b.send(Verdict::Delivered).unwrap();
    tokio::task::yield_now().await;
    assert!(sent.try_recv().is_err(), "the first is still on its way");
    a.send(Verdict::Delivered).unwrap();
    for n in 2..5 {
        let (seq, verdict) = next(&mut sent).await;
        assert_eq!(seq, n);
        verdict.send(Verdict::Delivered).unwrap();
    }
    stage.stop.send_replace(true);
    pump.await.unwrap().unwrap();
    assert_eq!(stage.stats.acked.get(), 5);
}

#[tokio::test]
async fn what_is_not_known_to_have_arrived_is_sent_again_and_holds_the_position() {
    let stage = Stage::new();
    stage.samples(3).await;
    let (mut sent, pump) = stage.pump(10);
    let mut verdicts = Vec::new();
    for _ in 0..3 {
        verdicts.push(next(&mut sent).await.1);
    }
    let [a, b, c] = verdicts.try_into().unwrap();
    c.send(Verdict::Delivered).unwrap();
    b.send(Verdict::Delivered).unwrap();
    a.send(Verdict::Again).unwrap();
    let (again, verdict) = next(&mut sent).await;
    assert_eq!(again, 0);
    // It crashes here: none of the three may be taken for delivered.
    pump.abort();
    drop(verdict);
    let _ = pump.await;
    let dir = stage.end().await;
    let stage = Stage::set(dir, "");
    let (mut sent, pump) = stage.pump(10);
    for n in 0..3 {
        let (seq, verdict) = next(&mut sent).await;
        assert_eq!(seq, n);
        verdict.send(Verdict::Delivered).unwrap();
    }
    stage.stop.send_replace(true);
    pump.await.unwrap().unwrap();
    // Delivered and written down: after a restart only what is new is sent.
    let dir = stage.end().await;
    let stage = Stage::set(dir, "");
    stage.samples(1).await;
    let (mut sent, _pump) = stage.pump(10);
    assert_eq!(next(&mut sent).await.0, 3);
}

#[tokio::test]
async fn a_refused_message_goes_to_the_dead_letters_and_holds_nothing_up() {
    let stage = Stage::new();
    stage.samples(2).await;
    let (mut sent, pump) = stage.pump(1);
    let refusal = Verdict::Refused("not authorised".into());
    next(&mut sent).await.1.send(refusal).unwrap();
    let (second, verdict) = next(&mut sent).await;
    assert_eq!(second, 1);
    verdict.send(Verdict::Delivered).unwrap();
    stage.stop.send_replace(true);
    pump.await.unwrap().unwrap();
    let letters = stage.dir.path().join("dead-letters/plant.jsonl");
    let letters = std::fs::read_to_string(letters).unwrap();
    assert_eq!(letters.lines().count(), 1);
    assert!(letters.contains("not authorised") && letters.contains("renata/a/b/c/s7/plc/x"));
    assert_eq!(
        (stage.stats.rejected.get(), stage.stats.acked.get()),
        (1, 1)
    );
}

#[tokio::test]
async fn a_busy_broker_gets_the_message_later() {
    let stage = Stage::new();
    stage.samples(1).await;
    let (mut sent, pump) = stage.pump(4);
    for _ in 0..3 {
        let (seq, verdict) = next(&mut sent).await;
        assert_eq!(seq, 0);
        verdict.send(Verdict::Later).unwrap();
    }
    next(&mut sent).await.1.send(Verdict::Delivered).unwrap();
    stage.stop.send_replace(true);
    pump.await.unwrap().unwrap();
    assert_eq!(stage.stats.rejected.get(), 0);
}

#[tokio::test]
async fn a_broker_that_is_away_while_the_journal_fills_up_gets_what_is_left() {
    let stage = Stage::set(tempfile::tempdir().unwrap(), "max_mib = 4\nsegment_mib = 1");
    stage.samples(1).await;
    let (mut sent, pump) = stage.pump(1);
    let (first, verdict) = next(&mut sent).await;
    assert_eq!(first, 0);
    let text = "x".repeat(10_000);
    for _ in 0..1_000 {
        let sample = Sample::new(text.as_str(), Timestamp::EPOCH);
        stage.recorder.record(vec![(0, sample)]).await.unwrap();
    }
    let full = async {
        while stage.stats.committed.get() < 1_001 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), full)
        .await
        .expect("the journal goes on");
    assert!(stage.stats.dropped.get() > 500);
    assert!(stage.stats.journal_bytes.get() <= 5 << 20);
    verdict.send(Verdict::Delivered).unwrap();
    let seen = Mutex::new(vec![first]);
    while *seen.lock().unwrap().last().unwrap() < 1_000 {
        let (seq, verdict) = next(&mut sent).await;
        verdict.send(Verdict::Delivered).unwrap();
        seen.lock().unwrap().push(seq);
    }
    let seen = seen.into_inner().unwrap();
    assert!(seen.windows(2).all(|w| w[0] < w[1]), "in order");
    let gaps = seen.windows(2).filter(|w| w[0] + 1 < w[1]).count();
    assert!(
        gaps <= 2,
        "one hole, where the oldest were given up: {gaps}"
    );
    stage.stop.send_replace(true);
    pump.await.unwrap().unwrap();
}
