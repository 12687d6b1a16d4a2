use super::*;
use crate::s7::fault::ItemError;
use crate::s7::pdu::{HeaderError, Kind, Pdu, ReplyItem, ReturnCode, VarRequest, put_read_reply};
use crate::s7::types::Type;
use proptest::prelude::*;
use renata_codec::Value;

fn tags(texts: &[&str]) -> Vec<Tag> {
    texts.iter().map(|t| t.parse().unwrap()).collect()
}

/// A PLC whose every byte is a function of its address, so that a wrong slice shows.
fn byte_at(item: &Item, offset: u32) -> u8 {
    let start = if item.area.is_numbered() {
        item.address * 2
    } else {
        item.address / 8
    };
    ((start + offset) * 31 + u32::from(item.db) * 7 + u32::from(item.area.0)).to_be_bytes()[3]
}

fn answer(message: &[u8], refuse: impl Fn(&Item) -> Option<ReturnCode>) -> BytesMut {
    let pdu = Pdu::parse(message).unwrap();
    let items: Vec<ReplyItem> = VarRequest::parse(&pdu)
        .unwrap()
        .reads()
        .map(|item| {
            let item = item.unwrap();
            let len = u32::from(item.count) * item.transport.unit().unwrap() as u32;
            match refuse(&item) {
                Some(code) => Err(code),
                None => Ok((
                    item.transport,
                    (0..len).map(|i| byte_at(&item, i)).collect(),
                )),
            }
        })
        .collect();
    let mut reply = BytesMut::new();
    put_read_reply(pdu.reference, &items, &mut reply);
    reply
}

fn round(plan: &Plan, refuse: impl Fn(&Item) -> Option<ReturnCode>) -> (Vec<Answer>, Refused) {
    let mut answers = Answers::new(plan);
    for (at, message) in plan.messages().enumerate() {
        let reply = answer(message, &refuse);
        answers.reply(at, &Pdu::parse(&reply).unwrap()).unwrap();
    }
    answers.finish()
}

/// What the PLC holds at the tag, without any plan.
fn truth(tag: &Tag) -> Result<Value, ItemError> {
    let area = tag.address().area;
    let item = Item {
        area: area.code(),
        db: area.db(),
        address: tag.address().byte * if area.code().is_numbered() { 1 } else { 8 },
        transport: Transport::BYTE,
        count: 0,
    };
    let bytes: Vec<u8> = (0..tag.len() as u32).map(|i| byte_at(&item, i)).collect();
    let value =
        super::super::types::decode(tag.data_type(), tag.count(), tag.address().bit, &bytes);
    value.map_err(ItemError::Value)
}

#[test]
fn neighbours_merge_while_the_gap_costs_less_than_an_item() {
    let cost = |texts: &[&str]| Plan::new(&tags(texts), Budget::default()).cost();
    let near = cost(&["DB1.DBB0", "DB1.DBB16"]);
    assert_eq!((near.items, near.gap_bytes), (1, 15));
    let far = cost(&["DB1.DBB0", "DB1.DBB17"]);
    assert_eq!((far.items, far.gap_bytes), (2, 0));
    assert!(near.reply_bytes + near.request_bytes <= far.reply_bytes + far.request_bytes);
    assert_eq!(
        cost(&["DB1.DBB0", "DB2.DBB1", "MB2", "IB3", "QB4"]).items,
        5
    );
    assert_eq!(cost(&["T1", "T2", "C1", "C2"]).items, 4);
    assert_eq!(
        cost(&["DB1.DBX0.0", "DB1.DBX0.7", "DB1.DBB0", "DB1.DBD0"]).items,
        1
    );
}

#[test]
fn a_pdu_of_240_takes_19_items_as_the_arithmetic_says() {
    let far: Vec<Tag> = (0..40)
        .map(|n| format!("DB1.DBW{}", n * 100).parse().unwrap())
        .collect();
    let plan = Plan::new(&far, Budget::default());
    let counts: Vec<_> = plan.requests.iter().map(|r| r.blocks.len()).collect();
    assert_eq!(counts, [19, 19, 2]);
    let wide = Plan::new(&far, Budget::of_pdu(960));
    let counts: Vec<_> = wide.requests.iter().map(|r| r.blocks.len()).collect();
    assert_eq!(counts, [20, 20]);
}

#[test]
fn long_tags_are_cut_at_value_edges() {
    let text: Tag = "DB1.DBB0:WSTRING(300)".parse().unwrap();
    let reals: Tag = "DB2.DBB0:LREAL[100]".parse().unwrap();
    let plan = Plan::new(&[text, reals], Budget::default());
    for block in &plan.blocks {
        let grain = if block.area == text.address().area {
            2
        } else {
            8
        };
        assert!(
            block
                .pieces
                .iter()
                .all(|p| p.into % grain == 0 && p.len % grain == 0)
        );
    }
    assert_eq!(
        round(&plan, |_| None).0[1].as_ref().map(Value::items),
        Ok(100)
    );
}

#[test]
fn the_plan_prints_requests_bytes_and_gaps() {
    let plan = Plan::new(
        &tags(&["DB1.DBD0:REAL", "DB1.DBX8.1", "MW10"]),
        Budget::default(),
    );
    let text = plan.to_string();
    assert_eq!(
        text,
        "3 tags in 1 requests with 2 items; 36 bytes asked, 34 answered, 4 of them in gaps; PDU 240, at most 20 items\n\
         request 1: 36/240 bytes, reply 34/240\n\
         \u{20} M bytes 10..11: MW10:WORD\n\
         \u{20} DB1 bytes 0..8: DB1.DBD0:REAL, DB1.DBX8.1:BOOL (4 bytes in gaps)\n"
    );
}

/// One round as a client makes it: with the probe that it asks for. Gives the items probed, too.
fn poll(plan: &mut Plan, refuse: impl Fn(&Item) -> Option<ReturnCode>) -> (Vec<Answer>, usize) {
    let (mut values, refused) = round(plan, &refuse);
    let Some(probe) = plan.probe(&refused) else {
        return (values, 0);
    };
    let (probed, _) = round(&probe.plan, &refuse);
    plan.learn(&probe, probed, &mut values);
    (values, probe.plan.cost().items)
}

#[test]
fn one_bad_tag_is_found_at_once_and_read_alone_from_then_on() {
    let tags = tags(&["DB1.DBW0", "DB1.DBW2", "DB1.DBW98", "DB1.DBW100", "MW0"]);
    // DB1 has 100 bytes.
    let short = |item: &Item| {
        let end = item.address / 8 + u32::from(item.count);
        (item.db == 1 && end > 100).then_some(ReturnCode::RANGE)
    };
    let mut plan = Plan::new(&tags, Budget::default());
    assert_eq!(plan.cost().items, 3);
    for (probed, items) in [(2, 4), (0, 4)] {
        let (values, seen) = poll(&mut plan, short);
        assert_eq!(seen, probed);
        assert_eq!(values[3], Err(ItemError::Item(ReturnCode::RANGE)));
        assert!([0, 1, 2, 4].iter().all(|t| values[*t].is_ok()));
        assert_eq!(plan.cost().items, items);
    }
}

#[test]
fn a_gap_that_the_plc_refuses_parts_its_neighbours() {
    let mut plan = Plan::new(&tags(&["DB1.DBW0", "DB1.DBW8"]), Budget::default());
    let hole = |item: &Item| {
        let (start, end) = (item.address / 8, item.address / 8 + u32::from(item.count));
        (start < 8 && end > 4).then_some(ReturnCode::RANGE)
    };
    assert!(poll(&mut plan, hole).0.iter().all(Result::is_ok));
    assert_eq!(poll(&mut plan, hole).1, 0);
    assert_eq!(plan.cost().items, 2);
}

#[test]
fn a_block_that_is_missing_as_a_whole_is_probed_ever_more_seldom_and_comes_back() {
    let mut plan = Plan::new(&tags(&["DB1.DBW0", "DB1.DBW2"]), Budget::default());
    let missing = |_: &Item| Some(ReturnCode::MISSING);
    let probes: Vec<_> = (0..16).map(|_| poll(&mut plan, missing).1).collect();
    assert_eq!(probes, [2, 0, 2, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0]);
    assert!(poll(&mut plan, |_| None).0.iter().all(Result::is_ok));
    assert_eq!(plan.cost().items, 1);
    assert_eq!(
        poll(&mut plan, missing).1,
        2,
        "a new failure is looked at at once"
    );
}

#[test]
fn a_reply_with_fewer_items_or_a_refusal_marks_its_own_tags_only() {
    let far: Vec<Tag> = (0..21)
        .map(|n| format!("DB1.DBW{}", n * 100).parse().unwrap())
        .collect();
    let plan = Plan::new(&far, Budget::of_pdu(960));
    let mut answers = Answers::new(&plan);
    let nineteen: Vec<ReplyItem> = vec![Ok((Transport::BYTE, vec![0, 1])); 19];
    let mut reply = BytesMut::new();
    put_read_reply(0, &nineteen, &mut reply);
    answers.reply(0, &Pdu::parse(&reply).unwrap()).unwrap();
    let refused = Pdu {
        kind: Kind::Ack,
        reference: 0,
        error: HeaderError::NOT_AVAILABLE,
        param: &[],
        data: &[],
    };
    answers.reply(1, &refused).unwrap();
    assert!(answers.reply(2, &refused).is_err());
    let (values, _) = answers.finish();
    assert_eq!(
        values[0],
        Err(ItemError::Count {
            asked: 20,
            answered: 19
        })
    );
    assert_eq!(
        values[20],
        Err(ItemError::Request(HeaderError::NOT_AVAILABLE))
    );
}

#[test]
fn a_hundred_thousand_tags_are_planned_without_merging_wrongly() {
    let many: Vec<Tag> = (0..100_000u32)
        .map(|n| {
            format!("DB{}.DBD{}:REAL", n % 50 + 1, n / 50 * 24)
                .parse()
                .unwrap()
        })
        .collect();
    let plan = Plan::new(&many, Budget::of_pdu(960));
    assert_eq!(plan.cost().items, 100_000);
    assert_eq!(plan.cost().requests, 5_000);
}

fn any_tag() -> impl Strategy<Value = Tag> {
    let place = (0..6usize, 1u16..4, 0u32..400, 0u8..8);
    (place, 0..Type::ALL.len(), prop::option::of(1u16..60)).prop_filter_map(
        "a legal tag",
        |((area, db, byte, bit), ty, count)| {
            let areas = [
                Area::Db(db.try_into().ok()?),
                Area::Marker,
                Area::Input,
                Area::Output,
                Area::Counter,
                Area::Timer,
            ];
            let ty = match areas[area] {
                Area::Counter => Type::Counter,
                Area::Timer => Type::S5Time,
                _ => Type::ALL[ty],
            };
            let bit = if ty == Type::Bool { bit } else { 0 };
            let address = crate::s7::Address {
                area: areas[area],
                byte,
                bit,
            };
            Tag::new(address, ty, count.and_then(|c| c.try_into().ok())).ok()
        },
    )
}

proptest! {
    /// No request and no reply is longer than the budget, every tag is read exactly once, and what is
    /// read is what lies at the tag.
    #[test]
    fn plans_are_legal_complete_and_right(
        tags in prop::collection::vec(any_tag(), 0..80),
        pdu in 64u16..1000,
        items in 1u8..30,
        alone in prop::collection::vec(0usize..80, 0..5),
    ) {
        let budget = Budget { pdu, items };
        let mut plan = Plan::new(&tags, budget);
        plan.isolate(alone.into_iter().filter(|a| *a < tags.len()));
        let mut covered = vec![0; tags.len()];
        for request in &plan.requests {
            prop_assert!(request.message.len() <= pdu.into(), "request {}", request.message.len());
            prop_assert!(request.blocks.len() <= items.into());
            let reply = answer(&request.message, |_| None);
            prop_assert!(reply.len() <= pdu.into(), "reply {}", reply.len());
            for piece in request.blocks.iter().flat_map(|b| &plan.blocks[*b].pieces) {
                covered[piece.tag] += piece.len;
            }
        }
        let lens: Vec<usize> = tags.iter().map(Tag::len).collect();
        prop_assert_eq!(covered, lens);
        let (values, suspects) = round(&plan, |_| None);
        prop_assert_eq!(suspects, Refused::default());
        for (tag, value) in tags.iter().zip(values) {
            match (value, truth(tag)) {
                (Ok(a), Ok(b)) => prop_assert!(a.same(&b), "{tag}"),
                (a, b) => prop_assert_eq!(a, b, "{}", tag),
            }
        }
    }
}
