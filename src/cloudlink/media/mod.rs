//! The Media API: phones, calls, conferences, recordings (wire reference, 6).

mod calls;
mod conferences;
mod endpoints;
mod recordings;

pub use calls::{Call, CallOptions, Control};
pub use conferences::{
    Attendance, Conference, ConferenceAction, ConferenceChange, ConferenceParticipant, NewConference, ParticipantChange,
};
pub use endpoints::{Endpoint, EndpointChange};
pub use recordings::{MAX_RECORDING, Recording};
