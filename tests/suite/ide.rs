//! How long the editor waits for an answer: 5 ms or less on a text of 1,000 lines, right after an edit.

use attacca_engine::ide::{Snapshot, standard_library};
use attacca_tests::golden::tests_dir;
use std::time::{Duration, Instant};

/// The longest wait.
const LIMIT: Duration = Duration::from_millis(5);

/// Asks for one thing; says whether the answer is right.
type Ask<'a> = &'a dyn Fn(&Snapshot) -> bool;

/// A thousand lines that use the library, with a call that is being written near the end.
fn text() -> (String, usize) {
    let hundred = std::fs::read_to_string(tests_dir().join("bench/compile/hundred.mmm"));
    let hundred = hundred.expect("the bench's program can be read");
    let mut text = "use osc::*\nuse filter::*\n".to_owned();
    while text.lines().count() < 1000 {
        text += &hundred;
    }
    text += "fn last(freq) {\n  let r = {gain = 1, freq = freq}\n  voice(r.freq, sinwave(fre";
    let at = text.len();
    (text + "\n}\n", at)
}

#[test]
fn answers_come_within_five_milliseconds_of_an_edit() {
    let library = standard_library();
    let (text, at) = text();
    let name = at - "sinwave(fre".len();
    let local = text.rfind("r.freq").expect("it was written");
    let services: [(&str, Ask); 6] = [
        ("complete", &|it| it.complete(at).items.iter().any(|item| item.label == "freq")),
        ("hover", &|it| it.hover(name).is_some_and(|hover| !hover.doc.is_empty())),
        ("signature", &|it| it.signature(at).is_some_and(|found| found.active == Some(0))),
        ("definition", &|it| it.definition(name).is_some_and(|place| place.module.is_some())),
        ("outline", &|it| it.outline().len() > 100),
        ("rename", &|it| it.rename(local, "record").is_ok_and(|edits| edits.len() == 2)),
    ];
    for (name, ask) in services {
        // Other programs run on this machine too: the best of many is what it takes.
        let mut best = Duration::MAX;
        for round in 0..1000 {
            if round >= 20 && best <= LIMIT {
                break;
            }
            let start = Instant::now();
            let snapshot = Snapshot::new(&text, library.clone());
            assert!(ask(&snapshot), "{name}");
            best = best.min(start.elapsed());
        }
        println!("{name}: {:.2} ms after an edit", best.as_secs_f64() * 1e3);
        assert!(best <= LIMIT, "{name}: {best:?}");
    }
}
