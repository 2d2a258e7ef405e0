//! `switchhook simulate`: CloudLink in one process, until it is interrupted. It forgets everything when it ends.
//! `--list-variants` says in which ways it can be different from what is assumed.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::{complain, say};
use crate::simulator::{self, Options, Redelivery, Running, SignatureForm, Variant};
use crate::telemetry::log;

/// Simulate CloudLink: seven APIs for a partner and two customers, and a page to sign in with a browser
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen; keep it on loopback, the control API asks for no token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// The first account's client; the others' are `partner` and `customer`, their secrets too
    #[arg(long, value_name = "ID", default_value = "simulator")]
    client_id: String,
    /// Its secret
    #[arg(
        long,
        value_name = "TEXT",
        env = "CLOUDLINK_CLIENT_SECRET",
        hide_env_values = true,
        default_value = "simulator"
    )]
    client_secret: String,
    /// The first account's GUID [default: a fixed one; the number 10000495 names the account too]
    #[arg(long, value_name = "GUID")]
    account_id: Option<String>,
    /// How x-notify-signature is written: hex, HEX, prefixed, base64 or base64url
    #[arg(long, value_name = "FORM", default_value = "hex")]
    signature: SignatureForm,
    /// How long an access token is good for
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    token_lifetime: u64,
    /// How long a refresh token is good for
    #[arg(long, value_name = "SECONDS", default_value_t = 14 * 24 * 3600)]
    refresh_lifetime: u64,
    /// How many users each account has; their phones are 3001, 3002, …
    #[arg(long, value_name = "NUMBER", default_value_t = 12, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    users: u32,
    /// The password of every user; the first user of each account is admin@example.com
    #[arg(long, value_name = "TEXT", env = "CLOUDLINK_PASSWORD", hide_env_values = true, default_value = "simulator")]
    password: String,
    /// Be different from what is assumed in these ways
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    variant: Vec<Variant>,
    /// List the ways in which it can be different, and end
    #[arg(long)]
    list_variants: bool,
    /// After how many seconds an untaken delivery is sent again, one pause after the other, as in 1,5,30; after the last it
    /// is given up [default: half a second, doubling up to five, for ten minutes]
    #[arg(long, value_name = "SECONDS,…", value_delimiter = ',')]
    redelivery: Vec<u64>,
    /// What to log, as in `info` or `simulator=debug`
    #[arg(long, env = "SWITCHHOOK_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// Seconds by which every time of the simulated world is ahead of this machine's clock. For demos and tests.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true, hide = true)]
    clock_offset: i64,
}

impl Args {
    fn options(self) -> Options {
        let defaults = Options::default();
        Options {
            listen: self.listen,
            client_id: self.client_id,
            client_secret: self.client_secret,
            account_id: self.account_id.unwrap_or_else(|| defaults.account_id.clone()),
            token_lifetime: Duration::from_secs(self.token_lifetime),
            refresh_lifetime: Duration::from_secs(self.refresh_lifetime),
            users: self.users,
            password: self.password,
            variants: self.variant.into_iter().collect(),
            signature: self.signature,
            redelivery: Redelivery {
                schedule: self.redelivery.into_iter().map(Duration::from_secs).collect(),
                ..defaults.redelivery.clone()
            },
            clock_offset: self.clock_offset,
            ..defaults
        }
    }
}

/// Serves until SIGINT or SIGTERM. 3: it could not start.
pub(super) async fn run(args: Args) -> ExitCode {
    if args.list_variants {
        list_variants();
        return ExitCode::SUCCESS;
    }
    log::start(log::Format::Text, args.log.as_deref());
    let (listen, client) = (args.listen, args.client_id.clone());
    // Asked for before anything is announced, so that whoever reads the announcement can already end it well.
    let asked_to_end = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = asked_to_end else {
        complain("signals can't be heard");
        return ExitCode::from(3);
    };
    let running = match simulator::start(args.options()).await {
        Ok(running) => running,
        Err(error) => {
            complain(&format!("could not listen at {listen}: {error}"));
            return ExitCode::from(3);
        }
    };
    announce(&running, &client);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    running.shutdown().await;
    ExitCode::SUCCESS
}

/// Each variant with the section of the public facts that it plays.
fn list_variants() {
    for variant in Variant::ALL {
        say(&format!("{:<22} {:<7} {}", variant.name(), variant.section(), variant.line()));
    }
}

/// Says where it is and what to try.
fn announce(running: &Running, client: &str) {
    let (api, control, portal) = (running.api_url(), running.control_url(), running.portal_url());
    say(&format!(
        r#"CloudLink is simulated at {api}, for the client {client}.

For the gateway, in [cloudlink]:
  urls = {{ all = "{api}" }}

Let it send notifications to a gateway:
  curl {control}/subscriptions -d '{{"url": "http://127.0.0.1:8080/notify", "application_id": "YOUR-APPLICATION-ID",
    "topics": ["platform-api-media", "platform-api-conversations"]}}'
Let a phone ring, let a guest ask something:
  curl {control}/calls -d '{{"endpoint": "3001", "from": "+16135550142"}}'
  curl {control}/messages -d '{{"sender": "guest-1", "body": "opening hours?"}}'
Sign in with a browser as admin@example.com in one of the accounts, or see who else there is:
  {portal}?client_id={client}&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A9191%2F
See all calls; see what was asked of the APIs and what was delivered:
  curl {control}/calls
  curl {control}/books

Ctrl-C ends it, and it forgets everything."#
    ));
}
