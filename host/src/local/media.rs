//! Which files are media, and where they are. Nothing is opened here.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use super::error::LocalError;
use super::{LOCK_FILE, MANIFEST_FILE, STATE_FILE, UPLOADS};

/// What a storage item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaKind {
    Image,
    Video,
    /// Images that are labelled together, one after the other.
    ImageGroup,
    /// Images that were made into a video.
    ImageSequence,
    /// Items of any kind that are labelled side by side.
    Group,
    Audio,
    Text,
    Pdf,
    DicomSeries,
    /// A part of a series.
    DicomFile,
    Nifti,
}

impl MediaKind {
    const ALL: [Self; 11] = [
        Self::Image,
        Self::Video,
        Self::ImageGroup,
        Self::ImageSequence,
        Self::Group,
        Self::Audio,
        Self::Text,
        Self::Pdf,
        Self::DicomSeries,
        Self::DicomFile,
        Self::Nifti,
    ];

    /// As people write them in `project.toml`.
    pub(super) const SET_UP: [(&'static str, Self); 10] = [
        ("image", Self::Image),
        ("video", Self::Video),
        ("image-group", Self::ImageGroup),
        ("image-sequence", Self::ImageSequence),
        ("data-group", Self::Group),
        ("audio", Self::Audio),
        ("text", Self::Text),
        ("pdf", Self::Pdf),
        ("dicom", Self::DicomSeries),
        ("nifti", Self::Nifti),
    ];

    pub(super) fn from_set_up(written: &str) -> Option<Self> {
        Self::SET_UP
            .iter()
            .find(|(name, _)| *name == written)
            .map(|(_, kind)| *kind)
    }

    /// As in storage items.
    pub(super) fn item_type(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::ImageGroup => "imageGroup",
            Self::ImageSequence => "imageSequence",
            Self::Group => "group",
            Self::Audio => "audio",
            Self::Text => "plainText",
            Self::Pdf => "pdf",
            Self::DicomSeries => "dicomSeries",
            Self::DicomFile => "dicomFile",
            Self::Nifti => "nifti",
        }
    }

    /// As in label rows; their metadata has it in capitals.
    pub(super) fn data_type(self) -> &'static str {
        match self {
            Self::Image => "image",
            // An image sequence is labelled as the video that it became.
            Self::Video | Self::ImageSequence => "video",
            Self::ImageGroup => "img_group",
            Self::Group => "group",
            Self::Audio => "audio",
            Self::Text => "plain_text",
            Self::Pdf => "pdf",
            Self::DicomSeries | Self::DicomFile => "dicom",
            Self::Nifti => "nifti",
        }
    }

    pub(super) fn from_item_type(item_type: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.item_type() == item_type)
    }

    /// Whether it is made of other items, and no file itself.
    pub(super) fn has_parts(self) -> bool {
        matches!(self, Self::ImageGroup | Self::Group | Self::DicomSeries)
    }
}

/// A file that can be labelled.
#[derive(Debug, Clone)]
pub(super) struct MediaFile {
    /// Absolute, without symbolic links.
    pub(super) path: PathBuf,
    /// The path within the folder that was given, with `/`; what people see.
    pub(super) title: String,
    pub(super) kind: MediaKind,
    pub(super) mime_type: &'static str,
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Sorted by path.
    pub(super) media: Vec<MediaFile>,
    /// Files of other kinds, sorted by path.
    pub(super) skipped: Vec<PathBuf>,
}

/// Recognised by the ending of the name, in any case.
pub(super) fn recognise(path: &Path) -> Option<(MediaKind, &'static str)> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "jpg" | "jpeg" => (MediaKind::Image, "image/jpeg"),
        "png" => (MediaKind::Image, "image/png"),
        "gif" => (MediaKind::Image, "image/gif"),
        "webp" => (MediaKind::Image, "image/webp"),
        "bmp" => (MediaKind::Image, "image/bmp"),
        "tif" | "tiff" => (MediaKind::Image, "image/tiff"),
        "mp4" | "m4v" => (MediaKind::Video, "video/mp4"),
        "mov" => (MediaKind::Video, "video/quicktime"),
        "webm" => (MediaKind::Video, "video/webm"),
        "mkv" => (MediaKind::Video, "video/x-matroska"),
        "avi" => (MediaKind::Video, "video/x-msvideo"),
        "mp3" => (MediaKind::Audio, "audio/mpeg"),
        "wav" => (MediaKind::Audio, "audio/wav"),
        "m4a" => (MediaKind::Audio, "audio/mp4"),
        "flac" => (MediaKind::Audio, "audio/flac"),
        "ogg" => (MediaKind::Audio, "audio/ogg"),
        "txt" => (MediaKind::Text, "text/plain"),
        "csv" => (MediaKind::Text, "text/csv"),
        "json" => (MediaKind::Text, "application/json"),
        "md" => (MediaKind::Text, "text/markdown"),
        "html" | "htm" => (MediaKind::Text, "text/html"),
        "pdf" => (MediaKind::Pdf, "application/pdf"),
        "dcm" | "dicom" => (MediaKind::DicomSeries, "application/dicom"),
        "nii" => (MediaKind::Nifti, "application/octet-stream"),
        "gz" if path
            .file_stem()?
            .to_str()?
            .to_ascii_lowercase()
            .ends_with(".nii") =>
        {
            (MediaKind::Nifti, "application/gzip")
        }
        _ => return None,
    })
}

/// The file, if it is of a kind that can be labelled. An upload has a name without an ending, so its title counts.
pub(super) fn file(path: PathBuf, title: String) -> Option<MediaFile> {
    let (kind, mime_type) = recognise(&path).or_else(|| recognise(Path::new(&title)))?;
    let path = path.canonicalize().unwrap_or(path);
    Some(MediaFile {
        path,
        title,
        kind,
        mime_type,
    })
}

/// Searches files and folders, and folders in them. Hidden folders and `own` files are not looked at.
pub(super) fn search(roots: &[PathBuf], own: &[PathBuf]) -> Result<Found, LocalError> {
    let mut search = Search {
        own: own
            .iter()
            .filter_map(|path| path.canonicalize().ok())
            .collect(),
        visited: HashSet::new(),
        found: Found::default(),
    };
    for given in roots {
        let root = given
            .canonicalize()
            .map_err(|source| LocalError::MediaMissing {
                path: given.clone(),
                source,
            })?;
        if root.is_dir() {
            search.folder(&root, &root)?;
        } else {
            let parent = root.parent().unwrap_or(&root).to_owned();
            search.file(&parent, root);
        }
    }
    let mut found = search.found;
    found.media.sort_by(|one, other| one.path.cmp(&other.path));
    found.skipped.sort();
    Ok(found)
}

/// The files that make up the project in `folder`, none of which is media.
pub(super) fn own_files(folder: &Path, further: &[PathBuf]) -> Vec<PathBuf> {
    let mut own: Vec<_> = [
        MANIFEST_FILE,
        STATE_FILE,
        LOCK_FILE,
        UPLOADS,
        "dev-key",
        "run",
    ]
    .into_iter()
    .chain(["state.sqlite-wal", "state.sqlite-shm"])
    .map(|name| folder.join(name))
    .collect();
    own.extend_from_slice(further);
    own
}

struct Search {
    own: HashSet<PathBuf>,
    /// Against links that lead in circles, and files that are reached twice.
    visited: HashSet<PathBuf>,
    found: Found,
}

impl Search {
    fn folder(&mut self, root: &Path, folder: &Path) -> Result<(), LocalError> {
        if self.own.contains(folder) || !self.visited.insert(folder.to_owned()) {
            return Ok(());
        }
        let failed = || LocalError::io("search", folder);
        for entry in std::fs::read_dir(folder).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            let path = entry.path();
            match path.canonicalize() {
                Ok(target) if target.is_dir() => {
                    if !hidden {
                        self.folder_at(root, &path, &target)?;
                    }
                }
                Ok(target) if target.is_file() && !hidden => self.file(root, target),
                // A hidden file, a link to nowhere, a socket.
                _ => self.found.skipped.push(path),
            }
        }
        Ok(())
    }

    /// A folder that is a link has its files titled by where it leads.
    fn folder_at(&mut self, root: &Path, path: &Path, target: &Path) -> Result<(), LocalError> {
        let root = if path == target { root } else { target };
        self.folder(root, target)
    }

    fn file(&mut self, root: &Path, path: PathBuf) {
        if self.own.contains(&path) || !self.visited.insert(path.clone()) {
            return;
        }
        let title = slashed(path.strip_prefix(root).unwrap_or(&path));
        match file(path.clone(), title) {
            None => self.found.skipped.push(path),
            Some(file) => self.found.media.push(file),
        }
    }
}

/// How many folders up a recorded path may lead before it is clearer, and sturdier, to record it from the root.
const UP: usize = 3;

/// How a file is written down in the state: relative to the project's folder if it is in it or near it, so that
/// both can be moved together; absolute otherwise. Both paths are absolute and without links.
pub(super) fn recorded(folder: &Path, file: &Path) -> String {
    let shared = folder
        .components()
        .zip(file.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = folder.components().count() - shared;
    let names = folder
        .components()
        .take(shared)
        .filter(|part| matches!(part, Component::Normal(_)))
        .count();
    if up > 0 && (up > UP || names == 0) {
        return slashed(file);
    }
    let mut path: PathBuf = std::iter::repeat_n(Component::ParentDir, up).collect();
    path.extend(file.components().skip(shared));
    slashed(&path)
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy()
        .replace(std::path::MAIN_SEPARATOR, "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_near_the_project_are_recorded_relative_to_it() {
        let folder = Path::new("/home/ann/project");
        assert_eq!(
            recorded(folder, Path::new("/home/ann/project/media/a.png")),
            "media/a.png"
        );
        assert_eq!(
            recorded(folder, Path::new("/home/ann/pictures/a.png")),
            "../pictures/a.png"
        );
        assert_eq!(
            recorded(folder, Path::new("/mnt/disk/a.png")),
            "/mnt/disk/a.png"
        );
        assert_eq!(
            recorded(Path::new("/a/b/c/d/e/f"), Path::new("/a/x.png")),
            "/a/x.png"
        );
    }

    #[test]
    fn recognises_by_ending_in_any_case() {
        assert_eq!(
            recognise(Path::new("a.JPEG")),
            Some((MediaKind::Image, "image/jpeg"))
        );
        assert_eq!(
            recognise(Path::new("page.html")),
            Some((MediaKind::Text, "text/html"))
        );
        assert_eq!(recognise(Path::new("a.exe")), None);
        assert_eq!(recognise(Path::new("jpg")), None);
    }
}
