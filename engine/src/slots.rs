//! Which parameter slot a named control has.
//!
//! A name keeps its slot for as long as the session lives, even while the program does without it.
//! New names take slots never used, then those of names that are gone the longest.

use attacca_rt::code::CellSource;
use attacca_rt::param::{CellInput, SLOTS};

use crate::message::ControlInfo;
use serde::{Deserialize, Serialize};

/// The names that slots have or had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotTable {
    entries: Vec<Entry>,
    /// Programs seen so far.
    time: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: String,
    used: u64,
}

/// What a program's cells are fed from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bound {
    /// One a cell, in order.
    pub cells: Vec<CellInput>,
    /// The controls with their slots, by slot.
    pub controls: Vec<ControlInfo>,
    /// Slots, by bit, that belonged to another name before.
    pub forget: u128,
    /// Names that found no slot.
    pub without: Vec<String>,
}

impl SlotTable {
    /// A table in which slots have names already, as a saved session knows them.
    pub fn restore(names: impl IntoIterator<Item = String>) -> Self {
        let entries = names.into_iter().take(SLOTS).map(|name| Entry { name, used: 0 }).collect();
        Self { entries, time: 0 }
    }

    /// The names by slot, to be saved with a session.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// Gives every control of a program its slot. The table changes: call it once a program that
    /// is going to play.
    pub fn bind(&mut self, cells: &[CellSource]) -> Bound {
        self.time += 1;
        let mut bound = Bound::default();
        for name in cells.iter().filter_map(control_name) {
            if let Some(entry) = self.entries.iter_mut().find(|entry| entry.name == *name) {
                entry.used = self.time;
            }
        }
        for cell in cells {
            let input = self.bind_cell(cell, &mut bound);
            bound.cells.push(input);
        }
        bound.controls.sort_by_key(|control| control.slot);
        bound
    }

    fn bind_cell(&mut self, cell: &CellSource, bound: &mut Bound) -> CellInput {
        match cell {
            CellSource::Control { name, initial, min, max } => {
                let (initial, min, max) = (*initial, *min, *max);
                let Some(slot) = self.slot(name, &mut bound.forget) else {
                    bound.without.push(name.clone());
                    return CellInput::Fixed(initial);
                };
                if bound.controls.iter().all(|control| control.slot != slot) {
                    bound.controls.push(ControlInfo {
                        slot,
                        name: name.clone(),
                        initial,
                        min,
                        max,
                    });
                }
                CellInput::Param { slot, initial, min, max }
            }
            CellSource::MidiPitch { channel, initial } => {
                CellInput::Pitch { channel: *channel, initial: *initial }
            }
            CellSource::MidiVelocity { channel, initial } => {
                CellInput::Velocity { channel: *channel, initial: *initial }
            }
            CellSource::Cc { channel, number, initial } => {
                CellInput::Cc { channel: *channel, number: *number, initial: *initial }
            }
            CellSource::Bend { channel } => CellInput::Bend { channel: *channel },
            CellSource::Transport(field) => CellInput::Transport(*field),
            CellSource::Voice { group, voice, field } => {
                CellInput::Voice { group: *group, voice: *voice, field: *field }
            }
        }
    }

    /// The slot of a name that has one.
    pub fn slot_of(&self, name: &str) -> Option<u16> {
        self.entries.iter().position(|entry| entry.name == name).map(|at| at as u16)
    }

    fn slot(&mut self, name: &str, forget: &mut u128) -> Option<u16> {
        let entry = Entry { name: name.to_owned(), used: self.time };
        if let Some(at) = self.entries.iter().position(|entry| entry.name == name) {
            return Some(at as u16);
        }
        if self.entries.len() < SLOTS {
            self.entries.push(entry);
            return Some(self.entries.len() as u16 - 1);
        }
        let gone = self.entries.iter_mut().enumerate().filter(|(_, entry)| entry.used < self.time);
        let (at, place) = gone.min_by_key(|(_, entry)| entry.used)?;
        *place = entry;
        *forget |= 1 << at;
        Some(at as u16)
    }
}

fn control_name(cell: &CellSource) -> Option<&String> {
    match cell {
        CellSource::Control { name, .. } => Some(name),
        CellSource::MidiPitch { .. }
        | CellSource::MidiVelocity { .. }
        | CellSource::Cc { .. }
        | CellSource::Bend { .. }
        | CellSource::Transport(_)
        | CellSource::Voice { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn controls(names: &[String]) -> Vec<CellSource> {
        let cell = |name: &String| CellSource::Control {
            name: name.clone(),
            initial: 1.0,
            min: 0.0,
            max: 2.0,
        };
        names.iter().map(cell).collect()
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    fn slots(bound: &Bound) -> Vec<(String, u16)> {
        bound.controls.iter().map(|control| (control.name.clone(), control.slot)).collect()
    }

    #[test]
    fn a_name_keeps_its_slot_while_others_come_and_go() {
        let mut table = SlotTable::default();
        table.bind(&controls(&names(&["a", "b"])));
        table.bind(&controls(&names(&["b"])));
        let bound = table.bind(&controls(&names(&["c", "b", "a", "c"])));
        assert_eq!(slots(&bound), [("a".into(), 0), ("b".into(), 1), ("c".into(), 2)]);
        assert_eq!((bound.cells.len(), bound.forget), (4, 0));
    }

    #[test]
    fn a_full_table_takes_slots_of_names_that_are_gone() {
        let mut table = SlotTable::default();
        let many: Vec<_> = (0..SLOTS).map(|n| format!("n{n}")).collect();
        table.bind(&controls(&many));
        table.bind(&controls(&many[..127]));
        let bound = table.bind(&controls(&names(&["new"])));
        assert_eq!((slots(&bound), bound.forget), (vec![("new".into(), 127)], 1 << 127));
        let mut more = many.clone();
        more.push("new".into());
        let bound = table.bind(&controls(&more));
        assert_eq!(bound.without, ["n127"]);
        assert_eq!(bound.cells[127], CellInput::Fixed(1.0));
    }

    #[test]
    fn names_survive_in_a_saved_session() {
        let mut table = SlotTable::restore(names(&["x", "y"]));
        assert_eq!(slots(&table.bind(&controls(&names(&["y"])))), [("y".into(), 1)]);
        assert_eq!(table.names().collect::<Vec<_>>(), ["x", "y"]);
    }
}
