//! A network that a person brings: its new classifier, and the policies that suit it.

use std::borrow::Cow;

use quartermeg_core::network::{Network, NetworkError};
use quartermeg_core::policy::{LayerUpdate, PUBLISHED, Policy};

use crate::scenario::Preset;
use crate::setup::Head;

/// The published schemes near 100 KB, one for each network of `tiny-training`.
const NEAR_100_KB: [&str; 3] = ["mcunet-99kb", "mbv2-99kb", "proxyless-98kb"];
/// Layers of the preset that trains a few last ones whole.
const LAST_LAYERS: usize = 4;

/// Of each class, one of so many samples is held out.
pub const HELD_OUT_OF: usize = 5;

/// Whether the sample at this position of its class is held out to measure the accuracy on.
#[must_use]
pub fn is_held_out(position: usize) -> bool {
    position % HELD_OUT_OF == HELD_OUT_OF - 1
}

/// The network as it is trained: with its new classifier, or with its own.
///
/// # Errors
/// When the network has no features that a classifier could read.
pub fn with_head(network: &Network, head: Option<Head>) -> Result<Network, NetworkError> {
    match head {
        Some(head) => network.with_new_classifier(head.n_classes as usize, head.seed),
        None => Ok(network.clone()),
    }
}

/// The published scheme near 100 KB where there is one for so many convolutions, else the biases
/// of the last quarter of the layers.
#[must_use]
pub fn default_policy(network: &Network) -> Policy {
    let n_convs = network.convs().count();
    PUBLISHED
        .iter()
        .filter(|scheme| NEAR_100_KB.contains(&scheme.id))
        .find_map(|scheme| scheme.policy(n_convs).ok())
        .unwrap_or_else(|| last(n_convs, n_convs.div_ceil(4), LayerUpdate::Bias))
}

/// The policies to choose by name, the default first, none twice.
pub(crate) fn presets(network: &Network) -> Vec<Preset> {
    let n_convs = network.convs().count();
    let all = LayerUpdate::Weights { ratio: 1.0 };
    let default = default_policy(network);
    let mut presets: Vec<Preset> = Vec::new();
    let mut offer = |id, name: Cow<'static, str>, policy: Policy| {
        if presets.iter().all(|known| known.policy != policy) {
            presets.push(Preset { id, name, policy });
        }
    };
    let published = || {
        PUBLISHED
            .iter()
            .filter_map(|scheme| Some((scheme, scheme.policy(n_convs).ok()?)))
    };
    let name = match published().find(|(_, policy)| *policy == default) {
        Some((scheme, _)) => format!("Published {} (default)", size(scheme.id)),
        None => format!("Biases of the last {} (default)", n_convs.div_ceil(4)),
    };
    offer("default", name.into(), default.clone());
    for (scheme, policy) in published() {
        offer(
            scheme.id,
            format!("Published {}", size(scheme.id)).into(),
            policy,
        );
    }
    offer(
        "classifier",
        "Classifier only".into(),
        Policy::classifier_only(network),
    );
    offer(
        "bias",
        "All biases".into(),
        Policy::uniform(network, LayerUpdate::Bias),
    );
    if n_convs > LAST_LAYERS {
        offer(
            "last",
            format!("Last {LAST_LAYERS} layers").into(),
            last(n_convs, LAST_LAYERS, all),
        );
    }
    offer("full", "Full update".into(), Policy::uniform(network, all));
    presets
}

/// The size in the name of a published scheme: `99 KB` of `mcunet-99kb`.
fn size(id: &str) -> String {
    let size = id.rsplit_once('-').map_or(id, |(_, size)| size);
    format!("{} KB", size.trim_end_matches("kb"))
}

fn last(n_convs: usize, count: usize, update: LayerUpdate) -> Policy {
    let mut layers = vec![LayerUpdate::Frozen; n_convs];
    layers[n_convs - count.min(n_convs)..].fill(update);
    Policy::new(layers)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::scenario::KEYBOARD;

    fn keyboard() -> Network {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(KEYBOARD.network_path);
        crate::network_file::read(&fs::read(path).expect("ships")).expect("a network")
    }

    #[test]
    fn a_network_without_a_published_scheme_learns_the_last_biases() {
        let network = keyboard();
        let text = crate::link::policy_text(&default_policy(&network));
        assert_eq!(text, "----------------------bbbbbbbb");
        let presets = presets(&network);
        let names: Vec<&str> = presets.iter().map(|preset| &*preset.name).collect();
        assert_eq!(
            names,
            [
                "Biases of the last 8 (default)",
                "Classifier only",
                "All biases",
                "Last 4 layers",
                "Full update"
            ]
        );
    }

    #[test]
    fn published_sizes_are_read_from_their_names() {
        assert_eq!(size("proxyless-98kb"), "98 KB");
    }

    #[test]
    fn a_head_has_the_classes_that_were_asked_for() {
        let network = keyboard();
        let head = Head {
            n_classes: 3,
            seed: 7,
        };
        let with = with_head(&network, Some(head)).expect("fits");
        assert_eq!(with.classes().len(), 3);
        let other = with_head(&network, Some(Head { seed: 8, ..head })).expect("fits");
        assert_ne!(with, other);
        assert_eq!(with_head(&network, None).expect("fits"), network);
    }
}
