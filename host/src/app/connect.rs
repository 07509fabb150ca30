//! A client of what a command names: a project of Encord's, or a local one that is served for it.

use uuid::Uuid;

use super::Failed;
use crate::encord::{Client, Domain, Key};
use crate::local;
use crate::settings::Target;

/// A project, and the way to it.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) project: Uuid,
    /// Serves a local project. It is to be stopped at the end.
    server: Option<local::Server>,
}

impl Connected {
    /// Ends the service of a local project. Its clients get no answers any more.
    pub(super) async fn close(self) {
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

/// Prepares a client. Nothing is sent to Encord yet.
pub(super) async fn connect(target: Target) -> Result<Connected, Failed> {
    match target {
        Target::Encord {
            domain,
            key,
            project,
        } => {
            let client =
                Client::new(domain, *key).map_err(|error| Failed::mistake(&error, error.help()))?;
            Ok(Connected {
                client,
                project,
                server: None,
            })
        }
        Target::Local { folder, project } => {
            let opened = local::Workspace::open(&folder)
                .map_err(|error| Failed::mistake(&error, error.help()))?;
            let project = choose(&opened, project)?;
            let key = Key::generate();
            let options = local::ServerOptions {
                public_keys: vec![key.public_hex().to_owned()],
                ..local::ServerOptions::default()
            };
            let server = local::Server::start(vec![opened], options)
                .await
                .map_err(|error| Failed::broken(&error, error.help()))?;
            let domain =
                Domain::try_from(server.url()).map_err(|error| Failed::broken(error, None))?;
            let client =
                Client::new(domain, key).map_err(|error| Failed::broken(&error, error.help()))?;
            Ok(Connected {
                client,
                project,
                server: Some(server),
            })
        }
    }
}

/// The project that was named, or the main one.
fn choose(workspace: &local::Workspace, wanted: Option<Uuid>) -> Result<Uuid, Failed> {
    let projects = workspace.projects();
    let found = match wanted {
        None => projects.first(),
        Some(hash) => projects.iter().find(|project| project.hash == hash),
    };
    if let Some(project) = found {
        return Ok(project.hash);
    }
    let folder = workspace.folder().display();
    let known: Vec<_> = projects
        .iter()
        .map(|project| format!("{} (\"{}\")", project.hash, project.title))
        .collect();
    Err(match wanted {
        None => Failed::mistake(
            format!("expected a project in `{folder}`, found none"),
            Some(
                "give `project.toml` a [project], or make one with a client of `runner-host dev`"
                    .to_owned(),
            ),
        ),
        Some(hash) => Failed::mistake(
            format!("expected a project of `{folder}`, found {hash}, which it does not have"),
            Some(format!("its projects are {}", known.join(", "))),
        ),
    })
}
