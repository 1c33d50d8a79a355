//! Whole training steps to be timed: MCUNet under its published 99 KB scheme, and Keyboard.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{Passes, compile_with};
use quartermeg_core::network::Network;
use quartermeg_core::policy::parse_scheme;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::{Kernels, Native};
use quartermeg_core::runtime::{NoTrace, Runtime, mix};
use quartermeg_formats::{model, network_file, scenario};

/// The published scheme of 99 KB of MCUNet.
const SCHEME: &str = "mcunet-99kb";
/// Samples that take turns.
const N_SAMPLES: u32 = 4;

/// A program, its block, and where training stands.
pub(crate) struct Steps<K = Native> {
    runtime: Runtime<AlignedBytes, AlignedBytes, K>,
    settings: Settings,
    samples: Vec<Vec<i8>>,
    n_classes: u32,
    step: u32,
}

impl<K: Kernels> Steps<K> {
    /// MCUNet, if `QUARTERMEG_REFERENCE_DIR` names a folder that has it.
    pub(crate) fn mcunet(rules: Rules, passes: Passes) -> Option<Self> {
        let folder = std::env::var_os("QUARTERMEG_REFERENCE_DIR").map(PathBuf::from)?;
        let path = folder.join("models/mcunet-5fps.pkl");
        let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (network, kind) = model::read("mcunet", &file).expect("a network file");
        let network = model::for_training(&network, kind, None, rules).expect("it has features");
        let policy = parse_scheme(&network, SCHEME).expect("the scheme is for this network");
        let settings = Settings::constant(0.01, 1);
        Some(Self::new(&network, &policy, rules, settings, passes))
    }

    /// The Keyboard scenario as a newcomer meets it.
    pub(crate) fn keyboard(passes: Passes) -> Self {
        let scenario = scenario::KEYBOARD;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let file = fs::read(path.join(scenario.network_path)).expect("it ships");
        let network = network_file::read(&file).expect("a network file");
        let setup = scenario.default_setup();
        let settings = setup.settings();
        Self::new(&network, &setup.policy, setup.rules, settings, passes)
    }

    fn new(
        network: &Network,
        policy: &quartermeg_core::policy::Policy,
        rules: Rules,
        settings: Settings,
        passes: Passes,
    ) -> Self {
        let image = compile_with(network, policy, rules, settings, passes)
            .expect("it can be trained that way");
        let program = Program::parse(image).expect("the compiler writes programs");
        let n_classes = program.meta().head.n_classes;
        let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
        let n_codes = network.input().shape.len();
        let samples = (0..N_SAMPLES).map(|sample| noise(sample, n_codes));
        Self {
            runtime: Runtime::new(program, arena).expect("a block of the stated size"),
            settings,
            samples: samples.collect(),
            n_classes,
            step: 0,
        }
    }

    /// Runs one whole step; nothing of the step before is used but the weights.
    pub(crate) fn step(&mut self) {
        let sample = self.step % N_SAMPLES;
        let codes = &self.samples[sample as usize];
        self.runtime
            .load_sample(codes, sample % self.n_classes)
            .expect("it fits the network");
        let params = self.settings.step_params(self.step);
        self.runtime.step(&params, &mut NoTrace);
        self.step += 1;
    }

    /// Steps a second in the best of `n_windows` windows of `n_steps` steps, by the processor
    /// time that this thread got.
    pub(crate) fn best_rate(&mut self, n_windows: u32, n_steps: u32) -> f64 {
        let clock = Clock::start();
        let mut best = 0.0f64;
        for _ in 0..n_windows {
            let start = clock.seconds();
            for _ in 0..n_steps {
                self.step();
            }
            best = best.max(f64::from(n_steps) / (clock.seconds() - start));
        }
        best
    }
}

/// Codes without structure: every path of the arithmetic sees all kinds of values.
fn noise(sample: u32, n_codes: usize) -> Vec<i8> {
    (0u32..)
        .take(n_codes)
        .map(|at| mix(at ^ (sample << 24)).to_le_bytes()[0].cast_signed())
        .collect()
}

/// Processor time of the thread where the system tells it in nanoseconds, as Linux does; else
/// the wall clock.
struct Clock {
    start: Instant,
    is_of_thread: bool,
}

impl Clock {
    fn start() -> Self {
        Self {
            start: Instant::now(),
            is_of_thread: thread_seconds().is_some_and(|seconds| seconds > 0.0),
        }
    }

    fn seconds(&self) -> f64 {
        let of_thread = self.is_of_thread.then(thread_seconds).flatten();
        of_thread.unwrap_or_else(|| self.start.elapsed().as_secs_f64())
    }
}

fn thread_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos / 1e9)
}
