//! Public behaviour of renata-mqtt.

mod lossy_link;
mod observer;
mod support;
