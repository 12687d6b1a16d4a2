//! What a payload may cost.

/// Bounds on what decoding (and encoding) one payload may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most bytes of a payload, before and after decompression. Default: 1 MiB.
    pub max_bytes: usize,
    /// Deepest nesting of arrays and maps, unknown fields included. Default: 8.
    pub max_depth: usize,
    /// Most items of an array value, and most items in all unknown fields. Default: 65 536.
    pub max_items: usize,
    /// Most bytes out of one compressed byte, above [`Limits::FREE_BYTES`]. Default: 128.
    pub max_ratio: usize,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        max_bytes: 1 << 20,
        max_depth: 8,
        max_items: 1 << 16,
        max_ratio: 128,
    };

    /// Up to so many bytes [`Limits::max_ratio`] is not looked at: 16 KiB.
    pub const FREE_BYTES: usize = 16 << 10;

    /// Most bytes that `compressed` bytes may become.
    #[cfg(feature = "compression")]
    pub(crate) fn inflated(&self, compressed: usize) -> usize {
        let by_ratio = compressed.saturating_mul(self.max_ratio);
        self.max_bytes.min(by_ratio.max(Self::FREE_BYTES))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
