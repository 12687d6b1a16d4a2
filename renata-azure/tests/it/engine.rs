//! The engine with a scripted target.

use std::time::Duration;

use renata_azure::{
    Admitted, Engine, EngineOptions, IngestError, Outcome, Pause, Refusal, RetryPolicy, WhenFull,
};

use crate::stub::{Answer, Stub, plain};

fn options(dir: &tempfile::TempDir) -> EngineOptions {
    let mut options = EngineOptions::new(dir.path());
    let mut retry = RetryPolicy::default();
    retry.first = Duration::from_millis(1);
    retry.longest = Duration::from_millis(5);
    retry.probe_every = Duration::from_millis(5);
    options.retry = retry;
    options
}

async fn put(engine: &Engine, topics: impl IntoIterator<Item = String>) {
    let ingest = engine.ingest();
    let mut tickets = Vec::new();
    for topic in topics {
        tickets.push(ingest.append(plain(topic)).await.unwrap());
    }
    for ticket in tickets {
        assert!(matches!(ticket.await, Ok(Admitted::Stored { .. })));
    }
}

fn topics(n: std::ops::Range<u32>) -> Vec<String> {
    n.map(|n| format!("t/{n}")).collect()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn what_a_ticket_confirms_is_delivered_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(options(&dir)).await.unwrap();
    let stub = Stub::new("stub");
    engine.attach(stub.clone()).await.unwrap();
    put(&engine, topics(0..95)).await;
    engine.flush().await.unwrap();
    assert_eq!(stub.topics(), topics(0..95));
    let stats = &engine.sinks()[0];
    assert_eq!((stats.records, stats.waiting_records), (95, 0));
    assert!(stats.batches >= 10, "batches of at most ten records");
    engine.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_throttled_batch_arrives_again_with_the_same_range() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(options(&dir)).await.unwrap();
    let stub = Stub::new("stub");
    let throttled = Answer::Say(Outcome::Retry {
        after: Some(Duration::from_millis(20)),
        possibly_written: false,
        why: "429".into(),
    });
    stub.say([throttled.clone(), throttled]);
    engine.attach(stub.clone()).await.unwrap();
    put(&engine, topics(0..5)).await;
    // More that comes meanwhile does not change the batch.
    put(&engine, topics(5..8)).await;
    engine.flush().await.unwrap();
    assert_eq!(stub.topics(), topics(0..8));
    let state = stub.state.lock().unwrap();
    assert_eq!(state.seen[0], state.seen[1]);
    assert_eq!(state.seen[1], state.seen[2]);
    assert_eq!(engine.sinks()[0].retries, 2);
    assert_eq!(engine.sinks()[0].last_error.as_deref(), Some("429"));
}

#[tokio::test]
async fn a_target_that_never_answers_is_tried_again_and_does_not_block_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(options(&dir)).await.unwrap();
    let mut black_hole = Stub::new("black-hole");
    black_hole.limits.timeout = Duration::from_millis(10);
    black_hole.state.lock().unwrap().hang = true;
    let healthy = Stub::new("healthy");
    engine.attach(black_hole.clone()).await.unwrap();
    engine.attach(healthy.clone()).await.unwrap();
    put(&engine, topics(0..30)).await;
    until("the healthy sink has all", || healthy.topics().len() == 30).await;
    until("it is tried again", || engine.sinks()[0].retries > 3).await;
    assert_eq!(black_hole.topics(), Vec::<String>::new());
    black_hole.state.lock().unwrap().hang = false;
    engine.flush().await.unwrap();
    assert_eq!(black_hole.topics(), topics(0..30));
}

#[tokio::test]
async fn a_batch_that_was_taken_without_an_answer_is_known_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::new("stub");
    stub.state.lock().unwrap().remembers = true;
    stub.say([Answer::TakeAndHang]);
    let mut first = Engine::open(options(&dir)).await.unwrap();
    first.attach(stub.clone()).await.unwrap();
    put(&first, topics(0..5)).await;
    until("it arrived", || !stub.topics().is_empty()).await;
    first.close(Duration::ZERO).await.unwrap();
    let mut second = Engine::open(options(&dir)).await.unwrap();
    second.attach(stub.clone()).await.unwrap();
    put(&second, topics(5..9)).await;
    second.flush().await.unwrap();
    assert_eq!(stub.topics(), topics(0..9), "nothing came twice");
}

#[tokio::test]
async fn a_batch_that_was_cut_off_comes_again_with_the_same_range_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::new("stub");
    stub.say([Answer::Hang]);
    let mut first = Engine::open(options(&dir)).await.unwrap();
    first.attach(stub.clone()).await.unwrap();
    put(&first, topics(0..3)).await;
    until("it was sent", || {
        !stub.state.lock().unwrap().seen.is_empty()
    })
    .await;
    put(&first, topics(3..6)).await;
    first.close(Duration::ZERO).await.unwrap();
    let mut second = Engine::open(options(&dir)).await.unwrap();
    second.attach(stub.clone()).await.unwrap();
    second.flush().await.unwrap();
    let state = stub.state.lock().unwrap();
    assert_eq!(state.seen[0], state.seen[1], "the plan was kept");
    drop(state);
    assert_eq!(stub.topics(), topics(0..6));
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved_and_a_single_record_becomes_a_dead_letter() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(options(&dir)).await.unwrap();
    let stub = Stub::new("stub");
    let split = || Answer::Say(Outcome::Split);
    let taken = || Answer::Say(Outcome::Durable);
    // Four records: all, the first two, the first one alone; then the second one, then the rest.
    stub.say([split(), split(), split(), taken(), taken()]);
    engine.attach(stub.clone()).await.unwrap();
    put(&engine, topics(0..4)).await;
    engine.flush().await.unwrap();
    assert_eq!(stub.topics(), topics(1..4));
    let (letters, _) = engine.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].envelope.topic.as_str(), letters[0].sink.as_str()),
        ("t/0", "stub")
    );
    assert!(
        letters[0].reason.contains("too large"),
        "{}",
        letters[0].reason
    );
}

#[tokio::test]
async fn rejected_records_become_dead_letters_and_the_rest_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(options(&dir)).await.unwrap();
    let mut stub = Stub::new("stub");
    stub.limits.max_age = Duration::from_secs(3600);
    engine.attach(stub.clone()).await.unwrap();
    let ingest = engine.ingest();
    let mut seqs = Vec::new();
    for topic in ["a", "b/refused", "c"] {
        match ingest.append(plain(topic)).await.unwrap().await.unwrap() {
            Admitted::Stored { seq } => seqs.push(seq),
            other => panic!("{other:?}"),
        }
    }
    let no = Refusal::Target("no".into());
    stub.say([Answer::Say(Outcome::Reject(vec![(seqs[2], no)]))]);
    engine.flush().await.unwrap();
    let (letters, token) = engine.dead_letters(10).await.unwrap();
    let found: Vec<_> = letters
        .iter()
        .map(|l| (l.seq, l.envelope.topic.as_str()))
        .collect();
    assert_eq!(found, [(seqs[1], "b/refused"), (seqs[2], "c")]);
    assert_eq!(engine.sinks()[0].refused, 2);
    engine.release_dead_letters(token).await.unwrap();
    put(&engine, ["d/refused".to_owned()]).await;
    engine.flush().await.unwrap();
    let (letters, _) = engine.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1, "what was released does not come back");
}

#[tokio::test]
async fn a_paused_target_is_probed_until_it_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(options(&dir)).await.unwrap();
    let stub = Stub::new("stub");
    stub.say([Answer::Say(Outcome::Paused(Pause::Auth(
        "token expired".into(),
    )))]);
    engine.attach(stub.clone()).await.unwrap();
    put(&engine, topics(0..3)).await;
    engine.flush().await.unwrap();
    assert_eq!(stub.topics(), topics(0..3));
    assert_eq!(engine.sinks()[0].paused, None);
}

fn small(dir: &tempfile::TempDir) -> EngineOptions {
    let mut options = options(dir);
    options.segment_bytes = 4 << 10;
    options.max_journal_bytes = 64 << 10;
    options.max_record_bytes = 1 << 10;
    options
}

#[tokio::test]
async fn a_full_journal_holds_the_source_back_until_the_sink_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(small(&dir)).await.unwrap();
    let mut stub = Stub::new("stub");
    stub.limits.timeout = Duration::from_millis(10);
    stub.limits.max_records = 200;
    stub.state.lock().unwrap().hang = true;
    engine.attach(stub.clone()).await.unwrap();
    let ingest = engine.ingest();
    let source = tokio::spawn(async move {
        let mut tickets = Vec::new();
        for topic in topics(0..3000) {
            tickets.push(ingest.append(plain(topic)).await.unwrap());
        }
        for ticket in tickets {
            assert!(matches!(ticket.await, Ok(Admitted::Stored { .. })));
        }
    });
    until("it is full", || engine.stats().waiting_for_room > 0).await;
    assert!(engine.stats().journal_bytes <= 64 << 10);
    assert!(!source.is_finished());
    stub.state.lock().unwrap().hang = false;
    source.await.unwrap();
    engine.flush().await.unwrap();
    assert_eq!(stub.topics(), topics(0..3000));
    assert!(engine.stats().journal_bytes <= 64 << 10);
}

#[tokio::test]
async fn a_full_journal_refuses_when_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = small(&dir);
    options.when_full = WhenFull::Refuse;
    let mut engine = Engine::open(options).await.unwrap();
    let mut stub = Stub::new("stub");
    stub.limits.timeout = Duration::from_millis(10);
    stub.limits.max_records = 200;
    stub.state.lock().unwrap().hang = true;
    engine.attach(stub.clone()).await.unwrap();
    let ingest = engine.ingest();
    let mut stored = Vec::new();
    loop {
        let topic = format!("t/{}", stored.len());
        match ingest.append(plain(&topic)).await.unwrap().await {
            Ok(_) => stored.push(topic),
            Err(IngestError::Full) => break,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(stored.len() > 100);
    stub.state.lock().unwrap().hang = false;
    engine.flush().await.unwrap();
    put(&engine, ["t/after".to_owned()]).await;
    engine.flush().await.unwrap();
    stored.push("t/after".into());
    assert_eq!(stub.topics(), stored);
}

#[tokio::test]
async fn a_sink_that_is_gone_for_good_keeps_nothing_in_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Engine::open(small(&dir)).await.unwrap();
    let (old, new) = (Stub::new("old"), Stub::new("new"));
    old.state.lock().unwrap().hang = true;
    first.attach(old).await.unwrap();
    first.close(Duration::ZERO).await.unwrap();
    let mut second = Engine::open(small(&dir)).await.unwrap();
    second.attach(new.clone()).await.unwrap();
    assert!(second.remove_sink("new").await.is_err(), "it is in use");
    assert!(second.remove_sink("old").await.unwrap());
    assert!(!second.remove_sink("old").await.unwrap());
    // More than the journal holds.
    put(&second, topics(0..3000)).await;
    second.flush().await.unwrap();
    assert_eq!(new.topics(), topics(0..3000));
}

#[tokio::test]
async fn rubbish_does_not_stop_what_is_good() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = small(&dir);
    options.max_dead_letter_bytes = 16 << 10;
    let mut engine = Engine::open(options).await.unwrap();
    let stub = Stub::new("stub");
    engine.attach(stub.clone()).await.unwrap();
    let all = |n: u32| [format!("{n}/refused"), format!("t/{n}")];
    put(&engine, (0..400).flat_map(all)).await;
    engine.flush().await.unwrap();
    assert_eq!(stub.topics(), topics(0..400));
    let stats = engine.stats();
    let (letters, _) = engine.dead_letters(1000).await.unwrap();
    assert_eq!(
        letters.len() as u64 + stats.dead_letters_dropped,
        400,
        "{stats:?}"
    );
    assert_eq!(
        letters.last().unwrap().envelope.topic,
        "399/refused",
        "the newest are kept"
    );
}

#[tokio::test]
async fn one_folder_belongs_to_one_engine() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Engine::open(options(&dir)).await.unwrap();
    let second = Engine::open(options(&dir)).await.unwrap_err();
    assert!(second.to_string().contains("in use"), "{second}");
}
