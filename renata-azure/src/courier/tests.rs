use super::*;

const LIMITS: Limits = Limits {
    max_records: 10,
    max_bytes: 1000,
    max_age: Duration::from_secs(5),
    timeout: Duration::from_secs(1),
};

/// A courier that has just encoded the records 1 to 10.
fn with_batch(now: Instant) -> Courier {
    let mut courier = Courier::new(LIMITS, RetryPolicy::default(), 1, 0, Tally::default());
    assert_eq!(courier.poll(now), Step::Position);
    assert_eq!(courier.handle_position(Ok(None), now), Verdict::Nothing);
    assert_eq!(courier.poll(now), Step::Wait(None));
    let tally = Tally {
        durable: 10,
        records: 10,
        bytes: 100,
    };
    courier.handle_durable(tally, now);
    let all = Step::Encode {
        first: 1,
        upto: u64::MAX,
    };
    assert_eq!(courier.poll(now), all);
    let range = SeqRange { first: 1, last: 10 };
    assert_eq!(
        courier.handle_encoded(range, 10, 100, false, now),
        Verdict::Nothing
    );
    assert_eq!(courier.poll(now), Step::Deliver);
    courier
}

#[test]
fn a_delivered_batch_is_acknowledged_once() {
    let now = Instant::now();
    let mut courier = with_batch(now);
    assert_eq!(
        courier.handle_outcome(Outcome::Durable, now),
        Verdict::Ack(10)
    );
    assert_eq!(courier.poll(now), Step::Wait(None));
    assert_eq!(
        courier.handle_outcome(Outcome::Durable, now),
        Verdict::Nothing
    );
}

#[test]
fn a_throttled_batch_is_sent_again_when_the_target_said_so() {
    let now = Instant::now();
    let mut courier = with_batch(now);
    let wish = Duration::from_secs(20);
    let throttled = Outcome::Retry {
        after: Some(wish),
        possibly_written: false,
        why: String::new(),
    };
    assert_eq!(courier.handle_outcome(throttled, now), Verdict::Nothing);
    assert!(matches!(
        courier.poll(now + wish - Duration::from_millis(1)),
        Step::Wait(_)
    ));
    assert_eq!(courier.poll(now + wish * 2), Step::Deliver);
}

#[test]
fn a_paused_target_is_probed_and_gets_the_same_batch() {
    let now = Instant::now();
    let mut courier = with_batch(now);
    let pause = Pause::Auth("expired".into());
    courier.handle_outcome(Outcome::Paused(pause.clone()), now);
    assert_eq!(courier.paused(), Some(&pause));
    let later = now + Duration::from_secs(30);
    assert_eq!(courier.poll(now), Step::Wait(Some(later)));
    assert_eq!(courier.poll(later), Step::Probe);
    courier.handle_health(Health::Paused(pause), later);
    assert!(matches!(courier.poll(later), Step::Wait(_)));
    courier.handle_health(Health::Ready, later);
    assert_eq!(courier.poll(later), Step::Deliver);
    assert_eq!(courier.paused(), None);
}

#[test]
fn a_batch_that_is_too_large_goes_in_halves_down_to_one_record() {
    let now = Instant::now();
    let mut courier = with_batch(now);
    courier.handle_outcome(Outcome::Split, now);
    let mut asked = Vec::new();
    let mut acked = Vec::new();
    while let Step::Encode { first, upto } = courier.poll(now) {
        asked.push((first, upto));
        let range = SeqRange { first, last: upto };
        courier.handle_encoded(range, 0, 0, false, now);
        let outcome = if upto - first > 3 {
            Outcome::Split
        } else {
            Outcome::Durable
        };
        if let Verdict::Ack(seq) = courier.handle_outcome(outcome, now) {
            acked.push(seq);
        }
    }
    assert_eq!(asked, [(1, 5), (1, 3), (4, 5), (6, 10), (6, 8), (9, 10)]);
    assert_eq!(acked, [3, 5, 8, 10]);
    let mut courier = with_batch(now);
    courier.state = State::Deliver {
        range: SeqRange { first: 1, last: 1 },
        not_before: None,
    };
    assert_eq!(
        courier.handle_outcome(Outcome::Split, now),
        Verdict::DeadLetter(1)
    );
}

#[test]
fn what_the_target_has_is_not_sent_again() {
    let now = Instant::now();
    let tally = Tally {
        durable: 100,
        ..Tally::default()
    };
    let mut courier = Courier::new(LIMITS, RetryPolicy::default(), 1, 20, tally);
    courier.resume(SeqRange {
        first: 21,
        last: 30,
    });
    assert_eq!(courier.handle_position(Ok(Some(30)), now), Verdict::Ack(30));
    let next = Step::Encode {
        first: 31,
        upto: u64::MAX,
    };
    assert_eq!(courier.poll(now), next);
}

#[test]
fn a_planned_range_is_the_first_after_a_restart() {
    let now = Instant::now();
    let tally = Tally {
        durable: 100,
        ..Tally::default()
    };
    let mut courier = Courier::new(LIMITS, RetryPolicy::default(), 1, 20, tally);
    courier.resume(SeqRange {
        first: 21,
        last: 30,
    });
    courier.handle_position(Ok(Some(20)), now);
    let planned = Step::Encode {
        first: 21,
        upto: 30,
    };
    assert_eq!(courier.poll(now), planned);
}

#[test]
fn a_journal_that_is_older_than_the_target_pauses() {
    let now = Instant::now();
    let mut courier = Courier::new(LIMITS, RetryPolicy::default(), 1, 0, Tally::default());
    courier.handle_position(Ok(Some(5)), now);
    assert!(matches!(courier.paused(), Some(Pause::Config(_))));
    assert!(matches!(courier.poll(now), Step::Wait(Some(_))));
}
