//! attacca-engine: text to a running, swappable program. The only crate that the plugin and the
//! commands name.

mod copies;
pub mod dump;
mod format;
pub mod link;
pub mod loader;
pub mod message;
pub mod osc;
pub mod pipeline;
pub mod program;
pub mod record;
pub mod render;
pub mod samples;
pub mod session;
pub mod slots;
pub mod stdlib;
pub mod target;

pub mod ide;

pub use attacca_mir::cancel::Cancel;
pub use attacca_rt::Hz;
pub use attacca_rt::event::{Event, EventKind, Expression};
pub use attacca_rt::guard::Held;
pub use attacca_rt::load::LoadWatch;
pub use attacca_rt::processor::{Idle, OutputGuard, Pace, Processor, ProcessorSettings, Status};
pub use attacca_rt::swap::{ProgramId, Swap};
pub use attacca_rt::transport::{Moment, Transport, When};
pub use attacca_rt::voices::Address;
pub use format::{Refused, format};
pub use link::{ProbeValues, Traffic};
pub use loader::{FileCopy, Files};
pub use message::{ControlInfo, Message, Notice, PlanSummary, Severity};
pub use pipeline::{Leave, Nobody, Pass, Watch};
pub use program::Program;
pub use session::{Draft, Outcome, Session, SessionSettings, Update};
pub use target::{Target, TargetError};
