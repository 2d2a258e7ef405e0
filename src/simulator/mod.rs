//! CloudLink in one process: tokens, subscriptions, signed webhooks, phones and conversations, all behind one origin.
//!
//! A gateway is pointed at `http://ADDRESS/2017-09-01` for all APIs; whoever drives the simulator uses `/control`.
//! What lives here: the wire as `cloudlink-api.md` describes it, state in memory, and means to break things on purpose.
//! What must not: anything of the gateway. The simulator shares no signing, decoding or client code with it, so that it
//! can catch the gateway's mistakes. Nothing here is durable; a restart forgets everything.
//!
//! Reading order: [`start`] binds and serves; `gate` is what every API request passes; `tokens`, `notify`, `phones` and
//! `chat` are the services; `control` is the other side of the counter.

mod answer;
mod books;
mod chat;
mod clock;
mod control;
mod gate;
mod moods;
mod notify;
mod options;
mod phones;
mod server;
mod tasks;
mod tokens;
mod world;

pub use options::{Options, Redelivery, SignatureForm};
pub use server::{Running, start};
