//! The app's root: it holds the state, carries out commands, and draws the page.

use std::cell::Cell;
use std::rc::Rc;

use gloo::events::EventListener;
use wasm_bindgen_futures::spawn_local;
use yew::{ContextProvider, Html, component, html, use_effect_with, use_memo, use_reducer_eq};

use quartermeg_formats::export::files::PICTURE_NAME;
use quartermeg_formats::verified;

use crate::bridge::{Bridge, Said};
use crate::components::page::Page;
use crate::io;
use crate::protocol::{Request, ToWorker};
use crate::state::{
    Action, AnalysisAction, AppState, CameraAction, Command, Dispatch, ENDED, File, RunsAction,
    runs,
};

/// Id of the element that the page is drawn into.
const ROOT_ID: &str = "app";

/// Draws the page into the element `#app`, or into the body where there is none.
pub fn start() {
    match io::document().get_element_by_id(ROOT_ID) {
        Some(root) => yew::Renderer::<App>::with_root(root).render(),
        None => yew::Renderer::<App>::new().render(),
    };
}

/// Holds the state and puts it around the page.
#[component]
fn App() -> Html {
    let state = use_reducer_eq(AppState::new);
    let dispatch = state.dispatcher();
    let world = use_memo((), |()| {
        let world = World::new(dispatch.clone());
        world.load_verified();
        world
    });
    {
        let dispatch = dispatch.clone();
        use_effect_with((), move |()| {
            dispatch.dispatch(stored_runs());
            dispatch.dispatch(Action::Started {
                fragment: io::fragment::read(),
                calm: io::document::prefers_calm(),
            });
        });
    }
    // Before the page is drawn, so that the worker plans an edit while the edit is drawn.
    world.carry_out(&state);
    html! {
        <ContextProvider<Rc<AppState>> context={Rc::new((*state).clone())}>
            <ContextProvider<Dispatch> context={dispatch}>
                <Page />
            </ContextProvider<Dispatch>>
        </ContextProvider<Rc<AppState>>>
    }
}

/// Everything outside the state: the worker, the address bar, files.
struct World {
    dispatch: Dispatch,
    bridge: Rc<Bridge>,
    fragment: io::fragment::FragmentWriter,
    /// Number of the newest command that was carried out.
    done: Cell<u32>,
    /// The scenario whose files were asked for last.
    newest_load: Rc<Cell<Option<&'static str>>>,
    _listeners: [EventListener; 4],
}

impl World {
    fn new(dispatch: Dispatch) -> Self {
        let on_said = dispatch.clone();
        let bridge = Bridge::new(move |said| {
            on_said.dispatch(match said {
                Said::Message(message) => Action::Worker(message),
                Said::Lost(reason) => Action::WorkerLost(reason),
            });
        });
        let on_fragment = dispatch.clone();
        let fragment_listener = io::fragment::listen(move |fragment| {
            on_fragment.dispatch(Action::FragmentChanged(fragment));
        });
        let on_kept = dispatch.clone();
        let kept = io::storage::listen(move || on_kept.dispatch(stored_runs()));
        let on_drop = dispatch.clone();
        let [over, drop] = io::open::listen_to_drops(move |read| {
            on_drop.dispatch(opened(read));
        });
        Self {
            dispatch,
            bridge: Rc::new(bridge),
            fragment: io::fragment::FragmentWriter::default(),
            done: Cell::new(0),
            newest_load: Rc::default(),
            _listeners: [fragment_listener, kept, over, drop],
        }
    }

    /// Fetches the list of programs that were verified; a page may be without.
    fn load_verified(&self) {
        let dispatch = self.dispatch.clone();
        spawn_local(async move {
            let file = io::fetch::bytes("The list of verified programs", verified::FILE_NAME).await;
            let list = verified::digests(&file.unwrap_or_default());
            dispatch.dispatch(Action::VerifiedLoaded(list));
        });
    }

    /// Carries out what the state asks for, each command once.
    fn carry_out(&self, state: &AppState) {
        let done = self.done.get();
        let newest = state.outbox.newest();
        if newest <= done {
            return;
        }
        self.done.set(newest);
        for (_, command) in state.outbox.after(done) {
            self.run(command);
        }
        self.dispatch.dispatch(Action::Done(newest));
    }

    fn run(&self, command: &Command) {
        match command {
            Command::Send(message) => self.bridge.send((**message).clone()),
            Command::Load {
                file,
                scenario,
                path,
                id,
            } => self.load(*file, scenario, path.clone(), *id),
            Command::RestartWorker => self.bridge.restart(),
            Command::Download { name, bytes } => {
                if let Err(sentence) = io::download::offer(name, bytes) {
                    self.dispatch.dispatch(Action::Alert(sentence));
                }
            }
            Command::CopyFile { name, bytes } => {
                let (name, bytes) = (name.clone(), bytes.clone());
                let dispatch = self.dispatch.clone();
                spawn_local(async move {
                    let result = io::clipboard::copy(&String::from_utf8_lossy(&bytes)).await;
                    dispatch.dispatch(Action::FileCopied { name, result });
                });
            }
            Command::PaintMap { svg } => {
                let svg = svg.clone();
                let dispatch = self.dispatch.clone();
                spawn_local(async move {
                    let painted = io::picture::png(&svg).await;
                    let offered = painted.and_then(|png| io::download::offer(PICTURE_NAME, &png));
                    if let Err(sentence) = offered {
                        dispatch.dispatch(Action::Alert(sentence));
                    }
                });
            }
            Command::WriteFragment(fragment) => self.fragment.write(fragment),
            Command::CopyLink(fragment) => {
                let link = io::fragment::link(fragment);
                let dispatch = self.dispatch.clone();
                spawn_local(async move {
                    let result = io::clipboard::copy(&link).await;
                    dispatch.dispatch(Action::LinkCopied(result));
                });
            }
            Command::Keep { key, text } => {
                let Some(text) = text else {
                    io::storage::remove(key);
                    return;
                };
                if let Err(reason) = io::storage::write(key, text) {
                    let refused = AnalysisAction::NotKept(reason);
                    self.dispatch.dispatch(Action::Analysis(refused));
                }
            }
            Command::Recall { key } => {
                let recalled = AnalysisAction::Recalled {
                    key: key.clone(),
                    text: io::storage::read(key),
                };
                self.dispatch.dispatch(Action::Analysis(recalled));
            }
            Command::ListKept { prefix } => {
                let listed = AnalysisAction::Listed(io::storage::keys(prefix));
                self.dispatch.dispatch(Action::Analysis(listed));
            }
            Command::StartCamera => {
                let dispatch = self.dispatch.clone();
                let on_end = self.dispatch.clone();
                spawn_local(async move {
                    let started = io::camera::start(move || {
                        let ended = CameraAction::Failed(ENDED.to_owned());
                        on_end.dispatch(Action::Camera(ended));
                    });
                    dispatch.dispatch(Action::Camera(match started.await {
                        Ok(()) => CameraAction::Started,
                        Err(name) => CameraAction::Failed(name),
                    }));
                });
            }
            Command::StopCamera => io::camera::stop(),
            Command::KeepText { key, text } => {
                if let Err(reason) = io::storage::write(key, text) {
                    let told = RunsAction::NotStored(key, reason);
                    self.dispatch.dispatch(Action::Runs(told));
                }
            }
            Command::StampRun(id) => {
                let told = RunsAction::Stamped(*id, io::clock::now());
                self.dispatch.dispatch(Action::Runs(told));
            }
            Command::MarkReady { build, simd } => io::document::mark_ready(build, *simd),
        }
    }

    /// Fetches a file of the scenario for the worker.
    fn load(&self, file: File, scenario: &'static str, path: String, id: u32) {
        let dispatch = self.dispatch.clone();
        let bridge = self.bridge.clone();
        let newest = self.newest_load.clone();
        newest.set(Some(scenario));
        spawn_local(async move {
            let what = match file {
                File::Network | File::OwnNetwork => "The network",
                File::Samples => "The samples",
                File::Contributions => "What layers contribute",
            };
            let fetched = io::fetch::bytes(what, &path).await;
            if newest.get() != Some(scenario) {
                // Another scenario was chosen meanwhile.
                return;
            }
            let scenario = scenario.to_owned();
            match fetched {
                Ok(bytes) => {
                    let request = match file {
                        File::Network => Request::LoadNetwork {
                            scenario,
                            file: bytes,
                        },
                        File::Samples => Request::LoadSamples {
                            scenario,
                            file: bytes,
                        },
                        File::Contributions => Request::LoadContributions {
                            scenario,
                            file: bytes,
                        },
                        File::OwnNetwork => Request::OpenNetwork {
                            scenario,
                            name: path,
                            bytes,
                        },
                    };
                    bridge.send(ToWorker { id, request });
                    dispatch.dispatch(Action::FileLoaded(file));
                }
                Err(message) => dispatch.dispatch(Action::FileFailed { file, message }),
            }
        });
    }
}

/// The runs that the browser keeps.
fn stored_runs() -> Action {
    Action::Runs(RunsAction::Stored(io::storage::read(runs::KEY)))
}

/// What a chosen or dropped file means for the state.
#[must_use]
pub fn opened(read: io::open::Read) -> Action {
    match read {
        Ok((name, bytes)) => Action::OpenFile { name, bytes },
        Err(sentence) => Action::Alert(sentence),
    }
}
