//! The model stands without any format.

use renata_codec::{Quality, Sample, Timestamp};

fn main() {
    let sample = Sample::new(true, Timestamp::EPOCH).at_position(3, 4);
    assert_eq!((sample.quality, sample.identity()), (Quality::GOOD, (3, 4)));
}
