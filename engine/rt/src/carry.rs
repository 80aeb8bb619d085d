//! Carries heap objects and tasks from a running instance to its successor.
//!
//! Takes two [`State`]s and a [`HeapPlan`] made off the audio thread. Objects that the global code of
//! the new program made anew are its own; what the program had assigned to their variables is copied
//! into them. What other references reach is copied by the types of the objects, at most [`MOST_WORDS`]
//! words a swap: a reference that reaches more, a function that is gone, or a number that is not finite,
//! stays as the new program has it. Bounded; allocates in the new heap alone, in places that exist.

use crate::code::{Layout, ObjectKind, Shape, WordKind};
use crate::heap::{Heap, HeapRef};
use crate::migrate::WordRun;
use crate::sched::{Task, Tasks};
use crate::state::{Parts, State};

/// Most words of heap objects copied by one swap.
pub const MOST_WORDS: u32 = 4_096;

/// Where a reference lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A word of the state.
    State(u32),
    /// A word of the heap, in an object that the global code made.
    Heap(u32),
}

/// A reference that goes on with all it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefMove {
    /// Where the old instance has it.
    pub from: Slot,
    /// Where the new instance has it.
    pub to: Slot,
}

/// What a function value of the old program becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FuncMove {
    /// Number of the function in the new program.
    pub to: u32,
    /// Shape of its function values there.
    pub shape: u32,
    /// Whether it has a state block there.
    pub stateful: bool,
    /// For each captured word of the new one: the old field, and what it is.
    pub captures: Vec<(u32, Captured)>,
}

/// What a captured word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captured {
    /// A value.
    Word(WordKind),
    /// The base of the state block of this function of the old program.
    Base(u32),
}

/// What of the old heap survives, and as what. Addresses are offsets into the two heaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeapPlan {
    /// Objects of the old start image and what stands for them in the new one, by ascending old offset.
    pub same: Vec<(u32, u32)>,
    /// Words of variables in such objects.
    pub fields: Vec<WordRun>,
    /// References that are copied.
    pub refs: Vec<RefMove>,
    /// The new shape of each old one, if there is an equal one.
    pub shapes: Vec<Option<u32>>,
    /// What function values become, by the old function's number; `None` if the function is gone.
    pub funcs: Vec<Option<FuncMove>>,
    /// State blocks that go on, ascending: old base and number of the function whose block it is (several
    /// functions' blocks may begin at one word), then the new base.
    pub blocks: Vec<((u32, u32), u32)>,
    /// Whether tasks that wait go on.
    pub tasks: bool,
}

impl HeapPlan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.refs.is_empty() && !self.tasks
    }

    fn same(&self, old: u32) -> Option<u32> {
        let at = self.same.binary_search_by_key(&old, |(old, _)| *old).ok()?;
        self.same.get(at).map(|(_, new)| *new)
    }

    /// The base of the block that stands for the old one of a function.
    fn block(&self, base: u64, func: u64) -> Option<u64> {
        let key = (u32::try_from(base).ok()?, u32::try_from(func).ok()?);
        let at = self.blocks.binary_search_by_key(&key, |(old, _)| *old).ok()?;
        self.blocks.get(at).map(|(_, new)| u64::from(*new))
    }
}

/// What a swap carried over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Words of heap objects copied.
    pub words: u32,
    /// References that start fresh, since they reach too much or what is gone.
    pub fresh: u32,
    /// Tasks that go on.
    pub tasks: u32,
    /// Tasks dropped, since their functions are gone.
    pub dropped: u32,
}

/// Most words looked at by one swap, those of what is not carried in the end included.
const MOST_EFFORT: u32 = 2 * MOST_WORDS;

/// An old object that was met. While a swap carries, the object is marked with the number of its place.
#[derive(Clone, Copy, Debug)]
struct Met {
    /// 0 if it was forgotten.
    old: u32,
    /// 0 until the object is copied.
    new: u32,
    /// Its owners.
    owners: u32,
}

impl Met {
    const NONE: Self = Self { old: 0, new: 0, owners: 0 };
}

/// The memory that carrying needs: made with the program, used once.
#[derive(Debug, Default)]
pub struct Carry {
    /// Old objects in the order in which they were met.
    met: Vec<Met>,
    /// The first that was met under the reference at hand.
    first: usize,
    /// Words that may still be copied.
    left: u32,
    /// Words that may still be looked at.
    effort: u32,
    /// Tasks on their way.
    tasks: Vec<Task>,
    /// Functions of the new program whose old tasks go on.
    going_on: Box<[bool]>,
}

impl Carry {
    /// The memory that `plan` needs; none if it carries nothing. Allocates; control side.
    pub fn new(plan: &HeapPlan) -> Self {
        if plan.is_empty() {
            return Self::default();
        }
        let funcs = plan.funcs.iter().flatten().map(|func| func.to + 1).max().unwrap_or(0);
        Self {
            met: reserved(Met::NONE),
            first: 0,
            left: MOST_WORDS,
            effort: MOST_EFFORT,
            tasks: if plan.tasks { reserved(Task::default()) } else { Vec::new() },
            going_on: vec![false; funcs as usize].into_boxed_slice(),
        }
    }

    /// Carries what the plan names from `old` to `new`, whose words are already copied; `old` is as before
    /// afterwards. `shapes` are those of the two programs. Once only. Audio thread.
    pub fn run(
        &mut self,
        plan: &HeapPlan,
        old: &mut State,
        new: &mut State,
        layouts: (&Layout, &Layout),
    ) -> Carried {
        let mut done = Carried::default();
        if !plan.tasks {
            done.dropped = old.tasks().len() as u32;
        }
        if plan.is_empty() || self.met.capacity() == 0 {
            return done;
        }
        copy_fields(&plan.fields, old, new);
        for step in &plan.refs {
            let from = HeapRef(read(old, step.from) as u32);
            match self.reach(plan, from, old.heap_mut(), new, layouts.0) {
                Some(copy) => write(new, step.to, copy),
                None => done.fresh += 1,
            }
        }
        if plan.tasks {
            let Parts { heap, tasks, .. } = old.parts();
            self.carry_tasks(plan, (heap, tasks), new, layouts, &mut done);
        }
        self.forget(old.heap_mut(), 0);
        done.words = MOST_WORDS - self.left;
        done
    }

    /// The new object for an old one, with one more owner; `None` if it cannot be carried.
    fn reach(
        &mut self,
        plan: &HeapPlan,
        root: HeapRef,
        old: &mut Heap,
        new: &mut State,
        layout: &Layout,
    ) -> Option<HeapRef> {
        if root.is_null() {
            return Some(root);
        }
        self.first = self.met.len();
        let Some(words) = self.find(plan, root, old, layout) else {
            self.forget(old, self.first);
            return None;
        };
        self.copy(plan, old, new, layout)?;
        self.left -= words;
        let copy = HeapRef(self.place_of(plan, old, root.0)?);
        new.heap_mut().retain(copy);
        self.disown(old, new);
        Some(copy)
    }

    /// Meets all that an object reaches; gives its words, or `None` if it cannot be carried.
    fn find(
        &mut self,
        plan: &HeapPlan,
        root: HeapRef,
        old: &mut Heap,
        layout: &Layout,
    ) -> Option<u32> {
        let mut words = 0;
        let mut at = self.first;
        self.meet(plan, old, root.0)?;
        while let Some(object) = self.met.get(at).map(|met| met.old) {
            at += 1;
            let own = self.look(plan, HeapRef(object), old, layout)?;
            words += own;
            self.effort = self.effort.checked_sub(own)?;
            if words > self.left {
                return None;
            }
        }
        Some(words)
    }

    /// Notes an object that is to be copied, if it is not known yet. `None` if there are too many.
    fn meet(&mut self, plan: &HeapPlan, old: &mut Heap, object: u32) -> Option<()> {
        let known = object == 0 || old.marked(HeapRef(object)).is_some();
        if known || plan.same(object).is_some() {
            return Some(());
        }
        let number = self.met.len();
        (number < self.met.capacity()).then_some(())?;
        let owners = old.mark(HeapRef(object), number as u32)?;
        self.met.push(Met { old: object, new: 0, owners });
        Some(())
    }

    /// Forgets the objects from place `first` on.
    fn forget(&mut self, old: &mut Heap, first: usize) {
        for met in self.met.drain(first..).filter(|met| met.old != 0) {
            old.unmark(HeapRef(met.old), met.owners);
        }
    }

    /// The new object that stands for an old one, if it is known.
    fn place_of(&self, plan: &HeapPlan, old: &Heap, object: u32) -> Option<u32> {
        if object == 0 {
            return Some(0);
        }
        match old.marked(HeapRef(object)) {
            Some(number) => {
                self.met.get(number as usize).map(|met| met.new).filter(|new| *new != 0)
            }
            None => plan.same(object),
        }
    }

    /// Looks through an old object: meets what it holds and gives its words, or `None` if it cannot be
    /// carried.
    fn look(
        &mut self,
        plan: &HeapPlan,
        object: HeapRef,
        old: &mut Heap,
        layout: &Layout,
    ) -> Option<u32> {
        let number = old.shape(object);
        let shape = layout.shapes.get(number as usize)?;
        match shape.kind {
            ObjectKind::Closure => {
                let func = plan.funcs.get(old.load(object, 0) as usize)?.as_ref()?;
                if func.stateful {
                    plan.block(old.load(object, 1), old.load(object, 0))?;
                }
                for (field, captured) in &func.captures {
                    let word = old.load(object, *field);
                    match captured {
                        Captured::Word(kind) => self.look_at(plan, old, *kind, word)?,
                        Captured::Base(of) => plan.block(word, u64::from(*of)).map(|_| ())?,
                    }
                }
                Some(3 + func.captures.len() as u32)
            }
            ObjectKind::Cell | ObjectKind::Variant => {
                plan.shapes.get(number as usize).copied().flatten()?;
                for (field, kind) in (0..).zip(&shape.fields) {
                    let word = old.load(object, field);
                    self.look_at(plan, old, *kind, word)?;
                }
                Some(1 + shape.fields.len() as u32)
            }
            ObjectKind::Array => {
                plan.shapes.get(number as usize).copied().flatten()?;
                let (len, stride) = (old.array_len(object), shape.fields.len() as u32);
                let words = u32::try_from(len.checked_mul(u64::from(stride))?).ok()?;
                if words > self.left {
                    return None;
                }
                if shape.fields.iter().all(|kind| *kind == WordKind::F64) {
                    // All of them, without a way out: several at once.
                    let elements = old.elements(object, stride).iter();
                    let finite = elements.map(|word| f64::from_bits(*word).is_finite());
                    finite.fold(true, |all, one| all & one).then_some(())?;
                } else {
                    for index in 0..len {
                        for (field, kind) in (0..).zip(&shape.fields) {
                            let word = old.array_load(object, index, stride, field);
                            self.look_at(plan, old, *kind, word)?;
                        }
                    }
                }
                Some(2 + words)
            }
        }
    }

    fn look_at(
        &mut self,
        plan: &HeapPlan,
        old: &mut Heap,
        kind: WordKind,
        word: u64,
    ) -> Option<()> {
        match kind {
            WordKind::F64 => f64::from_bits(word).is_finite().then_some(()),
            WordKind::I64 => Some(()),
            WordKind::Ref => self.meet(plan, old, word as u32),
        }
    }

    /// Makes the new objects of those met under this reference, then fills them. `None` if the heap is full;
    /// nothing is left behind then.
    fn copy(
        &mut self,
        plan: &HeapPlan,
        old: &mut Heap,
        new: &mut State,
        layout: &Layout,
    ) -> Option<()> {
        for at in self.first..self.met.len() {
            let Some(object) = self.met.get(at).map(|met| met.old) else { break };
            let made = make(plan, HeapRef(object), old, new, layout).filter(|made| !made.is_null());
            let Some(made) = made else {
                self.forget(old, at);
                self.disown(old, new);
                self.forget(old, self.first);
                return None;
            };
            if let Some(met) = self.met.get_mut(at) {
                met.new = made.0;
            }
        }
        for at in self.first..self.met.len() {
            if let Some(met) = self.met.get(at) {
                self.fill(plan, (HeapRef(met.old), HeapRef(met.new)), old, new, layout);
            }
        }
        Some(())
    }

    /// Gives up the owner that each object was made with: those that hold it own it now. Forgets objects
    /// that nothing holds.
    fn disown(&mut self, old: &mut Heap, new: &mut State) {
        for met in self.met.iter_mut().skip(self.first) {
            let alone = new.heap().owners(HeapRef(met.new)) == 1;
            new.heap_mut().release(HeapRef(met.new));
            if alone {
                old.unmark(HeapRef(met.old), met.owners);
                *met = Met::NONE;
            }
        }
    }

    fn fill(
        &self,
        plan: &HeapPlan,
        (object, made): (HeapRef, HeapRef),
        heap: &Heap,
        new: &mut State,
        layout: &Layout,
    ) -> Option<()> {
        let shape = layout.shapes.get(heap.shape(object) as usize)?;
        match shape.kind {
            ObjectKind::Closure => {
                let func = plan.funcs.get(heap.load(object, 0) as usize)?.as_ref()?;
                let base = plan.block(heap.load(object, 1), heap.load(object, 0));
                let base = base.filter(|_| func.stateful).unwrap_or(0);
                new.heap_mut().store(made, 0, u64::from(func.to));
                new.heap_mut().store(made, 1, base);
                for (to, (field, captured)) in (2..).zip(&func.captures) {
                    let word = heap.load(object, *field);
                    let word = match captured {
                        Captured::Word(kind) => self.carried(plan, heap, *kind, word, new),
                        Captured::Base(of) => plan.block(word, u64::from(*of)).unwrap_or(0),
                    };
                    new.heap_mut().store(made, to, word);
                }
            }
            ObjectKind::Cell | ObjectKind::Variant => {
                for (field, kind) in (0..).zip(&shape.fields) {
                    let word = self.carried(plan, heap, *kind, heap.load(object, field), new);
                    new.heap_mut().store(made, field, word);
                }
            }
            ObjectKind::Array => {
                let stride = shape.fields.len() as u32;
                let elements = heap.elements(object, stride);
                if !shape.fields.contains(&WordKind::Ref) {
                    let made = new.heap_mut().elements_mut(made, stride);
                    made.iter_mut().zip(elements).for_each(|(to, from)| *to = *from);
                    return Some(());
                }
                for (at, (kind, word)) in shape.fields.iter().cycle().zip(elements).enumerate() {
                    let word = self.carried(plan, heap, *kind, *word, new);
                    if let Some(to) = new.heap_mut().elements_mut(made, stride).get_mut(at) {
                        *to = word;
                    }
                }
            }
        }
        Some(())
    }

    /// What a word of the old heap is in the new one; a reference gets one more owner.
    fn carried(
        &self,
        plan: &HeapPlan,
        old: &Heap,
        kind: WordKind,
        word: u64,
        new: &mut State,
    ) -> u64 {
        match kind {
            WordKind::F64 | WordKind::I64 => word,
            WordKind::Ref => {
                let made = HeapRef(self.place_of(plan, old, word as u32).unwrap_or(0));
                new.heap_mut().retain(made);
                u64::from(made.0)
            }
        }
    }

    /// Tasks of functions that live on go on at their time, and what the new global code scheduled for
    /// those functions is dropped.
    fn carry_tasks(
        &mut self,
        plan: &HeapPlan,
        (old, waiting): (&mut Heap, &Tasks),
        new: &mut State,
        layouts: (&Layout, &Layout),
        done: &mut Carried,
    ) {
        for task in waiting.iter() {
            let func = old.load(task.closure, 0) as usize;
            let to = plan.funcs.get(func).and_then(Option::as_ref).map(|func| func.to as usize);
            let room = self.tasks.len() < self.tasks.capacity() && self.left > 0;
            let closure = match to {
                Some(_) if room => self.reach(plan, task.closure, old, new, layouts.0),
                Some(_) | None => None,
            };
            match (closure, to.and_then(|to| self.going_on.get_mut(to))) {
                (Some(closure), Some(going_on)) if !closure.is_null() => {
                    *going_on = true;
                    self.left = self.left.saturating_sub(1);
                    self.tasks.push(Task { closure, ..*task });
                }
                _ => done.dropped += 1,
            }
        }
        let going_on = &self.going_on;
        let met = self.tasks.len() as u32;
        done.tasks = new.take_tasks(&mut self.tasks, |func| {
            going_on.get(func as usize).copied().unwrap_or(false)
        });
        done.dropped += met - done.tasks;
    }
}

/// Room for as many as a swap can have to do with, whose pages are all mapped.
fn reserved<T: Copy>(filler: T) -> Vec<T> {
    let mut room = vec![filler; MOST_WORDS as usize];
    room.iter_mut().for_each(|place| *place = std::hint::black_box(filler));
    room.clear();
    room
}

/// A new object of the size of an old one, all zero.
fn make(
    plan: &HeapPlan,
    object: HeapRef,
    heap: &Heap,
    new: &mut State,
    layout: &Layout,
) -> Option<HeapRef> {
    let number = heap.shape(object) as usize;
    let shape: &Shape = layout.shapes.get(number)?;
    match shape.kind {
        ObjectKind::Closure => {
            let func = plan.funcs.get(heap.load(object, 0) as usize)?.as_ref()?;
            new.heap_mut().alloc(func.shape, &[])
        }
        ObjectKind::Cell | ObjectKind::Variant => {
            new.heap_mut().alloc(plan.shapes.get(number).copied().flatten()?, &[])
        }
        ObjectKind::Array => {
            let shape = plan.shapes.get(number).copied().flatten()?;
            new.heap_mut().new_array(shape, i64::try_from(heap.array_len(object)).ok()?)
        }
    }
}

fn read(state: &State, slot: Slot) -> u64 {
    let word = match slot {
        Slot::State(word) => state.words().get(word as usize),
        Slot::Heap(word) => state.heap().words().get(word as usize),
    };
    word.copied().unwrap_or(0)
}

/// Puts a reference in its place, which owns it from now on; what was there is released.
fn write(state: &mut State, slot: Slot, object: HeapRef) {
    let place = match slot {
        Slot::State(word) => state.words_mut().get_mut(word as usize),
        Slot::Heap(word) => state.heap_mut().words_mut().get_mut(word as usize),
    };
    let before = place.map(|place| std::mem::replace(place, u64::from(object.0)));
    // Where there is no such place, the object itself has no owner.
    state.heap_mut().release(HeapRef(before.map_or(object.0, |word| word as u32)));
}

fn copy_fields(runs: &[WordRun], old: &State, new: &mut State) {
    for run in runs {
        for step in 0..run.len {
            let word = read(old, Slot::Heap(run.from + step));
            let keep = match run.kind {
                WordKind::F64 => f64::from_bits(word).is_finite(),
                WordKind::I64 => true,
                WordKind::Ref => false,
            };
            if keep && let Some(to) = new.heap_mut().words_mut().get_mut((run.to + step) as usize) {
                *to = word;
            }
        }
    }
}

#[cfg(test)]
mod tests;
