//! gzip and deflate around a payload, bounded both ways.
//!
//! A payload under a `+gzip` or `+deflate` content type may be plain: gzip begins with `1f 8b`,
//! our zlib header with `78`, and no format of ours begins with either.

use std::borrow::Cow;
use std::io::{ErrorKind, Read, Write};

use bytes::{BufMut, BytesMut};
use flate2::bufread::GzDecoder;
use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Decompress, FlushDecompress, Status};

use crate::{Compression, DecodeError, Limits};

/// Compresses what `out` holds from `start` on, where that pays.
pub(crate) fn deflate(compression: Compression, start: usize, out: &mut BytesMut) {
    let level = flate2::Compression::default();
    let len = out.len() - start;
    if compression == Compression::None || len < WORTH_A_TRY {
        return;
    }
    let plain = &out[start..];
    let target = BytesMut::with_capacity(len / 2).writer();
    let done = match compression {
        Compression::None => return,
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(target, level);
            encoder.write_all(plain).and_then(|()| encoder.finish())
        }
        Compression::Deflate => {
            let mut encoder = ZlibEncoder::new(target, level);
            encoder.write_all(plain).and_then(|()| encoder.finish())
        }
    };
    // Writing into memory does not fail; if it ever did, the plain payload is as good.
    let Ok(writer) = done else { return };
    let small = writer.into_inner();
    if small.len() < len && len <= Limits::DEFAULT.inflated(small.len()) {
        out.truncate(start);
        out.extend_from_slice(&small);
    }
}

/// The plain payload.
pub(crate) fn inflate<'a>(
    compression: Compression,
    payload: &'a [u8],
    limits: &Limits,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    let cap = limits.inflated(payload.len());
    let plain = match compression {
        Compression::Gzip if payload.starts_with(&GZIP_MAGIC) => gunzip(payload, cap)?,
        Compression::Deflate if payload.first() == Some(&ZLIB_CMF) => unzlib(payload, cap)?,
        _ => return Ok(Cow::Borrowed(payload)),
    };
    match plain {
        Some(plain) => Ok(Cow::Owned(plain)),
        None if cap == limits.max_bytes => Err(DecodeError::TooLarge { limit: cap }),
        None => Err(DecodeError::Bomb {
            ratio: limits.max_ratio,
        }),
    }
}

/// `None` when there is more than `cap`.
fn gunzip(payload: &[u8], cap: usize) -> Result<Option<Vec<u8>>, DecodeError> {
    let mut decoder = GzDecoder::new(payload);
    let mut plain = Vec::with_capacity(cap.min(payload.len() * 4));
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    match decoder.by_ref().take(limit).read_to_end(&mut plain) {
        Ok(_) if plain.len() > cap => return Ok(None),
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Err(DecodeError::Truncated),
        Err(_) => return Err(DecodeError::Compression),
    }
    end_at(payload.len() - decoder.into_inner().len(), payload)?;
    Ok(Some(plain))
}

/// `None` when there is more than `cap`. By hand, because flate2's reader takes the end of the
/// input for the end of the stream.
fn unzlib(payload: &[u8], cap: usize) -> Result<Option<Vec<u8>>, DecodeError> {
    let mut inflater = Decompress::new(true);
    let mut plain = Vec::with_capacity(cap.min(payload.len() * 4) + 1);
    loop {
        let before = (inflater.total_in(), inflater.total_out());
        let used = usize::try_from(before.0).unwrap_or(payload.len());
        let status = inflater
            .decompress_vec(&payload[used..], &mut plain, FlushDecompress::None)
            .map_err(|_| DecodeError::Compression)?;
        if plain.len() > cap {
            return Ok(None);
        }
        let full = plain.len() == plain.capacity();
        match status {
            Status::StreamEnd => break,
            _ if full => plain.reserve_exact(plain.len().min(cap + 1 - plain.len())),
            _ if before == (inflater.total_in(), inflater.total_out()) => {
                return Err(DecodeError::Truncated);
            }
            _ => {}
        }
    }
    let used = usize::try_from(inflater.total_in()).unwrap_or(payload.len());
    end_at(used, payload)?;
    Ok(Some(plain))
}

fn end_at(used: usize, payload: &[u8]) -> Result<(), DecodeError> {
    if used == payload.len() {
        Ok(())
    } else {
        Err(DecodeError::TrailingBytes { at: used })
    }
}

/// Below so many bytes the header eats what compression saves.
const WORTH_A_TRY: usize = 128;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZLIB_CMF: u8 = 0x78;

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Compression; 2] = [Compression::Gzip, Compression::Deflate];

    fn packed(compression: Compression, plain: &[u8]) -> BytesMut {
        let mut out = BytesMut::from(plain);
        deflate(compression, 0, &mut out);
        out
    }

    fn text(len: usize) -> Vec<u8> {
        (0..len)
            .flat_map(|n| format!("{{line {n}}}").into_bytes())
            .take(len)
            .collect()
    }

    #[test]
    fn payloads_that_pay_are_compressed_and_read_back() {
        for compression in BOTH {
            let plain = text(5_000);
            let small = packed(compression, &plain);
            assert!(small.len() < 2_500);
            let back = inflate(compression, &small, &Limits::DEFAULT).unwrap();
            assert_eq!(back, plain);
        }
    }

    #[test]
    fn small_payloads_and_those_that_look_like_bombs_stay_plain() {
        for compression in BOTH {
            for plain in [text(WORTH_A_TRY - 1), vec![b'{'; 200_000]] {
                let out = packed(compression, &plain);
                assert_eq!(out, plain);
                assert_eq!(inflate(compression, &out, &Limits::DEFAULT).unwrap(), plain);
            }
        }
    }

    #[test]
    fn a_stream_cut_anywhere_is_noticed() {
        for compression in BOTH {
            let small = packed(compression, &text(1_000));
            for cut in 2..small.len() {
                let out = inflate(compression, &small[..cut], &Limits::DEFAULT);
                assert_eq!(
                    out,
                    Err(DecodeError::Truncated),
                    "{compression:?} cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn damaged_and_continued_streams_are_refused() {
        for compression in BOTH {
            let small = packed(compression, &text(1_000));
            let mut damaged = small.clone();
            let last = damaged.len() - 6;
            damaged[last] ^= 1;
            assert!(inflate(compression, &damaged, &Limits::DEFAULT).is_err());
            let mut longer = small.clone();
            longer.extend_from_slice(b"x");
            let at = small.len();
            let expected = Err(DecodeError::TrailingBytes { at });
            assert_eq!(inflate(compression, &longer, &Limits::DEFAULT), expected);
        }
    }

    #[test]
    fn bombs_are_refused_before_they_grow() {
        let zeros = vec![0; 64 << 20];
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&zeros).unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(&zeros).unwrap();
        let bombs = [
            (Compression::Gzip, gzip.finish().unwrap()),
            (Compression::Deflate, zlib.finish().unwrap()),
        ];
        for (compression, bomb) in bombs {
            let limit = Limits::DEFAULT.max_bytes;
            let out = inflate(compression, &bomb, &Limits::DEFAULT);
            assert_eq!(out, Err(DecodeError::TooLarge { limit }));
            let small = packed(compression, &text(2_000));
            assert!(small.len() > 2, "not empty");
            let tight = Limits {
                max_ratio: 1,
                max_bytes: 64 << 20,
                ..Limits::DEFAULT
            };
            assert_eq!(
                inflate(compression, &bomb, &tight),
                Err(DecodeError::Bomb { ratio: 1 })
            );
        }
    }
}
