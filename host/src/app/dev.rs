//! `runner-host dev`: local projects over Encord's API.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Failed, report};
use crate::cli::DevArgs;
use crate::encord::Key;
use crate::local::{FaultPlan, Server, ServerOptions, Workspace};

pub(super) async fn dev(args: DevArgs, shutdown: CancellationToken) -> Result<ExitCode, Failed> {
    let faults = match &args.faults {
        Some(file) => {
            FaultPlan::read(file).map_err(|error| Failed::mistake(&error, error.help()))?
        }
        None => FaultPlan::default(),
    };
    let mut workspaces = Vec::new();
    for folder in &args.local {
        let opened =
            Workspace::open(folder).map_err(|error| Failed::mistake(&error, error.help()))?;
        workspaces.push(opened);
    }
    let projects: Vec<_> = workspaces
        .iter()
        .flat_map(Workspace::projects)
        .map(|project| (project.title.clone(), project.hash))
        .collect();
    let mut public_keys = Vec::new();
    for file in &args.key {
        public_keys.push(public_key(file)?);
    }
    let folder = args.local.first().map_or(Path::new("."), PathBuf::as_path);
    let key_file = folder.join("dev-key");
    public_keys.push(own_key(&key_file)?.public_hex().to_owned());

    let admin = args.admin || args.faults.is_some();
    let rules = faults.len();
    let addr = SocketAddr::new(args.address, args.port);
    let options = ServerOptions {
        addr,
        public_keys,
        insecure_any_key: args.insecure_any_key,
        url_lifetime: Duration::from_secs(args.url_lifetime.into()),
        faults,
        admin,
    };
    let server = Server::start(workspaces, options)
        .await
        .map_err(|error| Failed::broken(&error, error.help()))?;
    if projects.is_empty() {
        report::answer(&format!("serving no project yet on {}", server.url()));
    }
    for (title, hash) in &projects {
        report::answer(&format!("serving \"{title}\" ({hash}) on {}", server.url()));
    }
    let key_file = std::path::absolute(&key_file).unwrap_or(key_file);
    report::answer(&format!(
        "  export ENCORD_DOMAIN={}",
        server.url().as_str().trim_end_matches('/')
    ));
    report::answer(&format!(
        "  export ENCORD_SSH_KEY_FILE={}",
        key_file.display()
    ));
    if admin {
        let url = server.url();
        report::answer(&format!(
            "  {rules} faults; curl {url}admin/faults shows them"
        ));
    }
    report::answer("Ctrl-C ends it");
    shutdown.cancelled().await;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The key that is made for a project the first time it is served.
fn own_key(file: &Path) -> Result<Key, Failed> {
    let failed = |reason: String| {
        Failed::mistake(
            format!("cannot use the key `{}`: {reason}", file.display()),
            Some("remove the file; a new key is made at the next start".to_owned()),
        )
    };
    if file.exists() {
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        return Key::parse(&text, None).map_err(|error| failed(error.to_string()));
    }
    let key = Key::generate();
    let mut options = std::fs::OpenOptions::new();
    let written = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| file.write_all(key.to_openssh().as_bytes()));
    written.map_err(|error| failed(error.to_string()))?;
    Ok(key)
}

fn public_key(file: &Path) -> Result<String, Failed> {
    let failed = |found: String| {
        Failed::mistake(
            format!(
                "expected a public Ed25519 key in `{}`, found {found}",
                file.display()
            ),
            Some("give the `.pub` file that ssh-keygen made".to_owned()),
        )
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let key = ssh_key::PublicKey::from_openssh(&text).map_err(|error| failed(error.to_string()))?;
    let key = key
        .key_data()
        .ed25519()
        .ok_or_else(|| failed(format!("a key of type {}", key.algorithm())))?;
    Ok(key.0.iter().map(|byte| format!("{byte:02x}")).collect())
}
