//! What every driver can do, whatever the protocol.

use std::error::Error;
use std::fmt;

use renata_codec::{Quality, Value};

/// A device that is read and written by tags.
///
/// One task owns one driver: every call takes `&mut self`, and a call that is dropped half way leaves
/// the driver usable. Two kinds of failure are kept apart: an [`Error`](Self::Error) is about the
/// device (connect again), a [`Fault`](Self::Fault) is about one tag (the others are fine).
///
/// ```no_run
/// use renata_drivers::{Driver, TagFault};
/// async fn poll<D: Driver>(device: &mut D, tags: &[D::Tag]) -> Result<(), D::Error> {
///     device.connect().await?;
///     let mut plan = device.plan(tags); // after every connect: the device decides how much fits
///     for (tag, read) in tags.iter().zip(device.read(&mut plan).await?) {
///         match read {
///             Ok(value) => println!("{tag}: {value:?}"),
///             Err(fault) => println!("{tag}: {} because {fault}", fault.quality()),
///         }
///     }
///     Ok(())
/// }
/// ```
pub trait Driver: Send {
    /// One thing to read or write; `Display` gives its canonical address.
    type Tag: Clone + fmt::Display + Send + Sync;
    /// Tags arranged into requests; `Display` prints the arrangement and what it costs.
    type Plan: fmt::Display + Send + Sync;
    /// Why one tag has no value.
    type Fault: TagFault;
    /// Why the device cannot be used; the driver has closed its connection.
    type Error: Error + Send + Sync + 'static;

    /// Arranges reads of `tags` for the connection that stands, or for the usual one when none does.
    fn plan(&self, tags: &[Self::Tag]) -> Self::Plan;

    /// Closes what was there and connects anew; ends within the configured time.
    fn connect(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Reads every tag of the plan; one result a tag, in the order of the tags.
    ///
    /// The plan learns: a tag that spoils a shared read gets a read of its own from then on.
    fn read(
        &mut self,
        plan: &mut Self::Plan,
    ) -> impl Future<Output = Result<Vec<Result<Value, Self::Fault>>, Self::Error>> + Send;

    /// Writes one tag.
    fn write(
        &mut self,
        tag: &Self::Tag,
        value: &Value,
        confirm: Confirm,
    ) -> impl Future<Output = Result<Result<(), Self::Fault>, Self::Error>> + Send;
}

/// Why one tag has no value.
pub trait TagFault: Error + Copy + PartialEq + Send + Sync + 'static {
    /// The quality to publish in place of the value.
    fn quality(&self) -> Quality;
}

/// When a write counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Confirm {
    /// When the device says so.
    #[default]
    Reply,
    /// When the device says so and a read gives the same value. A program in the device that changes
    /// the tag at once makes this fail.
    ReadBack,
}
