//! A worker that is asked by hand, and whose time stands still.

use quartermeg_web::protocol::{Event, Position, Request, Speed, ToWorker};
use quartermeg_worker::time::{Clock, Next};
use quartermeg_worker::trainer::Trainer;

pub(crate) struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> f64 {
        0.0
    }
}

pub(crate) struct Bench {
    pub(crate) trainer: Trainer<NoClock>,
    newest: u32,
}

impl Bench {
    pub(crate) fn empty() -> Self {
        Self {
            trainer: Trainer::new(NoClock),
            newest: 0,
        }
    }

    pub(crate) fn ask(&mut self, request: Request) -> Vec<Event> {
        self.newest += 1;
        let id = self.newest;
        self.trainer.handle(ToWorker { id, request });
        let events = self.trainer.take_events();
        events.into_iter().map(|event| event.event).collect()
    }

    pub(crate) fn refusal(&mut self, request: Request) -> String {
        match &self.ask(request)[..] {
            [Event::Failed { message }] => message.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Trains to the end: where that is, and how many samples the accuracy was measured on.
    pub(crate) fn train(&mut self) -> (Position, u32) {
        self.ask(Request::Play(Speed::Unlimited));
        let mut total = 0;
        for _ in 0..1_000 {
            let next = self.trainer.slice();
            let mut position = None;
            for event in self.trainer.take_events() {
                match event.event {
                    Event::Accuracy { total: of, .. } => total = of,
                    Event::Position(now) => position = Some(*now),
                    _ => {}
                }
            }
            if let Some(position) = position {
                return (position, total);
            }
            assert_ne!(next, Next::Idle);
        }
        panic!("training does not end");
    }
}
