//! Why one tag has no value.

use renata_codec::{Quality, Reason};

use super::pdu::{HeaderError, ReturnCode};
use super::types::ValueError;
use crate::TagFault;

/// Why one tag could not be read or written while the connection is fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemError {
    /// The PLC refuses this item.
    #[error("{0}")]
    Item(ReturnCode),
    /// The PLC refuses the whole request that this item was in.
    #[error("request refused: {0}")]
    Request(HeaderError),
    /// The PLC answered fewer or more items than were asked, so none of them can be trusted.
    #[error("asked {asked} items, {answered} were answered: lower the items in one request")]
    Count {
        /// Items in the request.
        asked: usize,
        /// Items in the reply.
        answered: usize,
    },
    /// The bytes are not a value of the type, or the value does not fit the type.
    #[error("{0}")]
    Value(#[from] ValueError),
    /// The PLC took the value, and a read gave another.
    #[error("written, but a read gives another value: does the PLC's program write this tag?")]
    ReadBack,
}

impl TagFault for ItemError {
    fn quality(&self) -> Quality {
        Quality::bad(match self {
            Self::Item(ReturnCode::MISSING | ReturnCode::RANGE) => Reason::Address,
            Self::Item(ReturnCode::ACCESS) => Reason::Access,
            Self::Item(ReturnCode::TYPE | ReturnCode::SIZE) => Reason::Configuration,
            Self::Request(HeaderError {
                class: 0x81 | 0x84 | 0x87,
                ..
            }) => Reason::Access,
            Self::Value(_) => Reason::Conversion,
            Self::Item(_) | Self::Request(_) | Self::Count { .. } => Reason::DeviceFailure,
            Self::ReadBack => Reason::Other,
        })
    }
}
