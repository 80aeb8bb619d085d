//! The scheduler's queue: function values that wait for their sample.
//!
//! Owns a fixed number of places, made with the instance; takes tasks from running code, gives the
//! due ones to the processor in the order of time, then of registration. Each waiting task owns its
//! closure: it takes over the scheduling code's owner, whoever takes a task out releases it. Never allocates while sound runs.
//!
//! What a plan needs to carry tasks over: [`Tasks::iter`], [`Tasks::put`], [`Tasks::clear`]; an entry
//! is closure, time and order, nothing else.

use crate::ctx::{Fault, FaultKind};
use crate::heap::{Heap, HeapRef};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Tasks that can wait at once; one more is a fault.
pub const TASK_PLACES: u32 = 16_384;

/// Tasks that one sample can run; one more is a fault.
pub const TASKS_PER_SAMPLE: u32 = 10_000;

/// One function value that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// The sample it runs at, before `dsp`: in samples since activation, in an image since the swap.
    pub time: u64,
    /// Number of its registration: smaller runs first among equal times.
    pub order: u64,
    /// The function, owned by this entry.
    pub closure: HeapRef,
    /// Where it was scheduled, an index into `Layout::sites`.
    pub site: u32,
}

impl Ord for Task {
    /// The task that runs first is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.order).cmp(&(self.time, self.order))
    }
}

impl PartialOrd for Task {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for HeapRef {
    fn default() -> Self {
        Self::NULL
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduled {
    /// It waits for this sample.
    At(u64),
    /// Its time was not in the future: dropped and counted.
    Dropped,
    /// All places are taken: a fault.
    Full,
}

/// The queue of one instance.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    queue: BinaryHeap<Task>,
    places: usize,
    orders: u64,
    dropped: u64,
    first_dropped: u32,
    /// The sample whose tasks were run last, and how many ran in it.
    sample: u64,
    ran: u32,
    muted: bool,
}

/// The sample that a requested time means: truncated; what is no number is long past.
pub fn sample_of(time: f64) -> i64 {
    time as i64
}

impl Tasks {
    /// A queue with `places` places that starts with the tasks of an image. Allocates and touches
    /// its pages.
    pub fn new(places: u32, image: &[Task]) -> Self {
        let places = places as usize;
        let mut room: Vec<Task> = Vec::with_capacity(places.max(image.len()));
        // Written once, so that every page is there.
        room.resize(room.capacity(), std::hint::black_box(Task::default()));
        room.clear();
        let mut tasks = Self { queue: BinaryHeap::from(room), places, ..Self::default() };
        for task in image.iter().take(places) {
            tasks.put(*task);
        }
        tasks
    }

    /// Takes a request of code that runs at sample `now`, and the caller's ownership of the closure:
    /// what does not wait is released.
    pub fn schedule(
        &mut self,
        heap: &mut Heap,
        now: u64,
        time: f64,
        closure: HeapRef,
        site: u32,
    ) -> Scheduled {
        let done = self.request(now, time, closure, site);
        if !matches!(done, Scheduled::At(time) if time != u64::MAX) {
            heap.release(closure);
        }
        done
    }

    fn request(&mut self, now: u64, time: f64, closure: HeapRef, site: u32) -> Scheduled {
        if self.muted {
            return Scheduled::At(u64::MAX);
        }
        let time = match u64::try_from(sample_of(time)) {
            Ok(time) if time > now => time,
            Ok(_) | Err(_) => {
                if self.dropped == 0 {
                    self.first_dropped = site;
                }
                self.dropped += 1;
                return Scheduled::Dropped;
            }
        };
        if self.queue.len() >= self.places {
            return Scheduled::Full;
        }
        self.put(Task { time, order: self.orders, closure, site });
        Scheduled::At(time)
    }

    /// Puts a task in with the order it has; it keeps what it owns. Nothing happens if it is full.
    pub fn put(&mut self, task: Task) {
        if self.queue.len() < self.places {
            self.orders = self.orders.max(task.order + 1);
            self.queue.push(task);
        }
    }

    /// The sample of the first task; `u64::MAX` if none waits.
    #[inline]
    pub fn next(&self) -> u64 {
        self.queue.peek().map_or(u64::MAX, |task| task.time)
    }

    /// The next task that is due at sample `now`; the caller calls its closure, then releases it.
    /// The error is the fault of a sample with too many tasks.
    pub fn due(&mut self, now: u64) -> Result<Option<Task>, Fault> {
        if self.next() > now {
            return Ok(None);
        }
        if self.sample != now {
            (self.sample, self.ran) = (now, 0);
        }
        let Some(task) = self.queue.pop() else { return Ok(None) };
        if self.ran >= TASKS_PER_SAMPLE {
            let fault = Fault { kind: FaultKind::Tasks, site: task.site };
            // It stays owned by the queue.
            self.queue.push(task);
            return Err(fault);
        }
        self.ran += 1;
        Ok(Some(task))
    }

    /// From here on times count from activation: those of the image counted from this sample.
    pub fn begin(&mut self, now: u64) {
        if now == 0 || self.queue.is_empty() {
            return;
        }
        // The order of the entries stays; the vector is the queue's own, so nothing is allocated.
        let mut tasks = std::mem::take(&mut self.queue).into_vec();
        for task in &mut tasks {
            task.time = task.time.saturating_add(now);
        }
        self.queue = BinaryHeap::from(tasks);
    }

    /// Puts `tasks` before its own, of which only those that `stays` likes stay; gives how many found
    /// room and leaves the others in `tasks`.
    pub(crate) fn take_over(
        &mut self,
        tasks: &mut Vec<Task>,
        stays: impl FnMut(&Task) -> bool,
    ) -> u32 {
        let mut stays = stays;
        let mut queue = std::mem::take(&mut self.queue).into_vec();
        queue.retain(|task| stays(task));
        // Among equal times, what waited already comes first.
        let after = tasks.iter().map(|task| task.order + 1).max().unwrap_or(0);
        for task in &mut queue {
            task.order += after;
        }
        let mut taken = 0;
        while queue.len() < self.places
            && let Some(task) = tasks.pop()
        {
            queue.push(task);
            taken += 1;
        }
        self.orders += after;
        self.queue = BinaryHeap::from(queue);
        taken
    }

    /// How many tasks wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether no task waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The waiting tasks, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Task> {
        self.queue.iter()
    }

    /// The waiting tasks in the order in which they will run: what an image holds. Allocates.
    pub fn image(&self) -> Vec<Task> {
        let mut tasks = self.queue.clone().into_sorted_vec();
        tasks.reverse();
        tasks
    }

    /// Forgets all tasks; what they own is the caller's business.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// Requests dropped because their time was not in the future.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Where the first dropped request stood.
    pub fn first_dropped(&self) -> u32 {
        self.first_dropped
    }

    /// While muted, requests are neither taken nor counted: for a look ahead.
    pub(crate) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{ObjectKind, Shape, WordKind};

    fn heap() -> Heap {
        let shape = Shape { kind: ObjectKind::Closure, fields: vec![WordKind::I64; 2] };
        Heap::new(4096, &[shape], &[])
    }

    fn orders(tasks: &mut Tasks, now: u64) -> Vec<(u64, u64)> {
        std::iter::from_fn(|| tasks.due(now).unwrap()).map(|t| (t.time, t.order)).collect()
    }

    #[test]
    fn equal_times_run_in_the_order_of_registration() {
        let mut heap = heap();
        let mut tasks = Tasks::new(16, &[]);
        for time in [5.0, 3.0, 5.9, 3.2, 4.0] {
            tasks.schedule(&mut heap, 0, time, HeapRef::NULL, 0);
        }
        assert_eq!(tasks.next(), 3);
        assert!(orders(&mut tasks, 2).is_empty());
        assert_eq!(orders(&mut tasks, 3), [(3, 1), (3, 3)]);
        assert_eq!(orders(&mut tasks, 9), [(4, 4), (5, 0), (5, 2)]);
        assert_eq!(tasks.next(), u64::MAX);
    }

    #[test]
    fn what_is_not_in_the_future_is_dropped_and_counted() {
        let mut heap = heap();
        let mut tasks = Tasks::new(4, &[]);
        let requests = [10.0, 10.9, -1.0, f64::NAN, f64::NEG_INFINITY, 0.0];
        for (site, time) in (7..).zip(requests) {
            let done = tasks.schedule(&mut heap, 10, time, HeapRef::NULL, site);
            assert_eq!(done, Scheduled::Dropped, "{time}");
        }
        assert_eq!((tasks.dropped(), tasks.first_dropped()), (6, 7));
        let done = tasks.schedule(&mut heap, 10, f64::INFINITY, HeapRef::NULL, 0);
        assert_eq!(done, Scheduled::At(i64::MAX as u64));
    }

    #[test]
    fn a_waiting_task_owns_its_closure() {
        let mut heap = heap();
        let mut tasks = Tasks::new(1, &[]);
        let closure = heap.alloc(0, &[3, 0]).unwrap();
        heap.retain(closure);
        heap.retain(closure);
        heap.retain(closure);
        assert_eq!(tasks.schedule(&mut heap, 0, 1.0, closure, 0), Scheduled::At(1));
        assert_eq!(tasks.schedule(&mut heap, 0, 1.0, closure, 0), Scheduled::Full);
        assert_eq!(tasks.schedule(&mut heap, 0, 0.0, closure, 0), Scheduled::Dropped);
        assert_eq!(heap.owners(closure), 2);
    }

    #[test]
    fn too_many_tasks_in_a_sample_are_a_fault() {
        let mut heap = heap();
        let mut tasks = Tasks::new(TASK_PLACES, &[]);
        for _ in 0..=TASKS_PER_SAMPLE {
            tasks.schedule(&mut heap, 0, 1.0, HeapRef::NULL, 4);
        }
        for _ in 0..TASKS_PER_SAMPLE {
            assert!(tasks.due(1).unwrap().is_some());
        }
        assert_eq!(tasks.due(1), Err(Fault { kind: FaultKind::Tasks, site: 4 }));
        assert!(tasks.due(2).unwrap().is_some(), "the next sample counts anew");
    }

    #[test]
    fn an_images_times_count_from_the_swap() {
        let mut heap = heap();
        let mut first = Tasks::new(8, &[]);
        for time in [2.0, 1.0, 2.0] {
            first.schedule(&mut heap, 0, time, HeapRef::NULL, 0);
        }
        let mut tasks = Tasks::new(8, &first.image());
        tasks.begin(100);
        assert_eq!(tasks.schedule(&mut heap, 100, 102.0, HeapRef::NULL, 0), Scheduled::At(102));
        assert_eq!(orders(&mut tasks, 200), [(101, 1), (102, 0), (102, 2), (102, 3)]);
    }
}
