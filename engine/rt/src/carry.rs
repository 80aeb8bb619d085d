//! Carries heap objects and tasks from a running instance to its successor.
//!
//! Takes two [`State`]s and a [`HeapPlan`] made off the audio thread. Objects that the global code of
//! the new program made anew are its own; what the program had assigned to their variables is copied
//! into them. What other references reach is copied by the types of the objects, at most [`MOST_WORDS`]
//! words a swap: a reference that reaches more, a function that is gone, or a number that is not finite,
//! stays as the new program has it. Bounded; allocates in the new heap alone, in places that exist.

use crate::code::{Layout, ObjectKind, Shape, WordKind};
use crate::heap::HeapRef;
use crate::migrate::WordRun;
use crate::sched::Task;
use crate::state::State;

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

/// Places of the table: twice as many as objects can be met, and a power of two.
const PLACES: usize = 1 << 14;
/// Most words looked at by one swap, those of what is not carried in the end included.
const MOST_EFFORT: u32 = 2 * MOST_WORDS;

#[derive(Clone, Copy, Debug, Default)]
struct Met {
    old: u32,
    /// 0 until the object is copied.
    new: u32,
    /// The reference under which it was met last.
    turn: u32,
}

/// The memory that carrying needs: made with the program, used once.
#[derive(Debug, Default)]
pub struct Carry {
    met: Box<[Met]>,
    /// Old objects in the order in which they were met.
    found: Vec<u32>,
    turn: u32,
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
        let mut met = vec![Met::default(); PLACES].into_boxed_slice();
        for place in met.iter_mut().step_by(64) {
            *place = std::hint::black_box(Met::default());
        }
        let funcs = plan.funcs.iter().flatten().map(|func| func.to + 1).max().unwrap_or(0);
        let tasks = if plan.tasks { MOST_WORDS as usize } else { 0 };
        Self {
            met,
            found: Vec::with_capacity(MOST_WORDS as usize),
            turn: 0,
            left: MOST_WORDS,
            effort: MOST_EFFORT,
            tasks: Vec::with_capacity(tasks),
            going_on: vec![false; funcs as usize].into_boxed_slice(),
        }
    }

    /// Carries what the plan names from `old` to `new`, whose words are already copied. `shapes` are
    /// those of the two programs. Once only. Audio thread.
    pub fn run(
        &mut self,
        plan: &HeapPlan,
        old: &State,
        new: &mut State,
        layouts: (&Layout, &Layout),
    ) -> Carried {
        let mut done = Carried::default();
        if !plan.tasks {
            done.dropped = old.tasks().len() as u32;
        }
        if plan.is_empty() || self.met.is_empty() {
            return done;
        }
        copy_fields(&plan.fields, old, new);
        for step in &plan.refs {
            let from = HeapRef(read(old, step.from) as u32);
            match self.reach(plan, from, old, new, layouts.0) {
                Some(copy) => write(new, step.to, copy),
                None => done.fresh += 1,
            }
        }
        if plan.tasks {
            self.carry_tasks(plan, old, new, layouts, &mut done);
        }
        done.words = MOST_WORDS - self.left;
        done
    }

    /// The new object for an old one, with one more owner; `None` if it cannot be carried.
    fn reach(
        &mut self,
        plan: &HeapPlan,
        root: HeapRef,
        old: &State,
        new: &mut State,
        layout: &Layout,
    ) -> Option<HeapRef> {
        if root.is_null() {
            return Some(root);
        }
        self.turn += 1;
        self.found.clear();
        let mut words = 0;
        self.meet(plan, root.0)?;
        let mut at = 0;
        while let Some(object) = self.found.get(at).copied() {
            at += 1;
            let own = self.look(plan, HeapRef(object), old, layout)?;
            words += own;
            self.effort = self.effort.checked_sub(own)?;
            if words > self.left {
                return None;
            }
        }
        self.copy(plan, old, new, layout)?;
        self.left -= words;
        let copy = HeapRef(self.place_of(plan, root.0)?);
        new.heap_mut().retain(copy);
        self.disown(plan, new);
        Some(copy)
    }

    /// Notes an object that is to be copied, if it is not known yet. `None` if there are too many.
    fn meet(&mut self, plan: &HeapPlan, object: u32) -> Option<()> {
        if object == 0 || plan.same(object).is_some() {
            return Some(());
        }
        let turn = self.turn;
        let room = self.found.len() < self.found.capacity();
        let place = self.place(object)?;
        if place.new == 0 && place.turn != turn {
            *place = Met { old: object, new: 0, turn };
            room.then_some(())?;
            self.found.push(object);
        }
        Some(())
    }

    /// The table's place for an object: its own or a free one. `None` if the table is full, which the
    /// limit on words prevents.
    fn place(&mut self, object: u32) -> Option<&mut Met> {
        let start = object.wrapping_mul(0x9e37_79b1) as usize >> 8;
        let at = (start..start + PLACES)
            .map(|at| at % PLACES)
            .find(|at| self.met.get(*at).is_some_and(|met| met.old == object || met.old == 0))?;
        self.met.get_mut(at)
    }

    /// The new object that stands for an old one, if it is known.
    fn place_of(&mut self, plan: &HeapPlan, object: u32) -> Option<u32> {
        if object == 0 {
            return Some(0);
        }
        if let Some(same) = plan.same(object) {
            return Some(same);
        }
        self.place(object).map(|met| met.new).filter(|new| *new != 0)
    }

    /// Looks through an old object: meets what it holds and gives its words, or `None` if it cannot be
    /// carried.
    fn look(
        &mut self,
        plan: &HeapPlan,
        object: HeapRef,
        old: &State,
        layout: &Layout,
    ) -> Option<u32> {
        let heap = old.heap();
        let number = heap.shape(object);
        let shape = layout.shapes.get(number as usize)?;
        match shape.kind {
            ObjectKind::Closure => {
                let func = plan.funcs.get(heap.load(object, 0) as usize)?.as_ref()?;
                if func.stateful {
                    plan.block(heap.load(object, 1), heap.load(object, 0))?;
                }
                for (field, captured) in &func.captures {
                    let word = heap.load(object, *field);
                    match captured {
                        Captured::Word(kind) => self.look_at(plan, *kind, word)?,
                        Captured::Base(of) => plan.block(word, u64::from(*of)).map(|_| ())?,
                    }
                }
                Some(3 + func.captures.len() as u32)
            }
            ObjectKind::Cell | ObjectKind::Variant => {
                plan.shapes.get(number as usize).copied().flatten()?;
                for (field, kind) in (0..).zip(&shape.fields) {
                    self.look_at(plan, *kind, heap.load(object, field))?;
                }
                Some(1 + shape.fields.len() as u32)
            }
            ObjectKind::Array => {
                plan.shapes.get(number as usize).copied().flatten()?;
                let (len, stride) = (heap.array_len(object), shape.fields.len() as u32);
                let words = u32::try_from(len.checked_mul(u64::from(stride))?).ok()?;
                if words > self.left {
                    return None;
                }
                let elements = heap.elements(object, stride);
                if shape.fields.iter().all(|kind| *kind == WordKind::F64) {
                    // All of them, without a way out: several at once.
                    let finite = elements.iter().map(|word| f64::from_bits(*word).is_finite());
                    finite.fold(true, |all, one| all & one).then_some(())?;
                } else {
                    for (kind, word) in shape.fields.iter().cycle().zip(elements) {
                        self.look_at(plan, *kind, *word)?;
                    }
                }
                Some(2 + words)
            }
        }
    }

    fn look_at(&mut self, plan: &HeapPlan, kind: WordKind, word: u64) -> Option<()> {
        match kind {
            WordKind::F64 => f64::from_bits(word).is_finite().then_some(()),
            WordKind::I64 => Some(()),
            WordKind::Ref => self.meet(plan, word as u32),
        }
    }

    /// Makes the new objects of this turn, then fills them. `None` if the heap is full; nothing is left
    /// behind then.
    fn copy(
        &mut self,
        plan: &HeapPlan,
        old: &State,
        new: &mut State,
        layout: &Layout,
    ) -> Option<()> {
        for at in 0..self.found.len() {
            let Some(object) = self.found.get(at).copied() else { break };
            let made = make(plan, HeapRef(object), old, new, layout).filter(|made| !made.is_null());
            let Some(made) = made else {
                self.found.truncate(at);
                self.disown(plan, new);
                return None;
            };
            if let Some(place) = self.place(object) {
                place.new = made.0;
            }
        }
        for at in 0..self.found.len() {
            if let Some(object) = self.found.get(at).copied() {
                self.fill(plan, HeapRef(object), old, new, layout);
            }
        }
        Some(())
    }

    /// Gives up the owner that each object was made with: those that hold it own it now. Forgets objects
    /// that nothing holds.
    fn disown(&mut self, plan: &HeapPlan, new: &mut State) {
        for at in 0..self.found.len() {
            let Some(object) = self.found.get(at).copied() else { break };
            let Some(made) = self.place_of(plan, object) else { continue };
            let alone = new.heap().owners(HeapRef(made)) == 1;
            new.heap_mut().release(HeapRef(made));
            if alone && let Some(place) = self.place(object) {
                place.new = 0;
            }
        }
    }

    fn fill(
        &mut self,
        plan: &HeapPlan,
        object: HeapRef,
        old: &State,
        new: &mut State,
        layout: &Layout,
    ) -> Option<()> {
        let heap = old.heap();
        let shape = layout.shapes.get(heap.shape(object) as usize)?;
        let made = HeapRef(self.place_of(plan, object.0)?);
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
                        Captured::Word(kind) => self.carried(plan, *kind, word, new),
                        Captured::Base(of) => plan.block(word, u64::from(*of)).unwrap_or(0),
                    };
                    new.heap_mut().store(made, to, word);
                }
            }
            ObjectKind::Cell | ObjectKind::Variant => {
                for (field, kind) in (0..).zip(&shape.fields) {
                    let word = self.carried(plan, *kind, heap.load(object, field), new);
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
                    let word = self.carried(plan, *kind, *word, new);
                    if let Some(to) = new.heap_mut().elements_mut(made, stride).get_mut(at) {
                        *to = word;
                    }
                }
            }
        }
        Some(())
    }

    /// What a word of the old heap is in the new one; a reference gets one more owner.
    fn carried(&mut self, plan: &HeapPlan, kind: WordKind, word: u64, new: &mut State) -> u64 {
        match kind {
            WordKind::F64 | WordKind::I64 => word,
            WordKind::Ref => {
                let made = HeapRef(self.place_of(plan, word as u32).unwrap_or(0));
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
        old: &State,
        new: &mut State,
        layouts: (&Layout, &Layout),
        done: &mut Carried,
    ) {
        for task in old.tasks().iter() {
            let func = old.heap().load(task.closure, 0) as usize;
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

/// A new object of the size of an old one, all zero.
fn make(
    plan: &HeapPlan,
    object: HeapRef,
    old: &State,
    new: &mut State,
    layout: &Layout,
) -> Option<HeapRef> {
    let heap = old.heap();
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
