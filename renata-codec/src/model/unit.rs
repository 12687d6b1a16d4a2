//! A unit of measure, as a UCUM code.

use std::fmt;
use std::str::FromStr;

/// A unit of measure: a code of the Unified Code for Units of Measure (`Cel`, `bar`, `m/s2`, `%`).
///
/// One to [`Unit::MAX_LEN`] printable ASCII characters without blanks (the character set of
/// UCUM §1); held inline, so that it is `Copy` and a sample with a unit costs no allocation.
///
/// ```
/// use renata_codec::Unit;
/// let unit: Unit = "Cel".parse()?;
/// assert_eq!(unit.as_str(), "Cel");
/// assert!("°C".parse::<Unit>().is_err());
/// # Ok::<(), renata_codec::UnitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unit {
    len: u8,
    bytes: [u8; Unit::MAX_LEN],
}

impl Unit {
    /// The longest code that is taken, in bytes.
    pub const MAX_LEN: usize = 31;

    /// Checks a code.
    ///
    /// # Errors
    /// [`UnitError`] when it is empty, too long, or holds a character that UCUM does not have.
    pub fn new(code: &str) -> Result<Self, UnitError> {
        if code.is_empty() {
            return Err(UnitError::Empty);
        }
        if code.len() > Self::MAX_LEN {
            return Err(UnitError::TooLong { len: code.len() });
        }
        if let Some((at, character)) = code.char_indices().find(|(_, c)| !c.is_ascii_graphic()) {
            return Err(UnitError::Character { at, character });
        }
        let mut bytes = [0; Self::MAX_LEN];
        bytes[..code.len()].copy_from_slice(code.as_bytes());
        Ok(Self {
            len: code.len() as u8,
            bytes,
        })
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Always ASCII: the only constructor checks it.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl FromStr for Unit {
    type Err = UnitError;

    fn from_str(code: &str) -> Result<Self, UnitError> {
        Self::new(code)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({})", self.as_str())
    }
}

/// Why a text is not a UCUM code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The text is empty.
    #[error("unit is empty: leave it out, or write \"1\" for a number without dimension")]
    Empty,
    /// The text is longer than [`Unit::MAX_LEN`].
    #[error("unit has {len} bytes, the most is {}", Unit::MAX_LEN)]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A character outside the printable ASCII set of UCUM.
    #[error(
        "unit has {character:?} at byte {at}: UCUM codes are printable ASCII, such as \"Cel\" for °C"
    )]
    Character {
        /// Byte position.
        at: usize,
        /// The character.
        character: char,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_ucum_are_taken() {
        for code in ["1", "%", "Cel", "m/s2", "10*6/L", "[lb_av]", "{rev}/min"] {
            assert_eq!(Unit::new(code).unwrap().as_str(), code);
        }
        let longest = "m".repeat(Unit::MAX_LEN);
        assert_eq!(Unit::new(&longest).unwrap().to_string(), longest);
    }

    #[test]
    fn other_texts_say_what_is_wrong() {
        assert_eq!(Unit::new(""), Err(UnitError::Empty));
        assert_eq!(
            Unit::new(&"m".repeat(32)),
            Err(UnitError::TooLong { len: 32 })
        );
        let degree = UnitError::Character {
            at: 0,
            character: '°',
        };
        assert_eq!(Unit::new("°C"), Err(degree));
        assert!(Unit::new("m s").is_err());
    }
}
