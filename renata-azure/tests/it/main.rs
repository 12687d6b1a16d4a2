//! Public behaviour of renata-azure.

mod engine;
mod stub;
