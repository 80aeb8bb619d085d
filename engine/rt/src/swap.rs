//! The hand-over of programs between the control side and the audio side.
//!
//! Two rings: programs in, retired ones out. [`HandOver`] is the audio side's half: it holds the
//! program that plays and the one that waits. Nothing is taken in before there is room for what has
//! to go out, so that the audio side never has to drop anything. Written against two small traits,
//! so that a model checker can drive it; the product uses rtrb rings.

use std::fmt;

/// Names one prepared program for as long as the instance lives. 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramId(pub u64);

impl ProgramId {
    /// No program: what plays before the first one.
    pub const NONE: Self = Self(0);
}

/// What the protocol needs to know of a program.
pub trait Planned {
    /// Its own number.
    fn id(&self) -> ProgramId;
    /// The program its plan starts from.
    fn base(&self) -> ProgramId;
}

impl<T: Planned> Planned for Box<T> {
    fn id(&self) -> ProgramId {
        (**self).id()
    }

    fn base(&self) -> ProgramId {
        (**self).base()
    }
}

/// The end of a ring that gives.
pub trait Inbox<T> {
    /// The oldest item, if there is one. Never waits.
    fn take(&mut self) -> Option<T>;
}

/// The end of a ring that takes.
pub trait Outbox<T> {
    /// Items that can be put in for sure.
    fn room(&self) -> usize;
    /// Puts an item in, or gives it back. Never waits.
    fn put(&mut self, item: T) -> Result<(), T>;
}

impl<T> Inbox<T> for rtrb::Consumer<T> {
    fn take(&mut self) -> Option<T> {
        self.pop().ok()
    }
}

impl<T> Outbox<T> for rtrb::Producer<T> {
    fn room(&self) -> usize {
        self.slots()
    }

    fn put(&mut self, item: T) -> Result<(), T> {
        self.push(item).map_err(|rtrb::PushError::Full(item)| item)
    }
}

/// Why a program comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retire {
    /// It played until another took its place.
    Replaced,
    /// It waited until a newer one came; it never played.
    Superseded,
    /// Its plan starts from a program that no longer plays; it never played and can be planned again.
    Stale,
}

/// A program on its way back to the control side.
#[derive(Debug)]
pub struct Retired<T> {
    /// The program.
    pub program: T,
    /// Why.
    pub why: Retire,
}

/// Whether the waiting program can take over now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Now.
    Now,
    /// Later: its moment has not come or its copies are not done.
    Later,
}

/// What one poll did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// Nothing waits.
    Nothing,
    /// Something waits for its copies or for room on the way back.
    Postponed,
    /// A new program plays.
    Done,
}

/// The audio side's half: what plays, what waits, and the two rings.
pub struct HandOver<T, I, O> {
    current: Option<T>,
    pending: Option<T>,
    inbox: I,
    outbox: O,
}

impl<T: Planned, I: Inbox<T>, O: Outbox<Retired<T>>> HandOver<T, I, O> {
    /// Nothing plays, nothing waits.
    pub fn new(inbox: I, outbox: O) -> Self {
        Self { current: None, pending: None, inbox, outbox }
    }

    /// The program that plays.
    pub fn current(&self) -> Option<&T> {
        self.current.as_ref()
    }

    /// The program that plays.
    pub fn current_mut(&mut self) -> Option<&mut T> {
        self.current.as_mut()
    }

    /// The program that waits.
    pub fn pending(&self) -> Option<&T> {
        self.pending.as_ref()
    }

    /// Number of the program that plays.
    pub fn current_id(&self) -> ProgramId {
        self.current.as_ref().map_or(ProgramId::NONE, Planned::id)
    }

    /// Takes in what arrived and lets the newest program take over if `ready` says so; `ready` is
    /// asked with the program that plays and the one that waits, and moves the state between them
    /// before it answers [`Ready::Now`]. No allocation, lock or drop.
    pub fn poll(&mut self, ready: impl FnOnce(Option<&mut T>, &mut T) -> Ready) -> Swap {
        self.receive();
        let Some(mut next) = self.pending.take() else {
            return Swap::Nothing;
        };
        if self.outbox.room() == 0 {
            self.pending = Some(next);
            return Swap::Postponed;
        }
        if next.base() != self.current_id() {
            self.retire(next, Retire::Stale);
            return Swap::Nothing;
        }
        if ready(self.current.as_mut(), &mut next) == Ready::Later {
            self.pending = Some(next);
            return Swap::Postponed;
        }
        if let Some(old) = self.current.replace(next) {
            self.retire(old, Retire::Replaced);
        }
        Swap::Done
    }

    /// Moves arrivals to `pending`; the newest stays, as long as there is room for the others.
    fn receive(&mut self) {
        while self.pending.is_none() || self.outbox.room() > 0 {
            let Some(newer) = self.inbox.take() else { return };
            if let Some(older) = self.pending.replace(newer) {
                self.retire(older, Retire::Superseded);
            }
        }
    }

    fn retire(&mut self, program: T, why: Retire) {
        let put = self.outbox.put(Retired { program, why });
        debug_assert!(put.is_ok(), "only this side fills the ring, and it had room");
        if let Err(back) = put {
            // Cannot happen, see above. A leak is better than a drop on the audio thread.
            std::mem::forget(back);
        }
    }
}

impl<T: Planned, I, O> fmt::Debug for HandOver<T, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |program: &Option<T>| program.as_ref().map_or(ProgramId::NONE, Planned::id);
        write!(f, "HandOver({:?}, {:?})", id(&self.current), id(&self.pending))
    }
}
