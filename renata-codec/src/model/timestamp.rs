//! A moment in UTC with nanoseconds, and its RFC 3339 text.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// A moment: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Reaches from 1677-09-21 to 2262-04-11. The text is RFC 3339 in UTC with as many decimals as
/// needed out of 0, 3, 6 and 9; any offset is read.
///
/// ```
/// use renata_codec::Timestamp;
/// let t: Timestamp = "2026-03-01T06:30:00.25+01:00".parse()?;
/// assert_eq!(t.to_string(), "2026-03-01T05:30:00.250Z");
/// assert_eq!(t.as_nanos(), 1_772_343_000_250_000_000);
/// # Ok::<(), renata_codec::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The earliest moment.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest moment.
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// From microseconds since the Unix epoch; `None` outside the range.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Option<Self> {
        match micros.checked_mul(1_000) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// Microseconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// The time that has passed since `earlier`; zero when it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    /// `duration` later, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// Year, month and day in UTC.
    #[must_use]
    pub fn date(self) -> (i32, u8, u8) {
        civil_from_days(self.0.div_euclid(DAY))
    }

    /// Hour of the day in UTC.
    #[must_use]
    pub fn hour(self) -> u8 {
        (self.0.rem_euclid(DAY) / (3_600 * SECOND)) as u8
    }
}

/// Saturates outside the range.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self(i64::try_from(after.as_nanos()).unwrap_or(i64::MAX)),
            Err(before) => {
                let nanos = i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX);
                Self(0i64.saturating_sub(nanos))
            }
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(Text::new(*self).as_bytes()).unwrap_or_default())
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let (seconds, nanos) = parse(text.as_bytes()).ok_or(TimestampError::Syntax)?;
        let total = i128::from(seconds) * i128::from(SECOND) + i128::from(nanos);
        let total = i64::try_from(total).map_err(|_| TimestampError::Range)?;
        Ok(Self(total))
    }
}

/// Why a text is not a [`Timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Not the form of RFC 3339, or not a date of the calendar.
    #[error("not an RFC 3339 time such as 2026-03-01T05:30:00.25Z")]
    Syntax,
    /// A moment that 64-bit nanoseconds cannot hold.
    #[error("time outside the years 1677 to 2262")]
    Range,
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The RFC 3339 text on the stack: the hot path of the JSON format.
pub(crate) struct Text {
    bytes: [u8; 30],
    len: usize,
}

impl Text {
    pub(crate) fn new(time: Timestamp) -> Self {
        let (year, month, day) = time.date();
        let of_day = time.0.rem_euclid(DAY);
        let seconds = of_day / SECOND;
        let nanos = (of_day % SECOND) as u32;
        let mut text = Self {
            bytes: *b"0000-00-00T00:00:00.000000000Z",
            len: 30,
        };
        text.put(0, 4, year as u32);
        text.put(5, 2, u32::from(month));
        text.put(8, 2, u32::from(day));
        text.put(11, 2, (seconds / 3_600) as u32);
        text.put(14, 2, (seconds / 60 % 60) as u32);
        text.put(17, 2, (seconds % 60) as u32);
        text.put(20, 9, nanos);
        text.len = match nanos {
            0 => 19,
            n if n % 1_000_000 == 0 => 23,
            n if n % 1_000 == 0 => 26,
            _ => 29,
        };
        text.bytes[text.len] = b'Z';
        text.len += 1;
        text
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(&mut self, at: usize, width: usize, mut number: u32) {
        for byte in self.bytes[at..at + width].iter_mut().rev() {
            *byte = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
}

/// Seconds since the epoch and nanoseconds of an RFC 3339 text. A leap second (`:60`) is read as
/// the second after, as POSIX clocks do.
fn parse(text: &[u8]) -> Option<(i64, u32)> {
    let digits = |from: usize, width: usize| -> Option<i64> {
        text.get(from..from + width)?.iter().try_fold(0i64, |n, b| {
            b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0'))
        })
    };
    let is = |at: usize, allowed: &[u8]| text.get(at).is_some_and(|b| allowed.contains(b));
    let shape = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    let (year, month, day) = (digits(0, 4)?, digits(5, 2)?, digits(8, 2)?);
    let (hour, minute, second) = (digits(11, 2)?, digits(14, 2)?, digits(17, 2)?);
    let real_date = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    if !shape || !real_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut nanos = 0;
    if is(at, b".") {
        let decimals = text[at + 1..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        if !(1..=9).contains(&decimals) {
            return None;
        }
        nanos = digits(at + 1, decimals)? as u32 * 10u32.pow(9 - decimals as u32);
        at += 1 + decimals;
    }
    let offset = if is(at, b"Zz") {
        at += 1;
        0
    } else {
        let sign = if is(at, b"+") { 1 } else { -1 };
        if !is(at, b"+-") || !is(at + 3, b":") {
            return None;
        }
        let (hours, minutes) = (digits(at + 1, 2)?, digits(at + 4, 2)?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        at += 6;
        sign * (hours * 3_600 + minutes * 60)
    };
    let days = days_from_civil(year, month, day);
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    (at == text.len()).then_some((seconds, nanos))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// Days <-> proleptic Gregorian calendar, counted in 400-year eras that begin on 1 March, so that
// the leap day is the last day of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i32, u8, u8) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    (year as i32, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_carry_as_many_decimals_as_needed() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
            (1_772_343_000_250_000_000, "2026-03-01T05:30:00.250Z"),
            (1_772_343_000_000_250_000, "2026-03-01T05:30:00.000250Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
        ] {
            assert_eq!(Timestamp(nanos).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(nanos)));
        }
    }

    #[test]
    fn offsets_and_leap_seconds_are_read() {
        let utc: Timestamp = "2016-12-31T23:59:60Z".parse().unwrap();
        assert_eq!(utc.to_string(), "2017-01-01T00:00:00Z");
        let west: Timestamp = "2026-03-01T00:00:00-05:30".parse().unwrap();
        assert_eq!(west.to_string(), "2026-03-01T05:30:00Z");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2026",
            "2026-03-01",
            "2026-03-01T05:30:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T05:30:00.Z",
            "2026-03-01T05:30:00.1234567890Z",
            "2026-03-01T05:30:00Zx",
            "2026-03-01T05:30:00+1:00",
            "2026-03-01T05:30:00+24:00",
            "-026-03-01T05:30:00Z",
            "2026-03-01T05:30:00é",
        ] {
            assert_eq!(
                text.parse::<Timestamp>(),
                Err(TimestampError::Syntax),
                "{text}"
            );
        }
        let far = "9999-01-01T00:00:00Z".parse::<Timestamp>();
        assert_eq!(far, Err(TimestampError::Range));
    }

    #[test]
    fn parts_of_the_day_are_utc() {
        let t: Timestamp = "2026-03-01T05:30:00Z".parse().unwrap();
        assert_eq!((t.date(), t.hour()), ((2026, 3, 1), 5));
        assert_eq!(t.since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH), Timestamp::EPOCH);
    }

    proptest! {
        #[test]
        fn every_moment_round_trips(nanos: i64) {
            let time = Timestamp(nanos);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
