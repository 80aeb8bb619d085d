//! Every interleaving of the hand-over with the life of a plugin: audio that stops, a deactivation with a
//! program in flight, a destruction while a program is being compiled. No program is lost, none is dropped
//! by the audio side.

use attacca_rt::swap::{HandOver, Inbox, Outbox, Planned, ProgramId, Ready, Retired};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use std::collections::VecDeque;

/// A program that counts where it is dropped.
struct Counted {
    id: u64,
    base: u64,
    life: Life,
}

/// What is known of all programs of one model.
#[derive(Clone)]
struct Life {
    dropped: Arc<AtomicUsize>,
    /// 1 while the audio side is at work on a thread of its own.
    audio: Arc<Mutex<Option<thread::ThreadId>>>,
}

impl Life {
    fn new() -> Self {
        Self { dropped: Arc::new(AtomicUsize::new(0)), audio: Arc::new(Mutex::new(None)) }
    }

    fn program(&self, id: u64, base: u64) -> Counted {
        Counted { id, base, life: self.clone() }
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let audio = *self.life.audio.lock().unwrap();
        assert_ne!(audio, Some(thread::current().id()), "program {} on the audio side", self.id);
        self.life.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Planned for Counted {
    fn id(&self) -> ProgramId {
        ProgramId(self.id)
    }

    fn base(&self) -> ProgramId {
        ProgramId(self.base)
    }
}

/// A ring shared by both ends.
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

type Audio = HandOver<Counted, Ring<Counted>, Ring<Retired<Counted>>>;

fn hand_over() -> (Ring<Counted>, Ring<Retired<Counted>>, Audio) {
    let (programs, retired) = (Ring::new(8), Ring::new(4));
    let audio = HandOver::new(programs.clone(), retired.clone());
    (programs, retired, audio)
}

/// Plays `blocks` blocks on a thread of its own, then gives the audio side back: the host stops it.
fn audio_thread(life: &Life, mut audio: Audio, blocks: usize) -> thread::JoinHandle<Audio> {
    let life = life.clone();
    thread::spawn(move || {
        *life.audio.lock().unwrap() = Some(thread::current().id());
        for _ in 0..blocks {
            audio.poll(|_, _| Ready::Now);
        }
        *life.audio.lock().unwrap() = None;
        audio
    })
}

#[test]
fn programs_wait_while_the_audio_is_stopped() {
    loom::model(|| {
        let life = Life::new();
        let (mut programs, mut retired, audio) = hand_over();
        let thread = audio_thread(&life, audio, 1);
        assert!(programs.put(life.program(1, 0)).is_ok());
        let audio = thread.join().unwrap();
        let playing = audio.current_id().0;
        // Nobody polls; the worker is ahead by two, the newer planned from what it knows to play.
        assert!(programs.put(life.program(2, playing)).is_ok());
        assert!(programs.put(life.program(3, playing)).is_ok());
        assert!(retired.take().is_none(), "a stopped side gives nothing back");
        let audio = audio_thread(&life, audio, 1).join().unwrap();
        // If 1 was never taken in, 3 was planned from nothing, and nothing is what played.
        assert_eq!(audio.current_id(), ProgramId(3));
        let back = std::iter::from_fn(|| retired.take()).count();
        assert_eq!((back, life.dropped()), (2, 2));
    });
}

#[test]
fn a_program_in_flight_at_a_deactivation_is_let_in_by_the_control_side() {
    loom::model(|| {
        let life = Life::new();
        let (mut programs, mut retired, audio) = hand_over();
        let thread = audio_thread(&life, audio, 1);
        assert!(programs.put(life.program(1, 0)).is_ok());
        let mut audio = thread.join().unwrap();
        // The control side owns the processor now.
        audio.poll(|_, _| Ready::Now);
        assert_eq!(audio.current_id(), ProgramId(1));
        assert!(retired.take().is_none());
        assert_eq!(life.dropped(), 0);
    });
}

#[test]
fn a_destruction_while_compiling_drops_every_program_once() {
    loom::model(|| {
        let life = Life::new();
        let (mut programs, mut retired, audio) = hand_over();
        let worker = {
            let life = life.clone();
            thread::spawn(move || {
                // The compile ends when it ends; the instance may be gone by then.
                assert!(programs.put(life.program(1, 0)).is_ok());
                assert!(programs.put(life.program(2, 1)).is_ok());
                std::iter::from_fn(|| retired.take()).for_each(drop);
                (programs, retired)
            })
        };
        let audio = audio_thread(&life, audio, 1).join().unwrap();
        // The host has stopped the audio; the plugin joins its worker and only then is gone.
        let rings = worker.join().unwrap();
        drop((audio, rings));
        assert_eq!(life.dropped(), 2);
    });
}
