//! CloudLink in one process: seven services for three accounts behind one origin.
//!
//! A gateway is pointed at `http://ADDRESS/2017-09-01` for all APIs, or at `http://ADDRESS/HOST/2017-09-01` for one of them;
//! whoever drives the simulator uses `/control`; a browser signs in at `/authorize`.
//! What lives here: the wire as `cloudlink-api.md` describes it, state in memory, and means to break things on purpose.
//! What must not: anything of the gateway. The simulator shares no signing, decoding or client code with it, so that it
//! can catch the gateway's mistakes. Nothing here is durable; a restart forgets everything.
//!
//! Where the facts are assumed, the simulator plays the plain way; a [`Variant`] plays another.
//!
//! Reading order: [`start`] binds and serves; `gate` is what every API request passes; `service` has the table of all
//! [`routes`] and leads to `tokens`, `notify`, `phones`, `meetings`, `recordings`, `chat`, `presence`, `admin` and
//! `delivery`; a `realm` is one account with everything in it; `control` is the other side of the counter.

mod admin;
mod answer;
mod books;
mod chat;
mod clock;
mod control;
mod delivery;
mod gate;
mod meetings;
mod moods;
mod notify;
mod odata;
mod options;
mod page;
mod phones;
mod portal;
mod presence;
mod realm;
mod recordings;
mod server;
mod service;
mod shelf;
mod spec;
mod tasks;
mod tokens;
mod variants;
mod world;

pub use options::{Options, Redelivery, SignatureForm, Tenant};
pub use server::{Running, start};
pub use service::{Route, Service, routes};
pub use variants::{Variant, Variants};
