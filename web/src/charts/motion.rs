//! A window of motion as lines.

use std::fmt::Write as _;

use crate::protocol::MotionView;

/// Height of a strip in its own units; zero lies in the middle.
pub const HEIGHT: f64 = 40.0;

/// Channels of one unit, which share an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// What was measured.
    pub title: &'static str,
    /// Its unit.
    pub unit: String,
    /// Where the axis ends, upwards and downwards.
    pub end: f64,
    /// For each channel its axis in space, and the points of its line: moments across,
    /// [`HEIGHT`] down.
    pub lines: Vec<(String, String)>,
}

/// The strips of a window; `codes` are `[time, channel]`.
#[must_use]
pub fn strips(view: &MotionView, codes: &[i8]) -> Vec<Strip> {
    let n_channels = view.channels.len().max(1);
    let values = |channel: usize| {
        let [zero, step] = view.channels[channel].line;
        let codes = codes.iter().skip(channel).step_by(n_channels);
        codes.map(move |&code| zero + step * f64::from(code))
    };
    let mut strips: Vec<Strip> = Vec::new();
    for (channel, it) in view.channels.iter().enumerate() {
        let most = values(channel).fold(1.0, |most: f64, value| most.max(value.abs()));
        match strips.last_mut().filter(|strip| strip.unit == it.unit) {
            Some(strip) => strip.end = strip.end.max(most.ceil()),
            None => strips.push(Strip {
                title: if it.name.starts_with('a') {
                    "Accelerometer"
                } else {
                    "Gyroscope"
                },
                unit: it.unit.clone(),
                end: most.ceil(),
                lines: Vec::new(),
            }),
        }
    }
    for (channel, it) in view.channels.iter().enumerate() {
        let Some(strip) = strips.iter_mut().find(|strip| strip.unit == it.unit) else {
            continue;
        };
        let mut points = String::new();
        for (moment, value) in values(channel).enumerate() {
            let down = 0.5 * HEIGHT * (1.0 - value / strip.end);
            // Writing to a string cannot fail.
            let _ = write!(points, "{moment},{down:.1} ");
        }
        let axis = it.name.chars().skip(1).collect();
        strip.lines.push((axis, points));
    }
    strips
}

/// Seconds of a window.
#[must_use]
pub fn seconds(view: &MotionView, codes: &[i8]) -> f64 {
    let moments = codes.len() / view.channels.len().max(1);
    f64::from(u32::try_from(moments).unwrap_or(u32::MAX)) / f64::from(view.rate_hz.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ChannelView;

    #[test]
    fn channels_of_one_unit_share_an_axis() {
        let channel = |name: &str, unit: &str, line| ChannelView {
            name: name.to_owned(),
            unit: unit.to_owned(),
            line,
        };
        let view = MotionView {
            rate_hz: 4,
            channels: vec![
                channel("ax", "g", [0.0, 0.5]),
                channel("ay", "g", [1.0, 0.5]),
                channel("wx", "rad/s", [0.0, 0.1]),
            ],
            ..MotionView::default()
        };
        // Two moments: ax 1 and -1, ay 1 and 3.5, wx 0 and 0.1.
        let codes = [2, 0, 0, -2, 5, 1];
        let [motion, turns] = &strips(&view, &codes)[..] else {
            panic!("two units");
        };
        assert_eq!((motion.title, motion.unit.as_str()), ("Accelerometer", "g"));
        assert!((motion.end - 4.0).abs() < 1e-9 && (turns.end - 1.0).abs() < 1e-9);
        let line = |axis: &str, points: &str| (axis.to_owned(), points.to_owned());
        assert_eq!(
            motion.lines,
            [line("x", "0,15.0 1,25.0 "), line("y", "0,15.0 1,2.5 ")]
        );
        assert_eq!(turns.lines, [line("x", "0,20.0 1,18.0 ")]);
        assert!((seconds(&view, &codes) - 0.5).abs() < 1e-9);
    }
}
