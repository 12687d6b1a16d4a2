//! Where the packet at the front of a buffer ends.

use crate::DecodeError;

/// What is at the front of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The beginning of a packet: at least this many more bytes are needed.
    Need(usize),
    /// A whole packet: so many bytes of fixed header, then so many of body.
    Frame {
        /// Of the fixed header.
        header: usize,
        /// Of the rest, which is the remaining length.
        body: usize,
    },
}

/// Measures the packet at the front of `buf`, of at most `max` bytes with its header.
///
/// The limit is checked on the fixed header, before anything of the body has to be there.
///
/// # Errors
/// The remaining length is malformed, or the packet is larger than `max`.
#[inline]
pub fn frame_len(buf: &[u8], max: u32) -> Result<Framing, DecodeError> {
    let Some(lengths) = buf.get(1..) else {
        return Ok(Framing::Need(2));
    };
    let mut len = 0_u32;
    for place in 0..4 {
        let Some(&byte) = lengths.get(place) else {
            return Ok(Framing::Need(1));
        };
        len |= u32::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 != 0 {
            continue;
        }
        if byte == 0 && place > 0 {
            return Err(DecodeError::VarInt);
        }
        let header = place + 2;
        let size = header as u32 + len;
        if size > max {
            return Err(DecodeError::TooLarge { size, limit: max });
        }
        let missing = (size as usize).saturating_sub(buf.len());
        if missing > 0 {
            return Ok(Framing::Need(missing));
        }
        return Ok(Framing::Frame {
            header,
            body: len as usize,
        });
    }
    Err(DecodeError::VarInt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_whole_when_its_last_byte_is_there() {
        let packet = [0x30, 0x80, 0x01];
        let mut whole = packet.to_vec();
        whole.resize(3 + 128, 0);
        for cut in 0..whole.len() {
            let framing = frame_len(&whole[..cut], u32::MAX);
            assert!(
                matches!(framing, Ok(Framing::Need(n)) if n > 0 && cut + n <= whole.len()),
                "{cut}"
            );
        }
        let frame = Framing::Frame {
            header: 3,
            body: 128,
        };
        assert_eq!(frame_len(&whole, u32::MAX), Ok(frame));
        assert_eq!(frame_len(&whole, 131), Ok(frame));
        assert_eq!(
            frame_len(&whole, 130),
            Err(DecodeError::TooLarge {
                size: 131,
                limit: 130
            })
        );
    }

    #[test]
    fn the_limit_holds_before_the_body_is_there() {
        let header = [0x30, 0xff, 0xff, 0xff, 0x7f];
        let size = 268_435_460;
        assert_eq!(
            frame_len(&header, 1 << 20),
            Err(DecodeError::TooLarge {
                size,
                limit: 1 << 20
            })
        );
    }

    /// [MQTT-1.5.5-1]
    #[test]
    fn a_length_that_is_too_long_or_padded_is_malformed() {
        assert_eq!(
            frame_len(&[0x30, 0xff, 0xff, 0xff, 0xff, 1], u32::MAX),
            Err(DecodeError::VarInt)
        );
        assert_eq!(
            frame_len(&[0x30, 0x80, 0x00], u32::MAX),
            Err(DecodeError::VarInt)
        );
    }
}
