//! What the user may type. What it means is decided in `settings`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs Encord task agents as sandboxed WebAssembly plugins.
///
/// Empties the agent stages that the plugins serve: fetches tasks, calls the plugin for each, saves labels and
/// priorities, and moves each task along the pathway that the plugin named.
///
/// Every option can also stand in the environment or in the file that --config names. Flags win over the
/// environment, the environment over the file, the file over the default.
#[derive(Debug, Parser)]
#[command(
    name = "runner-host",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every task that was taken ended as its agent decided
  1  a task failed, is in quarantine, could not be sent, or was stopped, or a stage was paused
  2  a mistake in what was given; no task was touched
  3  Encord or this machine failed
  130  stopped by a second signal

Examples:
  runner-host --plugin stage.wasm --local ./my-project
  ENCORD_SSH_KEY_FILE=~/.ssh/encord runner-host --plugin stage.wasm --project-hash <uuid>
  runner-host --plugin prelabel=a.wasm --plugin b.wasm --project-hash <uuid> --refresh-every 60";

/// Reads a path that may be empty: a variable that is set to nothing counts as not set.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a local project from a folder of images, videos, audio, text or PDF files.
    Init(InitArgs),
    /// Serve local projects over Encord's HTTP API, to any client.
    Dev(DevArgs),
    /// Show what a plugin serves, needs and imports, and what would be refused.
    Inspect(InspectArgs),
    /// Labels of a project: to and from COCO, and drawn over an image.
    #[command(subcommand)]
    Labels(LabelsCommand),
    /// Tasks that failed and are left alone: list them, look at one, release them.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Print the agent stages of a project, or what a bug report needs to say of this machine.
    #[command(subcommand)]
    Print(PrintCommand),
}

#[derive(Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// Plugin to run: a component, a core wasm32-wasip1 module, or .wat text. May be given several times;
    /// stages are emptied in this order. STAGE= binds the plugin to a stage of the project, by title or UUID.
    #[arg(long, value_name = "[STAGE=]FILE", env = "RUNNER_HOST_PLUGIN", value_delimiter = None)]
    pub(crate) plugin: Vec<String>,

    /// Project to work on: the UUID in its address. With --local: which of the folder's projects.
    /// [default with --local: the main one]
    #[arg(long, value_name = "UUID", env = "RUNNER_HOST_PROJECT_HASH")]
    pub(crate) project_hash: Option<String>,

    /// What plugins read as the setting NAME. May be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// Lets plugins call Encord's API with your account: `client-read` to read, `client` to change things too. FILE=
    /// lets only that plugin. May be given several times. [default: no plugin may]
    #[arg(long, value_name = "[FILE=]GRANT")]
    pub(crate) grant: Vec<String>,

    /// Component that gives plugins a value under this name. Behind the file, `,memory=MIB`, `,timeout=SECONDS` and
    /// `,grant=client-read` set limits and grants of its own. May be given several times.
    #[arg(
        long,
        value_name = "NAME=FILE",
        env = "RUNNER_HOST_DEPENDENCY",
        value_delimiter = None,
        help_heading = "Dependencies"
    )]
    pub(crate) dependency: Vec<String>,

    /// Local project to work on, made by `runner-host init`. Needs no account and no network.
    #[arg(long, value_name = "FOLDER", env = "RUNNER_HOST_LOCAL")]
    pub(crate) local: Option<PathBuf>,

    /// Look for new tasks this many seconds after the last look began. [default: exit when the queues are empty]
    #[arg(long, value_name = "SECONDS", env = "RUNNER_HOST_REFRESH_EVERY")]
    pub(crate) refresh_every: Option<String>,

    /// Further attempts at a task whose attempt failed by what may pass; for a trap or another fault of the plugin one at
    /// most. [default: 3]
    #[arg(long, value_name = "COUNT", env = "RUNNER_HOST_NUM_RETRIES")]
    pub(crate) num_retries: Option<String>,

    /// Tasks whose dependencies are loaded together. Updates are sent in bundles of this size, of 100 at most.
    /// [default: 300]
    #[arg(long, value_name = "COUNT", env = "RUNNER_HOST_TASK_BATCH_SIZE")]
    pub(crate) task_batch_size: Option<String>,

    /// Tasks to take from each stage in one pass. [default: all]
    #[arg(long, value_name = "COUNT", env = "RUNNER_HOST_MAX_TASKS_PER_STAGE")]
    pub(crate) max_tasks_per_stage: Option<String>,

    /// Attempts that run at the same time. [default: twice the number of processors]
    #[arg(long, value_name = "COUNT", env = "RUNNER_HOST_CONCURRENCY")]
    pub(crate) concurrency: Option<String>,

    /// Files that are downloaded ahead of the attempts that need them, in MiB. A larger file comes alone. [default: 512]
    #[arg(
        long,
        value_name = "MIB",
        env = "RUNNER_HOST_PREFETCH_BYTES",
        help_heading = "Dependencies"
    )]
    pub(crate) prefetch_bytes: Option<String>,

    /// Memory that label rows of tasks may take that are worked on or fetched ahead, in MiB. A larger row comes alone.
    /// [default: 512]
    #[arg(
        long,
        value_name = "MIB",
        env = "RUNNER_HOST_ROW_BYTES",
        help_heading = "Dependencies"
    )]
    pub(crate) row_bytes: Option<String>,

    /// Where downloaded files are kept. Several hosts can share a folder. [default: in the user's cache directory]
    #[arg(
        long,
        value_name = "FOLDER",
        env = "RUNNER_HOST_MEDIA_CACHE",
        help_heading = "Dependencies"
    )]
    pub(crate) media_cache: Option<PathBuf>,

    /// Downloaded files that are kept, in MiB; those that were not used for longest go first. 0 keeps nothing.
    /// [default: 4096; with --local 0]
    #[arg(
        long,
        value_name = "MIB",
        env = "RUNNER_HOST_MEDIA_CACHE_SIZE",
        help_heading = "Dependencies"
    )]
    pub(crate) media_cache_size: Option<String>,

    /// Memory that one attempt may use, in MiB. [default: 256]
    #[arg(
        long,
        value_name = "MIB",
        env = "RUNNER_HOST_MEMORY",
        help_heading = "Limits"
    )]
    pub(crate) memory: Option<String>,

    /// Time that one attempt may take, in seconds. [default: 60]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "RUNNER_HOST_TIMEOUT",
        help_heading = "Limits"
    )]
    pub(crate) timeout: Option<String>,

    /// Data that a plugin may hand over in one call, in MiB. [default: 16]
    #[arg(
        long,
        value_name = "MIB",
        env = "RUNNER_HOST_VALUE_SIZE",
        help_heading = "Limits"
    )]
    pub(crate) value_size: Option<String>,

    /// Log output of one attempt that is kept, in KiB. [default: 64]
    #[arg(
        long,
        value_name = "KIB",
        env = "RUNNER_HOST_LOG_SIZE",
        help_heading = "Limits"
    )]
    pub(crate) log_size: Option<String>,

    /// Failed tasks in a row after which a stage is paused: one task at a time is then tried until one works. 0 never
    /// pauses. [default: 20]
    #[arg(
        long,
        value_name = "COUNT",
        env = "RUNNER_HOST_PAUSE_AFTER",
        help_heading = "Limits"
    )]
    pub(crate) pause_after: Option<String>,

    /// Time for running attempts to end after Ctrl-C or SIGTERM, in seconds; sending what was decided has 5 more.
    /// [default: 10]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "RUNNER_HOST_GRACE",
        help_heading = "Limits"
    )]
    pub(crate) grace: Option<String>,

    /// Encord's address; US accounts use https://api.us.encord.com. [default: https://api.encord.com]
    #[arg(
        long,
        value_name = "URL",
        env = "ENCORD_DOMAIN",
        help_heading = "Account"
    )]
    pub(crate) domain: Option<String>,

    /// File with the private SSH key that is registered with Encord. The environment variable ENCORD_SSH_KEY may
    /// hold the key itself and then wins; ENCORD_SSH_KEY_PASSPHRASE holds the passphrase if there is one.
    #[arg(
        long,
        value_name = "FILE",
        env = "ENCORD_SSH_KEY_FILE",
        value_parser = path(),
        help_heading = "Account"
    )]
    pub(crate) ssh_key_file: Option<PathBuf>,

    /// Settings file: the long options as TOML keys, for example `task-batch-size = 100`.
    #[arg(
        long,
        value_name = "FILE",
        env = "RUNNER_HOST_CONFIG",
        help_heading = "Files"
    )]
    pub(crate) config: Option<PathBuf>,

    /// Where decisions are kept until Encord has confirmed them. One host at a time can use a directory.
    /// [default: in the user's state directory, one for each project; a local project's own folder]
    #[arg(
        long,
        value_name = "FOLDER",
        env = "RUNNER_HOST_STATE_DIR",
        help_heading = "Files"
    )]
    pub(crate) state_dir: Option<PathBuf>,

    /// Where compiled plugins are kept. [default: in the user's cache directory]
    #[arg(
        long,
        value_name = "FOLDER",
        env = "RUNNER_HOST_CACHE_DIR",
        help_heading = "Files"
    )]
    pub(crate) cache_dir: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LogArgs {
    /// What is logged to standard error: error, warn, info, debug, trace, or a filter such as `plugin=debug`.
    /// [default: warn, and info of plugins]
    #[arg(
        long,
        value_name = "FILTER",
        env = "RUNNER_HOST_LOG",
        help_heading = "Log"
    )]
    pub(crate) log: Option<String>,

    /// How it is logged: text or json. [default: text]
    #[arg(
        long,
        value_name = "FORMAT",
        env = "RUNNER_HOST_LOG_FORMAT",
        help_heading = "Log"
    )]
    pub(crate) log_format: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder of the project. Made if it is missing.
    pub(crate) folder: PathBuf,

    /// Files, or folders of files, that become the project's data. They stay where they are. May be given
    /// several times. When an existing project is continued, none means: nothing new.
    #[arg(long, value_name = "PATH")]
    pub(crate) media: Vec<PathBuf>,

    /// Title of a new project. [default: the folder's name]
    #[arg(long)]
    pub(crate) title: Option<String>,

    /// Start over from project.toml: forget all labels, and put every task back to the first stage.
    #[arg(long)]
    pub(crate) reset: bool,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Local project to serve. May be given several times.
    #[arg(long, value_name = "FOLDER", required = true)]
    pub(crate) local: Vec<PathBuf>,

    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8700)]
    pub(crate) port: u16,

    /// Address to listen on.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) address: IpAddr,

    /// Public SSH key (an Ed25519 `.pub` file) that may be used, besides the one made for the project. May be
    /// given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Vec<PathBuf>,

    /// Accept any key. For play: whoever reaches the port can then do everything.
    #[arg(long)]
    pub(crate) insecure_any_key: bool,

    /// Time for which the URL of a media file can be used, in seconds. 0 makes URLs that have expired already.
    #[arg(long, value_name = "SECONDS", default_value_t = 24 * 60 * 60, help_heading = "Faults")]
    pub(crate) url_lifetime: u32,

    /// Let requests fail as this TOML file says: latency, refusals, dropped connections, slow or broken bodies,
    /// expired URLs. Implies --admin.
    #[arg(long, value_name = "FILE", help_heading = "Faults")]
    pub(crate) faults: Option<PathBuf>,

    /// Let whoever is on this machine see and change the faults while the server runs: GET, PUT (the plan as JSON)
    /// and DELETE of /admin/faults. Needs no key; other machines are refused.
    #[arg(long, help_heading = "Faults")]
    pub(crate) admin: bool,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The plugin's file.
    pub(crate) plugin: PathBuf,

    /// Where compiled plugins are kept. [default: in the user's cache directory]
    #[arg(long, value_name = "FOLDER", env = "RUNNER_HOST_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,

    /// What the plugin reads as the setting NAME. May be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// List the tasks in quarantine, those that failed last in front.
    ///
    /// A task that failed for good is not given to the same plugin with the same configuration again. It is released by
    /// itself when the plugin, its options, the stage or the ontology change. One that failed by what may pass is tried again
    /// by itself, later each time.
    List(QuarantineArgs),
    /// Show all that is known of a task in quarantine: the error, what the plugin logged, what it was given.
    Show(QuarantineShowArgs),
    /// Release tasks: they are tried at the next pass, or at the next start.
    Release(QuarantineReleaseArgs),
}

/// Whose quarantine it is: a project's, or what is in a state directory.
#[derive(Debug, Args)]
pub(crate) struct QuarantineArgs {
    /// The project: the UUID in its address. With --local: which of the folder's projects.
    #[arg(long, value_name = "UUID", env = "RUNNER_HOST_PROJECT_HASH")]
    pub(crate) project_hash: Option<String>,

    /// Local project, in place of one of Encord's.
    #[arg(long, value_name = "FOLDER", env = "RUNNER_HOST_LOCAL")]
    pub(crate) local: Option<PathBuf>,

    /// The state directory of the host. [default: as for a run on that project]
    #[arg(long, value_name = "FOLDER", env = "RUNNER_HOST_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineShowArgs {
    /// The task, by its UUID or by the title of its data.
    pub(crate) task: String,

    #[command(flatten)]
    pub(crate) of: QuarantineArgs,
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineReleaseArgs {
    /// Tasks, by their UUIDs or by the titles of their data.
    #[arg(required_unless_present_any = ["all", "stage"])]
    pub(crate) tasks: Vec<String>,

    /// All tasks.
    #[arg(long, conflicts_with_all = ["tasks", "stage"])]
    pub(crate) all: bool,

    /// The tasks of this stage, by its title or its UUID.
    #[arg(long, value_name = "STAGE", conflicts_with = "tasks")]
    pub(crate) stage: Option<String>,

    #[command(flatten)]
    pub(crate) of: QuarantineArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PrintCommand {
    /// Print the agent stages of a project: titles and UUIDs.
    AgentNodes(AgentNodesArgs),
    /// Print the system and the versions, for bug reports. Of keys, only whether they are set.
    SystemInfo,
}

#[derive(Debug, Args)]
pub(crate) struct AgentNodesArgs {
    /// The project: the UUID in its address. With --local: which of the folder's projects.
    pub(crate) project_hash: Option<String>,

    /// Local project in place of one of Encord's. Needs no account and no network.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) local: Option<PathBuf>,

    /// Encord's address; US accounts use https://api.us.encord.com. [default: https://api.encord.com]
    #[arg(
        long,
        value_name = "URL",
        env = "ENCORD_DOMAIN",
        help_heading = "Account"
    )]
    pub(crate) domain: Option<String>,

    /// File with the private SSH key that is registered with Encord. The environment variable ENCORD_SSH_KEY may
    /// hold the key itself and then wins; ENCORD_SSH_KEY_PASSPHRASE holds the passphrase if there is one.
    #[arg(
        long,
        value_name = "FILE",
        env = "ENCORD_SSH_KEY_FILE",
        value_parser = path(),
        help_heading = "Account"
    )]
    pub(crate) ssh_key_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LabelsCommand {
    /// Write all labels of a project as one file.
    ///
    /// Every image of a label row becomes an image of the file, and every frame of a video that has labels. What the
    /// format has no place for (audio, text, PDF, scenes) is left out and counted.
    Export(ExportArgs),
    /// Add the labels of a file to those of a local project.
    ///
    /// Images are found by their file names or titles, categories by name and shape. Labels that are there stay; importing
    /// a file twice gives everything twice.
    #[command(after_help = IMPORT_EXIT_CODES)]
    Import(ImportArgs),
    /// Draw the labels of a task over its image, or over a frame of its video, into a PNG.
    Show(ShowArgs),
}

const IMPORT_EXIT_CODES: &str = "\
Exit codes:
  0  everything was imported
  1  something was not, and is named
  2  the file or an option is wrong; nothing was changed
  3  Encord or this machine failed";

/// A format of label files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LabelFormat {
    /// The JSON of the COCO data set, for object detection and keypoints.
    Coco,
}

/// A project, for commands that only read.
#[derive(Debug, Args)]
pub(crate) struct ProjectArgs {
    /// The project: the UUID in its address. With --local: which of the folder's projects.
    /// [default with --local: the main one]
    #[arg(long, value_name = "UUID")]
    pub(crate) project_hash: Option<String>,

    /// Local project in place of one of Encord's. Needs no account and no network.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) local: Option<PathBuf>,

    /// Encord's address; US accounts use https://api.us.encord.com. [default: https://api.encord.com]
    #[arg(
        long,
        value_name = "URL",
        env = "ENCORD_DOMAIN",
        help_heading = "Account"
    )]
    pub(crate) domain: Option<String>,

    /// File with the private SSH key that is registered with Encord. The environment variable ENCORD_SSH_KEY may
    /// hold the key itself and then wins; ENCORD_SSH_KEY_PASSPHRASE holds the passphrase if there is one.
    #[arg(
        long,
        value_name = "FILE",
        env = "ENCORD_SSH_KEY_FILE",
        value_parser = path(),
        help_heading = "Account"
    )]
    pub(crate) ssh_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Format of the file.
    #[arg(long, value_enum, default_value_t = LabelFormat::Coco)]
    pub(crate) format: LabelFormat,

    /// Where to write it. [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) project: ProjectArgs,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file to import.
    pub(crate) file: PathBuf,

    /// Format of the file.
    #[arg(long, value_enum, default_value_t = LabelFormat::Coco)]
    pub(crate) format: LabelFormat,

    /// Local project to add the labels to.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) local: PathBuf,

    /// Which of the folder's projects. [default: the main one]
    #[arg(long, value_name = "UUID")]
    pub(crate) project_hash: Option<String>,

    /// Say what would be imported and what would not, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The task, by its UUID, or by the UUID or the title of its data.
    pub(crate) task: String,

    /// Frame of a video, or position of an image in its group, from 0. [default: the first with an object]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) frame: Option<u32>,

    /// Where to write the picture. [default: in this folder, with the data's title as its name]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) project: ProjectArgs,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}
