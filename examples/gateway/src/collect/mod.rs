pub(crate) mod device;
mod reading;
