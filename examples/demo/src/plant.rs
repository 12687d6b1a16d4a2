//! The plant: its members in the order of the data, and how they start, fail and stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::files::{GATEWAY, LAKE, Layout, VIEWER};
use crate::member::Member;
use crate::pki::Pki;
use crate::plc::MACHINES;
use crate::viewer::Viewer;

/// Everything that runs.
pub(crate) struct Plant {
    layout: Layout,
    pki: Pki,
    broker_addr: SocketAddr,
    plc_addrs: Vec<SocketAddr>,
    gateway_config: PathBuf,
    plcs: Vec<Member>,
    broker: Member,
    gateway: Member,
    lake: Member,
    viewer: Viewer,
}

impl Plant {
    /// Starts all members, the receivers of the data before their senders, so that nothing is missed.
    pub(crate) async fn start(layout: Layout) -> anyhow::Result<Self> {
        let pki = Pki::open(
            &layout.pki(),
            &[(GATEWAY, "gateway"), (LAKE, "lake"), (VIEWER, "viewer")],
        )?;
        layout.write_policy()?;

        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut plcs = Vec::new();
        let mut plc_addrs = Vec::new();
        for machine in &MACHINES {
            let (plc, addr) = start_plc(&layout, machine.name, any).await?;
            println!("  {:<22} s7://{addr}", format!("PLC {}", machine.name));
            plcs.push(plc);
            plc_addrs.push(addr);
        }

        let (broker, broker_addr) = start_broker(&layout, &pki, any).await?;
        println!(
            "  {:<22} mqtts://{broker_addr} (mutual TLS 1.3, policy)",
            "broker"
        );

        let lake_config = layout.write_lake(&pki, broker_addr)?;
        let arguments = gateway_arguments(&lake_config, &layout.lake_stats);
        let mut lake = Member::start("lake", arguments, &layout.logs)?;
        lake.ready().await?;
        println!("  {:<22} {}", "lake", layout.table().display());

        let viewer = Viewer::start(&pki, broker_addr).await?;

        let machines: Vec<_> = MACHINES.iter().zip(plc_addrs.iter().copied()).collect();
        let gateway_config = layout.write_gateway(&pki, broker_addr, &machines)?;
        let gateway = start_gateway(&layout, &gateway_config).await?;
        println!("  {:<22} {}", "gateway", gateway_config.display());
        println!("  {:<22} {}", "logs", layout.logs.display());

        Ok(Self {
            layout,
            pki,
            broker_addr,
            plc_addrs,
            gateway_config,
            plcs,
            broker,
            gateway,
            lake,
            viewer,
        })
    }

    /// The subscriber.
    pub(crate) fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// Where its files are.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Fails when a member has ended by itself.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        for member in
            self.plcs
                .iter_mut()
                .chain([&mut self.broker, &mut self.gateway, &mut self.lake])
        {
            member.still_runs()?;
        }
        Ok(())
    }

    /// Kills the broker and starts it again on the same port and data.
    pub(crate) async fn crash_broker(&mut self) -> anyhow::Result<()> {
        self.broker.kill().await?;
        (self.broker, _) = start_broker(&self.layout, &self.pki, self.broker_addr).await?;
        Ok(())
    }

    /// Kills the gateway and starts it again on the same data.
    pub(crate) async fn crash_gateway(&mut self) -> anyhow::Result<()> {
        self.gateway.kill().await?;
        self.gateway = start_gateway(&self.layout, &self.gateway_config).await?;
        Ok(())
    }

    /// Kills the lake writer and starts it again on the same data.
    pub(crate) async fn crash_lake(&mut self) -> anyhow::Result<()> {
        self.lake.kill().await?;
        let config = self.layout.write_lake(&self.pki, self.broker_addr)?;
        let arguments = gateway_arguments(&config, &self.layout.lake_stats);
        self.lake = Member::start("lake", arguments, &self.layout.logs)?;
        self.lake.ready().await?;
        Ok(())
    }

    /// Cuts the power of the first PLC.
    pub(crate) async fn stop_plc(&mut self) -> anyhow::Result<()> {
        self.plcs[0].kill().await
    }

    /// Gives the first PLC its power back.
    pub(crate) async fn start_plc(&mut self) -> anyhow::Result<()> {
        (self.plcs[0], _) = start_plc(&self.layout, MACHINES[0].name, self.plc_addrs[0]).await?;
        Ok(())
    }

    /// Ends the source of the data: the gateway publishes what it has and stops.
    pub(crate) async fn stop_gateway(&mut self) -> anyhow::Result<()> {
        self.gateway.stop().await
    }

    /// Ends everything else, the lake writer before the broker.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.viewer);
        self.lake.stop().await?;
        self.broker.stop().await?;
        for plc in &mut self.plcs {
            plc.stop().await?;
        }
        Ok(())
    }
}

async fn start_plc(
    layout: &Layout,
    machine: &'static str,
    listen: SocketAddr,
) -> anyhow::Result<(Member, SocketAddr)> {
    let listen = listen.to_string();
    let arguments = ["member", "plc", "--machine", machine, "--listen", &listen];
    let mut plc = Member::start(machine, arguments, &layout.logs)?;
    let addr = plc.ready().await?.addr("s7")?;
    Ok((plc, addr))
}

async fn start_broker(
    layout: &Layout,
    pki: &Pki,
    listen: SocketAddr,
) -> anyhow::Result<(Member, SocketAddr)> {
    let identity = pki.broker();
    let mut arguments: Vec<std::ffi::OsString> = vec!["member".into(), "broker".into()];
    arguments.extend(["--listen".into(), format!("mqtts://{listen}").into()]);
    for (option, path) in [
        ("--data-dir", &layout.broker),
        ("--policy", &layout.policy),
        ("--tls-cert", &identity.cert),
        ("--tls-key", &identity.key),
        ("--client-ca", &pki.ca),
    ] {
        arguments.extend([option.into(), path.into()]);
    }
    let mut broker = Member::start("broker", arguments, &layout.logs)?;
    let addr = broker.ready().await?.addr("mqtts")?;
    Ok((broker, addr))
}

async fn start_gateway(layout: &Layout, config: &std::path::Path) -> anyhow::Result<Member> {
    let arguments = gateway_arguments(config, &layout.gateway_stats);
    let mut gateway = Member::start("gateway", arguments, &layout.logs)?;
    gateway
        .ready()
        .await
        .context("the gateway does not start")?;
    Ok(gateway)
}

fn gateway_arguments(config: &std::path::Path, stats: &std::path::Path) -> Vec<std::ffi::OsString> {
    vec![
        "member".into(),
        "gateway".into(),
        "--config".into(),
        config.into(),
        "--stats".into(),
        stats.into(),
        "--stats-every-ms".into(),
        "200".into(),
    ]
}
