//! Properties of a panel that shows nothing of the progress of training.

use std::rc::Rc;

use yew::prelude::*;

use crate::state::AppState;

/// The state, which is another one for such a panel only when something else has happened: it is not
/// drawn anew twenty times a second.
#[derive(Clone, Debug, Properties)]
pub(super) struct Beside {
    pub state: Rc<AppState>,
}

impl PartialEq for Beside {
    fn eq(&self, other: &Self) -> bool {
        self.state.news == other.state.news
    }
}
