//! Calendar and clock without a time zone, as PLCs keep them.

use std::fmt;

/// A date and a time of day without a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// Nanosecond, below 1 000 000 000.
    pub nanos: u32,
}

/// A text is not a date or time of day in the form that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date or time of the form 2026-03-01T05:30:00.250 (no time zone)")]
pub struct CivilError;

impl Civil {
    /// Midnight of 1970-01-01.
    pub const EPOCH: Self = Self {
        year: 1970,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
    };

    /// Whether every part is within its range, and the day within its month.
    #[must_use]
    pub fn is_valid(self) -> bool {
        (1..=12).contains(&self.month)
            && (1..=month_len(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
            && self.nanos < NANOS_PER_SECOND as u32
    }

    /// Days since 1970-01-01 of the date.
    #[must_use]
    pub fn days(self) -> i64 {
        let year = i64::from(self.year);
        let earlier = (1..self.month).map(|m| i64::from(month_len(self.year, m)));
        days_before_year(year) - days_before_year(1970) + earlier.sum::<i64>() + i64::from(self.day)
            - 1
    }

    /// Nanoseconds since midnight.
    #[must_use]
    pub fn nanos_of_day(self) -> u64 {
        let seconds =
            u64::from(self.hour) * 3600 + u64::from(self.minute) * 60 + u64::from(self.second);
        seconds * NANOS_PER_SECOND + u64::from(self.nanos)
    }

    /// The date so many days after 1970-01-01, at midnight.
    #[must_use]
    pub fn from_days(days: u32) -> Self {
        let days = i64::from(days) + days_before_year(1970);
        // 400 years have 146 097 days, so this guess is at most one year off.
        let mut year = days * 400 / 146_097;
        while days_before_year(year + 1) <= days {
            year += 1;
        }
        let mut rest = (days - days_before_year(year)) as u16;
        let (mut month, year) = (1, year as u16);
        while rest >= u16::from(month_len(year, month)) {
            rest -= u16::from(month_len(year, month));
            month += 1;
        }
        Self {
            year,
            month,
            day: rest as u8 + 1,
            ..Self::EPOCH
        }
    }

    /// The same date at so many nanoseconds after midnight, below one day.
    #[must_use]
    pub fn at(self, nanos_of_day: u64) -> Self {
        let seconds = nanos_of_day / NANOS_PER_SECOND;
        Self {
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            nanos: (nanos_of_day % NANOS_PER_SECOND) as u32,
            ..self
        }
    }

    /// Day of the week, 1 for Sunday to 7 for Saturday, as `DTL` counts them.
    #[must_use]
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        ((self.days() + 4).rem_euclid(7) + 1) as u8
    }

    /// Reads `2026-03-01`.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse_date(text: &str) -> Result<Self, CivilError> {
        let mut parts = text.split('-');
        let mut next = |len| number(parts.next(), len);
        let civil = Self {
            year: next(4)? as u16,
            month: next(2)? as u8,
            day: next(2)? as u8,
            ..Self::EPOCH
        };
        if parts.next().is_some() || !civil.is_valid() {
            return Err(CivilError);
        }
        Ok(civil)
    }

    /// Reads `05:30:00` with up to nine decimals, on 1970-01-01.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse_time(text: &str) -> Result<Self, CivilError> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let mut parts = whole.split(':');
        let mut next = || number(parts.next(), 2);
        let (hour, minute, second) = (next()? as u8, next()? as u8, next()? as u8);
        if parts.next().is_some() || decimals.len() > 9 {
            return Err(CivilError);
        }
        let scale = 10u32.pow(9 - decimals.len() as u32);
        let civil = Self {
            hour,
            minute,
            second,
            nanos: number(Some(decimals), decimals.len())? * scale,
            ..Self::EPOCH
        };
        civil.is_valid().then_some(civil).ok_or(CivilError)
    }

    /// Reads date and time with a `T` or a blank between them.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, CivilError> {
        let (date, time) = text.split_once(['T', ' ']).ok_or(CivilError)?;
        Ok(Self::parse_date(date)?.at(Self::parse_time(time)?.nanos_of_day()))
    }

    pub(super) fn date_text(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    pub(super) fn time_text(self, decimals: Decimals) -> String {
        let (h, m, s) = (self.hour, self.minute, self.second);
        match decimals {
            Decimals::Three => format!("{h:02}:{m:02}:{s:02}.{:03}", self.nanos / 1_000_000),
            Decimals::Nine => format!("{h:02}:{m:02}:{s:02}.{:09}", self.nanos),
        }
    }

    pub(super) fn text(self, decimals: Decimals) -> String {
        format!("{}T{}", self.date_text(), self.time_text(decimals))
    }
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Decimals::Nine))
    }
}

/// How finely a type tells the time.
#[derive(Clone, Copy)]
pub(super) enum Decimals {
    Three,
    Nine,
}

fn number(digits: Option<&str>, len: usize) -> Result<u32, CivilError> {
    digits
        .filter(|d| d.len() == len && d.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|d| d.parse().ok())
        .ok_or(CivilError)
}

fn month_len(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_before_year(year: i64) -> i64 {
    let past = year - 1;
    year * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400)
}

pub(super) const NANOS_PER_SECOND: u64 = 1_000_000_000;
pub(super) const NANOS_PER_DAY: u64 = 86_400 * NANOS_PER_SECOND;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        for (text, days, weekday) in [
            ("1970-01-01", 0, 5),
            ("1990-01-01", 7305, 2),
            ("2000-02-29", 11_016, 3),
            ("2026-11-22", 20_779, 1),
            ("2100-03-01", 47_541, 2),
        ] {
            let date = Civil::parse_date(text).unwrap();
            assert_eq!((date.days(), date.weekday()), (days, weekday), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2026-02-29T00:00:00",
            "2026-2-09T00:00:00",
            "2026-02-09",
            "2026-02-09T24:00:00",
            "2026-02-09T00:00:00Z",
            "2026-02-09T00:00:00.",
            "2026-02-09T00:00:00.1234567890",
            "2026-02-09T00:00",
            "2026-00-09T00:00:00",
            "2026-02-09T+1:00:00",
            "é",
        ] {
            assert_eq!(Civil::parse(text), Err(CivilError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_round_trips(days in 0u32..70_000, nanos in 0..NANOS_PER_DAY) {
            let civil = Civil::from_days(days).at(nanos);
            prop_assert!(civil.is_valid());
            prop_assert_eq!(civil.days(), i64::from(days));
            prop_assert_eq!(civil.nanos_of_day(), nanos);
            prop_assert_eq!(Civil::parse(&civil.to_string()), Ok(civil));
        }
    }
}
