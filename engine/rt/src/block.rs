//! What happens to the samples of a block: channels spread, passed through, converted.
//!
//! Views of the host's channels only; owns nothing.

use crate::MAX_CHANNELS;
use crate::program::Prepared;
use crate::settings::Idle;
use std::array;

/// One frame of all channels.
pub(crate) type Frame = [f64; MAX_CHANNELS];

/// Copies the program's channels to the host's: one plays on both, others on one each.
pub(crate) fn spread(program: &Prepared, outputs: &mut [&mut [f64]], from: usize, frames: usize) {
    let count = program.output_count();
    for (at, output) in outputs.iter_mut().enumerate() {
        let Some(output) = output.get_mut(from..from + frames) else { continue };
        let channel = if count == 1 && at == 1 { 0 } else { at };
        match program.output(channel).get(..frames) {
            Some(rendered) => output.copy_from_slice(rendered),
            None => output.fill(0.0),
        }
    }
}

/// The next frame without a program.
pub(crate) fn idle_frame(inputs: &[&[f64]], host_outputs: usize, idle: Idle) -> Frame {
    array::from_fn(|channel| match idle {
        Idle::PassThrough if channel < host_outputs => {
            inputs.get(channel).and_then(|input| input.first()).copied().unwrap_or(0.0)
        }
        Idle::PassThrough | Idle::Silence => 0.0,
    })
}

pub(crate) fn to_f32(channel: &mut [f32], buffer: &[f64]) {
    for (to, x) in channel.iter_mut().zip(buffer) {
        *to = *x as f32;
    }
}

/// What plays without a program.
pub(crate) fn idle(
    kind: Idle,
    inputs: &[&[f64]],
    outputs: &mut [&mut [f64]],
    from: usize,
    frames: usize,
) {
    for (channel, output) in outputs.iter_mut().enumerate() {
        let Some(output) = output.get_mut(from..from + frames) else { continue };
        let input = inputs.get(channel).and_then(|input| input.get(from..from + frames));
        match (kind, input) {
            (Idle::PassThrough, Some(input)) => output.copy_from_slice(input),
            (Idle::PassThrough, None) | (Idle::Silence, _) => output.fill(0.0),
        }
    }
}
