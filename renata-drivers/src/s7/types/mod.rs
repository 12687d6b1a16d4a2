//! The data types of a PLC, and how their bytes become values and back.
//!
//! | types | value |
//! | --- | --- |
//! | `BOOL` | bool |
//! | `BYTE USINT WORD UINT DWORD UDINT LWORD ULINT`, counters | u64 |
//! | `SINT INT DINT LINT` | i64 |
//! | `REAL LREAL` | f64 |
//! | `S5TIME TIME`, timers | i64, milliseconds |
//! | `LTIME` | i64, nanoseconds |
//! | `CHAR WCHAR STRING WSTRING` | text; `CHAR` and `STRING` are Latin-1 |
//! | `DATE` | text, `2026-03-01` |
//! | `TOD LTOD` | text, `05:30:00.250` with 3 or 9 decimals |
//! | `DT DTL LDT` | text, `2026-03-01T05:30:00.250` with 3, 9, 9 decimals |
//!
//! Durations are numbers in a fixed unit; readings of a calendar or a clock are texts without a time
//! zone, because a PLC has none. An array becomes an array of the same.

mod civil;
mod decode;
mod encode;

use std::fmt;

pub use civil::{Civil, CivilError};
pub use decode::{ValueError, civil_of, decode};
pub(crate) use encode::elements;
pub use encode::{encode, encode_whole};

/// A data type of a PLC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Type {
    /// One bit.
    Bool,
    /// 8 bits, unsigned.
    Byte,
    /// 8 bits, unsigned.
    USInt,
    /// 8 bits, signed.
    SInt,
    /// One Latin-1 character.
    Char,
    /// 16 bits, unsigned.
    Word,
    /// 16 bits, unsigned.
    UInt,
    /// 16 bits, signed.
    Int,
    /// One UTF-16 unit.
    WChar,
    /// Days since 1990-01-01.
    Date,
    /// Three BCD digits and a time base of 10 ms to 10 s.
    S5Time,
    /// Three BCD digits: what a counter holds.
    Counter,
    /// 32 bits, unsigned.
    DWord,
    /// 32 bits, unsigned.
    UDInt,
    /// 32 bits, signed.
    DInt,
    /// 32 bits, IEEE 754.
    Real,
    /// Milliseconds, signed 32 bits.
    Time,
    /// Milliseconds since midnight.
    TimeOfDay,
    /// 64 bits, unsigned.
    LWord,
    /// 64 bits, unsigned.
    ULInt,
    /// 64 bits, signed.
    LInt,
    /// 64 bits, IEEE 754.
    LReal,
    /// Nanoseconds, signed 64 bits.
    LTime,
    /// Nanoseconds since midnight.
    LTimeOfDay,
    /// Nanoseconds since 1970-01-01.
    LDateTime,
    /// Eight bytes of BCD, 1990 to 2089.
    DateTime,
    /// Twelve bytes of numbers.
    Dtl,
    /// A text of at most so many Latin-1 characters, with a header of two bytes.
    String(u8),
    /// A text of at most so many UTF-16 units, with a header of four bytes.
    WString(u16),
}

impl Type {
    /// Every type, texts with their usual longest length.
    pub const ALL: [Self; 29] = [
        Self::Bool,
        Self::Byte,
        Self::USInt,
        Self::SInt,
        Self::Char,
        Self::Word,
        Self::UInt,
        Self::Int,
        Self::WChar,
        Self::Date,
        Self::S5Time,
        Self::Counter,
        Self::DWord,
        Self::UDInt,
        Self::DInt,
        Self::Real,
        Self::Time,
        Self::TimeOfDay,
        Self::LWord,
        Self::ULInt,
        Self::LInt,
        Self::LReal,
        Self::LTime,
        Self::LTimeOfDay,
        Self::LDateTime,
        Self::DateTime,
        Self::Dtl,
        Self::String(254),
        Self::WString(254),
    ];

    /// Bytes of one value; of a bit, the byte that holds it.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::Byte | Self::USInt | Self::SInt | Self::Char => 1,
            Self::Word
            | Self::UInt
            | Self::Int
            | Self::WChar
            | Self::Date
            | Self::S5Time
            | Self::Counter => 2,
            Self::DWord | Self::UDInt | Self::DInt | Self::Real | Self::Time | Self::TimeOfDay => 4,
            Self::LWord
            | Self::ULInt
            | Self::LInt
            | Self::LReal
            | Self::LTime
            | Self::LTimeOfDay
            | Self::LDateTime
            | Self::DateTime => 8,
            Self::Dtl => 12,
            Self::String(max) => 2 + max as usize,
            Self::WString(max) => 4 + 2 * max as usize,
        }
    }

    /// Bytes that must not be read apart from each other: those of a scalar; of a text, one character.
    #[must_use]
    pub const fn grain(self) -> usize {
        match self {
            Self::String(_) => 1,
            Self::WString(_) => 2,
            other => other.size(),
        }
    }

    /// The type of a name, of TIA or one of its usual abbreviations, in capitals.
    ///
    /// Texts come with their longest usual length, 254.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let canonical = match name {
            "X" | "BIT" => "BOOL",
            "B" => "BYTE",
            "C" => "CHAR",
            "W" => "WORD",
            "D" | "DW" => "DWORD",
            "I" => "INT",
            "DI" => "DINT",
            "LI" => "LINT",
            "R" => "REAL",
            "LR" => "LREAL",
            "S" => "STRING",
            "TIME_OF_DAY" => "TOD",
            "LTIME_OF_DAY" => "LTOD",
            "DATE_AND_TIME" | "DTZ" => "DT",
            "DTLZ" => "DTL",
            "DATE_AND_LTIME" => "LDT",
            "TIMER" => "S5TIME",
            other => other,
        };
        Self::ALL.into_iter().find(|t| t.name() == canonical)
    }

    /// The name in TIA, without a length.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Byte => "BYTE",
            Self::USInt => "USINT",
            Self::SInt => "SINT",
            Self::Char => "CHAR",
            Self::Word => "WORD",
            Self::UInt => "UINT",
            Self::Int => "INT",
            Self::WChar => "WCHAR",
            Self::Date => "DATE",
            Self::S5Time => "S5TIME",
            Self::Counter => "COUNTER",
            Self::DWord => "DWORD",
            Self::UDInt => "UDINT",
            Self::DInt => "DINT",
            Self::Real => "REAL",
            Self::Time => "TIME",
            Self::TimeOfDay => "TOD",
            Self::LWord => "LWORD",
            Self::ULInt => "ULINT",
            Self::LInt => "LINT",
            Self::LReal => "LREAL",
            Self::LTime => "LTIME",
            Self::LTimeOfDay => "LTOD",
            Self::LDateTime => "LDT",
            Self::DateTime => "DT",
            Self::Dtl => "DTL",
            Self::String(_) => "STRING",
            Self::WString(_) => "WSTRING",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(max) => write!(f, "STRING({max})"),
            Self::WString(max) => write!(f, "WSTRING({max})"),
            other => f.write_str(other.name()),
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
