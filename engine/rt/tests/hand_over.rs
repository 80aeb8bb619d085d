//! Every interleaving of a control side that sends two programs and an audio side that polls.
//!
//! The rings are doubles made of loom's mutex: rtrb is model-checked by itself; here the protocol is.

use attacca_rt::swap::{HandOver, Inbox, Outbox, Planned, ProgramId, Ready, Retire, Retired, Swap};
use loom::sync::{Arc, Mutex};
use loom::thread;
use std::collections::VecDeque;

#[derive(Debug)]
struct Fake {
    id: u64,
    base: u64,
}

impl Planned for Fake {
    fn id(&self) -> ProgramId {
        ProgramId(self.id)
    }

    fn base(&self) -> ProgramId {
        ProgramId(self.base)
    }
}

/// A ring of fixed size, shared by both ends.
struct Ring<T> {
    items: Arc<Mutex<VecDeque<T>>>,
    size: usize,
}

impl<T> Clone for Ring<T> {
    fn clone(&self) -> Self {
        Self { items: Arc::clone(&self.items), size: self.size }
    }
}

impl<T> Ring<T> {
    fn new(size: usize) -> Self {
        Self { items: Arc::new(Mutex::new(VecDeque::new())), size }
    }
}

impl<T> Inbox<T> for Ring<T> {
    fn take(&mut self) -> Option<T> {
        self.items.lock().unwrap().pop_front()
    }
}

impl<T> Outbox<T> for Ring<T> {
    fn room(&self) -> usize {
        self.size - self.items.lock().unwrap().len()
    }

    fn put(&mut self, item: T) -> Result<(), T> {
        let mut items = self.items.lock().unwrap();
        if items.len() == self.size {
            return Err(item);
        }
        items.push_back(item);
        Ok(())
    }
}

type Audio = HandOver<Fake, Ring<Fake>, Ring<Retired<Fake>>>;

fn hand_over(out: usize) -> (Ring<Fake>, Ring<Retired<Fake>>, Audio) {
    let (programs, retired) = (Ring::new(8), Ring::new(out));
    let audio = HandOver::new(programs.clone(), retired.clone());
    (programs, retired, audio)
}

fn poll(audio: &mut Audio) -> Swap {
    audio.poll(|_, _| Ready::Now)
}

fn collect(retired: &mut Ring<Retired<Fake>>, back: &mut Vec<(u64, Retire)>) {
    while let Some(Retired { program, why }) = retired.take() {
        back.push((program.id, why));
    }
}

/// Sends two programs planned from what plays as far as is known; what comes back stale is planned
/// again. In the end the newest plays, and each of the others came back exactly once.
fn two_sends(out: usize) {
    let (mut programs, mut retired, mut audio) = hand_over(out);
    assert!(programs.put(Fake { id: 1, base: 0 }).is_ok());
    let thread = thread::spawn(move || {
        poll(&mut audio);
        poll(&mut audio);
        audio
    });
    assert!(programs.put(Fake { id: 2, base: 0 }).is_ok());
    let mut back = Vec::new();
    collect(&mut retired, &mut back);
    let mut audio = thread.join().unwrap();
    for _ in 0..4 {
        poll(&mut audio);
        collect(&mut retired, &mut back);
        if back.contains(&(2, Retire::Stale)) && !back.contains(&(1, Retire::Replaced)) {
            assert_eq!(audio.current_id(), ProgramId(1), "it is stale because 1 plays");
            back.retain(|(id, _)| *id != 2);
            assert!(programs.put(Fake { id: 2, base: 1 }).is_ok());
        }
    }
    assert_eq!(audio.current_id(), ProgramId(2), "the newest plays");
    assert_eq!(back.len(), 1, "{back:?}");
    assert!(matches!(back[0], (1, Retire::Replaced | Retire::Superseded)), "{back:?}");
}

#[test]
fn the_newest_program_plays_and_none_is_lost() {
    loom::model(|| two_sends(4));
}

#[test]
fn one_place_on_the_way_back_is_enough() {
    loom::model(|| two_sends(1));
}

#[test]
fn nothing_is_taken_over_without_room_on_the_way_back() {
    loom::model(|| {
        let (mut programs, mut retired, mut audio) = hand_over(1);
        for (id, base) in [(1, 0), (2, 1), (3, 2)] {
            assert!(programs.put(Fake { id, base }).is_ok());
            poll(&mut audio);
        }
        assert_eq!(audio.current_id(), ProgramId(2));
        assert_eq!(poll(&mut audio), Swap::Postponed);
        let thread = thread::spawn(move || {
            poll(&mut audio);
            audio
        });
        let mut back = Vec::new();
        collect(&mut retired, &mut back);
        let mut audio = thread.join().unwrap();
        poll(&mut audio);
        collect(&mut retired, &mut back);
        assert_eq!(audio.current_id(), ProgramId(3));
        assert_eq!(back, [(1, Retire::Replaced), (2, Retire::Replaced)]);
    });
}

#[test]
fn a_program_that_is_not_ready_waits_and_a_newer_one_takes_its_place() {
    loom::model(|| {
        let (mut programs, mut retired, mut audio) = hand_over(4);
        assert!(programs.put(Fake { id: 1, base: 0 }).is_ok());
        assert_eq!(audio.poll(|_, _| Ready::Later), Swap::Postponed);
        assert_eq!(audio.current_id(), ProgramId::NONE);
        assert!(programs.put(Fake { id: 2, base: 0 }).is_ok());
        assert_eq!(poll(&mut audio), Swap::Done);
        let mut back = Vec::new();
        collect(&mut retired, &mut back);
        assert_eq!((audio.current_id(), back), (ProgramId(2), vec![(1, Retire::Superseded)]));
    });
}
