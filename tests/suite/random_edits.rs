//! Random programs under random edits of known kinds: what survives is known by construction.
//!
//! A program is a list of voices, each a call of a function that adds up what it is given. Every edit
//! changes the text in one way and says what each voice is afterwards; a model adds up the same numbers.

use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Renderer, Score};
use attacca_engine::{Program, Target};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Frames between edits.
const PART: u64 = 5;
/// Edits of one program.
const EDITS: u64 = 12;
/// Programs.
const PROGRAMS: u64 = 20;

/// Numbers that look random, the same at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

#[derive(Clone, Debug)]
struct Voice {
    /// Who it is, whatever it is called.
    id: u32,
    name: String,
    func: usize,
    step: u32,
    /// How the call is written.
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Plain,
    Wrapped,
    Branch,
    Lambda,
    Tuple,
    /// In a function of its own.
    Extracted,
}

const FORMS: [Form; 6] =
    [Form::Plain, Form::Wrapped, Form::Branch, Form::Lambda, Form::Tuple, Form::Extracted];

#[derive(Clone, Debug)]
struct Piece {
    voices: Vec<Voice>,
    /// Names; function number n adds its argument n + 1 times.
    funcs: Vec<String>,
    order: Vec<usize>,
    made: u32,
    comment: u32,
}

impl Piece {
    fn new(dice: &mut Dice) -> Self {
        let funcs: Vec<String> = (0..2 + dice.below(3)).map(|n| format!("ramp{n}")).collect();
        let order = (0..funcs.len()).collect();
        let mut piece = Self { voices: Vec::new(), funcs, order, made: 0, comment: 0 };
        for _ in 0..2 + dice.below(5) {
            piece.insert(dice);
        }
        piece
    }

    fn insert(&mut self, dice: &mut Dice) {
        let id = self.made;
        self.made += 1;
        let (func, step) = (dice.below(self.funcs.len()), 1 + dice.below(9) as u32);
        let voice = Voice { id, name: format!("v{id}"), func, step, form: Form::Plain };
        self.voices.insert(dice.below(self.voices.len() + 1), voice);
    }

    /// Changes the piece in one way; says how.
    fn edit(&mut self, dice: &mut Dice) -> String {
        let at = dice.below(self.voices.len());
        let fresh = self.made + self.comment;
        self.comment += 1;
        match dice.below(10) {
            0 => {
                self.voices[at].step = 1 + dice.below(30) as u32;
                format!("number of voice {at}")
            }
            1 => {
                self.voices[at].name = format!("name{fresh}");
                format!("name of voice {at}")
            }
            2 => {
                let func = dice.below(self.funcs.len());
                self.funcs[func] = format!("rise{fresh}");
                format!("name of function {func}")
            }
            3 => {
                self.insert(dice);
                "insert".into()
            }
            4 if self.voices.len() > 1 => {
                self.voices.remove(at);
                format!("delete voice {at}")
            }
            5 => {
                let voice = self.voices.remove(at);
                self.voices.insert(dice.below(self.voices.len() + 1), voice);
                format!("move voice {at}")
            }
            6 => {
                let at = dice.below(self.order.len());
                let func = self.order.remove(at);
                self.order.insert(dice.below(self.order.len() + 1), func);
                format!("move function {func}")
            }
            7 | 8 => {
                let form = FORMS[dice.below(FORMS.len())];
                self.voices[at].form = form;
                format!("voice {at} becomes {form:?}")
            }
            _ => "comment".into(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("// version {}\n", self.comment);
        for func in &self.order {
            text += &format!("fn {}(x) {{ self + x * {} }}\n", self.funcs[*func], func + 1);
        }
        for voice in self.voices.iter().filter(|voice| voice.form == Form::Extracted) {
            text +=
                &format!("fn own{}() {{ {}({}) }}\n", voice.id, self.funcs[voice.func], voice.step);
        }
        text += "fn dsp() {\n";
        for voice in &self.voices {
            let call = format!("{}({})", self.funcs[voice.func], voice.step);
            let value = match voice.form {
                Form::Plain => call,
                Form::Wrapped => format!("max({call}, 0)"),
                Form::Branch => format!("if (now > -1) {{ {call} }} else {{ 0 }}"),
                Form::Lambda => format!("(|x| {}(x))({})", self.funcs[voice.func], voice.step),
                Form::Tuple => format!("({call}, 0).0"),
                Form::Extracted => format!("own{}()", voice.id),
            };
            text += &format!("  let {} = {value}\n", voice.name);
        }
        let names: Vec<&str> = self.voices.iter().map(|voice| voice.name.as_str()).collect();
        text + "  " + &names.join(" + ") + "\n}\n"
    }

    /// One frame of the model.
    fn play(&self, sums: &mut BTreeMap<u32, f64>) -> f64 {
        let mut out = 0.0;
        for voice in &self.voices {
            let sum = sums.entry(voice.id).or_default();
            *sum += f64::from(voice.step) * (voice.func + 1) as f64;
            out += *sum;
        }
        out
    }
}

fn compile(text: &str, target: Target) -> Arc<Program> {
    let compiled = pipeline::compile("t.mmm", text, &Options { target, ..Options::default() });
    let said = compiled.diagnostics.render(&compiled.sources);
    compiled.program.unwrap_or_else(|| panic!("{said}\n{text}"))
}

#[test]
fn random_edits_keep_what_they_should() {
    for target in Target::ALL {
        for seed in 0..PROGRAMS {
            let mut dice = Dice(seed);
            let mut piece = Piece::new(&mut dice);
            let first = compile(&piece.text(), *target);
            let (mut sums, mut want, mut swaps) = (BTreeMap::new(), Vec::new(), Vec::new());
            let mut story = vec![(String::new(), piece.text())];
            want.extend((0..PART).map(|_| piece.play(&mut sums)));
            for edit in 1..=EDITS {
                let what = piece.edit(&mut dice);
                story.push((what, piece.text()));
                swaps.push((edit * PART, compile(&piece.text(), *target)));
                sums.retain(|id, _| piece.voices.iter().any(|voice| voice.id == *id));
                want.extend((0..PART).map(|_| piece.play(&mut sums)));
            }
            let score = Score { frames: want.len() as u64, swaps, ..Score::default() };
            let settings = RenderSettings { block: 3, ..RenderSettings::default() };
            let rendered = Renderer::new(&first, settings).run(&score);
            let wrong = (0..want.len()).find(|at| rendered.channels[0][*at] != want[*at]);
            if let Some(at) = wrong {
                let edit = at / PART as usize;
                let plan = edit.checked_sub(1).map_or("", |swap| &rendered.swaps[swap].plan.text);
                panic!(
                    "{target}, program {seed}, edit {edit} ({}): {} instead of {}\n{}\n{}\n{plan}",
                    story[edit].0,
                    rendered.channels[0][at],
                    want[at],
                    story[edit.saturating_sub(1)].1,
                    story[edit].1
                );
            }
        }
    }
}
