//! The two plugins of this library: what differs between them.

use attacca_engine::Idle;

/// Effect or instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Stereo in, stereo out.
    Effect,
    /// MIDI in, stereo out.
    Instrument,
}

impl Kind {
    /// What the window calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Effect => "effect",
            Kind::Instrument => "instrument",
        }
    }

    /// The program of a new instance.
    pub(crate) fn first_program(self) -> &'static str {
        match self {
            Kind::Effect => include_str!("../programs/effect.mmm"),
            Kind::Instrument => include_str!("../programs/synth.mmm"),
        }
    }

    /// The program that sounds like none: it takes the place of one that must not go on.
    pub(crate) fn empty_program(self) -> &'static str {
        match self {
            Kind::Effect => "fn dsp(l, r) { (l, r) }",
            Kind::Instrument => "fn dsp() { 0.0 }",
        }
    }

    /// What sounds while there is no program.
    pub(crate) fn idle(self) -> Idle {
        match self {
            Kind::Effect => Idle::PassThrough,
            Kind::Instrument => Idle::Silence,
        }
    }
}
