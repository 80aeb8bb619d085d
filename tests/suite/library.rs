//! The standard library against the theory behind its formulas: what filters do to a spectrum, how
//! loud and how pure oscillators are, how long envelopes and rooms last.
//!
//! The samples of each function stand in `tests/lang/std_*`; here is what no list of samples shows.

use attacca_engine::Hz;
use attacca_engine::Target;
use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::Score;
use attacca_tests::golden::{files, render};
use std::f64::consts::PI;

const RATE: f64 = 48_000.0;

/// The channels of a program.
#[track_caller]
fn play(text: &str, frames: usize) -> Vec<Vec<f64>> {
    let options = Options { target: Target::Jit, rate: Hz(RATE), ..Options::default() };
    let compiled = pipeline::compile_with("library.mmm", text, &options, &files());
    assert!(
        compiled.program.is_some(),
        "{text}\n{}",
        compiled.diagnostics.render(&compiled.sources)
    );
    let score = Score { frames: frames as u64, ..Score::default() };
    match render(&compiled, &score, 256) {
        Ok(channels) => channels,
        Err(why) => panic!("{text}\n{why}"),
    }
}

#[track_caller]
fn play_one(text: &str, frames: usize) -> Vec<f64> {
    let mut channels = play(text, frames);
    assert_eq!(channels.len(), 1, "{text}");
    channels.swap_remove(0)
}

/// The answer of an expression of `x` to an impulse.
#[track_caller]
fn impulse_response(module: &str, body: &str, frames: usize) -> Vec<f64> {
    let text =
        format!("use {module}::*\nfn dsp() {{ let x = if (now < 0.5) 1.0 else 0.0\n  {body} }}");
    play_one(&text, frames)
}

/// The spectrum at one frequency in hertz: real and imaginary part of the sum over all samples.
fn spectrum(samples: &[f64], freq: f64) -> (f64, f64) {
    let turn = 2.0 * PI * freq / RATE;
    samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, x)| {
        let angle = turn * n as f64;
        (re + x * angle.cos(), im - x * angle.sin())
    })
}

fn magnitude((re, im): (f64, f64)) -> f64 {
    re.hypot(im)
}

fn power(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64
}

fn decibels(power: f64) -> f64 {
    10.0 * power.log10()
}

#[track_caller]
fn assert_near(what: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{what}: {got}, not {want} within {tolerance}");
}

/// Frequencies at which filters are listened to.
const FIVE: [f64; 5] = [100.0, 700.0, 1500.0, 4000.0, 15_000.0];

/// The analog frequency, relative to the centre, that the bilinear transform maps `freq` to.
fn warped(freq: f64, centre: f64) -> f64 {
    (PI * freq / RATE).tan() / (PI * centre / RATE).tan()
}

#[test]
fn biquads_have_the_response_of_their_analog_models() {
    let (centre, q) = (1500.0, 2.0);
    // Each filter's numerator beside the common denominator s^2 + s/q + 1 at s = j w.
    type Numerator = fn(f64, f64) -> f64;
    let numerator: [(&str, Numerator); 4] = [
        ("lowpass", |_, _| 1.0),
        ("highpass", |w, _| w * w),
        ("bandpass", |w, _| w),
        ("allpass", |w, q| (1.0 - w * w).hypot(w / q)),
    ];
    for (name, numerator) in numerator {
        let response = impulse_response("filter", &format!("{name}(x, {centre}, {q})"), 8192);
        for freq in FIVE {
            let w = warped(freq, centre);
            let want = numerator(w, q) / (1.0 - w * w).hypot(w / q);
            assert_near(
                &format!("{name} at {freq}"),
                magnitude(spectrum(&response, freq)),
                want,
                1e-7,
            );
        }
    }
}

#[test]
fn the_bell_equaliser_has_the_response_of_its_transfer_function() {
    let (centre, gain, q) = (1500.0, 6.0, 2.0);
    let response = impulse_response("filter", &format!("peakeq(x, {centre}, {gain}, {q})"), 8192);
    let omega = 2.0 * PI * centre / RATE;
    let (alpha, a) = (omega.sin() / (2.0 * q), 10f64.powf(gain / 40.0));
    let norm = 1.0 + alpha / a;
    let below = [1.0, -2.0 * omega.cos() / norm, (1.0 - alpha / a) / norm];
    let above = [1.0, -2.0 * omega.cos() / norm, (1.0 - alpha * a) / norm];
    for freq in FIVE {
        let want = magnitude(spectrum(&above, freq)) / magnitude(spectrum(&below, freq));
        assert_near(&format!("at {freq}"), magnitude(spectrum(&response, freq)), want, 1e-7);
    }
    // Far from the centre only the missing normalisation is left; at the centre the bell stands out.
    let level = |freq| magnitude(spectrum(&response, freq));
    assert!(level(centre) > 1.6 * level(20_000.0) && level(centre) > 1.6 * level(20.0));
}

#[test]
fn one_pole_filters_have_the_response_of_their_transfer_function() {
    for (body, ratio) in [
        ("onepole(x, 0.8)", 0.8),
        ("smooth(x)", 0.95),
        ("lop_tau(x, 0.001)", (-1.0 / (0.001 * RATE)).exp()),
        ("onepole(x, tau2pole(freq2tau(1500)))", (-2.0 * PI * 1500.0 / RATE).exp()),
    ] {
        let response = impulse_response("filter", body, 8192);
        for freq in FIVE {
            let want = (1.0 - ratio) / magnitude(spectrum(&[1.0, -ratio], freq));
            assert_near(
                &format!("{body} at {freq}"),
                magnitude(spectrum(&response, freq)),
                want,
                1e-9,
            );
        }
    }
}

#[test]
fn a_time_constant_is_the_time_to_63_percent() {
    let step = play_one("use filter::*\nfn dsp() { lop_tau(1.0, 0.01) }", 961);
    assert_near("after 10 ms", step[479], 1.0 - (-1.0f64).exp(), 1e-9);
    assert_near("after 20 ms", step[959], 1.0 - (-2.0f64).exp(), 1e-9);
}

/// Frequency of the oscillator tests: 1230 Hz, so that 1600 frames hold 41 whole periods and what is
/// folded back at half the sample rate falls between the harmonics.
const PITCH: f64 = 1230.0;

/// The power of the harmonics below half the sample rate, and of everything else.
fn harmonics_and_rest(samples: &[f64]) -> (f64, f64) {
    let count = (RATE / 2.0 / PITCH) as usize;
    let inside: f64 = (1..=count)
        .map(|k| magnitude(spectrum(samples, PITCH * k as f64)) / samples.len() as f64)
        .map(|half| 2.0 * half * half)
        .sum();
    (inside, power(samples) - inside)
}

/// The power of the harmonics of a shape that lie above half the sample rate: what folds back.
fn folded(amplitude: fn(f64) -> f64) -> f64 {
    let first = (RATE / 2.0 / PITCH) as usize + 1;
    (first..2_000_000).map(|k| amplitude(k as f64).powi(2) / 2.0).sum()
}

#[test]
fn oscillators_have_their_frequency_their_harmonics_and_no_more_than_the_folded_ones() {
    type Harmonics = fn(f64) -> f64;
    let shapes: [(&str, Harmonics); 3] = [
        ("saw", |k| 2.0 / (PI * k)),
        ("tri", |k| if k % 2.0 == 1.0 { 8.0 / (PI * k).powi(2) } else { 0.0 }),
        ("rect", |k| if k % 2.0 == 1.0 { 4.0 / (PI * k) } else { 0.0 }),
    ];
    for (name, amplitude) in shapes {
        let arguments = if name == "rect" { "1230, 0, 0.5" } else { "1230, 0" };
        let text = format!("use osc::*\nfn dsp() {{ {name}({arguments}) }}");
        let samples = play_one(&text, 1600);
        let first = 2.0 * magnitude(spectrum(&samples, PITCH)) / 1600.0;
        assert_near(name, first, amplitude(1.0), 0.01);
        let (_, rest) = harmonics_and_rest(&samples);
        let want = decibels(folded(amplitude));
        assert!(
            (decibels(rest) - want).abs() < 1.5,
            "{name}: {} dB, not {want} dB",
            decibels(rest)
        );
    }
}

#[test]
fn a_sine_is_pure() {
    let samples = play_one("use osc::*\nfn dsp() { sinwave(1230, 0) }", 1600);
    let first = 2.0 * magnitude(spectrum(&samples, PITCH)) / 1600.0;
    assert_near("level", first, 1.0, 1e-9);
    let (_, rest) = harmonics_and_rest(&samples);
    assert!(rest.abs() < 1e-12, "{rest}");
}

#[test]
fn phasors_keep_their_frequency_for_long() {
    let samples = play_one("use osc::*\nfn dsp() { phasor(440, 0) }", 480_000);
    let wraps = samples.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!((4399..=4400).contains(&wraps), "{wraps} turns in ten seconds");
}

#[test]
fn envelopes_last_as_long_as_they_are_told() {
    // The gate is open for 0.4 s.
    let text =
        "use env::*\nfn dsp() { adsr(0.02, 0.1, 0.25, 0.2, if (now < 19200.0) 1.0 else 0.0) }";
    let samples = play_one(text, 24_000);
    let at = |seconds: f64| samples[(seconds * RATE) as usize - 1];
    assert_near("half-way up", at(0.01), 0.5, 0.002);
    let top = samples.iter().position(|x| *x >= 0.998).expect("it gets up");
    assert_near("attack", top as f64 / RATE, 0.02, 0.0002);
    // From 1 to 0.25 at the slope of a whole decay.
    let settled = samples[top..].iter().position(|x| *x <= 0.25).expect("it settles");
    assert_near("decay", settled as f64 / RATE, 0.075, 0.0005);
    assert_near("sustain", at(0.4), 0.25, 0.0);
    let silent = samples[19_200..].iter().position(|x| *x <= 0.0).expect("it ends");
    assert_near("release", silent as f64 / RATE, 0.05, 0.0005);
}

#[test]
fn held_gates_last_one_sample_less_than_their_time() {
    let samples = play_one("use env::*\nfn dsp() { hold_sec(0.01, 1.0) }", 1000);
    assert_eq!(samples.iter().sum::<f64>(), 479.0);
    assert!(samples[..479].iter().all(|x| *x == 1.0));
}

#[test]
fn echoes_come_at_their_times() {
    let text = "use delay::*\nfn dsp() { fbdelay(if (now < 0.5) 1.0 else 0.0, 0.01, 0.5) }";
    let samples = play_one(text, 2000);
    for (n, x) in samples.iter().enumerate() {
        let want = match n {
            480 => 1.0,
            961 => 0.5,
            1442 => 0.25,
            1923 => 0.125,
            _ => 0.0,
        };
        assert_near(&format!("sample {n}"), *x, want, 1e-9);
    }
}

#[test]
fn white_noise_is_even_and_has_no_memory() {
    let channels = play("use noise::*\nfn dsp() { (white!(), white!(), noise()) }", 48_020);
    for samples in channels.iter().take(2).map(|channel| &channel[20..]) {
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        assert_near("mean", mean, 0.0, 0.02);
        assert_near("power", power(samples), 1.0 / 3.0, 0.01);
        let next: f64 = samples.windows(2).map(|pair| pair[0] * pair[1]).sum();
        assert_near("memory", next / samples.len() as f64, 0.0, 0.01);
        assert!(samples.iter().all(|x| x.abs() <= 1.0));
    }
    let together: f64 = channels[0].iter().zip(&channels[1]).skip(20).map(|(a, b)| a * b).sum();
    assert_near("two seeds together", together / 48_000.0, 0.0, 0.01);
    assert!(channels[2].iter().all(|x| (0.0..=1.0).contains(x)));
}

#[test]
fn the_compressor_turns_down_what_exceeds_its_threshold() {
    for (level, threshold, ratio) in [(1.0, -20.0, 4.0), (0.5, -12.0, 2.0), (0.05, -20.0, 4.0)] {
        let text = format!(
            "use dynamics::*\nfn dsp() {{ compressor({level}, {threshold}, {ratio}, 0.001) }}"
        );
        let samples = play_one(&text, 2000);
        let over = f64::max(level - 10f64.powf(threshold / 20.0), 0.0);
        let want = level * (1.0 - over * (1.0 - 1.0 / ratio));
        assert_near(&format!("{level} over {threshold} dB"), samples[1999], want, 1e-6);
    }
}

/// Seconds until the energy that is still to come has fallen by 60 dB, from the slope between -5 and
/// -35 dB (M. R. Schroeder, 1965).
fn reverberation_time(samples: &[f64]) -> f64 {
    let mut left: Vec<f64> = samples
        .iter()
        .rev()
        .scan(0.0, |sum, x| {
            *sum += x * x;
            Some(*sum)
        })
        .collect();
    left.reverse();
    let below = |level: f64| {
        left.iter().position(|energy| decibels(energy / left[0]) < level).unwrap_or(left.len())
    };
    (below(-35.0) - below(-5.0)) as f64 / RATE * 2.0
}

/// Nothing grows: each quarter of a second is quieter than the one before.
#[track_caller]
fn assert_decays(what: &str, samples: &[f64]) {
    assert!(samples.iter().all(|x| x.is_finite()), "{what}");
    let quarters: Vec<f64> = samples.chunks_exact(12_000).map(power).collect();
    for (n, pair) in quarters.windows(2).enumerate().skip(1) {
        assert!(pair[1] <= pair[0], "{what} grows after {} s", (n + 1) as f64 / 4.0);
    }
}

#[test]
fn rooms_last_as_long_as_they_are_told_and_never_grow() {
    for seconds in [0.5, 1.0, 2.0] {
        let body = format!("jcrev(x, {seconds}, 1.0)");
        let samples = impulse_response("reverb", &body, 48_000 * 3);
        assert_near(&body, reverberation_time(&samples), seconds, seconds * 0.2);
        assert_decays(&body, &samples);
    }
    // Without damping a comb of n samples and feedback g falls by 60 dB in 3 n / -log10(g) samples.
    for roomsize in [0.2f64, 0.9] {
        let body = format!("freeverb_mono(x, 0, {roomsize}, 1.0)");
        let samples = impulse_response("reverb", &body, 48_000 * 4);
        let feedback = roomsize * 0.28 + 0.7;
        let want = 3.0 * 1378.0 / -feedback.log10() / RATE;
        assert_near(&body, reverberation_time(&samples), want, want * 0.25);
        assert_decays(&body, &samples);
    }
    let damped = impulse_response("reverb", "freeverb_mono(x, 1.0, 0.9, 1.0)", 48_000 * 4);
    assert_decays("damped freeverb", &damped);
    let network = "let (l, r) = fdn_rev((x, x), 0.5, 0.2, 1.0)\n  l + r";
    assert_decays("fdn_rev", &impulse_response("reverb", network, 48_000 * 3));
}

/// A delay line that is read before it is written, as the language has it.
struct Line(Vec<f64>, usize);

impl Line {
    fn new(length: usize) -> Self {
        Self(vec![0.0; length], 0)
    }

    /// The sample of `0.len()` calls ago.
    fn step(&mut self, x: f64) -> f64 {
        let past = std::mem::replace(&mut self.0[self.1], x);
        self.1 = (self.1 + 1) % self.0.len();
        past
    }
}

/// Freeverb written plainly: every line exactly as long as its delay.
struct Freeverb {
    combs: Vec<(Line, f64, f64)>,
    allpasses: Vec<(Line, f64)>,
}

impl Freeverb {
    fn new(more: usize) -> Self {
        let combs = [1557, 1617, 1491, 1422, 1277, 1356, 1188, 1116];
        let allpasses = [225, 556, 441, 341];
        Self {
            combs: combs.iter().map(|n| (Line::new(n + more), 0.0, 0.0)).collect(),
            allpasses: allpasses.iter().map(|n| (Line::new(*n), 0.0)).collect(),
        }
    }

    fn step(&mut self, x: f64, damp: f64, roomsize: f64) -> f64 {
        let mut sum = 0.0;
        for (line, low, last) in &mut self.combs {
            *low = *last * (1.0 - damp * 0.4) + *low * (damp * 0.4);
            *last = line.step(x + *low * (roomsize * 0.28 + 0.7));
            sum += *last;
        }
        for (line, past) in &mut self.allpasses {
            let v = sum + *past * 0.5;
            *past = line.step(v);
            sum = *past - v * 0.5;
        }
        sum
    }
}

#[test]
fn freeverb_is_its_eight_combs_and_four_all_passes() {
    let text = "use reverb::*\nfn dsp() { let x = if (now < 0.5) 1.0 else 0.0\n  \
                let (l, r) = freeverb_stereo((x, x * -0.5), 0.6, 0.7, 0.8, 0.5)\n  (l, r) }";
    let got = play(text, 12_000);
    let (mut left, mut right) = (Freeverb::new(0), Freeverb::new(23));
    let (near, far) = (0.8 * 0.5 + 0.5, 0.8 * -0.5 + 0.5);
    for (n, (heard_left, heard_right)) in got[0].iter().zip(&got[1]).enumerate() {
        let (l, r) = if n == 0 { (1.0, -0.5) } else { (0.0, 0.0) };
        let wl = left.step(l, 0.6, 0.7) * 0.5;
        let wr = right.step(r, 0.6, 0.7) * 0.5;
        assert_near(&format!("left {n}"), *heard_left, l * 0.5 + wl * near + wr * far, 1e-12);
        assert_near(&format!("right {n}"), *heard_right, r * 0.5 + wl * far + wr * near, 1e-12);
    }
}

#[test]
fn the_feedback_network_is_its_two_lines() {
    let text = "use reverb::*\nfn dsp() { let x = if (now < 0.5) 1.0 else 0.0\n  \
                fdn_rev((x, x * -0.5), 1.0, 0.2, 0.5) }";
    let got = play(text, 12_000);
    let (mut a, mut b) = (Line::new(2048), Line::new(2187));
    let (mut low, mut last) = ((0.0, 0.0), (0.0, 0.0));
    let (damp, gain) = (0.2 * 0.4, 10f64.powf(-3.0 * (3500.0 / RATE)));
    for (n, (heard_left, heard_right)) in got[0].iter().zip(&got[1]).enumerate() {
        let (l, r) = if n == 0 { (1.0, -0.5) } else { (0.0, 0.0) };
        low.0 = (last.0 + last.1) * (1.0 - damp) + low.0 * damp;
        low.1 = (last.0 - last.1) * (1.0 - damp) + low.1 * damp;
        last = (a.step(l + low.0 * gain), b.step(r + low.1 * gain));
        assert_near(&format!("left {n}"), *heard_left, l * 0.5 + last.0 * 0.5, 1e-12);
        assert_near(&format!("right {n}"), *heard_right, r * 0.5 + last.1 * 0.5, 1e-12);
    }
}

#[test]
fn a_pan_keeps_the_power() {
    let channels = play("use space::*\nfn dsp() { pan2(1.0, now / 50.0 - 1.0) }", 101);
    for (l, r) in channels[0].iter().zip(&channels[1]) {
        assert_near("power", l * l + r * r, 1.0, 1e-12);
    }
    assert_near("left", channels[0][0], 1.0, 1e-12);
    assert_near("right", channels[1][100], 1.0, 1e-12);
}
