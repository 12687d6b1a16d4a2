use std::net::TcpStream;
use std::time::Duration;

use renata_peers::{Mosquitto, Snap7Server, mosquitto_pub, mosquitto_sub, python_script, tshark};

#[test]
fn mosquitto_comes_up_and_is_gone_after_its_guard() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    let addr = broker.addr();
    TcpStream::connect(addr).expect("it listens");
    drop(broker);
    TcpStream::connect(addr).expect_err("nobody listens any more");
}

#[test]
fn mosquitto_keeps_its_port_over_a_restart() {
    let mut broker = Mosquitto::start().expect("mosquitto starts");
    broker.kill();
    broker.restart().expect("it starts again");
    TcpStream::connect(broker.addr()).expect("it listens on the same port");
}

#[test]
fn a_snap7_server_holds_what_is_written_into_it() {
    let mut server = Snap7Server::start(&[(1, 16)]).expect("snap7 starts");
    let first = server.write(1, &[(2, &[0xca, 0xfe])]).expect("write");
    let second = server.write(1, &[(0, &[1]), (15, &[2])]).expect("write");
    assert!(first.before_ns <= first.after_ns && first.after_ns <= second.before_ns);
    assert_eq!(server.read(1, 0, 4).expect("read"), [1, 0, 0xca, 0xfe]);
    assert!(renata_peers::wait_for_port(
        server.addr(),
        Duration::from_secs(1)
    ));
}

#[test]
fn the_command_line_judges_are_there() {
    for judge in [mosquitto_pub(), mosquitto_sub()] {
        let status = judge
            .expect("installed")
            .arg("--help")
            .output()
            .expect("runs");
        assert!(!status.stdout.is_empty(), "it explains itself");
    }
    assert!(
        tshark()
            .expect("installed")
            .arg("--version")
            .output()
            .expect("runs")
            .status
            .success()
    );
}

#[test]
fn the_python_judges_are_there_in_the_pinned_versions() {
    let wanted: Vec<_> = include_str!("../../../../.ci/peers-requirements.txt")
        .lines()
        .filter_map(|line| {
            line.split('#')
                .next()
                .map(str::trim)
                .filter(|l| !l.is_empty())
        })
        .map(|pin| pin.split_once("==").expect("every judge is pinned"))
        .collect();
    for (package, version) in wanted {
        let script = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))";
        let found = python_script(script, &[package]).expect("installed");
        assert_eq!(found.trim(), version, "{package}");
    }
}
