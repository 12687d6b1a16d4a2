//! What users expect when things go wrong, against the simulator.

use std::time::{Duration, Instant};

use renata_codec::{Level, Reason, Value};
use renata_drivers::s7::pdu::ReturnCode;
use renata_drivers::s7::sim::{Limits, Simulator};
use renata_drivers::s7::{Client, ClientError, CpuState, ItemError, Phase};
use renata_drivers::{Backoff, Confirm, Driver, Reconnect, State, TagFault};

use crate::support::{
    config, connected, impatient, one_of_each, simulator, simulator_with, tag, tags,
};

#[tokio::test]
async fn every_type_is_written_and_read_back() {
    for pdu in [64, 240, 960] {
        let (plc, memory) = simulator_with(Limits {
            pdu,
            ..Limits::default()
        })
        .await;
        let (all, len) = one_of_each(1);
        memory.add_db(1, len);
        let mut client = connected(plc.addr()).await;
        assert_eq!(client.agreed().map(|a| a.pdu), Some(pdu));
        for (tag, value) in &all {
            if tag.to_string().contains("STRING") {
                // The program in a PLC declares its texts.
                let empty = match value {
                    Value::Text(_) => "".into(),
                    array => Value::from(vec![String::new(); array.items()]),
                };
                memory.set(tag, &empty).unwrap();
            }
            let written = client.write(tag, value, Confirm::ReadBack).await.unwrap();
            assert_eq!(written, Ok(()), "{tag}, PDU {pdu}");
        }
        let names: Vec<_> = all.iter().map(|(t, _)| *t).collect();
        let mut plan = client.plan(&names);
        let read = client.read(&mut plan).await.unwrap();
        for ((tag, value), read) in all.iter().zip(read) {
            assert_eq!(read.as_ref(), Ok(value), "{tag}, PDU {pdu}");
            assert_eq!(memory.get(tag).as_ref(), Ok(value), "{tag}, PDU {pdu}");
        }
    }
}

#[tokio::test]
async fn a_changed_value_is_seen_by_the_next_read() {
    let (plc, memory) = simulator().await;
    let mut client = connected(plc.addr()).await;
    let level = tag("DB1.DBD0:REAL");
    let mut plan = client.plan(&[level]);
    for value in [1.5, 2.5] {
        memory.set(&level, &value.into()).unwrap();
        assert_eq!(client.read(&mut plan).await.unwrap(), [Ok(value.into())]);
    }
}

#[tokio::test]
async fn one_bad_tag_never_marks_the_others() {
    let (plc, _memory) = simulator().await;
    let mut client = connected(plc.addr()).await;
    let tags = tags(&[
        "DB1.DBW4092",
        "DB1.DBW4094",
        "DB1.DBW4096",
        "DB9.DBW0",
        "MW0",
    ]);
    let mut plan = client.plan(&tags);
    for _ in 0..3 {
        let read = client.read(&mut plan).await.unwrap();
        assert!(
            [0, 1, 4].iter().all(|t| read[*t] == Ok(0u64.into())),
            "{read:?}"
        );
        assert_eq!(read[2], Err(ItemError::Item(ReturnCode::RANGE)));
        assert_eq!(read[3], Err(ItemError::Item(ReturnCode::MISSING)));
        let quality = read[3].clone().unwrap_err().quality();
        assert_eq!(
            (quality.level, quality.reason),
            (Level::Bad, Reason::Address)
        );
    }
}

#[tokio::test]
async fn a_tag_that_fails_comes_back_when_the_plc_heals() {
    let (plc, _memory) = simulator().await;
    let mut client = connected(plc.addr()).await;
    let tags = tags(&["DB1.DBW0", "DB1.DBW2"]);
    let mut plan = client.plan(&tags);
    plc.faults().fail(&tags[1], ReturnCode::ACCESS);
    let read = client.read(&mut plan).await.unwrap();
    assert!(read[0].is_ok());
    let fault = read[1].clone().unwrap_err();
    assert!(fault.to_string().contains("PUT/GET"), "{fault}");
    assert_eq!(fault.quality().reason, Reason::Access);
    plc.faults().heal();
    assert!(
        client
            .read(&mut plan)
            .await
            .unwrap()
            .iter()
            .all(Result::is_ok)
    );
}

#[tokio::test]
async fn a_plc_that_answers_fewer_items_is_caught() {
    let (plc, _memory) = simulator().await;
    let mut config = config(plc.addr());
    config.items = 21;
    let mut client = Client::new(config);
    client.connect().await.unwrap();
    let far: Vec<_> = (0..21)
        .map(|n| tag(&format!("DB1.DBW{}", n * 100)))
        .collect();
    let mut plan = client.plan(&far);
    let read = client.read(&mut plan).await.unwrap();
    let fault = ItemError::Count {
        asked: 21,
        answered: 20,
    };
    assert!(read.iter().all(|r| *r == Err(fault)), "{read:?}");
}

#[tokio::test]
async fn a_plc_that_is_dead_at_start_does_not_block() {
    let (plc, _memory) = simulator().await;
    let addr = plc.addr();
    plc.stop().await;
    let mut client = Client::new(config(addr));
    let error = client.connect().await.unwrap_err();
    assert_eq!(
        error,
        ClientError::Network(std::io::ErrorKind::ConnectionRefused)
    );
    let mut plan = client.plan(&tags(&["MW0"]));
    assert_eq!(client.read(&mut plan).await, Err(ClientError::NotConnected));
}

#[tokio::test]
async fn a_plc_that_refuses_says_what_to_look_at() {
    let (plc, _memory) = simulator().await;
    plc.faults().refuse_connections(true);
    let error = Client::new(config(plc.addr())).connect().await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { .. }));
    assert!(error.to_string().contains("rack or slot"), "{error}");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(silent.local_addr().unwrap());
    config.connect_within = Duration::from_millis(100);
    let error = Client::new(config).connect().await.unwrap_err();
    assert_eq!(error, ClientError::Timeout(Phase::Connect));
}

/// Polls as a gateway does, until the PLC answers again.
#[tokio::test]
async fn a_plc_that_dies_while_polled_comes_back() {
    let (plc, memory) = simulator().await;
    let addr = plc.addr();
    memory.set(&tag("MW0"), &7u64.into()).unwrap();
    let mut client = Client::new(config(addr));
    let backoff = Backoff {
        first: Duration::from_millis(20),
        ..Backoff::default()
    };
    let mut link = Reconnect::new(backoff, 1);
    let (mut plc, mut good, mut seen) = (Some(plc), 0, Vec::new());
    let mut plan = client.plan(&[]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while good < 6 {
        assert!(Instant::now() < deadline, "it never came back: {seen:?}");
        match link.poll(Instant::now()) {
            State::Connecting => match Driver::connect(&mut client).await {
                Ok(()) => {
                    link.connected(Instant::now());
                    plan = client.plan(&tags(&["MW0"]));
                }
                Err(error) => {
                    seen.push(error);
                    link.failed(Instant::now());
                    if seen.len() == 3 {
                        plc = Some(Simulator::start(addr, memory.clone()).await.unwrap());
                    }
                }
            },
            State::Up { .. } => match client.read(&mut plan).await {
                Ok(values) => {
                    assert_eq!(values, [Ok(7u64.into())]);
                    good += 1;
                    if good == 3 {
                        plc.take().unwrap().stop().await;
                    }
                }
                Err(error) => {
                    seen.push(error);
                    link.failed(Instant::now());
                }
            },
            State::Backoff { until } => tokio::time::sleep_until(until.into()).await,
        }
    }
    assert!(seen.len() >= 3, "{seen:?}");
}

#[tokio::test]
async fn a_reply_with_a_wrong_reference_is_dropped_and_the_right_one_taken() {
    let (plc, memory) = simulator().await;
    memory.set(&tag("MW0"), &7u64.into()).unwrap();
    let mut client = connected(plc.addr()).await;
    let mut plan = client.plan(&tags(&["MW0"]));
    plc.faults().strays(2);
    for stale in [1, 2, 2] {
        assert_eq!(client.read(&mut plan).await.unwrap(), [Ok(7u64.into())]);
        assert_eq!(client.stale_replies(), stale);
    }
}

#[tokio::test]
async fn a_reply_that_never_comes_closes_the_connection() {
    let (plc, _memory) = simulator().await;
    let mut plan = connected(plc.addr()).await.plan(&tags(&["MW0"]));
    let mut client = impatient(plc.addr()).await;
    plc.faults().wrong_references(1);
    let error = client.read(&mut plan).await.unwrap_err();
    assert_eq!(error, ClientError::Timeout(Phase::Job));
    assert_eq!(client.stale_replies(), 1);
    assert_eq!(client.read(&mut plan).await, Err(ClientError::NotConnected));
    client.connect().await.unwrap();
    assert!(client.read(&mut plan).await.unwrap()[0].is_ok());

    plc.faults().hang(true);
    let error = client.read(&mut plan).await.unwrap_err();
    assert_eq!(error, ClientError::Timeout(Phase::Job));
}

#[tokio::test]
async fn a_frame_cut_in_the_middle_closes_the_connection_and_no_value_comes_of_it() {
    let (plc, _memory) = simulator().await;
    let mut client = connected(plc.addr()).await;
    let mut plan = client.plan(&tags(&["DB1.DBB0:LREAL[50]"]));
    plc.faults().cut(1);
    let error = client.read(&mut plan).await.unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::Closed(Phase::Job) | ClientError::Network(_)
        ),
        "{error:?}"
    );
    client.connect().await.unwrap();
    assert!(client.read(&mut plan).await.unwrap()[0].is_ok());
}

#[tokio::test]
async fn a_read_that_is_dropped_half_way_harms_nobody() {
    let (plc, memory) = simulator_with(Limits {
        pdu: 240,
        ..Limits::default()
    })
    .await;
    let mut client = connected(plc.addr()).await;
    let values: Vec<f64> = (0..400).map(f64::from).collect();
    memory
        .set(&tag("DB1.DBB0:LREAL[400]"), &Value::from(values.clone()))
        .unwrap();
    let mut plan = client.plan(&tags(&["DB1.DBB0:LREAL[400]"]));
    assert!(
        plan.cost().requests > 8,
        "more requests than jobs in flight"
    );
    plc.faults().delay(Duration::from_millis(3));
    let mut dropped = 0;
    for pause in [0, 1, 2, 5, 9, 14] {
        let read = client.read(&mut plan);
        let limit = Duration::from_millis(pause);
        dropped += u32::from(tokio::time::timeout(limit, read).await.is_err());
    }
    assert!(dropped > 0);
    plc.faults().delay(Duration::ZERO);
    memory.set(&tag("DB1.DBB0:LREAL"), &(-1.0).into()).unwrap();
    let Ok(Value::Array(renata_codec::Array::F64(read))) =
        &client.read(&mut plan).await.unwrap()[0]
    else {
        panic!("an array");
    };
    assert_eq!(read[0], -1.0, "not a reply to an earlier read");
    assert_eq!(read[1..], values[1..]);
    assert_eq!(
        client.stale_replies(),
        0,
        "replies of dropped reads are known ones"
    );
}

#[tokio::test]
async fn no_more_jobs_are_open_than_were_agreed() {
    let (plc, _memory) = simulator_with(Limits {
        jobs: 1,
        pdu: 64,
        ..Limits::default()
    })
    .await;
    let mut client = connected(plc.addr()).await;
    assert_eq!(client.agreed().map(|a| a.jobs), Some(1));
    let mut plan = client.plan(&tags(&["DB1.DBB0:LREAL[100]"]));
    assert!(client.read(&mut plan).await.unwrap()[0].is_ok());
}

#[tokio::test]
async fn a_text_longer_than_the_plc_has_room_for_is_refused() {
    let (plc, memory) = simulator().await;
    let mut client = connected(plc.addr()).await;
    memory
        .set(&tag("DB1.DBB0:STRING(4)"), &"abcd".into())
        .unwrap();
    memory.set(&tag("DB1.DBB6"), &0x55u64.into()).unwrap();
    let wrong = tag("DB1.DBB0:STRING(20)");
    let refused = client
        .write(&wrong, &"abcde".into(), Confirm::Reply)
        .await
        .unwrap();
    assert!(matches!(refused, Err(ItemError::Value(_))), "{refused:?}");
    assert_eq!(memory.get(&tag("DB1.DBB6")), Ok(0x55u64.into()));
    assert_eq!(
        client
            .write(&wrong, &"abc".into(), Confirm::Reply)
            .await
            .unwrap(),
        Ok(())
    );
    assert_eq!(memory.get(&tag("DB1.DBB0:STRING(4)")), Ok("abc".into()));
}

#[tokio::test]
async fn a_plan_for_longer_messages_is_refused_and_the_connection_stays() {
    let (big, _) = simulator().await;
    let (small, _) = simulator_with(Limits {
        pdu: 240,
        ..Limits::default()
    })
    .await;
    let mut plan = connected(big.addr()).await.plan(&tags(&["MW0"]));
    let mut client = connected(small.addr()).await;
    let error = client.read(&mut plan).await.unwrap_err();
    assert_eq!(
        error,
        ClientError::Plan {
            planned: 960,
            negotiated: 240
        }
    );
    assert!(client.agreed().is_some());
}

#[tokio::test]
async fn the_cpu_tells_its_state_and_time() {
    let (plc, memory) = simulator().await;
    let mut client = connected(plc.addr()).await;
    assert_eq!(client.cpu_state().await, Ok(CpuState::Run));
    memory.set_running(false);
    assert_eq!(client.cpu_state().await, Ok(CpuState::Stop));
    assert!(client.clock().await.unwrap().year >= 2026);
}
