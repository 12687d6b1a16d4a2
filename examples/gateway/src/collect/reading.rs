//! From what a device gave to a sample: scaling, quality, and the filter that lets changes through.

use std::time::Instant;

use renata_codec::{Array, Quality, Reason, Sample, Value};

use crate::config::{Deadband, Publish, Scale, TagConfig};

/// The way of one tag's readings, with what it has to remember: the last sample that went out.
#[derive(Debug)]
pub(crate) struct Readings {
    unit: Option<renata_codec::Unit>,
    scale: Option<Scale>,
    publish: Publish,
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    value: Option<Value>,
    quality: Quality,
    at: Instant,
}

impl Readings {
    pub(crate) fn new(tag: &TagConfig) -> Self {
        Self {
            unit: tag.unit,
            scale: tag.scale,
            publish: tag.publish,
            last: None,
        }
    }

    /// Takes a reading; gives it back, finished, when it is to be published.
    pub(crate) fn take(&mut self, mut sample: Sample, now: Instant) -> Option<Sample> {
        sample.unit = self.unit;
        if let Some(scale) = self.scale {
            apply(scale, &mut sample);
        }
        if !self.passes(&sample, now) {
            return None;
        }
        self.last = Some(Last {
            value: sample.value.clone(),
            quality: sample.quality,
            at: now,
        });
        Some(sample)
    }

    fn passes(&self, sample: &Sample, now: Instant) -> bool {
        let (
            Publish::OnChange {
                deadband,
                max_silence,
            },
            Some(last),
        ) = (self.publish, &self.last)
        else {
            return true;
        };
        last.quality != sample.quality
            || now.saturating_duration_since(last.at) >= max_silence
            || differs(deadband, last.value.as_ref(), sample.value.as_ref())
    }

    /// When the longest silence of this tag is over, if nothing passes until then.
    #[cfg(test)]
    fn silent_until(&self) -> Option<Instant> {
        match (self.publish, &self.last) {
            (Publish::OnChange { max_silence, .. }, Some(last)) => last.at.checked_add(max_silence),
            _ => None,
        }
    }
}

fn apply(scale: Scale, sample: &mut Sample) {
    let line = |v: f64| v * scale.factor + scale.offset;
    sample.value = match sample.value.take() {
        Some(Value::I64(v)) => Some(line(v as f64).into()),
        Some(Value::U64(v)) => Some(line(v as f64).into()),
        Some(Value::F64(v)) => Some(line(v).into()),
        Some(Value::Array(Array::I64(v))) => Some(scaled(v.into_iter().map(|v| v as f64), line)),
        Some(Value::Array(Array::U64(v))) => Some(scaled(v.into_iter().map(|v| v as f64), line)),
        Some(Value::Array(Array::F64(v))) => Some(scaled(v.into_iter(), line)),
        // A text or a bit cannot be scaled: no value, rather than one in the wrong unit.
        Some(_) => {
            sample.quality = Quality::bad(Reason::Configuration);
            None
        }
        None => None,
    };
}

fn scaled(items: impl Iterator<Item = f64>, line: impl Fn(f64) -> f64) -> Value {
    items.map(line).collect::<Vec<_>>().into()
}

fn differs(deadband: Deadband, last: Option<&Value>, new: Option<&Value>) -> bool {
    let (Some(last), Some(new)) = (last, new) else {
        return last.is_some() != new.is_some();
    };
    if last.same(new) {
        return false;
    }
    let number = |v: &Value| (!matches!(v, Value::Bool(_))).then(|| v.as_f64()).flatten();
    let (Some(from), Some(to)) = (number(last), number(new)) else {
        return true;
    };
    let band = match deadband {
        Deadband::None => return true,
        Deadband::Absolute(band) => band,
        Deadband::Percent(percent) => from.abs() * percent / 100.0,
    };
    // A step to or from NaN or infinity is no number: it differs.
    let step = (to - from).abs();
    !step.is_finite() || step > band
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use renata_codec::Timestamp;

    use super::*;

    const SILENCE: Duration = Duration::from_secs(60);

    fn readings(deadband: Deadband, scale: Option<Scale>) -> Readings {
        Readings {
            unit: None,
            scale,
            publish: Publish::OnChange {
                deadband,
                max_silence: SILENCE,
            },
            last: None,
        }
    }

    fn sample(value: impl Into<Value>) -> Sample {
        Sample::new(value, Timestamp::EPOCH)
    }

    /// Which of the values pass, all within the longest silence.
    fn passing<V: Into<Value> + Copy>(mut readings: Readings, values: &[V]) -> Vec<usize> {
        let now = Instant::now();
        let passes = |(i, v): (usize, &V)| readings.take(sample(*v), now).map(|_| i);
        values.iter().enumerate().filter_map(passes).collect()
    }

    #[test]
    fn without_deadband_every_change_passes_and_nothing_else() {
        let values = [1.0, 1.0, 1.000_001, 1.0, f64::NAN, f64::NAN, 0.0, -0.0];
        let readings = readings(Deadband::None, None);
        assert_eq!(passing(readings, &values), [0, 2, 3, 4, 6, 7]);
    }

    #[test]
    fn a_deadband_is_measured_from_the_last_published_value() {
        let values = [10.0, 10.4, 10.5, 10.51, 10.9, 10.0];
        let absolute = readings(Deadband::Absolute(0.5), None);
        assert_eq!(
            passing(absolute, &values),
            [0, 3, 5],
            "no drift in small steps"
        );
        let percent = readings(Deadband::Percent(5.0), None);
        assert_eq!(passing(percent, &values), [0, 3]);
        let infinite = [1.0, f64::INFINITY, f64::INFINITY, f64::NAN, 1.0];
        let absolute = readings(Deadband::Absolute(0.5), None);
        assert_eq!(passing(absolute, &infinite), [0, 1, 3, 4]);
    }

    #[test]
    fn a_deadband_does_not_swallow_bits_and_texts() {
        let band = || readings(Deadband::Absolute(5.0), None);
        assert_eq!(passing(band(), &[false, true, true, false]), [0, 1, 3]);
        assert_eq!(passing(band(), &["a", "b", "b"]), [0, 1]);
    }

    #[test]
    fn a_change_of_quality_passes_and_so_does_the_value_after_it() {
        let mut readings = readings(Deadband::Absolute(5.0), None);
        let now = Instant::now();
        let lost = || Sample::missing(Quality::bad(Reason::NotConnected), Timestamp::EPOCH);
        assert!(readings.take(sample(1.0), now).is_some());
        assert!(readings.take(lost(), now).is_some());
        assert!(readings.take(lost(), now).is_none(), "once");
        assert!(readings.take(sample(1.0), now).is_some());
    }

    #[test]
    fn the_longest_silence_ends_with_a_sample() {
        let mut readings = readings(Deadband::None, None);
        let start = Instant::now();
        assert!(readings.take(sample(1.0), start).is_some());
        let end = readings.silent_until().unwrap();
        assert!(
            readings
                .take(sample(1.0), end - Duration::from_millis(1))
                .is_none()
        );
        assert!(readings.take(sample(1.0), end).is_some());
    }

    #[test]
    fn numbers_are_scaled_and_other_values_are_not_passed_off_as_scaled() {
        let half = Some(Scale {
            factor: 0.5,
            offset: 1.0,
        });
        let now = Instant::now();
        let scaled = |value: Value| {
            let sample = readings(Deadband::None, half)
                .take(sample(value), now)
                .unwrap();
            (sample.value, sample.quality)
        };
        for (raw, cooked) in [
            (Value::I64(-4), Value::F64(-1.0)),
            (Value::U64(4), Value::F64(3.0)),
            (Value::F64(1.0), Value::F64(1.5)),
            (vec![2i64, 4].into(), vec![2.0, 3.0].into()),
        ] {
            assert_eq!(scaled(raw), (Some(cooked), Quality::GOOD));
        }
        let refused = (None, Quality::bad(Reason::Configuration));
        assert_eq!(scaled("text".into()), refused);
        assert_eq!(scaled(true.into()), refused);
    }
}
