//! Where a tag lies, in every notation that engineers bring along, and one canonical form.
//!
//! | from | examples |
//! | --- | --- |
//! | STEP 7, TIA Portal | `DB1.DBX2.3` `DB1.DBW4` `%MW10` `M0.1` `IB0` `%Q0.0`, German `E` and `A` |
//! | with a type (PLC4X, python-snap7) | `DB1.DBD4:REAL` `%DB1.DBW10:INT[4]` `%DB1:10:REAL` `DB1.DBB20:STRING(32)` |
//! | nodes7, Node-RED | `DB1,REAL8` `DB1,X14.0.8` `DB1,INT12.2` `DB1,S20.30` `MR4` |
//! | Telegraf, gos7 | `DB1.R4` `DB1.X2.1` `DB2.S1.32` `MK0.W4` |
//! | Neuron | `DB10.DBW2` with a type beside it, `DB10.DBW12.20` (a text of 20), `I0` |
//!
//! ```
//! use renata_drivers::s7::Tag;
//! let tag: Tag = "DB1,REAL8".parse()?;
//! assert_eq!(tag.to_string(), "DB1.DBD8:REAL");
//! assert_eq!(tag, "db1.dbd8:real".parse()?);
//! let wrong = "DB1.DBQ8".parse::<Tag>().unwrap_err();
//! assert_eq!(wrong.to_string(), "character 7: expected X, B, W or D after DB, found 'Q'");
//! # Ok::<(), renata_drivers::s7::AddressError>(())
//! ```

mod parse;
mod scan;

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use super::pdu::AreaCode;
use super::types::Type;

/// A memory area of a PLC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// Inputs.
    Input,
    /// Outputs.
    Output,
    /// Markers, also called flags or bit memory.
    Marker,
    /// The data block of this number, from 1.
    Db(NonZeroU16),
    /// Counters.
    Counter,
    /// Timers.
    Timer,
}

impl Area {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> AreaCode {
        match self {
            Self::Input => AreaCode::INPUTS,
            Self::Output => AreaCode::OUTPUTS,
            Self::Marker => AreaCode::MARKERS,
            Self::Db(_) => AreaCode::DATA_BLOCK,
            Self::Counter => AreaCode::COUNTERS,
            Self::Timer => AreaCode::TIMERS,
        }
    }

    /// The number on the wire: that of the data block, 0 elsewhere.
    #[must_use]
    pub const fn db(self) -> u16 {
        match self {
            Self::Db(number) => number.get(),
            _ => 0,
        }
    }
}

/// A place in a PLC's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Which memory.
    pub area: Area,
    /// Byte offset in it, or the number of a counter or timer; at most [`Address::MAX_BYTE`].
    pub byte: u32,
    /// Bit in that byte, 0 to 7; 0 but for bits.
    pub bit: u8,
}

impl Address {
    /// The highest byte offset that the protocol can say.
    pub const MAX_BYTE: u32 = (1 << 21) - 1;
}

/// One thing to read or write: where it lies and what type it has.
///
/// A tag that exists is legal: its bytes lie within what the protocol can address, only bits have a
/// bit number, counters and timers have their own types. Parse one from any notation of the
/// [module](self); [`Display`](fmt::Display) gives the canonical one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    address: Address,
    ty: Type,
    count: Option<NonZeroU16>,
}

impl Tag {
    /// A tag from its parts; `count` makes it an array.
    ///
    /// # Errors
    /// When the parts do not go together.
    pub fn new(
        address: Address,
        ty: Type,
        count: Option<NonZeroU16>,
    ) -> Result<Self, AddressError> {
        let tag = Self { address, ty, count };
        let wanted = match address.area {
            Area::Counter => Some(Type::Counter),
            Area::Timer => Some(Type::S5Time),
            _ => None,
        };
        if wanted.is_some_and(|w| w != ty) {
            return Err(AddressError::NumberedType);
        }
        if address.bit > 7 || (address.bit > 0 && ty != Type::Bool) {
            return Err(AddressError::Bit);
        }
        if tag.len() > Self::MAX_LEN {
            return Err(AddressError::TooLong { len: tag.len() });
        }
        // The length is at most MAX_LEN, far below 2^32. Counters and timers are counted, not measured.
        let (len, end) = match wanted {
            Some(numbered) => (tag.len() / numbered.size(), 1 << 16),
            None => (tag.len(), Address::MAX_BYTE + 1),
        };
        if address.byte.saturating_add(len as u32) > end {
            return Err(AddressError::TooFar { last: end - 1 });
        }
        Ok(tag)
    }

    /// Most bytes of one tag.
    pub const MAX_LEN: usize = 65_535;

    /// Reads an address with its type beside it, as configuration files have it.
    ///
    /// # Errors
    /// When either is not understood, or both name a type and they differ.
    pub fn parse(address: &str, data_type: Option<&str>) -> Result<Self, AddressError> {
        parse::tag(address, data_type)
    }

    /// Where it lies.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The type, of an array its elements'.
    #[must_use]
    pub const fn data_type(&self) -> Type {
        self.ty
    }

    /// The number of elements, when it is an array.
    #[must_use]
    pub fn count(&self) -> Option<u16> {
        self.count.map(NonZeroU16::get)
    }

    /// Bytes from the first to the last.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no tag is empty")]
    pub fn len(&self) -> usize {
        let count = usize::from(self.count().unwrap_or(1));
        match self.ty {
            Type::Bool => (usize::from(self.address.bit) + count).div_ceil(8),
            other => other.size() * count,
        }
    }
}

impl FromStr for Tag {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text, None)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { area, byte, bit } = self.address;
        let letter = match (self.ty, self.ty.size()) {
            (Type::Bool, _) => 'X',
            (Type::String(_) | Type::WString(_), _) => 'B',
            (_, 2) => 'W',
            (_, 4) => 'D',
            _ => 'B',
        };
        match area {
            Area::Db(number) => write!(f, "DB{number}.DB{letter}{byte}")?,
            Area::Counter => write!(f, "C{byte}")?,
            Area::Timer => write!(f, "T{byte}")?,
            Area::Input | Area::Output | Area::Marker => {
                f.write_str(match area {
                    Area::Input => "I",
                    Area::Output => "Q",
                    _ => "M",
                })?;
                if letter != 'X' {
                    write!(f, "{letter}")?;
                }
                write!(f, "{byte}")?;
            }
        }
        if self.ty == Type::Bool {
            write!(f, ".{bit}")?;
        }
        write!(f, ":{}", self.ty)?;
        match self.count {
            Some(count) => write!(f, "[{count}]"),
            None => Ok(()),
        }
    }
}

/// Why a text is not the address of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Something else should stand here.
    #[error("character {at}: expected {expected}, found {}", Found(*.found))]
    Expected {
        /// Position, from 1.
        at: usize,
        /// What should stand there.
        expected: &'static str,
        /// What stands there; `None` at the end.
        found: Option<char>,
    },
    /// The same as [`Expected`](Self::Expected), in the type that stands beside the address.
    #[error("type, character {at}: expected {expected}, found {}", Found(*.found))]
    ExpectedInType {
        /// Position, from 1.
        at: usize,
        /// What should stand there.
        expected: &'static str,
        /// What stands there; `None` at the end.
        found: Option<char>,
    },
    /// The address and the type beside it disagree.
    #[error("address says {address}, type says {beside}: leave one of them out")]
    TwoTypes {
        /// The type in the address.
        address: Type,
        /// The type beside it.
        beside: Type,
    },
    /// `W` and `D` say how wide the value is, and the type is not.
    #[error("{letter} addresses {width} bytes and {ty} has {}: write {} instead", .ty.size(), Letter(*.ty))]
    Width {
        /// The letter in the address.
        letter: char,
        /// Bytes that it stands for.
        width: usize,
        /// The type.
        ty: Type,
    },
    /// A bit number where no bit is, or above 7.
    #[error("bit numbers are 0 to 7 and only for BOOL, addressed with X")]
    Bit,
    /// A counter or timer with another type than its own.
    #[error("counters are COUNTER and timers are S5TIME: leave the type out")]
    NumberedType,
    /// More bytes than a tag may have.
    #[error("tag of {len} bytes, the most is {}", Tag::MAX_LEN)]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// Ends beyond what the protocol can address.
    #[error("tag ends beyond {last}, the highest that the protocol can address")]
    TooFar {
        /// The last byte, counter or timer.
        last: u32,
    },
}

struct Found(Option<char>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(found) => write!(f, "{found:?}"),
            None => f.write_str("the end"),
        }
    }
}

struct Letter(Type);

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.0, self.0.size()) {
            (Type::Bool, _) => "X",
            (_, 2) => "W",
            (_, 4) => "D",
            _ => "B",
        })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
