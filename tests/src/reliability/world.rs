//! A project to work on: always the same one, in a folder of its own.

use std::path::{Path, PathBuf};

use runner_host::encord::CreateOptions;
use runner_host::local;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Result;
use super::model::Number;
use crate::{guest, picture, program, root, serve};

/// The project of `tests/projects/reliability.toml`.
pub const PROJECT: Uuid = Uuid::from_u128(0x11111111_1111_4111_8111_000000000006);

/// A project with its folder.
#[derive(Debug)]
pub struct World {
    folder: PathBuf,
    tasks: u64,
}

impl World {
    /// Makes it, with so many tasks. Some rows have a mark that a person drew.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn make(folder: PathBuf, tasks: u64) -> Result<Self> {
        let world = Self { folder, tasks };
        let media = world.folder.join("media");
        std::fs::create_dir_all(&media)?;
        std::fs::create_dir_all(world.project())?;
        for number in world.numbers() {
            let content = if number.is_picture() {
                picture()
            } else {
                b"some text".to_vec()
            };
            std::fs::write(media.join(number.file()), content)?;
        }
        let set_up = root().join("tests/projects/reliability.toml");
        std::fs::copy(set_up, world.project().join("project.toml"))?;
        let options = local::InitOptions {
            media: vec![media],
            reset: false,
            title: None,
        };
        local::init(&world.project(), options)?;
        // Copies, since either may be built anew while the test runs.
        for (built, copy) in [
            (program(), world.program()),
            (guest("counting"), world.plugin()),
        ] {
            if !copy.exists() {
                std::fs::copy(built, copy)?;
            }
        }
        world.mark().await?;
        Ok(world)
    }

    /// The local project.
    pub fn project(&self) -> PathBuf {
        self.folder.join("project")
    }

    /// The program that hosts and servers run. Worlds beside each other share it.
    pub fn program(&self) -> PathBuf {
        self.folder.with_file_name("runner-host")
    }

    /// The plugin that hosts run, likewise.
    pub fn plugin(&self) -> PathBuf {
        self.folder.with_file_name("counting.wasm")
    }

    /// A folder for whatever a part of the test needs.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Where all of it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its tasks.
    pub fn numbers(&self) -> impl Iterator<Item = Number> + use<> {
        (0..self.tasks).map(Number)
    }

    async fn mark(&self) -> Result<()> {
        let served = serve(local::Workspace::open(&self.project())?).await;
        let listed = served
            .client
            .list_label_rows(served.hash, &Default::default(), &Default::default())
            .await?;
        let marked: Vec<_> = listed
            .iter()
            .filter(|row| Number::of(&row.data_title).is_some_and(Number::is_marked))
            .map(|row| row.data_hash)
            .collect();
        let created = served
            .client
            .create_label_rows(served.hash, &marked, &CreateOptions::default())
            .await?;
        let mut rows = Vec::new();
        for (data_hash, mut document) in created {
            draw(data_hash, &mut document);
            let label_hash = document["label_hash"].as_str().unwrap_or_default();
            rows.push((label_hash.parse::<Uuid>()?, document));
        }
        let documents: Vec<_> = rows.iter().map(|(hash, row)| (*hash, row)).collect();
        served
            .client
            .save_label_rows(served.hash, &documents)
            .await?;
        served.server.stop().await;
        Ok(())
    }
}

/// Puts one mark on a row without labels.
fn draw(data_hash: Uuid, document: &mut Value) {
    let hash = "MarkedIt";
    let mark = json!({
        "name": "Mark", "color": "#D33115", "shape": "bounding_box", "value": "mark",
        "createdAt": "Wed, 15 Jan 2025 09:31:05 UTC", "createdBy": "somebody@example.com", "confidence": 1.0,
        "objectHash": hash, "featureHash": "MarkMark", "manualAnnotation": true,
        "boundingBox": { "h": 0.5, "w": 0.25, "x": 0.1, "y": 0.2 },
    });
    document["object_answers"][hash] = json!({ "objectHash": hash, "classifications": [] });
    document["data_units"][data_hash.to_string()]["labels"] =
        json!({ "0": { "objects": [mark], "classifications": [] } });
}
