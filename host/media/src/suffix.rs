//! What a file's name ends in, for programs that go by it.

/// Of a suffix, in bytes. Types of office documents have the longest.
const MOST_LENGTH: usize = 100;

/// The suffix of an item's file, with its dot: the second half of its media type, as `encord-agents` chooses it
/// (`.jpeg`, `.quicktime`, `.txt`). The type is the item's own, else what its name ends in says, else the usual one for the
/// type of item (`image`, `video`, `plainText` and so on, as storage items have it). Empty if nothing is known.
///
/// Differences: parameters of a media type (`text/plain; charset=utf-8`) are left out, and `video/mpeg` gives `.mpeg`, not
/// `.mp3`.
pub fn suffix(mime_type: Option<&str>, name: &str, item_type: &str) -> String {
    mime_type
        .and_then(of_type)
        .or_else(|| of_name(name))
        .or_else(|| of_item(item_type))
        .unwrap_or_default()
}

/// Whether a suffix can be a part of a file's name: empty, or a dot and a few plain characters.
pub(crate) fn is_suffix(suffix: &str) -> bool {
    suffix.is_empty()
        || suffix.len() <= MOST_LENGTH
            && suffix.strip_prefix('.').is_some_and(|rest| {
                !rest.is_empty()
                    && !rest.contains("..")
                    && rest
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte))
            })
}

fn of_type(mime_type: &str) -> Option<String> {
    let (whole, _) = mime_type.split_once(';').unwrap_or((mime_type, ""));
    let (kind, rest) = whole.trim().split_once('/')?;
    let subtype = rest.split('/').next().unwrap_or(rest);
    let subtype = subtype.replace("plain", "txt");
    let subtype = if kind == "video" {
        subtype
    } else {
        subtype.replace("mpeg", "mp3")
    };
    let suffix = format!(".{subtype}");
    is_suffix(&suffix).then_some(suffix)
}

/// By the types that Python's `mimetypes` knows on common systems, of files that Encord takes.
fn of_name(name: &str) -> Option<String> {
    let (_, ending) = name.rsplit_once('.')?;
    let mime_type = match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" | "jpe" | "jfif" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        "svg" => "image/svg+xml",
        "mp4" | "mpg4" | "m4v" => "video/mp4",
        "mov" | "qt" => "video/quicktime",
        "mkv" => "video/x-matroska",
        "webm" => "video/webm",
        "avi" => "video/x-msvideo",
        "mpg" | "mpeg" | "mpe" | "m1v" | "mpa" => "video/mpeg",
        "mp3" | "mp2" => "audio/mpeg",
        "wav" => "audio/x-wav",
        "aac" | "adts" => "audio/aac",
        "flac" => "audio/flac",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "m4a" => "audio/mp4",
        "3gp" | "3gpp" => "audio/3gpp",
        "aif" | "aiff" | "aifc" => "audio/x-aiff",
        "au" | "snd" => "audio/basic",
        "pdf" => "application/pdf",
        "txt" | "srt" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "md" | "markdown" => "text/markdown",
        "tsv" => "text/tab-separated-values",
        "vtt" => "text/vtt",
        "xml" => "application/xml",
        "py" => "text/x-python",
        "json" => "application/json",
        "js" | "mjs" => "text/javascript",
        "dcm" => "application/dicom",
        "zip" => "application/zip",
        _ => return None,
    };
    of_type(mime_type)
}

fn of_item(item_type: &str) -> Option<String> {
    let suffix = match item_type {
        "video" | "imageSequence" => ".mp4",
        "audio" => ".mp3",
        "image" | "imageGroup" => ".png",
        "pdf" => ".pdf",
        "plainText" => ".txt",
        "nifti" => ".octet-stream",
        _ => return None,
    };
    Some(suffix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `_guess_file_suffix` of `encord-agents` 0.2.10 gives.
    #[test]
    fn suffixes_are_those_of_the_python_package() {
        for (mime_type, name, item_type, expected) in [
            (Some("image/jpeg"), "a.png", "image", ".jpeg"),
            (Some("text/plain"), "a", "plainText", ".txt"),
            (Some("audio/mpeg"), "a", "audio", ".mp3"),
            (Some("image/svg+xml"), "a", "image", ".svg+xml"),
            (None, "A.b.JPG", "image", ".jpeg"),
            (None, "clip.mov", "video", ".quicktime"),
            (None, "sound.wav", "audio", ".x-wav"),
            (None, "x/y.png?z", "video", ".mp4"),
            (None, "scan.nii.gz", "nifti", ".octet-stream"),
            (None, "no ending", "imageSequence", ".mp4"),
            (None, "", "imageGroup", ".png"),
            (None, "", "plainText", ".txt"),
        ] {
            assert_eq!(suffix(mime_type, name, item_type), expected, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_part_of_a_name_is_left_out() {
        assert_eq!(suffix(Some("text/plain; charset=x"), "", ""), ".txt");
        assert_eq!(suffix(Some("video/mpeg"), "", ""), ".mpeg");
        assert_eq!(suffix(Some("image"), "a", "image"), ".png");
        assert_eq!(suffix(Some("a/../../b"), "a", "scene"), "");
        assert_eq!(suffix(Some("a/b\0c"), "a", "pdf"), ".pdf");
        for wrong in ["jpg", ".", ".a/b", ".a..b", ".\u{e9}"] {
            assert!(!is_suffix(wrong), "{wrong}");
        }
        assert!(!is_suffix(&format!(".{}", "a".repeat(100))));
    }
}
