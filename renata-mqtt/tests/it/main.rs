//! Public behaviour of renata-mqtt.

mod hostile;
mod lossy_link;
mod mosquitto;
mod observer;
mod support;
