//! Where encoded fields go: first to be counted, then to be written.

use bytes::Bytes;

use crate::EncodeError;

/// Takes the bytes of a packet.
pub trait Sink {
    /// Whether what is put is checked on the way: a packet is counted first, and written only when
    /// counting found nothing wrong.
    const CHECK: bool;

    fn put(&mut self, bytes: &[u8]);

    /// Takes bytes that may be kept by reference.
    fn put_shared(&mut self, bytes: &Bytes) {
        self.put(bytes);
    }
}

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Count(pub(crate) usize);

impl Sink for Count {
    const CHECK: bool = true;

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

#[inline]
pub(crate) fn put_bin(bytes: &[u8], sink: &mut impl Sink) -> Result<(), EncodeError> {
    let len = u16::try_from(bytes.len()).map_err(|_| EncodeError::StringTooLong)?;
    sink.put(&len.to_be_bytes());
    sink.put(bytes);
    Ok(())
}

#[inline]
pub(crate) fn put_str<S: Sink>(text: &str, sink: &mut S) -> Result<(), EncodeError> {
    if S::CHECK && memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(EncodeError::Nul);
    }
    put_bin(text.as_bytes(), sink)
}

/// Writes a variable byte integer; the caller has made sure that it is not above the maximum.
pub(crate) fn put_varint(mut value: u32, sink: &mut impl Sink) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return sink.put(&[low]);
        }
        sink.put(&[low | 0x80]);
    }
}
