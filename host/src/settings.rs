//! What the user gave, as typed values: flags, then the environment (clap reads both), then the file, then
//! the default. All mistakes are reported at once.

mod components;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

pub(crate) use components::{Components, settings};

use serde::Deserialize;
use uuid::Uuid;

use crate::cli::{AgentNodesArgs, ImportArgs, ProjectArgs, RunArgs};
use crate::encord::{Domain, InvalidKey, Key};
use crate::engine::Limits;
use crate::runner::RunOptions;

const DEFAULT_DOMAIN: &str = "https://api.encord.com";

/// What a run is to do.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) components: Components,
    pub(crate) target: Target,
    pub(crate) options: RunOptions,
    pub(crate) limits: Limits,
    pub(crate) media_cache: Option<PathBuf>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) cache_dir: Option<PathBuf>,
}

/// Where the tasks are.
#[derive(Debug)]
pub(crate) enum Target {
    Encord {
        domain: Domain,
        key: Box<Key>,
        project: Uuid,
    },
    Local {
        folder: PathBuf,
        /// Absent: the main one.
        project: Option<Uuid>,
    },
}

/// A mistake in what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// The file of `--config`: the names of the flags.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ConfigFile {
    plugin: Option<OneOrMore>,
    dependency: Option<OneOrMore>,
    grant: Option<OneOrMore>,
    set: Option<BTreeMap<String, Scalar>>,
    project_hash: Option<String>,
    local: Option<PathBuf>,
    refresh_every: Option<Scalar>,
    num_retries: Option<Scalar>,
    task_batch_size: Option<Scalar>,
    max_tasks_per_stage: Option<Scalar>,
    concurrency: Option<Scalar>,
    prefetch_bytes: Option<Scalar>,
    row_bytes: Option<Scalar>,
    media_cache: Option<PathBuf>,
    media_cache_size: Option<Scalar>,
    memory: Option<Scalar>,
    timeout: Option<Scalar>,
    value_size: Option<Scalar>,
    log_size: Option<Scalar>,
    grace: Option<Scalar>,
    pause_after: Option<Scalar>,
    domain: Option<String>,
    ssh_key_file: Option<PathBuf>,
    state_dir: Option<PathBuf>,
    cache_dir: Option<PathBuf>,
    log: Option<String>,
    log_format: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A number as a number or as text; what it must be is checked where flags are checked too.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

impl From<Scalar> for String {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Boolean(value) => value.to_string(),
            Scalar::Integer(number) => number.to_string(),
            Scalar::Float(number) => number.to_string(),
            Scalar::Text(text) => text,
        }
    }
}

/// Fills what neither flags nor the environment gave from the file of `--config`. Paths in the file are
/// relative to its folder.
pub(crate) fn merge_file(args: &mut RunArgs) -> Result<(), Mistake> {
    let Some(path) = args.config.clone() else {
        return Ok(());
    };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        mistake(
            format!(
                "cannot read the settings file `{}`: {error}",
                path.display()
            ),
            "check the path that --config or RUNNER_HOST_CONFIG names",
        )
    })?;
    let file: ConfigFile = toml::from_str(&text).map_err(|error| {
        mistake(
            format!("the settings file `{}` is wrong:\n{}", path.display(), error.to_string().trim_end()),
            "its keys are the long options of `runner-host --help`, for example `task-batch-size = 100`",
        )
    })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let near = |path: PathBuf| folder.join(path);
    if args.plugin.is_empty() {
        args.plugin = all(file.plugin)
            .map(|plugin| beside(&folder, &plugin))
            .collect();
    }
    if args.dependency.is_empty() {
        args.dependency = all(file.dependency)
            .map(|dependency| beside(&folder, &dependency))
            .collect();
    }
    if args.grant.is_empty() {
        args.grant = all(file.grant).collect();
    }
    // Of one name the last counts: what was typed.
    let set = file.set.unwrap_or_default().into_iter();
    let set = set.map(|(name, value)| format!("{name}={}", String::from(value)));
    args.set = set.chain(std::mem::take(&mut args.set)).collect();
    if args.project_hash.is_none() && args.local.is_none() {
        // The target is named in one place: a folder there and a hash here would not belong together.
        args.project_hash = file.project_hash;
        args.local = file.local.map(near);
    }
    let fill = |slot: &mut Option<String>, value: Option<Scalar>| {
        if slot.is_none() {
            *slot = value.map(String::from);
        }
    };
    fill(&mut args.refresh_every, file.refresh_every);
    fill(&mut args.num_retries, file.num_retries);
    fill(&mut args.task_batch_size, file.task_batch_size);
    fill(&mut args.max_tasks_per_stage, file.max_tasks_per_stage);
    fill(&mut args.concurrency, file.concurrency);
    fill(&mut args.prefetch_bytes, file.prefetch_bytes);
    fill(&mut args.row_bytes, file.row_bytes);
    fill(&mut args.media_cache_size, file.media_cache_size);
    fill(&mut args.memory, file.memory);
    fill(&mut args.timeout, file.timeout);
    fill(&mut args.value_size, file.value_size);
    fill(&mut args.log_size, file.log_size);
    fill(&mut args.grace, file.grace);
    fill(&mut args.pause_after, file.pause_after);
    args.domain = args.domain.take().or(file.domain);
    args.log.log = args.log.log.take().or(file.log);
    args.log.log_format = args.log.log_format.take().or(file.log_format);
    let given = args
        .ssh_key_file
        .take()
        .filter(|file| !file.as_os_str().is_empty());
    args.ssh_key_file = given.or(file.ssh_key_file.map(near));
    args.media_cache = args.media_cache.take().or(file.media_cache.map(near));
    args.state_dir = args.state_dir.take().or(file.state_dir.map(near));
    args.cache_dir = args.cache_dir.take().or(file.cache_dir.map(near));
    Ok(())
}

fn all(given: Option<OneOrMore>) -> impl Iterator<Item = String> {
    let given = match given {
        None => Vec::new(),
        Some(OneOrMore::One(one)) => vec![one],
        Some(OneOrMore::More(more)) => more,
    };
    given.into_iter()
}

/// `[NAME=]FILE` with the file relative to `folder`.
fn beside(folder: &Path, plugin: &str) -> String {
    match plugin.split_once('=') {
        Some((stage, path)) => format!("{stage}={}", folder.join(path).display()),
        None => folder.join(plugin).display().to_string(),
    }
}

impl Settings {
    /// Reads what was given.
    ///
    /// # Errors
    /// All mistakes, in the order of the options.
    pub(crate) fn new(args: RunArgs) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let components = Components::read(&args, &mut mistakes);
        let defaults = RunOptions::default();
        let limits = Limits::default();
        let mut read = Reader {
            mistakes: &mut mistakes,
        };
        let options = RunOptions {
            refresh_every: read.seconds("refresh-every", &args.refresh_every, false),
            num_retries: read
                .number("num-retries", &args.num_retries, 0)
                .unwrap_or(defaults.num_retries),
            task_batch_size: read
                .number("task-batch-size", &args.task_batch_size, 1)
                .unwrap_or(defaults.task_batch_size),
            max_tasks_per_stage: read.number("max-tasks-per-stage", &args.max_tasks_per_stage, 1),
            concurrency: read
                .number("concurrency", &args.concurrency, 1)
                .unwrap_or(defaults.concurrency),
            prefetch_bytes: read
                .bytes("prefetch-bytes", &args.prefetch_bytes, 1)
                .unwrap_or(defaults.prefetch_bytes),
            row_bytes: read
                .bytes("row-bytes", &args.row_bytes, 1)
                .unwrap_or(defaults.row_bytes),
            media_cache_bytes: read
                .bytes("media-cache-size", &args.media_cache_size, 0)
                // Local files are on this disk already, and may be others the next time.
                .unwrap_or(match args.local {
                    Some(_) => 0,
                    None => defaults.media_cache_bytes,
                }),
            grace: read
                .seconds("grace", &args.grace, true)
                .unwrap_or(defaults.grace),
            patience: defaults.patience,
            pause_after: read
                .number("pause-after", &args.pause_after, 0)
                .unwrap_or(defaults.pause_after),
        };
        let limits = Limits {
            memory: read
                .size("memory", &args.memory, 20, 4096)
                .unwrap_or(limits.memory),
            time: read
                .seconds("timeout", &args.timeout, false)
                .unwrap_or(limits.time),
            value_bytes: read
                .size("value-size", &args.value_size, 20, 2048)
                .unwrap_or(limits.value_bytes),
            log_bytes: read
                .size("log-size", &args.log_size, 10, 1 << 20)
                .unwrap_or(limits.log_bytes),
        };
        let target = target(&args, &mut mistakes);
        match target {
            Some(target) if mistakes.is_empty() => Ok(Self {
                components,
                target,
                options,
                limits,
                media_cache: args.media_cache,
                state_dir: args.state_dir,
                cache_dir: args.cache_dir,
            }),
            _ => Err(mistakes),
        }
    }
}

/// Reads options and collects what is wrong with them.
struct Reader<'a> {
    mistakes: &'a mut Vec<Mistake>,
}

impl Reader<'_> {
    fn number<T: FromStr + PartialOrd + Display + Copy>(
        &mut self,
        name: &str,
        value: &Option<String>,
        least: T,
    ) -> Option<T> {
        let text = value.as_deref()?;
        let number = text.trim().parse().ok().filter(|number| *number >= least);
        if number.is_none() {
            self.mistakes.push(mistake(
                format!("--{name}: expected a whole number of at least {least}, found `{text}`"),
                format!(
                    "`--{name}` may also come from {} or from the settings file",
                    variable(name)
                ),
            ));
        }
        number
    }

    /// A size on the disk, in MiB.
    fn bytes(&mut self, name: &str, value: &Option<String>, least: u64) -> Option<u64> {
        /// 16 TiB.
        const MOST: u64 = 16 << 20;
        let number: u64 = self.number(name, value, least)?;
        if number > MOST {
            self.mistakes.push(mistake(
                format!("--{name}: expected at most {MOST} MiB, found {number}"),
                "the number is in MiB",
            ));
            return None;
        }
        Some(number << 20)
    }

    /// A size in units of `2^shift` bytes.
    fn size(
        &mut self,
        name: &str,
        value: &Option<String>,
        shift: u32,
        most: usize,
    ) -> Option<usize> {
        let number: usize = self.number(name, value, 1)?;
        if number > most {
            let unit = if shift == 20 { "MiB" } else { "KiB" };
            self.mistakes.push(mistake(
                format!("--{name}: expected at most {most} {unit}, found {number}"),
                format!("the number is in {unit}"),
            ));
            return None;
        }
        Some(number << shift)
    }

    fn seconds(&mut self, name: &str, value: &Option<String>, zero: bool) -> Option<Duration> {
        let text = value.as_deref()?;
        let seconds = text.trim().parse::<f64>().ok();
        let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let duration = duration.filter(|duration| zero || !duration.is_zero());
        if duration.is_none() {
            let least = if zero { "of at least 0" } else { "over 0" };
            self.mistakes.push(mistake(
                format!("--{name}: expected a number of seconds {least}, found `{text}`"),
                format!(
                    "`--{name}` may also come from {} or from the settings file",
                    variable(name)
                ),
            ));
        }
        duration
    }
}

fn target(args: &RunArgs, mistakes: &mut Vec<Mistake>) -> Option<Target> {
    if args.local.is_none() && args.project_hash.is_none() {
        mistakes.push(mistake(
            "expected a project, found none",
            "name one with --project-hash <uuid> (the UUID in the project's address), or a local one with \
             --local <folder>",
        ));
        return None;
    }
    let asked = Asked {
        hash_option: "--project-hash",
        project_hash: args.project_hash.as_deref(),
        local: args.local.as_deref(),
        domain: args.domain.as_deref(),
        ssh_key_file: args.ssh_key_file.as_deref(),
    };
    asked.target(mistakes)
}

/// The project that `runner-host print` is asked about.
///
/// # Errors
/// All mistakes, in the order of the options.
pub(crate) fn target_of_print(args: &AgentNodesArgs) -> Result<Target, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    if args.local.is_none() && args.project_hash.is_none() {
        return Err(vec![mistake(
            "expected a project, found none",
            "name one: runner-host print agent-nodes <uuid> (the UUID in the project's address), or a local one \
             with --local <folder>",
        )]);
    }
    let asked = Asked {
        hash_option: "PROJECT_HASH",
        project_hash: args.project_hash.as_deref(),
        local: args.local.as_deref(),
        domain: args.domain.as_deref(),
        ssh_key_file: args.ssh_key_file.as_deref(),
    };
    asked.target(&mut mistakes).ok_or(mistakes)
}

/// The project that `runner-host labels` reads.
///
/// # Errors
/// All mistakes, in the order of the options.
pub(crate) fn target_of_labels(args: &ProjectArgs) -> Result<Target, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    if args.local.is_none() && args.project_hash.is_none() {
        return Err(vec![mistake(
            "expected a project, found none",
            "name one with --project-hash <uuid> (the UUID in the project's address), or a local one with \
             --local <folder>",
        )]);
    }
    let asked = Asked {
        hash_option: "--project-hash",
        project_hash: args.project_hash.as_deref(),
        local: args.local.as_deref(),
        domain: args.domain.as_deref(),
        ssh_key_file: args.ssh_key_file.as_deref(),
    };
    let target = asked.target(&mut mistakes);
    target.filter(|_| mistakes.is_empty()).ok_or(mistakes)
}

/// The project that `runner-host labels import` changes.
///
/// # Errors
/// The hash is none.
pub(crate) fn target_of_import(args: &ImportArgs) -> Result<Target, Vec<Mistake>> {
    target_of_labels(&ProjectArgs {
        project_hash: args.project_hash.clone(),
        local: Some(args.local.clone()),
        domain: None,
        ssh_key_file: None,
    })
}

/// What was said of the project, and of the account that may see it.
struct Asked<'a> {
    /// Where the hash was given.
    hash_option: &'static str,
    project_hash: Option<&'a str>,
    local: Option<&'a Path>,
    domain: Option<&'a str>,
    ssh_key_file: Option<&'a Path>,
}

impl Asked<'_> {
    /// The target. If there is none, at least one mistake says why.
    fn target(&self, mistakes: &mut Vec<Mistake>) -> Option<Target> {
        let project = self
            .project_hash
            .and_then(|hash| match Uuid::try_parse(hash.trim()) {
                Ok(project) => Some(project),
                Err(_) => {
                    mistakes.push(mistake(
                        format!("{}: expected a UUID, found `{hash}`", self.hash_option),
                        "copy it from the project's address: https://app.encord.com/projects/view/<uuid>",
                    ));
                    None
                }
            });
        if let Some(folder) = self.local {
            return Some(Target::Local {
                folder: folder.to_owned(),
                project,
            });
        }
        let domain = self
            .domain
            .map(str::trim)
            .filter(|domain| !domain.is_empty());
        let domain = domain.unwrap_or(DEFAULT_DOMAIN);
        let domain = match domain.parse::<Domain>() {
            Ok(domain) => Some(domain),
            Err(error) => {
                mistakes.push(mistake(error.to_string(), "set --domain or ENCORD_DOMAIN"));
                None
            }
        };
        let content = env::var("ENCORD_SSH_KEY")
            .ok()
            .filter(|content| !content.trim().is_empty());
        let passphrase = env::var("ENCORD_SSH_KEY_PASSPHRASE").ok();
        let key = match read_key(content, self.ssh_key_file, passphrase.as_deref()) {
            Ok(key) => Some(key),
            Err(mistake) => {
                mistakes.push(mistake);
                None
            }
        };
        Some(Target::Encord {
            domain: domain?,
            key: Box::new(key?),
            project: project?,
        })
    }
}

/// The rules of the Python runner: content or file, content wins with a warning, and a value that looks like
/// the other kind is a mistake of its own.
fn read_key(
    content: Option<String>,
    file: Option<&Path>,
    passphrase: Option<&str>,
) -> Result<Key, Mistake> {
    const FILE: &str = "ENCORD_SSH_KEY_FILE";
    let file = file
        .filter(|file| !file.as_os_str().is_empty())
        .map(expand_home);
    if let Some(content) = &content
        && expand_home(Path::new(content.trim())).exists()
    {
        return Err(mistake(
            "ENCORD_SSH_KEY: expected the private key itself, found the path of a file",
            format!("set {FILE} (or --ssh-key-file) to the path instead"),
        ));
    }
    if let Some(file) = &file
        && !file.is_file()
    {
        return Err(no_key_file(file));
    }
    let (text, from) = match (content, file) {
        (Some(content), file) => {
            if file.is_some() {
                tracing::warn!("both ENCORD_SSH_KEY and {FILE} are set; ENCORD_SSH_KEY is used");
            }
            (content, "ENCORD_SSH_KEY".to_owned())
        }
        (None, Some(file)) => {
            let text = std::fs::read_to_string(&file).map_err(|error| {
                mistake(
                    format!("cannot read the key file `{}`: {error}", file.display()),
                    "check its permissions",
                )
            })?;
            (text, format!("`{}`", file.display()))
        }
        (None, None) => {
            return Err(mistake(
                "expected a private SSH key for Encord, found neither ENCORD_SSH_KEY_FILE nor ENCORD_SSH_KEY",
                "set ENCORD_SSH_KEY_FILE to the path of the key, or ENCORD_SSH_KEY to its content; how to make and \
                 register one: https://docs.encord.com/platform-documentation/General/general-access-keys\n      \
                 to work without an account: --local <folder> in place of the project hash",
            ));
        }
    };
    let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty());
    Key::parse(&text, passphrase).map_err(|error| {
        let help = match &error {
            InvalidKey::PassphraseMissing | InvalidKey::PassphraseWrong => {
                "set ENCORD_SSH_KEY_PASSPHRASE to the passphrase that `ssh-keygen` asked for, or remove it from a \
                 copy of the key with `ssh-keygen -p`"
                    .to_owned()
            }
            InvalidKey::NotOpenSsh { .. } if looks_like_path(&text) => {
                format!("if it is the path of a key file, set {FILE} (or --ssh-key-file) to it; check that it exists")
            }
            _ => error.help().to_owned(),
        };
        mistake(format!("the key of {from} cannot be used: {error}"), help)
    })
}

/// What was given in place of a key file's path. It is not shown if it may be the key.
fn no_key_file(given: &Path) -> Mistake {
    const EXPECTED: &str = "ENCORD_SSH_KEY_FILE: expected the path of a private key, found";
    let text = given.to_string_lossy();
    if text.contains("-----BEGIN") || text.contains('\n') {
        return mistake(
            format!("{EXPECTED} the key itself"),
            "set ENCORD_SSH_KEY to the key instead",
        );
    }
    let found = if given.is_dir() {
        "the folder"
    } else {
        "no file at"
    };
    mistake(
        format!("{EXPECTED} {found} `{text}`"),
        "if you meant to give the key itself, set ENCORD_SSH_KEY",
    )
}

fn looks_like_path(text: &str) -> bool {
    let text = text.trim();
    !text.contains(char::is_whitespace) && text.starts_with(['/', '~', '.'])
}

fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), env::home_dir()) {
        (Ok(rest), Some(home)) if rest.as_os_str().is_empty() => home,
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

fn variable(name: &str) -> String {
    format!("RUNNER_HOST_{}", name.to_uppercase().replace('-', "_"))
}

fn mistake(message: impl Into<String>, help: impl Into<String>) -> Mistake {
    Mistake {
        message: message.into(),
        help: Some(help.into()),
    }
}
