//! Windows of motion in the worker, on the host.
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/bench.rs"]
mod bench;
#[path = "common/files.rs"]
mod files;

use std::fmt::Write as _;

use bench::Bench;
use files::{load_network, load_samples};
use quartermeg_formats::scenario::{KEYBOARD, WATCH};
use quartermeg_web::protocol::{Event, ExportKind, MotionView, Position, Request, SampleData};

const SETUP: &str = "v=1&scenario=watch&stop=6";

impl Bench {
    /// Network, samples and plan of the scenario are there.
    fn ready() -> (Self, MotionView) {
        let mut bench = Self::empty();
        assert_eq!(bench.ask(load_network(&WATCH)), []);
        let events = bench.ask(load_samples(&WATCH));
        let [
            Event::SamplesReady {
                n_learn: 56,
                n_test: 140,
            },
            Event::Motion(view),
        ] = &events[..]
        else {
            panic!("{events:?}");
        };
        let view = (**view).clone();
        bench.configure(SETUP);
        (bench, view)
    }

    fn configure(&mut self, setup: &str) -> Position {
        let setup = setup.to_owned();
        match &self.ask(Request::Configure { setup })[..] {
            [Event::Planned(_), Event::Position(position)] => (**position).clone(),
            other => panic!("{other:?}"),
        }
    }

    /// What a window is taken for now, and was before learning.
    fn predict(&mut self, codes: &[i8]) -> (Vec<f32>, (u32, f32)) {
        let data = SampleData::Codes(codes.to_vec());
        match &self.ask(Request::Predict { data, range: 0 })[..] {
            [
                Event::Prediction { probabilities },
                Event::PredictionBefore { class, probability },
            ] => (probabilities.clone(), (*class, *probability)),
            other => panic!("{other:?}"),
        }
    }
}

fn recording(text: &str) -> Request {
    Request::ReadRecording {
        name: "mine.csv".to_owned(),
        bytes: text.as_bytes().to_vec(),
    }
}

/// The values of a window as a person would have recorded them.
fn csv(view: &MotionView, codes: &[i8]) -> String {
    let mut text = String::from("ax,ay,az,wx,wy,wz\n");
    for moment in codes.chunks(view.channels.len()) {
        let cells: Vec<String> = moment
            .iter()
            .zip(&view.channels)
            .map(|(&code, channel)| {
                format!("{}", channel.line[0] + channel.line[1] * f64::from(code))
            })
            .collect();
        let _ = writeln!(text, "{}", cells.join(","));
    }
    text
}

#[test]
fn the_page_is_told_how_motion_is_recorded() {
    let (mut bench, view) = Bench::ready();
    assert_eq!(view.class_names[0], "pendulum");
    assert_eq!((view.rate_hz, view.channels.len()), (25, 6));
    assert_eq!(view.held_out.len(), 140);
    assert!(view.held_out.iter().all(|(_, codes)| codes.len() == 64 * 6));
    // The order of arrival does not matter.
    let mut other = Bench::empty();
    other.ask(load_samples(&WATCH));
    assert!(matches!(
        other.ask(load_network(&WATCH))[..],
        [Event::Motion(_)]
    ));
    let shown = bench.configure(SETUP).sample.expect("a sample");
    assert_eq!((shown.codes.len(), shown.pixels.len()), (64 * 6, 0));
}

#[test]
fn a_recording_gives_the_codes_that_the_scripts_made_and_is_learned() {
    let (mut bench, view) = Bench::ready();
    let (label, codes) = &view.held_out[3];
    let events = bench.ask(recording(&csv(&view, codes)));
    let [Event::RecordingRead { name, windows }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(name, "mine.csv");
    assert_eq!(windows, std::slice::from_ref(codes));
    let add = |windows: &[Vec<i8>], label| Request::AddWindows {
        windows: windows.to_vec(),
        label,
    };
    assert_eq!(
        bench.ask(add(windows, *label)),
        [Event::SampleAdded { n_learn: 57 }]
    );
    // A class that does not exist, and a window of another size.
    bench.refusal(add(windows, 7));
    bench.refusal(add(&[vec![0; 5]], 0));
    assert_eq!(bench.train().0.step, 6);
}

#[test]
fn what_a_window_was_taken_for_before_learning_stays() {
    let (mut bench, view) = Bench::ready();
    let codes = &view.held_out[0].1;
    let (first, before) = bench.predict(codes);
    assert!((first[before.0 as usize] - before.1).abs() < 1e-6);
    bench.train();
    let (later, still) = bench.predict(codes);
    assert_eq!(before, still);
    assert_ne!(first, later);
    bench.ask(Request::Reset);
    assert_eq!(bench.predict(codes).0, first);
}

#[test]
fn bad_recordings_are_refused_in_a_sentence_and_nothing_is_lost() {
    let (mut bench, _) = Bench::ready();
    let row = "0.1,0.2,0.3,1,2,3\n";
    for (text, words) in [
        (
            format!("{row}1,2,3\n"),
            "\"mine.csv\" was left out: Line 2 has 3 columns, but a row has 6: ax, ay, az, wx, wy, wz.",
        ),
        (
            format!("{row}0.1,much,0.3,1,2,3\n"),
            "Line 2, column 2, holds \"much\", which is no number.",
        ),
        (
            row.repeat(40),
            "It has 40 rows of numbers, but 64 are needed: 2.56 s at 25 Hz.",
        ),
    ] {
        let sentence = bench.refusal(recording(&text));
        assert!(sentence.contains(words), "{sentence}");
    }
    assert_eq!(bench.train().0.step, 6);
}

#[test]
fn scenarios_take_turns() {
    let (mut bench, _) = Bench::ready();
    bench.train();
    // The samples of the other one come first, and nothing runs until its network is there.
    bench.ask(load_samples(&KEYBOARD));
    assert!(bench.refusal(Request::Step).contains("samples"));
    bench.ask(load_network(&KEYBOARD));
    let shown = bench.configure("").sample.expect("a sample");
    assert_eq!((shown.pixels.len(), shown.codes.len()), (784, 0));
    bench.refusal(recording("1,2,3,4,5,6\n"));
    assert!(
        bench
            .refusal(Request::Configure {
                setup: SETUP.to_owned()
            })
            .contains("no network yet")
    );
}

#[test]
fn a_file_of_another_scenario_waits_for_its_network() {
    let (mut bench, _) = Bench::ready();
    let digest = bench.train().0.weights_digest;
    for kind in [ExportKind::Configuration, ExportKind::Program] {
        let events = bench.ask(Request::Export {
            kind,
            with_weights: true,
        });
        let [Event::Exported { name, bytes }] = &events[..] else {
            panic!("{events:?}");
        };
        let open = Request::OpenFile {
            name: name.clone(),
            bytes: bytes.clone(),
        };
        let mut other = Bench::empty();
        other.ask(load_network(&KEYBOARD));
        other.ask(load_samples(&KEYBOARD));
        other.configure("");
        let scenario = "watch".to_owned();
        assert_eq!(other.ask(open.clone()), [Event::OtherScenario { scenario }]);
        // The samples may come last.
        other.ask(load_network(&WATCH));
        let events = other.ask(open);
        assert!(matches!(
            &events[0],
            Event::Opened { resumed_at: Some(6), notes, .. } if notes.is_empty()
        ));
        let events = other.ask(load_samples(&WATCH));
        let [.., Event::Position(position)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!((position.step, &position.weights_digest), (6, &digest));
    }
}
