//! `runner-host dev` as a process of its own, at a port that stays the same when it is started again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use runner_host::encord::{Client, Key};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Result;
use super::faults::{OPERATIONS, Plan};
use super::world::World;

/// How long it may take to start.
const START: Duration = Duration::from_secs(30);

/// Requests so far, one number for each of [`OPERATIONS`].
pub type Requests = [u64; OPERATIONS.len()];

/// The server of a world.
#[derive(Debug)]
pub struct DevServer {
    process: Child,
    program: PathBuf,
    project: PathBuf,
    /// Its log, over all starts.
    log: PathBuf,
    /// The plan that a start begins with.
    plan_file: PathBuf,
    domain: String,
    admin: reqwest::Client,
    client: Client,
}

impl DevServer {
    /// Starts it at a free port, without faults.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(world: &World) -> Result<Self> {
        let (program, project) = (world.program(), world.project());
        let log = world.folder().join("server.log");
        let plan_file = world.folder().join("faults.toml");
        std::fs::write(&plan_file, "")?;
        let (process, domain) = spawn(&program, &project, &log, &plan_file, 0).await?;
        let client = client(&project, &domain)?;
        Ok(Self {
            process,
            program,
            project,
            log,
            plan_file,
            domain,
            admin: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(10))
                .build()?,
            client,
        })
    }

    /// For `ENCORD_DOMAIN`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// For `ENCORD_SSH_KEY_FILE`.
    pub fn key_file(&self) -> PathBuf {
        self.project.join("dev-key")
    }

    /// Talks to it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Kills it in whatever it does.
    ///
    /// # Errors
    /// If it had ended before.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(status) = self.process.try_wait()? {
            return Err(format!("the server had ended by itself: {status}").into());
        }
        self.process.kill().await?;
        Ok(())
    }

    /// Starts it again after it was killed, at the same port, on the same state, with the faults that it had.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        let port = self.domain.rsplit(':').next().unwrap_or_default();
        let (process, domain) = spawn(
            &self.program,
            &self.project,
            &self.log,
            &self.plan_file,
            port.parse()?,
        )
        .await?;
        (self.process, self.domain) = (process, domain);
        // Of its own, since connections of the old one are broken.
        self.client = client(&self.project, &self.domain)?;
        Ok(())
    }

    /// The same with other faults.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_again_with(&mut self, plan: &Plan) -> Result<()> {
        std::fs::write(&self.plan_file, plan.to_toml())?;
        self.start_again().await
    }

    /// Lets requests fail as the plan says. Counts begin anew.
    ///
    /// # Errors
    /// If the server does not take it.
    pub async fn set_faults(&self, plan: &Plan) -> Result<()> {
        std::fs::write(&self.plan_file, plan.to_toml())?;
        let put = self.admin.put(self.faults_url());
        let answer = put.body(plan.to_json().to_string()).send().await?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(answer.text().await?.into()),
        }
    }

    /// Nothing fails any more.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn clear_faults(&self) -> Result<()> {
        std::fs::write(&self.plan_file, "")?;
        let answer = self.admin.delete(self.faults_url()).send().await?;
        answer.error_for_status()?;
        Ok(())
    }

    /// Requests since the plan was set or the server started. All are 0 without a plan.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn requests(&self) -> Result<Requests> {
        let answer = self.admin.get(self.faults_url()).send().await?;
        let shown: Value = serde_json::from_str(&answer.text().await?)?;
        let matched = |at: usize| shown["counts"][at]["matched"].as_u64().unwrap_or(0);
        Ok(std::array::from_fn(matched))
    }

    fn faults_url(&self) -> String {
        format!("{}/admin/faults", self.domain)
    }
}

async fn spawn(
    program: &Path,
    project: &Path,
    log: &Path,
    plan: &Path,
    port: u16,
) -> Result<(Child, String)> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(log)?;
    let mut process = Command::new(program)
        .args(["dev", "--port", &port.to_string(), "--local"])
        .arg(project)
        .arg("--faults")
        .arg(plan)
        .args(["--log", "warn"])
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    let printed = process.stdout.take().expect("it is piped");
    let mut printed = BufReader::new(printed).lines();
    // It is printed once the server listens.
    let domain = async {
        while let Some(line) = printed.next_line().await? {
            if let Some((_, domain)) = line.split_once("ENCORD_DOMAIN=") {
                return Ok(domain.to_owned());
            }
        }
        Err("the server ended instead of starting; its log says why".into())
    };
    let domain: Result<String> = tokio::time::timeout(START, domain).await?;
    Ok((process, domain?))
}

fn client(project: &Path, domain: &str) -> Result<Client> {
    let key = std::fs::read_to_string(project.join("dev-key"))?;
    Ok(Client::new(domain.parse()?, Key::parse(&key, None)?)?)
}
