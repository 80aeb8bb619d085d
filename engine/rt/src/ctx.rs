//! What a kernel sees while it runs: borrowed views of one instance and one block.

use crate::state::State;

/// Everything a kernel may touch during one call. Views only; owns nothing.
pub struct Ctx<'a> {
    /// Words, lines, heap and scratch of the instance.
    pub state: &'a mut State,
    /// Host values in the order of `Layout::cells`.
    pub cells: &'a [f64],
    /// Planar inputs: `inputs[channel][frame]`. Missing channels read as 0.
    pub inputs: &'a [&'a [f64]],
    /// Planar outputs: `outputs[channel][frame]`.
    pub outputs: &'a mut [&'a mut [f64]],
    /// Time of the first frame of this call, in samples since activation.
    pub now: u64,
    /// Kernel calls end before this time; lowered by a task that schedules another.
    pub limit: u64,
    /// Set when the program had to be stopped; `None` while all is well.
    pub fault: Option<Fault>,
}

/// Why and where a program was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The reason.
    pub kind: FaultKind,
    /// Index into `Layout::sites`.
    pub site: u32,
}

/// Reasons to stop a program. The numbers are part of the contract with compiled code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FaultKind {
    /// More nested or more total calls in one sample than the budget allows.
    Recursion = 1,
    /// The instance's heap is full.
    Heap = 2,
    /// Too many scheduled tasks.
    Tasks = 3,
    /// The program took longer than real time allows, for too long.
    TooSlow = 4,
}

impl Fault {
    /// Packs the fault in one non-zero word, as compiled code keeps it: site × 256 + kind.
    pub fn to_bits(self) -> u64 {
        u64::from(self.site) << 8 | self.kind as u64
    }

    /// Inverse of [`Fault::to_bits`]; 0 is no fault.
    pub fn from_bits(bits: u64) -> Option<Self> {
        let kind = match bits & 0xff {
            1 => FaultKind::Recursion,
            2 => FaultKind::Heap,
            3 => FaultKind::Tasks,
            4 => FaultKind::TooSlow,
            _ => return None,
        };
        Some(Self { kind, site: (bits >> 8) as u32 })
    }
}

/// Calls of functions that can recurse allowed per sample (per `dsp` call or task).
pub const CALL_BUDGET: u32 = 1_000_000;

/// Nested calls of functions that can recurse allowed at once.
pub const DEPTH_BUDGET: u32 = 2_000;
