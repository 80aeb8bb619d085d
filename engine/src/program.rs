//! A compiled program: what the control side keeps of it to play it, plan from it, and speak of it.

use crate::message::PlanSummary;
use attacca_rt::Hz;
use attacca_rt::code::{Code, Image, Layout};
use attacca_rt::migrate::Plan;
use std::fmt;
use std::sync::Arc;

/// A compiled program. Immutable; shared by all who may have to plan from it.
pub struct Program {
    /// The code.
    pub code: Arc<dyn Code>,
    /// What the global code left.
    pub image: Image,
    /// The sample rate it was compiled for.
    pub rate: Hz,
}

impl Program {
    /// What an instance owns.
    pub fn layout(&self) -> &Layout {
        self.code.layout()
    }

    /// What of this program's state its successor takes over.
    pub fn plan_to(&self, next: &Self) -> (Plan, PlanSummary) {
        let mut plan = Plan::default();
        plan.fit(self.layout(), next.layout());
        (plan, PlanSummary::default())
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("layout", self.layout()).field("rate", &self.rate).finish()
    }
}
