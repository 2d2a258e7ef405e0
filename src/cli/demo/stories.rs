//! The five stories. Each makes something happen in the simulated world, looks at what became of it, says so line by
//! line, and ends well or with what was expected and what was seen instead.

use std::time::{Duration, Instant};

use super::cloudlink::{CloudLink, Leg, Request};
use super::crm::Crm;
use super::mishap::Mishap;
use super::stage::{Gateway, Scene, Stage};
use super::timeline::Timeline;

const CALLER: &str = "+16135550142";
const NAME: &str = "Ada Example";
/// How long the gateway may take for anything, when nothing is broken.
const SOON: Duration = Duration::from_secs(5);
/// How long nothing must happen to count as left alone, or as not done twice.
const QUIET: Duration = Duration::from_millis(700);
/// How old a ringing call may become until it is too late to act on it.
const DEADLINE: Duration = Duration::from_secs(20);

/// In opening hours a call to reception is nobody's business but reception's.
pub(super) async fn left_alone(scene: &mut Scene, line: &Timeline) -> Result<(), Mishap> {
    let leg = ring(&scene.cloudlink, "3001", line).await?;
    acknowledged(&scene.cloudlink, &leg.path, line).await?;
    tokio::time::sleep(QUIET).await;
    let asked = scene.cloudlink.requests(&leg.path).await?;
    if let Some(request) = asked.iter().find(|request| request.method != "GET") {
        return Err(Mishap::otherwise("that the call is left alone", shown(request)));
    }
    let legs = scene.cloudlink.legs(&leg).await?;
    if !matches!(&*legs, [only] if only.state == "ringing") {
        return Err(Mishap::otherwise("that 3001 rings on", places(&legs)));
    }
    // A dead gateway leaves every call alone.
    scene.gateway.is_well().await?;
    line.say("gateway", &format!("is well, and has let it ring for {} ms", QUIET.as_millis()));
    scene.cloudlink.answer(&leg).await?;
    line.say("3001", "answers");
    Ok(())
}

/// After hours the same call goes on to 4001; answers how many milliseconds after the ring it was asked for.
pub(super) async fn redirected(scene: &Scene, line: &Timeline) -> Result<i64, Mishap> {
    let leg = ring(&scene.cloudlink, "3001", line).await?;
    rings_at_4001(&scene.cloudlink, &leg, SOON).await?;
    let request = the_redirect(&scene.cloudlink, &leg).await?;
    let took = request.time - leg.created_on.timestamp_millis();
    line.say("gateway", &format!("redirects the call to 4001, {took} ms after the ring"));
    line.say("4001", "rings");
    Ok(took)
}

/// A guest asks when reception is there; the answer stands in the conversation, once.
pub(super) async fn answered(scene: &Scene, line: &Timeline) -> Result<(), Mishap> {
    let said = scene.cloudlink.say("guest-1", "opening hours?").await?;
    line.say("guest", "writes: opening hours?");
    let token = scene.cloudlink.token().await?;
    let replies = async || {
        let all = scene.cloudlink.conversation(&said.conversation, &token).await?;
        Ok(all.into_iter().filter(|message| message.message_id != said.message).collect::<Vec<_>>())
    };
    let first = until(SOON, async || Ok(replies().await?.into_iter().next())).await?;
    let Some(first) = first else {
        let seen = how_delivered(&scene.cloudlink, &said.conversation).await?;
        return Err(Mishap::otherwise(format!("an answer within {} s", SOON.as_secs()), seen));
    };
    line.say("gateway", &format!("answers: {}", first.body));
    if !first.body.contains("08:30") {
        return Err(Mishap::otherwise("an answer that names the hours", format!("“{}”", first.body)));
    }
    tokio::time::sleep(QUIET).await;
    match replies().await?.len() {
        1 => Ok(()),
        more => Err(Mishap::otherwise("one answer", format!("{more} of them"))),
    }
}

/// While 2001 rings, the CRM gets the caller's number.
pub(super) async fn relayed(scene: &Scene, stage: &Stage, crm: &Crm, line: &Timeline) -> Result<(), Mishap> {
    let leg = ring(&scene.cloudlink, "2001", line).await?;
    let told = until(SOON, async || Ok(crm.told_of(&leg.call).into_iter().next())).await?;
    let Some(told) = told else {
        let seen = how_delivered(&scene.cloudlink, &leg.path).await?;
        return Err(Mishap::otherwise(format!("a request to the CRM within {} s", SOON.as_secs()), seen));
    };
    line.say("CRM", &format!("is told: {}", told.body));
    if told.body["from"] != CALLER || told.body["to"] != "2001" || told.body["name"] != NAME {
        return Err(Mishap::otherwise(format!("from {CALLER} ({NAME}) to 2001"), told.body.to_string()));
    }
    if told.authorization != format!("Bearer {}", stage.crm_token) {
        return Err(Mishap::otherwise("the CRM's own token in authorization", "another or none"));
    }
    if told.idempotency_key.is_empty() {
        return Err(Mishap::otherwise("an Idempotency-Key", "none"));
    }
    scene.cloudlink.answer(&leg).await?;
    line.say("2001", "answers, and knows who it is");
    Ok(())
}

/// CloudLink is away, so that an accepted event can't be acted on; then the gateway is killed. The event is on disk:
/// the next gateway acts on it, once, while the phone still rings.
pub(super) async fn survived(scene: &mut Scene, line: &Timeline) -> Result<(), Mishap> {
    scene.cloudlink.go_away().await?;
    line.say("CloudLink", "answers no API request any more; its notifications still come");
    let began = Instant::now();
    let leg = ring(&scene.cloudlink, "3001", line).await?;
    acknowledged(&scene.cloudlink, &leg.path, line).await?;
    killed_in_time(&scene.cloudlink, &mut scene.gateway, &leg, line).await?;
    scene.cloudlink.come_back().await?;
    line.say("CloudLink", "answers again; 3001 still rings");
    let start = Instant::now();
    scene.gateway.start_again().await?;
    let (took, id) = (start.elapsed().as_millis(), scene.gateway.id());
    line.say("gateway", &format!("is started again and listens after {took} ms (process {id})"));
    rings_at_4001(&scene.cloudlink, &leg, DEADLINE.saturating_sub(began.elapsed())).await?;
    let request = the_redirect(&scene.cloudlink, &leg).await?;
    let late = (request.time - leg.created_on.timestamp_millis()) as f64 / 1000.0;
    line.say("gateway", &format!("redirects the call to 4001, {late:.2} s after the ring"));
    line.say("4001", "rings");
    tokio::time::sleep(QUIET).await;
    the_redirect(&scene.cloudlink, &leg).await?;
    line.say("gateway", "has redirected it once, not twice");
    Ok(())
}

/// Kills the gateway between what it accepted and what it does; a look at the world proves that nothing was done.
async fn killed_in_time(
    cloudlink: &CloudLink,
    gateway: &mut Gateway,
    leg: &Leg,
    line: &Timeline,
) -> Result<(), Mishap> {
    let tried = async || Ok((!cloudlink.requests(&leg.path).await?.is_empty()).then_some(()));
    if until(Duration::from_secs(1), tried).await?.is_some() {
        line.say("gateway", "tries to redirect the call, in vain");
    }
    let id = gateway.id();
    gateway.kill().await?;
    line.say("gateway", &format!("is killed (kill -9 {id})"));
    let legs = cloudlink.legs(leg).await?;
    let untouched = matches!(&*legs, [only] if only.state == "ringing");
    let done = cloudlink.requests(&leg.path).await?.into_iter().find(Request::is_done);
    match done {
        None if untouched => Ok(()),
        None => Err(Mishap::otherwise("that 3001 rings on", places(&legs))),
        Some(request) => Err(Mishap::otherwise("that CloudLink does nothing", shown(&request))),
    }
}

async fn ring(cloudlink: &CloudLink, endpoint: &str, line: &Timeline) -> Result<Leg, Mishap> {
    let leg = cloudlink.ring(endpoint, CALLER, NAME).await?;
    line.say("caller", &format!("{NAME}, {CALLER}, calls: {endpoint} rings"));
    Ok(leg)
}

/// Waits until the gateway has answered a notification about this subject with 200.
async fn acknowledged(cloudlink: &CloudLink, subject: &str, line: &Timeline) -> Result<(), Mishap> {
    let taken = async || {
        let tried = cloudlink.deliveries(subject).await?;
        Ok(tried.into_iter().find(|delivery| delivery.status == Some(200)))
    };
    if let Some(delivery) = until(SOON, taken).await? {
        line.say("gateway", &format!("acknowledges the notification (200 after {} ms)", delivery.took_ms));
        return Ok(());
    }
    let seen = how_delivered(cloudlink, subject).await?;
    Err(Mishap::otherwise(format!("200 for the notification within {} s", SOON.as_secs()), seen))
}

/// Waits until the call rings at 4001.
async fn rings_at_4001(cloudlink: &CloudLink, leg: &Leg, limit: Duration) -> Result<(), Mishap> {
    let there = |legs: Vec<Leg>| legs.into_iter().find(|other| other.endpoint == "4001" && other.state == "ringing");
    if until(limit, async || Ok(there(cloudlink.legs(leg).await?))).await?.is_some() {
        return Ok(());
    }
    let requests = cloudlink.requests(&leg.path).await?;
    let asked = requests.last().map_or("no request for this call".to_owned(), shown);
    let seen =
        format!("{}; {asked}; {}", places(&cloudlink.legs(leg).await?), how_delivered(cloudlink, &leg.path).await?);
    Err(Mishap::otherwise(format!("that 4001 rings within {:.1} s", limit.as_secs_f64()), seen))
}

/// The one request that moved the call: CloudLink carried out exactly one, the right one, and one phone rings for it.
async fn the_redirect(cloudlink: &CloudLink, leg: &Leg) -> Result<Request, Mishap> {
    let all = cloudlink.requests(&leg.path).await?;
    let mut done: Vec<Request> = all.into_iter().filter(|r| r.method == "PUT" && r.is_done()).collect();
    let legs = cloudlink.legs(leg).await?;
    let (times, phones) = (done.len(), legs.iter().filter(|other| other.endpoint == "4001").count());
    let Some(request) = done.pop().filter(|_| times == 1 && phones == 1) else {
        let seen = format!("redirects carried out: {times}; {}", places(&legs));
        return Err(Mishap::otherwise("one redirect, and 4001 rings once", seen));
    };
    let wanted = serde_json::json!({ "action": "redirect", "destination": "4001" });
    if request.body != wanted {
        return Err(Mishap::otherwise(format!("PUT {wanted}"), shown(&request)));
    }
    Ok(request)
}

/// Looks again and again until there is something, or until it is too late.
async fn until<T>(limit: Duration, look: impl AsyncFn() -> Result<Option<T>, Mishap>) -> Result<Option<T>, Mishap> {
    let began = Instant::now();
    loop {
        let found = look().await?;
        if found.is_some() || began.elapsed() >= limit {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn how_delivered(cloudlink: &CloudLink, subject: &str) -> Result<String, Mishap> {
    let tried = cloudlink.deliveries(subject).await?;
    let Some(last) = tried.last() else {
        return Ok("no notification was sent".to_owned());
    };
    let answer = match (last.status, &last.error) {
        (Some(status), _) => status.to_string(),
        (None, error) => error.clone().unwrap_or_default(),
    };
    Ok(format!("notifications sent: {}, the last one answered: {answer}", tried.len()))
}

fn shown(request: &Request) -> String {
    let status = request.status.map_or("no answer".to_owned(), |status| status.to_string());
    format!("{} {}, answered: {status}", request.method, request.body)
}

fn places(legs: &[Leg]) -> String {
    let each: Vec<String> = legs.iter().map(|leg| format!("{} {}", leg.endpoint, leg.state)).collect();
    format!("the call: {}", each.join(", "))
}
