//! Outcomes as a file: one JSON object a line, so that a run that is cut off loses at most a line,
//! and that files of several machines are merged by being read one after another
//! (`docs/formats.md`).

use std::collections::{BTreeMap, HashMap};

use quartermeg_formats::link::policy_text;
use serde::{Deserialize, Serialize};

use crate::study::{Outcome, Trial};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    policy: String,
    rate: f32,
    seed: u64,
    steps: u32,
    /// What the run took, on one thread.
    milliseconds: u64,
    /// One character a held-out sample: 1 where it is recognized, else 0.
    correct: String,
}

/// Which trial it is, as a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    policy: String,
    rate_bits: u32,
    seed: u64,
    steps: u32,
}

impl Key {
    fn of(trial: &Trial) -> Self {
        Self {
            policy: policy_text(&trial.policy),
            rate_bits: trial.rate.to_bits(),
            seed: trial.seed,
            steps: trial.steps,
        }
    }
}

/// What is known of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What came of it.
    pub outcome: Outcome,
    /// What it took, on one thread of the machine that ran it, in milliseconds.
    pub milliseconds: u64,
}

/// Outcomes that are known.
#[derive(Debug, Default)]
pub struct KnownOutcomes(HashMap<Key, Known>);

impl KnownOutcomes {
    /// Adds what a file holds of outcomes with `n_held_out` samples. Lines that cannot be read are
    /// left out, and their number is returned: the last line of a run that was cut off is one.
    pub fn read(&mut self, text: &str, n_held_out: usize) -> usize {
        let mut n_unread = 0;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match parse(line).filter(|(_, known)| known.outcome.correct.len() == n_held_out) {
                Some((key, known)) => {
                    self.0.insert(key, known);
                }
                None => n_unread += 1,
            }
        }
        n_unread
    }

    /// What is known of a trial.
    #[must_use]
    pub fn get(&self, trial: &Trial) -> Option<&Known> {
        self.0.get(&Key::of(trial))
    }

    /// Adds one, and gives the line to write, with its end.
    pub fn add(&mut self, trial: &Trial, known: Known) -> String {
        let line = line(trial, &known);
        self.0.insert(Key::of(trial), known);
        line
    }

    /// Policies that were trained with this rate and so many steps, as link text in its order, and
    /// the outcome of each seed.
    #[must_use]
    pub fn policies(&self, rate: f32, steps: u32) -> BTreeMap<&str, Vec<&Outcome>> {
        let asked = |key: &&Key| key.rate_bits == rate.to_bits() && key.steps == steps;
        let mut keys: Vec<&Key> = self.0.keys().filter(asked).collect();
        keys.sort_by_key(|key| key.seed);
        let mut found: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
        for key in keys {
            let outcomes = found.entry(&key.policy).or_default();
            outcomes.push(&self.0[key].outcome);
        }
        found
    }

    /// Outcomes that are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn line(trial: &Trial, known: &Known) -> String {
    let correct = known.outcome.correct.iter();
    let line = Line {
        policy: policy_text(&trial.policy),
        rate: trial.rate,
        seed: trial.seed,
        steps: trial.steps,
        milliseconds: known.milliseconds,
        correct: correct.map(|&is| if is { '1' } else { '0' }).collect(),
    };
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

fn parse(line: &str) -> Option<(Key, Known)> {
    let line: Line = serde_json::from_str(line).ok()?;
    let correct = line.correct.chars().map(|character| match character {
        '1' => Some(true),
        '0' => Some(false),
        _ => None,
    });
    let known = Known {
        outcome: Outcome {
            correct: correct.collect::<Option<_>>()?,
        },
        milliseconds: line.milliseconds,
    };
    let key = Key {
        policy: line.policy,
        rate_bits: line.rate.to_bits(),
        seed: line.seed,
        steps: line.steps,
    };
    Some((key, known))
}
