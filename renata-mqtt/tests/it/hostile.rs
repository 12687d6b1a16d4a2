//! The client against servers that break the protocol.
