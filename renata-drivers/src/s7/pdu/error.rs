//! What can be wrong: with the bytes, with a whole request, with one item of it.

use std::fmt;

/// Why bytes from the peer are not S7 communication.
///
/// After any of these the byte stream has lost its meaning: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A frame does not begin with TPKT version 3.
    #[error("not a TPKT frame: version {found:#04x} instead of 0x03; is this port an S7 PLC's?")]
    TpktVersion {
        /// The first byte.
        found: u8,
    },
    /// A frame is shorter than its own headers.
    #[error("TPKT frame of {len} bytes is shorter than its headers")]
    TpktLength {
        /// The length that it claims.
        len: u16,
    },
    /// The COTP header does not fit its frame, or a parameter does not fit the header.
    #[error("COTP header does not fit its frame")]
    CotpLength,
    /// A transport message that S7 does not use.
    #[error("COTP message of unknown type {found:#04x}")]
    CotpType {
        /// The type byte.
        found: u8,
    },
    /// Fragments add up to more than any PDU.
    #[error("fragments add up to more than {} bytes", super::MAX_PDU)]
    TooLong,
    /// Another protocol inside COTP.
    #[error(
        "protocol {found:#04x} instead of 0x32{}",
        if *.found == 0x72 { ": this is S7CommPlus; read optimised blocks over OPC UA" } else { "" }
    )]
    Protocol {
        /// The protocol byte.
        found: u8,
    },
    /// A message of unknown kind (job, acknowledgement, user data).
    #[error("S7 message of unknown kind {found:#04x}")]
    Kind {
        /// The kind byte.
        found: u8,
    },
    /// A field runs past the end of its message.
    #[error("S7 message is cut short")]
    Truncated,
    /// The lengths in the header do not add up to the message.
    #[error("S7 message lengths do not add up")]
    Lengths,
    /// A reply is not the reply to what was asked.
    #[error("S7 message is not the one expected here")]
    Unexpected,
}

/// The error class and code of a reply's header: the request as a whole was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeaderError {
    /// 0 is success.
    pub class: u8,
    /// Meaning depends on the class.
    pub code: u8,
}

impl HeaderError {
    /// No error.
    pub const OK: Self = Self::new(0, 0);
    /// The function is not there, or is not allowed.
    pub const NOT_AVAILABLE: Self = Self::new(0x81, 0x04);
    /// The reply or the request is larger than the negotiated PDU.
    pub const OVER_PDU: Self = Self::new(0x85, 0x00);

    /// Both bytes, as the header has them.
    #[must_use]
    pub const fn new(class: u8, code: u8) -> Self {
        Self { class, code }
    }

    /// Whether this is no error.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.class == 0 && self.code == 0
    }

    /// What it means, with the remedy where one is known.
    #[must_use]
    pub fn text(self) -> &'static str {
        match (self.class, self.code) {
            (0, 0) => "ok",
            (0x81, 0x04) => {
                "function not available: PUT/GET is off or refused; TIA Portal, CPU properties, \
                 Protection & Security, Connection mechanisms, permit access with PUT/GET"
            }
            (0x81, _) => "application relationship error",
            (0x82, _) => "object definition error",
            (0x83, _) => "no resources available in the PLC: fewer jobs at once may help",
            (0x84 | 0x87, _) => {
                "access refused: the protection level of the CPU; TIA Portal, CPU properties, \
                 Protection & Security, Access level"
            }
            (0x85, 0) => "request or reply is larger than the negotiated PDU",
            (0xD2, 0x09) => "item not available",
            (0xD2, 0x41) => "a password is needed: the CPU is protected",
            (0xD4, 0x02) => "function not available in this CPU",
            (0xD6, 0x02) => "wrong password",
            (0xDC, 0x01) => "value not allowed",
            _ => "unknown error",
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:02x}{:02x})", self.text(), self.class, self.code)
    }
}

impl fmt::Debug for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeaderError({:02x}{:02x})", self.class, self.code)
    }
}

/// The return code of one item.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReturnCode(pub u8);

impl ReturnCode {
    /// The item was read or written.
    pub const OK: Self = Self(0xFF);
    /// A fault of the PLC's hardware.
    pub const HARDWARE: Self = Self(0x01);
    /// The PLC does not let us.
    pub const ACCESS: Self = Self(0x03);
    /// Beyond the end of the area or block.
    pub const RANGE: Self = Self(0x05);
    /// The transport type is not supported.
    pub const TYPE: Self = Self(0x06);
    /// Type and size do not fit.
    pub const SIZE: Self = Self(0x07);
    /// No such block.
    pub const MISSING: Self = Self(0x0A);

    /// What it means, with the remedy where one is known.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::OK => "ok",
            Self::HARDWARE => "hardware fault in the PLC",
            Self::ACCESS => {
                "access denied: PUT/GET is off, or the block is optimised, or the access level is \
                 not full; TIA Portal, CPU properties, Protection & Security, and the block's \
                 properties, Attributes, optimized block access"
            }
            Self::RANGE => "address out of range: the block or area is shorter than this",
            Self::TYPE => "data type not supported by the PLC",
            Self::SIZE => "data type and size do not fit each other",
            Self::MISSING => {
                "object does not exist: no such block in the PLC, or the block is optimised; \
                 TIA Portal, the block's properties, Attributes, optimized block access"
            }
            _ => "unknown return code",
        }
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:02x})", self.text(), self.0)
    }
}

impl fmt::Debug for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnCode({:02x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_carry_the_remedy() {
        assert!(ReturnCode::ACCESS.to_string().contains("PUT/GET"));
        assert!(HeaderError::NOT_AVAILABLE.to_string().contains("PUT/GET"));
        assert!(HeaderError::NOT_AVAILABLE.to_string().ends_with("(8104)"));
        assert!(ReturnCode::MISSING.to_string().ends_with("(0a)"));
        let plus = WireError::Protocol { found: 0x72 };
        assert!(plus.to_string().contains("OPC UA"));
        let other = WireError::Protocol { found: 0x33 };
        assert_eq!(other.to_string(), "protocol 0x33 instead of 0x32");
    }
}
