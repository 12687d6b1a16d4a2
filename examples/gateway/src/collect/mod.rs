//! From devices to samples: each device is a task of its own.
//!
//! ```text
//!  Driver --values--> Device: groups, status --> Readings: scale, change filter --samples--> Recorder
//! ```

mod device;
mod reading;

pub(crate) use device::Device;
