//! Tests through the public functions: real files, a real state, a real server on a port of its own.

mod client;
mod faults;
mod jobs;
mod making;
mod manifest;
mod server;
mod setting_up;
mod uploads;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{InitOptions, InitReport, LocalError, Workspace, init};

/// A folder with `project/` and `media/` in it, which ends with the test.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        let scratch = Self(TempDir::new().expect("a temporary folder can be made"));
        std::fs::create_dir(scratch.media()).expect("the folder is empty");
        scratch
    }

    fn project(&self) -> PathBuf {
        self.0.path().join("project")
    }

    fn media(&self) -> PathBuf {
        self.0.path().join("media")
    }

    fn manifest(&self) -> PathBuf {
        self.project().join("project.toml")
    }

    fn add(&self, name: &str, content: &[u8]) {
        let path = self.media().join(name);
        let parent = path.parent().expect("it is in the media folder");
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, content))
            .expect("the folder is ours");
    }

    fn add_images(&self, count: u32) {
        for number in 0..count {
            self.add(&format!("image_{number:03}.bmp"), &bitmap(10 + number, 20));
        }
    }

    fn write_manifest(&self, text: &str) {
        std::fs::create_dir_all(self.project()).expect("the folder is ours");
        std::fs::write(self.manifest(), text).expect("the folder is ours");
    }

    fn edit_manifest(&self, edit: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(self.manifest()).expect("the project has been made");
        self.write_manifest(&edit(text));
    }

    /// With all of `media/`.
    fn init(&self) -> Result<InitReport, LocalError> {
        init(
            &self.project(),
            InitOptions {
                media: vec![self.media()],
                ..InitOptions::default()
            },
        )
    }

    fn reset(&self) -> Result<InitReport, LocalError> {
        init(
            &self.project(),
            InitOptions {
                reset: true,
                ..InitOptions::default()
            },
        )
    }

    fn open(&self) -> Result<Workspace, LocalError> {
        Workspace::open(&self.project())
    }
}

/// A whole black image in the format of Windows bitmaps, 24 bits for each pixel.
fn bitmap(width: u32, height: u32) -> Vec<u8> {
    let row = (width * 3).next_multiple_of(4);
    let pixels = row * height;
    let mut file = b"BM".to_vec();
    for field in [54 + pixels, 0, 54, 40, width, height] {
        file.extend(field.to_le_bytes());
    }
    file.extend([1, 0, 24, 0]);
    for field in [0, pixels, 2835, 2835, 0, 0] {
        file.extend(field.to_le_bytes());
    }
    file.resize(file.len() + pixels as usize, 0);
    file
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("the folder is ours")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}
