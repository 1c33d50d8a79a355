//! Runs that are kept to be compared: which there are, which two stand side by side, and what a
//! person does with them.
//!
//! A run is kept when it ends, which is at the step to stop after, at a reset, and when another
//! setup begins; a short one only when it is asked for.

mod facts;
mod live;
mod plans;
#[cfg(test)]
mod tests;

use quartermeg_formats::runs::{Run, store, table};

pub use facts::{NUMBERS, changed, facts, numbers};
pub use live::Live;

use super::{AppState, Command, NoticeKind, Shared, Topic};
use crate::protocol::PlanView;

/// Runs that are kept at most.
pub const MAX_RUNS: usize = 200;
/// Under which key the browser keeps them.
pub const KEY: &str = "runs";
/// Under which key lies what could not be read.
pub const ASIDE_KEY: &str = "runs-unreadable";
/// Characters of a name and of a note.
const MAX_NAME: usize = 80;
const MAX_NOTE: usize = 500;

/// Something about runs.
#[derive(Clone, Debug, PartialEq)]
pub enum RunsAction {
    /// Keep the live run as it is now.
    Keep,
    /// Compare others with this run; none is the live one, which is kept first.
    Pin(Option<u32>),
    /// Compare no more.
    Unpin,
    /// Show this run beside the pinned one; none is the live one.
    Beside(Option<u32>),
    /// Give a run another name; an empty one brings its own back.
    Rename(u32, String),
    /// Write something about a run.
    Note(u32, String),
    /// Take a run away; it can be put back.
    Delete(u32),
    /// Put the run back that was taken away last.
    PutBack,
    /// Ask whether all runs shall go, or ask no more.
    AskToClear(bool),
    /// Take all runs away.
    Clear,
    /// Set up what a run had.
    Load(u32),
    /// Hand all runs over as a table.
    DownloadCsv,
    /// Hand all runs over with their curves.
    DownloadJson,
    /// What the browser keeps, when the page was opened or another one has written it.
    Stored(Option<String>),
    /// When this run was kept.
    Stamped(u32, String),
    /// What lies under this key could not be written, and why.
    NotStored(&'static str, String),
}

/// Runs to compare.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Runs {
    /// The runs that are kept, oldest first.
    pub kept: Shared<Vec<Shared<Run>>>,
    /// The run that others are compared with: A.
    pub pinned: Option<u32>,
    /// The run that is shown beside it: B; none is the live one.
    pub beside: Option<u32>,
    /// Whether the page asks if all runs shall go.
    pub asks_to_clear: bool,
    /// What is trained now.
    live: Option<Shared<Live>>,
    /// Steps of the weights that the live run began with, where they came from a file.
    pub(super) began_at: u32,
    /// Plans of runs that are compared; none where the network or the planner is another now.
    plans: Vec<(u32, Option<Shared<PlanView>>)>,
    /// Plans that are on their way: number of the request, and the run.
    asked: Vec<(u32, u32)>,
    /// What was taken away last, and where it stood.
    aside: Option<(usize, Shared<Run>)>,
    /// Whether the browser lacks something that is on the page.
    is_unsaved: bool,
    /// Whether what could not be read still lies where runs belong.
    is_blocked: bool,
}

impl Runs {
    /// A run that is kept.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&Shared<Run>> {
        self.kept.get(self.place(id)?)
    }

    /// The run that others are compared with.
    #[must_use]
    pub fn a(&self) -> Option<&Shared<Run>> {
        self.get(self.pinned?)
    }

    /// Whether a run was taken away that can be put back.
    #[must_use]
    pub fn can_put_back(&self) -> bool {
        self.aside.is_some()
    }

    fn place(&self, id: u32) -> Option<usize> {
        self.kept.iter().position(|run| run.id == id)
    }

    fn is_compared(&self, id: u32) -> bool {
        [self.pinned, self.beside].contains(&Some(id))
    }

    /// Puts a run in the place of the one of its number, or behind the others. The oldest that
    /// nobody named, noted or compares makes room for a new one.
    fn put(&mut self, run: Run) {
        let mut kept = self.kept.to_vec();
        if let Some(place) = self.place(run.id) {
            kept[place] = Shared::new(run);
        } else {
            if kept.len() >= MAX_RUNS {
                let is_plain = |run: &Shared<Run>| run.name.is_empty() && run.note.is_empty();
                let is_free = |run: &Shared<Run>| !self.is_compared(run.id);
                let plain = kept.iter().position(|run| is_free(run) && is_plain(run));
                let oldest = plain.or_else(|| kept.iter().position(is_free));
                kept.remove(oldest.unwrap_or(0));
            }
            kept.push(Shared::new(run));
        }
        self.kept = Shared::new(kept);
    }

    /// A number that no run has, nor the one that can be put back.
    fn free_id(&self) -> u32 {
        let known = self.kept.iter().chain(self.aside.as_ref().map(|it| &it.1));
        known.map(|run| run.id).max().unwrap_or(0) + 1
    }
}

/// What the run at a place of the list is told to have changed against: A, or else the run before;
/// the live run's place is the one behind the last.
#[must_use]
pub fn base(kept: &[Shared<Run>], pinned: Option<u32>, place: usize) -> Option<&Run> {
    let found = if pinned.is_some() {
        let a = kept.iter().position(|run| Some(run.id) == pinned);
        a.filter(|&a| a != place)
    } else {
        place.checked_sub(1)
    };
    kept.get(found?).map(|run| &**run)
}

impl AppState {
    pub(super) fn take_runs(&mut self, action: RunsAction) {
        match action {
            RunsAction::Keep => {
                self.keep_now();
            }
            RunsAction::Pin(id) => {
                self.runs.pinned = id.or_else(|| self.keep_now());
                self.store_runs();
                self.plan_others();
            }
            RunsAction::Unpin => {
                self.runs.pinned = None;
                self.store_runs();
            }
            RunsAction::Beside(id) => {
                self.runs.beside = id;
                self.plan_others();
            }
            RunsAction::Rename(id, name) => self.change_run(id, |run| {
                run.name = cut(&name, MAX_NAME);
                if run.name == run.own_title() {
                    run.name.clear();
                }
            }),
            RunsAction::Note(id, note) => {
                self.change_run(id, |run| run.note = cut(&note, MAX_NOTE));
            }
            RunsAction::Stamped(id, at) => self.change_run(id, |run| run.kept_at = at),
            RunsAction::Delete(id) => self.delete_run(id),
            RunsAction::PutBack => {
                if let Some((place, run)) = self.runs.aside.take() {
                    let mut kept = self.runs.kept.to_vec();
                    kept.insert(place.min(kept.len()), run);
                    self.notices.clear(Topic::Runs);
                    self.set_runs(kept);
                }
            }
            RunsAction::AskToClear(asks) => self.runs.asks_to_clear = asks,
            RunsAction::Clear => {
                self.runs.aside = None;
                (self.runs.is_blocked, self.runs.asks_to_clear) = (false, false);
                self.notices.clear(Topic::Runs);
                self.set_runs(Vec::new());
            }
            RunsAction::Load(id) => {
                if let Some(run) = self.runs.get(id) {
                    let setup = run.setup();
                    self.replace_setup(setup);
                }
            }
            RunsAction::DownloadCsv => self.hand_over(table::CSV_NAME, table::csv),
            RunsAction::DownloadJson => self.hand_over(table::JSON_NAME, table::json),
            RunsAction::Stored(text) => self.take_stored(text),
            RunsAction::NotStored(key, reason) => self.not_stored(key, &reason),
        }
    }

    /// Changes one run, if it is there.
    fn change_run(&mut self, id: u32, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs.get(id) {
            let mut run = (**run).clone();
            change(&mut run);
            self.runs.put(run);
            self.store_runs();
        }
    }

    fn delete_run(&mut self, id: u32) {
        let Some(place) = self.runs.place(id) else {
            return;
        };
        let mut kept = self.runs.kept.to_vec();
        let run = kept.remove(place);
        let sentence = format!("\"{}\" was deleted.", run.title());
        self.notices.put(NoticeKind::News, Topic::Runs, sentence);
        self.runs.aside = Some((place, run));
        self.set_runs(kept);
    }

    /// Takes over another list; what is not there cannot be compared.
    fn set_runs(&mut self, kept: Vec<Shared<Run>>) {
        self.show_runs(kept, self.runs.pinned);
        self.store_runs();
    }

    fn show_runs(&mut self, kept: Vec<Shared<Run>>, pinned: Option<u32>) {
        let runs = &mut self.runs;
        runs.kept = Shared::new(kept);
        runs.pinned = pinned.filter(|&id| runs.place(id).is_some());
        runs.beside = runs.beside.filter(|&id| runs.place(id).is_some());
    }

    /// Writes all runs, and last the live one, unless it is among them as it stands.
    fn hand_over(&mut self, name: &str, write: fn(&[&Run]) -> String) {
        let live = (self.can_keep() && self.kept_live().is_none()).then(|| self.live_run());
        let kept = self.runs.kept.iter().map(|run| &**run);
        let runs: Vec<&Run> = kept.chain(&live).collect();
        let bytes = write(&runs).into_bytes();
        self.outbox.push(Command::Download {
            name: name.to_owned(),
            bytes: Shared::new(bytes),
        });
    }

    // -- The browser's storage -----------------------------------------------------------------

    fn take_stored(&mut self, text: Option<String>) {
        if self.runs.is_unsaved {
            // What only this page has would be lost.
            return;
        }
        let Some(text) = text else {
            self.show_runs(Vec::new(), None);
            return;
        };
        match store::decode(&text) {
            Ok((runs, pinned)) => {
                self.show_runs(runs.into_iter().map(Shared::new).collect(), pinned);
                self.plan_others();
            }
            Err(error) => {
                self.tell_of_runs(format!(
                    "The runs that this browser keeps cannot be read: {}. They lie aside in its \
                     storage as \"quartermeg:{ASIDE_KEY}\"; the list begins anew.",
                    error.reason()
                ));
                self.outbox.push(Command::KeepText {
                    key: ASIDE_KEY,
                    text: Shared::new(text),
                });
            }
        }
    }

    fn store_runs(&mut self) {
        if self.runs.is_blocked {
            return;
        }
        self.runs.is_unsaved = false;
        let text = store::encode(self.runs.kept.iter().map(|run| &**run), self.runs.pinned);
        self.outbox.push(Command::KeepText {
            key: KEY,
            text: Shared::new(text),
        });
    }

    fn not_stored(&mut self, key: &str, reason: &str) {
        self.runs.is_unsaved = true;
        // What cannot be read and not be put aside must not be written over.
        self.runs.is_blocked |= key == ASIDE_KEY;
        let advice = if self.runs.is_blocked {
            "What lay there cannot be read, nor be put aside; \"Clear all\" deletes it."
        } else {
            "Delete runs to make room."
        };
        self.tell_of_runs(format!(
            "This browser could not store the runs ({reason}). They stay here until the page is \
             closed; CSV and JSON take them with you. {advice}"
        ));
    }

    fn tell_of_runs(&mut self, sentence: String) {
        self.runs.aside = None;
        self.notices.put(NoticeKind::Alert, Topic::Runs, sentence);
    }
}

/// A text without space around it, and not too long.
fn cut(text: &str, max_chars: usize) -> String {
    text.trim().chars().take(max_chars).collect()
}
