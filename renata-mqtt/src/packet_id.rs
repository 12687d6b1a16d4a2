//! Packet identifiers.

use std::num::NonZeroU16;

/// The identifier that ties a PUBLISH, SUBSCRIBE or UNSUBSCRIBE to its acknowledgement.
///
/// Zero is reserved (MQTT 5.0 §2.2.1), so `Option<PacketId>` is two bytes wide.
///
/// ```
/// # use renata_mqtt::PacketId;
/// let id = PacketId::new(10).expect("10 is not zero");
/// assert_eq!(id.get(), 10);
/// assert!(PacketId::new(0).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PacketId(NonZeroU16);

impl PacketId {
    /// The smallest identifier, 1.
    pub const MIN: Self = Self(NonZeroU16::MIN);

    /// The identifier of this number; `None` for zero.
    #[must_use]
    pub const fn new(id: u16) -> Option<Self> {
        match NonZeroU16::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}
