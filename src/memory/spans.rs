//! How long things are remembered and waited for, in milliseconds, and how much of them is kept. Nothing else in the room
//! has a span of its own, but for what the rules say.

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long a call stays open for its next leg after it was handed on, and how long a leg at the target of our redirect
/// is taken for that next leg.
pub const HANDED_ON: i64 = 30 * SECOND;
/// How long nothing may be heard of a call until a look at CloudLink is asked for.
pub const QUIET: i64 = 4 * HOUR;
/// How long a call that is not finished is remembered after it was last heard of. It outlives [`QUIET`] by far, so that a
/// gateway that was down for days still finishes what it knew.
pub const CALL_LIVES: i64 = 7 * DAY;
/// How long a finished call is remembered, so that what comes late does not begin it again.
pub const CALL_FINISHED: i64 = HOUR;
/// How many redirects of ours a call may have.
pub const HOPS: u32 = 5;
/// How many legs of a call are kept.
pub const LEGS: usize = 32;
/// How many endpoints of a call's path are kept.
pub const PATH: usize = 32;
/// How many calls may wait at once for their next leg at one target from one other end.
pub const NEXT_LEGS: usize = 8;

/// How long an act of ours is known as ours.
pub const OWN: i64 = 30 * SECOND;

/// How many replies a bot gives one peer in one conversation within [`TALK`].
pub const TURNS: usize = 10;
/// The time that [`TURNS`] is counted in, and the quiet after which a stopped bot talks again.
pub const TALK: i64 = 60 * SECOND;

/// How late a nominal time of a schedule may be taken up without counting as missed.
pub const ON_TIME: i64 = MINUTE;
/// How far ahead of now a schedule's last firing may lie and still be believed: more was a clock that went wrong.
pub const AHEAD: i64 = DAY;
/// How long a schedule's last firing is remembered.
pub const SCHEDULE: i64 = 400 * DAY;

/// How long a running clock of a `for` is kept after its due time, for a gateway that was down.
pub const PENDING: i64 = 7 * DAY;

/// The largest limit that is counted act by act; a larger one is counted in so many steps of its time.
pub const STEPS: u32 = 64;

/// How long the var of one value of a field is kept where its declaration does not say. Each value that ever came would be
/// kept for good otherwise.
pub const VAR_OF_ONE: i64 = 366 * DAY;

/// The longest text of a var, in bytes.
pub const VAR: usize = 1024;
/// How many bytes of an id, number or name are kept.
pub const TEXT: usize = 200;

/// The end of the year 9999: what is never to be forgotten is kept until then.
pub const FOREVER: i64 = 253_402_300_799_000;

const _: () = assert!(CALL_LIVES > QUIET, "a quiet call is still known when it is looked at");
