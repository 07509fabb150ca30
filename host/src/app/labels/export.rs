//! `runner-host labels export`.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use super::{Opened, ROWS_AT_ONCE, write_file};
use crate::app::{Failed, report};
use crate::cli::{ExportArgs, LabelFormat};
use crate::coco::Exporter;

pub(super) async fn export(opened: &Opened, args: ExportArgs) -> Result<ExitCode, Failed> {
    // There is one so far.
    let LabelFormat::Coco = args.format;
    let mut exporter = Exporter::new(&opened.project.title, &opened.ontology);
    let listed = opened.list().await?;
    for part in listed.chunks(ROWS_AT_ONCE) {
        for row in opened.rows(part, false).await? {
            exporter.add(&row);
        }
    }
    let (document, left_out) = exporter.finish();
    let write = |file: &mut dyn Write| {
        serde_json::to_writer(&mut *file, &document)?;
        file.write_all(b"\n")?;
        file.flush()
    };
    match &args.output {
        Some(path) => write_file(path, write)?,
        None => match write(&mut io::BufWriter::new(io::stdout().lock())) {
            // What nobody reads any more need not be written.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                return Err(Failed::broken(format!("cannot write: {error}"), None));
            }
            _ => {}
        },
    }
    if !left_out.is_empty() {
        report::note(&format!(
            "left out, since COCO has no place for it: {left_out}"
        ));
    }
    if let Some(path) = &args.output {
        report::note(&format!(
            "wrote {} annotations on {} images to {}",
            document.annotations(),
            document.images(),
            path.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
