//+ bytes = "1"
//! A measurement goes through every format and comes back.

use bytes::BytesMut;
use renata_codec::{Codec, Sample, Timestamp};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sample = Sample::new(21.5, Timestamp::EPOCH).with_unit("Cel".parse()?).at_position(1, 7);
    for codec in Codec::all() {
        let mut payload = BytesMut::new();
        codec.encode(&sample, &mut payload)?;
        assert_eq!(codec.decode(&payload)?, sample, "{}", codec.content_type());
    }
    Ok(())
}
