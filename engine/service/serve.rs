//! The server: start-up, and a shutdown that loses nothing it accepted.
//!
//! On SIGTERM or SIGINT: health says NOT_SERVING; the port is closed and connections get GOAWAY; single requests in flight
//! finish; streams are read no further, answer what they have read and end with UNAVAILABLE; all within the grace. A second
//! signal stops at once.

use std::fs;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tamiz_core::Engine;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio_stream::StreamExt as _;
use tonic::service::RoutesBuilder;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tracing::{info, warn};

use crate::catalogue::Catalogue;
use crate::config::{Config, ServerConfig};
use crate::inspect::Pool;
use crate::transforming::Transforming;
use crate::{assemble, grpc, telemetry};

/// Time for clients that watch the health to see NOT_SERVING before their watch ends.
const HEALTH_SEEN: Duration = Duration::from_millis(100);

/// Serves until a signal. Sets logging up, builds the engine, and blocks.
///
/// # Errors
/// When the configuration cannot be followed or the port not be had; the message names place and remedy.
pub fn run(config: Config) -> anyhow::Result<()> {
    telemetry::init(&config.log)?;
    let engine = assemble::engine(&config)?;
    let store = config.catalogue.store.as_deref();
    let catalogue = store.map(|store| Catalogue::open(store, engine.clone())).transpose()?;
    let transforming = assemble::transforming(&config, &engine)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("tamiz-io").build()?;
    let served = runtime.block_on(async {
        let server = Server::bind(config.server, Pool::start(&engine, &config.pool)?, engine).await?;
        let server = server.with_catalogue(catalogue).transforming(transforming);
        let (first, stop) = oneshot::channel::<()>();
        let mut signals = Signals::new()?;
        let twice = async {
            signals.next().await;
            drop(first);
            signals.next().await;
        };
        tokio::select! {
            served = server.run(async { drop(stop.await) }) => served,
            () = twice => {
                warn!("second signal: stopping at once");
                Ok(())
            }
        }
    });
    // Whatever is still running had its time.
    runtime.shutdown_background();
    served
}

/// A server that has its port.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: ServerConfig,
    pool: Pool,
    engine: Engine,
    catalogue: Option<Catalogue>,
    transforming: Arc<Transforming>,
}

impl Server {
    /// Takes the port and writes the port file.
    ///
    /// # Errors
    /// When either is not possible.
    pub async fn bind(config: ServerConfig, pool: Pool, engine: Engine) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(config.listen).await.map_err(|error| cannot_listen(config.listen, &error))?;
        let address = listener.local_addr()?;
        if let Some(file) = &config.port_file {
            write_port(file, address.port())
                .with_context(|| format!("{}: the port file (server.port_file) cannot be written", file.display()))?;
        }
        Ok(Self { listener, address, config, pool, engine, catalogue: None, transforming: Arc::default() })
    }

    /// Serves this catalogue too.
    #[must_use]
    pub fn with_catalogue(mut self, catalogue: Option<Catalogue>) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// Changes content in this way instead of the usual one.
    #[must_use]
    pub fn transforming(mut self, transforming: Transforming) -> Self {
        self.transforming = Arc::new(transforming);
        self
    }

    /// Where it listens; the port is the real one.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready, then finishes within the grace.
    ///
    /// # Errors
    /// When serving ends by itself.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { listener, address, config, pool, engine, catalogue, transforming } = self;
        let (stopping, stopped) = watch::channel(false);
        let workers = pool.workers();
        let info = engine.info().clone();
        let unclassified = engine.cascade().why().map(str::to_owned);

        let (health, health_service) = tonic_health::server::health_reporter();
        set_health(&health, ServingStatus::Serving).await;
        let inspection = grpc::Inspection::new(engine, pool, config.clone(), transforming);
        let changing = grpc::transform_service(&inspection, config.max_message_bytes);
        let catalogue = catalogue.map(Arc::new);
        let talking = grpc::conversation_service(&inspection, catalogue.clone(), config.max_message_bytes);
        let mut on_stop = stopped.clone();
        let mut routes = tonic::service::Routes::builder();
        routes.add_service(health_service).add_service(changing).add_service(talking);
        routes.add_service(grpc::service(inspection, config.max_message_bytes, stopped));
        if let Some(catalogue) = catalogue {
            let catalog = grpc::Catalog::new(catalogue);
            routes.add_service(grpc::catalog_service(catalog, config.max_message_bytes));
        }
        if config.reflection {
            add_reflection(&mut routes)?;
        }
        // Without this option an answer can wait 40 ms for an acknowledgement.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let incoming = incoming.map(|accepted| accepted.map(grpc::Lingering::new));
        let serving = tonic::transport::Server::builder()
            .http2_keepalive_interval(millis(config.keepalive_interval_ms))
            .http2_keepalive_timeout(millis(config.keepalive_timeout_ms))
            .add_routes(routes.routes())
            .serve_with_incoming_shutdown(incoming, async move {
                // An error would mean that the sender is gone, and then too it is time to stop.
                let _ = on_stop.wait_for(|stopping| *stopping).await;
            });
        tokio::pin!(serving);

        info!(
            version = info.version,
            revision = assemble::REVISION,
            rules = info.rules,
            rules_digest = info.rules_digest,
            matcher = info.matcher,
            model = info.model.as_deref().unwrap_or("none"),
            provider = info.provider.as_deref().unwrap_or("none"),
            workers,
            "listening on http://{address}"
        );
        if let Some(why) = &unclassified {
            warn!("classifier: unavailable: {why}");
        }
        if !address.ip().is_loopback() {
            warn!("{address} can be reached from other machines, without TLS or authentication: put a proxy before it");
        }
        tokio::select! {
            served = &mut serving => {
                return served.context("the server ended by itself");
            }
            () = stop => {}
        }

        info!("shutting down: finishing what was accepted, for at most {} ms", config.shutdown_grace_ms);
        set_health(&health, ServingStatus::NotServing).await;
        stopping.send_replace(true);
        tokio::spawn(end_health_watches(health));
        let drained = tokio::time::timeout(Duration::from_millis(config.shutdown_grace_ms), serving).await;
        if let Some(file) = &config.port_file {
            // Nobody needs it any more; if it cannot be removed nothing is lost.
            let _ = fs::remove_file(file);
        }
        match drained {
            Ok(served) => {
                served.context("the server failed while it shut down")?;
                info!("all requests were answered");
            }
            Err(_) => warn!("some requests were not finished within server.shutdown_grace_ms and are given up"),
        }
        Ok(())
    }
}

fn millis(millis: u64) -> Option<Duration> {
    (millis > 0).then(|| Duration::from_millis(millis))
}

async fn set_health(health: &HealthReporter, status: ServingStatus) {
    health.set_service_status("", status).await;
    health.set_service_status(grpc::SERVICE_NAME, status).await;
}

/// A watch has no end of its own, and would keep its connection open for the whole grace.
async fn end_health_watches(mut health: HealthReporter) {
    tokio::time::sleep(HEALTH_SEEN).await;
    health.clear_service_status("").await;
    health.clear_service_status(grpc::SERVICE_NAME).await;
}

fn add_reflection(routes: &mut RoutesBuilder) -> Result<(), tonic_reflection::server::Error> {
    let describe = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(grpc::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // Many clients still ask for v1alpha only.
    routes.add_service(describe().build_v1()?).add_service(describe().build_v1alpha()?);
    Ok(())
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let remedy = match error.kind() {
        ErrorKind::AddrInUse => "something else listens there; stop it, or choose another port (0 takes any free one)",
        ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose a higher one",
        ErrorKind::AddrNotAvailable => "this machine does not have that address",
        _ => "choose another address",
    };
    anyhow!("cannot listen on {address}: {error}: {remedy} (--listen, TAMIZ_SERVER_LISTEN or server.listen)")
}

/// Writes the whole file at once, so that a reader never sees half a number.
fn write_port(file: &Path, port: u16) -> io::Result<()> {
    let mut draft = file.as_os_str().to_owned();
    draft.push(".tmp");
    fs::write(&draft, format!("{port}\n"))?;
    fs::rename(&draft, file)
}

/// SIGTERM and SIGINT; Ctrl-C where there are no signals.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
