//! The running broker: settings, listeners and workers, from start to drain.

use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::ServerConfig;

use crate::access::Access;
use crate::config::{Config, ListenUrl, Problem};
use crate::engine;
use crate::listener::Listener;
use crate::tls;
use crate::worker::{Mail, Mailbox, Worker};

/// A running broker. [`shutdown`](Self::shutdown) drains it; dropping it does the same.
///
/// ```no_run
/// use renata_broker::{Broker, Config};
///
/// let mut config = Config::default();
/// config.listen.push("mqtt://127.0.0.1:0".parse().unwrap());
/// config.allow_anonymous = true;
/// let broker = Broker::start(config, || {}).unwrap();
/// println!("listening on {}", broker.urls()[0]);
/// broker.shutdown();
/// ```
#[derive(Debug)]
pub struct Broker {
    urls: Vec<ListenUrl>,
    config: Config,
    workers: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    mailbox: Mailbox,
    thread: Option<JoinHandle<()>>,
}

/// What a reload replaces, read and checked as a whole before anything is replaced.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The settings themselves.
    pub(crate) config: Config,
    /// Who may do what.
    pub(crate) access: Access,
    /// For new handshakes on `mqtts://` listeners.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

impl Settings {
    /// Reads every file that the settings name.
    pub(crate) fn load(config: &Config) -> Result<Self, Vec<Problem>> {
        let mut problems = config.contradictions();
        let tls = match config.tls.as_ref().map(tls::server_config) {
            None => None,
            Some(Ok(tls)) => Some(tls),
            Some(Err(more)) => {
                problems.extend(more);
                None
            }
        };
        match Access::load(config) {
            Ok(access) if problems.is_empty() => Ok(Self {
                config: config.clone(),
                access,
                tls,
            }),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.extend(more);
                Err(problems)
            }
        }
    }
}

impl Broker {
    /// Binds every listener, recovers the durable state and starts the workers.
    ///
    /// `on_failure` is called from a worker that ends without having been told to.
    ///
    /// # Errors
    /// What is wrong with the settings or the files that they name, or which listener cannot be bound.
    pub fn start(
        config: Config,
        on_failure: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Vec<Problem>> {
        let settings = Arc::new(Settings::load(&config)?);
        settings.access.announce();
        let engine = engine::open(&config)?;
        let mut listeners = Vec::new();
        let mut urls = Vec::new();
        for url in &config.listen {
            let listener = Listener::bind(url)?;
            urls.push(listener.url.clone());
            listeners.push(listener);
        }
        let (worker, mailbox) = Worker::new(settings, listeners, engine)
            .map_err(|e| vec![Problem::said(&e.to_string())])?;
        let thread = std::thread::Builder::new()
            .name("worker-0".to_owned())
            .spawn(move || {
                let unasked = OnDrop(Some(on_failure));
                if worker.run() {
                    unasked.disarm();
                }
            })
            .map_err(|e| {
                vec![Problem::general(
                    format!("cannot start a thread: {e}"),
                    "raise the limit of processes (ulimit -u)",
                )]
            })?;
        Ok(Self {
            urls,
            config,
            workers: vec![Running {
                mailbox,
                thread: Some(thread),
            }],
        })
    }

    /// The listeners with the ports that they got.
    #[must_use]
    pub fn urls(&self) -> &[ListenUrl] {
        &self.urls
    }

    /// Takes over new settings, all or nothing; returns when every worker obeys them.
    ///
    /// Replaced are the policy, the certificates of new handshakes and the limits. Subscriptions that
    /// the new policy does not cover are gone when this returns.
    ///
    /// # Errors
    /// What is wrong with them, or which setting needs a restart; then the old ones stay.
    pub fn reload(&self, config: &Config) -> Result<(), Vec<Problem>> {
        let fixed = [
            ("listen", config.listen != self.config.listen),
            ("data_dir", config.data_dir != self.config.data_dir),
            ("workers", config.workers != self.config.workers),
            ("[durability]", config.durability != self.config.durability),
        ];
        if let Some((name, _)) = fixed.iter().find(|(_, changed)| *changed) {
            return Err(vec![Problem::general(
                format!("{name} cannot change while the broker runs"),
                "restart it",
            )]);
        }
        let settings = Arc::new(Settings::load(config)?);
        settings.access.announce();
        for worker in &self.workers {
            let (done, wait) = std::sync::mpsc::sync_channel(1);
            worker
                .mailbox
                .send(Mail::Reload(Arc::clone(&settings), done));
            // A worker that is gone obeys nobody; its end is reported elsewhere.
            let _ = wait.recv();
        }
        Ok(())
    }

    /// Stops accepting, tells the clients (0x8B), commits, and waits for the workers to end.
    ///
    /// Returns whether every worker ended in good order.
    #[must_use = "false says that something was not drained"]
    pub fn shutdown(mut self) -> bool {
        self.stop()
    }

    fn stop(&mut self) -> bool {
        for worker in &self.workers {
            worker.mailbox.send(Mail::Drain);
        }
        let ends: Vec<_> = self
            .workers
            .drain(..)
            .filter_map(|mut w| w.thread.take())
            .map(JoinHandle::join)
            .collect();
        ends.iter().all(Result::is_ok)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Calls its function when the worker's thread unwinds or returns without having been told to.
struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }
}
