//! What the browser keeps for this page from one visit to the next.

use gloo::events::EventListener;
use web_sys::Storage;

/// Every key begins so: other pages may live at the same address, below other paths.
const PREFIX: &str = "quartermeg:";

/// The text that was kept under a key; none where there is none, or the browser keeps nothing.
pub fn read(key: &str) -> Option<String> {
    storage().ok()?.get_item(&prefixed(key)).ok()?
}

/// The keys that begin so and under which something is kept.
pub fn keys(prefix: &str) -> Vec<String> {
    let Ok(storage) = storage() else {
        return Vec::new();
    };
    let all = 0..storage.length().unwrap_or(0);
    let ours = all.filter_map(|at| {
        let key = storage.key(at).ok()??;
        let key = key.strip_prefix(PREFIX)?;
        key.starts_with(prefix).then(|| key.to_owned())
    });
    ours.collect()
}

/// Keeps a text under a key, in the place of the one before.
///
/// # Errors
/// When the browser has no room, or keeps nothing for this page: why, in its words.
pub fn write(key: &str, text: &str) -> Result<(), String> {
    storage()?
        .set_item(&prefixed(key), text)
        .map_err(|error| super::reason(&error))
}

/// Forgets what was kept under a key.
pub fn remove(key: &str) {
    if let Ok(storage) = storage() {
        // What cannot be removed was not there.
        let _ = storage.remove_item(&prefixed(key));
    }
}

/// Calls `listener` when another window of this page has kept or forgotten something.
pub fn listen(listener: impl Fn() + 'static) -> EventListener {
    EventListener::new(&super::window(), "storage", move |_| listener())
}

fn storage() -> Result<Storage, String> {
    super::window()
        .local_storage()
        .map_err(|error| super::reason(&error))?
        .ok_or_else(|| "this browser keeps nothing for this page".to_owned())
}

fn prefixed(key: &str) -> String {
    format!("{PREFIX}{key}")
}
