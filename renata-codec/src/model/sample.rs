//! One measurement.

use crate::{Quality, Timestamp, Unit, Value};

/// What a device measured, once: the value, how far to trust it, when, and its place in the stream.
///
/// A *stream* is everything that is published under one topic. Within it, (`epoch`, `seq`) is the
/// identity of a sample: `seq` counts without gaps, and `epoch` grows at every start whose counter
/// was lost. So a receiver sees a gap, and never takes new data for a repetition.
///
/// ```
/// use renata_codec::{Quality, Sample, Timestamp};
/// let sample = Sample::new(21.5, Timestamp::from_nanos(1_772_343_000_000_000_000))
///     .with_unit("Cel".parse()?)
///     .at_position(1, 42);
/// assert_eq!(sample.quality, Quality::GOOD);
/// assert_eq!(sample.identity(), (1, 42));
/// # Ok::<(), renata_codec::UnitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What was measured; `None` when the device gave nothing, and then the quality is bad.
    pub value: Option<Value>,
    /// How far the value can be trusted.
    pub quality: Quality,
    /// When it was measured, from the device's own clock where it has one.
    pub source_time: Option<Timestamp>,
    /// When it reached us.
    pub receive_time: Timestamp,
    /// Unit of measure.
    pub unit: Option<Unit>,
    /// Grows at every start whose counters were lost.
    pub epoch: u32,
    /// Counts the samples of the stream within the epoch.
    pub seq: u64,
}

impl Sample {
    /// A good value, received at `receive_time`; position 0 of epoch 0, no unit, no source time.
    #[must_use]
    pub fn new(value: impl Into<Value>, receive_time: Timestamp) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::missing(Quality::GOOD, receive_time)
        }
    }

    /// No value, and why.
    #[must_use]
    pub const fn missing(quality: Quality, receive_time: Timestamp) -> Self {
        Self {
            value: None,
            quality,
            source_time: None,
            receive_time,
            unit: None,
            epoch: 0,
            seq: 0,
        }
    }

    /// The same with this quality.
    #[must_use]
    pub const fn with_quality(mut self, quality: Quality) -> Self {
        self.quality = quality;
        self
    }

    /// The same with this unit.
    #[must_use]
    pub const fn with_unit(mut self, unit: Unit) -> Self {
        self.unit = Some(unit);
        self
    }

    /// The same with the time that the device gave.
    #[must_use]
    pub const fn with_source_time(mut self, time: Timestamp) -> Self {
        self.source_time = Some(time);
        self
    }

    /// The same at this place in its stream.
    #[must_use]
    pub const fn at_position(mut self, epoch: u32, seq: u64) -> Self {
        self.epoch = epoch;
        self.seq = seq;
        self
    }

    /// (`epoch`, `seq`): which sample of its stream this is. Later samples compare greater.
    #[must_use]
    pub const fn identity(&self) -> (u32, u64) {
        (self.epoch, self.seq)
    }

    /// The time to file it under: `source_time`, else `receive_time`.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.source_time.unwrap_or(self.receive_time)
    }
}
