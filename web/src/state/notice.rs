//! Alerts and news.

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Something was refused or went wrong: `role="alert"`.
    Alert,
    /// News: `role="status"`.
    News,
}

/// What a notice is about; a new notice takes the place of the old one of its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The plan does not fit the budget.
    Budget,
    /// Training began again.
    Restart,
    /// The link was corrected or copied.
    Link,
    /// A file of the scenario is missing.
    Files,
    /// A file that a person opened.
    Opened,
    /// A network was opened, as the page shows anyway.
    Network,
    /// Samples of a person's own that were added or left out.
    Samples,
    /// Samples of a person's own that were taken away and can be put back.
    Aside,
    /// Runs that are kept to be compared.
    Runs,
    /// There is no camera.
    Camera,
    /// A file that was copied.
    Exported,
    /// What the browser shall keep.
    Kept,
    /// The worker ended.
    Worker,
    /// The worker refused a request.
    Refusal,
}

/// A sentence for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// For `Action::Dismiss`, and as the key of a list.
    pub id: u32,
    /// How urgent it is.
    pub kind: NoticeKind,
    /// What it is about.
    pub topic: Topic,
    /// What, where, how many bytes, what to do.
    pub text: String,
}

/// The notices, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    newest: u32,
    list: Vec<Notice>,
}

impl Notices {
    /// All notices, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.list.iter()
    }

    /// The alerts, oldest first.
    pub fn alerts(&self) -> impl Iterator<Item = &Notice> {
        self.iter()
            .filter(|notice| notice.kind == NoticeKind::Alert)
    }

    /// The news, oldest first.
    pub fn news(&self) -> impl Iterator<Item = &Notice> {
        self.iter().filter(|notice| notice.kind == NoticeKind::News)
    }

    /// Says something, in place of what was said on the same topic.
    pub(super) fn put(&mut self, kind: NoticeKind, topic: Topic, text: String) {
        self.clear(topic);
        self.newest += 1;
        self.list.push(Notice {
            id: self.newest,
            kind,
            topic,
            text,
        });
    }

    /// Takes back what was said on a topic.
    pub(super) fn clear(&mut self, topic: Topic) {
        self.list.retain(|notice| notice.topic != topic);
    }

    /// Takes one notice away.
    pub(super) fn dismiss(&mut self, id: u32) {
        self.list.retain(|notice| notice.id != id);
    }
}
