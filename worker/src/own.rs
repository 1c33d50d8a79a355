//! A network and samples that a person brought.

use quartermeg_core::network::{Network, Value};
use quartermeg_core::session::Samples;
use quartermeg_formats::input_range::InputRange;
use quartermeg_formats::model::{self, ModelKind};
use quartermeg_formats::scenario::Scenario;
use quartermeg_formats::table::{self, Values};
use quartermeg_formats::{explain, link, own};

use crate::files::short;
use crate::samples::{SampleSet, count};
use crate::trainer::no_network;
use quartermeg_web::protocol::{NetworkView, OwnSample, ReadSample, SampleData};

/// Samples of a person's own, and the network that learns them.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// The network as its file has it, and the scenario that it is for.
    network: Option<Network>,
    scenario: String,
    samples: Vec<CodedSample>,
    /// The samples as the program that runs takes them; none while there is nothing to learn from.
    pub(crate) set: Option<SampleSet>,
}

#[derive(Debug)]
struct CodedSample {
    id: u32,
    label: u32,
    held_out: bool,
    codes: Vec<i8>,
}

impl Own {
    /// Takes a network over; samples for another one go.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn open(
        &mut self,
        scenario: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<NetworkView, String> {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let (network, kind) = model::read(stem, bytes)
            .map_err(|error| format!("\"{}\" was not opened: {}", short(name), error.sentence()))?;
        let view = view(&network, kind);
        self.network = Some(network);
        scenario.clone_into(&mut self.scenario);
        self.samples.clear();
        self.set = None;
        Ok(view)
    }

    /// The network of a scenario, as its file has it.
    pub(crate) fn network(&self, scenario: &Scenario) -> Result<&Network, String> {
        let network = self.network.as_ref();
        network
            .filter(|_| self.scenario == scenario.id)
            .ok_or_else(|| {
                if scenario.is_own_network() {
                    "This is about your own network: open the network's file first, then try again."
                        .to_owned()
                } else {
                    no_network()
                }
            })
    }

    fn input(&self) -> Result<Value, String> {
        let network = self.network.as_ref().map(Network::input);
        network.ok_or_else(no_network)
    }

    /// The codes of an input.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn codes(&self, data: SampleData, range: u8) -> Result<Vec<i8>, String> {
        let input = self.input()?;
        let codes = match data {
            SampleData::Codes(codes) => codes,
            SampleData::Pixels(pixels) => {
                let range = InputRange::ALL
                    .get(usize::from(range))
                    .copied()
                    .unwrap_or_else(|| InputRange::of(input.quant));
                let codes = range.codes(input.quant);
                pixels
                    .iter()
                    .map(|&pixel| codes[usize::from(pixel)])
                    .collect()
            }
        };
        if codes.len() != input.shape.len() {
            return Err(format!(
                "The network reads {} values, but this has {}.",
                explain::number(input.shape.len() as u64),
                explain::number(codes.len() as u64)
            ));
        }
        Ok(codes)
    }

    /// Takes samples over.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn set_samples(
        &mut self,
        replace: bool,
        range: u8,
        samples: Vec<OwnSample>,
    ) -> Result<(), String> {
        let samples = samples
            .into_iter()
            .map(|sample| {
                Ok(CodedSample {
                    id: sample.id,
                    label: sample.label,
                    held_out: sample.held_out,
                    codes: self.codes(sample.data, range)?,
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        if replace {
            self.samples.clear();
        }
        self.samples.extend(samples);
        Ok(())
    }

    /// The samples of the first `n_classes` classes; none where there is nothing to learn from.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn sample_set(&self, n_classes: usize) -> Option<SampleSet> {
        let shape = self.input().ok()?.shape;
        let pick = |held_out: bool| {
            let chosen = || {
                self.samples
                    .iter()
                    .filter(move |it| it.held_out == held_out && (it.label as usize) < n_classes)
            };
            let codes = chosen().flat_map(|it| it.codes.iter().copied()).collect();
            let labels = chosen().map(|it| it.label).collect();
            let samples = Samples::new([shape.h, shape.w, shape.c], codes, labels)
                .expect("invariant: every sample has the length of the input");
            (samples, chosen().map(|it| it.id).collect())
        };
        let (learn, ids) = pick(false);
        let (test, _) = pick(true);
        (!learn.is_empty()).then_some(SampleSet {
            learn,
            pixels: Vec::new(),
            ids,
            test,
        })
    }

    /// Reads a file of samples.
    pub(crate) fn read(
        &self,
        name: &str,
        bytes: &[u8],
        labels: Option<&[u8]>,
    ) -> Result<Vec<ReadSample>, String> {
        let input = self.input()?;
        let samples = table::read(name, bytes, labels, input)
            .map_err(|sentence| format!("\"{}\" was left out: {sentence}", short(name)))?;
        Ok(samples
            .into_iter()
            .map(|sample| ReadSample {
                class: sample.class,
                data: match sample.values {
                    Values::Pixels(pixels) => SampleData::Pixels(pixels),
                    Values::Codes(codes) => SampleData::Codes(codes),
                },
            })
            .collect())
    }
}

fn view(network: &Network, kind: ModelKind) -> NetworkView {
    let input = network.input();
    let range = InputRange::of(input.quant);
    let index = (0..).zip(InputRange::ALL).find(|&(_, it)| it == range);
    NetworkView {
        kind: kind.name().to_owned(),
        n_layers: count(network.convs().count()),
        macs_forward: network.macs_forward(),
        input: [input.shape.h, input.shape.w, input.shape.c].map(count),
        n_classes: count(network.classes().len()),
        n_features: network
            .features()
            .map_or(0, |value| count(network.values()[value].shape.len())),
        range: index.map_or(0, |(index, _)| index),
        policy: link::policy_text(&own::default_policy(network)),
    }
}
