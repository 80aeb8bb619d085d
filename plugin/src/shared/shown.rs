//! What the window is shown of an instance, gathered once a frame.

use super::{AudioState, Shared};
use crate::document::Settings;
use crate::editor::{Control, Folder, Guard, Held, Message, Playing, Severity, Snapshot};
use crate::kind::Kind;
use crate::meter::CHANNELS;
use crate::slots::Slot;
use std::time::Instant;

impl Shared {
    /// What the window shows.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let console = self.console();
        let playing = match (self.playing(), self.kind) {
            (AudioState::Playing, _) => Playing::Program,
            (AudioState::Faulted, _) => Playing::Faulted,
            (AudioState::Idle, Kind::Effect) => Playing::Through,
            (AudioState::Idle, Kind::Instrument) => Playing::Silent,
        };
        let (revision, looked, rate, settings) = {
            let mut state = self.state();
            state.drawn = Some(Instant::now());
            // The copies of files are not for the window.
            let Settings { folder, osc, swap, ceiling, span, patience, record, .. } =
                &state.settings;
            let (folder, osc, swap) = (folder.clone(), *osc, *swap);
            let settings = Settings {
                folder,
                osc,
                swap,
                ceiling: *ceiling,
                span: *span,
                patience: *patience,
                record: *record,
                ..Settings::default()
            };
            (state.revision, state.looked, state.rate, settings)
        };
        let mut messages = self.messages();
        if !console.printed.is_empty() {
            let text = format!("printed:\n{}", console.printed.trim_end());
            messages.push(Message::general(Severity::Note, text));
        }
        Snapshot {
            kind: self.kind.word(),
            revision,
            playing,
            compiling: self.is_compiling(),
            compile_ms: console.compile_ms,
            swap_us: console.swap_us,
            load: f64::from(self.meter.load()),
            plan: console.plan_text.clone(),
            messages,
            controls: self.slots.in_use().iter().map(|slot| self.control(slot)).collect(),
            probes: self.scopes().shown(settings.span, rate),
            span: settings.span,
            osc: settings.osc(),
            swap: settings.swap,
            waits: self.meter.waits_for().map(|moment| (moment.bar, moment.beat)),
            stopped: console.fault.is_some(),
            guard: Guard { ceiling: settings.ceiling, held: self.held_since(looked) },
            patience: settings.patience,
            record: settings.record,
            tape: console.tape,
            folder: Folder {
                path: settings.folder,
                missing: console.no_folder,
                files: console.files.clone(),
            },
        }
    }

    /// How often each channel was held back since it had been so often.
    fn held_since(&self, looked: [[u32; 2]; CHANNELS]) -> [Held; CHANNELS] {
        let now = self.meter.held();
        std::array::from_fn(|channel| {
            let [loud, broken] =
                std::array::from_fn(|at| since(now[channel][at], looked[channel][at]));
            Held { loud, broken }
        })
    }

    fn control(&self, slot: &Slot) -> Control {
        let number = usize::from(slot.slot);
        let value = f64::from(self.slots.value(number));
        Control {
            slot: number,
            name: slot.name.clone(),
            value,
            initial: slot.normal(slot.initial),
            text: self.slots.text(number, value),
        }
    }
}

/// What has been counted since a look; a new processor counts from 0.
fn since(now: u32, looked: u32) -> u32 {
    now.checked_sub(looked).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_back_is_counted_from_the_last_look() {
        let (shared, _inbox) = Shared::new(Kind::Effect);
        assert_eq!(shared.held_since([[7; 2]; CHANNELS]), [Held::default(); CHANNELS]);
        assert_eq!([since(9, 7), since(7, 7), since(3, 7)], [2, 0, 3]);
    }
}
