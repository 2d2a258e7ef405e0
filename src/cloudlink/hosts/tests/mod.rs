//! The policy above a far side that is played: time stands still until everybody waits for it.

mod circuit;
mod pauses;
mod places;
mod sign_in;
mod told;

use std::sync::Mutex;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, Request, StatusCode};
use tokio::time::{Instant, sleep};

use super::*;
use crate::cloudlink::testing::{client_on, clock};
use crate::cloudlink::transport::{Answer, Far, Lost, Wire};
use crate::cloudlink::{Class, Line};
use crate::kit::clock::Clock;

/// What the far side does with a request.
enum Then {
    Status(u16),
    Wait(u16, String),
    Lost(Lost),
    /// Answers after this time.
    Late(Duration, u16),
    /// Asks to wait, after this time.
    LateWait(Duration, u16, String),
    /// A token for who asks for one.
    Token(String),
}

type Play = Box<dyn Fn(&Request) -> Then + Send + Sync>;

/// A far side that keeps when and what it was asked.
struct Stage {
    play: Play,
    began: Instant,
    asked: Mutex<Vec<(u64, String)>>,
}

impl Stage {
    fn new(play: impl Fn(&Request) -> Then + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { play: Box::new(play), began: Instant::now(), asked: Mutex::default() })
    }

    /// Milliseconds from the beginning at which something with this in its URL was asked for.
    fn asked(&self, part: &str) -> Vec<u64> {
        self.asked.lock().unwrap().iter().filter(|(_, url)| url.contains(part)).map(|(at, _)| *at).collect()
    }
}

impl Far for Stage {
    fn exchange(&self, request: Request, _: Instant) -> BoxFuture<'static, Result<Answer, Lost>> {
        let at = self.began.elapsed().as_millis() as u64;
        self.asked.lock().unwrap().push((at, request.url().to_string()));
        let then = (self.play)(&request);
        Box::pin(async move {
            let answer = |status, headers, body: String| {
                Ok(Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: Ok(Bytes::from(body)) })
            };
            match then {
                Then::Status(status) => answer(status, HeaderMap::new(), String::new()),
                Then::Wait(status, wait) => {
                    answer(status, HeaderMap::from_iter([(RETRY_AFTER, wait.parse().unwrap())]), String::new())
                }
                Then::Lost(lost) => Err(lost),
                Then::Late(time, status) => {
                    sleep(time).await;
                    answer(status, HeaderMap::new(), String::new())
                }
                Then::LateWait(time, status, wait) => {
                    sleep(time).await;
                    answer(status, HeaderMap::from_iter([(RETRY_AFTER, wait.parse().unwrap())]), String::new())
                }
                Then::Token(text) => {
                    let body = format!(r#"{{"access_token":"{text}","expires_in":3600}}"#);
                    answer(201, HeaderMap::new(), body)
                }
            }
        })
    }
}

const MINUTE: Duration = Duration::from_mins(1);
const MEDIA: &str = "https://media.example/calls/1";

fn line_as(stage: &Arc<Stage>, whose: Whose, policy: HostPolicy, clock: &Clock) -> Line {
    Line::new(&Wire::to(Arc::clone(stage) as _), whose, policy, clock, &Chance::seeded(7))
}

fn line(stage: &Arc<Stage>) -> Line {
    line_as(stage, Whose::Other, HostPolicy::STEPS, &Clock::tokio("2026-02-03T08:15:00Z".parse().unwrap()))
}

async fn ask(line: &Line, url: &str, within: Duration) -> Result<u16, Lost> {
    let request = Request::new(Method::GET, url.parse().unwrap());
    line.send(request, Instant::now() + within).await.map(|answer| answer.status.as_u16())
}

/// Asks as the dispatcher does: comes again when it was told to. Milliseconds until it was answered by 200.
async fn persist(line: &Line, url: &str) -> u64 {
    let began = Instant::now();
    loop {
        let request = Request::new(Method::GET, url.parse().unwrap());
        let wait = match line.send(request, Instant::now() + MINUTE).await {
            Ok(answer) if answer.status.is_success() => return began.elapsed().as_millis() as u64,
            Ok(answer) => line.retry_after(&url.parse().unwrap(), &answer).unwrap_or(Duration::from_millis(200)),
            Err(lost) => lost.held_for().unwrap_or(Duration::from_millis(200)),
        };
        sleep(wait).await;
    }
}

fn held(sent: &Result<u16, Lost>) -> Option<(Hold, Duration)> {
    match sent {
        Err(Lost::Held { hold, after }) => Some((*hold, *after)),
        _ => None,
    }
}

fn line_state(line: &Line) -> HostState {
    line.wire().hosts().into_iter().next().unwrap()
}
