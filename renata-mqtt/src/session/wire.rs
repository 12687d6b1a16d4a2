//! The packets that a session writes itself.

use super::Role;
use crate::packet::{Ack, AckKind, Disconnect, EncodePacket, PingReq, PingResp, encode};
use crate::{PacketId, ReasonCode, Version, WriteQueue};

pub(super) fn ack(
    version: Version,
    kind: AckKind,
    id: PacketId,
    reason: ReasonCode,
    out: &mut WriteQueue,
) {
    let ack = Ack {
        kind,
        id,
        reason,
        properties: &[],
    };
    write(&ack, version, out);
}

pub(super) fn pubrel(version: Version, id: PacketId, reason: ReasonCode, out: &mut WriteQueue) {
    ack(version, AckKind::PubRel, id, reason, out);
}

pub(super) fn pingreq(version: Version, out: &mut WriteQueue) {
    write(&PingReq, version, out);
}

pub(super) fn pingresp(version: Version, out: &mut WriteQueue) {
    write(&PingResp, version, out);
}

pub(super) fn disconnect(version: Version, role: Role, reason: ReasonCode, out: &mut WriteQueue) {
    // In 3.1.1 only a client says goodbye, and only in good order (§3.14).
    if version == Version::V5 || (role == Role::Client && !reason.is_error()) {
        let disconnect = Disconnect {
            reason,
            properties: &[],
        };
        write(&disconnect, version, out);
    }
}

fn write(packet: &impl EncodePacket, version: Version, out: &mut WriteQueue) {
    // None of these has a field that could be too long.
    let written = encode(packet, version, out);
    debug_assert!(written.is_ok());
}
