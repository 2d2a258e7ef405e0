//! `switchhook login`: a person logs in by Mitel's portal, or by name and password; what stays is the refresh token, in the
//! state folder. A running gateway takes it over by itself.

mod browser;
mod redirect;
mod typed;

use std::process::ExitCode;
use std::time::Duration;

use url::Url;

use super::account::{Account, Ready};
use super::{complain, say};
use crate::cloudlink::auth::Application;
use crate::cloudlink::login::Login;
use crate::cloudlink::store::{Lock, Store};
use crate::cloudlink::{Options, WhoAmI};
use crate::kit::secret::Secret;
use crate::settings::units;

use redirect::{Ear, Page};

/// How long CloudLink may take to say who has logged in.
const WHO: Duration = Duration::from_secs(15);

/// Arguments of `login`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    account: Account,
    /// For a machine without a browser: print the address, and read the one that a browser elsewhere was sent to
    #[arg(long)]
    manual: bool,
    /// Print the address and open no browser
    #[arg(long)]
    no_open: bool,
    /// Log in by name and password, without the portal; the password is asked for, or read from standard input
    #[arg(long, value_name = "NAME", conflicts_with_all = ["manual", "no_open"])]
    username: Option<String>,
    /// How long to wait for the person
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = units::duration)]
    timeout: Duration,
}

/// Logs in. 0: signed in, and the token stored; 1: not; 2: bad settings, or an account that needs no login.
pub(super) fn run(args: &Args) -> ExitCode {
    args.account.with(async |ready| match log_in(args, &ready).await {
        Ok(done) => {
            say(&done);
            ExitCode::SUCCESS
        }
        Err(Failed { why, code }) => {
            complain(&why);
            ExitCode::from(code)
        }
    })
}

/// Why nobody is signed in.
struct Failed {
    why: String,
    code: u8,
}

impl<T: ToString> From<T> for Failed {
    fn from(why: T) -> Self {
        Self { why: why.to_string(), code: 1 }
    }
}

async fn log_in(args: &Args, ready: &Ready) -> Result<String, Failed> {
    let options = &ready.options;
    let Some(application) = options.auth.application() else {
        let (name, grant) = (&options.name, options.auth.grant());
        let why = format!("account {name} signs in by {grant}: only authorization_code wants a login");
        return Err(Failed { why, code: 2 });
    };
    // Before anybody takes the trouble: can what comes of it be kept?
    drop(lock(&application.store).await?);
    let timed = tokio::time::timeout(args.timeout, come_back(args, ready, application)).await;
    let Back { login, code, page } = timed.map_err(|_| "nobody has logged in within the time; try again")??;
    let done = settle(ready, &login, code?, &application.store).await;
    if let Some(page) = page {
        page.show(done.is_ok()).await;
    }
    done
}

/// What came back from the person.
struct Back {
    login: Login,
    code: Result<Secret, Failed>,
    /// What the browser is still to be shown.
    page: Option<Page>,
}

async fn come_back(args: &Args, ready: &Ready, application: &Application) -> Result<Back, Failed> {
    if let Some(username) = &args.username {
        let login = begin(ready, application.redirect_uri.clone())?;
        let password =
            typed::password(username).await.map_err(|error| format!("could not read the password: {error}"))?;
        let code = login.code_for(username, &password).await.map_err(|error| format!("could not {error}"))?;
        return Ok(Back { login, code: Ok(code), page: None });
    }
    if args.manual {
        let login = begin(ready, application.redirect_uri.clone())?;
        say(&format!("Open this address in any browser and log in:\n\n{}\n", login.address()));
        complain(
            "The browser ends at an address that it may not be able to show. Paste that address here, or the code in it:",
        );
        let line = typed::line().await.map_err(|error| format!("could not read what was pasted: {error}"))?;
        let code = login.code_pasted(&line).map_err(Failed::from);
        return Ok(Back { login, code, page: None });
    }
    let ear = Ear::bind(&application.redirect_uri).await?;
    let login = begin(ready, ear.redirect_uri().clone())?;
    let address = login.address();
    say(&format!("Log in at this address:\n\n{address}\n"));
    if !args.no_open && browser::open(&address) {
        complain("A browser should open it. Waiting for the login…");
    } else {
        complain("Waiting for the login…");
    }
    let (query, page) = ear.hear(login.ear()).await?;
    let code = login.code_in(&query).map_err(Failed::from);
    if code.is_err() {
        page.show(false).await;
        return Ok(Back { login, code, page: None });
    }
    Ok(Back { login, code, page: Some(page) })
}

fn begin(ready: &Ready, redirect_uri: Url) -> Result<Login, Failed> {
    let ground = &ready.ground;
    let login = Login::new(&ready.options, redirect_uri, &ground.wire, &ground.clock, &ground.chance)?;
    login.ok_or_else(|| "this account needs no login".into())
}

/// From the code to the stored token; what to say about it.
async fn settle(ready: &Ready, login: &Login, code: Secret, store: &Store) -> Result<String, Failed> {
    let Ready { cloudlink, options, .. } = ready;
    let granted = login.exchange(code).await.map_err(|error| format!("could not {error}"))?;
    let Some(refresh_token) = granted.refresh_token else {
        return Err("CloudLink gave no refresh token, so the login would not last: check auth.scope".into());
    };
    cloudlink.begin_with(granted.fresh);
    let who = cloudlink.who_am_i(WHO).await;
    if let Some(other) = who.as_ref().ok().and_then(|who| other_account(options, who)) {
        return Err(format!(
            "this login is for account {other}, and account_id is {}: nothing was stored; log in as a user of that \
             account, or correct account_id",
            options.account_id
        )
        .into());
    }
    lock(store).await?.write(&login.stored(refresh_token)).map_err(|error| format!("could not {error}"))?;
    let kept = store.path();
    match who {
        Ok(who) => Ok(format!(
            "signed in as {}; the refresh token is kept in {}, and a running gateway takes it over",
            named(&who),
            kept.display()
        )),
        Err(error) => Err(format!(
            "the refresh token is kept in {}, but it is not known whose it is: could not {error}",
            kept.display()
        )
        .into()),
    }
}

async fn lock(store: &Store) -> Result<Lock, Failed> {
    match store.lock().await {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err("another process keeps the stored sign-in locked; try again".into()),
        Err(error) => Err(format!("could not {error}").into()),
    }
}

/// The account that somebody logged in to, if it is surely another one. Numbers and GUIDs can't be compared.
fn other_account(options: &Options, who: &WhoAmI) -> Option<String> {
    let is = who.account_id.as_ref()?;
    let guid = |text: &str| uuid::Uuid::try_parse(text).ok();
    (guid(is)? != guid(&options.account_id)?).then(|| plain(is))
}

/// Who it is, for people.
fn named(who: &WhoAmI) -> String {
    let claim = |name: &str| who.claims[name].as_str().filter(|text| !text.is_empty()).map(plain);
    let name = claim("name").or_else(|| claim("email"));
    let principal = who.principal_id.as_deref().map_or_else(|| "an unknown principal".to_owned(), plain);
    let named = name.map_or_else(|| principal.clone(), |name| format!("{name} ({principal})"));
    let role = who.role.as_deref().map(|role| format!(", {}", plain(role))).unwrap_or_default();
    let account = who.account_id.as_deref().map(|account| format!(", account {}", plain(account))).unwrap_or_default();
    format!("{named}{role}{account}")
}

/// Text from outside for a terminal: no control characters, not without end.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
