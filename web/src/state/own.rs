//! Samples of a person's own, and the network that learns them: classes, what is held out, what is tried.

use std::rc::Rc;

use quartermeg_core::policy::Policy;
use quartermeg_formats::input_range::InputRange;
use quartermeg_formats::link;
use quartermeg_formats::own::{HELD_OUT_OF, is_held_out};
use quartermeg_formats::scenario::{OWN, PERSON, Scenario};
use quartermeg_formats::setup::{CLASSES_RANGE, Head};
use quartermeg_formats::table::LABELS_ENDING;

use super::setup::Control;
use super::{AppState, File, NoticeKind, Shared, Topic, text};
use crate::protocol::{NetworkView, OwnSample, ReadSample, Request, SampleData};

/// Samples that can be had at most.
const MAX_SAMPLES: usize = quartermeg_formats::csv_samples::MAX_SAMPLES;
/// Bytes of all samples together.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Characters of a class's name.
const MAX_NAME: usize = 40;
/// Names of files that one sentence lists.
const MAX_LISTED: usize = 3;

/// Something about a person's own network and samples.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnAction {
    /// One class more.
    AddClass,
    /// One class less; its samples can be put back.
    RemoveClass(u32),
    /// Another name for a class.
    RenameClass {
        /// The class.
        class: u32,
        /// Its name.
        name: String,
    },
    /// Takes the samples of a class away; they can be put back.
    ClearClass(u32),
    /// Puts back what was taken away last.
    PutBack,
    /// Another classifier: a new one, or that of the file.
    SetHead(Option<Head>),
    /// Whether samples are held out for the accuracy.
    SetHoldOut(bool),
    /// How pixels become codes; none for what the network's input says.
    SetRange(Option<u8>),
    /// Files were read.
    Gather(Gathered),
    /// Asks for the class of what is tried, again.
    Ask,
}

/// Where files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Into a class, unless the file itself names classes.
    Class(u32),
    /// Each into the class that its folder is called.
    Folders,
    /// They are only tried.
    Try,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatheredFile {
    /// Its name.
    pub name: String,
    /// The folder that it lies in, where that is known.
    pub folder: Option<String>,
    /// Of an image, values in the size of the network's input; of another file, its contents.
    pub bytes: Vec<u8>,
}

/// Some of the files that a person chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// Where they go.
    pub target: Target,
    /// Files that were announced by this message and have still to be read.
    pub n_announced: usize,
    /// Files that this message brings, readable or not.
    pub n_done: usize,
    /// Images.
    pub images: Vec<GatheredFile>,
    /// Files of samples: CSV and .npy.
    pub tables: Vec<GatheredFile>,
    /// Sentences about files that could not be read.
    pub failed: Vec<String>,
}

/// A sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its number, which no other sample has.
    pub id: u32,
    /// Name of its file.
    pub name: Rc<str>,
    /// The input.
    pub data: Shared<SampleData>,
}

/// A class.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnClass {
    /// Its number, which no other class has.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its samples.
    pub samples: Shared<Vec<Sample>>,
}

/// What is tried: its class is predicted, and it is not learned from.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Name of its file.
    pub name: Rc<str>,
    /// The input.
    pub data: Shared<SampleData>,
}

/// The file of the network.
#[derive(Clone, Debug, PartialEq)]
struct NetworkFile {
    name: String,
    bytes: Shared<Vec<u8>>,
}

/// Files on their way, and what became of those that have arrived.
#[derive(Clone, Debug, Default, PartialEq)]
struct Reading {
    total: usize,
    done: usize,
    added: usize,
    no_room: usize,
    failed: Vec<String>,
}

/// What was taken away.
#[derive(Clone, Debug, PartialEq)]
enum Aside {
    /// A class, and where it stood.
    Class(usize, OwnClass),
    /// The samples of a class.
    Samples(u32, Shared<Vec<Sample>>),
}

/// What a person brought for one scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// The scenario.
    scenario: &'static Scenario,
    /// Number of the request that brings the scenario's network anew.
    network_request: u32,
    /// The network; none while none was opened.
    pub network: Option<Shared<NetworkView>>,
    file: Option<NetworkFile>,
    /// A file that was opened and may turn out to be a network.
    opening: Option<(u32, NetworkFile)>,
    /// All classes; those beyond the number of the classifier wait for it to grow.
    classes: Vec<OwnClass>,
    /// Whether samples are held out for the accuracy.
    pub holds_out: bool,
    /// How pixels become codes; none for what the network's input says.
    pub range: Option<u8>,
    /// What is tried.
    pub probe: Option<Probe>,
    reading: Option<Reading>,
    /// Requests that read files of samples: number, where they go, name of the file.
    tables: Vec<(u32, Target, Rc<str>)>,
    aside: Option<Aside>,
    newest_id: u32,
}

impl Own {
    /// What there is before a person brings anything.
    pub(super) fn of(scenario: &'static Scenario) -> Self {
        let mut own = Self {
            scenario,
            network_request: 0,
            network: None,
            file: None,
            opening: None,
            classes: Vec::new(),
            holds_out: true,
            range: None,
            probe: None,
            reading: None,
            tables: Vec::new(),
            aside: None,
            newest_id: 0,
        };
        if scenario.id == PERSON.id {
            for name in PERSON_CLASSES {
                own.insert_class(own.classes.len(), Some(name));
            }
        }
        own
    }

    /// Name of the network's file.
    #[must_use]
    pub fn file_name(&self) -> &str {
        let path = self.scenario.network_path;
        let ships = path.rsplit_once('/').map_or(path, |(_, name)| name);
        self.file.as_ref().map_or(ships, |file| &file.name)
    }

    /// Height, width and channels of the input.
    #[must_use]
    pub fn input(&self) -> Option<[u32; 3]> {
        self.network.as_ref().map(|network| network.input)
    }

    /// How pixels become codes.
    #[must_use]
    pub fn range_index(&self) -> u8 {
        let of_network = self.network.as_ref().map_or(0, |network| network.range);
        self.range.unwrap_or(of_network)
    }

    /// Name and contents of the file that this request opens.
    pub(super) fn opening(&mut self, id: u32) -> Option<(String, Vec<u8>)> {
        let (_, file) = self.opening.take_if(|(opening, _)| *opening == id)?;
        Some((file.name, file.bytes.to_vec()))
    }

    /// Whether something can be put back.
    #[must_use]
    pub fn can_put_back(&self) -> bool {
        self.aside.is_some()
    }

    /// Files that were read and files that were chosen, while some are on their way.
    #[must_use]
    pub fn progress(&self) -> Option<(usize, usize)> {
        self.reading.as_ref().map(|it| (it.done, it.total))
    }

    /// Whether the file's own classifier can be kept.
    #[must_use]
    pub fn can_keep_head(&self) -> bool {
        let [low, high] = CLASSES_RANGE;
        self.network
            .as_ref()
            .is_some_and(|network| (low..=high).contains(&network.n_classes))
    }

    pub(super) fn default_policy(&self) -> Policy {
        self.network
            .as_ref()
            .and_then(|network| link::parse_policy(&network.policy).ok())
            .unwrap_or_default()
    }

    fn n_samples(&self) -> usize {
        self.classes.iter().map(|class| class.samples.len()).sum()
    }

    fn new_id(&mut self) -> u32 {
        self.newest_id += 1;
        self.newest_id
    }

    fn insert_class(&mut self, place: usize, name: Option<&str>) {
        let id = self.new_id();
        let name = name.map_or_else(
            || {
                let mut number = place + 1;
                while self.named(&class_name(number)).is_some() {
                    number += 1;
                }
                class_name(number)
            },
            str::to_owned,
        );
        self.classes.insert(
            place,
            OwnClass {
                id,
                name,
                samples: Shared::default(),
            },
        );
    }

    /// Where the class of that name is, if there is one.
    fn named(&self, name: &str) -> Option<usize> {
        self.classes.iter().position(|class| class.name == name)
    }

    fn room(&self) -> usize {
        let input = self.input().unwrap_or_default();
        let len: usize = input.iter().map(|&extent| extent as usize).product();
        MAX_SAMPLES
            .min(MAX_BYTES / len.max(1))
            .saturating_sub(self.n_samples())
    }
}

impl AppState {
    /// Whether the samples are a person's own.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.scenario().is_own()
    }

    /// Whether the network is a person's own, too.
    #[must_use]
    pub fn is_own_network(&self) -> bool {
        self.scenario().is_own_network()
    }

    /// Whether the chosen network has still to be opened.
    #[must_use]
    pub fn lacks_network(&self) -> bool {
        self.is_own_network() && self.own.network.is_none()
    }

    /// The classes of the classifier.
    #[must_use]
    pub fn own_classes(&self) -> &[OwnClass] {
        &self.own.classes[..self.n_own_classes().min(self.own.classes.len())]
    }

    fn n_own_classes(&self) -> usize {
        let of_file = || self.own.network.as_ref().map_or(0, |it| it.n_classes);
        self.setup()
            .head
            .map_or_else(of_file, |head| head.n_classes) as usize
    }

    /// A sample by its number, and the place of its class.
    #[must_use]
    pub fn own_sample(&self, id: u32) -> Option<(usize, &Sample)> {
        self.own
            .classes
            .iter()
            .enumerate()
            .find_map(|(place, class)| Some((place, class.samples.iter().find(|it| it.id == id)?)))
    }

    /// The network in words: kind, layers, multiply-accumulates (MACs), input.
    #[must_use]
    pub fn network_text(&self) -> String {
        let Some(network) = &self.own.network else {
            return String::new();
        };
        let [h, w, c] = network.input;
        // With its new classifier, once the plan is there.
        let macs = self
            .plan()
            .map_or(network.macs_forward, |plan| plan.macs_forward);
        format!(
            "{}, {}, {} MACs, input {h}\u{a0}x\u{a0}{w}\u{a0}x\u{a0}{c}",
            network.kind,
            text::count(network.n_layers, "layer", "layers"),
            text::number(macs),
        )
    }

    /// Samples to learn from and held out, in words.
    #[must_use]
    pub fn own_samples_text(&self) -> String {
        let Some(samples) = self.samples else {
            return "No samples yet".to_owned();
        };
        let held_out = if samples.n_test == 0 {
            "none held out".to_owned()
        } else {
            format!("{} held out", text::number(u64::from(samples.n_test)))
        };
        format!(
            "{} to learn from, {held_out}",
            text::number(u64::from(samples.n_learn))
        )
    }

    /// What stands in the way of training, or of learning something, in words.
    #[must_use]
    pub fn own_advice(&self) -> Option<String> {
        let with = |count: usize| {
            let classes = self.own_classes().iter();
            classes.filter(|it| it.samples.len() >= count).count()
        };
        if with(1) == 0 {
            return Some("Add samples to at least two classes, then press Play.".to_owned());
        }
        if with(1) == 1 {
            return Some(
                "Only one class has samples, so there is nothing to tell apart.".to_owned(),
            );
        }
        if self.own.holds_out && with(HELD_OUT_OF) == 0 {
            return Some(format!(
                "The accuracy is measured as soon as a class has {HELD_OUT_OF} samples."
            ));
        }
        None
    }

    // -- The network ---------------------------------------------------------------------------

    /// Hands a file to the worker, which knows what it is.
    pub(super) fn open_file(&mut self, name: String, bytes: Vec<u8>) {
        let file = NetworkFile {
            name: name.clone(),
            bytes: Shared::new(bytes.clone()),
        };
        let id = self.send(Request::OpenFile { name, bytes });
        self.own.opening = Some((id, file));
    }

    /// Brings what a person brought for this scenario to hand; that for the other one is kept.
    fn take_up(&mut self, scenario: &Scenario) {
        if self.own.scenario.id != scenario.id {
            std::mem::swap(&mut self.own, &mut self.other_own);
        }
    }

    /// Gives the worker the network of the scenario: the one that ships, or the one that was
    /// opened earlier, if there is one.
    pub(super) fn load_own(&mut self, scenario: &Scenario) {
        self.take_up(scenario);
        self.plan = None;
        // A worker that has ended answers no more.
        self.own.tables.clear();
        self.own.reading = None;
        self.planning = true;
        if let Some(file) = self.own.file.clone() {
            self.own.network_request = self.send(Request::OpenNetwork {
                scenario: scenario.id.to_owned(),
                name: file.name,
                bytes: file.bytes.to_vec(),
            });
        } else if scenario.is_own_network() {
            self.planning = false;
            self.pause();
        } else {
            self.own.network_request = self.load(File::OwnNetwork, self.own.scenario);
            // When it is refused, no plan comes.
            self.run_request = self.own.network_request;
        }
    }

    /// The worker has read a network: a new one, or the one that it was given again.
    pub(super) fn network_opened(&mut self, id: u32, view: NetworkView) {
        if let Some((_, file)) = self.own.opening.take_if(|(opening, _)| *opening == id) {
            self.take_network(file, view);
        } else if self.is_own() && id == self.own.network_request {
            self.own.network = Some(Shared::new(view));
            if self.setup().policy.layers.is_empty() {
                self.link.setup.policy = self.own.default_policy();
            }
        } else {
            return;
        }
        self.network_loaded = true;
        self.follow_classes();
        self.configure();
        self.send_samples();
        self.reopen();
    }

    fn take_network(&mut self, file: NetworkFile, view: NetworkView) {
        let mut sentences = vec![format!("\"{}\" was opened.", file.name)];
        self.take_up(&OWN);
        self.stop_camera();
        let was_awaited = self.lacks_network();
        let n_layers = view.n_layers as usize;
        if self.own.input() != Some(view.input) {
            let dropped = self.own.n_samples();
            for class in &mut self.own.classes {
                class.samples = Shared::default();
            }
            self.own.aside = None;
            if dropped > 0 {
                sentences.push(format!(
                    "{} of another size went; add them again.",
                    text::count(count(dropped), "sample", "samples")
                ));
            }
        }
        let mut setup = if self.is_own_network() {
            self.setup().clone()
        } else {
            let mut setup = OWN.default_setup();
            self.setup().device.clone_into(&mut setup.device);
            setup.budget_bytes = self.setup().budget_bytes;
            setup
        };
        self.own.network = Some(Shared::new(view));
        self.own.file = Some(file);
        (self.own.range, self.own.probe) = (None, None);
        if setup.policy.layers.len() != n_layers {
            if was_awaited && !setup.policy.layers.is_empty() {
                sentences.push(format!(
                    "It has {}, but the link's policy {}, so it is another network; its default \
                     policy stands instead.",
                    text::count(count(n_layers), "layer", "layers"),
                    setup.policy.layers.len()
                ));
            }
            setup.policy = self.own.default_policy();
        }
        if !was_awaited || (setup.head.is_none() && !self.own.can_keep_head()) {
            let with_samples = self
                .own
                .classes
                .iter()
                .rposition(|it| !it.samples.is_empty());
            setup.head = Some(Head {
                n_classes: with_samples
                    .map_or(0, |last| count(last + 1))
                    .clamp(CLASSES_RANGE[0], CLASSES_RANGE[1]),
                seed: 0,
            });
        }
        if !self.is_own_network() {
            self.remember();
        }
        // Policies of the network before cannot be gone back to.
        self.undo.retain(|known| known.scenario != OWN.id);
        self.redo.clear();
        self.last_edit = None;
        self.restart("the network");
        self.pause();
        self.link.setup = setup;
        (self.plan, self.samples, self.prediction) = (None, None, None);
        self.notices.clear(Topic::Restart);
        self.notices.clear(Topic::Budget);
        let topic = if sentences.len() == 1 {
            Topic::Network
        } else {
            Topic::Opened
        };
        self.notices
            .put(NoticeKind::News, topic, sentences.join(" "));
    }

    /// There are as many classes as the classifier has.
    pub(super) fn follow_classes(&mut self) {
        if !self.is_own() {
            return;
        }
        while self.own.classes.len() < self.n_own_classes() {
            let place = self.own.classes.len();
            self.own.insert_class(place, None);
        }
    }

    // -- Actions -------------------------------------------------------------------------------

    pub(super) fn take_own(&mut self, action: OwnAction) {
        match action {
            OwnAction::AddClass => self.grow(None),
            OwnAction::RemoveClass(class) => self.remove_class(class),
            OwnAction::RenameClass { class, name } => {
                let name: String = name.trim().chars().take(MAX_NAME).collect();
                if let Some(class) = self.own_class(class)
                    && !name.is_empty()
                {
                    class.name = name;
                }
            }
            OwnAction::ClearClass(class) => self.clear_class(class),
            OwnAction::PutBack => self.put_back(),
            OwnAction::SetHead(head) => {
                if head.map_or(self.own.can_keep_head(), Head::is_possible) {
                    self.edit(Control::Head, |setup| setup.head = head);
                }
            }
            OwnAction::SetHoldOut(holds_out) => {
                self.own.holds_out = holds_out;
                self.send_samples();
            }
            OwnAction::SetRange(range) => {
                self.own.range = range.filter(|&it| usize::from(it) < InputRange::ALL.len());
                self.send_samples();
                self.ask();
            }
            OwnAction::Gather(gathered) => self.gather(gathered),
            OwnAction::Ask => self.ask(),
        }
    }

    fn own_class(&mut self, id: u32) -> Option<&mut OwnClass> {
        self.own.classes.iter_mut().find(|class| class.id == id)
    }

    /// One class more, where a new classifier has room for it.
    fn grow(&mut self, name: Option<&str>) {
        let Some(head) = self.setup().head else {
            return;
        };
        let place = head.n_classes as usize;
        let grown = Head {
            n_classes: head.n_classes + 1,
            ..head
        };
        if !grown.is_possible() {
            return;
        }
        if name.is_some() || self.own.classes.len() <= place {
            self.own
                .insert_class(place.min(self.own.classes.len()), name);
        }
        self.edit(Control::Head, |setup| setup.head = Some(grown));
    }

    fn remove_class(&mut self, id: u32) {
        let (Some(head), Some(place)) = (
            self.setup().head,
            self.own.classes.iter().position(|class| class.id == id),
        ) else {
            return;
        };
        let shrunk = Head {
            n_classes: head.n_classes - 1,
            ..head
        };
        if !shrunk.is_possible() || place >= head.n_classes as usize {
            return;
        }
        let class = self.own.classes.remove(place);
        self.set_aside(
            format!("The class \"{}\" was taken away.", class.name),
            Aside::Class(place, class),
        );
        self.edit(Control::Head, |setup| setup.head = Some(shrunk));
    }

    fn clear_class(&mut self, id: u32) {
        let Some(class) = self.own_class(id) else {
            return;
        };
        let samples = std::mem::take(&mut class.samples);
        let sentence = format!(
            "{} of \"{}\" taken away.",
            text::count(count(samples.len()), "sample", "samples"),
            class.name
        );
        self.set_aside(sentence, Aside::Samples(id, samples));
        self.send_samples();
    }

    fn set_aside(&mut self, sentence: String, aside: Aside) {
        self.own.aside = Some(aside);
        self.notices.put(NoticeKind::News, Topic::Aside, sentence);
    }

    fn put_back(&mut self) {
        self.notices.clear(Topic::Aside);
        match self.own.aside.take() {
            Some(Aside::Class(place, class)) => {
                let place = place.min(self.own.classes.len());
                self.own.classes.insert(place, class);
                if let Some(head) = self.setup().head {
                    let grown = Head {
                        n_classes: (head.n_classes + 1).min(CLASSES_RANGE[1]),
                        ..head
                    };
                    self.edit(Control::Head, |setup| setup.head = Some(grown));
                }
            }
            Some(Aside::Samples(id, samples)) => {
                if let Some(class) = self.own_class(id) {
                    class.samples.update(|now| {
                        let added = std::mem::replace(now, samples.to_vec());
                        now.extend(added);
                    });
                }
                self.send_samples();
            }
            None => {}
        }
    }

    // -- Samples in ----------------------------------------------------------------------------

    fn gather(&mut self, gathered: Gathered) {
        let Gathered {
            target,
            n_announced,
            n_done,
            images,
            tables,
            failed,
        } = gathered;
        if self.own.network.is_none() {
            return;
        }
        if self.own.reading.is_none() {
            self.notices.clear(Topic::Samples);
        }
        let reading = self.own.reading.get_or_insert_default();
        reading.total += n_announced;
        // Files of samples are done when the worker has read them.
        reading.done += n_done.saturating_sub(tables.len());
        reading.failed.extend(failed);
        let images = images
            .into_iter()
            .map(|image| {
                (
                    image.folder,
                    image.name.into(),
                    SampleData::Pixels(image.bytes),
                )
            })
            .collect();
        self.add(target, images);
        self.read_tables(target, tables);
        self.finish_reading();
    }

    /// Asks the worker to read files of samples, each with its labels.
    fn read_tables(&mut self, target: Target, tables: Vec<GatheredFile>) {
        let (labels, tables): (Vec<_>, Vec<_>) = tables
            .into_iter()
            .partition(|table| table.name.ends_with(LABELS_ENDING));
        let mut unused: Vec<bool> = vec![true; labels.len()];
        for table in tables {
            let wanted = table
                .name
                .strip_suffix(".npy")
                .map(|stem| format!("{stem}{LABELS_ENDING}"));
            let found = labels
                .iter()
                .position(|it| Some(&it.name) == wanted.as_ref());
            if let Some(found) = found {
                unused[found] = false;
            }
            let id = self.send(Request::ReadSamples {
                name: table.name.clone(),
                bytes: table.bytes,
                labels: found.map(|found| labels[found].bytes.clone()),
            });
            self.own.tables.push((id, target, table.name.into()));
        }
        let reading = self.own.reading.get_or_insert_default();
        reading.done += labels.len();
        for (labels, _) in labels.iter().zip(unused).filter(|(_, unused)| *unused) {
            reading.failed.push(format!(
                "\"{}\" holds labels; choose it together with its samples.",
                labels.name
            ));
        }
    }

    pub(super) fn samples_read(&mut self, id: u32, samples: Vec<ReadSample>) {
        let Some(at) = self.own.tables.iter().position(|(known, ..)| *known == id) else {
            return;
        };
        let (_, target, name) = self.own.tables.remove(at);
        if let Some(reading) = &mut self.own.reading {
            reading.done += 1;
        }
        let samples = samples
            .into_iter()
            .map(|sample| (sample.class, name.clone(), sample.data))
            .collect();
        self.add(target, samples);
        self.finish_reading();
    }

    /// Whether the refusal was about a file of samples, or nothing waits for the network any more.
    pub(super) fn refused_own(&mut self, id: u32, message: &str) -> bool {
        self.own.opening.take_if(|(opening, _)| *opening == id);
        let Some(at) = self.own.tables.iter().position(|(known, ..)| *known == id) else {
            return false;
        };
        self.own.tables.remove(at);
        if let Some(reading) = &mut self.own.reading {
            reading.done += 1;
            reading.failed.push(message.to_owned());
        }
        self.finish_reading();
        true
    }

    /// Adds a sample, or tries it; only where there is no room for it something is said.
    pub(super) fn add_quietly(&mut self, target: Target, name: &str, data: SampleData) {
        // Files may be on their way, and have an account of their own.
        let reading = self.own.reading.take();
        self.add(target, vec![(None, name.into(), data)]);
        if let Some(account) = &mut self.own.reading {
            account.added = 0;
        }
        self.finish_reading();
        self.own.reading = reading;
    }

    /// Adds samples, each into the class that it names, else into the target.
    fn add(&mut self, target: Target, samples: Vec<(Option<String>, Rc<str>, SampleData)>) {
        if samples.is_empty() {
            return;
        }
        if target == Target::Try {
            if let Some((_, name, data)) = samples.into_iter().next_back() {
                self.own.probe = Some(Probe {
                    name,
                    data: Shared::new(data),
                });
                self.ask();
            }
            return;
        }
        self.make_classes(&samples);
        let mut new = Vec::new();
        for (named, name, data) in samples {
            let place = match (&named, target) {
                (Some(class), _) => self.own.named(class),
                (None, Target::Class(id)) => self.own.classes.iter().position(|it| it.id == id),
                (None, _) => Some(0),
            };
            let place = place.filter(|&place| place < self.n_own_classes());
            let reading = self.own.reading.get_or_insert_default();
            if place.is_none() {
                reading.no_room += 1;
                continue;
            }
            if self.own.room() == 0 {
                if let Some(reading) = &mut self.own.reading {
                    reading.no_room += 1;
                }
                continue;
            }
            if let Some(reading) = &mut self.own.reading {
                reading.added += 1;
            }
            let id = self.own.new_id();
            let data = Shared::new(data);
            self.own.probe = Some(Probe {
                name: name.clone(),
                data: data.clone(),
            });
            if let Some(place) = place {
                let sample = Sample { id, name, data };
                new.push(self.own_request(place, self.own.classes[place].samples.len(), &sample));
                self.own.classes[place]
                    .samples
                    .update(|samples| samples.push(sample));
            }
        }
        if !new.is_empty() {
            self.send_to_worker(false, new);
            self.ask();
        }
    }

    /// There is a class for every name that comes: one without samples takes it on, else a new one.
    fn make_classes(&mut self, samples: &[(Option<String>, Rc<str>, SampleData)]) {
        let mut names: Vec<&str> = samples
            .iter()
            .filter_map(|(class, ..)| class.as_deref())
            .collect();
        names.sort_unstable_by_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), *name));
        names.dedup();
        for name in names {
            let n_classes = self.n_own_classes();
            if self.own.named(name).is_some_and(|place| place < n_classes) {
                continue;
            }
            let is_free = |class: &OwnClass| class.samples.is_empty() && is_given_name(&class.name);
            match self.own_classes().iter().position(is_free) {
                Some(free) => self.own.classes[free].name = name.chars().take(MAX_NAME).collect(),
                None => self.grow(Some(name)),
            }
        }
    }

    /// When all files have been read, what became of them is said.
    fn finish_reading(&mut self) {
        let Some(reading) = self.own.reading.take_if(|it| it.done >= it.total) else {
            return;
        };
        let mut sentences = Vec::new();
        if reading.added > 0 {
            let were = if reading.added == 1 { "was" } else { "were" };
            let added = text::count(count(reading.added), "sample", "samples");
            sentences.push(format!("{added} {were} added."));
        }
        if reading.no_room > 0 {
            let were = if reading.no_room == 1 { "was" } else { "were" };
            sentences.push(format!(
                "{} {were} left out: at most {} and {} together are possible, in {} classes.",
                text::count(count(reading.no_room), "sample", "samples"),
                text::count(count(MAX_SAMPLES), "sample", "samples"),
                text::bytes(MAX_BYTES as u64),
                CLASSES_RANGE[1],
            ));
        }
        let kind = if reading.failed.is_empty() && reading.no_room == 0 {
            NoticeKind::News
        } else {
            NoticeKind::Alert
        };
        let more = reading.failed.len().saturating_sub(MAX_LISTED);
        sentences.extend(reading.failed.into_iter().take(MAX_LISTED));
        if more > 0 {
            let others = text::count(count(more), "other file", "other files");
            sentences.push(format!("{others} could not be read either."));
        }
        if !sentences.is_empty() {
            self.notices.put(kind, Topic::Samples, sentences.join(" "));
        }
    }

    // -- To the worker -------------------------------------------------------------------------

    /// Gives the worker all samples, in place of those that it has.
    pub(super) fn send_samples(&mut self) {
        if !self.is_own() || !self.network_loaded {
            return;
        }
        let mut all = Vec::new();
        for (place, class) in self.own_classes().iter().enumerate() {
            for (position, sample) in class.samples.iter().enumerate() {
                all.push(self.own_request(place, position, sample));
            }
        }
        let is_empty = all.is_empty();
        self.send_to_worker(true, all);
        if is_empty {
            self.pause();
        }
    }

    fn send_to_worker(&mut self, replace: bool, samples: Vec<OwnSample>) {
        let range = self.own.range_index();
        self.send(Request::SetSamples {
            replace,
            range,
            samples,
        });
    }

    fn own_request(&self, place: usize, position: usize, sample: &Sample) -> OwnSample {
        OwnSample {
            id: sample.id,
            label: count(place),
            held_out: self.own.holds_out && is_held_out(position),
            data: (*sample.data).clone(),
        }
    }

    fn ask(&mut self) {
        let Some(probe) = self.own.probe.clone() else {
            return;
        };
        if self.network_loaded && self.plan.is_some() {
            let range = self.own.range_index();
            self.classify_request = self.send(Request::Predict {
                data: (*probe.data).clone(),
                range,
            });
        }
    }

    /// Whether there is nothing to learn from, which is then said.
    pub(super) fn refused_without_samples(&mut self) -> bool {
        if !self.is_own() || self.samples.is_some() {
            return false;
        }
        let sentence = if self.lacks_network() {
            "Open the file of your network first.".to_owned()
        } else {
            self.own_advice()
                .unwrap_or_else(|| "The samples are on their way.".to_owned())
        };
        self.notices.put(NoticeKind::News, Topic::Refusal, sentence);
        true
    }
}

/// What a class is called that nobody has named.
const CLASS_NAME: &str = "Class ";

/// The classes that the Person scenario begins with.
const PERSON_CLASSES: [&str; 2] = ["Me", "Not me"];

/// Whether nobody has named the class.
fn is_given_name(name: &str) -> bool {
    name.starts_with(CLASS_NAME) || PERSON_CLASSES.contains(&name)
}

fn class_name(number: usize) -> String {
    format!("{CLASS_NAME}{number}")
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
