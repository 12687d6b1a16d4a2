//! The configuration files of the plant, written for a reader: look at them in the data folder.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::pki::{Identity, Pki};
use crate::plc::Machine;

/// Client id (and common name) of the gateway beside the machines.
pub(crate) const GATEWAY: &str = "gw-itingen-1";
/// Client id (and common name) of the lake writer behind the broker.
pub(crate) const LAKE: &str = "lake-1";
/// Client id (and common name) of the subscriber that the demo is.
pub(crate) const VIEWER: &str = "viewer-1";

/// Where everything lies under the data folder.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Logs of all members.
    pub(crate) logs: PathBuf,
    /// The lake; its one table is `measurements`.
    pub(crate) lake: PathBuf,
    /// The broker's journal.
    pub(crate) broker: PathBuf,
    /// The policy.
    pub(crate) policy: PathBuf,
    /// Figures of the gateway, a JSON object a line.
    pub(crate) gateway_stats: PathBuf,
    /// Figures of the lake writer, a JSON object a line.
    pub(crate) lake_stats: PathBuf,
    dir: PathBuf,
}

impl Layout {
    /// Makes the folders.
    pub(crate) fn make(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let layout = Self {
            logs: dir.join("logs"),
            lake: dir.join("lake"),
            broker: dir.join("broker"),
            policy: dir.join("policy.toml"),
            gateway_stats: dir.join("logs/gateway.stats.jsonl"),
            lake_stats: dir.join("logs/lake.stats.jsonl"),
            dir,
        };
        fs::create_dir_all(&layout.logs)?;
        Ok(layout)
    }

    /// The folder of the test PKI.
    pub(crate) fn pki(&self) -> PathBuf {
        self.dir.join("pki")
    }

    /// The table of the lake.
    pub(crate) fn table(&self) -> PathBuf {
        self.lake.join(TABLE)
    }

    /// Writes the policy: three roles, bound to clients by the fields of their certificates.
    pub(crate) fn write_policy(&self) -> anyhow::Result<()> {
        fs::write(&self.policy, POLICY).context("cannot write the policy")
    }

    /// Writes the configuration of the gateway beside the machines.
    pub(crate) fn write_gateway(
        &self,
        pki: &Pki,
        broker: SocketAddr,
        plcs: &[(&Machine, SocketAddr)],
    ) -> anyhow::Result<PathBuf> {
        let mut text = format!(
            "# The gateway beside the machines: polls the PLCs, publishes what changes.\n\
             [gateway]\nid = \"{GATEWAY}\"\ndata_dir = \"gateway\"\nlocation = \"itingen\"\n\
             format = \"application/cbor\"\n\n\
             [[uplink]]\nname = \"plant\"\nclient_id = \"{GATEWAY}\"\n{}",
            link(pki, broker, GATEWAY)
        );
        for (machine, addr) in plcs {
            let (area, line) = machine.place;
            write!(
                text,
                "\n[[device]]\nname = \"{}\"\ndriver = \"s7\"\nhost = \"{}\"\nport = {}\n\
                 type = \"s7-1500\"\narea = \"{area}\"\nline = \"{line}\"\n\n\
                 [[device.group]]\nname = \"fast\"\nperiod_ms = 100\n",
                machine.name,
                addr.ip(),
                addr.port()
            )?;
            for signal in machine.signals {
                let unit = signal.unit.map(|unit| format!("unit = \"{unit}\"\n"));
                write!(
                    text,
                    "\n[[device.tag]]\nname = \"{}\"\naddress = \"{}\"\ngroup = \"fast\"\n{}",
                    signal.name,
                    signal.address,
                    unit.unwrap_or_default()
                )?;
            }
        }
        self.write("gateway.toml", &text)
    }

    /// Writes the configuration of the lake writer behind the broker.
    pub(crate) fn write_lake(&self, pki: &Pki, broker: SocketAddr) -> anyhow::Result<PathBuf> {
        let text = format!(
            "# The lake writer behind the broker: the same program, with a subscription as its source.\n\
             [gateway]\nid = \"{LAKE}\"\ndata_dir = \"lake-writer\"\n\n\
             [[subscription]]\nname = \"all\"\nclient_id = \"{LAKE}\"\nfilters = [\"renata/#\"]\n{}\n\
             [lake]\npath = \"lake\"\ntable = \"{TABLE}\"\nfile_age_s = 5\n",
            link(pki, broker, LAKE)
        );
        self.write("lake.toml", &text)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.dir.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// How a client reaches the broker.
fn link(pki: &Pki, broker: SocketAddr, name: &str) -> String {
    let Identity { cert, key } = pki.identity(name);
    format!(
        "url = \"mqtts://{broker}\"\nca = \"{}\"\ncert = \"{}\"\nkey = \"{}\"\n",
        pki.ca.display(),
        cert.display(),
        key.display()
    )
}

/// The table in the lake.
const TABLE: &str = "measurements";

const POLICY: &str = include_str!("policy.toml");

#[cfg(test)]
mod tests {
    #[test]
    fn the_policy_is_one() {
        renata_auth::Policy::from_toml(super::POLICY, "policy.toml").expect("it is a policy");
    }
}
