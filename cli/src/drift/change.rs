//! How the world changes, as options and in words.

use anyhow::{Context as _, bail};
use quartermeg_core::network::Network;
use quartermeg_formats::motion::Channel;
use quartermeg_search::drift::Change;
use serde::Serialize;

/// The options that say how the world changes.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeOptions {
    /// How the world changes; what the page begins with if absent: another slant of images, the
    /// other arm of motion, else a new class.
    #[arg(long, value_enum)]
    change: Option<Kind>,
    /// How much: degrees of slant or rotation, or per cent of the light before; what the page
    /// begins with if absent.
    #[arg(long, allow_negative_numbers = true)]
    strength: Option<i32>,
    /// The class that comes with --change new-class, by its name or its place from 0 on; the first
    /// if absent.
    #[arg(long)]
    class: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Images written by another hand: strokes lean to the right.
    Slant,
    /// Images that are turned clockwise.
    Rotation,
    /// Images in another light.
    Light,
    /// Motion of the other arm, mirrored.
    OtherArm,
    /// Motion of a sensor that has turned around the forearm.
    TurnedSensor,
    /// A class that is withheld before the change.
    NewClass,
}

/// A change, as it is reported.
#[derive(Debug, Serialize)]
pub(super) struct ChangeReport {
    kind: Kind,
    /// For people.
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    strength: Option<i32>,
    /// Name of the class that comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
}

impl ChangeOptions {
    /// The change that is asked for, of samples that have these channels of motion, if any.
    pub(super) fn change(&self, network: &Network, channels: &[Channel]) -> anyhow::Result<Change> {
        let shape = network.input().shape;
        let kind = self.change.unwrap_or(if !channels.is_empty() {
            Kind::OtherArm
        } else if shape.h > 1 && shape.w > 1 {
            Kind::Slant
        } else {
            Kind::NewClass
        });
        let usual = Change::USUAL.into_iter().find(|it| Kind::of(*it) == kind);
        let usual = usual.context("invariant: every kind has a usual strength")?;
        if self.class.is_some() && kind != Kind::NewClass {
            bail!("--class is for --change new-class; leave it out, or ask for that change.");
        }
        let strength = match (self.strength, usual.strengths()) {
            (None, _) => return self.with_class(usual, network),
            (Some(given), None) => bail!(
                "--strength {given} cannot be used: there is no more or less of {}; leave it out.",
                kind.words().to_lowercase()
            ),
            (Some(given), Some([weakest, strongest])) => {
                if !(weakest..=strongest).contains(&given) {
                    bail!(
                        "--strength {given} cannot be used: of {} it lies in {weakest}..{strongest}.",
                        kind.words().to_lowercase()
                    );
                }
                given
            }
        };
        Ok(match usual {
            Change::Slant { .. } => Change::Slant { degrees: strength },
            Change::Rotation { .. } => Change::Rotation { degrees: strength },
            Change::TurnedSensor { .. } => Change::TurnedSensor { degrees: strength },
            Change::Light { .. } => Change::Light {
                percent: strength.unsigned_abs(),
            },
            Change::OtherArm | Change::NewClass { .. } => usual,
        })
    }

    /// The class that is asked for, where one comes.
    fn with_class(&self, usual: Change, network: &Network) -> anyhow::Result<Change> {
        let Some(text) = &self.class else {
            return Ok(usual);
        };
        let names = network.classes();
        let by_place = || {
            text.parse()
                .ok()
                .filter(|&class: &usize| class < names.len())
        };
        let class = names.iter().position(|name| name == text).or_else(by_place);
        let class = class.and_then(|class| u32::try_from(class).ok());
        let class = class.with_context(|| {
            format!(
                "--class \"{text}\" cannot be used: the network knows the classes {}.",
                names.join(", ")
            )
        })?;
        Ok(Change::NewClass { class })
    }
}

impl Kind {
    fn of(change: Change) -> Self {
        match change {
            Change::Slant { .. } => Self::Slant,
            Change::Rotation { .. } => Self::Rotation,
            Change::Light { .. } => Self::Light,
            Change::OtherArm => Self::OtherArm,
            Change::TurnedSensor { .. } => Self::TurnedSensor,
            Change::NewClass { .. } => Self::NewClass,
        }
    }

    /// As the page calls it.
    fn words(self) -> &'static str {
        match self {
            Self::Slant => "Another hand (slant)",
            Self::Rotation => "Rotation",
            Self::Light => "Another light",
            Self::OtherArm => "The other arm",
            Self::TurnedSensor => "A sensor that has turned",
            Self::NewClass => "A new class",
        }
    }
}

impl ChangeReport {
    pub(super) fn of(change: Change, network: &Network) -> Self {
        let (strength, class) = match change {
            Change::Slant { degrees }
            | Change::Rotation { degrees }
            | Change::TurnedSensor { degrees } => (Some(degrees), None),
            Change::Light { percent } => (i32::try_from(percent).ok(), None),
            Change::OtherArm => (None, None),
            Change::NewClass { class } => (None, network.classes().get(class as usize).cloned()),
        };
        let kind = Kind::of(change);
        let words = kind.words();
        let name = match (strength, &class) {
            (Some(percent), _) if kind == Kind::Light => format!("{words}, {percent} %"),
            (Some(degrees), _) => format!("{words}, {degrees}°"),
            (None, Some(class)) => format!("{words}, {class}"),
            (None, None) => words.to_owned(),
        };
        Self {
            kind,
            name,
            strength,
            class,
        }
    }
}
