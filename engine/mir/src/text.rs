//! The text format of MIR: `Display` for modules and functions, and [`parse`], its inverse.
//!
//! Line breaks mean nothing; `;` starts a comment. Header items come first, each only where it says
//! something: `rate 48000.0`, `inputs 1`, `outputs 2`, `words 9`, `dsp_base 1`, `init fn0`, `dsp fn1`,
//! `kernel fn2`, `global 0 f64 "gain" assigned text 77`, `shape0 closure(i64, i64, f64)`,
//! `sig0 (f64) -> (f64)`, `cell0 control "cut" 1.0 0.0 2.0`, `site0 "dsp" 0 3 1` (file, line, column),
//! `block 9 fn3`. Then the functions:
//!
//! ```text
//! fn fn1 "dsp"(v0: i64, v1: f64) -> (f64) {
//!   state 2 { leaf 0 self 0 f64 "self" site 0  leaf 1 line 100 "delay" site 0 }
//! bb0:
//!   v2 = const 2.0
//!   v3 = load.f64 v0+0
//!   v4 = mul v2, v3
//!   store.f64 v0+0, v4
//!   jump bb1(v4)
//! bb1(v5: f64):
//!   return v5
//! }
//! ```
//!
//! All numbers (functions, blocks, values) are kept; instructions have none. Values that nothing
//! defines and instructions that stand in no block are not printed.

mod lex;
mod parse;
mod parse_op;
mod print;

pub use parse::{ParseError, parse};

#[cfg(test)]
mod tests;
