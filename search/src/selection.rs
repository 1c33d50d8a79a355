//! All that is chosen by planning alone, one method after another: the policies that are trained
//! after that, and what they are compared with.

use quartermeg_core::policy::Policy;

use crate::additive::Additive;
use crate::evolution::{Evolution, Generation, Progress, Task};
use crate::greedy::Greedy;
use crate::{Choice, Limits, Planner, baselines};

/// Shares of the budget for which policies are chosen, so that it shows what fewer bytes cost.
const SHARES: [u32; 3] = [1, 2, 4];

/// A policy that takes part, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// `evolution`, `greedy`, `additive`, `elimination`, `last`, `bias`, `classifier` or `full`, with
    /// the share of the budget where it is not the whole; or `preset` and its id.
    pub origin: String,
    /// What learns.
    pub policy: Policy,
    /// Whether a search found it, or it is what the search is compared with.
    pub is_found: bool,
}

/// The limits with each share of the budget, and how a policy for it is named after its method.
pub fn shares(limits: &Limits) -> impl Iterator<Item = (Limits, String)> + use<> {
    let limits = *limits;
    SHARES.into_iter().map(move |share| {
        let name = match share {
            1 => String::new(),
            share => format!(" 1/{share}"),
        };
        let of_share = Limits {
            sram_total_bytes: limits.sram_total_bytes / share,
            ..limits
        };
        (of_share, name)
    })
}

/// Each policy once, with all that it comes from.
#[must_use]
pub fn distinct(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut distinct: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let known = distinct
            .iter_mut()
            .find(|other| other.policy == candidate.policy && other.is_found == candidate.is_found);
        match known {
            Some(other) if other.origin.split(", ").any(|it| it == candidate.origin) => {}
            Some(other) => {
                other.origin.push_str(", ");
                other.origin.push_str(&candidate.origin);
            }
            None => distinct.push(candidate),
        }
    }
    distinct
}

/// A selection under way.
#[derive(Debug)]
pub struct Selection {
    /// Its limits are those of the whole budget.
    task: Task,
    seed: u64,
    presets: Vec<(String, Policy)>,
    method: Method,
    /// Which share of the budget it is at.
    share: usize,
    /// What is known so far of the policies for the whole budget.
    greedy: Option<Choice>,
    additive: Option<Choice>,
    candidates: Vec<Candidate>,
    best_gain: Option<f64>,
}

#[derive(Debug)]
enum Method {
    Greedy(Greedy),
    Additive(Additive),
    Evolution(Box<Evolution>),
    /// The ends of the network whose weights learn, then those whose biases do.
    Ends,
    Over,
}

/// What a selection tells on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told {
    /// Nothing new.
    Nothing,
    /// The evolution within a share of the budget made a generation.
    Generation {
        /// The share, in bytes.
        sram_total_bytes: u32,
        /// How it stands.
        generation: Generation,
    },
    /// Everything is chosen.
    Over,
}

impl Selection {
    /// One that has planned nothing yet; `presets` are policies by their ids.
    #[must_use]
    pub fn new(
        task: Task,
        planner: &Planner<'_>,
        seed: u64,
        presets: Vec<(String, Policy)>,
    ) -> Self {
        Self {
            method: Method::Greedy(Greedy::new(planner, task.limits)),
            task,
            seed,
            presets,
            share: 0,
            greedy: None,
            additive: None,
            candidates: Vec::new(),
            best_gain: None,
        }
    }

    /// The largest sum of gains that a policy within the budget was found to have.
    #[must_use]
    pub fn best_gain(&self) -> Option<f64> {
        self.best_gain
    }

    /// A sum of gains that no policy within the budget exceeds.
    #[must_use]
    pub fn bound_gain(&self) -> Option<f64> {
        let Task {
            contributions,
            least,
            limits,
            ..
        } = &self.task;
        let bound = least.best(contributions, limits.sram_total_bytes)?;
        Some(contributions.gain(&bound))
    }

    /// What was chosen so far; a policy may be in it more than once.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Goes on, with at most so many policies to plan at a time. What is chosen does not depend on how
    /// many.
    pub fn advance(&mut self, planner: &mut Planner<'_>, most: usize) -> Told {
        let shares: Vec<(Limits, String)> = shares(&self.task.limits).collect();
        let Some((limits, name)) = shares.get(self.share) else {
            return Told::Over;
        };
        let contributions = &self.task.contributions;
        match &mut self.method {
            Method::Greedy(greedy) => {
                let Some(found) = greedy.advance(contributions, planner, most) else {
                    return Told::Nothing;
                };
                self.note_gain(found.as_deref());
                self.greedy = found;
                self.method = if self.share == 0 {
                    Method::Additive(Additive::new(&self.task.least, *limits))
                } else {
                    self.evolution(planner, *limits)
                };
            }
            Method::Additive(additive) => {
                let Some(found) = additive.advance(&self.task.least, contributions, planner) else {
                    return Told::Nothing;
                };
                self.note_gain(found.as_deref());
                self.additive = found;
                self.method = self.evolution(planner, *limits);
            }
            Method::Evolution(evolution) => match evolution.advance(planner, most) {
                Progress::UnderWay => {}
                Progress::Complete(generation) => {
                    let best = evolution.best().cloned();
                    self.note_gain(best.as_deref());
                    return Told::Generation {
                        sram_total_bytes: limits.sram_total_bytes,
                        generation,
                    };
                }
                Progress::Over => {
                    let best = evolution.best().cloned();
                    self.add_found(planner, name, best);
                    self.share += 1;
                    if let Some((limits, _)) = shares.get(self.share) {
                        self.method = Method::Greedy(Greedy::new(planner, *limits));
                    } else {
                        (self.share, self.method) = (0, Method::Ends);
                    }
                }
            },
            Method::Ends => {
                let space = planner.space();
                let (last, biases) = (baselines::last_layers(space), baselines::biases(space));
                let both = [&last[..], &biases].concat();
                if !planner.plan_some(&both, limits.sram_total_bytes, most) {
                    return Told::Nothing;
                }
                for (method, ends) in [("last", last), ("bias", biases)] {
                    let longest = baselines::longest(&ends, planner, limits);
                    self.add(planner, format!("{method}{name}"), longest, false);
                }
                self.share += 1;
                if self.share == shares.len() {
                    self.add_others(planner);
                    self.method = Method::Over;
                }
            }
            Method::Over => return Told::Over,
        }
        Told::Nothing
    }

    /// The best policy of a method for the whole budget is news.
    fn note_gain(&mut self, found: Option<&[usize]>) {
        if let Some(found) = found.filter(|_| self.share == 0) {
            let gain = self.task.contributions.gain(found);
            self.best_gain = Some(self.best_gain.map_or(gain, |best| best.max(gain)));
        }
    }

    fn evolution(&self, planner: &Planner<'_>, limits: Limits) -> Method {
        let found = [&self.greedy, &self.additive].into_iter().flatten();
        let begin_with: Vec<Choice> = found.cloned().collect();
        let task = Task {
            limits,
            ..self.task.clone()
        };
        Method::Evolution(Box::new(Evolution::new(
            task,
            planner,
            &begin_with,
            self.seed,
        )))
    }

    /// What was found for a share of the budget.
    fn add_found(&mut self, planner: &Planner<'_>, name: &str, evolution: Option<Choice>) {
        self.add(planner, format!("evolution{name}"), evolution, true);
        let (additive, greedy) = (self.additive.take(), self.greedy.take());
        if self.share == 0 {
            self.add(planner, "additive".to_owned(), additive, true);
            self.add(planner, "greedy".to_owned(), greedy, true);
        }
    }

    /// What takes part whatever the budget is.
    fn add_others(&mut self, planner: &Planner<'_>) {
        let (frozen, full) = (planner.space().frozen(), planner.space().full());
        self.add(planner, "classifier".to_owned(), Some(frozen), false);
        self.add(planner, "full".to_owned(), Some(full), false);
        for (id, policy) in std::mem::take(&mut self.presets) {
            self.candidates.push(Candidate {
                origin: format!("preset {id}"),
                policy,
                is_found: false,
            });
        }
    }

    fn add(
        &mut self,
        planner: &Planner<'_>,
        origin: String,
        choice: Option<Choice>,
        is_found: bool,
    ) {
        self.candidates.extend(choice.map(|choice| Candidate {
            origin,
            policy: planner.space().policy(&choice),
            is_found,
        }));
    }
}
