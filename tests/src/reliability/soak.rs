//! The soak: a host that looks for new tasks all the time, a server that fails and is killed every few seconds, and tasks that
//! never run out. Memory and open files of the host must stay as they are, and at the end every task must have been decided on
//! once on each of its trips.
//!
//! A second host, on a project of its own, is stopped and started all the while; nothing of it is measured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::faults::Plan;
use super::host::{Host, Life};
use super::journaled;
use super::model::{Number, Stage};
use super::resources::{Curve, Sample};
use super::server::DevServer;
use super::state;
use super::undisturbed::{compare, move_back, undisturbed};
use super::world::{PROJECT, World};
use super::{Failed, Result};

/// The seconds that are announced for running attempts.
const GRACE: &str = "5";
/// How long a host may take from SIGTERM to its end: what is announced, and the time in which decisions are sent to a server
/// that turns them away.
const BOUND: Duration = Duration::from_secs(5 + 5 + 10);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct SoakOptions {
    /// How long.
    pub time: Duration,
    /// Of everything that is random.
    pub seed: u64,
    /// Tasks of each of the two projects.
    pub tasks: u64,
    /// Where all files go. Made anew.
    pub folder: PathBuf,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct SoakReport {
    /// Of the host that was not stopped.
    pub curve: Curve,
    /// How long it took from SIGTERM to its end.
    pub stopped_in: Duration,
    /// The longest of the others.
    pub others_stopped_in: Duration,
    /// Lives of the other host.
    pub lives: u64,
    /// Times that the servers were killed.
    pub server_kills: u64,
    /// Decisions whose effects were compared.
    pub decisions: u64,
}

impl std::fmt::Display for SoakReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}\nit ended {:.1} s after SIGTERM; the other host had {} lives and took up to {:.1} s to end; servers were \
             killed {} times; each of {} decisions had its effect once",
            self.curve,
            self.stopped_in.as_secs_f64(),
            self.lives,
            self.others_stopped_in.as_secs_f64(),
            self.server_kills,
            self.decisions
        )
    }
}

/// Runs it. `tell` hears of the progress.
///
/// # Errors
/// What was found wrong, the seed, and where the logs are.
pub async fn soak(options: &SoakOptions, tell: &dyn Fn(String)) -> Result<SoakReport> {
    if options.folder.exists() {
        std::fs::remove_dir_all(&options.folder)?;
    }
    let told = |error: Failed| -> Failed {
        let (seed, folder) = (options.seed, options.folder.display());
        format!("{error}\n  seed {seed}; logs and state are in {folder}").into()
    };
    soaked(options, tell).await.map_err(told)
}

async fn soaked(options: &SoakOptions, tell: &dyn Fn(String)) -> Result<SoakReport> {
    let steady = Soak::start(options, "steady", options.seed).await?;
    let restarted = Soak::start(options, "restarted", options.seed.wrapping_add(1)).await?;
    let end = Instant::now() + options.time;
    let ((mut steady, mut report), (mut restarted, others)) =
        tokio::try_join!(steady.one_life(end, tell), restarted.many_lives(end))?;
    report.lives = others.lives;
    report.others_stopped_in = others.others_stopped_in;
    report.server_kills = steady.server_kills + restarted.server_kills;
    report.decisions = steady.finish().await? + restarted.finish().await?;
    report.curve.check()?;
    Ok(report)
}

/// A world with its server.
struct Soak {
    world: World,
    server: DevServer,
    random: StdRng,
    /// Which trip each task is on, from 1.
    trips: BTreeMap<Number, u64>,
    server_kills: u64,
    next_kill: Instant,
    /// When the server comes back, if it is away.
    away_until: Option<Instant>,
    next_tasks: Instant,
}

impl Soak {
    async fn start(options: &SoakOptions, name: &str, seed: u64) -> Result<Self> {
        let world = World::make(options.folder.join(name), options.tasks).await?;
        let mut soak = Self {
            server: DevServer::start(&world).await?,
            trips: world.numbers().map(|number| (number, 1)).collect(),
            world,
            random: StdRng::seed_from_u64(seed),
            server_kills: 0,
            next_kill: Instant::now() + Duration::from_secs(3),
            away_until: None,
            next_tasks: Instant::now(),
        };
        let plan = soak.plan();
        soak.server.set_faults(&plan).await?;
        Ok(soak)
    }

    fn plan(&mut self) -> Plan {
        Plan::new(self.random.random())
    }

    fn host(&self, name: &str) -> Result<Host> {
        let arguments = [
            "--refresh-every",
            "1",
            "--grace",
            GRACE,
            "--task-batch-size",
            "40",
        ];
        Host::start(&self.world, &self.server, name, &arguments)
    }

    /// Kills the server or puts tasks back if it is time. Never both at once: then nobody could say whether tasks moved.
    async fn disturb(&mut self) -> Result<()> {
        let now = Instant::now();
        if let Some(until) = self.away_until {
            if now >= until {
                let plan = self.plan();
                self.server.start_again_with(&plan).await?;
                self.away_until = None;
                let pause = self.random.random_range(3_000..8_000);
                self.next_kill = Instant::now() + Duration::from_millis(pause);
            }
            return Ok(());
        }
        if now >= self.next_kill {
            self.server.kill().await?;
            self.server_kills += 1;
            // Now and then for longer than the host is patient.
            let away = if self.server_kills.is_multiple_of(4) {
                9_000
            } else {
                100
            };
            self.away_until = Some(now + Duration::from_millis(away));
            return Ok(());
        }
        if now >= self.next_tasks {
            self.put_back().await?;
            self.next_tasks = Instant::now() + Duration::from_secs(2);
        }
        Ok(())
    }

    /// Puts all tasks that have come to an end back to where they began.
    async fn put_back(&mut self) -> Result<()> {
        let mut ended: Vec<(Number, Uuid)> = Vec::new();
        for end in Stage::ENDS {
            let client = self.server.client();
            // The server turns this away now and then, too. There is a next time.
            let Ok(page) = client.tasks_page(PROJECT, end.uuid(), None).await else {
                return Ok(());
            };
            for task in page.tasks {
                let number = Number::of(&task.data_title).ok_or("a title without a number")?;
                if number.end() != end {
                    let (file, end) = (number.file(), end.title());
                    return Err(format!("{file} is at {end}, where it does not come").into());
                }
                ended.push((number, task.uuid));
            }
        }
        move_back(&self.server, &ended).await?;
        for (number, _) in ended {
            *self.trips.entry(number).or_default() += 1;
        }
        Ok(())
    }

    /// One host from the start to the end, measured every second.
    async fn one_life(mut self, end: Instant, tell: &dyn Fn(String)) -> Result<(Self, SoakReport)> {
        let mut report = SoakReport::default();
        let mut host = self.host("steady")?;
        let mut next_sample = Instant::now();
        let mut samples = 0u64;
        while Instant::now() < end {
            if host.has_ended()? {
                let life = host.wait().await?;
                return Err(format!("the host ended by itself with {}", life.status).into());
            }
            if Instant::now() >= next_sample {
                let sample = Sample::of(host.id()?)?;
                report.curve.push(sample);
                next_sample += Duration::from_secs(1);
                samples += 1;
                if samples.is_multiple_of(30) {
                    let trips: u64 = self.trips.values().sum();
                    let (memory, files) = (sample.memory >> 10, sample.files);
                    tell(format!(
                        "{samples} s: {memory} MiB, {files} files, {trips} trips"
                    ));
                }
            }
            self.disturb().await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        (_, report.stopped_in) = stop(host).await?;
        Ok((self, report))
    }

    /// One host after another, each ended by SIGTERM or by SIGKILL.
    async fn many_lives(mut self, end: Instant) -> Result<(Self, SoakReport)> {
        let mut report = SoakReport::default();
        while Instant::now() < end {
            report.lives += 1;
            let mut host = self.host(&format!("life-{:04}", report.lives))?;
            let time = Duration::from_millis(self.random.random_range(2_000..12_000));
            let until = end.min(Instant::now() + time);
            while Instant::now() < until && !host.has_ended()? {
                self.disturb().await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            if host.has_ended()? {
                // It could not begin: the server was away for too long.
                let life = host.wait().await?;
                if life.status.code() != Some(3) {
                    return Err(format!("a host ended by itself with {}", life.status).into());
                }
            } else if self.random.random() {
                host.kill().await?;
            } else {
                let (_, time) = stop(host).await?;
                report.others_stopped_in = report.others_stopped_in.max(time);
            }
        }
        Ok((self, report))
    }

    /// Ends all that is under way without faults, and compares every task with what the model says. Gives the number of
    /// decisions that were made on them.
    async fn finish(&mut self) -> Result<u64> {
        if self.away_until.is_some() {
            self.server.start_again().await?;
        }
        self.server.clear_faults().await?;
        let host = Host::start(&self.world, &self.server, "last", &[])?;
        let life = host.wait().await?;
        if life.status.code() != Some(0) {
            return Err(format!("the last run ended with {}", life.status).into());
        }
        if let Some(open) = journaled::open(&self.world).await?.first() {
            return Err(format!(
                "the last run left the commit of {} open",
                open.number.file()
            )
            .into());
        }
        let states = state::read(self.server.client()).await?;
        let (expected, found) = (self.trips.len(), states.len());
        if expected != found {
            return Err(format!("expected {expected} tasks, found {found}").into());
        }
        let mut decisions = 0;
        let mut wrong = Vec::new();
        for (number, state) in &states {
            let trip = self.trips[number];
            let expected = number.counts(trip, number.end()).unwrap_or_default();
            decisions += number.decisions(trip);
            let (file, end) = (number.file(), number.end());
            if (state.stage, state.counts()) != (end, expected) {
                wrong.push(format!(
                    "{file} on trip {trip}: expected {expected:?} at {end:?}, found {:?} at {:?}",
                    state.counts(),
                    state.stage
                ));
            }
        }
        if wrong.is_empty() {
            let name = self.world.folder().file_name().unwrap_or_default();
            let name = format!("{}-undisturbed", name.to_string_lossy());
            let folder = self.world.folder().with_file_name(name);
            let expected = undisturbed(folder, self.trips.len() as u64, &self.trips).await?;
            compare(&states, &expected)?;
            return Ok(decisions);
        }
        let shown: Vec<_> = wrong.iter().take(5).cloned().collect();
        let folder = self.world.folder().display();
        let text = format!(
            "{} tasks of {folder} are wrong:\n  {}",
            wrong.len(),
            shown.join("\n  ")
        );
        Err(text.into())
    }
}

/// Asks a host to end, and measures how long it takes.
async fn stop(host: Host) -> Result<(Life, Duration)> {
    let asked = Instant::now();
    host.terminate()?;
    let life = tokio::time::timeout(BOUND, host.wait()).await;
    let life = life.map_err(|_| format!("the host did not end within {BOUND:?} of SIGTERM"))??;
    match life.status.code() {
        Some(0 | 1) => Ok((life, asked.elapsed())),
        _ => Err(format!("the host ended with {} after SIGTERM", life.status).into()),
    }
}
