//! The journal from the outside: on real files, and on a disk that forgets.

mod basics;
mod crash;
mod damage;
mod faults;
mod model;
mod space;
