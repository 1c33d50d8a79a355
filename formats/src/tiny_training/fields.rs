//! Typed access to the fields of a dictionary.

use super::array::Array;
use super::error::{Excerpt, FieldError, TinyTrainingError};
use super::pickle::{Kind, Pickle, Value};
use super::place::Place;

/// A dictionary, and where it lies.
pub(super) struct Fields<'p, 'a> {
    pickle: &'p Pickle<'a>,
    entries: &'p [(&'a str, Value<'a>)],
    place: Place,
}

impl<'p, 'a> Fields<'p, 'a> {
    /// The outermost dictionary.
    pub(super) fn root(pickle: &'p Pickle<'a>, known: &[&str]) -> Result<Self, TinyTrainingError> {
        Self::open(
            pickle,
            pickle.root(),
            Place::Network,
            "data.pkl",
            Place::Network,
            known,
        )
    }

    /// The dictionary `value`, which is `field` of `parent`. All its keys must be `known`: one
    /// that is not may change the meaning of the others.
    fn open(
        pickle: &'p Pickle<'a>,
        value: Value<'a>,
        parent: Place,
        field: &'static str,
        place: Place,
        known: &[&str],
    ) -> Result<Self, TinyTrainingError> {
        let entries = pickle.dict(value).ok_or(TinyTrainingError::Field {
            place: parent,
            field,
            error: FieldError::Kind {
                expected: Kind::Dictionary,
                found: value.kind(),
            },
        })?;
        if let Some((key, _)) = entries.iter().find(|(key, _)| !known.contains(key)) {
            return Err(TinyTrainingError::UnknownKey {
                place,
                key: Excerpt::new(&[key]),
            });
        }
        Ok(Self {
            pickle,
            entries,
            place,
        })
    }

    /// An error in `field`.
    pub(super) fn error(&self, field: &'static str, error: FieldError) -> TinyTrainingError {
        TinyTrainingError::Field {
            place: self.place,
            field,
            error,
        }
    }

    fn kind(&self, field: &'static str, expected: Kind, found: Value<'a>) -> TinyTrainingError {
        let found = found.kind();
        self.error(field, FieldError::Kind { expected, found })
    }

    fn find(&self, field: &str) -> Option<Value<'a>> {
        let entry = self.entries.iter().find(|(key, _)| *key == field);
        entry.map(|&(_, value)| value)
    }

    fn get(&self, field: &'static str) -> Result<Value<'a>, TinyTrainingError> {
        self.find(field)
            .ok_or_else(|| self.error(field, FieldError::Missing))
    }

    /// Whether `field` is there and not `None`.
    pub(super) fn has(&self, field: &str) -> bool {
        !matches!(self.find(field), None | Some(Value::None))
    }

    /// Whether the dictionary in `field` has `key`.
    pub(super) fn has_in(&self, field: &str, key: &str) -> bool {
        self.find(field)
            .and_then(|value| self.pickle.dict(value))
            .is_some_and(|entries| entries.iter().any(|(other, _)| *other == key))
    }

    /// Refuses a `field` that is there and not `None`.
    pub(super) fn none(&self, field: &'static str) -> Result<(), TinyTrainingError> {
        match self.find(field) {
            None | Some(Value::None) => Ok(()),
            Some(value) => {
                let found = value.kind();
                Err(self.error(field, FieldError::NotNone { found }))
            }
        }
    }

    /// The dictionary in `field`.
    pub(super) fn dict(
        &self,
        field: &'static str,
        place: Place,
        known: &[&str],
    ) -> Result<Self, TinyTrainingError> {
        let value = self.get(field)?;
        Self::open(self.pickle, value, self.place, field, place, known)
    }

    /// The dictionaries in the list `field`, 1 to `max` of them.
    pub(super) fn dicts(
        &self,
        field: &'static str,
        max: u16,
        place: impl Fn(usize) -> Place,
        known: &[&str],
    ) -> Result<Vec<Self>, TinyTrainingError> {
        let value = self.get(field)?;
        let entries = self
            .pickle
            .sequence(value)
            .ok_or_else(|| self.kind(field, Kind::List, value))?;
        let found = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        let max = i64::from(max);
        if !(1..=max).contains(&found) {
            return Err(self.error(field, FieldError::Range { found, min: 1, max }));
        }
        entries
            .iter()
            .enumerate()
            .map(|(index, &value)| {
                let place = place(index);
                Self::open(self.pickle, value, place, field, place, known)
            })
            .collect()
    }

    /// The whole number in `field`, from `min` to `max`.
    pub(super) fn integer(
        &self,
        field: &'static str,
        min: i64,
        max: i64,
    ) -> Result<i64, TinyTrainingError> {
        let value = self.get(field)?;
        self.integer_of(field, value, min, max)
    }

    fn integer_of(
        &self,
        field: &'static str,
        value: Value<'a>,
        min: i64,
        max: i64,
    ) -> Result<i64, TinyTrainingError> {
        let Value::Int(found) = value else {
            return Err(self.kind(field, Kind::Integer, value));
        };
        if !(min..=max).contains(&found) {
            return Err(self.error(field, FieldError::Range { found, min, max }));
        }
        Ok(found)
    }

    /// The number in `field`, from 1 to `max`.
    pub(super) fn extent(&self, field: &'static str, max: u16) -> Result<usize, TinyTrainingError> {
        let value = self.get(field)?;
        self.extent_of(field, value, max)
    }

    fn extent_of(
        &self,
        field: &'static str,
        value: Value<'a>,
        max: u16,
    ) -> Result<usize, TinyTrainingError> {
        let extent = self.integer_of(field, value, 1, i64::from(max))?;
        Ok(usize::try_from(extent).expect("invariant: from 1 to 65,535"))
    }

    /// The vertical and the horizontal number in `field`, each from 1 to `max`; one number stands
    /// for both.
    pub(super) fn pair(
        &self,
        field: &'static str,
        max: u16,
    ) -> Result<[usize; 2], TinyTrainingError> {
        let value = self.get(field)?;
        if let Some(&[vertical, horizontal]) = self.pickle.sequence(value) {
            return Ok([
                self.extent_of(field, vertical, max)?,
                self.extent_of(field, horizontal, max)?,
            ]);
        }
        Ok([self.extent_of(field, value, max)?; 2])
    }

    /// Refuses a `field` that is there and not `expected`.
    pub(super) fn agree(
        &self,
        field: &'static str,
        expected: usize,
    ) -> Result<(), TinyTrainingError> {
        let Some(value) = self.find(field) else {
            return Ok(());
        };
        let Value::Int(found) = value else {
            return Err(self.kind(field, Kind::Integer, value));
        };
        let expected = i64::try_from(expected).unwrap_or(i64::MAX);
        if found != expected {
            return Err(self.error(field, FieldError::Number { expected, found }));
        }
        Ok(())
    }

    /// Refuses a `field` that is there and does not give `expected`, vertical and horizontal.
    pub(super) fn agree_pair(
        &self,
        field: &'static str,
        expected: [usize; 2],
    ) -> Result<(), TinyTrainingError> {
        if self.find(field).is_none() {
            return Ok(());
        }
        let found = self.pair(field, u16::MAX)?;
        for (expected, found) in expected.into_iter().zip(found) {
            if expected != found {
                let number = |value| i64::try_from(value).unwrap_or(i64::MAX);
                let error = FieldError::Number {
                    expected: number(expected),
                    found: number(found),
                };
                return Err(self.error(field, error));
            }
        }
        Ok(())
    }

    /// Refuses a `field` that is there and not `expected`.
    pub(super) fn agree_bool(
        &self,
        field: &'static str,
        expected: bool,
    ) -> Result<(), TinyTrainingError> {
        match self.find(field) {
            None => Ok(()),
            Some(Value::Bool(found)) if found == expected => Ok(()),
            Some(Value::Bool(found)) => {
                let (expected, found) = (i64::from(expected), i64::from(found));
                Err(self.error(field, FieldError::Number { expected, found }))
            }
            Some(value) => Err(self.kind(field, Kind::Bool, value)),
        }
    }

    /// The scale in `field`, rounded to single precision.
    pub(super) fn scale(&self, field: &'static str) -> Result<f32, TinyTrainingError> {
        let found = self.real(field)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "scales are kept in single precision"
        )]
        let scale = found as f32;
        if !(scale.is_normal() && scale > 0.0) {
            return Err(self.error(field, FieldError::NotAScale { found }));
        }
        Ok(scale)
    }

    /// The number in `field`, to all its digits.
    pub(super) fn real(&self, field: &'static str) -> Result<f64, TinyTrainingError> {
        let value = self.get(field)?;
        let Value::Float(found) = value else {
            return Err(self.kind(field, Kind::Float, value));
        };
        Ok(found)
    }

    /// The array in `field`.
    pub(super) fn array(&self, field: &'static str) -> Result<&'p Array<'a>, TinyTrainingError> {
        let value = self.get(field)?;
        self.pickle
            .array(value)
            .map_err(|error| self.error(field, error))
    }
}
