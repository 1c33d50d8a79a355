//! A person's own network and samples in the worker, on the host.
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/bench.rs"]
mod bench;

use std::fs;
use std::path::PathBuf;

use bench::Bench;
use quartermeg_formats::scenario::{KEYBOARD, PERSON};
use quartermeg_web::protocol::{
    Event, ExportKind, NetworkView, OwnSample, ReadSample, Request, SampleData,
};

const SETUP: &str = "v=1&scenario=own&head=3&stop=4&policy=----------------------bbbbbbb1";
/// Pixels of an input of the network.
const LEN: usize = 48 * 48;

impl Bench {
    /// A network is open, and a sample of each of three classes is there, one more held out.
    fn ready() -> Self {
        let mut bench = Self::empty();
        bench.open(&network());
        bench.configure(SETUP);
        bench.ask(Request::SetSamples {
            replace: false,
            range: 0,
            samples: (0..4).map(sample).collect(),
        });
        bench
    }

    fn open(&mut self, bytes: &[u8]) -> NetworkView {
        let name = "mine.safetensors".to_owned();
        match &self.ask(Request::OpenFile {
            name,
            bytes: bytes.to_vec(),
        })[..]
        {
            [Event::NetworkOpened(view)] => (**view).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn configure(&mut self, setup: &str) -> Vec<Event> {
        self.ask(Request::Configure {
            setup: setup.to_owned(),
        })
    }
}

fn network() -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read(root.join(KEYBOARD.network_path)).expect("the file ships")
}

fn sample(id: u32) -> OwnSample {
    let pixel = u8::try_from(60 * id).expect("small");
    OwnSample {
        id,
        label: id % 3,
        held_out: id == 3,
        data: SampleData::Pixels(vec![pixel; LEN]),
    }
}

#[test]
fn an_opened_network_tells_what_it_is() {
    let view = Bench::empty().open(&network());
    assert_eq!(view.input, [48, 48, 1]);
    assert_eq!((view.n_layers, view.n_classes), (30, 10));
    assert_eq!(view.policy, "----------------------bbbbbbbb");
    assert_eq!(view.kind, "Quartermeg network");
}

#[test]
fn the_network_of_a_scenario_is_for_that_scenario() {
    let mut bench = Bench::empty();
    let person = "v=1&scenario=person&stop=2".to_owned();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let network = Request::OpenNetwork {
        scenario: PERSON.id.to_owned(),
        name: PERSON.network_path.to_owned(),
        bytes: fs::read(root.join(PERSON.network_path)).expect("it ships"),
    };
    assert!(matches!(
        bench.ask(network.clone())[..],
        [Event::NetworkOpened(_)]
    ));
    let planned = bench.configure(&person);
    let Some(Event::Planned(plan)) = planned.first() else {
        panic!("{planned:?}")
    };
    assert_eq!(plan.presets[0].name, "Sparse update (default)");
    assert!(
        plan.presets[0]
            .arena_bytes
            .is_some_and(|bytes| bytes == plan.arena_bytes)
    );
    let pixels = |id: u8| OwnSample {
        id: u32::from(id),
        label: u32::from(id % 2),
        held_out: id == 3,
        data: SampleData::Pixels(vec![60 * id; 96 * 96]),
    };
    let told = bench.ask(Request::SetSamples {
        replace: false,
        range: 1,
        samples: (0..4).map(pixels).collect(),
    });
    let counts = Event::SamplesReady {
        n_learn: 3,
        n_test: 1,
    };
    assert!(told.contains(&counts), "{told:?}");
    assert_eq!(bench.train().0.step, 2);

    // Exported, it is opened again; elsewhere the page is told what it is about.
    let exported = bench.ask(Request::Export {
        kind: ExportKind::Program,
        with_weights: true,
    });
    let [Event::Exported { name, bytes }] = &exported[..] else {
        panic!("{exported:?}")
    };
    assert_eq!(name, "quartermeg.qmeg");
    let reopen = Request::OpenFile {
        name: name.clone(),
        bytes: bytes.clone(),
    };
    let opened = bench.ask(reopen.clone());
    assert!(
        matches!(&opened[0], Event::Opened { resumed_at: Some(2), notes, .. } if notes.is_empty()),
        "{opened:?}"
    );
    let mut elsewhere = Bench::ready();
    let told = elsewhere.ask(reopen.clone());
    assert!(
        matches!(&told[..], [Event::OtherScenario { scenario }] if scenario == PERSON.id),
        "{told:?}"
    );
    assert_eq!(elsewhere.train().0.step, 4);
}

#[test]
fn a_damaged_network_is_refused_and_the_old_one_stays() {
    let mut bench = Bench::ready();
    let mut damaged = network();
    damaged.truncate(1_000);
    let name = "cut.safetensors".to_owned();
    let sentence = bench.refusal(Request::OpenFile {
        name,
        bytes: damaged,
    });
    assert!(
        sentence.starts_with("\"cut.safetensors\" was not opened"),
        "{sentence}"
    );
    assert_eq!(bench.train().0.step, 4);
}

#[test]
fn own_samples_are_learned_measured_and_predicted() {
    let mut bench = Bench::ready();
    let (position, _) = bench.train();
    assert_eq!(position.step, 4);
    let shown = position.sample.expect("a sample");
    assert!(shown.index < 3 && shown.pixels.is_empty());
    let data = SampleData::Pixels(vec![7; LEN]);
    match &bench.ask(Request::Predict { data, range: 0 })[..] {
        [Event::Prediction { probabilities }] => assert_eq!(probabilities.len(), 3),
        other => panic!("{other:?}"),
    }
    let short = SampleData::Pixels(vec![7; 5]);
    let sentence = bench.refusal(Request::Predict {
        data: short,
        range: 0,
    });
    assert!(sentence.contains("2,304"), "{sentence}");
}

#[test]
fn the_same_samples_and_seeds_give_the_same_weights() {
    let digest = |setup: &str| {
        let mut bench = Bench::ready();
        bench.configure(setup);
        bench.train().0.weights_digest
    };
    let other_head = SETUP.replace("head=3", "head=3:1");
    assert_eq!(digest(SETUP), digest(SETUP));
    assert_ne!(digest(SETUP), digest(&other_head));
}

#[test]
fn samples_come_and_go_without_taking_the_weights() {
    let mut bench = Bench::ready();
    let before = bench.train().0.weights_digest;
    let events = bench.ask(Request::SetSamples {
        replace: false,
        range: 0,
        samples: vec![sample(4)],
    });
    match &events[..] {
        [
            Event::SamplesReady {
                n_learn: 4,
                n_test: 1,
            },
            Event::Position(position),
        ] => {
            assert_eq!((position.step, &position.weights_digest), (4, &before));
        }
        other => panic!("{other:?}"),
    }
    let events = bench.ask(Request::SetSamples {
        replace: true,
        range: 0,
        samples: vec![],
    });
    assert!(matches!(
        events[0],
        Event::SamplesReady {
            n_learn: 0,
            n_test: 0
        }
    ));
}

#[test]
fn a_classifier_of_fewer_classes_leaves_the_others_out() {
    let mut bench = Bench::ready();
    let events = bench.configure(&SETUP.replace("head=3", "head=2"));
    assert!(matches!(
        events[..],
        [
            Event::Planned(_),
            Event::SamplesReady {
                n_learn: 2,
                n_test: 1
            },
            Event::Position(_)
        ]
    ));
}

#[test]
fn files_of_samples_are_read_or_refused_by_name() {
    let mut bench = Bench::ready();
    let row = vec!["0.5"; LEN].join(",");
    let file = |text: String| Request::ReadSamples {
        name: "rows.csv".to_owned(),
        bytes: text.into_bytes(),
        labels: None,
    };
    match &bench.ask(file(format!("{row},cat")))[..] {
        [Event::SamplesRead(samples)] => {
            assert!(matches!(
                &samples[..],
                [ReadSample {
                    class: Some(class),
                    data: SampleData::Codes(codes)
                }] if class == "cat" && codes.len() == LEN
            ));
        }
        other => panic!("{other:?}"),
    }
    let sentence = bench.refusal(file("1,2,3".to_owned()));
    assert!(
        sentence.contains("\"rows.csv\" was left out: Line 1"),
        "{sentence}"
    );
}

#[test]
fn an_export_comes_back_where_its_network_is_open() {
    let mut bench = Bench::ready();
    let digest = bench.train().0.weights_digest;
    for kind in [ExportKind::Configuration, ExportKind::Program] {
        let events = bench.ask(Request::Export {
            kind,
            with_weights: true,
        });
        let [Event::Exported { name, bytes }] = &events[..] else {
            panic!("{events:?}");
        };
        let request = Request::OpenFile {
            name: name.clone(),
            bytes: bytes.clone(),
        };
        let sentence = Bench::empty().refusal(request.clone());
        assert!(
            sentence.contains("open the network's file first"),
            "{sentence}"
        );

        let mut other = Bench::empty();
        other.open(&network());
        other.configure("v=1&scenario=own&policy=------------------------------");
        other.ask(Request::SetSamples {
            replace: false,
            range: 0,
            samples: (0..4).map(sample).collect(),
        });
        let events = other.ask(request);
        assert!(matches!(
            &events[0],
            Event::Opened { resumed_at: Some(4), notes, .. } if notes.is_empty()
        ));
        let [.., Event::Position(position)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(position.weights_digest, digest);
    }
}
