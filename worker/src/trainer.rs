//! All that the worker does, without a browser.
//!
//! Requests come in by [`Trainer::handle`], time by [`Trainer::slice`], and events go out by
//! [`Trainer::take_events`]. A slice is short, so that whoever calls it can look for requests in
//! between.

use std::rc::Rc;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::program::Program;
use quartermeg_core::session::{Evaluator, Samples};
use quartermeg_formats::config::{Trained, hex};
use quartermeg_formats::export::files::Source;
use quartermeg_formats::export::weights;
use quartermeg_formats::scenario::{SampleKind, Scenario};
use quartermeg_formats::setup::{Head, Setup};
use quartermeg_formats::waterfall::{self, WaterfallError};
use quartermeg_formats::{
    explain, image, link, model, network_file, own, scenario, tinyengine, verified,
};
use quartermeg_search::Measured;

use crate::analysis::Analysis;
use crate::costs::CostsPlanner;
use crate::drift::DriftRuns;
use crate::motion::Motion;
use crate::origin::Origin;
use crate::overflow::OverflowPlanner;
use crate::own::Own;
use crate::passes::PassesPlanner;
use crate::rules::RulesPlanner;
use crate::run::Run;
use crate::samples::{SampleSet, check_image, count};
use crate::search::{Search, Subject};
use crate::solver::Solver;
use crate::time::{Clock, SETTLE_MILLIS};
use crate::{files, plan, timeline};
use quartermeg_web::protocol::{
    AnalysisRequest, Event, ExportKind, FromWorker, Position, PresetView, Request, SampleData,
    SearchOptions, SearchRequest, Speed, ToWorker,
};

/// Name of the file of what layers contribute.
const CONTRIBUTIONS_NAME: &str = "contributions.json";

/// The worker's logic.
#[derive(Debug)]
pub struct Trainer<C> {
    pub(crate) clock: C,
    pub(crate) events: Vec<FromWorker>,
    /// Largest number of a request so far; events that nobody asked for carry it.
    pub(crate) newest_request: u32,
    /// The network that ships, or the sentence that says why there is none.
    pub(crate) network: Result<Rc<Network>, String>,
    /// The scenario that it is of.
    pub(crate) network_of: String,
    /// Policies to choose by name, and the scenario and classifier that they were made for.
    presets: Vec<PresetView>,
    presets_of: (String, Option<Head>),
    /// Works out what other choices of a layer would cost; none once that is known.
    pub(crate) costs: Option<CostsPlanner>,
    /// A file of contributions, and the scenario that it is for.
    contributions: Option<(String, Vec<u8>)>,
    /// Solves policies, where that file is of the network that is compiled.
    pub(crate) solver: Option<Solver>,
    /// What the page was told of where its contributions come from was told of this.
    pub(crate) origin: Option<Origin>,
    /// Whether that may have become another.
    pub(crate) is_origin_new: bool,
    /// Works out what other numerics would need; none once that is known.
    pub(crate) planner: Option<RulesPlanner>,
    /// Works out what each pass of the compiler saves; none once that is known.
    pub(crate) passes: Option<PassesPlanner>,
    /// Whether the page does not know yet which program would be exported.
    pub(crate) is_program_new: bool,
    /// When edits are held to be over, and what takes long may be planned.
    pub(crate) settled_at: f64,
    /// Looks for what helps a plan that does not fit; none where it does.
    pub(crate) overflow: Option<OverflowPlanner>,
    /// The contribution analysis, under way or standing; none where nobody asked for one.
    pub(crate) analysis: Option<Analysis>,
    /// The search for a policy, under way or standing; none where nobody asked for one.
    pub(crate) search: Option<Search>,
    /// A world that changes, under way or standing; none where nobody asked for one.
    pub(crate) drift: Option<DriftRuns>,
    /// The samples that ship.
    pub(crate) samples: Option<SampleSet>,
    /// The scenario that they are of.
    pub(crate) samples_of: String,
    /// How they were recorded, where they are windows of motion.
    pub(crate) motion: Option<Motion>,
    /// What a person brought.
    pub(crate) own: Own,
    pub(crate) compiled: Option<Compiled>,
    pub(crate) run: Option<Run>,
    /// How fast training runs; none while it stands still.
    pub(crate) speed: Option<Speed>,
}

/// A setup and its program.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) setup: Setup,
    pub(crate) network: Rc<Network>,
    pub(crate) program: Program<AlignedBytes>,
    /// Runs drawings; none before one was asked about. The accuracy has an evaluator of its own,
    /// whose weights stand still.
    reader: Option<Evaluator>,
    /// Runs with the weights from before learning; none before it was asked for.
    pub(crate) untrained: Option<Evaluator>,
    /// Trained weights that the run starts with, from a file.
    trained: Option<Trained>,
}

impl Compiled {
    /// Whether the samples are a person's own.
    pub(crate) fn is_own(&self) -> bool {
        is_own(&self.setup)
    }

    /// What is exported.
    fn source<'a>(&'a self, trained: Option<&'a Trained>) -> Source<'a> {
        Source {
            setup: &self.setup,
            network: &self.network,
            program: &self.program,
            trained,
        }
    }

    /// By which the page knows whether it was verified.
    pub(crate) fn program_sha256(&self) -> String {
        verified::program_sha256(&self.setup, &self.network, &self.program)
    }

    fn start(&self, samples: &Samples) -> Result<Run, String> {
        let settings = self.setup.settings();
        Run::start(&self.program, settings, self.trained.as_ref(), samples)
    }
}

impl<C: Clock> Trainer<C> {
    /// A trainer that knows nothing yet.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            events: Vec::new(),
            newest_request: 0,
            network: Err(no_network()),
            network_of: String::new(),
            presets: Vec::new(),
            costs: None,
            contributions: None,
            solver: None,
            origin: None,
            is_origin_new: false,
            planner: None,
            passes: None,
            is_program_new: false,
            settled_at: 0.0,
            overflow: None,
            analysis: None,
            search: None,
            drift: None,
            presets_of: Default::default(),
            samples: None,
            samples_of: String::new(),
            motion: None,
            own: Own::default(),
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

    #[cfg_attr(page, optimize(size))]
    fn answer(&mut self, id: u32, request: Request) -> Result<(), String> {
        match request {
            Request::LoadNetwork { scenario, file } => self.load_network(id, scenario, &file),
            Request::LoadSamples { scenario, file } => self.load_samples(id, scenario, &file),
            Request::Configure { setup } => self.configure(id, &setup),
            Request::Tune { setup } => self.tune(&setup),
            Request::SetDevice {
                device,
                budget_bytes,
            } => {
                let setup = &mut self.compiled()?.setup;
                (setup.device, setup.budget_bytes) = (device, budget_bytes);
                let before = self.overflow.take();
                self.watch_budget(before);
                Ok(())
            }
            Request::LoadContributions { scenario, file } => {
                self.contributions = Some((scenario, file));
                self.renew_solver(id)
            }
            Request::Solve {
                budget_bytes,
                before,
            } => self.solve(id, budget_bytes, &before),
            Request::PlanWithout(left_out) => self.plan_without(id, left_out),
            Request::PlanOther { setup } => self.plan_other(id, &setup),
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
            Request::CheckExport { with_weights } => {
                let trained = self.trained(with_weights)?;
                let view = files::check(&self.compiled()?.source(trained.as_ref()));
                self.tell(id, Event::ExportChecked(Box::new(view)));
                Ok(())
            }
            Request::Analysis(request) => self.analyze(id, request),
            Request::Search(request) => self.search(id, request),
            Request::Drift(request) => self.drift(id, request),
            Request::ReadRecording { name, bytes } => self.read_recording(id, name, &bytes),
            Request::AddWindows { windows, label } => self.add_windows(id, &windows, label),
            Request::Predict { data, range } => match data {
                SampleData::Codes(codes) if self.shows_motion() => {
                    self.predict(id, &codes)?;
                    self.predict_untrained(id, &codes)
                }
                data => {
                    let codes = self.own.codes(data, range)?;
                    self.predict(id, &codes)
                }
            },
            Request::OpenNetwork {
                scenario,
                name,
                bytes,
            } => self.open_network(id, &scenario, &name, &bytes),
            Request::SetSamples {
                replace,
                range,
                samples,
            } => {
                self.own.set_samples(replace, range, samples)?;
                self.renew_samples(id)
            }
            Request::ReadSamples {
                name,
                bytes,
                labels,
            } => {
                let samples = self.own.read(&name, &bytes, labels.as_deref())?;
                self.tell(id, Event::SamplesRead(samples));
                Ok(())
            }
            Request::OpenFile { name, bytes } if weights::is_export(&bytes) => {
                self.open_weights(id, &name, &bytes)
            }
            Request::OpenFile { bytes, .. } if Measured::is_one(&bytes) => {
                let scenario = self.compiled()?.setup.scenario.clone();
                self.contributions = Some((scenario, bytes));
                self.renew_solver(id)
            }
            Request::OpenFile { name, bytes } if model::looks_like_network(&bytes) => {
                self.open_network(id, scenario::OWN.id, &name, &bytes)
            }
            Request::OpenFile { name, bytes } => self.open_file(id, &name, &bytes),
        }
    }

    // -- Files of the scenario -----------------------------------------------------------------

    fn load_network(&mut self, id: u32, scenario: String, file: &[u8]) -> Result<(), String> {
        self.pause();
        (self.compiled, self.run, self.planner) = (None, None, None);
        (self.passes, self.overflow, self.costs) = (None, None, None);
        (self.analysis, self.search, self.drift) = (None, None, None);
        self.presets.clear();
        self.network_of = scenario;
        self.network = network_file::read(file)
            .map(Rc::new)
            .map_err(|error| format!("The network cannot be used: {}", explain::network(&error)));
        self.network.as_ref().map(|_| ()).map_err(String::clone)?;
        self.tell_motion(id);
        Ok(())
    }

    fn load_samples(&mut self, id: u32, scenario: String, file: &[u8]) -> Result<(), String> {
        self.pause();
        let kind = scenario::by_id(&scenario).map_or(SampleKind::Drawing, |it| it.samples);
        let samples = SampleSet::read(kind, file)?;
        let motion = match kind {
            SampleKind::Motion => Some(Motion::read(file)?),
            _ => None,
        };
        let run = match &self.compiled {
            Some(compiled) if compiled.setup.scenario == scenario => {
                Some(compiled.start(&samples.learn)?)
            }
            _ => None,
        };
        self.tell(
            id,
            Event::SamplesReady {
                n_learn: count(samples.learn.len()),
                n_test: count(samples.test.len()),
            },
        );
        (self.samples, self.samples_of, self.motion) = (Some(samples), scenario, motion);
        self.is_origin_new = true;
        self.tell_motion(id);
        // Samples of a person's own, which may be learned from meanwhile, are others.
        if !self.compiled.as_ref().is_some_and(Compiled::is_own) {
            self.run = run;
            if self.run.is_some() {
                // A run that was set up while the file was on its way is the newer request's.
                self.tell_position(self.newest_request);
            }
        }
        Ok(())
    }

    // -- A person's own network and samples ----------------------------------------------------

    #[cfg_attr(page, optimize(size))]
    fn open_network(
        &mut self,
        id: u32,
        scenario: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), String> {
        let view = self.own.open(scenario, name, bytes)?;
        self.pause();
        self.presets.clear();
        if self.compiled.as_ref().is_some_and(Compiled::is_own) {
            (self.compiled, self.run) = (None, None);
        }
        self.tell(id, Event::NetworkOpened(Box::new(view)));
        Ok(())
    }

    /// Starts again with other samples of a person's own; weights and steps stay.
    fn renew_samples(&mut self, id: u32) -> Result<(), String> {
        let Some(compiled) = self.compiled.as_ref().filter(|it| it.is_own()) else {
            return Ok(());
        };
        let set = self.own.sample_set(compiled.network.classes().len());
        let run = match &set {
            Some(set) => {
                let trained = self.run.as_mut().map(Run::trained);
                let trained = trained.as_ref().or(compiled.trained.as_ref());
                let settings = compiled.setup.settings();
                let mut run = Run::start(&compiled.program, settings, trained, &set.learn)?;
                run.begin_at(self.clock.now());
                Some(run)
            }
            None => None,
        };
        if run.is_none() {
            self.pause();
        }
        (self.own.set, self.run, self.is_origin_new) = (set, run, true);
        self.tell_samples(id);
        self.tell_position(id);
        Ok(())
    }

    /// Tells how many samples the setup that runs has.
    fn tell_samples(&mut self, id: u32) {
        let is_own = self.compiled.as_ref().is_some_and(Compiled::is_own);
        let set = if is_own { &self.own.set } else { &self.samples };
        let (n_learn, n_test) = set.as_ref().map_or((0, 0), |set| {
            (count(set.learn.len()), count(set.test.len()))
        });
        self.tell(id, Event::SamplesReady { n_learn, n_test });
    }

    // -- Setup ---------------------------------------------------------------------------------

    fn configure(&mut self, id: u32, setup: &str) -> Result<(), String> {
        let (link, _) = link::parse(setup);
        let (compiled, run) = self.prepare(link.setup, None)?;
        self.take(id, compiled, run);
        Ok(())
    }

    /// Compiles a setup and starts a session of it; nothing is changed yet.
    #[cfg_attr(page, optimize(size))]
    fn prepare(
        &self,
        setup: Setup,
        trained: Option<Trained>,
    ) -> Result<(Compiled, Option<Run>), String> {
        let network = self.network_of(&setup)?;
        let image = compile(&network, &setup.policy, setup.rules, setup.settings())
            .map_err(|error| explain::compile(&error))?;
        let own_set = is_own(&setup)
            .then(|| self.own.sample_set(network.classes().len()))
            .flatten();
        // A session that runs has the drawn samples too.
        let running = self.run.as_ref().filter(|_| {
            let compiled = self.compiled.as_ref();
            compiled.is_some_and(|it| it.setup.scenario == setup.scenario)
        });
        let shipped = self
            .samples
            .as_ref()
            .filter(|_| self.samples_of == setup.scenario);
        let samples = match (&own_set, running, shipped) {
            (Some(set), ..) => Some(&set.learn),
            _ if is_own(&setup) => None,
            (None, Some(run), _) => Some(run.session.samples()),
            (None, None, set) => set.map(|set| &set.learn),
        };
        let compiled = Compiled {
            setup,
            network,
            program: Program::parse(image).map_err(|error| explain::program(&error))?,
            reader: None,
            untrained: None,
            trained,
        };
        let run = match samples {
            Some(samples) => Some(compiled.start(samples)?),
            None => None,
        };
        Ok((compiled, run))
    }

    /// Takes over what [`Self::prepare`] has made, and tells the page.
    #[cfg_attr(page, optimize(size))]
    fn take(&mut self, id: u32, compiled: Compiled, run: Option<Run>) {
        self.pause();
        let Setup { scenario, head, .. } = &compiled.setup;
        let presets_of = (scenario.clone(), *head);
        let is_other = self.presets.is_empty() || self.presets_of != presets_of;
        if is_other {
            self.presets = plan::presets(scenario_of(&compiled.setup), &compiled.network);
            self.presets_of = presets_of;
        }
        let view = plan::view(
            &compiled.program,
            &compiled.network,
            &compiled.setup,
            self.presets.clone(),
        );
        self.costs = Some(CostsPlanner::new(&compiled.setup));
        self.planner = Some(RulesPlanner::new(&compiled.setup, view.arena_bytes));
        self.passes = Some(PassesPlanner::new(&compiled.setup, view.arena_bytes));
        (self.is_program_new, self.is_origin_new) = (true, true);
        self.tell(id, Event::Planned(Box::new(view)));
        let other = self
            .compiled
            .as_ref()
            .is_some_and(|old| old.setup.scenario != compiled.setup.scenario);
        let is_own = compiled.is_own();
        if is_own {
            self.own.set = self.own.sample_set(compiled.network.classes().len());
        }
        self.compiled = Some(compiled);
        self.run = run;
        self.watch_budget(None);
        if is_other && let Err(message) = self.renew_solver(id) {
            self.tell(id, Event::Failed { message });
        }
        if is_own || (other && self.run.is_some()) {
            self.tell_samples(id);
        }
        self.tell_position(id);
    }

    /// Looks for what helps, where the plan does not fit. `before` is the search with the budget
    /// before this one.
    #[cfg_attr(page, optimize(size))]
    fn watch_budget(&mut self, before: Option<OverflowPlanner>) {
        self.settled_at = self.clock.now() + SETTLE_MILLIS;
        self.overflow = self.compiled.as_ref().and_then(|compiled| {
            let Compiled {
                program,
                network,
                setup,
                ..
            } = compiled;
            OverflowPlanner::new(program, network, setup, before)
        });
    }

    /// Reads the file of contributions anew, for the network that is compiled now.
    #[cfg_attr(page, optimize(size))]
    fn renew_solver(&mut self, id: u32) -> Result<(), String> {
        let was_known = self.solver.take().is_some();
        (self.origin, self.is_origin_new) = (None, true);
        let Some(compiled) = &self.compiled else {
            return Ok(());
        };
        let file = self.contributions.as_ref();
        let file = file.filter(|(scenario, _)| *scenario == compiled.setup.scenario);
        let read = file.map(|(_, file)| Solver::read(file, &compiled.network));
        let Some(solver) = read.transpose().map_err(|error| error.to_string())? else {
            if was_known {
                self.tell(id, Event::Contributions(Box::default()));
            }
            return Ok(());
        };
        self.tell(id, Event::Contributions(Box::new(solver.view())));
        self.solver = Some(solver);
        Ok(())
    }

    /// Looks for the policy that gains most within a budget.
    #[cfg_attr(page, optimize(size))]
    fn solve(&mut self, id: u32, budget_bytes: u32, before: &str) -> Result<(), String> {
        let Compiled { setup, network, .. } = self.compiled()?;
        let (network, rules) = (network.clone(), setup.rules);
        let before = link::parse_policy(before).unwrap_or_default();
        let solver = self.solver.as_mut();
        let solution = solver.and_then(|it| it.solve(&network, rules, budget_bytes, &before));
        let gain = solution.as_ref().and_then(|solution| solution.gain);
        let is_measured = solution.as_ref().is_some_and(|it| it.is_measured);
        let policy = solution.map(|solution| link::policy_text(&solution.policy));
        self.tell(
            id,
            Event::Solved {
                policy,
                gain,
                is_measured,
            },
        );
        Ok(())
    }

    /// Plans the setup without some passes, to look at.
    fn plan_without(&mut self, id: u32, left_out: u8) -> Result<(), String> {
        let Compiled { setup, network, .. } = self.compiled()?;
        let Setup { policy, rules, .. } = &*setup;
        let settings = setup.settings();
        let program = waterfall::compile_without(network, policy, *rules, settings, left_out)
            .map_err(|error| match error {
                WaterfallError::Compile(error) => explain::compile(&error),
                WaterfallError::Program(error) => explain::program(&error),
            })?;
        let plan = Box::new(plan::view(&program, network, setup, Vec::new()));
        self.tell(id, Event::PlannedWithout { left_out, plan });
        Ok(())
    }

    /// Plans another setup, to look at.
    #[cfg_attr(page, optimize(size))]
    fn plan_other(&mut self, id: u32, setup: &str) -> Result<(), String> {
        let setup = link::parse(setup).0.setup;
        let network = self.network_of(&setup)?;
        let image = compile(&network, &setup.policy, setup.rules, setup.settings())
            .map_err(|error| explain::compile(&error))?;
        let program = Program::parse(image).map_err(|error| explain::program(&error))?;
        let plan = plan::view(&program, &network, &setup, Vec::new());
        self.tell(id, Event::PlannedOther(Box::new(plan)));
        Ok(())
    }

    fn tune(&mut self, setup: &str) -> Result<(), String> {
        let (link, _) = link::parse(setup);
        let compiled = self.compiled()?;
        compiled.setup = link.setup;
        let settings = compiled.setup.settings();
        if let Some(run) = &mut self.run {
            run.settings = settings;
        }
        (self.is_program_new, self.is_origin_new) = (true, true);
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
            run.gauge.before_training(&run.session);
        }
        if self.speed != Some(speed) {
            run.rate.begin(now, run.session.step_count());
            (run.batch_at, run.tick_at, run.gauge_credit) = (now, now, 0.0);
        }
        self.speed = Some(speed);
        Ok(())
    }

    pub(crate) fn pause(&mut self) {
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
        self.predict(id, &image::enlarge(pixels))
    }

    #[cfg_attr(page, optimize(size))]
    fn predict(&mut self, id: u32, codes: &[i8]) -> Result<(), String> {
        let state = self.run.as_ref().map(|run| run.session.state());
        let Compiled {
            reader, program, ..
        } = self.compiled()?;
        let reader = evaluator(reader, program)?;
        if let Some(state) = state {
            reader
                .begin(&state)
                .map_err(|error| explain::input(&error))?;
        }
        reader
            .classify(codes)
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
        self.is_origin_new = true;
        self.tell(id, Event::SampleAdded { n_learn });
        Ok(())
    }

    // -- Contribution analysis -----------------------------------------------------------------

    #[cfg_attr(page, optimize(size))]
    fn analyze(&mut self, id: u32, request: AnalysisRequest) -> Result<(), String> {
        if let AnalysisRequest::Prepare { n_seeds, steps } = request {
            self.analysis = None;
            let compiled = self.compiled.as_ref().ok_or_else(no_plan)?;
            let samples = self.study_samples().ok_or_else(no_samples)?;
            self.analysis = Some(Analysis::new(
                id,
                &compiled.network,
                &compiled.setup,
                samples,
                [n_seeds, steps],
            )?);
            self.tell_analysis();
            return Ok(());
        }
        let Some(analysis) = &mut self.analysis else {
            // It was ended meanwhile.
            return Ok(());
        };
        match request {
            AnalysisRequest::Recall { key, counts } => {
                if analysis.recall(&key, &counts) {
                    self.take_measured();
                }
            }
            AnalysisRequest::Run => analysis.set_running(true),
            AnalysisRequest::Pause => analysis.set_running(false),
            AnalysisRequest::Save => {
                let measured = analysis.measured().ok_or_else(not_measured)?;
                let file = Event::Exported {
                    name: CONTRIBUTIONS_NAME.to_owned(),
                    bytes: measured.file().into_bytes(),
                };
                self.tell(id, file);
            }
            AnalysisRequest::Cancel | AnalysisRequest::Prepare { .. } => self.analysis = None,
        }
        self.tell_analysis();
        Ok(())
    }

    /// Policies are solved by what was measured, from now on.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn take_measured(&mut self) {
        let Some((analysis, measured)) = self
            .analysis
            .as_ref()
            .and_then(|it| Some((it, it.measured()?)))
        else {
            return;
        };
        let id = analysis.id;
        let scenario = analysis.scenario().to_owned();
        self.contributions = Some((scenario, measured.file().into_bytes()));
        if let Err(message) = self.renew_solver(id) {
            self.tell(id, Event::Failed { message });
        }
    }

    fn tell_analysis(&mut self) {
        let now = self.clock.now();
        if let Some(analysis) = &mut self.analysis {
            let (id, view) = (analysis.id, analysis.report(now));
            self.tell(id, Event::Analysis(Box::new(view)));
        }
    }

    // -- Search for a policy -------------------------------------------------------------------

    #[cfg_attr(page, optimize(size))]
    fn search(&mut self, id: u32, request: SearchRequest) -> Result<(), String> {
        match (request, &mut self.search) {
            (SearchRequest::Begin(options), _) => self.begin_search(id, options)?,
            (SearchRequest::Cancel, _) => self.search = None,
            // It was ended meanwhile.
            (_, None) => {}
            (SearchRequest::Recall { key, trained }, Some(search)) => search.recall(&key, &trained),
            (SearchRequest::Run, Some(search)) => search.set_running(true),
            (SearchRequest::Pause, Some(search)) => search.set_running(false),
        }
        let now = self.clock.now();
        if let Some(search) = &mut self.search {
            let (id, view) = (search.id, search.report(now));
            self.tell(id, Event::Search(Box::new(view)));
        }
        Ok(())
    }

    #[cfg_attr(page, optimize(size))]
    fn begin_search(&mut self, id: u32, options: SearchOptions) -> Result<(), String> {
        self.search = None;
        let compiled = self.compiled.as_ref().ok_or_else(no_plan)?;
        let solver = self.solver.as_ref().ok_or_else(not_analysed)?;
        let [learn, held_out] = self.study_samples().ok_or_else(no_samples)?;
        let subject = Subject {
            network: &compiled.network,
            setup: &compiled.setup,
            contributions: solver.contributions(),
            learn,
            held_out,
        };
        self.search = Some(Search::new(id, &subject, options)?);
        Ok(())
    }

    // -- Files of the person -------------------------------------------------------------------

    fn export(&mut self, id: u32, kind: ExportKind, with_weights: bool) -> Result<(), String> {
        let trained = self.trained(with_weights || kind.is_weights())?;
        let files = self
            .compiled()?
            .source(trained.as_ref())
            .files(kind)
            .map_err(|error| explain::yaml(&error))?;
        for (&name, bytes) in kind.names().iter().zip(files) {
            let name = name.to_owned();
            self.tell(id, Event::Exported { name, bytes });
        }
        Ok(())
    }

    /// The weights of the run, if they are wanted.
    fn trained(&mut self, are_wanted: bool) -> Result<Option<Trained>, String> {
        match &mut self.run {
            Some(run) if are_wanted => Ok(Some(run.trained())),
            None if are_wanted => Err(no_samples()),
            _ => Ok(None),
        }
    }

    /// Reads trained weights for the plan that is there, and goes on from them.
    fn open_weights(&mut self, id: u32, name: &str, bytes: &[u8]) -> Result<(), String> {
        let compiled = self.compiled.as_mut().ok_or_else(no_plan)?;
        let trained = weights::read_export(&compiled.program, bytes).map_err(|error| {
            let sentence = explain::weights(&error);
            format!("\"{}\" was not opened: {sentence}", files::short(name))
        })?;
        let steps = trained.steps;
        if let Some(run) = &mut self.run {
            run.session
                .resume(&trained.state, steps)
                .map_err(|error| explain::input(&error))?;
            run.forget();
        }
        compiled.trained = Some(trained);
        self.pause();
        self.tell(id, Event::Resumed { steps });
        self.tell_position(id);
        Ok(())
    }

    #[cfg_attr(page, optimize(size))]
    fn open_file(&mut self, id: u32, name: &str, bytes: &[u8]) -> Result<(), String> {
        // The other files that are JSON are objects.
        if bytes.trim_ascii_start().starts_with(b"[") {
            return self.open_graph(id, name, bytes);
        }
        let opened = files::open(name, bytes)?;
        let scenario = scenario_of(&opened.setup);
        let has_network = if scenario.is_own() {
            self.own.network(scenario).is_ok()
        } else {
            self.network_of == scenario.id
        };
        // A network of one's own is asked for below.
        if !has_network && !scenario.is_own_network() {
            let scenario = opened.setup.scenario;
            self.tell(id, Event::OtherScenario { scenario });
            return Ok(());
        }
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
        if let (Some(run), Some(digest)) = (&mut run, digest)
            && run.digest() != digest
        {
            notes.push("The digest of its weights differs from the one that it states.".to_owned());
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

    /// Reads a training graph of `TinyEngine`; training goes on as it was.
    fn open_graph(&mut self, id: u32, name: &str, bytes: &[u8]) -> Result<(), String> {
        let timeline = tinyengine::read(bytes).map_err(|error| {
            let sentence = explain::tinyengine(&error);
            format!("\"{name}\" was not opened: {sentence}")
        })?;
        self.tell(
            id,
            Event::Timeline {
                plan: Box::new(timeline::view(&timeline)),
                n_overlaps: count(timeline.overlaps().len()),
            },
        );
        Ok(())
    }

    // -- Answers -------------------------------------------------------------------------------

    pub(crate) fn tell(&mut self, id: u32, event: Event) {
        self.events.push(FromWorker { id, event });
    }

    pub(crate) fn tell_position(&mut self, id: u32) {
        let now = self.clock.now();
        let running = self.speed.is_some();
        let is_own = self.compiled.as_ref().is_some_and(Compiled::is_own);
        let stop_after = self
            .compiled
            .as_ref()
            .map_or(u32::MAX, |it| it.setup.stop_after);
        let position = self
            .run
            .as_mut()
            .map_or_else(Position::default, |run| Position {
                step: run.session.step_count(),
                op: run.session.op_count(),
                loss: run.session.loss(),
                weights_digest: run.digest(),
                running,
                stop_reached: run.is_at_stop(stop_after),
                batch: Some(run.batch(now)),
                sample: (if is_own { &self.own.set } else { &self.samples })
                    .as_ref()
                    .and_then(|samples| samples.view(&run.session)),
            });
        self.tell(id, Event::Position(Box::new(position)));
    }

    /// The network that a setup trains.
    fn network_of(&self, setup: &Setup) -> Result<Rc<Network>, String> {
        let scenario = scenario_of(setup);
        if !scenario.is_own() {
            if self.network_of != setup.scenario {
                return Err(no_network());
            }
            return self.network.clone();
        }
        own::with_head(self.own.network(scenario)?, setup.head)
            .map(Rc::new)
            .map_err(|error| explain::of_network(&error))
    }

    fn compiled(&mut self) -> Result<&mut Compiled, String> {
        self.compiled.as_mut().ok_or_else(no_plan)
    }
}

fn scenario_of(setup: &Setup) -> &'static Scenario {
    scenario::by_id(&setup.scenario).unwrap_or(&scenario::SCENARIOS[0])
}

fn is_own(setup: &Setup) -> bool {
    scenario_of(setup).is_own()
}

pub(crate) fn no_network() -> String {
    "There is no network yet; try again in a moment.".to_owned()
}

pub(crate) fn no_samples() -> String {
    "The samples to learn from are not there yet; try again in a moment.".to_owned()
}

fn not_measured() -> String {
    "The analysis is not done yet, so there is no whole file to save; wait for it.".to_owned()
}

fn not_analysed() -> String {
    "Nothing is known of what layers contribute, which a search goes by; analyse that first."
        .to_owned()
}

pub(crate) fn no_plan() -> String {
    "There is no plan yet; try again in a moment.".to_owned()
}

/// The evaluator that is kept for a program, made when it is first asked for: few edits of a policy
/// are followed by a question.
pub(crate) fn evaluator<'a>(
    kept: &'a mut Option<Evaluator>,
    program: &Program<AlignedBytes>,
) -> Result<&'a mut Evaluator, String> {
    Ok(match kept {
        Some(evaluator) => evaluator,
        None => {
            kept.insert(Evaluator::of(program.clone()).map_err(|error| explain::session(&error))?)
        }
    })
}

/// Probabilities that sum to one.
#[cfg_attr(page, optimize(size))]
pub(crate) fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}
