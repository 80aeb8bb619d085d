//! The newest program is what plays in the end, whatever overtakes what on the way.
//!
//! Random orders of edits, resets, looks of the control side and blocks of the audio side, which real
//! threads would have to be lucky to meet.

use attacca_engine::link::Link;
use attacca_engine::pipeline::{self, Options};
use attacca_engine::slots::Bound;
use attacca_engine::{Idle, Processor, ProcessorSettings, Program, Status, Target};
use std::sync::Arc;

/// Orders tried.
const ORDERS: u64 = 20_000;

/// Things that happen in each.
const STEPS: usize = 16;

/// xorshift64*, by Marsaglia and Vigna.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % n
    }
}

/// Plays a block; gives its last sample.
fn block(processor: &mut Processor) -> f32 {
    let mut left = [0.0; 4];
    processor.process(&mut [&mut left], &[]);
    left[3]
}

/// Programs whose output is their number, in 64ths.
fn programs() -> Vec<Arc<Program>> {
    let options = Options { target: Target::Vm, ..Options::default() };
    let make = |number: usize| {
        let text = format!("fn dsp() {{ {number}.0 / 64.0 }}");
        pipeline::compile("test.mmm", &text, &options).program.expect("a program")
    };
    (0..=STEPS).map(make).collect()
}

#[test]
fn the_newest_program_plays_in_the_end() {
    let programs = programs();
    for seed in 1..=ORDERS {
        let mut dice = Dice(seed);
        let settings = ProcessorSettings {
            max_frames: 4,
            declick: 0.0,
            idle: Idle::Silence,
            ..ProcessorSettings::default()
        };
        let (mut processor, remote) = Processor::new(settings);
        let mut link = Link::new(remote, settings.max_frames);
        let mut newest = 0;
        let mut order = String::new();
        for _ in 0..STEPS {
            match dice.below(10) {
                0..4 => {
                    newest += 1;
                    link.send(&programs[newest], Bound::default());
                    order.push('s');
                }
                4..7 => {
                    block(&mut processor);
                    order.push('b');
                }
                7..9 => {
                    link.poll();
                    order.push('p');
                }
                _ => {
                    // The audio side is silent from the reset on, the control side hears of it.
                    processor.mute();
                    link.poll();
                    link.restart();
                    order.push('r');
                }
            }
        }
        for _ in 0..4 {
            block(&mut processor);
            link.poll();
        }
        let wanted = if newest == 0 { Status::Idle } else { Status::Playing };
        let heard = block(&mut processor);
        assert_eq!(processor.status(), wanted, "{order}");
        assert_eq!(heard, newest as f32 / 64.0, "{order}");
        assert!(!link.outstanding(), "{order}");
    }
}
