//! Mutual TLS 1.3 with a broker that asks for a certificate.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use renata_drivers::s7::sim::{Memory, Simulator};
use renata_peers::{Mosquitto, wait_for};

use crate::gateway::{Gateway, LONG};

/// A certificate authority in files.
struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    fn create(dir: &Path, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
        Self(Issuer::new(params, key))
    }

    fn issue(&self, dir: &Path, name: &str) {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

fn config(broker: &Mosquitto, plc: &Simulator, identity: &str) -> String {
    let (broker, plc) = (broker.addr(), plc.addr());
    format!(
        "[gateway]\nid = \"{identity}\"\ndata_dir = \"{identity}-data\"\nlocation = \"biel\"\n\
         area = \"hall-2\"\nline = \"line-7\"\n\
         [[device]]\nname = \"plc\"\ndriver = \"s7\"\nhost = \"{}\"\nport = {}\n\
         [[device.tag]]\nname = \"x\"\naddress = \"DB1.DBD0:REAL\"\n\
         [[uplink]]\nname = \"plant\"\nurl = \"mqtts://{broker}\"\n\
         ca = \"ca.pem\"\ncert = \"{identity}.pem\"\nkey = \"{identity}.key\"\n",
        plc.ip(),
        plc.port()
    )
}

#[test]
fn the_broker_takes_our_certificate_and_not_one_of_another_authority() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Authority::create(dir.path(), "ca");
    ca.issue(dir.path(), "broker");
    ca.issue(dir.path(), "gateway");
    Authority::create(dir.path(), "other").issue(dir.path(), "stranger");
    let file = |name: &str| dir.path().join(name);
    let (cert, key) = (file("broker.pem"), file("broker.key"));
    let broker = Mosquitto::start_mutual_tls(&cert, &key, &file("ca.pem")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let memory = Memory::new();
    memory.add_db(1, 4);
    let plc = runtime
        .block_on(Simulator::start("127.0.0.1:0", memory))
        .unwrap();

    let gateway = Gateway::start(dir.path(), "gateway", &config(&broker, &plc, "gateway"));
    gateway.wait_for("acked", 2);
    assert!(gateway.terminate().success());

    let stranger = Gateway::start(dir.path(), "stranger", &config(&broker, &plc, "stranger"));
    stranger.wait_for("committed", 2);
    let told = || stranger.log().contains("broker lost link=plant");
    assert!(wait_for(LONG, told), "{}", stranger.log());
    assert_eq!(stranger.figure("acked"), 0);
}
