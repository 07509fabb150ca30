//! `runner-host quarantine`: tasks that failed and are left alone.

use std::path::PathBuf;
use std::process::ExitCode;

use comfy_table::{Table, presets};
use uuid::Uuid;

use super::{Failed, local_state_dir, report, state_dir};
use crate::cli::{QuarantineArgs, QuarantineCommand, QuarantineReleaseArgs};
use crate::journal::{JournalError, Quarantine, Quarantined};
use crate::settings::Mistake;

/// The part of a message that is shown in a list, in characters.
const SHOWN: usize = 60;

pub(super) fn quarantine(command: QuarantineCommand) -> Result<ExitCode, Failed> {
    match command {
        QuarantineCommand::List(of) => list(&of),
        QuarantineCommand::Show(args) => show(&args.task, &args.of),
        QuarantineCommand::Release(args) => release(&args),
    }
}

/// A quarantine, and what is in it.
struct Opened {
    quarantine: Option<Quarantine>,
    tasks: Vec<Quarantined>,
}

fn open(of: &QuarantineArgs) -> Result<Opened, Failed> {
    let project = of
        .project_hash
        .as_deref()
        .map(|text| {
            Uuid::try_parse(text.trim()).map_err(|_| Mistake {
                message: format!("--project-hash: expected a UUID, found `{text}`"),
                help: Some("it is in the address of the project in Encord's app".to_owned()),
            })
        })
        .transpose()?;
    let folder: PathBuf = match (&of.state_dir, &of.local, project) {
        (Some(folder), _, _) => folder.clone(),
        (None, Some(local), project) => local_state_dir(local, project),
        (None, None, Some(project)) => state_dir(None, &project.to_string()),
        (None, None, None) => {
            return Err(Failed::mistake(
                "expected a project or a state directory, found neither",
                Some(
                    "name one: --project-hash <uuid>, --local FOLDER, or --state-dir FOLDER"
                        .to_owned(),
                ),
            ));
        }
    };
    let quarantine = Quarantine::open(&folder).map_err(failed)?;
    let tasks = match &quarantine {
        Some(quarantine) => quarantine.list(project).map_err(failed)?,
        None => Vec::new(),
    };
    Ok(Opened { quarantine, tasks })
}

fn list(of: &QuarantineArgs) -> Result<ExitCode, Failed> {
    let tasks = open(of)?.tasks;
    if tasks.is_empty() {
        report::answer("No task is in quarantine.");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "Task",
        "Data",
        "Stage",
        "Ended in",
        "Failed at",
        "Tried again",
        "Error",
    ]);
    for task in &tasks {
        let first = task.message.lines().next().unwrap_or_default();
        let mut error: String = first.chars().take(SHOWN).collect();
        if error.len() < first.len() {
            error.push('…');
        }
        table.add_row([
            task.task.to_string(),
            task.data_title.clone(),
            task.stage_title.clone(),
            task.kind.clone(),
            seconds(task.failed_at),
            task.until
                .map_or_else(|| "when released".to_owned(), seconds),
            error,
        ]);
    }
    report::answer(&table.to_string());
    report::answer(&format!(
        "{} tasks; `runner-host quarantine show TASK` tells all of one",
        tasks.len()
    ));
    Ok(ExitCode::SUCCESS)
}

fn show(task: &str, of: &QuarantineArgs) -> Result<ExitCode, Failed> {
    let opened = open(of)?;
    let found = find(&opened.tasks, task)?;
    for (at, task) in found.iter().enumerate() {
        if at > 0 {
            report::answer("");
        }
        let times = if task.failures > 1 {
            format!(", {} times in a row", task.failures)
        } else {
            String::new()
        };
        let until = task.until.map_or_else(
            || "when it is released, or the plugin or its configuration changes".to_owned(),
            seconds,
        );
        let lines = [
            ("task", task.task.to_string()),
            ("data", task.data_title.clone()),
            ("stage", format!("{} ({})", task.stage_title, task.stage)),
            ("project", task.project.to_string()),
            (
                "ended in",
                format!(
                    "{}, after {}{times}",
                    task.kind,
                    report::attempts(task.attempts)
                ),
            ),
            ("failed at", seconds(task.failed_at)),
            ("tried again", until),
            ("plugin", format!("sha256:{}", task.digest)),
            ("configuration", format!("sha256:{}", task.configuration)),
            (
                "inputs",
                match task.inputs.as_str() {
                    "" => "unknown".to_owned(),
                    digest => format!("sha256:{digest}"),
                },
            ),
        ];
        for (name, value) in lines {
            report::answer(&format!("{:<15}{value}", format!("{name}:")));
        }
        report::answer("error:");
        indented(&task.message);
        report::answer("log of the last attempt:");
        match task.log.as_str() {
            "" => report::answer("  (nothing)"),
            log => indented(log),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn release(args: &QuarantineReleaseArgs) -> Result<ExitCode, Failed> {
    let opened = open(&args.of)?;
    let chosen: Vec<Quarantined> = if args.all {
        opened.tasks.clone()
    } else if let Some(stage) = &args.stage {
        let of_stage = |task: &&Quarantined| {
            task.stage_title == *stage
                || Uuid::try_parse(stage).is_ok_and(|uuid| uuid == task.stage)
        };
        let chosen: Vec<_> = opened.tasks.iter().filter(of_stage).cloned().collect();
        if chosen.is_empty() {
            return Err(Failed::mistake(
                format!("no task of a stage \"{stage}\" is in quarantine"),
                Some("see `runner-host quarantine list`".to_owned()),
            ));
        }
        chosen
    } else {
        let mut chosen = Vec::new();
        for task in &args.tasks {
            chosen.extend(find(&opened.tasks, task)?.into_iter().cloned());
        }
        chosen
    };
    let released = match opened.quarantine {
        Some(mut quarantine) => quarantine.release(&chosen).map_err(failed)?,
        None => 0,
    };
    let tasks = if released == 1 {
        "task is"
    } else {
        "tasks are"
    };
    report::answer(&format!(
        "{released} {tasks} released; they are tried at the next pass of a running host, or at the next start"
    ));
    Ok(ExitCode::SUCCESS)
}

/// The entries that are meant: of a task, or of all tasks about data with that title.
fn find<'a>(tasks: &'a [Quarantined], meant: &str) -> Result<Vec<&'a Quarantined>, Failed> {
    let uuid = Uuid::try_parse(meant).ok();
    let found: Vec<&Quarantined> = tasks
        .iter()
        .filter(|task| Some(task.task) == uuid || task.data_title == meant)
        .collect();
    if found.is_empty() {
        return Err(Failed::mistake(
            format!("expected a task in quarantine, found none that is `{meant}`"),
            Some(
                "`runner-host quarantine list` shows their UUIDs and the titles of their data"
                    .to_owned(),
            ),
        ));
    }
    Ok(found)
}

fn seconds(moment: jiff::Timestamp) -> String {
    jiff::fmt::strtime::format("%Y-%m-%d %H:%M:%S UTC", moment)
        .unwrap_or_else(|_| moment.to_string())
}

fn indented(text: &str) {
    for line in text.lines() {
        report::answer(&format!("  {line}"));
    }
}

fn failed(error: JournalError) -> Failed {
    Failed::broken(&error, error.help())
}
