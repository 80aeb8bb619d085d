//! Random programs that are edited at random: a list of voices, each with its numbers.
//!
//! The same dice make the same programs. Takes nothing but numbers, gives texts; a part of the soaks of the
//! engine, of the plugin and of `cargo xtask soak`.

#![allow(unreachable_pub, reason = "public in the tests' library, a part of xtask")]

/// Numbers that look random, the same at every run.
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 below `sides`.
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

/// What every program defines.
const LIBRARY: &str = "fn phasor(f) { (self + f / samplerate) % 1.0 }
fn osc(f) { sin(phasor(f) * 6.283185307179586) }
fn smooth(x, a) { x * (1.0 - a) + self * a }
fn twice(f, x) { f(f(x)) }
fn counter(step) { let count = 0.0
    | | { count = (count + step) % 1000.0
        count } }
";

/// Kinds of voices; `N` and `M` are its numbers, `I` its own name's end.
const VOICES: [&str; 9] = [
    "osc(N.0) * 0.1",
    "delay(M, l + osc(N.0) * 0.1, N.0) * 0.2",
    "smooth(r, 0.M) * 0.3 + mem(l) * 0.1",
    "twice(|x| { tanh(x * 0.M + osc(N.0)) }, r) * 0.1",
    "{ let table = [l, r, osc(N.0), 0.M]
        table[now % 4.0] * 0.1 }",
    "stepsI() * 0.0001",
    "kI.0 * 0.0001",
    "Control!(\"gainM\", 0.5) * osc(N.0) * 0.1",
    "{ let note = midi_note_mono!(0, 60, 0)
        osc(note.pitch * N.0 * 0.01) * note.velocity * 0.001 }",
];

/// What some kinds need beside `dsp`.
const GLOBALS: [(usize, &str); 2] = [
    (5, "let stepsI = counter(N.0)\n"),
    (
        6,
        "let kI = (N.0, 0.0)\nfn tickI() { kI = (kI.1 + 1.0, N.0)\n    tickI@(now + M.0) }\ntickI@1.0\n",
    ),
];

/// A program that has to be stopped.
pub const STOPPED: &str = "fn down(x) { down(x + 1.0) * 0.5 }\nfn dsp(l, r) { (down(l), r) }";

#[derive(Clone, Copy)]
struct Voice {
    id: u32,
    kind: usize,
    n: usize,
    m: usize,
}

/// A program as a list of voices.
pub struct Piece {
    voices: Vec<Voice>,
    made: u32,
}

impl Piece {
    /// A program of three voices.
    pub fn new(dice: &mut Dice) -> Self {
        let mut piece = Self { voices: Vec::new(), made: 0 };
        (0..3).for_each(|_| piece.insert(dice));
        piece
    }

    fn insert(&mut self, dice: &mut Dice) {
        let (n, m) = (1 + dice.below(900), 901 + dice.below(8000));
        self.made += 1;
        let voice = Voice { id: self.made, kind: dice.below(VOICES.len()), n, m };
        self.voices.insert(dice.below(self.voices.len() + 1), voice);
    }

    /// Changes a number, adds, drops, moves or replaces a voice.
    pub fn edit(&mut self, dice: &mut Dice) {
        let at = dice.below(self.voices.len());
        match dice.below(6) {
            0 => self.voices[at].n = 1 + dice.below(900),
            1 => self.voices[at].m = 901 + dice.below(8000),
            2 if self.voices.len() < 12 => self.insert(dice),
            3 if self.voices.len() > 1 => drop(self.voices.remove(at)),
            4 => {
                let voice = self.voices.remove(at);
                self.voices.insert(dice.below(self.voices.len() + 1), voice);
            }
            _ => self.voices[at].kind = dice.below(VOICES.len()),
        }
    }

    /// The program's text.
    pub fn text(&self) -> String {
        let mut text = LIBRARY.to_owned();
        for voice in &self.voices {
            for (_, code) in GLOBALS.iter().filter(|(kind, _)| *kind == voice.kind) {
                text += &voice.fill(code);
            }
        }
        text += "fn dsp(l, r) {\n";
        for voice in &self.voices {
            text += &format!("    let v{} = {}\n", voice.id, voice.fill(VOICES[voice.kind]));
        }
        let names: Vec<String> = self.voices.iter().map(|voice| format!("v{}", voice.id)).collect();
        text + "    let sum = " + &names.join(" + ") + "\n    (sum, sum * 0.5 + l * 0.1)\n}\n"
    }
}

impl Voice {
    fn fill(&self, code: &str) -> String {
        let mut text = String::new();
        for (at, c) in code.char_indices() {
            let alone = !code[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
            match c {
                'N' if alone => text += &self.n.to_string(),
                'M' if alone => text += &self.m.to_string(),
                'I' if alone => text += &self.id.to_string(),
                other => text.push(other),
            }
        }
        text
    }
}
