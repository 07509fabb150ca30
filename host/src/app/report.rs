//! Everything that the program prints outside of its log.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use super::Failed;
use crate::runner::{Other, StageSummary, Summary, Undeclared};

/// `println!` panics if nobody reads any more (`runner-host … | head`). What nobody reads need not be printed.
macro_rules! out {
    ($($argument:tt)*) => {
        let _ = writeln!(io::stdout(), $($argument)*);
    };
}

/// The same for standard error.
macro_rules! err {
    ($($argument:tt)*) => {
        let _ = writeln!(io::stderr(), $($argument)*);
    };
}

/// Failed tasks that are named under the table; the log has all of them.
const FAILURES_SHOWN: usize = 10;

/// Undeclared dependencies that are named for a stage.
const UNDECLARED_SHOWN: usize = 10;

/// Prints what went wrong, and gives the exit code.
pub(super) fn failure(failed: &Failed) -> ExitCode {
    for mistake in &failed.mistakes {
        err!("error: {}", mistake.message);
        if let Some(help) = &mistake.help {
            err!("help: {help}");
        }
    }
    ExitCode::from(failed.code)
}

/// A line for people, on standard error.
pub(super) fn note(line: &str) {
    err!("{line}");
}

/// A line of the answer, on standard output.
pub(super) fn answer(line: &str) {
    out!("{line}");
}

/// Prints the table at the end of a run.
pub(super) fn summary(summary: &Summary) {
    let total: u64 = summary
        .stages
        .iter()
        .map(|stage| stage.done() + stage.failed + stage.gone)
        .sum();
    if summary.resumed > 0 {
        out!(
            "{} commits of an earlier run were brought to their end",
            summary.resumed
        );
    }
    if summary.refused > 0 {
        out!(
            "{} commits of an earlier run were refused; the log says why",
            summary.refused
        );
    }
    out!("{}", table(summary));
    let passes = if summary.passes > 1 {
        format!(" in {} passes", summary.passes)
    } else {
        String::new()
    };
    let ended = if summary.interrupted {
        ", ended early on request"
    } else {
        ""
    };
    out!(
        "{total} tasks{passes}, {:.1} s{ended}",
        summary.elapsed.as_secs_f64()
    );
    if summary.is_hopeless() {
        out!("every task that was taken failed");
    }
    for stage in &summary.stages {
        undeclared(stage);
    }
    for stage in &summary.stages {
        if stage.paused {
            out!(
                "\nthe stage \"{}\" was paused, since every task failed: the rest of its tasks were not tried",
                stage.title
            );
        }
        failures(stage);
        others(stage);
    }
}

/// A number of a stage.
type Count = fn(&StageSummary) -> u64;

fn table(summary: &Summary) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let mut heads = vec![
        "Stage", "Done", "Pathways", "Stayed", "Failed", "Gone", "Retries", "Tasks/s",
    ];
    // What is rare has a column only where it happened.
    let rare: [(&str, Count); 3] = [
        ("Quarantined", |stage| stage.quarantined),
        ("Unsent", |stage| stage.unsent),
        ("Overtaken", |stage| stage.overtaken),
    ];
    let rare: Vec<_> = rare
        .into_iter()
        .filter(|(_, count)| summary.stages.iter().any(|stage| count(stage) > 0))
        .collect();
    heads.extend(rare.iter().map(|(head, _)| *head));
    table.set_header(&heads);
    for stage in &summary.stages {
        let pathways: Vec<String> = stage
            .pathways
            .iter()
            .map(|(name, count)| format!("{name}: {count}"))
            .collect();
        let mut row = vec![
            stage.title.clone(),
            stage.done().to_string(),
            pathways.join("\n"),
            stage.stayed.to_string(),
            stage.failed.to_string(),
            stage.gone.to_string(),
            stage.retries.to_string(),
            format!("{:.1}", stage.tasks_per_second()),
        ];
        row.extend(rare.iter().map(|(_, count)| count(stage).to_string()));
        table.add_row(row);
    }
    for (at, head) in heads.iter().enumerate() {
        if !matches!(*head, "Stage" | "Pathways")
            && let Some(column) = table.column_mut(at)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// What the stage's plugin could declare, so that its tasks need not wait: one line for each.
/// Less is no reason to change a plugin.
const WORTH_A_LINE: Duration = Duration::from_millis(50);

fn undeclared(stage: &StageSummary) {
    let worth = |one: &&Undeclared| one.waited >= WORTH_A_LINE;
    for one in stage.undeclared.iter().filter(worth).take(UNDECLARED_SHOWN) {
        out!("{}", saving(&stage.title, one));
    }
}

fn saving(stage: &str, one: &Undeclared) -> String {
    let tasks = if one.tasks == 1 { "task" } else { "tasks" };
    format!(
        "at \"{stage}\", {} {tasks} waited {:.1} s for the {}: it comes with the batch if the plugin declares it ({})",
        one.tasks,
        one.waited.as_secs_f64(),
        one.dependency,
        one.declaration
    )
}

/// So many attempts, in words.
pub(super) fn attempts(count: u32) -> String {
    let attempts = if count == 1 { "attempt" } else { "attempts" };
    format!("{count} {attempts}")
}

fn failures(stage: &StageSummary) {
    for failure in stage.failures.iter().take(FAILURES_SHOWN) {
        out!(
            "\nfailed at \"{}\": \"{}\" (task {}), {} after {}",
            stage.title,
            failure.data_title,
            failure.task,
            failure.kind,
            attempts(failure.attempts)
        );
        for line in failure.message.lines() {
            out!("  {line}");
        }
    }
    if let Some(more) = stage
        .failed
        .checked_sub(FAILURES_SHOWN as u64)
        .filter(|more| *more > 0)
    {
        out!(
            "\n… and {more} more at \"{}\"; the log names them",
            stage.title
        );
    }
}

/// Names the tasks that neither failed nor ended as their agent decided.
fn others(stage: &StageSummary) {
    let kinds = [
        (
            Other::Quarantined,
            stage.quarantined,
            "in quarantine (`runner-host quarantine`)",
        ),
        (
            Other::Unsent,
            stage.unsent,
            "decided and not sent yet; the next start sends them",
        ),
        (
            Other::Gone,
            stage.gone,
            "gone, moved or removed by somebody else",
        ),
    ];
    for (kind, count, what) in kinds {
        if count == 0 {
            continue;
        }
        out!("\n{what}, at \"{}\":", stage.title);
        let named = stage.others.iter().filter(|other| other.kind == kind);
        for other in named.take(FAILURES_SHOWN) {
            out!("  \"{}\" (task {})", other.data_title, other.task);
        }
        if let Some(more) = count
            .checked_sub(FAILURES_SHOWN as u64)
            .filter(|more| *more > 0)
        {
            out!("  … and {more} more");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_declaring_would_save_is_one_line() {
        let one = |tasks, seconds| Undeclared {
            dependency: "label row".to_owned(),
            declaration: "needs-label-row",
            tasks,
            waited: Duration::from_secs_f64(seconds),
        };
        assert_eq!(
            saving("Agent", &one(120, 14.26)),
            "at \"Agent\", 120 tasks waited 14.3 s for the label row: it comes with the batch if the plugin declares it \
             (needs-label-row)"
        );
        assert!(saving("Agent", &one(1, 0.0)).contains("1 task waited 0.0 s"));
    }
}
