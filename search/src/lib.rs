//! What each layer contributes to the accuracy, and which update policy is the best within a budget
//! (paper §2.3 and §4.2: contribution analysis and sparse update schemes).
//!
//! A [`Study`] trains one policy after another on the same samples; each is a [`Trial`] with an
//! [`Outcome`]. [`Contributions`] are what single cells of a policy gained. The methods
//! ([`greedy`], [`evolution`], [`additive`], [`elimination`]) choose among policies, a
//! [`selection::Selection`] runs those that only plan, and what was chosen is trained again
//! ([`finalists`]); what one costs is always what the planner says ([`Planner`]), never a formula.
//!
//! Nothing here knows threads, files or a clock: whoever runs a study brings them.

pub mod additive;
pub mod baselines;
mod contributions;
mod cost;
pub mod drift;
pub mod elimination;
pub mod evolution;
pub mod finalists;
mod frozen;
pub mod greedy;
mod measured;
pub mod selection;
mod space;
mod statistics;
mod study;
pub mod trials_file;

pub use contributions::{Contribution, Contributions};
pub use cost::{Cost, Limits, Planned, Planner};
pub use measured::{Measured, MeasuredCell, MeasuredError, MeasuredPolicy, Recipe};
pub use space::{Choice, Space, update_text};
pub use statistics::{Difference, Spread};
pub use study::{Outcome, Part, Run, Study, StudyError, Trial, Work};
