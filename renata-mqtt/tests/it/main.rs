//! Public behaviour of renata-mqtt.

mod client;
mod hostile;
mod lossy_link;
mod mosquitto;
mod observer;
mod scripted;
mod support;
