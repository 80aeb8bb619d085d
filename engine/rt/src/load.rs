//! Finds out that a program is too slow for real time.
//!
//! Takes how long each callback took and how long its audio lasts; says when the load has been above
//! 100 % for as long as is allowed. Arithmetic only; knows no clock.

/// Time constant of the measured load, in seconds of audio.
const SMOOTHING: f64 = 0.1;

/// Callbacks that it takes at least, however long one of them was: the system may stop any thread once.
const FEWEST: f64 = 8.0;

/// Watches the load of one instance.
#[derive(Clone, Copy, Debug)]
pub struct LoadWatch {
    /// Seconds that the load may stay above 100 %.
    patience: f64,
    load: f64,
    over: f64,
}

impl LoadWatch {
    /// The load may stay above 100 % for `patience` seconds.
    pub fn new(patience: f64) -> Self {
        Self { patience, load: 0.0, over: 0.0 }
    }

    /// Changes how long the load may stay above 100 %, in seconds.
    pub fn set_patience(&mut self, patience: f64) {
        self.patience = patience;
    }

    /// Begins anew: another program plays.
    pub fn restart(&mut self) {
        (self.load, self.over) = (0.0, 0.0);
    }

    /// Notes a callback that took `spent` seconds for `available` seconds of audio; true when the load
    /// has been above 100 % for too long. Begins anew after that.
    pub fn add(&mut self, spent: f64, available: f64) -> bool {
        if available <= 0.0 {
            return false;
        }
        let weight = 1.0 - (-available / SMOOTHING).exp();
        self.load += (spent / available - self.load) * weight;
        if self.load <= 1.0 {
            self.over = 0.0;
            return false;
        }
        self.over += spent.max(available).min(self.patience / FEWEST);
        let late = self.over >= self.patience;
        if late {
            self.restart();
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of audio until the watch calls out, at most 100.
    fn until(watch: &mut LoadWatch, load: f64, block: f64) -> Option<f64> {
        let blocks = (100.0 / block) as u32;
        (0..blocks).find(|_| watch.add(load * block, block)).map(|n| f64::from(n + 1) * block)
    }

    #[test]
    fn a_load_above_all_time_there_is_ends_after_the_patience() {
        for block in [0.001, 0.01, 0.1] {
            let at = until(&mut LoadWatch::new(2.0), 1.2, block).expect("it is too slow");
            assert!((1.6..2.6).contains(&at), "block {block}: {at}");
        }
        assert_eq!(until(&mut LoadWatch::new(2.0), 0.99, 0.01), None);
    }

    #[test]
    fn one_late_callback_is_no_reason() {
        let mut watch = LoadWatch::new(2.0);
        assert!(!watch.add(10.0, 0.001));
        assert_eq!(until(&mut watch, 0.5, 0.01), None);
    }

    #[test]
    fn a_much_too_slow_program_ends_by_the_clock() {
        let at = until(&mut LoadWatch::new(2.0), 20.0, 0.01).expect("it is too slow");
        assert!(at <= 0.2, "{at} s of audio are {} s of time", at * 20.0);
    }
}
