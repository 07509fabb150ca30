//! The HTTP server. `auth` checks signatures, `v1` and `v2` are Encord's two APIs, `media` hands out files,
//! `uploads` takes new ones, `faults` lets things go wrong on demand.

mod auth;
mod faults;
mod groups;
mod listing;
mod media;
mod reply;
mod scope;
mod transitions;
mod uploads;
mod v1;
mod v1_data;
mod v1_metadata;
mod v1_setup;
mod v2;
mod v2_issues;
mod v2_setup;
mod v2_storage;
mod v2_summary;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, patch, post, put};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::auth::Keys;
use self::faults::{CuttableListener, Peer};
pub use self::faults::{FaultPlan, FaultPlanError, Faults, RuleCount};
use self::media::UrlSigner;
use self::reply::ApiError;
use super::error::LocalError;
use super::workspace::Workspace;

/// The largest request that is read, in bytes: a save of 100 large label rows.
const MAX_BODY: usize = 256 * 1024 * 1024;
/// How long requests that are under way may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a media URL can be used if nobody says otherwise.
const URL_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen. Default: a free port of the loopback address.
    pub addr: SocketAddr,
    /// The public Ed25519 keys that may sign requests, as 64 hexadecimal digits each.
    pub public_keys: Vec<String>,
    /// Accept any key. The signature must still be right. Default: false.
    pub insecure_any_key: bool,
    /// How long the URL of a media file can be used. Rounded down to seconds. Default: a day.
    pub url_lifetime: Duration,
    /// What goes wrong from the beginning. Default: nothing.
    pub faults: FaultPlan,
    /// Offer the admin calls, to this machine only. Default: false.
    pub admin: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            public_keys: Vec::new(),
            insecure_any_key: false,
            url_lifetime: URL_LIFETIME,
            faults: FaultPlan::default(),
            admin: false,
        }
    }
}

/// A running server. Call [`Server::stop`] to end it; dropping it cuts off what is under way.
#[derive(Debug)]
pub struct Server {
    url: Url,
    faults: Faults,
    stopping: CancellationToken,
    running: Option<JoinHandle<std::io::Result<()>>>,
}

impl Server {
    /// Serves the projects of folders. Returns once the address is listened on.
    ///
    /// Errors: a key is not one, two projects have one hash, or the address is taken.
    pub async fn start(
        workspaces: Vec<Workspace>,
        options: ServerOptions,
    ) -> Result<Self, LocalError> {
        let keys = Keys::new(&options.public_keys, options.insecure_any_key)?;
        let mut hashes = std::collections::HashSet::new();
        let mut projects = workspaces.iter().flat_map(Workspace::projects);
        if let Some(twice) = projects.find(|project| !hashes.insert(project.hash)) {
            return Err(LocalError::SameProject {
                hash: twice.hash.to_string(),
            });
        }
        let bind = |source| LocalError::Bind {
            addr: options.addr,
            source,
        };
        let listener = TcpListener::bind(options.addr).await.map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let url: Url = format!("http://{addr}/")
            .parse()
            .expect("a socket address makes a URL");
        let service = Arc::new(Service {
            workspaces: workspaces.into_iter().map(Arc::new).collect(),
            keys,
            signer: UrlSigner::new(options.url_lifetime),
            addr,
        });
        service
            .workspaces
            .iter()
            .for_each(|workspace| uploads::sweep(workspace));
        let faults = Faults::default();
        faults.set(options.faults);
        let stopping = CancellationToken::new();
        // Answers are small and waited for; without this the system holds some of them back for 40 ms.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY is refused");
            }
        });
        let stopped = stopping.clone().cancelled_owned();
        let router = router(service, &faults, options.admin);
        let router = router.into_make_service_with_connect_info::<Peer>();
        let serving = axum::serve(CuttableListener(listener), router);
        let serving = serving.with_graceful_shutdown(stopped);
        let running = tokio::spawn(async move { serving.await });
        tracing::debug!(%url, "serving local projects");
        Ok(Self {
            url,
            faults,
            stopping,
            running: Some(running),
        })
    }

    /// Where it listens, for example `http://127.0.0.1:8700/`.
    #[must_use]
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// What goes wrong with the requests to this server.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Takes no more requests, lets those under way end (at most 5 seconds), and returns.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        let Some(mut running) = self.running.take() else {
            return;
        };
        match tokio::time::timeout(DRAIN, &mut running).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the server ended with an error"),
            Ok(Err(error)) => tracing::warn!(%error, "the server ended with a panic"),
            Err(_) => {
                tracing::warn!("requests under way did not end in time, and are cut off");
                running.abort();
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.cancel();
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

/// What every request may use.
#[derive(Debug)]
struct Service {
    workspaces: Vec<Arc<Workspace>>,
    keys: Keys,
    signer: UrlSigner,
    addr: SocketAddr,
}

type Shared = State<Arc<Service>>;

impl Service {
    /// The base of URLs that the client will ask later: the name by which it reached the server.
    fn base(&self, host: Option<&header::HeaderValue>) -> String {
        match host.and_then(|host| host.to_str().ok()) {
            Some(host) if !host.is_empty() => format!("http://{host}"),
            _ => format!("http://{}", self.addr),
        }
    }
}

fn router(service: Arc<Service>, faults: &Faults, admin: bool) -> Router {
    let projects = Router::new()
        .route("/", get(v2::project))
        .route("/branches", get(v2::branches))
        .route("/datasets", get(v2::datasets))
        .route("/priorities", post(v2::priorities))
        .route("/issues", get(v2_issues::list).post(v2_issues::create))
        .route("/issues/delete", post(v2_issues::delete))
        .route("/label-rows/classifications", post(v2::classifications))
        .route("/labels/copy-branch", post(v2::copy_branch))
        .route(
            "/labels/{label}/validation-state",
            get(v2::validation_state),
        )
        .route("/workflow/stages/{stage}/tasks", get(v2::tasks))
        .route("/workflow/stages/{stage}/actions", post(v2::actions))
        .route("/workflow/stages/{stage}/move-tasks", post(v2::move_tasks));
    let storage = Router::new()
        .route("/items/get-bulk", post(v2_storage::get_bulk))
        .route("/items/patch-bulk", patch(v2_storage::patch_bulk))
        .route("/items/{item}", get(v2_storage::get_item))
        .route("/folders", post(v2_storage::create_folder))
        .route("/folders/{folder}", get(v2_storage::folder))
        .route("/folders/{folder}/items", get(v2_storage::folder_items))
        .route(
            "/folders/{folder}/items/{item}",
            patch(v2_storage::patch_item),
        )
        .route(
            "/folders/{folder}/items/{item}/child-items",
            get(v2_storage::child_items),
        )
        .route(
            "/folders/{folder}/items/{item}/summary",
            get(v2_summary::item),
        )
        .route("/folders/{folder}/summary", get(v2_summary::folder))
        .route("/folders/{folder}/create-group-items", post(groups::create))
        .route(
            "/folders/{folder}/upload-signed-urls",
            post(uploads::signed_urls),
        )
        .route("/folders/{folder}/data-upload-jobs", post(uploads::post))
        .route(
            "/folders/{folder}/data-upload-jobs/{job}",
            get(uploads::get),
        );
    let v2 = Router::new()
        .route("/v2/public/projects", get(v2::projects))
        .nest("/v2/public/projects/{project}", projects)
        .nest("/v2/public/storage", storage)
        .route(
            "/v2/public/ontologies",
            get(v2_setup::ontologies).post(v2_setup::create_ontology),
        )
        .route(
            "/v2/public/ontologies/{ontology}",
            get(v2_setup::ontology).put(v2_setup::update_ontology),
        )
        .route("/v2/public/presigned-urls", get(uploads::presigned_urls))
        .route("/v2/public/datasets", post(v2_setup::create_dataset))
        .route("/v2/public/datasets/list", get(v2_setup::datasets))
        .layer(middleware::from_fn_with_state(
            service.clone(),
            auth::require_v2,
        ));
    let router = Router::new()
        .merge(v2)
        .route("/public", post(v1::handle))
        .route("/public/user", post(v1::handle))
        .route("/media/{item}/{name}", get(media::serve))
        .route("/uploads/{upload}", put(uploads::receive))
        .fallback(async |request: Request| {
            let message = format!(
                "this local server has no {} {}",
                request.method(),
                request.uri().path()
            );
            Err::<(), _>(ApiError::not_found(message))
        })
        .layer(DefaultBodyLimit::max(MAX_BODY));
    faults::install(router, faults, admin)
        .layer(middleware::from_fn_with_state(service.clone(), log))
        .with_state(service)
}

/// Logs each request with the trace that the client gave it.
async fn log(State(_): Shared, request: Request<Body>, next: Next) -> Response {
    let method = request.method().clone();
    let target = request.uri().clone();
    let trace = request.headers().get("x-cloud-trace-context").cloned();
    let trace = trace
        .as_ref()
        .and_then(|trace| trace.to_str().ok())
        .unwrap_or_default();
    let began = Instant::now();
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    // The query of a media URL is a credential.
    let path = target.path();
    tracing::debug!(%method, path, status, ?took, trace, "request");
    if let Some(error) = response.extensions().get::<reply::LoggedError>() {
        // A refusal is news to whoever asked; a failure is news to whoever runs the server.
        if error.failure {
            tracing::error!(%method, path, status, trace, error = error.message, "request failed");
        } else {
            tracing::info!(%method, path, status, trace, error = error.message, "request refused");
        }
    }
    response
}
