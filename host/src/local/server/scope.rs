//! Which folder a request is about, and the project in it.

use std::sync::Arc;

use rusqlite::Connection;
use uuid::Uuid;

use super::Service;
use super::reply::{self, ApiError};
use crate::local::store::{self, Project};
use crate::local::workspace::Workspace;

impl Service {
    /// The folder for which `has` says yes.
    pub(super) async fn workspace_with(
        &self,
        has: impl Fn(&Connection) -> rusqlite::Result<bool> + Clone + Send + 'static,
    ) -> Result<Option<Arc<Workspace>>, ApiError> {
        for workspace in &self.workspaces {
            let has = has.clone();
            if reply::read(workspace, move |connection, _| Ok(has(connection)?)).await? {
                return Ok(Some(workspace.clone()));
            }
        }
        Ok(None)
    }

    /// The folder with the project, or the only one. Whether it has the project is seen when it is read.
    async fn workspace_of(&self, project: Uuid) -> Result<Arc<Workspace>, ApiError> {
        if let [only] = self.workspaces.as_slice() {
            return Ok(only.clone());
        }
        let has =
            move |connection: &Connection| Ok(store::find_project(connection, project)?.is_some());
        let found = self.workspace_with(has).await?;
        found.ok_or_else(|| no_project(project))
    }

    /// Reads of a project, which is named as a request has it.
    pub(super) async fn read_project<T: Send + 'static>(
        &self,
        hash: &str,
        work: impl FnOnce(&Connection, &Project) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let hash = uuid(hash, "a project hash")?;
        let workspace = self.workspace_of(hash).await?;
        reply::read(&workspace, move |connection, _| {
            work(connection, &project(connection, hash)?)
        })
        .await
    }

    /// Changes something in a project: all that `work` does, or nothing.
    pub(super) async fn write_project<T: Send + 'static>(
        &self,
        hash: &str,
        work: impl FnOnce(&Connection, &Project) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let hash = uuid(hash, "a project hash")?;
        let workspace = self.workspace_of(hash).await?;
        reply::write(&workspace, move |connection, _| {
            work(connection, &project(connection, hash)?)
        })
        .await
    }

    /// The folder that new things go to which belong to no other.
    pub(super) fn first_workspace(&self) -> Result<&Arc<Workspace>, ApiError> {
        let first = self.workspaces.first();
        first.ok_or_else(|| ApiError::internal("the server was started without a folder"))
    }
}

fn project(connection: &Connection, hash: Uuid) -> Result<Project, ApiError> {
    store::find_project(connection, hash)?.ok_or_else(|| no_project(hash))
}

/// Encord does not tell projects that do not exist from those that the account may not see.
fn no_project(hash: Uuid) -> ApiError {
    ApiError::forbidden(format!("there is no project {hash} for this account"))
}

pub(super) fn uuid(text: &str, what: &str) -> Result<Uuid, ApiError> {
    text.parse().map_err(|_| {
        ApiError::unprocessable(format!("expected {what}, which is a UUID, found `{text}`"))
    })
}
