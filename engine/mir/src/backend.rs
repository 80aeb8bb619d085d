//! What a backend is: a module in, code out.

use crate::module::Module;
use attacca_rt::code::Code;
use std::sync::Arc;

/// A backend that turns a module with a kernel into code.
pub trait Backend {
    /// Compiles `module`, which has been verified and has a kernel. Not for the audio thread.
    fn compile(&self, module: &Module) -> Result<Arc<dyn Code>, BackendError>;
}

/// Why a backend could not compile a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendError {
    /// The backend has no code for an op, named here.
    Unsupported(String),
    /// A limit was reached, in words.
    TooLarge(String),
    /// The code generator gave an error: a bug of ours.
    Internal(String),
}

impl std::fmt::Display for BackendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsupported(what) => write!(f, "this backend cannot compile {what} yet"),
            Self::TooLarge(what) => write!(f, "the program is too large: {what}"),
            Self::Internal(what) => write!(f, "bug in the code generator: {what}"),
        }
    }
}

impl std::error::Error for BackendError {}
