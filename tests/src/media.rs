//! The media of `tests/projects/everything`: one file of each kind, small, made anew for each test.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Pictures are of this size unless they are small ones.
const SIZE: &str = "64x48";

/// Makes all files in a folder that exists.
///
/// # Panics
/// If FFmpeg is missing or fails, or if a file cannot be written.
pub fn make(folder: &Path) {
    film(folder);
    let write = |name: &str, content: &[u8]| {
        std::fs::write(folder.join(name), content).expect("the folder is the test's own");
    };
    write(
        "notes.txt",
        b"Nine words to label, three of which are names.\n",
    );
    write(
        "page.html",
        b"<!doctype html><html><body><h1>Title</h1><p>Some text to label.</p></body></html>\n",
    );
    write("document.pdf", &pdf(3));
    // Neither is opened by anybody: what counts is that they are served as they are.
    write("scan.dcm", &[&[0; 128][..], b"DICM"].concat());
    write(
        "volume.nii",
        &[&348_i32.to_le_bytes()[..], &[0; 344]].concat(),
    );
}

/// Pictures, videos and sound.
fn film(folder: &Path) {
    let pictures = format!("testsrc=size={SIZE}:rate=10:duration=1");
    let inputs = [
        pictures.as_str(),
        "testsrc2=size=32x24:rate=1:duration=1",
        "sine=frequency=440:sample_rate=8000:duration=1",
    ];
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]);
    for input in inputs {
        command.args(["-f", "lavfi", "-i", input]);
    }
    let video = ["-c:v", "mpeg4", "-pix_fmt", "yuv420p"];
    let picture = ["-frames:v", "1", "-update", "1"];
    let outputs = [
        ("0:v", &video[..], "video.mp4"),
        (
            "0:v",
            &["-c:v", "mpeg4", "-frames:v", "4"][..],
            "sequence.mp4",
        ),
        ("0:v", &picture[..], "image.png"),
        ("1:v", &picture[..], "small.png"),
        ("0:v", &["-frames:v", "2"][..], "group%d.png"),
        ("2:a", &[][..], "sound.wav"),
    ];
    for (stream, options, name) in outputs {
        command.args(["-map", stream]).args(options);
        command.arg(folder.join(name));
    }
    let made = command
        .output()
        .expect("ffmpeg starts: `bash tests/setup.sh media` installs it");
    assert!(
        made.status.success(),
        "ffmpeg made no media: {}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A PDF of empty pages.
fn pdf(pages: usize) -> Vec<u8> {
    let kids: Vec<_> = (0..pages).map(|page| format!("{} 0 R", page + 3)).collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!("<</Type/Pages/Kids[{}]/Count {pages}>>", kids.join(" ")),
    ];
    objects.extend(
        kids.iter()
            .map(|_| "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>".to_owned()),
    );
    let mut text = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (index, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", text.len());
        let _ = writeln!(text, "{} 0 obj{object}endobj", index + 1);
    }
    let (count, start) = (objects.len() + 1, text.len());
    let _ = write!(
        text,
        "xref\n0 {count}\n{table}trailer<</Size {count}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    );
    text.into_bytes()
}
