//! Where the stories play: a simulator and a gateway as processes of their own, at one time of day, and the means to
//! start them, to wait for them and to kill the gateway.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::DateTime;
use chrono_tz::Tz;
use reqwest::Client;

use super::calendar;
use super::cloudlink::{CLIENT, CloudLink};
use super::mishap::Mishap;
use super::process::{Folder, Process, free_address};
use super::timeline::Timeline;
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;

/// The gateway's log, in the demo's folder.
pub(super) const GATEWAY_LOG: &str = "gateway.log";
/// The simulator's.
pub(super) const SIMULATOR_LOG: &str = "simulator.log";
/// How long a process may take to answer.
const START: Duration = Duration::from_secs(10);
/// How often a port is tried that another program may have taken in the meantime.
const TRIES: u32 = 5;
/// The exit code of a process that could not start.
const COULD_NOT_START: i32 = 3;

/// What stays the same at any time of day.
pub(super) struct Stage {
    /// The settings and rules that are shown.
    pub(super) config: PathBuf,
    pub(super) crm_url: String,
    pub(super) crm_token: String,
    application_id: String,
    client_secret: String,
    account_id: String,
    folder: PathBuf,
    chance: Chance,
    http: Client,
}

/// A simulator and a gateway whose clocks show the same time of day.
pub(super) struct Scene {
    pub(super) cloudlink: CloudLink,
    pub(super) gateway: Gateway,
    simulator: Process,
}

/// The gateway's process and how it is started.
pub(super) struct Gateway {
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
    log: PathBuf,
    notify_url: String,
    http: Client,
    process: Process,
}

impl Stage {
    /// Makes up the ids and secrets of this run.
    pub(super) fn new(config: PathBuf, folder: &Folder, crm_url: String, chance: Chance) -> Result<Self, Mishap> {
        let secret = || format!("{:016x}", chance.bits());
        Ok(Self {
            config,
            crm_url,
            crm_token: secret(),
            client_secret: secret(),
            application_id: chance.uuid(),
            account_id: chance.uuid(),
            folder: folder.path.clone(),
            http: super::cloudlink::local_client()?,
            chance,
        })
    }

    /// Starts a simulator and a gateway at that time of day and subscribes the gateway to calls and chats.
    pub(super) async fn open(&self, time: DateTime<Tz>, line: &Timeline) -> Result<Scene, Mishap> {
        line.heading(&format!("It is {} in Toronto", time.format("%A %-d %B %Y, %H:%M")));
        let offset = calendar::offset(Clock::system().now(), time);
        let (cloudlink, simulator) = self.simulator(offset).await?;
        line.say("CloudLink", &format!("is simulated at {} (process {})", cloudlink.api_url(), simulator.id()));
        let began = Instant::now();
        let gateway = self.gateway(offset, &cloudlink).await?;
        cloudlink.subscribe(&gateway.notify_url, &self.application_id).await?;
        let (took, id) = (began.elapsed().as_millis(), gateway.process.id());
        line.say("gateway", &format!("listens at {} after {took} ms (process {id})", gateway.notify_url));
        Ok(Scene { cloudlink, gateway, simulator })
    }

    async fn simulator(&self, offset: i64) -> Result<(CloudLink, Process), Mishap> {
        for attempt in 1.. {
            let address = free_address(&self.chance).map_err(Mishap::broken("no free port was found"))?;
            let args = self.simulator_args(address, offset);
            let env = [("CLOUDLINK_CLIENT_SECRET", self.client_secret.clone())];
            let log = self.folder.join(SIMULATOR_LOG);
            let mut process =
                Process::start(&args, &env, &log).map_err(Mishap::broken("the simulator could not be started"))?;
            let cloudlink = CloudLink::at(address, self.http.clone(), self.client_secret.clone());
            match wait("the simulator", &mut process, async || cloudlink.is_there().await).await {
                Ok(()) => return Ok((cloudlink, process)),
                Err(late) => late.unless_port_taken(attempt)?,
            }
        }
        Err(Mishap::broken("the simulator did not start")("no port was free"))
    }

    fn simulator_args(&self, address: SocketAddr, offset: i64) -> Vec<String> {
        vec![
            "simulate".to_owned(),
            format!("--listen={address}"),
            format!("--client-id={CLIENT}"),
            format!("--account-id={}", self.account_id),
            format!("--clock-offset={offset}"),
        ]
    }

    async fn gateway(&self, offset: i64, cloudlink: &CloudLink) -> Result<Gateway, Mishap> {
        for attempt in 1.. {
            let free = || free_address(&self.chance).map_err(Mishap::broken("no free port was found"));
            let (listen, admin) = (free()?, free()?);
            let config = format!("--config={}", self.config.display());
            let args = vec!["run".to_owned(), config, format!("--clock-offset={offset}")];
            let (env, log) = (self.environment(listen, admin, cloudlink), self.folder.join(GATEWAY_LOG));
            let process = Process::start(&args, &env, &log).map_err(Mishap::broken("the gateway did not start"))?;
            let notify_url = format!("http://{listen}/notify");
            let mut gateway = Gateway { args, env, log, notify_url, http: self.http.clone(), process };
            match gateway.ready().await {
                Ok(()) => return Ok(gateway),
                Err(late) => late.unless_port_taken(attempt)?,
            }
        }
        Err(Mishap::broken("the gateway did not start")("no port was free"))
    }

    /// What differs from the settings in the folder, and the secrets that they ask the environment for.
    fn environment(&self, listen: SocketAddr, admin: SocketAddr, at: &CloudLink) -> Vec<(&'static str, String)> {
        vec![
            ("SWITCHHOOK__SERVER__LISTEN", listen.to_string()),
            ("SWITCHHOOK__ADMIN__LISTEN", admin.to_string()),
            ("SWITCHHOOK__JOURNAL__PATH", self.folder.join("state").display().to_string()),
            ("SWITCHHOOK__CLOUDLINK__URLS__ALL", at.api_url()),
            ("SWITCHHOOK__CLOUDLINK__ACCOUNT_ID", self.account_id.clone()),
            ("SWITCHHOOK__CLOUDLINK__AUTH__CLIENT_ID", CLIENT.to_owned()),
            ("CLOUDLINK_CLIENT_SECRET", self.client_secret.clone()),
            ("NOTIFY_APPLICATION_ID", self.application_id.clone()),
            ("CRM_URL", self.crm_url.clone()),
            ("CRM_TOKEN", self.crm_token.clone()),
        ]
    }
}

impl Scene {
    /// Ends both processes.
    pub(super) async fn close(mut self) -> Result<(), Mishap> {
        self.gateway.kill().await?;
        self.simulator.kill().await.map_err(Mishap::broken("the simulator could not be ended"))
    }
}

impl Gateway {
    /// Its process number.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// `kill -9`: no goodbye, no last write.
    pub(super) async fn kill(&mut self) -> Result<(), Mishap> {
        self.process.kill().await.map_err(Mishap::broken("the gateway could not be killed"))
    }

    /// Starts it again as it was, on the same port with the same journal; answers when it listens.
    pub(super) async fn start_again(&mut self) -> Result<(), Mishap> {
        self.process = Process::start(&self.args, &self.env, &self.log)
            .map_err(Mishap::broken("the gateway did not start again"))?;
        self.ready().await.map_err(|late| late.mishap)
    }

    /// It still runs and listens.
    pub(super) async fn is_well(&mut self) -> Result<(), Mishap> {
        self.ready().await.map_err(|late| late.mishap)
    }

    /// Waits until a GET on its path is answered with 200.
    async fn ready(&mut self) -> Result<(), Late> {
        let (http, url) = (&self.http, &self.notify_url);
        let answers = async || http.get(url).send().await.is_ok_and(|response| response.status() == 200);
        wait("the gateway", &mut self.process, answers).await
    }
}

/// A process that does not answer.
struct Late {
    /// Its exit code, if it has ended.
    code: Option<i32>,
    mishap: Mishap,
}

impl Late {
    /// Passes over a port that someone took between our look and the child's, a few times.
    fn unless_port_taken(self, attempt: u32) -> Result<(), Mishap> {
        if self.code == Some(COULD_NOT_START) && attempt < TRIES { Ok(()) } else { Err(self.mishap) }
    }
}

async fn wait(what: &str, process: &mut Process, answers: impl AsyncFn() -> bool) -> Result<(), Late> {
    let began = Instant::now();
    let late = |code, why: String| Late { code, mishap: Mishap::Broken { what: format!("{what} is not there"), why } };
    while began.elapsed() < START {
        match process.ended() {
            Ok(None) => {}
            Ok(Some(status)) => return Err(late(status.code(), format!("it ended: {status}"))),
            Err(error) => return Err(late(None, error.to_string())),
        }
        if answers().await {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(late(None, format!("it did not answer within {} s", START.as_secs())))
}
