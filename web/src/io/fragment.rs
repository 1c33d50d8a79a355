//! The fragment of the page's address: the share link.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsValue;

/// Time between a change and its appearance in the address bar; browsers refuse to write more
/// often than a hundred times in half a minute.
const DELAY_MILLIS: u32 = 300;

/// The fragment, without `#`, as it stands in the address bar.
pub fn read() -> String {
    let hash = super::window().location().hash().unwrap_or_default();
    hash.strip_prefix('#').unwrap_or(&hash).to_owned()
}

/// The page's address with a fragment, to be shared.
pub fn link(fragment: &str) -> String {
    let href = super::window().location().href().unwrap_or_default();
    let page = href.split_once('#').map_or(href.as_str(), |(page, _)| page);
    if fragment.is_empty() {
        page.to_owned()
    } else {
        format!("{page}#{fragment}")
    }
}

/// Listens to changes that come from outside, until it is dropped.
pub fn listen(mut on_change: impl FnMut(String) + 'static) -> EventListener {
    EventListener::new(&super::window(), "hashchange", move |_event| {
        on_change(read());
    })
}

/// Writes fragments, the newest a moment after the last change, without new entries in the
/// browser's history.
#[derive(Default)]
pub struct FragmentWriter {
    timer: Cell<Option<Timeout>>,
    newest: Rc<RefCell<String>>,
}

impl FragmentWriter {
    /// Writes a fragment soon.
    pub fn write(&self, fragment: &str) {
        fragment.clone_into(&mut self.newest.borrow_mut());
        let newest = self.newest.clone();
        self.timer.set(Some(Timeout::new(DELAY_MILLIS, move || {
            write_now(&newest.borrow());
        })));
    }
}

fn write_now(fragment: &str) {
    if fragment == read() {
        return;
    }
    if let Ok(history) = super::window().history() {
        // A browser that refuses leaves the old link; the next change tries again.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&link(fragment)));
    }
}
