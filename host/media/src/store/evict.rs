//! Making room.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use super::key::is_stored_name;
use super::{Inner, lock};

/// The folder is read again after so much of the capacity was added: others may have added as much.
const SHARE_BETWEEN_LOOKS: u64 = 16;
/// Of the capacity, what is kept when something has to go, so that not every download has to read the folder.
const KEPT: (u64, u64) = (15, 16);

/// A file that could go.
struct Candidate {
    used: SystemTime,
    size: u64,
    path: PathBuf,
    name: String,
}

impl Inner {
    /// [`Inner::make_room`] if so much was added that there may be too much.
    pub(super) fn make_room_if_needed(&self) {
        if self.known.load(Ordering::Relaxed) > self.capacity
            || self.added.load(Ordering::Relaxed) > self.capacity / SHARE_BETWEEN_LOOKS
        {
            self.make_room();
        }
    }

    /// Removes files that nobody uses, those first that were not used for the longest time, until the rest is within the
    /// capacity. What cannot be read or removed is left: it may be gone already.
    pub(super) fn make_room(&self) {
        let _alone = lock(&self.evicting);
        self.added.store(0, Ordering::Relaxed);
        let (mut candidates, mut total) = look(self.folder.files());
        if total > self.capacity {
            let goal = self.capacity / KEPT.1 * KEPT.0;
            candidates.sort_by(|one, other| (one.used, &one.name).cmp(&(other.used, &other.name)));
            for file in candidates {
                if total <= goal {
                    break;
                }
                if !self.is_used(&file.name) && self.remove_unused(&file.path) {
                    total -= file.size;
                }
            }
        }
        self.known.store(total, Ordering::Relaxed);
    }

    /// Whether it was removed. A file with a second link is in use, here or in another process.
    pub(super) fn remove_unused(&self, path: &Path) -> bool {
        let unused = fs::symlink_metadata(path).is_ok_and(|found| found.nlink() == 1);
        let removed = unused && fs::remove_file(path).is_ok();
        if removed {
            self.evictions.fetch_add(1, Ordering::Relaxed);
        }
        removed
    }
}

/// The files of the store in a folder, and how many bytes they have together.
fn look(files: &Path) -> (Vec<Candidate>, u64) {
    let mut candidates = Vec::new();
    let mut total = 0;
    for entry in fs::read_dir(files).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_stored_name(name)) else {
            continue;
        };
        let Ok(found) = entry.metadata() else {
            continue;
        };
        if !found.is_file() {
            continue;
        }
        total += found.len();
        candidates.push(Candidate {
            used: found.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            size: found.len(),
            path: entry.path(),
            name: name.to_owned(),
        });
    }
    (candidates, total)
}
