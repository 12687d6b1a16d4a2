//! Our client against the server of libsnap7.

use renata_drivers::Confirm;
use renata_drivers::s7::pdu::ReturnCode;
use renata_drivers::s7::{Client, CpuState, ItemError};
use renata_peers::Snap7Server;

use crate::support::{config, connected, one_of_each, tag, tags};

#[tokio::test]
async fn all_types_are_read_as_the_server_holds_them_and_written_as_it_then_holds_them() {
    let (all, len) = one_of_each(1);
    let mut server = Snap7Server::start(&[(1, len), (2, len)]).expect("libsnap7 starts");
    // The bytes, laid out by our simulator's memory and given to the judge.
    let memory = renata_drivers::s7::sim::Memory::new();
    memory.add_db(1, len);
    for (tag, value) in &all {
        memory.set(tag, value).unwrap();
    }
    let whole = tag(&format!("DB1.DBB0:BYTE[{len}]"));
    let Ok(renata_codec::Value::Array(renata_codec::Array::U64(bytes))) = memory.get(&whole) else {
        panic!("bytes");
    };
    let bytes: Vec<u8> = bytes.into_iter().map(|b| b as u8).collect();
    server.write(1, &[(0, &bytes)]).unwrap();

    let mut client = connected(server.addr()).await;
    let names: Vec<_> = all.iter().map(|(t, _)| *t).collect();
    let mut plan = client.plan(&names);
    let read = client.read(&mut plan).await.unwrap();
    for ((tag, value), read) in all.iter().zip(read) {
        assert_eq!(read.as_ref(), Ok(value), "{tag}");
    }

    // The same by writing to block 2, whose texts have their headers and nothing else.
    for (tag, _) in &all {
        let (at, step) = (tag.address().byte as usize, tag.data_type().size());
        let header: &[u8] = match tag.data_type().to_string().as_str() {
            "STRING(20)" => &[20, 0],
            "STRING(4)" => &[4, 0],
            "WSTRING(20)" => &[0, 20, 0, 0],
            _ => continue,
        };
        for i in 0..usize::from(tag.count().unwrap_or(1)) {
            server.write(2, &[(at + i * step, header)]).unwrap();
        }
    }
    for (tag, value) in one_of_each(2).0 {
        let written = client.write(&tag, &value, Confirm::ReadBack).await.unwrap();
        assert_eq!(written, Ok(()), "{tag}");
    }
    assert_eq!(server.read(2, 0, len).unwrap(), bytes);
}

#[tokio::test]
async fn more_items_than_one_request_holds_and_items_that_do_not_exist() {
    let mut server = Snap7Server::start(&[(1, 5000)]).expect("libsnap7 starts");
    for n in 0..50usize {
        server
            .write(1, &[(n * 100, &(n as u16).to_be_bytes())])
            .unwrap();
    }
    let mut names: Vec<_> = (0..50)
        .map(|n| tag(&format!("DB1.DBW{}", n * 100)))
        .collect();
    names.extend(tags(&["DB99.DBW0", "DB1.DBW4998", "DB1.DBW5000"]));
    let mut client = connected(server.addr()).await;
    let mut plan = client.plan(&names);
    assert!(plan.cost().requests >= 3, "{plan}");
    for _ in 0..3 {
        let read = client.read(&mut plan).await.unwrap();
        for (n, value) in read[..50].iter().enumerate() {
            assert_eq!(*value, Ok((n as u64).into()));
        }
        assert_eq!(read[50], Err(ItemError::Item(ReturnCode::MISSING)));
        assert_eq!(read[51], Ok(0u64.into()), "its neighbour is bad, it is not");
        assert_eq!(read[52], Err(ItemError::Item(ReturnCode::RANGE)));
    }
    // What the server does with 21 items is what the count check is for.
    let mut config = config(server.addr());
    config.items = 21;
    let mut greedy = Client::new(config);
    greedy.connect().await.unwrap();
    let mut plan = greedy.plan(&names[..21]);
    let read = greedy.read(&mut plan).await.unwrap();
    assert_eq!(
        read[0],
        Err(ItemError::Count {
            asked: 21,
            answered: 20
        })
    );
}

#[tokio::test]
async fn state_and_clock_are_understood() {
    let server = Snap7Server::start(&[(1, 10)]).expect("libsnap7 starts");
    let mut client = connected(server.addr()).await;
    assert_eq!(client.agreed().map(|a| (a.pdu, a.jobs)), Some((960, 8)));
    assert_eq!(client.cpu_state().await, Ok(CpuState::Run));
    assert!(client.clock().await.unwrap().is_valid());
}
