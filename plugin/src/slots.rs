//! The parameter slots: what each of the 128 host parameters means to the program that runs.
//!
//! The host sees values 0..1 that never change their meaning; a slot in use has the name and the
//! range that the program's control gave it, an empty slot is called "(slot 9)". Shared by the
//! worker (which installs a table), the host's main thread (names, texts) and the audio thread,
//! which reads and writes the atomic values only. Knows neither the plugin framework nor CLAP.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};

/// How many parameters every instance has, for ever.
pub const SLOTS: usize = 128;

/// The host value of a control at its initial value: ranges are symmetric around it.
pub const INITIAL: f32 = 0.5;

/// What a slot in use means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Number of the slot, from 0.
    pub slot: u16,
    /// The control's name in the program.
    pub name: String,
    /// The program's initial value.
    pub initial: f64,
    /// The program's value at host value 0.
    pub min: f64,
    /// The program's value at host value 1.
    pub max: f64,
}

impl Slot {
    /// The program's value for a host value 0..1.
    pub fn plain(&self, value: f64) -> f64 {
        self.min + (self.max - self.min) * value
    }

    /// The host value 0..1 for a value of the program; the middle for an empty range.
    pub fn normal(&self, plain: f64) -> f64 {
        let width = self.max - self.min;
        if width > 0.0 { ((plain - self.min) / width).clamp(0.0, 1.0) } else { f64::from(INITIAL) }
    }
}

/// A host value that should follow a control to another slot, or start at its initial value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    /// The slot whose value changes.
    pub slot: usize,
    /// Its new value, 0..1.
    pub value: f32,
}

/// The table of one instance.
pub struct Slots {
    table: RwLock<Vec<Option<Slot>>>,
    /// Bits of an f32 each: the values that the audio thread uses, modulation included.
    values: [AtomicU32; SLOTS],
}

impl Slots {
    /// All slots empty, all values in the middle.
    pub fn new() -> Slots {
        Slots {
            table: RwLock::new(vec![None; SLOTS]),
            values: std::array::from_fn(|_| AtomicU32::new(INITIAL.to_bits())),
        }
    }

    /// The current value of a slot, 0..1. Audio thread: allowed.
    pub fn value(&self, slot: usize) -> f32 {
        self.values.get(slot).map_or(INITIAL, |bits| f32::from_bits(bits.load(Ordering::Relaxed)))
    }

    /// Notes that a value changed. Audio thread: allowed.
    pub fn set_value(&self, slot: usize, value: f32) {
        if let Some(bits) = self.values.get(slot) {
            bits.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// Replaces the whole table; gives the values that have to follow their names.
    pub fn install(&self, controls: &[Slot]) -> Vec<Move> {
        let mut new: Vec<Option<Slot>> = vec![None; SLOTS];
        for control in controls {
            if let Some(place) = new.get_mut(usize::from(control.slot)) {
                *place = Some(control.clone());
            }
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *table, new.clone());
        drop(table);
        let mut moves = Vec::new();
        for (slot, control) in new.iter().enumerate() {
            let Some(control) = control else { continue };
            let before = old.iter().flatten().find(|old| old.name == control.name);
            let value = match before {
                Some(old) if usize::from(old.slot) == slot => continue,
                Some(old) => self.value(usize::from(old.slot)),
                None => control.normal(control.initial) as f32,
            };
            moves.push(Move { slot, value });
        }
        moves
    }

    /// The slots in use, in order.
    pub fn in_use(&self) -> Vec<Slot> {
        self.read(|table| table.iter().flatten().cloned().collect())
    }

    /// The name that the host shows.
    pub fn name(&self, slot: usize) -> String {
        self.with(slot, |slot| slot.name.clone()).unwrap_or_else(|| format!("(slot {})", slot + 1))
    }

    /// True if the program has a control there.
    pub fn is_used(&self, slot: usize) -> bool {
        self.with(slot, |_| ()).is_some()
    }

    /// The text for a host value 0..1.
    pub fn text(&self, slot: usize, value: f64) -> String {
        self.with(slot, |slot| number(slot.plain(value))).unwrap_or_else(|| format!("{value:.3}"))
    }

    /// The host value 0..1 for a text that a user typed; none if it doesn't start with a number.
    pub fn parse(&self, slot: usize, text: &str) -> Option<f64> {
        let plain = leading_number(text)?;
        Some(self.with(slot, |slot| slot.normal(plain)).unwrap_or(plain.clamp(0.0, 1.0)))
    }

    fn with<R>(&self, slot: usize, look: impl FnOnce(&Slot) -> R) -> Option<R> {
        self.read(|table| table.get(slot).and_then(Option::as_ref).map(look))
    }

    fn read<R>(&self, look: impl FnOnce(&[Option<Slot>]) -> R) -> R {
        look(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Slots {
    fn default() -> Slots {
        Slots::new()
    }
}

/// Four significant digits, without exponent or needless zeros.
fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = if size >= 1000.0 {
        0
    } else if size >= 100.0 {
        1
    } else if size >= 10.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    if text.parse() == Ok(0.0) { text.replace('-', "") } else { text }
}

fn leading_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let value: f64 = text[..end].replace(',', ".").parse().ok()?;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(slot: u16, name: &str, initial: f64) -> Slot {
        let size = initial.abs().max(1.0);
        Slot { slot, name: name.into(), initial, min: initial - size, max: initial + size }
    }

    #[test]
    fn a_used_slot_speaks_in_the_programs_numbers() {
        let slots = Slots::new();
        slots.install(&[slot(0, "cutoff", 800.0)]);
        assert_eq!(slots.name(0), "cutoff");
        assert_eq!(slots.text(0, 0.5), "800.0");
        assert_eq!(slots.text(0, 1.0), "1600");
        assert_eq!(slots.parse(0, "400 Hz"), Some(0.25));
        assert_eq!(slots.parse(0, "99999"), Some(1.0));
        assert_eq!(slots.parse(0, "loud"), None);
    }

    #[test]
    fn an_empty_slot_has_its_number_as_name() {
        let slots = Slots::new();
        assert_eq!(slots.name(8), "(slot 9)");
        assert_eq!(slots.text(8, 0.25), "0.250");
        assert_eq!(slots.parse(8, "0.75"), Some(0.75));
        assert_eq!(slots.name(5000), "(slot 5001)");
    }

    #[test]
    fn values_follow_their_names() {
        let slots = Slots::new();
        slots.install(&[slot(0, "a", 1.0), slot(1, "b", 2.0)]);
        slots.set_value(0, 0.9);
        slots.set_value(1, 0.2);
        let moves = slots.install(&[slot(0, "new", 0.0), slot(1, "a", 1.0), slot(2, "b", 2.0)]);
        let want = [(0, 0.5), (1, 0.9), (2, 0.2)].map(|(slot, value)| Move { slot, value });
        assert_eq!(moves, want);
        assert_eq!(slots.install(&slots.in_use()), []);
    }

    #[test]
    fn numbers_are_short() {
        for (value, want) in [
            (0.0, "0.000"),
            (-0.0, "0.000"),
            (-1.5, "-1.500"),
            (440.0, "440.0"),
            (12345.6, "12346"),
        ] {
            assert_eq!(number(value), want);
        }
    }
}
