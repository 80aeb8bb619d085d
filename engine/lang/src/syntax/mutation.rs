//! Broken programs for tests: a few whole ones, changed at random but alike on every run.

use super::SyntaxKind;
use super::lexer;

/// A little of everything, to be mutated.
const SEEDS: [&str; 10] = [
    "fn osc(f) { (self + f/samplerate) % 1.0 }\nfn mk(k) { let x = k\n |y| { x = x + y\n mem(x) } }\nlet g = mk(2)\nlet (p, q) = (1, 2)\nfn dsp() {\n let r = {a = osc(3), b = g(1)}\n r.a = delay(10, r.b, p)\n (r.a, if (now > q) r.b else 0)\n}\n",
    "fn rec(n) { if (n > 0) rec(n - 1) + mem(n) else 0 }\nfn ap(f, x) { f(x) }\nlet k = 0\nfn dsp(x:(float, float)) {\n let (l, r) = x\n k = k + 1\n letrec f = |n| if (n > 1) f(n / 2) else ap(osc, n)\n let osc = |a| self + a\n (rec(3) |> sin, ap(|z| z * k, l), f(r))\n}\nfn osc(n) { n }\n",
    "// organ\nfn phasor(freq){\n  (self + freq/samplerate) % 1.0\n}\nlet g = |x, y:float| { x*y }\nfn dsp(x:(float,float)) -> (float,float) {\n  let (a, {b = c}) = (1, {b = 2})\n  if (a > 0) { g(a, -c) } else { mem(x.0) |> sin }\n  (a, delay(100.0, c, 3))\n}\n",
    "#stage(macro)\nfn p(n:float, x:`float) -> `float { if (n > 1) `($x * $(p(n - 1, x))) else x }\n#stage(main)\nmod m { pub fn k() { 1 } type alias A = float|string }\nuse m::{k, j}\ninclude(\"a.mmm\")\nfn c(v) { $(p(3, `v)) + p!(2, `5) }\n",
    "type rec L = End | Item(float, L)\nfn s(l:L) { match l { End => 0, Item(x, r) => x + s(r) } }\nletrec f = |n| if (n > 0) f(n - 1) else 0\nlet t = {r <- a = 1, b = [1, 2,][0]}\nt.a = 3 ; x ||> f(_, 2) |> g @ (now + 1)\n",
    "mod m { pub fn k() { a() }\n fn a() { 1 } pub type P = A | B(float)\n mod a { pub use m::k } let k = 3 }\nuse m::{k, P}\nuse j::*\nuse m::a\nfn f(p:m::P, c:`P) -> P { m::k() + a::k() + l::l()\n p }\nfn dsp() { m::a::k() + m::k!() + k }\n",
    "include(\"a.mmm\")\nmod j\nmod o { mod c\n pub mod k { pub fn k() { 1 } } use k::* }\npub use o::k\nuse l::x::{p, q}\nuse c\nfn dsp() { j::m::k() + o::k::k() |> p }\n",
    "let v = midi_note_mono!(0, 69, 0)\nlet c = Control!(\"cut\", 1000) /* note */\nfn dsp() { {a = 1.5, ..}.a - \\ \"é\" }",
    "#stage(macro)\nlet n = 0\nfn next() { n = n + 1\n lift(n) }\nfn each(a:[float], f:(float)->`float) -> [`float] {\n if (len(a) > 0) { let (h, t) = split_head(a)\n prepend(f(h), each(t, f)) } else { [] } }\nfn twice(c:`float) { `{ let x = $c\n x = x + $c\n x } }\nlet r = {a = str_to_number(\"1\"), b = (1, 2)}\n#stage(main)\ntype T = A | B(float, float)\nfn dsp() { let k = $(lift_array_code(each([1, 2, 3], |v| `(next!() + $(lift(v))))))\n let s = $(lift(r))\n let t = $(lift(B(1, 2)))\n (twice!(`k[0]), s.a + match t { A => 0, B(x, y) => x * y }) }\n",
    "#stage(macro)\nfn skip(s:string) -> string { if (str_eq(str_take(s, 1), \" \")) skip(str_drop(s, 1)) else s }\nfn sum(s:string, acc:`float) -> `float { let c = skip(s)\n if (str_length(c) > 0) sum(str_drop(c, 1), `($acc * 2 + $(lift(str_to_number(str_take(c, 1)))))) else acc }\nletrec f = |k| { if (k > 0) f(k - 1) else k }\n#stage(main)\nfn osc(f) { self + f }\nfn dsp() { let b = Control!(\"p\", {f = 440, q = (1, 2)})\n (sum!(\"1 2 3\", `osc(b.f)), $(lift(f(3))) |> Probe!(\"x\"), ${ let m = |g:`(float)->float| `($g)(1)\n m(`|x| x + self) }) }\n",
];

/// A small generator of numbers, the same on every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }
}

/// One of the programs, as it is.
pub(crate) fn seed(round: usize) -> &'static str {
    SEEDS[round % SEEDS.len()]
}

/// One of the programs, changed in a few places, by tokens and by characters.
pub(crate) fn mutate(round: usize, random: &mut Random) -> String {
    let text = seed(round);
    let mut pieces: Vec<String> = Vec::new();
    let mut at = 0;
    for token in lexer::lex(text) {
        pieces.push(text[at..at + token.len as usize].to_owned());
        at += token.len as usize;
    }
    for _ in 0..=random.below(4) {
        let at = random.below(pieces.len());
        match random.below(6) {
            0 => drop(pieces.remove(at)),
            1 => pieces.insert(at, pieces[random.below(pieces.len())].clone()),
            2 => pieces.truncate(at + 1),
            3 => {
                let kinds = SyntaxKind::SYMBOLS;
                pieces.insert(at, kinds[random.below(kinds.len())].0.to_owned());
            }
            4 => {
                let other = random.below(pieces.len());
                pieces.swap(at, other);
            }
            _ => {
                let strange =
                    ["\u{0}", "\"", "/*", "é", "\r", "0.", "1e9", "\u{2028}", "let", "fn "];
                pieces[at] = strange[random.below(strange.len())].to_owned();
            }
        }
        if pieces.is_empty() {
            break;
        }
    }
    pieces.concat()
}
