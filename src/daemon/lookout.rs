//! Looks at CloudLink after calls of which nothing was heard for hours: which of their legs are gone. What it says becomes a
//! publication of our own; a look that gets lost is asked for again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::desk::Look;
use super::desk::own::Own;
use crate::cloudlink::CloudLink;
use crate::journal::Journal;

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Looks after one call after the other, as they are asked for.
pub(super) async fn look_after(mut looks: mpsc::Receiver<Look>, cloudlink: CloudLink, journal: Arc<impl Journal>) {
    while let Some(Look { account, home, again, legs }) = looks.recv().await {
        let mut gone = Vec::new();
        for (endpoint, call) in legs {
            let path = format!("/endpoints/{}/calls/{}", encoded(&endpoint), encoded(&call));
            match cloudlink.call(&path, TIMEOUT).await {
                Ok(found) if !found.is_over() => {}
                Ok(_) => gone.push((endpoint, call)),
                Err(error) if error.status().is_some_and(|status| status == 404) => gone.push((endpoint, call)),
                Err(error) => {
                    tracing::info!(%error, endpoint, "whether a call still lives can't be seen; it is asked in hours again");
                }
            }
        }
        let entry = Own::call(&account, &home, &again, Some(gone));
        if let Err(error) = journal.accept(vec![entry]).await {
            tracing::info!(%error, "what was seen of a call can't be stored; it is looked at again");
        }
    }
}

fn encoded(part: &str) -> String {
    percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
}
