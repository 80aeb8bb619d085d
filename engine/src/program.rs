//! A compiled program: what the control side keeps of it to play it, plan from it, and speak of it.

use crate::message::PlanSummary;
use attacca_mir::plan;
use attacca_mir::state_tree::StateTree;
use attacca_rt::Hz;
use attacca_rt::code::{Code, Image, Layout};
use attacca_rt::migrate::Plan;
use attacca_rt::sample::Sample;
use std::fmt;
use std::sync::Arc;

/// A compiled program. Immutable; shared by all who may have to plan from it.
pub struct Program {
    /// The code.
    pub code: Arc<dyn Code>,
    /// What the global code left.
    pub image: Image,
    /// What the state means.
    pub tree: StateTree,
    /// The sample rate it was compiled for.
    pub rate: Hz,
    /// The sound files it reads, in the order of its layout.
    pub samples: Vec<Arc<Sample>>,
}

impl Program {
    /// What an instance owns.
    pub fn layout(&self) -> &Layout {
        self.code.layout()
    }

    /// What of this program's state its successor takes over.
    pub fn plan_to(&self, next: &Self) -> (Plan, PlanSummary) {
        let found = plan::plan(self.version(), next.version());
        let summary = PlanSummary {
            kept: found.words.len()
                + found.lines.len()
                + found.values.len()
                + found.variables.len(),
            fresh: found.fresh.len(),
            dropped: found.dropped.len(),
            text: found.to_string(),
        };
        (found.lower(self.layout(), next.layout()), summary)
    }

    fn version(&self) -> plan::Version<'_> {
        let layout = self.layout();
        let tasks = layout.tasks > 0;
        plan::Version { tree: &self.tree, image: &self.image, shapes: &layout.shapes, tasks }
    }

    /// What a first program starts with: everything fresh.
    pub fn first_plan(&self) -> PlanSummary {
        let leaves = self.tree.nodes.values().map(|node| node.leaves.len()).sum::<usize>();
        PlanSummary { fresh: leaves + self.tree.globals.len(), ..PlanSummary::default() }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("layout", self.layout()).field("rate", &self.rate).finish()
    }
}
