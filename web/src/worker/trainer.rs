//! All that the worker does, without a browser.
//!
//! Requests come in by [`Trainer::handle`], time by [`Trainer::slice`], and events go out by
//! [`Trainer::take_events`]. A slice takes about [`SLICE_MILLIS`], so that whoever calls it can
//! look for requests in between.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::runtime::NoTrace;
use quartermeg_core::session::{Evaluator, Samples, Session};
use quartermeg_formats::config::{Trained, hex};
use quartermeg_formats::image::{self, IMAGE_EXTENT};
use quartermeg_formats::setup::Setup;
use quartermeg_formats::{explain, link, network_file, sample_file, scenario};

use super::batch::{LossBatch, Rate};
use super::gauge::{Extent, Gauge, TestSamples};
use super::recorder::Recorder;
use super::{files, names, plan};
use crate::protocol::{
    Batch, Event, ExportKind, FromWorker, Position, PresetView, Request, SampleView, Speed,
    ToWorker,
};

/// Time that a slice takes, in milliseconds.
pub const SLICE_MILLIS: f64 = 12.0;
/// Time between two batches, in milliseconds: 20 a second.
const BATCH_MILLIS: f64 = 50.0;
/// Share of the time that measuring the accuracy may take while training runs.
const GAUGE_SHARE: f64 = 0.1;
/// Pixels of a small image.
const IMAGE_PIXELS: usize = IMAGE_EXTENT * IMAGE_EXTENT;

/// Tells the time.
pub trait Clock {
    /// Milliseconds since some moment.
    fn now(&self) -> f64;
}

/// When the next slice is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// When a request has come.
    Idle,
    /// As soon as requests have been looked for.
    Soon,
    /// After so many milliseconds, or when a request has come.
    After(f64),
}

/// The worker's logic.
#[derive(Debug)]
pub struct Trainer<C> {
    clock: C,
    events: Vec<FromWorker>,
    /// Largest number of a request so far; events that nobody asked for carry it.
    newest_request: u32,
    network: Option<Network>,
    presets: Vec<PresetView>,
    samples: Option<SampleSet>,
    compiled: Option<Compiled>,
    run: Option<Run>,
    /// How fast training runs; none while it stands still.
    speed: Option<Speed>,
}

/// The samples of the scenario, and what a person drew.
#[derive(Debug)]
struct SampleSet {
    learn: Samples,
    /// Grey values of the samples to learn from, drawn ones included.
    pixels: Vec<u8>,
    test: TestSamples,
}

/// A setup and its program.
#[derive(Debug)]
struct Compiled {
    setup: Setup,
    image: AlignedBytes,
    program: Program<AlignedBytes>,
    /// Runs drawings; the accuracy has an evaluator of its own, whose weights stand still.
    reader: Evaluator,
    /// Trained weights that the run starts with, from a file.
    trained: Option<Trained>,
}

/// A session and what is known of it.
#[derive(Debug)]
struct Run {
    session: Session,
    /// Settings from the next step on.
    settings: Settings,
    recorder: Recorder,
    /// Step that the recorder has listened to.
    recorded: u32,
    losses: LossBatch,
    rate: Rate,
    gauge: Gauge,
    /// Time that the gauge may still take.
    gauge_credit: f64,
    /// Moment of the newest batch.
    batch_at: f64,
    /// Moment at which the slow speeds go on.
    tick_at: f64,
    /// Digest of the weights after so many whole steps.
    digest: Option<(u32, String)>,
}

impl<C: Clock> Trainer<C> {
    /// A trainer that knows nothing yet.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            events: Vec::new(),
            newest_request: 0,
            network: None,
            presets: Vec::new(),
            samples: None,
            compiled: None,
            run: None,
            speed: None,
        }
    }

    /// What has happened since the last call.
    pub fn take_events(&mut self) -> Vec<FromWorker> {
        std::mem::take(&mut self.events)
    }

    /// Answers a request.
    pub fn handle(&mut self, message: ToWorker) {
        let ToWorker { id, request } = message;
        self.newest_request = self.newest_request.max(id);
        if let Err(message) = self.answer(id, request) {
            self.tell(id, Event::Failed { message });
        }
    }

    fn answer(&mut self, id: u32, request: Request) -> Result<(), String> {
        match request {
            Request::LoadNetwork(file) => self.load_network(&file),
            Request::LoadSamples(file) => self.load_samples(id, &file),
            Request::Configure { setup } => self.configure(id, &setup),
            Request::Tune {
                learning_rate,
                qas,
                stop_after,
            } => self.tune(learning_rate, qas, stop_after),
            Request::SetDevice {
                device,
                budget_bytes,
            } => {
                let setup = &mut self.compiled()?.setup;
                (setup.device, setup.budget_bytes) = (device, budget_bytes);
                Ok(())
            }
            Request::Play(speed) => self.play(id, speed),
            Request::Pause => {
                self.pause();
                self.tell_position(id);
                Ok(())
            }
            Request::Step => self.inspect(id, |run| {
                run.step_recorded();
            }),
            Request::NextOperation => self.inspect(id, Run::next_operation),
            Request::PreviousOperation => self.inspect(id, Run::previous_operation),
            Request::Seek(n_ops) => self.inspect(id, |run| run.seek(n_ops)),
            Request::Reset => self.reset(id),
            Request::Classify(pixels) => self.classify(id, &pixels),
            Request::AddSample { pixels, label } => self.add_sample(id, &pixels, label),
            Request::Export { kind, with_weights } => self.export(id, kind, with_weights),
            Request::OpenFile { name, bytes } => self.open_file(id, &name, &bytes),
        }
    }

    // -- Files of the scenario -----------------------------------------------------------------

    fn load_network(&mut self, file: &[u8]) -> Result<(), String> {
        self.pause();
        (self.network, self.compiled, self.run) = (None, None, None);
        let network = network_file::read(file).map_err(|error| {
            format!(
                "The network cannot be used: {}",
                explain::network(&error)
            )
        })?;
        self.network = Some(network);
        self.presets.clear();
        Ok(())
    }

    fn load_samples(&mut self, id: u32, file: &[u8]) -> Result<(), String> {
        self.pause();
        let digits = sample_file::read_digits(file).map_err(|error| {
            format!("The samples cannot be used: {}", explain::samples(&error))
        })?;
        let samples = SampleSet {
            learn: digits.learn,
            pixels: digits.learn_pixels,
            test: TestSamples::new(digits.test),
        };
        let run = match &self.compiled {
            Some(compiled) => Some(Run::start(compiled, &samples.learn)?),
            None => None,
        };
        self.tell(
            id,
            Event::SamplesReady {
                n_learn: count(samples.learn.len()),
                n_test: count(samples.test.len()),
            },
        );
        self.samples = Some(samples);
        if run.is_some() {
            self.run = run;
            self.tell_position(id);
        }
        Ok(())
    }

    // -- Setup ---------------------------------------------------------------------------------

    fn configure(&mut self, id: u32, setup: &str) -> Result<(), String> {
        let (link, _) = link::parse(setup);
        let (compiled, run) = self.prepare(link.setup, None)?;
        self.take(id, compiled, run);
        Ok(())
    }

    /// Compiles a setup and starts a session of it; nothing is changed yet.
    fn prepare(
        &self,
        setup: Setup,
        trained: Option<Trained>,
    ) -> Result<(Compiled, Option<Run>), String> {
        let network = self.network()?;
        let image = compile(network, &setup.policy, setup.settings())
            .map_err(|error| explain::compile(&error))?;
        let compiled = Compiled {
            setup,
            program: Program::parse(image.clone()).map_err(|error| explain::program(&error))?,
            reader: Evaluator::new(image.clone()).map_err(|error| explain::session(&error))?,
            image,
            trained,
        };
        // A session that runs has the drawn samples too.
        let samples = match (&self.run, &self.samples) {
            (Some(run), _) => Some(run.session.samples()),
            (None, Some(samples)) => Some(&samples.learn),
            (None, None) => None,
        };
        let run = match samples {
            Some(samples) => Some(Run::start(&compiled, samples)?),
            None => None,
        };
        Ok((compiled, run))
    }

    /// Takes over what [`Self::prepare`] has made, and tells the page.
    fn take(&mut self, id: u32, compiled: Compiled, run: Option<Run>) {
        self.pause();
        if let (Some(network), true) = (&self.network, self.presets.is_empty()) {
            let scenario = scenario::by_id(&compiled.setup.scenario);
            self.presets =
                plan::presets(scenario.unwrap_or(&scenario::SCENARIOS[0]), network);
        }
        if let Some(network) = &self.network {
            let view = plan::view(
                &compiled.program,
                network,
                &compiled.setup,
                self.presets.clone(),
            );
            self.tell(id, Event::Planned(Box::new(view)));
        }
        self.compiled = Some(compiled);
        self.run = run;
        self.tell_position(id);
    }

    fn tune(&mut self, learning_rate: f32, qas: bool, stop_after: u32) -> Result<(), String> {
        let compiled = self.compiled()?;
        let setup = &mut compiled.setup;
        (setup.learning_rate, setup.qas, setup.stop_after) = (learning_rate, qas, stop_after);
        let settings = setup.settings();
        if let Some(run) = &mut self.run {
            run.settings = settings;
        }
        Ok(())
    }

    // -- Transport -----------------------------------------------------------------------------

    fn play(&mut self, id: u32, speed: Speed) -> Result<(), String> {
        let now = self.clock.now();
        let stop_after = self.compiled()?.setup.stop_after;
        let run = self.run.as_mut().ok_or_else(no_samples)?;
        if run.is_at_stop(stop_after) {
            self.tell_position(id);
            return Ok(());
        }
        if self.speed.is_none() {
            run.gauge.hurry(&run.session);
        }
        if self.speed != Some(speed) {
            run.rate.begin(now, run.session.step_count());
            (run.batch_at, run.tick_at, run.gauge_credit) = (now, now, 0.0);
        }
        self.speed = Some(speed);
        Ok(())
    }

    fn pause(&mut self) {
        self.speed = None;
    }

    fn inspect(&mut self, id: u32, change: impl FnOnce(&mut Run)) -> Result<(), String> {
        self.pause();
        let run = self.run.as_mut().ok_or_else(no_samples)?;
        run.remember_digest();
        change(run);
        self.tell_position(id);
        Ok(())
    }

    fn reset(&mut self, id: u32) -> Result<(), String> {
        self.pause();
        let compiled = self.compiled()?;
        compiled.trained = None;
        if let Some(run) = &mut self.run {
            run.session.reset();
            run.forget();
        }
        self.tell_position(id);
        Ok(())
    }

    // -- Drawing -------------------------------------------------------------------------------

    fn classify(&mut self, id: u32, pixels: &[u8]) -> Result<(), String> {
        check_image(pixels)?;
        let state = self.run.as_ref().map(|run| run.session.state());
        let reader = &mut self.compiled()?.reader;
        if let Some(state) = state {
            reader.begin(&state).map_err(|error| explain::input(&error))?;
        }
        reader
            .classify(&image::enlarge(pixels))
            .map_err(|error| explain::input(&error))?;
        let probabilities = softmax(reader.logits());
        self.tell(id, Event::Prediction { probabilities });
        Ok(())
    }

    fn add_sample(&mut self, id: u32, pixels: &[u8], label: u32) -> Result<(), String> {
        check_image(pixels)?;
        let (Some(samples), Some(run)) = (&mut self.samples, &mut self.run) else {
            return Err(no_samples());
        };
        run.session
            .add_sample(&image::enlarge(pixels), label)
            .map_err(|error| explain::input(&error))?;
        samples.pixels.extend_from_slice(pixels);
        let n_learn = count(run.session.samples().len());
        self.tell(id, Event::SampleAdded { n_learn });
        Ok(())
    }

    // -- Files of the person -------------------------------------------------------------------

    fn export(&mut self, id: u32, kind: ExportKind, with_weights: bool) -> Result<(), String> {
        let trained = match &mut self.run {
            Some(run) if with_weights => Some(run.trained()),
            None if with_weights => return Err(no_samples()),
            _ => None,
        };
        let network = self.network()?;
        let compiled = self.compiled.as_ref().ok_or_else(no_plan)?;
        let (name, bytes) = files::export(
            kind,
            &compiled.setup,
            network,
            &compiled.program,
            trained.as_ref(),
        );
        self.tell(id, Event::Exported { name, bytes });
        Ok(())
    }

    fn open_file(&mut self, id: u32, name: &str, bytes: &[u8]) -> Result<(), String> {
        let opened = files::open(name, bytes)?;
        let setup = link::to_fragment(&link::Link {
            setup: opened.setup.clone(),
            hidden: Vec::new(),
            locked: Vec::new(),
        });
        let resumed_at = opened.trained.as_ref().map(|trained| trained.steps);
        let digest = opened
            .trained
            .as_ref()
            .map(|trained| trained.weights_digest.clone());
        let (compiled, mut run) = self
            .prepare(opened.setup, opened.trained)
            .map_err(|sentence| format!("\"{name}\" was not opened: {sentence}"))?;
        let mut notes = Vec::new();
        if hex(&compiled.program.identity()) != opened.identity {
            notes.push(
                "It was made from another network or by another version, so its plan differs \
                 from the one that you see."
                    .to_owned(),
            );
        }
        if let (Some(run), Some(digest)) = (&mut run, digest) {
            if run.digest() != digest {
                notes.push(
                    "The digest of its weights differs from the one that it states.".to_owned(),
                );
            }
        }
        self.tell(
            id,
            Event::Opened {
                setup,
                resumed_at,
                notes,
            },
        );
        self.take(id, compiled, run);
        Ok(())
    }

    // -- Time ----------------------------------------------------------------------------------

    /// Trains and measures for one slice, and says when the next one is due.
    pub fn slice(&mut self) -> Next {
        let begin = self.clock.now();
        match self.speed {
            Some(Speed::Unlimited) => {
                self.train_until(begin + SLICE_MILLIS);
                let now = self.clock.now();
                self.measure_beside(now - begin);
            }
            Some(speed) => self.tick(speed, begin),
            None => {}
        }
        if self.speed == Some(Speed::Unlimited) {
            return Next::Soon;
        }
        if self.measure_until(begin + SLICE_MILLIS) {
            return Next::Soon;
        }
        match (self.speed, &self.run) {
            (Some(_), Some(run)) => Next::After((run.tick_at - self.clock.now()).max(0.0)),
            _ => Next::Idle,
        }
    }

    fn train_until(&mut self, end: f64) {
        let (Some(compiled), Some(run)) = (&self.compiled, &mut self.run) else {
            return;
        };
        let stop_after = compiled.setup.stop_after;
        let mut now = self.clock.now();
        loop {
            if run.is_at_stop(stop_after) {
                self.stop();
                return;
            }
            if now - run.batch_at >= BATCH_MILLIS {
                // Only what is sent is listened to: gathering norms costs time.
                run.step_recorded();
                now = self.clock.now();
                let batch = run.batch(now);
                run.batch_at = now;
                let id = self.newest_request;
                self.events.push(FromWorker {
                    id,
                    event: Event::Progress(Box::new(batch)),
                });
            } else {
                run.step_quietly();
                now = self.clock.now();
            }
            if now >= end {
                return;
            }
        }
    }

    /// One step or operation at a slow speed, when it is due.
    fn tick(&mut self, speed: Speed, now: f64) {
        let (Some(compiled), Some(run)) = (&self.compiled, &mut self.run) else {
            return;
        };
        if now < run.tick_at {
            return;
        }
        if run.is_at_stop(compiled.setup.stop_after) {
            self.stop();
            return;
        }
        let interval = if speed == Speed::OperationPerSecond {
            run.next_operation();
            1_000.0
        } else {
            run.step_recorded();
            100.0
        };
        run.tick_at = (run.tick_at + interval).max(now);
        let batch = run.batch(now);
        let id = self.newest_request;
        self.tell(id, Event::Progress(Box::new(batch)));
    }

    fn stop(&mut self) {
        self.pause();
        let id = self.newest_request;
        self.tell_position(id);
    }

    /// Measures the accuracy for at most a tenth of the time that training takes.
    fn measure_beside(&mut self, trained_for: f64) {
        if let Some(run) = &mut self.run {
            run.gauge_credit =
                (run.gauge_credit + GAUGE_SHARE * trained_for).min(SLICE_MILLIS);
        }
        while self.run.as_ref().is_some_and(|run| run.gauge_credit > 0.0) {
            let before = self.clock.now();
            if !self.measure_one() {
                return;
            }
            let took = self.clock.now() - before;
            if let Some(run) = &mut self.run {
                run.gauge_credit -= took;
            }
        }
    }

    /// Measures the accuracy while there is nothing else to do; whether there is more.
    fn measure_until(&mut self, end: f64) -> bool {
        while self.measure_one() {
            if self.clock.now() >= end {
                return true;
            }
        }
        false
    }

    /// Measures one sample; whether there was one.
    fn measure_one(&mut self) -> bool {
        let (Some(samples), Some(run)) = (&self.samples, &mut self.run) else {
            return false;
        };
        let extent = if self.speed.is_some() { Extent::Part } else { Extent::All };
        if !run.gauge.has_work(&run.session, extent) {
            return false;
        }
        if let Some((step, accuracy)) = run.gauge.advance(&run.session, &samples.test, extent) {
            let id = self.newest_request;
            self.tell(
                id,
                Event::Accuracy {
                    step,
                    correct: accuracy.correct,
                    total: accuracy.total,
                },
            );
        }
        true
    }

    // -- Answers -------------------------------------------------------------------------------

    fn tell(&mut self, id: u32, event: Event) {
        self.events.push(FromWorker { id, event });
    }

    fn tell_position(&mut self, id: u32) {
        let now = self.clock.now();
        let running = self.speed.is_some();
        let stop_after = self.compiled.as_ref().map_or(u32::MAX, |it| it.setup.stop_after);
        let position = self.run.as_mut().map_or_else(Position::default, |run| Position {
            step: run.session.step_count(),
            op: run.session.op_count(),
            loss: run.session.loss(),
            weights_digest: run.digest(),
            running,
            stop_reached: run.is_at_stop(stop_after),
            batch: Some(run.batch(now)),
            sample: self.samples.as_ref().and_then(|samples| run.sample(samples)),
        });
        self.tell(id, Event::Position(Box::new(position)));
    }

    fn network(&self) -> Result<&Network, String> {
        self.network
            .as_ref()
            .ok_or_else(|| "There is no network to work with; load the page again.".to_owned())
    }

    fn compiled(&mut self) -> Result<&mut Compiled, String> {
        self.compiled.as_mut().ok_or_else(no_plan)
    }
}

impl Run {
    fn start(compiled: &Compiled, samples: &Samples) -> Result<Self, String> {
        let mut session = Session::new(compiled.image.clone(), samples.clone())
            .map_err(|error| explain::session(&error))?;
        let settings = compiled.setup.settings();
        session.set_settings(settings);
        if let Some(trained) = &compiled.trained {
            session
                .resume(&trained.state, trained.steps)
                .map_err(|error| explain::input(&error))?;
        }
        let evaluator = Evaluator::new(compiled.image.clone())
            .map_err(|error| explain::session(&error))?;
        Ok(Self {
            session,
            settings,
            recorder: Recorder::default(),
            recorded: 0,
            losses: LossBatch::default(),
            rate: Rate::default(),
            gauge: Gauge::new(evaluator),
            gauge_credit: 0.0,
            batch_at: 0.0,
            tick_at: 0.0,
            digest: None,
        })
    }

    fn is_at_stop(&self, stop_after: u32) -> bool {
        self.session.op_count() == 0 && self.session.step_count() >= stop_after
    }

    /// Settings that changed inside a step wait for the next one.
    fn take_settings(&mut self) {
        if self.session.op_count() == 0 {
            self.session.set_settings(self.settings);
        }
    }

    fn step_quietly(&mut self) {
        self.take_settings();
        let record = self.session.step(&mut NoTrace);
        self.losses.push(record.step, record.loss);
    }

    fn step_recorded(&mut self) {
        self.take_settings();
        if self.session.op_count() == 0 {
            self.recorder.clear();
        }
        let record = self.session.step(&mut self.recorder);
        self.recorded = record.step;
        self.losses.push(record.step, record.loss);
    }

    fn next_operation(&mut self) {
        self.take_settings();
        if self.session.op_count() == 0 {
            self.remember_digest();
            self.recorder.clear();
        }
        let finished = self.session.next_op(&mut self.recorder);
        self.recorded = self.session.step_count();
        if finished {
            let (step, loss) = (self.session.step_count(), self.session.loss());
            self.losses.push(step, loss.unwrap_or_default());
        }
    }

    fn previous_operation(&mut self) {
        if self.session.previous_op() {
            // What was heard may have been undone; the step is heard again up to here.
            self.seek(self.session.op_count());
        }
    }

    fn seek(&mut self, n_ops: u32) {
        self.take_settings();
        self.session.abandon_step();
        self.recorder.clear();
        self.session.seek(n_ops, &mut self.recorder);
        self.recorded = self.session.step_count();
    }

    fn forget(&mut self) {
        self.recorder.clear();
        self.losses.clear();
        self.gauge.forget();
        self.digest = None;
    }

    /// Digest of the weights between steps: of a step under way, those it started with.
    fn digest(&mut self) -> String {
        let step = self.session.step_count();
        if let Some((known, digest)) = &self.digest {
            if *known == step {
                return digest.clone();
            }
        }
        let op = self.session.op_count();
        self.session.abandon_step();
        let digest = hex(&self.session.weights_digest());
        self.session.seek(op, &mut NoTrace);
        self.digest = Some((step, digest.clone()));
        digest
    }

    /// Works the digest out while that is cheap, between steps.
    fn remember_digest(&mut self) {
        if self.session.op_count() == 0 {
            self.digest();
        }
    }

    fn trained(&mut self) -> Trained {
        Trained {
            steps: self.session.step_count(),
            state: self.session.state(),
            weights_digest: self.digest(),
        }
    }

    fn batch(&mut self, now: f64) -> Batch {
        let step = self.session.step_count();
        let op = self.session.op_count();
        let newest = self.session.loss().filter(|_| op == 0).map(|loss| (step, loss));
        let updates = if self.recorded == step {
            let program = self.session.program();
            self.recorder
                .updates()
                .iter()
                .map(|update| names::update_view(program, update))
                .collect()
        } else {
            Vec::new()
        };
        Batch {
            step,
            op,
            losses: self.losses.take(newest),
            steps_per_second: self.rate.measure(now, step),
            updates,
        }
    }

    fn sample(&self, samples: &SampleSet) -> Option<SampleView> {
        let index = self.session.sample_of_step(self.session.step_count());
        let pixels = samples.pixels.get(index * IMAGE_PIXELS..(index + 1) * IMAGE_PIXELS)?;
        let (_, label) = self.session.samples().get(index);
        Some(SampleView {
            index: count(index),
            label,
            pixels: pixels.to_vec(),
        })
    }
}

fn no_samples() -> String {
    "The samples to learn from are not there yet; try again in a moment.".to_owned()
}

fn no_plan() -> String {
    "There is no plan yet; try again in a moment.".to_owned()
}

fn check_image(pixels: &[u8]) -> Result<(), String> {
    if pixels.len() == IMAGE_PIXELS {
        return Ok(());
    }
    Err(format!(
        "A drawing has {IMAGE_EXTENT} x {IMAGE_EXTENT} grey values, but this has {}.",
        pixels.len()
    ))
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Probabilities that sum to one.
fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}
