//! How far a value can be trusted, and why not further.

use std::fmt;

/// How far a value can be trusted: the level, and the reason where it is not simply good.
///
/// ```
/// use renata_codec::{Level, Quality, Reason};
/// let lost = Quality::bad(Reason::NotConnected);
/// assert_eq!(lost.level, Level::Bad);
/// assert_eq!(lost.to_string(), "bad (not_connected)");
/// assert!(Quality::GOOD.is_good());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Quality {
    /// Good, uncertain or bad.
    pub level: Level,
    /// Why; [`Reason::None`] where there is nothing to say.
    pub reason: Reason,
}

impl Quality {
    /// The value is what the device measured, without reservation.
    pub const GOOD: Self = Self {
        level: Level::Good,
        reason: Reason::None,
    };

    /// A value to be used with care.
    #[must_use]
    pub const fn uncertain(reason: Reason) -> Self {
        Self {
            level: Level::Uncertain,
            reason,
        }
    }

    /// A value not to be used, or no value at all.
    #[must_use]
    pub const fn bad(reason: Reason) -> Self {
        Self {
            level: Level::Bad,
            reason,
        }
    }

    /// Whether the level is [`Level::Good`].
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self.level, Level::Good)
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::None => f.write_str(self.level.name()),
            reason => write!(f, "{} ({})", self.level.name(), reason.name()),
        }
    }
}

/// The three levels of trust. The numbers are those on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Use it.
    #[default]
    Good = 0,
    /// Use it with care.
    Uncertain = 1,
    /// Do not use it.
    Bad = 2,
}

impl Level {
    /// Every level, best first.
    pub const ALL: [Self; 3] = [Self::Good, Self::Uncertain, Self::Bad];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The level of a number on the wire.
    #[must_use]
    pub fn from_code(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|l| u64::from(l.code()) == code)
    }

    /// The name in text formats and in the lake: `good`, `uncertain` or `bad`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }

    /// The level of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.name() == name)
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $name:literal,)*) => {
        /// Why a value is not simply good. The numbers are those on the wire; a number that this
        /// version does not know is read as [`Reason::Other`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Reason { $($(#[$doc])* $variant = $code,)* }

        impl Reason {
            /// Every reason, in the order of its number.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in text formats and in the lake, in `snake_case`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

reasons! {
    /// Nothing to say.
    #[default]
    None = 0 "none",
    /// A reason that this version does not know.
    Other = 1 "other",
    /// The sensor is broken, shorted or not wired.
    SensorFailure = 2 "sensor_failure",
    /// Outside the range that the sensor or the tag can represent.
    OutOfRange = 3 "out_of_range",
    /// The device cannot be reached.
    NotConnected = 4 "not_connected",
    /// Not measured: a substitute was put in.
    Substituted = 5 "substituted",
    /// Older than it should be: the last value known.
    Stale = 6 "stale",
    /// The device reports a failure of its own.
    DeviceFailure = 7 "device_failure",
    /// The device or the tag is set up wrongly.
    Configuration = 8 "configuration",
    /// Taken out of service, for maintenance or by an operator.
    OutOfService = 9 "out_of_service",
    /// Nothing was measured yet.
    NoData = 10 "no_data",
    /// The address does not exist in the device.
    Address = 11 "address",
    /// The device refuses access to the address.
    Access = 12 "access",
    /// The bytes of the device are not a value of the tag's type.
    Conversion = 13 "conversion",
    /// Set by hand at the device.
    LocalOverride = 14 "local_override",
}

impl Reason {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The reason of a number on the wire; an unknown one is [`Reason::Other`].
    #[must_use]
    pub fn from_code(code: u64) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|r| u64::from(r.code()) == code)
            .unwrap_or(Self::Other)
    }

    /// The reason of a name; an unknown one is [`Reason::Other`].
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|r| r.name() == name)
            .unwrap_or(Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_lead_back() {
        for level in Level::ALL {
            assert_eq!(Level::from_code(u64::from(level.code())), Some(level));
            assert_eq!(Level::from_name(level.name()), Some(level));
        }
        for (code, reason) in (0u64..).zip(Reason::ALL) {
            assert_eq!(u64::from(reason.code()), code, "codes are dense");
            assert_eq!(Reason::from_code(code), *reason);
            assert_eq!(Reason::from_name(reason.name()), *reason);
        }
    }

    #[test]
    fn an_unknown_reason_is_kept_as_other_and_an_unknown_level_is_refused() {
        assert_eq!(Reason::from_code(250), Reason::Other);
        assert_eq!(Reason::from_name("moon_phase"), Reason::Other);
        assert_eq!(Level::from_code(3), None);
        assert_eq!(Level::from_name("Good"), None);
    }
}
