//! What the writer is asked for, in order. Unlike in a channel, a command can be left here without a word: the writer
//! is told a moment later, when what should come before its work is done.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::writer::Command;

/// See the module.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Default)]
struct State {
    commands: VecDeque<Command>,
    /// Whether the writer sleeps: only then waking it is worth a call of the system.
    sleeps: bool,
    /// Whether the writer looks soon for what is settled, without being told.
    looks: bool,
    /// Nobody will ask any more.
    closed: bool,
    /// The writer has gone.
    deserted: bool,
}

/// A command that is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Not yet.
    Yet,
    /// Nor will there be one.
    Ever,
}

/// The writer has gone.
#[derive(Debug)]
pub(super) struct Deserted;

impl Queue {
    /// Adds a command and tells the writer.
    pub(super) fn send(&self, command: Command) -> Result<(), Deserted> {
        self.leave(command)?;
        self.tell();
        Ok(())
    }

    /// Adds a command. The writer finds it when it is told, when another one is sent, or after its patience.
    pub(super) fn leave(&self, command: Command) -> Result<(), Deserted> {
        let mut state = self.lock();
        if state.deserted {
            return Err(Deserted);
        }
        state.commands.push_back(command);
        Ok(())
    }

    /// Wakes the writer, if it sleeps and something waits.
    pub(super) fn tell(&self) {
        let mut state = self.lock();
        let wake = !state.commands.is_empty() && std::mem::take(&mut state.sleeps);
        drop(state);
        if wake {
            self.came.notify_one();
        }
    }

    /// Says that something is settled, if the writer would not look for it anyway.
    pub(super) fn settled(&self) -> Result<(), Deserted> {
        let looks = self.lock().looks;
        if looks { Ok(()) } else { self.send(Command::Settled) }
    }

    /// Whether the writer looks soon for what is settled.
    pub(super) fn looks(&self, soon: bool) {
        self.lock().looks = soon;
    }

    /// Nobody asks any more: the writer ends when all is written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.came.notify_all();
    }

    /// The writer goes: what waits is dropped, and nothing more is taken.
    pub(super) fn desert(&self) {
        let mut state = self.lock();
        state.deserted = true;
        let left = std::mem::take(&mut state.commands);
        drop(state);
        drop(left);
    }

    /// The next command, if it is there.
    pub(super) fn next(&self) -> Result<Command, Missing> {
        let mut state = self.lock();
        let closed = state.closed;
        state.commands.pop_front().ok_or(if closed { Missing::Ever } else { Missing::Yet })
    }

    /// The next command, waiting for it.
    pub(super) fn wait(&self, patience: Duration) -> Result<Command, Missing> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            if let Some(command) = state.commands.pop_front() {
                return Ok(command);
            }
            if state.closed {
                return Err(Missing::Ever);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Missing::Yet);
            }
            state.sleeps = true;
            state = self.came.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.sleeps = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
