//! What a party sees of the world while it handles one event, and what it may do to it.

use crate::{
    judge::Judge,
    message::{Address, Message},
};

/// Given to a party for one event.
pub(crate) struct Context<'a> {
    /// The party's own clock.
    pub(crate) now_ms: u64,
    pub(crate) me: Address,
    /// Sees everything, changes nothing.
    pub(crate) judge: &'a mut Judge,
    pub(crate) outbox: Vec<Sending>,
}

/// Messages on their way out.
pub(crate) struct Sending {
    pub(crate) to: Address,
    /// One connection: they arrive in order, and if one is lost none comes after it.
    pub(crate) messages: Vec<Message>,
}

impl<'a> Context<'a> {
    pub(crate) const fn new(now_ms: u64, me: Address, judge: &'a mut Judge) -> Self {
        Self { now_ms, me, judge, outbox: Vec::new() }
    }

    pub(crate) fn send(&mut self, to: Address, message: Message) {
        self.stream(to, vec![message]);
    }

    pub(crate) fn stream(&mut self, to: Address, messages: Vec<Message>) {
        self.outbox.push(Sending { to, messages });
    }
}
