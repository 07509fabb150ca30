//! The kill test: the host is killed at random moments, and the server with it now and then, until enough is enough. Then a run
//! without kills ends, and every task must be as if nothing had happened.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::faults::Plan;
use super::host::{Host, Life, state_dir};
use super::journaled::{self, Open};
use super::model::{Number, Stage};
use super::moment::{Fell, Moment, Tally, listed_nothing};
use super::server::{DevServer, Requests};
use super::state::{self, TaskState};
use super::undisturbed::{compare, move_back, undisturbed};
use super::world::World;
use super::{Failed, Result};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct KillOptions {
    /// Times that the host is killed.
    pub kills: u64,
    /// Of everything that is random.
    pub seed: u64,
    /// Tasks of the project.
    pub tasks: u64,
    /// Whether the journal is taken away after each kill, which must be found out.
    pub forgets: bool,
    /// Where all files go. Made anew.
    pub folder: PathBuf,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct KillReport {
    /// Times that the host was killed, by what the kill was aimed at.
    pub aimed: Tally,
    /// The same by where it fell.
    pub fell: Tally,
    /// Times that the server was killed.
    pub server_kills: u64,
    /// Lives that ended by themselves.
    pub whole_lives: u64,
    /// Decisions whose effects were compared.
    pub decisions: u64,
    /// Wall-clock time.
    pub elapsed: Duration,
}

impl std::fmt::Display for KillReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "kills were aimed at: {}\nand fell: {}\nthe server was killed {} times, {} lives ended by themselves; each of {} decisions had its \
             effect once ({:.0} s)",
            self.aimed,
            self.fell,
            self.server_kills,
            self.whole_lives,
            self.decisions,
            self.elapsed.as_secs_f64()
        )
    }
}

/// Runs it. `tell` hears of the progress.
///
/// # Errors
/// What was found wrong: the task, what was expected and found, the seed, and where the logs are.
pub async fn kill_test(options: &KillOptions, tell: &dyn Fn(String)) -> Result<KillReport> {
    let began = Instant::now();
    let told = |error: Failed| -> Failed {
        let (seed, folder) = (options.seed, options.folder.display());
        format!("{error}\n  seed {seed}; logs and state are in {folder}").into()
    };
    if options.folder.exists() {
        std::fs::remove_dir_all(&options.folder)?;
    }
    let mut report = killed(options, tell).await.map_err(told)?;
    report.elapsed = began.elapsed();
    Ok(report)
}

async fn killed(options: &KillOptions, tell: &dyn Fn(String)) -> Result<KillReport> {
    let world = World::make(options.folder.join("killed"), options.tasks).await?;
    let server = DevServer::start(&world).await?;
    let mut test = KillTest {
        random: StdRng::seed_from_u64(options.seed),
        seed: options.seed,
        forgets: options.forgets,
        trips: world.numbers().map(|number| (number, 1)).collect(),
        states: state::read(server.client()).await?,
        made: HashSet::new(),
        overtaken: HashSet::new(),
        whole_lives: 0,
        server_kills: 0,
        lives: 0,
        aimed: Tally::default(),
        fell: Tally::default(),
        world,
        server,
    };
    let mut kills = 0;
    while kills < options.kills {
        if test.lives >= 4 * options.kills + 20 {
            return Err("the host ends by itself too often to be killed".into());
        }
        if let Some((moment, fell)) = test.life().await? {
            test.aimed.add(moment.name());
            test.fell.add(fell.name());
            kills += 1;
            if kills % 10 == 0 {
                tell(format!("{kills} kills: {}", test.fell));
            }
        }
        test.put_back().await?;
    }
    let found = test.finish("last").await?;
    tell("comparing with a run in which nothing goes wrong".to_owned());
    let folder = options.folder.join("undisturbed");
    let expected = undisturbed(folder, options.tasks, &test.trips).await?;
    compare(&found, &expected)?;
    let decisions = test.trips.iter();
    let decisions = decisions.map(|(number, trip)| number.decisions(*trip));
    Ok(KillReport {
        decisions: decisions.sum(),
        aimed: test.aimed,
        fell: test.fell,
        server_kills: test.server_kills,
        whole_lives: test.whole_lives,
        elapsed: Duration::ZERO,
    })
}

struct KillTest {
    world: World,
    server: DevServer,
    random: StdRng,
    seed: u64,
    forgets: bool,
    /// Which trip each task is on, from 1.
    trips: BTreeMap<Number, u64>,
    /// Every task as it was found after the last life.
    states: BTreeMap<Number, TaskState>,
    /// Decisions that must not be made again: their commits are in the journal, or were carried out.
    made: HashSet<(Stage, Number)>,
    /// Open commits of tasks that were put back meanwhile: of an earlier trip, and nothing that forbids a decision on this.
    overtaken: HashSet<(Stage, Number)>,
    lives: u64,
    whole_lives: u64,
    server_kills: u64,
    aimed: Tally,
    fell: Tally,
}

impl KillTest {
    /// One life of the host. Says what the kill was aimed at and where it fell, or nothing if the host had ended before.
    async fn life(&mut self) -> Result<Option<(Moment, Fell)>> {
        self.lives += 1;
        let name = format!("life-{:04}", self.lives);
        let size = ["7", "40", "300"][self.random.random_range(0..3)];
        let arguments = ["--task-batch-size", size];
        let before = !journaled::open(&self.world).await?.is_empty();
        let left = self.decisions_left();
        let plan = Plan::new(self.seed.wrapping_mul(1_000_003).wrapping_add(self.lives));
        self.server.set_faults(&plan).await?;
        let mut host = Host::start(&self.world, &self.server, &name, &arguments)?;
        let (moment, requests) = self.disturb(&mut host, left).await?;
        let life = host.kill().await?;
        self.server.clear_faults().await?;
        let fell = self
            .examine(&name, &life, &requests, before)
            .await
            .map_err(|error| format!("after {name}: {error}"))?;
        if self.forgets {
            std::fs::remove_dir_all(state_dir(&self.world)?)?;
        }
        match life.was_killed() {
            true => Ok(Some((moment, fell))),
            false => {
                self.whole_lives += 1;
                // 1: something was not sent, and is in the journal. 3: the server was not there.
                match life.status.code() {
                    Some(0 | 1 | 3) => Ok(None),
                    _ => Err(format!("{name} ended with {}", life.status).into()),
                }
            }
        }
    }

    /// Decisions that are to be made until all tasks have come to their ends.
    fn decisions_left(&self) -> usize {
        let of_task = |(number, state): (&Number, &TaskState)| {
            let way = number.way();
            let at = way.iter().position(|stage| *stage == state.stage);
            number.leaves().then(|| way.len() - 1 - at.unwrap_or(0))
        };
        self.states.iter().filter_map(of_task).sum()
    }

    /// Waits for the moment of the kill, and lets the server be killed on the way now and then. Gives that moment, and the requests of
    /// this life, as far as they are known.
    async fn disturb(&mut self, host: &mut Host, left: usize) -> Result<(Moment, Requests)> {
        let journal = state_dir(&self.world)?.join("journal.sqlite-wal");
        let mut earlier = Requests::default();
        if self.random.random_ratio(1, 5) {
            let moment = Moment::choose(&mut self.random);
            moment.wait(host, &self.server, &journal, left).await?;
            earlier = self.server.requests().await?;
            self.server.kill().await?;
            self.server_kills += 1;
            // Now and then for longer than the host is patient.
            let away = match self.random.random_range(0..8) {
                0 => 9_000,
                _ => self.random.random_range(0..300),
            };
            let away = Duration::from_millis(away);
            tokio::time::sleep(away).await;
            self.server.start_again().await?;
        }
        let moment = Moment::choose(&mut self.random);
        moment.wait(host, &self.server, &journal, left).await?;
        let mut requests = self.server.requests().await?;
        for (sum, earlier) in requests.iter_mut().zip(earlier) {
            *sum += earlier;
        }
        Ok((moment, requests))
    }

    /// Compares what there is after a life with what must be, and says where the kill fell.
    async fn examine(
        &mut self,
        name: &str,
        life: &Life,
        requests: &Requests,
        had_open: bool,
    ) -> Result<Fell> {
        let states = state::read(self.server.client()).await?;
        let open = journaled::open(&self.world).await?;
        self.no_decision_twice(life)?;
        // Made once and for all: what is in the journal and, if the host ended in its own time, whatever it decided.
        let decisions: HashSet<_> = open.iter().map(|open| (open.stage, open.number)).collect();
        self.overtaken
            .retain(|decision| decisions.contains(decision));
        self.made.extend(decisions.difference(&self.overtaken));
        if !life.was_killed() {
            self.made.extend(&life.decided);
        }
        self.in_between(&states, &open)?;

        let saved = |open: &Open| {
            // What stays has the same labels before and after.
            if open.number.end() == open.stage {
                return false;
            }
            let labels = open.labels.as_ref();
            labels.is_some_and(|(_, document)| {
                state::labels_of(document) == states[&open.number].labels
            })
        };
        let moved = |open: &Open| open.moves && states[&open.number].stage != open.stage;
        let left = states
            .iter()
            .any(|(number, state)| number.leaves() && state.stage != number.end());
        let fell = if requests.iter().all(|count| *count == 0) {
            Fell::Starting
        } else if had_open && listed_nothing(requests) {
            Fell::Resuming
        } else if open.iter().any(moved) {
            Fell::Moved
        } else if open.iter().any(saved) {
            Fell::Saved
        } else if !open.is_empty() {
            Fell::Journaled
        } else if !left {
            Fell::Ending
        } else if life.decided.is_empty() {
            Fell::Reading
        } else {
            Fell::Deciding
        };
        self.note(name, life, &open, fell)?;
        self.states = states;
        Ok(fell)
    }

    /// Adds a line to the log of the test.
    fn note(&self, name: &str, life: &Life, open: &[Open], fell: Fell) -> Result<()> {
        use std::io::Write;
        let path = self.world.folder().join("lives.log");
        let mut file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path)?;
        let open: Vec<_> = open
            .iter()
            .map(|open| format!("{}:{}", open.stage.title(), open.number.0))
            .collect();
        writeln!(
            file,
            "{name}: {}, {}; {} decided, open {}",
            life.status,
            fell.name(),
            life.decided.len(),
            open.join(" ")
        )?;
        Ok(())
    }

    fn no_decision_twice(&self, life: &Life) -> Result<()> {
        let mut of_life = HashSet::new();
        for decision in &life.decided {
            let (stage, number) = decision;
            if number.end() == *stage {
                // It stays, and is seen in each pass.
                continue;
            }
            let (stage, file) = (stage.title(), number.file());
            if self.made.contains(decision) {
                let text =
                    format!("the agent of {stage} ran again for {file}, on which it had decided");
                return Err(text.into());
            }
            if !of_life.insert(decision) {
                return Err(
                    format!("the agent of {stage} decided twice on {file} in one life").into(),
                );
            }
        }
        Ok(())
    }

    /// Each task must have what the stages before its own did, and may have some of an open commit.
    fn in_between(&self, states: &BTreeMap<Number, TaskState>, open: &[Open]) -> Result<()> {
        if states.len() != self.trips.len() {
            let (expected, found) = (self.trips.len(), states.len());
            return Err(format!("expected {expected} tasks, found {found}").into());
        }
        for (number, state) in states {
            let (file, stage) = (number.file(), state.stage);
            let expected = number.counts(self.trips[number], stage);
            let Some(expected) = expected else {
                return Err(
                    format!("{file} is at {}, where it does not come", stage.title()).into(),
                );
            };
            let found = state.counts();
            let mut possible = vec![expected];
            if open
                .iter()
                .any(|open| (open.stage, open.number) == (stage, *number))
            {
                possible = number.counts_under_way(expected, stage);
            }
            if !possible.contains(&found) {
                let text = format!(
                    "{file}, at {} on trip {}: expected {possible:?}, found {found:?}",
                    stage.title(),
                    self.trips[number]
                );
                return Err(text.into());
            }
        }
        Ok(())
    }

    /// Puts tasks back to where they began, once most of them have ended, so that there is always work.
    async fn put_back(&mut self) -> Result<()> {
        let leaving = || self.states.iter().filter(|(number, _)| number.leaves());
        let ended: Vec<(Number, Uuid)> = leaving()
            .filter(|(number, state)| state.stage == number.end())
            .map(|(number, state)| (*number, state.task))
            .collect();
        if 3 * ended.len() < 2 * leaving().count() {
            return Ok(());
        }
        move_back(&self.server, &ended).await?;
        let open = journaled::open(&self.world).await?;
        for (number, _) in ended {
            *self.trips.entry(number).or_default() += 1;
            if let Some(state) = self.states.get_mut(&number) {
                state.stage = Stage::First;
            }
            self.made.retain(|(_, made)| *made != number);
            let of_task = open.iter().filter(|open| open.number == number);
            self.overtaken
                .extend(of_task.map(|open| (open.stage, open.number)));
        }
        Ok(())
    }

    /// A run in which nothing is disturbed any more.
    async fn finish(&mut self, name: &str) -> Result<BTreeMap<Number, TaskState>> {
        let host = Host::start(&self.world, &self.server, name, &[])?;
        let life = host.wait().await?;
        if life.status.code() != Some(0) {
            return Err(format!("the last run ended with {}", life.status).into());
        }
        self.no_decision_twice(&life)?;
        if let Some(open) = journaled::open(&self.world).await?.first() {
            let file = open.number.file();
            return Err(format!("the last run left the commit of {file} open").into());
        }
        let states = state::read(self.server.client()).await?;
        self.in_between(&states, &[])?;
        Ok(states)
    }
}
