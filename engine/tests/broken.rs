//! A compiler that breaks in any of its passes: what plays plays on, it is told, and the next text plays.

use attacca_engine::{
    Hz, Idle, Leave, Pass, Processor, Session, SessionSettings, Target, Update, Watch,
};
use std::sync::atomic::{AtomicU32, Ordering};

/// Breaks the compiler, or leaves it, where a pass begins.
struct At(Pass, Option<Leave>);

impl Watch for At {
    fn enter(&mut self, pass: Pass) -> Result<(), Leave> {
        match self.1 {
            _ if pass != self.0 => Ok(()),
            Some(why) => Err(why),
            None => panic!("injected"),
        }
    }
}

fn compile(session: &mut Session, text: &str, watch: &mut At) -> Update {
    let outcome = session.draft(text).compile(watch);
    session.take(outcome, watch)
}

/// The last sample of a block.
fn heard(processor: &mut Processor) -> f32 {
    let mut out = [0.0f32; 64];
    processor.process(&mut [&mut out], &[]);
    out[63]
}

/// The last sample after any fade.
fn settled(processor: &mut Processor) -> f32 {
    (0..100).map(|_| heard(processor)).last().unwrap_or_default()
}

fn settings(target: Target) -> SessionSettings {
    SessionSettings { target, rate: Hz(48_000.0), max_frames: 64, idle: Idle::Silence }
}

#[test]
fn a_compile_that_breaks_in_any_pass_is_told_and_the_next_one_plays() {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let hook = std::panic::take_hook();
    // What is injected need not be printed.
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() == Some("injected") {
            COUNT.fetch_add(1, Ordering::Relaxed);
        } else {
            hook(info);
        }
    }));
    for target in Target::ALL {
        let (mut session, mut processor) = Session::new(settings(*target));
        assert!(session.update("fn dsp() { 0.5 }").accepted);
        for (n, pass) in Pass::ALL.iter().enumerate() {
            let level = n as f64 / 16.0;
            let before = settled(&mut processor);
            session.poll();
            let text = format!("fn dsp() {{ {level} }}");
            let update = compile(&mut session, &text, &mut At(*pass, None));
            assert!(!update.accepted, "{target}: {pass:?}");
            assert_eq!(update.diagnostics[0].code, "compiler-bug", "{target}: {pass:?}");
            assert!(update.diagnostics[0].message.contains("injected"));
            assert_eq!(heard(&mut processor), before, "{target}: {pass:?}");
            for (why, code) in
                [(Leave::Newer, "compile-left"), (Leave::TooLong, "compile-too-long")]
            {
                let update = compile(&mut session, &text, &mut At(*pass, Some(why)));
                assert!(!update.accepted);
                if *pass != Pass::Plan {
                    assert_eq!(update.diagnostics[0].code, code, "{target}: {pass:?}");
                }
            }
            assert!(session.update(&text).accepted);
            assert_eq!(settled(&mut processor), level as f32, "{target}: after {pass:?}");
        }
    }
    assert_eq!(COUNT.load(Ordering::Relaxed) as usize, Target::ALL.len() * Pass::ALL.len());
}
