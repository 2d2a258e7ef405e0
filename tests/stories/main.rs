//! Stories told through the front door: the binary is started, requests are sent, the world is looked at. One binary,
//! one module a subject.

#![expect(clippy::unwrap_used, reason = "in a story a surprise is a failure")]

mod harness;

mod accounts;
mod api;
mod backup;
mod chat;
mod crash;
mod dead;
mod directory;
mod disk_full;
mod doctor;
mod documents;
mod edges;
mod events;
mod explain;
mod far_sides;
mod faults;
mod gateway;
mod genuine;
mod hostile;
mod hours;
mod leaks;
mod loops;
mod mixed;
mod model;
mod once;
mod outage;
mod packages;
mod refusals;
mod rehearsal;
mod remembered;
mod replay;
mod routes;
mod settings;
mod shipped;
mod sign_in;
mod simulator;
mod simulator_admin;
mod simulator_moods;
mod simulator_routes;
mod simulator_signin;
mod simulator_variants;
mod skew;
mod start;
mod stop;
mod tables;
mod upstream;
mod variants;
mod verify;
mod waits;
