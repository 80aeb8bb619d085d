//! Whether anybody still wants what a compile makes.
//!
//! A [`Cancel`] is shared between whoever asked for a compile and the passes. Those that run code, or work
//! function by function, look at it now and then and come to an end early; what they leave is of no use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A compile can be called off with it, from any thread.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Calls the compile off.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was called off.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
