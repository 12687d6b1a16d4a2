//! The reference broker as a program; everything is in the library.
fn main() {}
