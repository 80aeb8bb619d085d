use super::*;
use crate::code::ObjectKind;

fn shape(fields: &[WordKind]) -> Shape {
    Shape { kind: ObjectKind::Cell, fields: fields.to_vec() }
}

fn shapes() -> Vec<Shape> {
    use WordKind::{F64, Ref};
    vec![shape(&[F64]), shape(&[Ref, F64]), shape(&[F64, Ref, Ref, F64]), shape(&[])]
}

/// Small numbers that look random, the same at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides
    }
}

#[test]
fn fields_read_back_and_words_are_used_again() {
    let mut heap = Heap::new(128, &shapes(), &[]);
    let first = heap.alloc(1, &[0, 5]).unwrap();
    assert_eq!((heap.load(first, 1), heap.shape(first), heap.owners(first)), (5, 1, 1));
    heap.store(first, 1, 9);
    assert_eq!(heap.load(first, 1), 9);
    heap.release(first);
    assert_eq!(heap.alloc(1, &[]), Some(first));
    assert_eq!(heap.load(first, 1), 0);
}

#[test]
fn a_full_heap_says_so_and_recovers() {
    let mut heap = Heap::new(FIRST + 8, &shapes(), &[]);
    let all: Vec<_> = std::iter::from_fn(|| heap.alloc(0, &[7])).collect();
    assert_eq!(all.len(), 4);
    heap.release(all[2]);
    assert_eq!(heap.alloc(0, &[]), Some(all[2]));
    assert_eq!(Heap::new(0, &shapes(), &[]).alloc(0, &[]), None);
    assert_eq!(Heap::new(64, &shapes(), &[]).alloc(9, &[]), None);
}

#[test]
fn a_long_chain_is_freed_in_pieces() {
    let mut heap = Heap::new(4096, &shapes(), &[]);
    let mut head = HeapRef::NULL;
    for _ in 0..500 {
        head = heap.alloc(1, &[u64::from(head.0)]).unwrap();
    }
    let used = heap.used();
    heap.release(head);
    assert!(heap.is_waiting());
    let mut calls = 1;
    while heap.is_waiting() {
        assert!(heap.collect(RELEASE_LIMIT) <= RELEASE_LIMIT);
        calls += 1;
    }
    assert_eq!(calls, 500u32.div_ceil(RELEASE_LIMIT));
    for _ in 0..500 {
        heap.alloc(1, &[]).unwrap();
    }
    assert_eq!(heap.used(), used, "the second chain took the words of the first");
}

#[test]
fn a_waiting_chain_is_used_before_the_heap_counts_as_full() {
    let mut heap = Heap::new(FIRST + 4 * 200, &shapes(), &[]);
    let mut head = HeapRef::NULL;
    while let Some(next) = heap.alloc(1, &[u64::from(head.0)]) {
        head = next;
    }
    heap.release(head);
    for _ in 0..200 {
        assert!(heap.alloc(1, &[]).is_some());
    }
}

#[test]
fn an_image_goes_on_exactly_as_its_original() {
    let mut heap = Heap::new(256, &shapes(), &[]);
    let objects: Vec<_> = (0..10).map(|n| heap.alloc(n % 3, &[]).unwrap()).collect();
    heap.release(objects[4]);
    let mut copy = Heap::new(256, &shapes(), &heap.image());
    for n in 0..8 {
        assert_eq!(heap.alloc(n % 4, &[]), copy.alloc(n % 4, &[]));
    }
    assert_eq!(heap.image(), copy.image());
}

#[test]
fn owners_of_a_random_graph_are_counted_right() {
    let mut heap = Heap::new(2048, &shapes(), &[]);
    let mut dice = Dice(1);
    let mut held: Vec<(HeapRef, u64)> = Vec::new();
    for step in 0..20_000u64 {
        if dice.roll(5) < 3 {
            let child = held.get(dice.roll(held.len().max(1))).map_or(HeapRef::NULL, |h| h.0);
            heap.retain(child);
            let Some(object) = heap.alloc(1, &[u64::from(child.0), step]) else {
                heap.release(child);
                continue;
            };
            held.push((object, step));
        } else if !held.is_empty() {
            let at = dice.roll(held.len());
            heap.release(held.swap_remove(at).0);
        }
        for (object, mark) in &held {
            assert_eq!(heap.load(*object, 1), *mark, "an owned object was overwritten");
            assert!(heap.owners(*object) > 0);
        }
    }
    for (object, _) in held {
        heap.release(object);
    }
    while heap.collect(RELEASE_LIMIT) > 0 {}
    let used = heap.used();
    let mut again = 0;
    while heap.used() == used && heap.alloc(1, &[]).is_some() {
        again += 1;
    }
    assert!(again >= (used - FIRST) / 4, "everything came back: {again} of {used} words");
}

fn with_arrays() -> Vec<Shape> {
    let array = |fields: &[WordKind]| Shape { kind: ObjectKind::Array, fields: fields.to_vec() };
    let mut all = shapes();
    all.extend([array(&[WordKind::F64]), array(&[WordKind::F64, WordKind::Ref])]);
    all
}

const FLOATS: u32 = 4;
const REFS: u32 = 5;

#[test]
fn elements_read_back_and_others_are_zero() {
    let mut heap = Heap::new(256, &with_arrays(), &[]);
    let array = heap.new_array(REFS, 3).unwrap();
    for index in 0..4 {
        heap.array_store(array, index, 2, 0, index + 7);
    }
    let read: Vec<u64> = (0..5).map(|index| heap.array_load(array, index, 2, 0)).collect();
    assert_eq!((heap.array_len(array), read), (3, vec![7, 8, 9, 0, 0]));
    assert_eq!(heap.array_load(array, u64::MAX, 2, 1), 0);
    assert_eq!(heap.new_array(FLOATS, 0), Some(HeapRef::NULL));
    assert_eq!(heap.new_array(FLOATS, i64::MIN), Some(HeapRef::NULL));
    assert_eq!(heap.new_array(FLOATS, i64::MAX), None);
    assert_eq!(heap.new_array(0, 3), None, "the shape is no array");
    assert_eq!(heap.alloc(FLOATS, &[1]), None, "the shape is an array");
}

#[test]
fn null_reads_as_zeros_without_being_asked() {
    let mut heap = Heap::new(256, &with_arrays(), &[]);
    let kept: Vec<_> = (0..10).map(|n| heap.new_array(FLOATS, n % 3).unwrap()).collect();
    kept.into_iter().for_each(|array| heap.release(array));
    assert!((1..=NULL_FIELDS).all(|word| heap.words()[word as usize] == 0));
    assert_eq!((heap.array_len(HeapRef::NULL), heap.load(HeapRef::NULL, 3)), (0, 0));
    assert_eq!(heap.array_load(HeapRef::NULL, 0, 1, 0), 0);
    heap.array_store(HeapRef::NULL, 0, 1, 0, 5);
    assert!(Heap::new(0, &[], &[]).words().len() >= FIRST as usize);
}

#[test]
fn copies_are_clipped_and_move_over_themselves() {
    let mut heap = Heap::new(256, &with_arrays(), &[]);
    let array = heap.new_array(FLOATS, 5).unwrap();
    (0..5).for_each(|index| heap.array_store(array, index, 1, 0, index + 1));
    let read = |heap: &Heap| (0..5).map(|n| heap.array_load(array, n, 1, 0)).collect::<Vec<_>>();
    heap.array_copy((array, 1), (array, 0), 100);
    assert_eq!(read(&heap), [1, 1, 2, 3, 4]);
    heap.array_copy((array, -2), (array, 0), 4);
    assert_eq!(read(&heap), [2, 3, 2, 3, 4]);
    for (to, from, count) in [(5, 0, 9), (0, 5, 9), (0, 0, 0), (0, 0, -3), (i64::MIN, 0, i64::MAX)]
    {
        heap.array_copy((array, to), (array, from), count);
        heap.array_copy((array, from), (array, to), count);
    }
    heap.array_copy((array, 0), (HeapRef::NULL, 0), 5);
    heap.array_copy((HeapRef::NULL, 0), (array, 0), 5);
    assert_eq!(read(&heap), [2, 3, 2, 3, 4]);
}

#[test]
fn copies_own_what_they_hold() {
    let mut heap = Heap::new(256, &with_arrays(), &[]);
    let (a, b) = (heap.new_array(REFS, 2).unwrap(), heap.new_array(REFS, 2).unwrap());
    let [x, y] = [1, 2].map(|mark| heap.alloc(0, &[mark]).unwrap());
    heap.array_store(a, 0, 2, 1, u64::from(x.0));
    heap.array_store(b, 0, 2, 1, u64::from(y.0));
    heap.array_copy((b, 0), (a, 0), 2);
    assert_eq!(heap.owners(x), 2);
    assert_eq!(heap.alloc(0, &[3]), Some(y), "what was overwritten is free");
    heap.array_copy((a, 0), (a, 0), 2);
    assert_eq!(heap.owners(x), 2);
    heap.release(a);
    heap.release(b);
    assert_eq!(heap.alloc(0, &[4]), Some(x));
}

#[test]
fn a_long_array_of_objects_is_freed_in_pieces() {
    let mut heap = Heap::new(1 << 14, &with_arrays(), &[]);
    let count = 1000u32;
    let array = heap.new_array(REFS, i64::from(count)).unwrap();
    for index in 0..count {
        let object = heap.alloc(0, &[7]).unwrap();
        heap.array_store(array, u64::from(index), 2, 1, u64::from(object.0));
    }
    let used = heap.used();
    heap.release(array);
    let mut steps = RELEASE_LIMIT;
    while heap.is_waiting() {
        steps += heap.collect(1);
    }
    assert_eq!(steps, count + count.div_ceil(ELEMENT_LIMIT));
    let again = heap.new_array(REFS, i64::from(count)).unwrap();
    assert_eq!((again, heap.array_load(again, 3, 2, 1)), (array, 0));
    (0..count).for_each(|_| assert!(heap.alloc(0, &[]).is_some()));
    assert_eq!(heap.used(), used);
}

#[test]
fn arrays_of_all_lengths_come_back() {
    let mut heap = Heap::new(1 << 13, &with_arrays(), &[]);
    let mut dice = Dice(3);
    for _ in 0..20_000 {
        let array = heap.new_array(REFS, dice.roll(200) as i64 + 1).unwrap();
        let inner = heap.new_array(FLOATS, dice.roll(50) as i64).unwrap();
        heap.array_store(array, 0, 2, 1, u64::from(inner.0));
        heap.release(array);
    }
}
