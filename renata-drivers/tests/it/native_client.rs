//! The client of libsnap7 against our simulator.

use renata_peers::python_script;

use crate::support::{simulator, tag};

const SCRIPT: &str = r#"
import sys
import snap7
from snap7.types import Areas, S7DataItem, WordLen
import ctypes

client = snap7.client.Client()
client.connect("127.0.0.1", 0, 1, int(sys.argv[1]))
assert client.get_connected()
print("pdu", client.get_pdu_length())
print("db", client.db_read(1, 0, 4).hex())
client.db_write(1, 4, bytearray(b"\x12\x34\x56"))
print("written", client.db_read(1, 4, 4).hex())
# Larger than one PDU: the client cuts it.
big = bytearray(i % 251 for i in range(3000))
client.db_write(1, 1000, big)
assert client.db_read(1, 1000, 3000) == big
client.write_area(Areas.MK, 0, 10, bytearray(b"\xab\xcd"))
print("marker", client.read_area(Areas.MK, 0, 10, 2).hex())
print("timer", client.tm_read(3, 1).hex())
print("counter", client.ct_read(5, 1).hex())

items = (S7DataItem * 3)()
buffers = []
for item, (db, start, amount) in zip(items, [(1, 0, 4), (99, 0, 2), (1, 4095, 2)]):
    item.Area, item.WordLen = ctypes.c_int32(Areas.DB.value), ctypes.c_int32(WordLen.Byte.value)
    item.DBNumber, item.Start, item.Amount = ctypes.c_int32(db), ctypes.c_int32(start), ctypes.c_int32(amount)
    buffer = ctypes.create_string_buffer(amount)
    buffers.append(buffer)
    item.pData = ctypes.cast(ctypes.pointer(buffer), ctypes.POINTER(ctypes.c_uint8))
result, items = client.read_multi_vars(items)
print("multi", " ".join("%08x" % (item.Result & 0xFFFFFFFF) for item in items), buffers[0].raw.hex())
print("state", client.get_cpu_state())
print("year", client.get_plc_datetime().year >= 2026)
try:
    client.db_read(99, 0, 1)
except Exception as error:
    print("missing", error)
client.disconnect()
"#;

#[tokio::test(flavor = "multi_thread")]
async fn reads_writes_lists_and_clock() {
    let (plc, memory) = simulator().await;
    memory.set(&tag("DB1.DBD0:REAL"), &3.25.into()).unwrap();
    memory.set(&tag("T3"), &1270i64.into()).unwrap();
    memory.set(&tag("C5"), &123u64.into()).unwrap();
    let port = plc.addr().port().to_string();
    let said = tokio::task::spawn_blocking(move || python_script(SCRIPT, &[&port]));
    let said = said.await.unwrap().expect("libsnap7's client is content");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines[..6],
        [
            "pdu 480",
            "db 40500000",
            "written 12345600",
            "marker abcd",
            "timer 0127",
            "counter 0123",
        ],
        "{said}"
    );
    assert!(
        lines[6].starts_with("multi 00000000 ") && lines[6].ends_with(" 40500000"),
        "{said}"
    );
    assert!(
        !lines[6][15..].starts_with("00000000"),
        "a missing block is an error: {said}"
    );
    assert!(lines[7].contains("Run"), "{said}");
    assert_eq!(lines[8], "year True", "{said}");
    assert!(lines[9].starts_with("missing"), "{said}");
    assert_eq!(memory.get(&tag("DB1.DBW4")), Ok(0x1234u64.into()));
    assert_eq!(memory.get(&tag("MW10")), Ok(0xABCDu64.into()));
}
