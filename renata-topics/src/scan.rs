//! The one pass that validates a text: a sweep of eight bytes a step decides the usual case, and only
//! a text with something unusual in it is looked at character by character.

use crate::{Limits, TopicError};

/// What a text is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Name,
    Filter,
}

/// Validates `text`; `base` is where it begins in the text that the user gave.
///
/// Returns whether a wildcard was seen.
#[inline]
pub(crate) fn validate(
    text: &str,
    kind: Kind,
    limits: Limits,
    base: usize,
) -> Result<bool, TopicError> {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Err(TopicError::Empty);
    }
    if bytes.len() + base > limits.max_bytes() {
        return Err(TopicError::TooLong {
            bytes: bytes.len() + base,
            max: limits.max_bytes(),
        });
    }
    let sweep = sweep(bytes);
    if sweep.separators >= limits.max_levels() {
        return Err(TopicError::TooDeep {
            levels: sweep.separators + 1,
            max: limits.max_levels(),
        });
    }
    if sweep.plain {
        return Ok(false);
    }
    inspect(text, kind, base)
}

struct Sweep {
    separators: usize,
    /// Nothing but printable ASCII without `+` and `#`.
    plain: bool,
}

/// Eight bytes a step, as the lanes of one word, without a branch inside.
#[inline]
fn sweep(bytes: &[u8]) -> Sweep {
    let (words, rest) = bytes.as_chunks::<8>();
    // What the last word lacks is filled up with something usual.
    let mut last = [b'a'; 8];
    last[..rest.len()].copy_from_slice(rest);
    let (mut separators, mut unusual) = (0, 0);
    for word in words.iter().chain([&last]) {
        let word = u64::from_le_bytes(*word);
        separators += lanes_equal(word, b'/').count_ones() as usize;
        // Controls borrow from the lane's top bit; beyond ASCII it is set.
        let controls = word.wrapping_sub(lanes(0x20)) & !word;
        let wildcards = lanes_equal(word, b'+') | lanes_equal(word, b'#');
        unusual |= (word | controls) & lanes(0x80) | wildcards | lanes_equal(word, 0x7f);
    }
    Sweep {
        separators,
        plain: unusual == 0,
    }
}

/// The same byte in every lane.
#[inline]
const fn lanes(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The top bit of every lane that holds `byte`, and no other.
#[inline]
pub(crate) const fn lanes_equal(word: u64, byte: u8) -> u64 {
    let zero = word ^ lanes(byte);
    // No carry leaves a lane: the sum of two numbers below 0x80.
    let low = (zero & lanes(0x7f)) + lanes(0x7f);
    !(low | zero | lanes(0x7f))
}

/// Finds the first thing that is wrong, or that there is none.
#[cold]
fn inspect(text: &str, kind: Kind, base: usize) -> Result<bool, TopicError> {
    let bytes = text.as_bytes();
    let (mut level, mut wild) = (0, false);
    for (at, character) in text.char_indices() {
        let position = base + at;
        match character {
            '/' => level += 1,
            '+' | '#' => {
                if kind == Kind::Name {
                    return Err(TopicError::WildcardInName {
                        level,
                        position,
                        character,
                    });
                }
                let opens = at == 0 || bytes[at - 1] == b'/';
                let closes = bytes.get(at + 1).is_none_or(|&next| next == b'/');
                if !(opens && closes) {
                    return Err(TopicError::WildcardNotAlone {
                        level,
                        position,
                        character,
                    });
                }
                if character == '#' && at + 1 != bytes.len() {
                    return Err(TopicError::HashNotLast { level, position });
                }
                wild = true;
            }
            _ if is_forbidden(character) => {
                return Err(TopicError::Character {
                    level,
                    position,
                    character,
                });
            }
            _ => {}
        }
    }
    Ok(wild)
}

/// U+0000, which the standard forbids, and the characters that it lets a receiver refuse
/// (MQTT 5.0 §1.5.4): control characters and non-characters. They have no place in a name that
/// people read, and they are how log lines are forged.
fn is_forbidden(character: char) -> bool {
    let code = u32::from(character);
    character.is_control() || code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_and_the_inspection_agree_on_every_character() {
        for code in 0..0x3000u32 {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            // At every place of a chunk, and in the rest behind the chunks.
            for at in [0, 7, 15, 16, 20] {
                let mut text = "x".repeat(at);
                text.push(character);
                text.push_str("yyy");
                let quick = validate(&text, Kind::Name, Limits::DEFAULT, 0);
                assert_eq!(quick, inspect(&text, Kind::Name, 0), "{text:?}");
                let ok = !(is_forbidden(character) || character == '+' || character == '#');
                assert_eq!(quick.is_ok(), ok, "{text:?}");
            }
        }
    }

    #[test]
    fn separators_are_counted_across_chunks() {
        for n in 0..100 {
            assert_eq!(sweep("/".repeat(n).as_bytes()).separators, n);
        }
    }
}
