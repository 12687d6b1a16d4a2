//! Who a client is.

mod gate;
mod principal;
#[cfg(feature = "x509")]
mod x509;

pub use gate::ValueProblem;
pub(crate) use gate::{check_client_id, check_placeholder};
pub use principal::{Field, IdentityError, Origin, Principal};
#[cfg(feature = "x509")]
pub use x509::Extractor;
