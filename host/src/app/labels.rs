//! `runner-host labels`: the labels of a project for other programs, and for the eye.

mod export;
mod import;
mod show;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;

use super::connect::{Connected, connect};
use super::{Failed, MISTAKE};
use crate::cli::LabelsCommand;
use crate::encord::{
    Client, Error, LabelRowFilter, LabelRowMetadata, MetadataOptions, Project, ReadOptions,
};
use crate::labels::{LabelRow, Ontology, RowFacts};
use crate::settings::{self, Mistake, Target};

/// Label rows that are in memory at once.
const ROWS_AT_ONCE: usize = 100;

pub(super) async fn labels(command: LabelsCommand) -> Result<ExitCode, Failed> {
    match command {
        LabelsCommand::Export(args) => {
            crate::telemetry::start(&args.log)?;
            let target = settings::target_of_labels(&args.project).map_err(mistakes)?;
            let opened = Opened::open(target).await?;
            let ended = export::export(&opened, args).await;
            opened.connected.close().await;
            ended
        }
        LabelsCommand::Import(args) => {
            crate::telemetry::start(&args.log)?;
            let target = settings::target_of_import(&args).map_err(mistakes)?;
            // Before anything is opened.
            let found = import::read(&args.file)?;
            let opened = Opened::open(target).await?;
            let ended = import::import(&opened, &found, args.dry_run).await;
            opened.connected.close().await;
            ended
        }
        LabelsCommand::Show(args) => {
            crate::telemetry::start(&args.log)?;
            let target = settings::target_of_labels(&args.project).map_err(mistakes)?;
            let opened = Opened::open(target).await?;
            let ended = show::show(&opened, args).await;
            opened.connected.close().await;
            ended
        }
    }
}

fn mistakes(mistakes: Vec<Mistake>) -> Failed {
    Failed {
        mistakes,
        code: MISTAKE,
    }
}

/// A project with its ontology.
struct Opened {
    connected: Connected,
    project: Project,
    ontology: Arc<Ontology>,
}

impl Opened {
    async fn open(target: Target) -> Result<Self, Failed> {
        let connected = connect(target).await?;
        match Self::read(&connected).await {
            Ok((project, ontology)) => Ok(Self {
                connected,
                project,
                ontology,
            }),
            Err(failed) => {
                connected.close().await;
                Err(failed)
            }
        }
    }

    async fn read(connected: &Connected) -> Result<(Project, Arc<Ontology>), Failed> {
        let client = &connected.client;
        let project = client.project(connected.project).await.map_err(failed)?;
        let found = client
            .ontology(project.ontology_uuid)
            .await
            .map_err(failed)?;
        let uuid = found.uuid.to_string();
        let ontology = Ontology::parse(&uuid, &found.title, &found.description, &found.editor)
            .map_err(|error| Failed::broken(error, None))?;
        Ok((project, Arc::new(ontology)))
    }

    fn client(&self) -> &Client {
        &self.connected.client
    }

    /// The rows of the branch `main`, those that do not exist yet included.
    async fn list(&self) -> Result<Vec<LabelRowMetadata>, Failed> {
        let options = MetadataOptions {
            include_images_data: true,
            ..MetadataOptions::default()
        };
        let filter = LabelRowFilter::default();
        self.client()
            .list_label_rows(self.project.hash, &filter, &options)
            .await
            .map_err(failed)
    }

    /// Reads rows. Those that do not exist are left out.
    async fn rows(
        &self,
        listed: &[LabelRowMetadata],
        include_signed_url: bool,
    ) -> Result<Vec<LabelRow>, Failed> {
        let hashes: Vec<_> = listed.iter().filter_map(|row| row.label_hash).collect();
        let options = ReadOptions {
            include_signed_url,
            ..ReadOptions::default()
        };
        let documents = self
            .client()
            .read_label_rows(self.project.hash, &hashes, &options)
            .await
            .map_err(failed)?;
        let mut rows = Vec::new();
        for (hash, document) in documents {
            let metadata = listed.iter().find(|row| row.label_hash == Some(hash));
            if let Some(metadata) = metadata {
                rows.push(self.row(metadata, document)?);
            }
        }
        Ok(rows)
    }

    fn row(&self, metadata: &LabelRowMetadata, document: Value) -> Result<LabelRow, Failed> {
        let facts = RowFacts {
            data_type: metadata.data_type.clone(),
            number_of_frames: metadata.number_of_frames,
            width: metadata.width,
            height: metadata.height,
            partial: false,
        };
        LabelRow::open(Arc::new(document), facts, Arc::clone(&self.ontology)).map_err(|error| {
            let title = &metadata.data_title;
            Failed::broken(format!("the label row of `{title}`: {error}"), None)
        })
    }
}

/// Encord may be able to do later what it refuses now for its own reasons.
fn failed(error: Error) -> Failed {
    let help = error.help();
    if error.is_transient() {
        Failed::broken(error, help)
    } else {
        Failed::mistake(error, help)
    }
}

/// Writes a file, which appears whole or not at all.
fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failed> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let written = tempfile::Builder::new()
        // Of a file that anybody would make; the user's mask takes away from it.
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .and_then(|file| {
            let mut buffered = std::io::BufWriter::new(file);
            write(&mut buffered)?;
            let file = buffered.into_inner().map_err(|error| error.into_error())?;
            file.persist(path).map_err(|error| error.error)?;
            Ok(())
        });
    written.map_err(|error| {
        Failed::mistake(
            format!("cannot write `{}`: {error}", path.display()),
            Some("choose another place with --output".to_owned()),
        )
    })
}
