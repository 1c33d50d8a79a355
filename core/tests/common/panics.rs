//! Catches panics of many cases and reports each place once, with the first case that led there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Once;

thread_local! {
    /// Where the last caught panic of this thread happened; `None` while nothing is caught.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The places where cases panicked.
#[derive(Debug, Default)]
pub(crate) struct Panics(BTreeMap<String, (usize, String)>);

impl Panics {
    /// Runs one case. In WebAssembly a panic cannot be caught and ends the test at once.
    pub(crate) fn catch(&mut self, run: impl FnOnce(), case: impl FnOnce() -> String) {
        if cfg!(target_arch = "wasm32") {
            run();
            return;
        }
        listen();
        PLACE.set(Some("an unknown place".into()));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        let place = PLACE.take().unwrap_or_default();
        if result.is_err() {
            let entry = self.0.entry(place).or_insert_with(|| (0, case()));
            entry.0 += 1;
        }
    }

    /// Fails if any case panicked.
    pub(crate) fn assert_none(self) {
        let list: Vec<String> = self
            .0
            .into_iter()
            .map(|(place, (n_cases, case))| format!("{place}: {n_cases} cases, first {case}"))
            .collect();
        assert!(list.is_empty(), "panics:\n{}", list.join("\n"));
    }
}

/// Keeps the place of a panic that is being caught; others are reported as always.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let caught = PLACE.with_borrow_mut(|place| {
                let catching = place.is_some();
                if catching {
                    *place = Some(info.to_string().replace('\n', " "));
                }
                catching
            });
            if !caught {
                report(info);
            }
        }));
    });
}
