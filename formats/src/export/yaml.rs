//! A policy as the options of `tiny-training`, in the YAML of its configurations.
//!
//! Of a file that is read only the lines of three keys count, `n_bias_update`,
//! `manual_weight_idx` and `weight_update_ratio`, wherever they stand; so the released
//! configurations can be read as they are.

use std::fmt::Write as _;

use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::Program;
use quartermeg_core::quant::ChannelChoice;

use super::error::YamlError;
use super::stamp::Stamp;

/// The options of `tiny-training` that say what learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Biases of so many last convolutions learn.
    pub n_bias_update: usize,
    /// Convolutions whose weights learn too, joined by `-`; empty for none.
    pub manual_weight_idx: String,
    /// Their channel ratios, joined by `-`.
    pub weight_update_ratio: String,
}

impl Options {
    /// The options of a policy.
    ///
    /// # Errors
    /// When what learns are not the last convolutions.
    pub fn of(policy: &Policy) -> Result<Self, YamlError> {
        let layers = &policy.layers;
        let first = layers
            .iter()
            .position(|update| update.updates_bias())
            .unwrap_or(layers.len());
        let learning = &layers[first..];
        if let Some(frozen) = learning
            .iter()
            .position(|update| *update == LayerUpdate::Frozen)
        {
            return Err(YamlError::NotLast {
                learns: first,
                frozen: first + frozen,
            });
        }
        let weights = || {
            (first..)
                .zip(learning)
                .filter(|(_, update)| update.ratio() > 0.0)
        };
        let joined = |items: Vec<String>| items.join("-");
        Ok(Self {
            n_bias_update: learning.len(),
            manual_weight_idx: joined(weights().map(|(layer, _)| layer.to_string()).collect()),
            weight_update_ratio: joined(
                weights()
                    .map(|(_, update)| update.ratio().to_string())
                    .collect(),
            ),
        })
    }

    /// The options as a scheme ([`quartermeg_core::policy::parse_scheme`]).
    #[must_use]
    pub fn scheme(&self) -> String {
        let Self {
            n_bias_update,
            manual_weight_idx,
            weight_update_ratio,
        } = self;
        format!(
            "n_bias_update={n_bias_update};manual_weight_idx={manual_weight_idx};\
             weight_update_ratio={weight_update_ratio}"
        )
    }

    /// Whether both say the same, however their numbers are written.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let weights = |options: &Self| {
            let items = |text: &str| -> Vec<f32> {
                text.split('-')
                    .filter_map(|item| item.parse().ok())
                    .collect()
            };
            let (layers, ratios) = (
                items(&options.manual_weight_idx),
                items(&options.weight_update_ratio),
            );
            // A ratio of 0 names a layer of which only the bias learns.
            let mut pairs: Vec<(u32, u32)> = layers
                .iter()
                .zip(&ratios)
                .filter(|(_, ratio)| **ratio > 0.0)
                .map(|(layer, ratio)| (layer.to_bits(), ratio.to_bits()))
                .collect();
            pairs.sort_unstable();
            (layers.len(), ratios.len(), pairs)
        };
        let (of_this, of_other) = (weights(self), weights(other));
        let is_whole = |(layers, ratios, _): &(usize, usize, _)| layers == ratios;
        self.n_bias_update == other.n_bias_update
            && is_whole(&of_this)
            && is_whole(&of_other)
            && of_this.2 == of_other.2
    }

    /// The options as arguments of `tiny-training`'s `train_cls.py`.
    #[must_use]
    pub fn arguments(&self) -> String {
        let mut text = format!(
            "--enable_backward_config 1 --n_bias_update {}",
            self.n_bias_update
        );
        if !self.manual_weight_idx.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                " --manual_weight_idx {} --weight_update_ratio {}",
                self.manual_weight_idx, self.weight_update_ratio
            );
        }
        text
    }
}

/// How the scheme is named that this file holds. What is computed again is none of its options:
/// it changes no weight.
fn this_file(policy: &Policy) -> String {
    if policy.recompute.is_empty() {
        return "THIS_FILE".to_owned();
    }
    let layers: Vec<String> = policy.recompute.iter().map(usize::to_string).collect();
    format!("\"THIS_FILE;recompute={}\"", layers.join("-"))
}

/// Writes the options of a policy, with the command lines that use them.
///
/// # Errors
/// When the options cannot say what the policy does.
pub fn write<B: AsRef<[u8]>>(
    program: &Program<B>,
    policy: &Policy,
    qas: bool,
) -> Result<String, YamlError> {
    let options = Options::of(policy)?;
    let rule = program.rules().channels;
    let first = (0..).zip(&policy.layers).find(|&(layer, update)| {
        update.is_partial() && policy.channels_of(layer, rule) == ChannelChoice::First
    });
    if let Some((layer, _)) = first {
        return Err(YamlError::FirstChannels { layer });
    }
    let optimizer = if qas { "sgd_scale_nomom" } else { "sgd_nomom" };
    let listed = |text: &str| match text {
        "" => "null".to_owned(),
        // In quotation marks, so that no reader takes 21-24 for a date or 3 for a number.
        text => format!("\"{text}\""),
    };
    Ok(format!(
        "# {}\n\
         # tiny-training, in the folder algorithm; name network and data set:\n\
         #   python train_cls.py configs/transfer.yaml --net_name NETWORK --optimizer_name \
         {optimizer} {}\n\
         # here: quartermeg train MODEL --data DATA --scheme {}\n\
         backward_config:\n  \
           enable_backward_config: 1\n  \
           n_bias_update: {}\n  \
           n_weight_update: null\n  \
           manual_weight_idx: {}\n  \
           weight_update_ratio: {}\n  \
           weight_select_criteria: magnitude+\n  \
           pw1_weight_only: 0\n",
        Stamp::of("yaml", program).line(),
        options.arguments(),
        this_file(policy),
        options.n_bias_update,
        listed(&options.manual_weight_idx),
        listed(&options.weight_update_ratio),
    ))
}

/// Reads the options from a YAML file.
///
/// # Errors
/// When they are missing, stand there twice, or hold what cannot be used.
pub fn read(file: &[u8]) -> Result<Options, YamlError> {
    const KEYS: [&str; 3] = ["n_bias_update", "manual_weight_idx", "weight_update_ratio"];
    let text = std::str::from_utf8(file).map_err(|_invalid| YamlError::Text)?;
    let mut found: [Option<&str>; 3] = [None; 3];
    for line in text.lines() {
        let line = line.split_once('#').map_or(line, |(line, _)| line);
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let Some(index) = KEYS.iter().position(|known| *known == key.trim()) else {
            continue;
        };
        if found[index].replace(plain(value)).is_some() {
            return Err(YamlError::Twice { key: KEYS[index] });
        }
    }
    let [biases, indices, ratios] = found.map(|value| value.filter(|value| !is_null(value)));
    let refused = |index: usize, value: &str| YamlError::Value {
        key: KEYS[index],
        found: value.chars().take(60).collect(),
    };
    let biases = biases.ok_or(YamlError::Missing)?;
    let n_bias_update = biases.parse().map_err(|_not_a_number| refused(0, biases))?;
    let list = |index: usize, value: Option<&str>, allowed: &str| {
        let value = value.unwrap_or_default();
        let is_list = value
            .chars()
            .all(|character| character.is_ascii_digit() || allowed.contains(character));
        if is_list {
            Ok(value.to_owned())
        } else {
            Err(refused(index, value))
        }
    };
    Ok(Options {
        n_bias_update,
        manual_weight_idx: list(1, indices, "-")?,
        weight_update_ratio: list(2, ratios, "-.")?,
    })
}

/// A value without spaces and quotation marks around it.
fn plain(value: &str) -> &str {
    let value = value.trim();
    ['"', '\'']
        .into_iter()
        .find_map(|mark| value.strip_prefix(mark)?.strip_suffix(mark))
        .unwrap_or(value)
}

fn is_null(value: &str) -> bool {
    matches!(value, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::parse_policy;
    use proptest::prelude::*;

    #[test]
    fn the_published_scheme_is_written_as_it_was_published() {
        let policy = parse_policy("---b1b(0.3)b").expect("a policy");
        let options = Options::of(&policy).expect("the last ones");
        assert_eq!(
            options.arguments(),
            "--enable_backward_config 1 --n_bias_update 5 --manual_weight_idx 4-6 \
             --weight_update_ratio 1-0.3"
        );
        let none = Options::of(&parse_policy("---").expect("a policy")).expect("nothing learns");
        assert_eq!(
            none.arguments(),
            "--enable_backward_config 1 --n_bias_update 0"
        );
    }

    #[test]
    fn what_the_options_cannot_say_is_refused() {
        let policy = parse_policy("-b1-b").expect("a policy");
        assert_eq!(
            Options::of(&policy),
            Err(YamlError::NotLast {
                learns: 1,
                frozen: 3
            })
        );
    }

    #[test]
    fn only_the_three_options_count() {
        let file = b"data:\n  n: 3 # n_bias_update: 9\nbackward_config:\n  n_bias_update: 2\n  \
                     manual_weight_idx: '4-5'\n  weight_update_ratio: ~\n";
        let options = read(file).expect("options");
        assert_eq!(
            options.scheme(),
            "n_bias_update=2;manual_weight_idx=4-5;weight_update_ratio="
        );
        let other = read(b"n_bias_update: 2\nmanual_weight_idx: 5-4\nweight_update_ratio: .5-1.0");
        let same =
            read(b"n_bias_update: 2\nmanual_weight_idx: 4-5-3\nweight_update_ratio: 1-0.50-0");
        assert!(other.expect("options").agrees_with(&same.expect("options")));
        assert!(!options.agrees_with(&options));
        assert_eq!(read(b"a: 1"), Err(YamlError::Missing));
        assert_eq!(read(b"n_bias_update: null"), Err(YamlError::Missing));
        let twice = b"n_bias_update: 1\nn_bias_update: 1";
        assert_eq!(
            read(twice),
            Err(YamlError::Twice {
                key: "n_bias_update"
            })
        );
        for value in ["x", "-1", "1.5", "[1]"] {
            let file = format!("n_bias_update: {value}");
            assert!(
                matches!(read(file.as_bytes()), Err(YamlError::Value { .. })),
                "{value}"
            );
        }
        assert_eq!(read(b"\xff"), Err(YamlError::Text));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_lines_are_read_or_refused(
            text in "((n_bias_update|manual_weight_idx|weight_update_ratio)[ :\"'0-9.~#-]{0,12}\n){0,5}",
        ) {
            if let Ok(options) = read(text.as_bytes()) {
                prop_assert!(!options.scheme().contains(char::is_whitespace));
            }
        }
    }
}
