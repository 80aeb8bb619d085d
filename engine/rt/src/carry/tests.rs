use super::*;
use crate::code::Image;

fn layout() -> Layout {
    use WordKind::{F64, I64, Ref};
    let shape = |kind, fields: &[WordKind]| Shape { kind, fields: fields.to_vec() };
    Layout {
        words: 4,
        heap_words: 1 << 15,
        shapes: vec![
            shape(ObjectKind::Array, &[F64]),
            shape(ObjectKind::Cell, &[Ref, F64]),
            shape(ObjectKind::Closure, &[I64, I64, Ref]),
        ],
        tasks: 8,
        ..Layout::default()
    }
}

/// Shapes in another order, one function renumbered from 3 to 1, its block moved from 2 to 40.
fn plan() -> HeapPlan {
    let func = FuncMove {
        to: 1,
        shape: 2,
        stateful: true,
        captures: vec![(2, Captured::Word(WordKind::Ref))],
    };
    HeapPlan {
        refs: vec![RefMove { from: Slot::State(0), to: Slot::State(1) }],
        shapes: vec![Some(0), Some(1), None],
        funcs: vec![None, None, None, Some(func)],
        blocks: vec![((2, 3), 40)],
        tasks: true,
        ..HeapPlan::default()
    }
}

fn states() -> (Layout, State, State) {
    let layout = layout();
    let (old, new) =
        (State::new(&layout, &Image::default()), State::new(&layout, &Image::default()));
    (layout, old, new)
}

fn run(plan: &HeapPlan, old: &mut State, new: &mut State, layout: &Layout) -> Carried {
    Carry::new(plan).run(plan, old, new, (layout, layout))
}

#[test]
fn a_function_value_goes_on_with_what_it_captured_and_shares() {
    let (layout, mut old, mut new) = states();
    // Two cells that name each other, the first captured.
    let heap = old.heap_mut();
    let a = heap.alloc(1, &[0, 1.5f64.to_bits()]).unwrap();
    let b = heap.alloc(1, &[u64::from(a.0), 2.5f64.to_bits()]).unwrap();
    heap.store(a, 0, u64::from(b.0));
    let closure = heap.alloc(2, &[3, 2, u64::from(a.0)]).unwrap();
    old.words_mut()[0] = u64::from(closure.0);
    let before = new.heap_mut().alloc(1, &[]).unwrap();
    new.words_mut()[1] = u64::from(before.0);
    let done = run(&plan(), &mut old, &mut new, &layout);
    assert_eq!((done.fresh, done.words), (0, 4 + 3 + 3));
    let heap = new.heap();
    let copy = HeapRef(new.words()[1] as u32);
    assert_eq!((heap.load(copy, 0), heap.load(copy, 1), heap.owners(copy)), (1, 40, 1));
    let a = HeapRef(heap.load(copy, 2) as u32);
    let b = HeapRef(heap.load(a, 0) as u32);
    assert_eq!(heap.load(b, 0), u64::from(a.0));
    assert_eq!((heap.owners(a), heap.owners(b)), (2, 1));
    assert_eq!(f64::from_bits(heap.load(b, 1)), 2.5);
}

#[test]
fn what_two_references_reach_is_copied_once_and_the_old_heap_stays_as_it_is() {
    let (layout, mut old, mut new) = states();
    let mut plan = plan();
    plan.refs = (0..3).map(|n| RefMove { from: Slot::State(n), to: Slot::State(n) }).collect();
    let heap = old.heap_mut();
    let mut list = HeapRef::NULL;
    for n in 0..100 {
        list = heap.alloc(1, &[u64::from(list.0), f64::from(n).to_bits()]).unwrap();
    }
    let broken = heap.alloc(1, &[u64::from(list.0), f64::NAN.to_bits()]).unwrap();
    let second = heap.alloc(1, &[u64::from(list.0), 0.5f64.to_bits()]).unwrap();
    heap.retain(list);
    heap.retain(list);
    for (word, object) in old.words_mut().iter_mut().zip([broken, list, second]) {
        *word = u64::from(object.0);
    }
    let before = old.heap().image();
    let done = run(&plan, &mut old, &mut new, &layout);
    assert_eq!((done.fresh, done.words), (1, 303), "one is broken, one cell is new of the second");
    assert_eq!(old.heap().image(), before);
    let (words, heap) = (new.words(), new.heap());
    let (list, second) = (HeapRef(words[1] as u32), HeapRef(words[2] as u32));
    assert_eq!((words[0], heap.load(second, 0), heap.owners(list)), (0, u64::from(list.0), 2));
    let (mut at, mut count) = (list, 0);
    while !at.is_null() {
        assert_eq!(f64::from_bits(heap.load(at, 1)), f64::from(99 - count));
        (at, count) = (HeapRef(heap.load(at, 0) as u32), count + 1);
    }
    assert_eq!(count, 100);
}

#[test]
fn what_finds_no_room_starts_fresh_and_leaves_nothing_behind() {
    let (mut layout, mut old, _) = states();
    layout.heap_words = 512;
    let mut new = State::new(&layout, &Image::default());
    let mut list = HeapRef::NULL;
    for _ in 0..300 {
        list = old.heap_mut().alloc(1, &[u64::from(list.0), 0]).unwrap();
    }
    old.words_mut()[0] = u64::from(list.0);
    let before = old.heap().image();
    let done = run(&plan(), &mut old, &mut new, &layout);
    assert_eq!((done.fresh, done.words, new.words()[1]), (1, 0, 0));
    assert_eq!(old.heap().image(), before);
    // All room is there again.
    let cells = (0..1_000).map_while(|_| new.heap_mut().alloc(1, &[])).count();
    assert_eq!(cells, (512 - crate::heap::FIRST as usize) / 4);
}

#[test]
fn what_holds_too_much_or_is_not_finite_starts_fresh() {
    for (len, value, fresh) in [(4_000, 1.0, 0), (4_095, 1.0, 1), (9_000, 1.0, 1), (4, f64::NAN, 1)]
    {
        let (layout, mut old, mut new) = states();
        let array = old.heap_mut().new_array(0, len).unwrap();
        for index in 0..len as u64 {
            old.heap_mut().array_store(array, index, 1, 0, f64::to_bits(value));
        }
        old.words_mut()[0] = u64::from(array.0);
        let done = run(&plan(), &mut old, &mut new, &layout);
        assert_eq!(done.fresh, fresh, "{len} of {value}");
        assert_eq!(new.words()[1] == 0, fresh == 1);
        assert!(done.words <= MOST_WORDS);
    }
}

#[test]
fn functions_that_are_gone_are_dropped_with_their_tasks() {
    let (layout, mut old, mut new) = states();
    let schedule = |state: &mut State, func: u64, time: u64, order: u64| {
        let closure = state.heap_mut().alloc(2, &[func, 2, 0]).unwrap();
        state.tasks_mut().put(Task { time, order, closure, site: 0 });
    };
    schedule(&mut old, 3, 7, 0);
    schedule(&mut old, 2, 8, 1);
    // What the new program starts for the same function would double it.
    schedule(&mut new, 1, 5, 0);
    schedule(&mut new, 0, 6, 1);
    let done = run(&plan(), &mut old, &mut new, &layout);
    assert_eq!((done.tasks, done.dropped), (1, 1));
    let waiting: Vec<(u64, u64)> = new
        .tasks()
        .image()
        .iter()
        .map(|task| (task.time, new.heap().load(task.closure, 0)))
        .collect();
    assert_eq!(waiting, [(6, 0), (7, 1)]);
}
