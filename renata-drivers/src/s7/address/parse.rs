//! The notations, told apart by their first punctuation.

use std::num::NonZeroU16;

use super::scan::Scan;
use super::{Address, AddressError, Area, Tag, Type};

pub(super) fn tag(text: &str, beside: Option<&str>) -> Result<Tag, AddressError> {
    let mut scan = Scan::address(text);
    scan.eat('%');
    let place = place(&mut scan)?;
    let named = match place.named {
        None if scan.eat(':') => Some(typed(&mut scan)?),
        named => named,
    };
    if !scan.is_done() {
        return Err(scan.error(match named {
            Some(_) => "the end",
            None => "a colon and a type, or the end",
        }));
    }
    let beside = beside.map(|text| {
        let mut scan = Scan::type_beside(text);
        let typed = typed(&mut scan)?;
        if scan.is_done() {
            Ok(typed)
        } else {
            Err(scan.error("the end"))
        }
    });
    let beside = beside.transpose()?;
    if let (Some(address), Some(beside)) = (named, beside) {
        // A text's length may stand in the address and its name beside it (Neuron).
        let bare = matches!(beside.ty, Type::String(254)) && matches!(address.ty, Type::String(_));
        if address != beside && !bare {
            return Err(AddressError::TwoTypes {
                address: address.ty,
                beside: beside.ty,
            });
        }
    }
    let typed = named
        .or(beside)
        .unwrap_or(Typed::scalar(place.width.default_type()));
    place.width.check(typed.ty, place.address.area)?;
    if typed.ty == Type::Bool && !place.has_bit {
        return Err(scan.error("a full stop and a bit number"));
    }
    if place.has_bit && typed.ty != Type::Bool {
        return Err(AddressError::Bit);
    }
    Tag::new(place.address, typed.ty, typed.count)
}

/// A type, and the length of an array of it.
#[derive(Clone, Copy, PartialEq)]
struct Typed {
    ty: Type,
    count: Option<NonZeroU16>,
}

impl Typed {
    const fn scalar(ty: Type) -> Self {
        Self { ty, count: None }
    }
}

/// How much the address itself says about the type.
#[derive(Clone, Copy)]
enum Width {
    Bit,
    Byte,
    Word,
    DWord,
    /// No size letter: `DB1:10:REAL`, `I0`, or a type was named.
    Any,
    Counter,
    Timer,
}

impl Width {
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'X' => Self::Bit,
            'B' => Self::Byte,
            'W' => Self::Word,
            'D' => Self::DWord,
            _ => return None,
        })
    }

    const fn default_type(self) -> Type {
        match self {
            Self::Bit => Type::Bool,
            Self::Byte | Self::Any => Type::Byte,
            Self::Word => Type::Word,
            Self::DWord => Type::DWord,
            Self::Counter => Type::Counter,
            Self::Timer => Type::S5Time,
        }
    }

    /// `W` and `D` promise a width; `B` is merely where something begins.
    fn check(self, ty: Type, area: Area) -> Result<(), AddressError> {
        let (letter, width) = match self {
            Self::Word => ('W', 2),
            Self::DWord => ('D', 4),
            Self::Bit if ty != Type::Bool => ('X', 1),
            _ => return Ok(()),
        };
        let text = matches!(ty, Type::String(_) | Type::WString(_));
        if ty.size() == width && letter != 'X'
            || text
            || matches!(area, Area::Counter | Area::Timer)
        {
            return Ok(());
        }
        Err(AddressError::Width { letter, width, ty })
    }
}

struct Place {
    address: Address,
    has_bit: bool,
    width: Width,
    named: Option<Typed>,
}

fn place(scan: &mut Scan<'_>) -> Result<Place, AddressError> {
    if scan.eat_all("DB") {
        let number = scan.number(u16::MAX.into(), DB_NUMBER)?;
        let number = u16::try_from(number).ok().and_then(NonZeroU16::new);
        let area = Area::Db(number.ok_or_else(|| scan.error_at(2, DB_NUMBER))?);
        return match scan.peek() {
            Some('.') => {
                scan.eat('.');
                if scan.eat_all("DB") {
                    tia(scan, area)
                } else {
                    dotted(scan, area)
                }
            }
            Some(',') => {
                scan.eat(',');
                dotted(scan, area)
            }
            Some(':') => {
                scan.eat(':');
                colon(scan, area)
            }
            _ => Err(scan.error("a full stop, a comma or a colon after the block number")),
        };
    }
    for (name, area) in [
        ("PE", Area::Input),
        ("PA", Area::Output),
        ("MK", Area::Marker),
    ] {
        if scan.eat_all(name) {
            scan.number(
                u16::MAX.into(),
                "a number, as Telegraf writes PE0, PA0 and MK0",
            )?;
            scan.need('.', "a full stop after the area")?;
            return dotted(scan, area);
        }
    }
    let area = match scan.peek() {
        Some('I' | 'E') => Area::Input,
        Some('Q' | 'A' | 'O') => Area::Output,
        Some('M' | 'F') => Area::Marker,
        Some('C' | 'Z') => Area::Counter,
        Some('T') => Area::Timer,
        _ => return Err(scan.error("DB, I, Q, M, C or T")),
    };
    if let Some(letter) = scan.peek() {
        scan.eat(letter);
    }
    match area {
        Area::Counter | Area::Timer => {
            let number = scan.number(u16::MAX.into(), "a number")?;
            let width = if area == Area::Timer {
                Width::Timer
            } else {
                Width::Counter
            };
            Ok(Place {
                address: Address {
                    area,
                    byte: number,
                    bit: 0,
                },
                has_bit: false,
                width,
                named: None,
            })
        }
        _ => bare(scan, area),
    }
}

/// `M0.1` `MW10` `IB0` `I0`, and the types of nodes7: `MR4` `MREAL4` `MDI4`.
fn bare(scan: &mut Scan<'_>, area: Area) -> Result<Place, AddressError> {
    let start = scan.at();
    let letters = scan.type_name();
    if letters.is_empty() {
        let byte = offset(scan)?;
        let bit = optional_bit(scan)?;
        return Ok(Place {
            address: Address {
                area,
                byte,
                bit: bit.unwrap_or(0),
            },
            has_bit: bit.is_some(),
            width: if bit.is_some() {
                Width::Bit
            } else {
                Width::Any
            },
            named: None,
        });
    }
    let mut chars = letters.chars();
    if let (Some(width), None) = (chars.next().and_then(Width::of), chars.next()) {
        return sized(scan, area, width);
    }
    let expected = "X, B, W, D, a type or a number after the area";
    let ty = Type::from_name(&letters).ok_or_else(|| scan.error_at(start, expected))?;
    extras(scan, area, ty)
}

/// `DB1.DBX2.3` and its like: the letter is next.
fn tia(scan: &mut Scan<'_>, area: Area) -> Result<Place, AddressError> {
    let letter = scan.peek().and_then(|c| Width::of(c).map(|w| (c, w)));
    let Some((letter, width)) = letter else {
        return Err(scan.error("X, B, W or D after DB"));
    };
    scan.eat(letter);
    sized(scan, area, width)
}

fn sized(scan: &mut Scan<'_>, area: Area, width: Width) -> Result<Place, AddressError> {
    let byte = offset(scan)?;
    let mut place = Place {
        address: Address { area, byte, bit: 0 },
        has_bit: false,
        width,
        named: None,
    };
    match width {
        Width::Bit => {
            scan.need('.', "a full stop and a bit number")?;
            place.address.bit = bit(scan)?;
            place.has_bit = true;
        }
        // Neuron: a text of that many characters. On a B a bit number is more likely meant.
        Width::Word if scan.eat('.') => {
            let max = scan.number(254, "a text's length, 1 to 254")?;
            place.named = Some(Typed::scalar(Type::String(max as u8)));
        }
        _ => {}
    }
    Ok(place)
}

/// `REAL8` `X14.0.8` `S20.30.3` after `DB1,` or `DB1.`.
fn dotted(scan: &mut Scan<'_>, area: Area) -> Result<Place, AddressError> {
    let start = scan.at();
    let letters = scan.type_name();
    let expected = "DBX, DBB, DBW, DBD or a type such as X, INT, R or REAL";
    let ty = Type::from_name(&letters).ok_or_else(|| scan.error_at(start, expected))?;
    extras(scan, area, ty)
}

/// The offset after a type's name, and what nodes7 and Telegraf put behind it.
fn extras(scan: &mut Scan<'_>, area: Area, ty: Type) -> Result<Place, AddressError> {
    let byte = offset(scan)?;
    let mut address = Address { area, byte, bit: 0 };
    let mut ty = ty;
    match ty {
        Type::Bool => {
            scan.need('.', "a full stop and a bit number")?;
            address.bit = bit(scan)?;
        }
        Type::String(_) => {
            scan.need('.', "a full stop and the text's length")?;
            ty = Type::String(scan.number(254, "a text's length, 0 to 254")? as u8);
        }
        Type::WString(_) => {
            scan.need('.', "a full stop and the text's length")?;
            ty = Type::WString(scan.number(MAX_WSTRING, "a text's length, 0 to 16382")? as u16);
        }
        _ => {}
    }
    let count = if scan.eat('.') { count(scan)? } else { None };
    // nodes7 writes a scalar as an array of one.
    let count = count.filter(|c| c.get() > 1);
    Ok(Place {
        address,
        has_bit: ty == Type::Bool,
        width: Width::Any,
        named: Some(Typed { ty, count }),
    })
}

/// `10:REAL` `2.3:BOOL` after `DB1:`.
fn colon(scan: &mut Scan<'_>, area: Area) -> Result<Place, AddressError> {
    let byte = offset(scan)?;
    let bit = optional_bit(scan)?;
    scan.need(':', "a colon and a type")?;
    let named = Some(typed(scan)?);
    Ok(Place {
        address: Address {
            area,
            byte,
            bit: bit.unwrap_or(0),
        },
        has_bit: bit.is_some(),
        width: Width::Any,
        named,
    })
}

/// `REAL` `INT[4]` `STRING(32)` `STRING[32]` `STRING(32)[3]`.
fn typed(scan: &mut Scan<'_>) -> Result<Typed, AddressError> {
    let start = scan.at();
    let name = scan.type_name();
    let mut ty = Type::from_name(&name).ok_or_else(|| scan.error_at(start, TYPE))?;
    let max = match ty {
        Type::String(_) => 254,
        Type::WString(_) => MAX_WSTRING,
        _ => 0,
    };
    // TIA writes the length of a text in square brackets, PLC4X in round ones.
    let close = match scan.peek() {
        Some('(') if max > 0 => Some(')'),
        Some('[') if max > 0 => Some(']'),
        _ => None,
    };
    if let (Some(close), Some(open)) = (close, scan.peek()) {
        scan.eat(open);
        let len = scan.number(max, "a text's length, at most 254 (WSTRING 16382)")?;
        scan.need(close, "the closing bracket")?;
        ty = match ty {
            Type::WString(_) => Type::WString(len as u16),
            _ => Type::String(len as u8),
        };
    }
    let mut typed = Typed::scalar(ty);
    if scan.eat('[') {
        typed.count = count(scan)?;
        scan.need(']', "the closing bracket")?;
    }
    Ok(typed)
}

fn offset(scan: &mut Scan<'_>) -> Result<u32, AddressError> {
    scan.number(Address::MAX_BYTE, "a byte offset, 0 to 2097151")
}

fn optional_bit(scan: &mut Scan<'_>) -> Result<Option<u8>, AddressError> {
    if scan.eat('.') {
        bit(scan).map(Some)
    } else {
        Ok(None)
    }
}

fn bit(scan: &mut Scan<'_>) -> Result<u8, AddressError> {
    scan.number(7, "a bit number, 0 to 7").map(|bit| bit as u8)
}

fn count(scan: &mut Scan<'_>) -> Result<Option<NonZeroU16>, AddressError> {
    let expected = "a number of elements, 1 to 65535";
    let start = scan.at();
    let count = scan.number(u16::MAX.into(), expected)?;
    match u16::try_from(count).ok().and_then(NonZeroU16::new) {
        None => Err(scan.error_at(start, expected)),
        count => Ok(count),
    }
}

const DB_NUMBER: &str = "a block number, 1 to 65535";
const TYPE: &str = "a type such as BOOL, INT, REAL or STRING(32)";
const MAX_WSTRING: u32 = 16_382;
