//! Who we are: the principal that the account signs in as, and the account's id, asked of CloudLink and learnt anew when somebody else logs in.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::authentication::WhoAmI;
use super::client::CloudLink;
use super::error::{Class, Error};

/// How long CloudLink may take to say who we are, and how long to wait for a token.
const WHO_AM_I: Duration = Duration::from_secs(10);
/// The first pause before it is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST: Duration = Duration::from_mins(5);

impl CloudLink {
    /// Asks CloudLink who we are until it says so or says that it will not, and again after each login. Never ends.
    pub async fn learn_who_we_are(self) {
        let (mut renewals, mut pause) = (self.0.tokens.renewals(), PAUSE);
        loop {
            renewals.mark_unchanged();
            let (login, answer) = self.ask_who_we_are().await;
            let again = answer.as_ref().is_err_and(may_change);
            match answer {
                Ok(who) if self.0.signer.login() == login => {
                    self.0.principal.store(who.principal_id.map(|id| Arc::new(id.into())));
                    self.0.id.store(who.account_id.map(|id| Arc::new(id.into())));
                }
                // Somebody has logged in meanwhile.
                Ok(_) => continue,
                Err(error) if again => {
                    tracing::debug!(account = %self.name(), %error, "asking again who we are");
                }
                Err(error) => {
                    tracing::info!(account = %self.name(), %error, "own messages are known by their tag only");
                }
            }
            if again {
                tokio::select! {
                    () = sleep(pause) => {}
                    // There is a token at last.
                    Ok(()) = renewals.changed() => {}
                }
                pause = (pause * 2).min(LONGEST);
            } else {
                self.another_login(&mut renewals, login.as_ref()).await;
                self.0.principal.store(None);
                self.0.id.store(None);
                pause = PAUSE;
            }
        }
    }

    /// Who we are, and by which login.
    async fn ask_who_we_are(&self) -> (Option<String>, Result<WhoAmI, Error>) {
        let token = self.token(Instant::now() + WHO_AM_I).await;
        let login = self.0.signer.login();
        let answer = match token {
            Ok(_) => self.who_am_i(WHO_AM_I).await,
            Err(error) => Err(error),
        };
        (login, answer)
    }

    /// Waits for a token by another login than this one.
    async fn another_login(&self, renewals: &mut watch::Receiver<u64>, login: Option<&String>) {
        while self.0.signer.login().as_ref() == login {
            if renewals.changed().await.is_err() {
                // Its sender is ours: it can't be.
                return std::future::pending().await;
            }
        }
    }
}

/// Whether asking again may help. Who can't sign in today may be logged in tomorrow.
fn may_change(error: &Error) -> bool {
    matches!(error, Error::SignIn(_)) || !matches!(error.class(), Class::Final | Class::Moved)
}
