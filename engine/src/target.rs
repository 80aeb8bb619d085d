//! Which backend runs a program.

use std::fmt;
use std::str::FromStr;

/// A backend that exists in this build or will exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Target {
    /// Machine code by Cranelift.
    #[default]
    Jit,
    /// Register bytecode.
    Vm,
}

impl Target {
    /// Every target that this build can run.
    pub const ALL: &'static [Self] = &[
        #[cfg(feature = "jit")]
        Self::Jit,
        Self::Vm,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jit => "jit",
            Self::Vm => "vm",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a name does not give a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// The name is known, its part is not there yet.
    NotBuilt(String),
    /// No backend has this name.
    Unknown(String),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuilt(name) => write!(f, "backend `{name}`: not built yet"),
            Self::Unknown(name) => {
                write!(f, "no backend is called `{name}`; there are jit, vm, closures, wasm, eval")
            }
        }
    }
}

impl std::error::Error for TargetError {}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(name: &str) -> Result<Self, TargetError> {
        if let Some(target) = Self::ALL.iter().find(|target| target.name() == name) {
            return Ok(*target);
        }
        match name {
            // `eval` is the oracle: the renderer runs it by itself, see `render::oracle`.
            "jit" | "closures" | "wasm" => Err(TargetError::NotBuilt(name.to_owned())),
            _ => Err(TargetError::Unknown(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_or_refused_with_a_reason() {
        assert_eq!("vm".parse(), Ok(Target::Vm));
        assert_eq!("wasm".parse::<Target>(), Err(TargetError::NotBuilt("wasm".into())));
        assert_eq!("cobol".parse::<Target>(), Err(TargetError::Unknown("cobol".into())));
        for target in Target::ALL {
            assert_eq!(target.name().parse(), Ok(*target));
        }
    }
}
