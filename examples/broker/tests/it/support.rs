//! The broker as a process, and third-party clients around it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use renata_peers::{mosquitto_pub, mosquitto_sub};

/// `renata-broker` on a free port; killed when dropped.
pub(crate) struct Broker {
    child: Child,
    args: Vec<String>,
    pub(crate) urls: Vec<String>,
    log: Arc<Mutex<String>>,
}

impl Broker {
    /// One plain listener, everybody may do everything.
    pub(crate) fn open() -> Self {
        Self::start(&["--listen", "mqtt://127.0.0.1:0", "--allow-anonymous"])
    }

    /// Starts the program and waits until it is ready.
    pub(crate) fn start(args: &[&str]) -> Self {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let (child, urls, log) = launch(&args).expect("the broker comes up");
        Self {
            child,
            args,
            urls,
            log,
        }
    }

    /// Where its first listener is.
    pub(crate) fn addr(&self) -> SocketAddr {
        addr_of(&self.urls[0])
    }

    pub(crate) fn port(&self) -> String {
        self.addr().port().to_string()
    }

    /// Ends it at once, as a power cut of the process would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the ports that it had.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let mut urls = self.urls.iter();
        let args: Vec<String> = self
            .args
            .iter()
            .map(|arg| {
                if arg.ends_with(":0") {
                    urls.next().expect("one URL a listener").clone()
                } else {
                    arg.clone()
                }
            })
            .collect();
        let deadline = Instant::now() + DEADLINE;
        loop {
            match launch(&args) {
                Ok((child, urls, log)) => {
                    (self.child, self.urls, self.log) = (child, urls, log);
                    return;
                }
                Err(why) => assert!(Instant::now() < deadline, "no restart: {why}"),
            }
        }
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic while locked").clone()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status();
        assert!(status.expect("kill runs").success());
    }

    /// The exit code, once it has ended.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it still takes connections and answers a ping.
    pub(crate) fn is_alive(&self) -> bool {
        let mut client = Raw::connect(self.addr());
        client.send(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04ping");
        client.read_packet() == Some(b"\x20\x02\x00\x00".to_vec()) && {
            client.send(b"\xc0\x00");
            client.read_packet() == Some(b"\xd0\x00".to_vec())
        }
    }

    pub(crate) fn publisher(&self) -> Command {
        let mut command = mosquitto_pub().expect("mosquitto_pub is installed");
        command.args(["-h", "127.0.0.1", "-p", &self.port()]);
        command
    }

    pub(crate) fn subscriber(&self) -> Command {
        let mut command = mosquitto_sub().expect("mosquitto_sub is installed");
        command.args(["-h", "127.0.0.1", "-p", &self.port(), "-W", "20"]);
        command
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

type Launched = (Child, Vec<String>, Arc<Mutex<String>>);

fn launch(args: &[String]) -> Result<Launched, String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_renata-broker"))
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the broker's program is built");
    let mut lines = BufReader::new(child.stderr.take().expect("piped"));
    let (mut urls, mut early) = (Vec::new(), String::new());
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).expect("text") == 0 {
            let _ = child.wait();
            return Err(early);
        }
        if let Some(url) = line.strip_prefix("listening on ") {
            urls.push(url.trim().to_owned());
        }
        if line.trim() == "ready" {
            break;
        }
        early.push_str(&line);
    }
    let log = Arc::new(Mutex::new(early));
    let sink = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            let mut log = sink.lock().expect("no panic while locked");
            log.push_str(&line);
            log.push('\n');
        }
    });
    Ok((child, urls, log))
}

fn addr_of(url: &str) -> SocketAddr {
    let (_, addr) = url.split_once("://").expect("a URL");
    addr.parse().expect("an address")
}

/// A program with its output collected line by line.
pub(crate) struct Lines {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Lines {
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the client starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                sink.lock().expect("no panic while locked").push(line);
            }
        });
        Self { child, lines }
    }

    pub(crate) fn now(&self) -> Vec<String> {
        self.lines.lock().expect("no panic while locked").clone()
    }

    /// The lines once there are `count`, or what there is at the deadline.
    pub(crate) fn wait(&self, count: usize) -> Vec<String> {
        renata_peers::wait_for(DEADLINE, || self.now().len() >= count);
        self.now()
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a client to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().expect("the client starts")
}

/// Runs a client that has to succeed.
pub(crate) fn run_well(command: &mut Command) -> String {
    let output = run(command);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A bare TCP client that speaks MQTT by hand.
pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("the broker listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self { stream }
    }

    /// Connects with a 3.1.1 CONNECT, clean session.
    pub(crate) fn v3(addr: SocketAddr, client_id: &str) -> Self {
        let mut raw = Self::connect(addr);
        raw.send(&connect_v3(client_id, true));
        assert_eq!(raw.read_packet(), Some(vec![0x20, 2, 0, 0]), "accepted");
        raw
    }

    /// Connects with a 5.0 CONNECT, clean start and no properties.
    pub(crate) fn v5(addr: SocketAddr, client_id: &str) -> Self {
        let mut raw = Self::connect(addr);
        raw.send(&connect_v5(client_id, true, &[]));
        let connack = raw.read_packet().expect("a CONNACK");
        assert_eq!((connack[0], connack[3]), (0x20, 0), "accepted");
        raw
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // The broker may have closed already; what it answered is still to be read.
        let _ = self.stream.write_all(bytes);
    }

    /// The next packet, or `None` when the broker has closed the connection.
    pub(crate) fn read_packet(&mut self) -> Option<Vec<u8>> {
        let mut packet = vec![0];
        self.stream.read_exact(&mut packet).ok()?;
        let (mut len, mut shift) = (0, 0);
        loop {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).ok()?;
            packet.push(byte[0]);
            len |= usize::from(byte[0] & 0x7f) << shift;
            shift += 7;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let start = packet.len();
        packet.resize(start + len, 0);
        self.stream.read_exact(&mut packet[start..]).ok()?;
        Some(packet)
    }

    /// What is left before the broker closes.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }
}

pub(crate) fn connect_v3(client_id: &str, clean: bool) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT\x04".to_vec();
    body.extend([if clean { 2 } else { 0 }, 0, 60, 0, client_id.len() as u8]);
    body.extend(client_id.as_bytes());
    framed(0x10, &body)
}

pub(crate) fn connect_v5(client_id: &str, clean: bool, properties: &[u8]) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT\x05".to_vec();
    body.extend([if clean { 2 } else { 0 }, 0, 60, properties.len() as u8]);
    body.extend(properties);
    body.extend([0, client_id.len() as u8]);
    body.extend(client_id.as_bytes());
    framed(0x10, &body)
}

pub(crate) fn framed(first: u8, body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 128, "short packets only");
    let mut packet = vec![first, body.len() as u8];
    packet.extend(body);
    packet
}

/// A file under the test's folder.
pub(crate) fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("the folder can be written");
    path
}

pub(crate) const DEADLINE: Duration = Duration::from_secs(15);
