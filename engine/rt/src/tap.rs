//! What a running program tells besides its sound: printed numbers and probed values.
//!
//! Rings of fixed size between the audio side ([`Outlets`], part of the state) and the control side
//! ([`Ears`]). A full ring drops and counts; nothing here waits, allocates or touches the sound.

use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Printed numbers that can wait to be read.
pub const PRINT_PLACES: u32 = 4096;

/// Values of one probe that can wait to be read.
pub const PROBE_PLACES: usize = 4096;

/// One printed number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Print {
    /// The number.
    pub value: f64,
    /// Whether a new line follows (`probeln`).
    pub newline: bool,
}

/// Printed numbers as a program's reader sees them: the shortest decimal that reads back to the same
/// number, never with an exponent, whole numbers without a fraction (language reference, 8.4).
pub fn text_of(prints: &[Print]) -> String {
    let text = |print: &Print| format!("{}{}", print.value, if print.newline { "\n" } else { "" });
    prints.iter().map(text).collect()
}

/// The audio side's ends.
#[derive(Debug, Default)]
pub struct Outlets {
    prints: Option<Producer<Print>>,
    probes: Box<[Producer<f64>]>,
    lost: Arc<AtomicU64>,
    muted: bool,
}

/// The control side's ends.
#[derive(Debug, Default)]
pub struct Ears {
    prints: Option<Consumer<Print>>,
    probes: Vec<Consumer<f64>>,
    lost: Arc<AtomicU64>,
}

/// Makes the rings: room for `prints` printed numbers, and one ring for each of `probes` probes.
/// Allocates and touches their pages.
pub fn rings(prints: u32, probes: usize) -> (Outlets, Ears) {
    let (mut outlets, mut ears) = (Outlets::default(), Ears::default());
    if prints > 0 {
        let (put, take) = touched(prints as usize, Print { value: 0.0, newline: false });
        (outlets.prints, ears.prints) = (Some(put), Some(take));
    }
    let (puts, takes): (Vec<_>, Vec<_>) = (0..probes).map(|_| touched(PROBE_PLACES, 0.0)).unzip();
    (outlets.probes, ears.probes) = (puts.into(), takes);
    ears.lost = Arc::clone(&outlets.lost);
    (outlets, ears)
}

/// A ring whose pages are all there.
fn touched<T: Copy>(places: usize, item: T) -> (Producer<T>, Consumer<T>) {
    let (mut put, mut take) = RingBuffer::new(places);
    while put.push(item).is_ok() {}
    while take.pop().is_ok() {}
    (put, take)
}

impl Outlets {
    /// Prints a number.
    pub fn print(&mut self, value: f64, newline: bool) {
        if self.muted {
            return;
        }
        let put =
            self.prints.as_mut().is_some_and(|ring| ring.push(Print { value, newline }).is_ok());
        if !put {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Shows a value on a probe; dropped when nobody reads.
    #[inline]
    pub fn tap(&mut self, probe: u32, value: f64) {
        if self.muted {
            return;
        }
        if let Some(ring) = self.probes.get_mut(probe as usize) {
            // Without room the value is lost; the reader may have made some by now.
            ring.push(value).ok();
        }
    }

    /// While muted nothing is told: for a look ahead.
    pub(crate) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }
}

impl Ears {
    /// The next printed number.
    pub fn print(&mut self) -> Option<Print> {
        self.prints.as_mut()?.pop().ok()
    }

    /// Printed numbers that found no room so far.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Probes, by number.
    pub fn probe_count(&self) -> usize {
        self.probes.len()
    }

    /// The next value of a probe.
    pub fn value(&mut self, probe: usize) -> Option<f64> {
        self.probes.get_mut(probe)?.pop().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_numbers_arrive_in_order_and_lost_ones_are_counted() {
        let (mut outlets, mut ears) = rings(2, 0);
        for n in 0..5 {
            outlets.print(f64::from(n), n == 1);
        }
        let heard: Vec<_> = std::iter::from_fn(|| ears.print()).collect();
        assert_eq!(
            heard,
            [Print { value: 0.0, newline: false }, Print { value: 1.0, newline: true }]
        );
        assert_eq!(ears.lost(), 3);
    }

    #[test]
    fn numbers_are_printed_without_exponents() {
        let print = |value| Print { value, newline: false };
        let texts = [3.0, 0.1, 1.2e-7, 1e21, -0.5, f64::NAN, f64::INFINITY]
            .map(|value| text_of(&[print(value)]));
        let want = ["3", "0.1", "0.00000012", "1000000000000000000000", "-0.5", "NaN", "inf"];
        assert_eq!(texts, want);
        let line = Print { value: 1.0, newline: true };
        assert_eq!(text_of(&[print(1.0), line, line]), "11\n1\n");
    }

    #[test]
    fn a_full_probe_drops() {
        let (mut outlets, mut ears) = rings(0, 2);
        for n in 0..PROBE_PLACES + 5 {
            outlets.tap(1, n as f64);
        }
        outlets.tap(7, 1.0);
        assert_eq!((ears.value(0), ears.probe_count()), (None, 2));
        assert_eq!(std::iter::from_fn(|| ears.value(1)).count(), PROBE_PLACES);
        outlets.mute(true);
        outlets.tap(0, 1.0);
        assert_eq!(ears.value(0), None);
    }
}
