//! Tells the rules of an account that a circuit breaker of its far sides opened or closed. Calls do not wait for that: who is slow
//! here is the journal, and what does not fit into the channel meanwhile is not told.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::desk::Desk;
use crate::cloudlink::Turned;
use crate::journal::{Error, Journal};

/// How long to wait when the journal takes nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells of one after the other.
pub(super) async fn tell(mut turns: mpsc::Receiver<Turned>, desk: Arc<Desk>, journal: Arc<impl Journal>) {
    while let Some(turned) = turns.recv().await {
        let Some(entry) = desk.turned(&turned) else { continue };
        while let Err(error) = journal.accept(vec![entry.clone()]).await {
            if matches!(error, Error::Closed) {
                return;
            }
            tracing::info!(%error, host = turned.host, "that a circuit breaker turned waits for the journal");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
