//! 500 tags of every scalar S7 type, encoded here by hand so that our driver does not judge itself.

/// One tag of the test: where it lies in its data block and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    /// Its measurement name: type and number.
    pub(crate) name: String,
    /// Its S7 type.
    pub(crate) kind: Kind,
    /// Data block.
    pub(crate) db: u16,
    /// First byte in the block.
    pub(crate) byte: usize,
    /// Bit, for BOOL.
    pub(crate) bit: u8,
}

/// The scalar types of an S7-1500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Byte,
    Char,
    Usint,
    Sint,
    Word,
    Wchar,
    Int,
    Uint,
    Date,
    S5Time,
    Dword,
    Dint,
    Udint,
    Real,
    Time,
    Tod,
    Lword,
    Lint,
    Ulint,
    Lreal,
    Ltime,
    Ltod,
    Ldt,
    Dt,
    Dtl,
    String,
    Wstring,
}

/// What the lake must hold for a value, in the column of its type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    F64(f64),
    I64(i64),
    U64(u64),
    Bool(bool),
    Text(String),
}

const KINDS: [(Kind, &str, usize); 28] = [
    (Kind::Bool, "BOOL", 1),
    (Kind::Byte, "BYTE", 1),
    (Kind::Char, "CHAR", 1),
    (Kind::Usint, "USINT", 1),
    (Kind::Sint, "SINT", 1),
    (Kind::Word, "WORD", 2),
    (Kind::Wchar, "WCHAR", 2),
    (Kind::Int, "INT", 2),
    (Kind::Uint, "UINT", 2),
    (Kind::Date, "DATE", 2),
    (Kind::S5Time, "S5TIME", 2),
    (Kind::Dword, "DWORD", 4),
    (Kind::Dint, "DINT", 4),
    (Kind::Udint, "UDINT", 4),
    (Kind::Real, "REAL", 4),
    (Kind::Time, "TIME", 4),
    (Kind::Tod, "TOD", 4),
    (Kind::Lword, "LWORD", 8),
    (Kind::Lint, "LINT", 8),
    (Kind::Ulint, "ULINT", 8),
    (Kind::Lreal, "LREAL", 8),
    (Kind::Ltime, "LTIME", 8),
    (Kind::Ltod, "LTOD", 8),
    (Kind::Ldt, "LDT", 8),
    (Kind::Dt, "DT", 8),
    (Kind::Dtl, "DTL", 12),
    (Kind::String, "STRING", 18),
    (Kind::Wstring, "WSTRING", 36),
];

/// Characters in the strings of the test.
pub(crate) const STRING_CHARS: usize = 16;

/// `count` tags over all types in turn, in data blocks 1 and 2; also each block's size in bytes.
pub(crate) fn tags(count: usize) -> (Vec<Tag>, [(u16, usize); 2]) {
    let mut next = [0_usize; 2];
    let tags = (0..count)
        .map(|number| {
            let (kind, type_name, size) = KINDS[number % KINDS.len()];
            let block = number / KINDS.len() % 2;
            // Everything wider than a byte starts at an even byte.
            let byte = if size > 1 {
                next[block].next_multiple_of(2)
            } else {
                next[block]
            };
            next[block] = byte + size;
            Tag {
                name: format!("{}_{number:03}", type_name.to_lowercase()),
                kind,
                db: if block == 0 { 1 } else { 2 },
                byte,
                bit: u8::try_from(number % 8).expect("below eight"),
            }
        })
        .collect();
    (tags, [(1, next[0] + 2), (2, next[1] + 2)])
}

impl Tag {
    /// The address in the notation of STEP 7 with the type behind it.
    pub(crate) fn address(&self) -> String {
        let (_, name, size) = KINDS[KINDS
            .iter()
            .position(|(k, ..)| *k == self.kind)
            .expect("listed")];
        let Self { db, byte, bit, .. } = self;
        match (self.kind, size) {
            (Kind::Bool, _) => format!("DB{db}.DBX{byte}.{bit}"),
            (Kind::String | Kind::Wstring, _) => {
                format!("DB{db}.DBB{byte}:{name}({STRING_CHARS})")
            }
            (_, 2) => format!("DB{db}.DBW{byte}:{name}"),
            (_, 4) => format!("DB{db}.DBD{byte}:{name}"),
            _ => format!("DB{db}.DBB{byte}:{name}"),
        }
    }

    /// The bytes of its `step`th value. Two steps in a row always differ.
    pub(crate) fn bytes(&self, step: u64) -> Vec<u8> {
        let n = u16::try_from(step % 9973).expect("below 2^16");
        let low = u8::try_from(step % 251).expect("below 256");
        match self.kind {
            Kind::Bool => vec![u8::from(step % 2 == 1) << self.bit],
            Kind::Byte | Kind::Usint | Kind::Sint => vec![low],
            Kind::Char => vec![letter(step)],
            Kind::Word | Kind::Uint | Kind::Int => n.wrapping_mul(7).to_be_bytes().to_vec(),
            Kind::Wchar => (0x0391 + u16::from(letter(step) - b'A'))
                .to_be_bytes()
                .to_vec(),
            Kind::Date => (FEBRUARY_2026 + u16::from(day(step)) - 1)
                .to_be_bytes()
                .to_vec(),
            Kind::S5Time => s5time(n % 1000),
            Kind::Dword | Kind::Udint => (3_000_000_000 + u32::from(n)).to_be_bytes().to_vec(),
            Kind::Dint => (i32::from(n) - 2_000_000_000).to_be_bytes().to_vec(),
            Kind::Real => real(step).to_be_bytes().to_vec(),
            Kind::Time => (i32::from(n) - 5_000).to_be_bytes().to_vec(),
            Kind::Tod => (40_000_000 + u32::from(n)).to_be_bytes().to_vec(),
            Kind::Lword | Kind::Ulint => (u64::MAX - step).to_be_bytes().to_vec(),
            Kind::Lint => (i64::MIN + i64::from(n)).to_be_bytes().to_vec(),
            Kind::Lreal => lreal(step).to_be_bytes().to_vec(),
            Kind::Ltime => (i64::from(n) * 1_000_000_007 - 77).to_be_bytes().to_vec(),
            Kind::Ltod => (40_000_000_000_000 + u64::from(n)).to_be_bytes().to_vec(),
            Kind::Ldt => (LDT_BASE + step * 1_000_000).to_be_bytes().to_vec(),
            Kind::Dt => {
                let (minute, second) = minute_second(step);
                vec![0x26, 0x11, 0x22, 0x05, bcd(minute), bcd(second), 0x41, 0x21]
            }
            Kind::Dtl => {
                let (minute, second) = minute_second(step);
                let mut bytes = 2026_u16.to_be_bytes().to_vec();
                bytes.extend([11, 22, 1, 5, minute, second]);
                bytes.extend(123_456_789_u32.to_be_bytes());
                bytes
            }
            Kind::String => {
                let text = text(step);
                let mut bytes = vec![16, u8::try_from(text.len()).expect("short")];
                bytes.extend(text.bytes());
                bytes.resize(STRING_CHARS + 2, 0);
                bytes
            }
            Kind::Wstring => {
                let units: Vec<u16> = format!("µ{}", text(step)).encode_utf16().collect();
                let mut bytes = vec![0, 16, 0, u8::try_from(units.len()).expect("short")];
                bytes.extend(units.iter().flat_map(|unit| unit.to_be_bytes()));
                bytes.resize(2 * STRING_CHARS + 4, 0);
                bytes
            }
        }
    }
}

impl Tag {
    /// What the lake must hold for its `step`th value.
    pub(crate) fn expected(&self, step: u64) -> Expected {
        use Expected::{Bool, F64, I64, Text, U64};
        let n = step % 9973;
        let signed = i64::try_from(n).expect("small");
        let (minute, second) = minute_second(step);
        match self.kind {
            Kind::Bool => Bool(step % 2 == 1),
            Kind::Byte | Kind::Usint => U64(step % 251),
            // The bytes above 127 are negative numbers.
            Kind::Sint => {
                let byte = i64::try_from(step % 251).expect("small");
                I64(if byte > 127 { byte - 256 } else { byte })
            }
            Kind::Char => Text(char::from(letter(step)).to_string()),
            Kind::Wchar => {
                let unit = 0x0391 + u32::from(letter(step) - b'A');
                Text(char::from_u32(unit).expect("a Greek letter").to_string())
            }
            Kind::Word | Kind::Uint => U64(n * 7 % 65_536),
            Kind::Int => {
                let word = signed * 7 % 65_536;
                I64(if word > 32_767 { word - 65_536 } else { word })
            }
            Kind::Date => Text(format!("2026-02-{:02}", day(step))),
            Kind::S5Time => I64(signed % 1000 * 100),
            Kind::Dword | Kind::Udint => U64(3_000_000_000 + n),
            Kind::Dint => I64(signed - 2_000_000_000),
            Kind::Real => F64(f64::from(real(step))),
            Kind::Time => I64(signed - 5_000),
            Kind::Tod => Text(clock(40_000_000 + n)),
            Kind::Lword | Kind::Ulint => U64(u64::MAX - step),
            Kind::Lint => I64(i64::MIN + signed),
            Kind::Lreal => F64(lreal(step)),
            Kind::Ltime => I64(signed * 1_000_000_007 - 77),
            Kind::Ltod => Text(format!("11:06:40.{n:09}")),
            Kind::Ldt => Text(format!("2026-11-22T{}000000", clock(LDT_CLOCK_MS + step))),
            Kind::Dt => Text(format!("2026-11-22T05:{minute:02}:{second:02}.412")),
            Kind::Dtl => Text(format!("2026-11-22T05:{minute:02}:{second:02}.123456789")),
            Kind::String => Text(text(step)),
            Kind::Wstring => Text(format!("µ{}", text(step))),
        }
    }
}

/// Milliseconds since midnight as `hh:mm:ss.mmm`.
fn clock(ms: u64) -> String {
    let (seconds, ms) = (ms / 1000, ms % 1000);
    format!(
        "{:02}:{:02}:{:02}.{ms:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn day(step: u64) -> u8 {
    1 + u8::try_from(step % 28).expect("below 28")
}

fn letter(step: u64) -> u8 {
    b'A' + u8::try_from(step % 23).expect("below 26")
}

fn text(step: u64) -> String {
    format!("part {step}")
}

#[allow(clippy::cast_precision_loss)]
fn real(step: u64) -> f32 {
    step as f32 * 0.5 - 100.0
}

#[allow(clippy::cast_precision_loss)]
fn lreal(step: u64) -> f64 {
    step as f64 * 1e-3 + 1e6
}

fn minute_second(step: u64) -> (u8, u8) {
    let minute = u8::try_from(step / 60 % 60).expect("below 60");
    (minute, u8::try_from(step % 60).expect("below 60"))
}

fn bcd(value: u8) -> u8 {
    (value / 10) << 4 | value % 10
}

/// Base 100 ms (bits 13-12 = 1), three BCD digits.
fn s5time(value: u16) -> Vec<u8> {
    let digits = (value / 100) << 8 | (value / 10 % 10) << 4 | value % 10;
    (0x1000 | digits).to_be_bytes().to_vec()
}

/// 2026-11-22T05:15:41Z in nanoseconds.
const LDT_BASE: u64 = 1_795_324_541_000_000_000;
const LDT_CLOCK_MS: u64 = (5 * 3600 + 15 * 60 + 41) * 1000;
/// 2026-02-01 in days since 1990-01-01.
const FEBRUARY_2026: u16 = 13_180;
