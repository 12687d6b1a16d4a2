//! What can be wrong with a payload.

/// Why bytes are not a [`Sample`](crate::Sample). `Copy`, so that a stream of garbage costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// More bytes than [`Limits::max_bytes`](crate::Limits::max_bytes), as received or after
    /// decompression.
    #[error("payload larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Decompression gives more than [`Limits::max_ratio`](crate::Limits::max_ratio) bytes a byte.
    #[error("compressed payload grows beyond {ratio} times its size")]
    Bomb {
        /// The limit.
        ratio: usize,
    },
    /// Nested deeper than [`Limits::max_depth`](crate::Limits::max_depth).
    #[error("payload nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// More items than [`Limits::max_items`](crate::Limits::max_items).
    #[error("payload with more than {limit} items")]
    TooManyItems {
        /// The limit.
        limit: usize,
    },
    /// The payload ends in the middle.
    #[error("payload ends early")]
    Truncated,
    /// Not the syntax of the format.
    #[error("payload is not well-formed at byte {at}")]
    Syntax {
        /// Bytes before the place, as far as the format's parser tells.
        at: usize,
    },
    /// Bytes follow the sample.
    #[error("payload goes on after the sample at byte {at}")]
    TrailingBytes {
        /// Bytes before the place.
        at: usize,
    },
    /// A field that every sample has is not there.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// A field is there twice.
    #[error("field {0} is there twice")]
    Repeated(&'static str),
    /// A field holds what it cannot hold.
    #[error("field {0} has a wrong type or a value out of range")]
    Invalid(&'static str),
    /// The compressed stream is damaged.
    #[error("compressed payload is damaged")]
    Compression,
}

/// Why a [`Sample`](crate::Sample) does not become a payload: no receiver with the default limits
/// would take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More bytes than [`Limits::max_bytes`](crate::Limits::max_bytes) before compression.
    #[error("sample takes {len} bytes, the most is {limit}")]
    TooLarge {
        /// What it takes.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// An array of more than [`Limits::max_items`](crate::Limits::max_items) items.
    #[error("sample has {len} items, the most is {limit}")]
    TooManyItems {
        /// Items of the array.
        len: usize,
        /// The limit.
        limit: usize,
    },
}
