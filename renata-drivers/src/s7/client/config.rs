//! How to reach a PLC.

use std::net::IpAddr;
use std::time::Duration;

/// How one client reaches its PLC.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Host, or `host:port`; the port is 102 when left out. The only setting without a default.
    pub address: String,
    /// Which partner inside the PLC is called. Default: operator panel, rack 0, slot 1.
    pub tsaps: Tsaps,
    /// Longest message to ask for, in bytes; the PLC may give less. Default: 960.
    pub pdu: u16,
    /// Jobs to ask for at once; the PLC may give fewer. Default: 8.
    pub jobs: u16,
    /// Most items of one request. Default: 20, which every PLC answers in full.
    pub items: u8,
    /// Longest time from the first packet to a connection that is set up. Default: 5 s.
    pub connect_within: Duration,
    /// Longest time from a request to its reply. Default: 3 s.
    pub answer_within: Duration,
}

impl Config {
    /// The defaults for a PLC at `address`.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            tsaps: Tsaps::default(),
            pdu: 960,
            jobs: 8,
            items: 20,
            connect_within: Duration::from_secs(5),
            answer_within: Duration::from_secs(3),
        }
    }

    /// The same with the CPU in this place: slot 1 for S7-1200 and S7-1500, mostly 2 for S7-300, as
    /// configured for S7-400.
    #[must_use]
    pub fn with_slot(mut self, rack: u8, slot: u8) -> Self {
        self.tsaps = Tsaps::of_slot(Partner::OperatorPanel, rack, slot);
        self
    }

    /// `address` with the port that it may leave out.
    pub(super) fn host_and_port(&self) -> String {
        let bare = self.address.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]:{PORT}"),
            Ok(IpAddr::V4(ip)) => format!("{ip}:{PORT}"),
            Err(_)
                if self
                    .address
                    .rsplit_once(':')
                    .is_some_and(|(_, p)| p.parse::<u16>().is_ok()) =>
            {
                self.address.clone()
            }
            Err(_) => format!("{}:{PORT}", self.address),
        }
    }
}

/// The transport selectors of a connection: who calls whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tsaps {
    /// Ours.
    pub calling: u16,
    /// The PLC's. LOGO! and S7-200 have their own, such as `0x0200` and `0x1000`.
    pub called: u16,
}

impl Tsaps {
    /// The partner in a rack (0 to 7) and slot (0 to 31).
    #[must_use]
    pub const fn of_slot(partner: Partner, rack: u8, slot: u8) -> Self {
        let kind = match partner {
            Partner::ProgrammingDevice => 1,
            Partner::OperatorPanel => 2,
            Partner::Basic => 3,
        };
        Self {
            calling: 0x0100,
            called: (kind << 8) | ((rack as u16 & 7) << 5) | (slot as u16 & 31),
        }
    }
}

impl Default for Tsaps {
    fn default() -> Self {
        Self::of_slot(Partner::OperatorPanel, 0, 1)
    }
}

/// As whom we call. Each kind has connection resources of its own in a PLC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Partner {
    /// A programming device. These are scarce: taking one may lock out TIA Portal.
    ProgrammingDevice,
    /// An operator panel.
    #[default]
    OperatorPanel,
    /// Another PLC.
    Basic,
}

const PORT: u16 = 102;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_may_be_left_out() {
        for (address, expected) in [
            ("plc1", "plc1:102"),
            ("plc1:1102", "plc1:1102"),
            ("10.0.0.5", "10.0.0.5:102"),
            ("10.0.0.5:5000", "10.0.0.5:5000"),
            ("fe80::1", "[fe80::1]:102"),
            ("[fe80::1]", "[fe80::1]:102"),
            ("[fe80::1]:5000", "[fe80::1]:5000"),
        ] {
            assert_eq!(Config::new(address).host_and_port(), expected);
        }
    }

    #[test]
    fn selectors_follow_rack_and_slot() {
        assert_eq!(Tsaps::default().called, 0x0201);
        assert_eq!(
            Tsaps::of_slot(Partner::ProgrammingDevice, 0, 2).called,
            0x0102
        );
        assert_eq!(Tsaps::of_slot(Partner::Basic, 1, 3).called, 0x0323);
    }
}
