//! What can go wrong with a local project.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{MANIFEST_FILE, STATE_FILE};

/// Why a local project could not be made, opened or served. [`LocalError::help`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// There is no such folder.
    #[error("expected a local project in `{}`, found no such folder", folder.display())]
    FolderMissing {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// The folder has no `project.toml`.
    #[error("expected a local project in `{}`, found no `{MANIFEST_FILE}` there", folder.display())]
    ManifestMissing {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// The project has no state file yet.
    #[error("the local project in `{}` has no data yet (no `{STATE_FILE}`)", folder.display())]
    StateMissing {
        /// The project's folder.
        folder: PathBuf,
    },
    /// Something in `project.toml` is not as it should be. All mistakes are listed.
    #[error("{}", list_mistakes(file, mistakes))]
    Manifest {
        /// The file.
        file: PathBuf,
        /// In the order of the file.
        mistakes: Vec<Mistake>,
    },
    /// A new project was asked for without media.
    #[error("expected media for the new project in `{}`, found none given", folder.display())]
    NoMedia {
        /// The project's folder.
        folder: PathBuf,
    },
    /// Media that were named are not there.
    #[error("expected media in `{}`: {source}", path.display())]
    MediaMissing {
        /// What was named.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// None of the files is of a kind that can be labelled.
    #[error(
        "expected images, videos, audio, text or PDF files in {}, found {}",
        list(searched),
        if *skipped == 0 { "no files".to_owned() } else { format!("only other files ({skipped})") }
    )]
    NothingRecognised {
        /// What was searched.
        searched: Vec<PathBuf>,
        /// How many files of other kinds there were.
        skipped: usize,
    },
    /// Media files could not be read. All of them are listed.
    #[error("{}", list_problems(problems))]
    Media {
        /// One for each file.
        problems: Vec<MediaProblem>,
    },
    /// Videos and audio can be described only by `ffprobe`, which is not there.
    #[error(
        "expected the program `ffprobe` to read size and duration of {}, found none on the PATH",
        list(files)
    )]
    FfprobeMissing {
        /// The videos and audio files.
        files: Vec<PathBuf>,
    },
    /// Another process has the project open.
    #[error("the local project in `{}` is in use by another process", folder.display())]
    InUse {
        /// The project's folder.
        folder: PathBuf,
    },
    /// A title was given for a project that already has another.
    #[error("expected the title \"{title}\" of the existing project, found \"{given}\" given")]
    OtherTitle {
        /// What `project.toml` says.
        title: String,
        /// What was asked for.
        given: String,
    },
    /// The state file belongs to a project with another hash.
    #[error("`{MANIFEST_FILE}` says that the project is {expected}, the state in `{}` is of {found}", state.display())]
    OtherProject {
        /// The state file.
        state: PathBuf,
        /// The hash in `project.toml`.
        expected: String,
        /// The hash in the state file.
        found: String,
    },
    /// `project.toml` names a dataset whose media have not been read yet.
    #[error("the dataset \"{title}\" ({hash}) of `{MANIFEST_FILE}` has not been taken into the local project in `{}`", folder.display())]
    DatasetMissing {
        /// The project's folder.
        folder: PathBuf,
        /// Of the dataset.
        title: String,
        /// Of the dataset.
        hash: String,
    },
    /// Tasks wait at a stage that `project.toml` no longer has.
    #[error("{tasks} tasks wait at the stage {stage}, which `{}` does not have (any more)", file.display())]
    StageGone {
        /// `project.toml`.
        file: PathBuf,
        /// UUID of the stage.
        stage: String,
        /// How many tasks.
        tasks: u64,
    },
    /// The state file was written by a newer version of the program, or is none of ours.
    #[error("expected a state file of format {expected} in `{}`, found format {found}", path.display())]
    StateFormat {
        /// The state file.
        path: PathBuf,
        /// What this version reads.
        expected: i64,
        /// What the file is.
        found: i64,
    },
    /// The system refused something.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite refused something.
    #[error("cannot use the state file `{}`: {source}", path.display())]
    State {
        /// The state file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The server's address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A public key is not one.
    #[error("expected a public Ed25519 key as 64 hexadecimal digits, found `{found}`")]
    PublicKey {
        /// What was given.
        found: String,
    },
    /// Two projects with one hash cannot be told apart by a client.
    #[error("expected projects with different hashes, found {hash} twice")]
    SameProject {
        /// The hash.
        hash: String,
    },
}

/// One mistake in `project.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line of the file, from 1. Absent if it is about the file as a whole.
    pub line: Option<usize>,
    /// What was expected and what was found.
    pub message: String,
}

/// One media file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaProblem {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "line {line}: {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

impl LocalError {
    /// What to do about it, as a sentence. Absent where the message says all there is to say.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::FolderMissing { folder }
            | Self::ManifestMissing { folder }
            | Self::StateMissing { folder }
            | Self::NoMedia { folder } => {
                let folder = folder.display();
                return Some(format!(
                    "make one: runner-host init {folder} --media <folder>"
                ));
            }
            Self::OtherProject { found, .. } => {
                return Some(format!(
                    "put `hash = \"{found}\"` back into [project], or {START_OVER}"
                ));
            }
            Self::DatasetMissing { folder, .. } => {
                return Some(format!(
                    "take it in: runner-host init {}; if its hash was changed, {START_OVER}",
                    folder.display()
                ));
            }
            Self::StageGone { stage, .. } => {
                let uuid = format!("`uuid = \"{stage}\"`");
                return Some(format!(
                    "if the stage was renamed, give it {uuid}; or {START_OVER}"
                ));
            }
            Self::StateFormat { .. } => {
                return Some(format!(
                    "use the version of runner-host that wrote it, or {START_OVER}"
                ));
            }
            Self::PublicKey { .. } => return None,
            Self::Manifest { .. } => "correct the file and run the command again",
            Self::MediaMissing { .. } => "name a file or a folder that exists; nothing was changed",
            Self::NothingRecognised { .. } => {
                "recognised are jpg, png, gif, webp, bmp, tif; mp4, mov, webm, mkv, avi; mp3, wav, m4a, flac, \
                 ogg; txt, csv, json, md, html; pdf; dcm, nii"
            }
            Self::Media { .. } => "repair or remove the files; nothing was changed",
            Self::FfprobeMissing { .. } => {
                "install FFmpeg (for example `apt install ffmpeg` or `brew install ffmpeg`), or leave these \
                 files out"
            }
            Self::InUse { .. } => {
                "stop the runner-host that has it open, then run the command again"
            }
            Self::OtherTitle { .. } => "change `title` in `project.toml`, or leave the title out",
            Self::Bind { .. } => "choose another port, or 0 for a free one",
            Self::SameProject { .. } => {
                "name each project once; a copied project needs a `hash` of its own in [project]"
            }
            Self::Io { .. } | Self::State { .. } => {
                "check that the disk has room and that you may read and write the project's folder"
            }
        };
        Some(help.to_owned())
    }

    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    pub(super) fn state(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::State { path, source }
    }
}

const START_OVER: &str = "start over with `runner-host init <folder> --reset`";

fn list_mistakes(file: &Path, mistakes: &[Mistake]) -> String {
    let lines = mistakes.iter().map(|mistake| format!("\n  {mistake}"));
    let count = mistakes.len();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    format!(
        "{count} {noun} in `{}`:{}",
        file.display(),
        lines.collect::<String>()
    )
}

/// As many as help; a folder of a thousand broken files needs no thousand lines.
const LISTED: usize = 20;

fn list_problems(problems: &[MediaProblem]) -> String {
    let mut text = format!("cannot use {} of the media files:", problems.len());
    for problem in problems.iter().take(LISTED) {
        text.push_str(&format!(
            "\n  `{}`: {}",
            problem.file.display(),
            problem.message
        ));
    }
    if problems.len() > LISTED {
        text.push_str(&format!("\n  … and {} more", problems.len() - LISTED));
    }
    text
}

fn list(paths: &[PathBuf]) -> String {
    let mut text = String::new();
    for (index, path) in paths.iter().take(LISTED).enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        text.push_str(&format!("{separator}`{}`", path.display()));
    }
    if paths.len() > LISTED {
        text.push_str(&format!(" and {} more", paths.len() - LISTED));
    }
    text
}
