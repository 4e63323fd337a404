//! The whole product in one process: the parts, and how they are put together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use landfall_base::{AccountId, Clock, Region, SystemClock};
use landfall_edge::Edge;
use landfall_gateway::{EcrRegistry, Front, Gateway, Tls};
use landfall_image::{Client, ClientOptions, LayerStore, Nearby};
use landfall_node::{Node, Parts, TaskApi};
use landfall_registry::{BlobStore, Collected};
use landfall_runtime::{NativeConfig, NativeRuntime, Runtime};
use landfall_services::ecr::LayerUploads;
use landfall_services::ecs::agent::EcsControlPlane;
use landfall_services::lightsail::{HealthBoard, endpoint};
use landfall_services::pipe::{AuthMode, Call, Images, Installation};
use landfall_services::{TABLES, ecr, ecs, iam, kms, logs, s3, secretsmanager, ssm};
use landfall_store::Store;
use landfall_store::journal::Journals;
use landfall_vault::Vault;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::client_file::{self, ClientFile};
use super::own_layers::OwnLayers;
use super::upstream::Registries;
use super::{RegistryNameOption, containers, rotations};

/// How often what is due by the clock is done.
const PERIOD: Duration = Duration::from_secs(60);

/// How often unused layers are looked for: as often as they become unused, within these bounds.
const SHORTEST_COLLECTION: Duration = Duration::from_secs(1);
const LONGEST_COLLECTION: Duration = Duration::from_secs(3600);

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// What happens to refused calls.
    pub auth: AuthMode,
    /// Region for clients that name none.
    pub region: Region,
    /// The account that is made at the first start.
    pub account: AccountId,
    /// The name of the registries in answers.
    pub registry_name: RegistryNameOption,
    /// Registries that speak plain HTTP.
    pub insecure_registries: Vec<String>,
    /// How long a registry may take for each answer.
    pub registry_timeout: Duration,
    /// How long layers are kept that no image names.
    pub unused_layers_for: Duration,
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    installation: Arc<Installation>,
    data_dir: PathBuf,
    engine: Option<Arc<NativeRuntime>>,
    warnings: Vec<String>,
    stop: watch::Sender<bool>,
    work: Vec<JoinHandle<()>>,
}

impl Server {
    /// Opens the data directory, listens, and takes up the tasks that run.
    ///
    /// # Errors
    /// The address is taken, another server uses the directory, or something in it cannot be read.
    pub async fn start(options: ServerOptions) -> Result<Self> {
        let listener = TcpListener::bind(options.listen).await.with_context(|| {
            format!(
                "cannot listen on `{}`: another server may be there, choose another with `--listen`",
                options.listen
            )
        })?;
        let address = listener.local_addr().context("cannot tell the address")?;
        let installation = Arc::new(open(&options, address)?);
        write_client_file(&installation, &options, address)?;
        let call = Call::new(Arc::clone(&installation), TABLES);
        let (stop, told) = watch::channel(false);
        let fatal = landfall_runtime::doctor().into_iter().filter(|finding| finding.fatal);
        let mut warnings: Vec<String> =
            fatal.map(|finding| format!("tasks will not start: {}", finding.text)).collect();
        let board = Arc::new(HealthBoard::default());
        let edge = Arc::new(Edge::new(Arc::clone(&installation), Arc::clone(&board)));
        let registry = Arc::new(EcrRegistry::new(Arc::clone(&installation)));
        let gateway = Gateway::new(call.clone(), landfall_api::SERVICES)
            .with_front(edge)
            // Before the registry: a key of a bucket named by the host may begin with `v2/`.
            .with_front(Arc::new(landfall_s3::S3Front::new(Arc::clone(&installation))))
            .with_front(Arc::clone(&registry) as Arc<dyn Front>);
        installation.upstreams.set(Arc::new(Registries::new(registry_client(&options, None)?)));
        let tls = Arc::new(tls(&installation, &options.data_dir)?);
        sweep(&installation);
        let gateway = Arc::new(gateway);
        let stop_listening = stopped(told.clone());
        let threads = landfall_gateway::Threads::start().context("cannot start threads")?;
        let serving =
            landfall_gateway::serve(threads, Arc::clone(&gateway), listener, Some(tls), stop_listening);
        let mut work = vec![tokio::spawn(serving)];
        work.extend(containers::spawn(&installation, &board, &told));
        work.push(tokio::spawn(close_uploads(
            Arc::clone(&registry),
            Arc::clone(&installation),
            told.clone(),
        )));
        work.push(tokio::spawn(collect(registry, options.unused_layers_for, told.clone())));
        work.push(tokio::spawn(replicate(Arc::clone(&installation), told.clone())));
        work.push(tokio::spawn(complete_indexes(Arc::clone(&installation), told.clone())));
        work.push(tokio::spawn(replicate_secrets(Arc::clone(&installation), told.clone())));
        work.push(tokio::spawn(chores(Arc::clone(&installation), told.clone())));
        let (mut engine, mut functions) = (None, None);
        match node(&call, &options, task_api(&gateway, options.auth, address)) {
            Ok((node, runtime)) => {
                let metering =
                    containers::meter(Arc::clone(&installation), Arc::clone(&runtime), told.clone());
                work.push(tokio::spawn(metering));
                functions = Some(node.clone());
                engine = Some(runtime);
                installation.images.set(node.image_probe());
                let told = told.clone();
                work.push(tokio::spawn(async move { node.run(stopped(told)).await }));
            }
            Err(error) => warnings.push(format!(
                "tasks cannot run here, everything else works: {error:#} (`landfall doctor` tells more)"
            )),
        }
        let rotating = rotations::run(call, functions, reachable(address), told);
        work.push(tokio::spawn(rotating));
        Ok(Self { address, installation, data_dir: options.data_dir, engine, warnings, stop, work })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a user should know.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// One line about the server.
    pub fn banner(&self) -> String {
        let Installation { auth, default_account, .. } = &*self.installation;
        format!(
            "landfall {} · http://{} · {auth} · account {default_account} · data {}",
            env!("CARGO_PKG_VERSION"),
            self.address,
            self.data_dir.display()
        )
    }

    /// Ends the server. Tasks go on running.
    pub async fn stop(self) {
        // Nobody listening any more means that all has ended already.
        let _ = self.stop.send(true);
        for work in self.work {
            let _ = work.await;
        }
        if let Some(engine) = self.engine {
            // Bridge, rules and control groups are left as long as tasks need them; that is no failure.
            let removed = tokio::task::spawn_blocking(move || engine.uninstall()).await;
            tracing::debug!(?removed, "the runtime's own parts");
        }
    }
}

fn open(options: &ServerOptions, address: SocketAddr) -> Result<Installation> {
    let dir = &options.data_dir;
    Ok(Installation {
        store: Store::open(&dir.join("state"))?,
        journals: Journals::open(&dir.join("journals"))?,
        queries: logs::Queries::default(),
        live_tails: logs::LiveTails::default(),
        vault: Vault::open(&dir.join("vault"))?,
        objects: s3::files::ObjectFiles::open(&dir.join("s3")).context("cannot open the objects of S3")?,
        blobs: BlobStore::open(&dir.join("registry"))?,
        layer_uploads: LayerUploads::default(),
        registry: options.registry_name.name(&reachable(address).to_string()),
        clock: Arc::new(SystemClock) as Arc<dyn Clock>,
        auth: options.auth,
        default_account: options.account.clone(),
        default_region: options.region.clone(),
        images: Images::default(),
        upstreams: ecr::pull_through::Upstreams::default(),
        origin: None,
    })
}

/// Files of objects that a server left which was killed. What is being put now is newer.
fn sweep(installation: &Arc<Installation>) {
    let installation = Arc::clone(installation);
    tokio::task::spawn_blocking(move || match s3::sweep(&installation) {
        Ok(removed) => tracing::debug!(removed, "files of objects that were never complete"),
        Err(error) => tracing::warn!(%error, "files of objects were not swept"),
    });
}

/// Certificates for this machine's names, for AWS's, which clients may resolve to this machine, and for those of container
/// services.
fn tls(installation: &Arc<Installation>, data_dir: &Path) -> Result<Tls> {
    let names = Arc::clone(installation);
    let known = move |name: &str| {
        name == "localhost"
            || name.ends_with(".localhost")
            || name.ends_with(".amazonaws.com")
            || endpoint::is_known(&names.store.view(), name)
    };
    let (vault, clock) = (&installation.vault, Arc::clone(&installation.clock));
    Tls::open(&data_dir.join(client_file::TLS_DIR), vault, clock, known).context("cannot set up TLS")
}

fn write_client_file(
    installation: &Installation,
    options: &ServerOptions,
    address: SocketAddr,
) -> Result<()> {
    let administrator = iam::administrator(installation).map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let file = ClientFile {
        endpoint: format!("http://{}", reachable(address)),
        region: options.region.to_string(),
        account: options.account.to_string(),
        access_key_id: administrator.access_key_id,
        secret_access_key: administrator.secret_access_key.expose().clone(),
    };
    client_file::write(&options.data_dir, &file)
}

/// An address that clients on this machine can use.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}

/// The API for containers. Without enforcement it is not for them: whoever reaches it then may run containers as root.
fn task_api(gateway: &Arc<Gateway>, auth: AuthMode, address: SocketAddr) -> Option<TaskApi> {
    if auth != AuthMode::Enforce {
        return None;
    }
    let gateway = Arc::clone(gateway);
    let answer = move |stream, peer| {
        Box::pin(landfall_gateway::answer_connection(Arc::clone(&gateway), stream, peer)) as _
    };
    Some(TaskApi { url: format!("http://{}", reachable(address)), answer: Arc::new(answer) })
}

pub(super) async fn stopped(mut told: watch::Receiver<bool>) {
    // A server that was dropped without being stopped has stopped too.
    let _ = told.wait_for(|stopped| *stopped).await;
}

fn registry_client(options: &ServerOptions, nearby: Option<Arc<dyn Nearby>>) -> Result<Client> {
    Ok(Client::new(ClientOptions {
        insecure_registries: options.insecure_registries.clone(),
        inactivity_timeout: options.registry_timeout,
        manifest_timeout: options.registry_timeout,
        nearby,
        ..ClientOptions::default()
    })?)
}

fn node(call: &Call, options: &ServerOptions, api: Option<TaskApi>) -> Result<(Node, Arc<NativeRuntime>)> {
    let dir = &options.data_dir;
    let nearby = OwnLayers::new(Arc::clone(call.installation()));
    let client = registry_client(options, Some(Arc::new(nearby)))?;
    let runtime = Arc::new(NativeRuntime::new(runtime_config(dir))?);
    let node = Node::new(Parts {
        control: Arc::new(EcsControlPlane::new(call.clone())),
        runtime: Arc::clone(&runtime) as Arc<dyn Runtime>,
        client,
        layers: LayerStore::open(dir.join("images"))?,
        clock: Arc::clone(&call.installation().clock),
        volumes: dir.join("volumes"),
        api,
    });
    Ok((node, runtime))
}

/// Several servers can work on one machine: bridge and control group are named after the data directory.
fn runtime_config(data_dir: &Path) -> NativeConfig {
    let dir = data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_owned());
    let hash = dir.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let suffix = format!("{:08x}", hash >> 32);
    NativeConfig {
        cgroup: format!("landfall-{suffix}").into(),
        bridge: format!("lf-{suffix}"),
        ..NativeConfig::new(dir.join("containers"))
    }
}

/// Removes layers that no image names, from time to time.
async fn collect(registry: Arc<EcrRegistry>, unused_for: Duration, told: watch::Receiver<bool>) {
    let mut stop = std::pin::pin!(stopped(told));
    loop {
        tokio::select! {
            () = tokio::time::sleep(unused_for.clamp(SHORTEST_COLLECTION, LONGEST_COLLECTION)) => {}
            () = &mut stop => return,
        }
        match registry.collect(unused_for).await {
            Ok(collected) if collected == Collected::default() => {}
            Ok(Collected { blobs, bytes, uploads }) => {
                tracing::info!(blobs, bytes, uploads, "unused layers were removed");
            }
            Err(error) => tracing::warn!(%error, cause = ?error.cause, "unused layers were not removed"),
        }
    }
}

/// Closes uploads as soon as their repository is removed; what that misses is found by the next collection.
async fn close_uploads(
    registry: Arc<EcrRegistry>,
    installation: Arc<Installation>,
    told: watch::Receiver<bool>,
) {
    let mut changed = installation.store.changed(&ecr::record::REPOSITORIES);
    let mut stop = std::pin::pin!(stopped(told));
    loop {
        tokio::select! {
            changed = changed.changed() => if changed.is_none() { return },
            () = &mut stop => return,
        }
        if let Err(error) = registry.close_orphaned_uploads().await {
            tracing::warn!(%error, cause = ?error.cause, "uploads of removed repositories were not closed");
        }
    }
}

/// Makes replicas of images as soon as they are asked for; what cannot be made then is tried again with the chores.
async fn replicate(installation: Arc<Installation>, told: watch::Receiver<bool>) {
    let mut queued = installation.store.changed(&ecr::record::REPLICATION_QUEUE);
    let mut stop = std::pin::pin!(stopped(told));
    loop {
        tokio::select! {
            changed = queued.changed() => if changed.is_none() { return },
            () = &mut stop => return,
        }
        let work = Arc::clone(&installation);
        match tokio::task::spawn_blocking(move || ecr::replicate(&work)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "images were not replicated"),
            Err(error) => tracing::error!(%error, "replication broke off"),
        }
    }
}

/// Fetches the images of indexes in the pull-through cache that no client has asked for yet.
async fn complete_indexes(installation: Arc<Installation>, told: watch::Receiver<bool>) {
    tokio::select! {
        () = ecr::pull_through::complete_indexes(installation, PERIOD) => {}
        () = stopped(told) => {}
    }
}

/// Brings replicas of secrets to their primaries' state: those that a server left which ended, and then each as soon as it is
/// queued.
async fn replicate_secrets(installation: Arc<Installation>, told: watch::Receiver<bool>) {
    let mut queued = installation.store.changed(&secretsmanager::record::REPLICATION_QUEUE);
    let mut stop = std::pin::pin!(stopped(told));
    loop {
        let work = Arc::clone(&installation);
        match tokio::task::spawn_blocking(move || secretsmanager::replicate(&work)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "secrets were not replicated"),
            Err(error) => tracing::error!(%error, "replication of secrets broke off"),
        }
        tokio::select! {
            changed = queued.changed() => if changed.is_none() { return },
            () = &mut stop => return,
        }
    }
}

/// What is due by the clock: secrets whose deletion window is over, log events past their retention, old tasks.
async fn chores(installation: Arc<Installation>, told: watch::Receiver<bool>) {
    let mut stop = std::pin::pin!(stopped(told));
    loop {
        let work = Arc::clone(&installation);
        let done = tokio::task::spawn_blocking(move || {
            if let Err(error) = kms::reconcile(&work) {
                tracing::warn!(%error, "keys that are due were neither deleted nor rotated");
            }
            if let Err(error) = secretsmanager::reconcile(&work) {
                tracing::warn!(%error, "secrets whose time is over were not removed");
            }
            if let Err(error) = secretsmanager::replicate(&work) {
                tracing::warn!(%error, "secrets were not replicated");
            }
            if let Err(error) = ssm::reconcile(&work) {
                tracing::warn!(%error, "parameters that expired were not deleted");
            }
            ecr::reconcile(&work);
            if let Err(error) = s3::reconcile(&work) {
                tracing::warn!(%error, "files of deleted objects were not removed");
            }
            logs::reconcile(&work);
            ecs::agent::reconcile(&work);
        });
        if let Err(error) = done.await {
            tracing::error!(%error, "periodic work failed");
        }
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = &mut stop => return,
        }
    }
}
