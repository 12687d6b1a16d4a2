//! One value to the requests that write it. Pure.

use bytes::BytesMut;

use super::address::{Address, Area, Tag};
use super::fault::ItemError;
use super::pdu::{
    Item, Pdu, ReturnCode, Transport, WireError, WriteItem, WriteReply, put_write_request,
};
use super::plan::Budget;
use super::types::{Type, ValueError, elements, encode};
use renata_codec::Value;

/// The requests that write one value.
///
/// Bits are written as bits, never as the byte around them. A text writes its length and characters and
/// leaves the PLC's own header; see [`WritePlan::headers`]. What is longer than a message is written in
/// several, cut at value edges.
#[derive(Clone, Debug)]
pub struct WritePlan {
    messages: Vec<BytesMut>,
    counts: Vec<usize>,
}

/// Bytes for one item.
struct Part {
    item: Item,
    bytes: Vec<u8>,
}

impl WritePlan {
    /// Arranges the write of `value` to `tag`.
    ///
    /// # Errors
    /// When the value does not fit the tag.
    pub fn new(tag: &Tag, value: &Value, budget: Budget) -> Result<Self, ValueError> {
        let parts = parts(tag, value, budget)?;
        let mut plan = Self {
            messages: Vec::new(),
            counts: Vec::new(),
        };
        let mut rest = &parts[..];
        while !rest.is_empty() {
            let mut size = REQUEST_HEADER;
            let fits = rest
                .iter()
                .take(budget.items.max(1).into())
                .take_while(|part| {
                    size += Item::LEN + ITEM_HEADER + part.bytes.len().next_multiple_of(2);
                    size <= usize::from(budget.pdu)
                });
            // One part always fits: `parts` sees to it.
            let count = fits.count().max(1);
            let (now, later) = rest.split_at(count);
            let items: Vec<_> = now
                .iter()
                .map(|part| WriteItem {
                    item: part.item,
                    bytes: &part.bytes,
                })
                .collect();
            let mut message = BytesMut::new();
            put_write_request(0, &items, &mut message);
            plan.messages.push(message);
            plan.counts.push(count);
            rest = later;
        }
        Ok(plan)
    }

    /// The requests to send, in order; bytes 4 and 5 of each are the reference, still 0.
    #[must_use]
    pub fn messages(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.messages.iter().map(|m| &m[..])
    }

    /// What the reply to the request of this number says.
    ///
    /// # Errors
    /// When it is not the reply to a write.
    pub fn reply(&self, request: usize, pdu: &Pdu<'_>) -> Result<Result<(), ItemError>, WireError> {
        if !pdu.error.is_ok() {
            return Ok(Err(ItemError::Request(pdu.error)));
        }
        let codes = WriteReply::parse(pdu)?.codes();
        let (asked, answered) = (self.counts.get(request).copied(), codes.len());
        match asked {
            Some(asked) if asked != answered => {
                return Ok(Err(ItemError::Count { asked, answered }));
            }
            Some(_) => {}
            None => return Err(WireError::Unexpected),
        }
        let mut refused = codes.filter(|code| *code != ReturnCode::OK);
        Ok(refused
            .next()
            .map_or(Ok(()), |code| Err(ItemError::Item(code))))
    }

    /// The headers of the texts in `tag`, which say how long each may be in this PLC: read them before a
    /// write and give them to [`WritePlan::check_header`]. Empty for a tag without texts.
    #[must_use]
    pub fn headers(tag: &Tag) -> Vec<Tag> {
        let header = match tag.data_type() {
            Type::String(_) => Type::Byte,
            Type::WString(_) => Type::Word,
            _ => return Vec::new(),
        };
        let step = tag.data_type().size() as u32;
        (0..u32::from(tag.count().unwrap_or(1)))
            .filter_map(|i| {
                let place = tag.address();
                let address = Address {
                    byte: place.byte + i * step,
                    ..place
                };
                Tag::new(address, header, None).ok()
            })
            .collect()
    }

    /// Whether the text at `index` of `value` fits what the PLC's header says.
    ///
    /// # Errors
    /// [`ValueError::TextLength`] when it is longer.
    pub fn check_header(
        tag: &Tag,
        value: &Value,
        index: usize,
        header: &Value,
    ) -> Result<(), ValueError> {
        let (Some(Value::Text(text)), Value::U64(max)) =
            (elements(value).into_iter().nth(index), header)
        else {
            return Ok(());
        };
        let len = match tag.data_type() {
            Type::WString(_) => text.encode_utf16().count(),
            _ => text.chars().count(),
        };
        let max = usize::try_from(*max).unwrap_or(usize::MAX);
        if len > max {
            return Err(ValueError::TextLength { len, max });
        }
        Ok(())
    }
}

fn parts(tag: &Tag, value: &Value, budget: Budget) -> Result<Vec<Part>, ValueError> {
    let ty = tag.data_type();
    let values = match (tag.count(), value) {
        (None, Value::Array(_)) => {
            return Err(ValueError::Kind {
                expected: "one value, the tag is no array",
            });
        }
        (None, scalar) => vec![scalar.clone()],
        (Some(_), array @ Value::Array(_)) => elements(array),
        (Some(_), _) => {
            return Err(ValueError::Kind {
                expected: "an array",
            });
        }
    };
    let expected = usize::from(tag.count().unwrap_or(1));
    if values.len() != expected {
        return Err(ValueError::Count {
            expected,
            found: values.len(),
        });
    }
    // Conservative: what any PLC was seen to take.
    let most = usize::from(budget.pdu.max(Budget::MIN_PDU)) - WRITE_MARGIN;
    let base = tag.address();
    let mut parts = Vec::new();
    let mut run = Vec::new();
    for (i, value) in values.iter().enumerate() {
        let from = run.len();
        encode(ty, value, &mut run)?;
        let byte = base.byte + (i * ty.size()) as u32;
        match ty {
            Type::Bool => {
                let bit = base.byte * 8 + u32::from(base.bit) + i as u32;
                let bytes = run.split_off(from);
                parts.push(Part {
                    item: item(base.area, bit, Transport::BIT, 1),
                    bytes,
                });
            }
            Type::String(_) => push(&mut parts, base.area, byte + 1, &run.split_off(from), most),
            Type::WString(_) => push(
                &mut parts,
                base.area,
                byte + 2,
                &run.split_off(from),
                most & !1,
            ),
            _ => {}
        }
    }
    push(
        &mut parts,
        base.area,
        base.byte,
        &run,
        most / ty.size().min(most) * ty.size().min(most),
    );
    Ok(parts)
}

fn push(parts: &mut Vec<Part>, area: Area, byte: u32, bytes: &[u8], most: usize) {
    let mut at = byte;
    for chunk in bytes.chunks(most) {
        let len = chunk.len() as u32;
        let (address, transport, count) = match area {
            Area::Counter => (at, Transport::COUNTER, len / 2),
            Area::Timer => (at, Transport::TIMER, len / 2),
            _ => (at * 8, Transport::BYTE, len),
        };
        let item = item(area, address, transport, count as u16);
        parts.push(Part {
            item,
            bytes: chunk.to_vec(),
        });
        at += if area.code().is_numbered() {
            len / 2
        } else {
            len
        };
    }
}

fn item(area: Area, address: u32, transport: Transport, count: u16) -> Item {
    Item {
        area: area.code(),
        db: area.db(),
        address,
        transport,
        count,
    }
}

const REQUEST_HEADER: usize = 12;
const ITEM_HEADER: usize = 4;
const WRITE_MARGIN: usize = 35;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s7::pdu::VarRequest;
    use proptest::prelude::*;

    fn items(plan: &WritePlan) -> Vec<(Item, Vec<u8>)> {
        let mut all = Vec::new();
        for message in plan.messages() {
            let pdu = Pdu::parse(message).unwrap();
            let request = VarRequest::parse(&pdu).unwrap();
            all.extend(
                request
                    .writes()
                    .map(|w| w.map(|w| (w.item, w.bytes.to_vec())).unwrap()),
            );
        }
        all
    }

    fn plan(tag: &str, value: impl Into<Value>) -> Result<WritePlan, ValueError> {
        WritePlan::new(&tag.parse().unwrap(), &value.into(), Budget::default())
    }

    #[test]
    fn bits_are_written_as_bits() {
        let written = items(&plan("DB1.DBX2.6:BOOL[3]", vec![true, false, true]).unwrap());
        let bits: Vec<_> = written
            .iter()
            .map(|(i, b)| (i.transport, i.address, b[0]))
            .collect();
        let bit = Transport::BIT;
        assert_eq!(bits, [(bit, 22, 1), (bit, 23, 0), (bit, 24, 1)]);
    }

    #[test]
    fn texts_leave_the_header_alone() {
        let written = items(
            &plan(
                "DB1.DBB10:STRING(8)[2]",
                vec!["ab".to_owned(), String::new()],
            )
            .unwrap(),
        );
        let places: Vec<_> = written
            .iter()
            .map(|(i, b)| (i.address / 8, &b[..]))
            .collect();
        assert_eq!(places, [(11, &b"\x02ab"[..]), (21, &b"\x00"[..])]);
        let tag: Tag = "DB1.DBB10:WSTRING(8)[2]".parse().unwrap();
        let headers: Vec<_> = WritePlan::headers(&tag)
            .iter()
            .map(Tag::to_string)
            .collect();
        assert_eq!(headers, ["DB1.DBW10:WORD", "DB1.DBW30:WORD"]);
        let check = |max: u64| WritePlan::check_header(&tag, &"abc".into(), 0, &max.into());
        assert_eq!(
            (check(3), check(2)),
            (Ok(()), Err(ValueError::TextLength { len: 3, max: 2 }))
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_sent() {
        assert!(matches!(
            plan("DB1.DBW0:INT", 70_000i64),
            Err(ValueError::Range { .. })
        ));
        let count = ValueError::Count {
            expected: 3,
            found: 2,
        };
        assert_eq!(plan("DB1.DBW0:INT[3]", vec![1i64, 2]).err(), Some(count));
        assert!(matches!(
            plan("DB1.DBW0:INT", vec![1i64]),
            Err(ValueError::Kind { .. })
        ));
        assert!(matches!(
            plan("DB1.DBW0:INT[1]", 1i64),
            Err(ValueError::Kind { .. })
        ));
    }

    proptest! {
        /// Every request keeps the budget, and the bytes land where they belong, whole.
        #[test]
        fn long_arrays_are_cut_at_value_edges(
            values in prop::collection::vec(any::<i64>(), 1..200),
            pdu in 64u16..1000,
            most in 1u8..30,
        ) {
            let tag: Tag = format!("DB1.DBB100:LINT[{}]", values.len()).parse().unwrap();
            let value = Value::from(values.clone());
            let plan = WritePlan::new(&tag, &value, Budget { pdu, items: most }).unwrap();
            prop_assert!(plan.messages().all(|m| m.len() <= pdu.into()));
            let mut memory = vec![0; tag.len()];
            for (item, bytes) in items(&plan) {
                prop_assert!(bytes.len() % 8 == 0 && bytes.len() == usize::from(item.count));
                let at = item.address as usize / 8 - 100;
                memory[at..at + bytes.len()].copy_from_slice(&bytes);
            }
            let read = crate::s7::types::decode(tag.data_type(), tag.count(), 0, &memory);
            prop_assert_eq!(read, Ok(value));
        }
    }
}
