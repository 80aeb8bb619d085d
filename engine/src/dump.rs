//! Looks at the intermediates of a compile: the stages of `dump`.

use attacca_mir::cancel::Cancel;
use std::fmt;
use std::str::FromStr;

/// An intermediate of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// What the lexer finds.
    Tokens,
    /// The lossless tree.
    Tree,
    /// The program with names resolved.
    Names,
    /// The type of every name.
    Types,
    /// After macros ran.
    Staged,
    /// MIR as lowered.
    Mir,
    /// What the global code left.
    Image,
    /// MIR as the backend gets it.
    Opt,
    /// Bytecode of `vm`.
    Bytecode,
    /// Cranelift's IR.
    Clif,
    /// Machine code of `jit`.
    Asm,
    /// WebAssembly text.
    Wat,
    /// The state tree.
    State,
}

impl Stage {
    /// Every stage in the order of the compiler.
    pub const ALL: &'static [Self] = &[
        Self::Tokens,
        Self::Tree,
        Self::Names,
        Self::Types,
        Self::Staged,
        Self::Mir,
        Self::Image,
        Self::State,
        Self::Opt,
        Self::Bytecode,
        Self::Clif,
        Self::Asm,
        Self::Wat,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Tree => "tree",
            Self::Names => "names",
            Self::Types => "types",
            Self::Staged => "staged",
            Self::Mir => "mir",
            Self::Image => "image",
            Self::Opt => "opt",
            Self::Bytecode => "bytecode",
            Self::Clif => "clif",
            Self::Asm => "asm",
            Self::Wat => "wat",
            Self::State => "state",
        }
    }

    /// Whether this build can show it; else the answer is "not built yet".
    pub fn is_built(self) -> bool {
        match self {
            Self::Staged | Self::Wat => false,
            Self::Clif | Self::Asm => cfg!(feature = "jit"),
            Self::Tokens
            | Self::Tree
            | Self::Names
            | Self::Types
            | Self::Mir
            | Self::Image
            | Self::Opt
            | Self::Bytecode
            | Self::State => true,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match Self::ALL.iter().find(|stage| stage.name() == name) {
            Some(stage) if stage.is_built() => Ok(*stage),
            Some(_) => Err(format!("stage `{name}`: not built yet")),
            None => {
                let names: Vec<_> = Self::ALL.iter().map(|stage| stage.name()).collect();
                Err(format!("no stage is called `{name}`; there are {}", names.join(", ")))
            }
        }
    }
}

/// Sees each intermediate as it is made; asks for its text if it wants it. Says whether to go on.
pub trait Watch {
    /// The compiler has reached `stage`; `text` prints it.
    fn see(&mut self, _stage: Stage, _text: &dyn Fn() -> String) {}

    /// Calls the compile off, inside of passes too.
    fn cancel(&self) -> Cancel {
        Cancel::default()
    }

    /// The compiler is about to begin `pass`; an error makes it leave instead.
    fn enter(&mut self, _pass: Pass) -> Result<(), Leave> {
        Ok(())
    }
}

/// Wants nothing, and never leaves.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Watch for Nobody {}

/// A part of the way from a text to a program that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// Text to tokens and tree.
    Parse,
    /// Finds what names mean, and the files that the program uses.
    Names,
    /// Finds types.
    Types,
    /// Runs macro code, and checks the types of what it made.
    Stage,
    /// Types to MIR.
    Lower,
    /// Runs global code.
    Globals,
    /// Says what the state means.
    State,
    /// Makes MIR fast.
    Optimise,
    /// Makes the backend's code.
    Code,
    /// Finds out what the program keeps of the one before, and makes its instance.
    Plan,
}

impl Pass {
    /// Every pass, in order.
    pub const ALL: &'static [Self] = &[
        Self::Parse,
        Self::Names,
        Self::Types,
        Self::Stage,
        Self::Lower,
        Self::Globals,
        Self::State,
        Self::Optimise,
        Self::Code,
        Self::Plan,
    ];
}

/// Why a compile is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// A newer text is compiled instead.
    Newer,
    /// It has taken longer than it may.
    TooLong,
}

/// Keeps the text of one stage.
#[derive(Clone, Debug)]
pub struct Keep {
    stage: Stage,
    text: Option<String>,
}

impl Keep {
    /// Waits for `stage`.
    pub fn new(stage: Stage) -> Self {
        Self { stage, text: None }
    }

    /// The text, if the compiler got that far.
    pub fn into_text(self) -> Option<String> {
        self.text
    }
}

impl Watch for Keep {
    fn see(&mut self, stage: Stage, text: &dyn Fn() -> String) {
        if stage == self.stage {
            self.text = Some(text());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_found_by_its_name() {
        for stage in Stage::ALL.iter().filter(|stage| stage.is_built()) {
            assert_eq!(stage.name().parse(), Ok(*stage));
        }
        assert_eq!("wat".parse::<Stage>(), Err("stage `wat`: not built yet".into()));
        assert!("soup".parse::<Stage>().is_err());
    }
}
