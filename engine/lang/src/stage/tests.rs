//! Macro code: what it computes, what it makes, and where it stops.
