//! What people see while it runs: the log on standard error, and progress bars that give way to it.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::LogArgs;
use crate::runner::Event;
use crate::settings::Mistake;

/// What is logged if nothing else was asked for: what goes wrong, and what plugins say. A certificate that is refused is
/// told by the error that it ends in.
const DEFAULT_FILTER: &str = "warn,plugin=info,runner_host=warn,rustls_platform_verifier=off";

/// Writes each line of the log above the progress bars.
#[derive(Clone)]
struct AboveBars(MultiProgress);

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for AboveBars {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn is_level(word: &str) -> bool {
    ["off", "error", "warn", "info", "debug", "trace"].contains(&word.to_ascii_lowercase().as_str())
}

/// Starts the log. Returns where progress bars go.
///
/// # Errors
/// If the filter or the format is none.
pub(crate) fn start(args: &LogArgs) -> Result<MultiProgress, Mistake> {
    let bars = MultiProgress::new();
    let filter = args
        .log
        .as_deref()
        .filter(|filter| !filter.trim().is_empty())
        .unwrap_or(DEFAULT_FILTER);
    if let Some(unknown) = filter
        .split(',')
        .map(str::trim)
        .find(|part| !is_level(part) && !part.contains('='))
    {
        return Err(Mistake {
            message: format!("--log: expected a level, or target=level, found `{unknown}`"),
            help: Some(
                "levels are off, error, warn, info, debug and trace; for example `info`, or `warn,plugin=debug`"
                    .to_owned(),
            ),
        });
    }
    let filter = EnvFilter::try_new(filter).map_err(|error| Mistake {
        message: format!("--log: expected a filter, found `{filter}` ({error})"),
        help: Some("for example `info`, or `warn,plugin=debug`".to_owned()),
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(AboveBars(bars.clone()));
    // The log is this process's own; a second one (in a program that has its own) is left alone.
    match args.log_format.as_deref().unwrap_or("text") {
        "text" => drop(log.with_ansi(io::stderr().is_terminal()).try_init()),
        "json" => drop(log.json().try_init()),
        other => {
            return Err(Mistake {
                message: format!("--log-format: expected `text` or `json`, found `{other}`"),
                help: None,
            });
        }
    }
    Ok(bars)
}

/// Progress bars of a run: one for the stage that is being emptied. Without a terminal they show nothing.
pub(crate) struct Progress {
    bars: MultiProgress,
    stage: Mutex<Option<Stage>>,
}

struct Stage {
    bar: ProgressBar,
    failed: u64,
}

impl Progress {
    pub(crate) fn new(bars: MultiProgress) -> Self {
        Self {
            bars,
            stage: Mutex::new(None),
        }
    }

    /// Shows what happened.
    pub(crate) fn see(&self, event: &Event) {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StageStarted { title } => {
                let bar = self.bars.add(ProgressBar::new(0));
                let style = ProgressStyle::with_template(
                    "{spinner} {prefix:.bold} {bar:30.cyan/dim} {pos}/{len} tasks  {rate}  {elapsed}  {msg:.red}",
                );
                let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
                    // A bar that cannot be drawn is no reason to stop.
                    let _ = write!(out, "{:.0} tasks/s", state.per_sec());
                };
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                bar.set_style(style.with_key("rate", rate));
                bar.set_prefix(title.clone());
                bar.enable_steady_tick(Duration::from_millis(100));
                *stage = Some(Stage { bar, failed: 0 });
            }
            Event::TasksListed { count } => {
                if let Some(stage) = &*stage {
                    stage.bar.inc_length(*count);
                }
            }
            Event::TaskEnded { failed } => {
                if let Some(stage) = &mut *stage {
                    stage.bar.inc(1);
                    if *failed {
                        stage.failed += 1;
                        stage.bar.set_message(format!("{} failed", stage.failed));
                    }
                }
            }
            Event::StageEnded => {
                if let Some(stage) = stage.take() {
                    stage.bar.finish_and_clear();
                }
            }
            Event::Waiting(pause) => {
                tracing::info!("the next look is in {:.1} s", pause.as_secs_f64())
            }
        }
    }
}
