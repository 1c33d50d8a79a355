//! Changes of windows of motion, on codes `[time, channel]`.
//!
//! Channels are called by an axis in space, `ax` `ay` `az`; those with the same beginning belong
//! together. They are changed as the quantities that they stand for, not as codes: each has a mean
//! of its own.

use quartermeg_core::network::Value;
use quartermeg_formats::motion::Channel;

use super::sin_cos;

/// The same movement by the other arm, seen in the mirror: the sensor is worn alike there, so that
/// its x axis, which runs along the forearm, points the other way. What has a direction is turned
/// round along x; what turns does so along y and z.
#[must_use]
pub fn mirrored(codes: &[i8], channels: &[Channel], input: Value) -> Vec<i8> {
    let flips = |channel: &Channel| match axis(channel) {
        Some(b'x') => !is_turning(channel),
        Some(_) => is_turning(channel),
        None => false,
    };
    let mut changed = codes.to_vec();
    for (at, channel) in channels.iter().enumerate().filter(|(_, it)| flips(it)) {
        for moment in changed.chunks_exact_mut(channels.len()) {
            moment[at] = channel.code(-value(moment[at], channel, input), input);
        }
    }
    changed
}

/// A sensor that has turned around its x axis, as a loose strap does.
#[must_use]
pub fn turned(codes: &[i8], channels: &[Channel], input: Value, degrees: i32) -> Vec<i8> {
    let [sin, cos] = sin_cos(degrees);
    let mut changed = codes.to_vec();
    for [y, z] in pairs(channels) {
        let [of_y, of_z] = [&channels[y], &channels[z]];
        for moment in changed.chunks_exact_mut(channels.len()) {
            let (along_y, along_z) = (value(moment[y], of_y, input), value(moment[z], of_z, input));
            moment[y] = of_y.code(cos * along_y - sin * along_z, input);
            moment[z] = of_z.code(sin * along_y + cos * along_z, input);
        }
    }
    changed
}

/// Whether windows of these channels can be changed.
pub(super) fn has_axes(channels: &[Channel]) -> bool {
    !pairs(channels).is_empty()
}

/// The y and the z axis of each quantity.
fn pairs(channels: &[Channel]) -> Vec<[usize; 2]> {
    let all = || channels.iter().enumerate();
    let pairs = all()
        .filter(|(_, it)| axis(it) == Some(b'y'))
        .filter_map(|(y, of_y)| {
            let is_z = |it: &Channel| axis(it) == Some(b'z') && quantity(it) == quantity(of_y);
            let (z, _) = all().find(|(_, it)| is_z(it))?;
            Some([y, z])
        });
    pairs.collect()
}

fn axis(channel: &Channel) -> Option<u8> {
    let (axis, _) = channel.name.as_bytes().split_last()?;
    (b'x'..=b'z').contains(axis).then_some(*axis)
}

fn quantity(channel: &Channel) -> Option<&[u8]> {
    Some(channel.name.as_bytes().split_last()?.1)
}

/// Whether it is a rate of turning, as a gyroscope measures it: in radians or degrees a second,
/// where an acceleration is in g or in metres a second squared.
fn is_turning(channel: &Channel) -> bool {
    channel.unit.ends_with("/s")
}

fn value(code: i8, channel: &Channel, input: Value) -> f64 {
    let [zero, step] = channel.line(input);
    zero + step * f64::from(code)
}

#[cfg(test)]
mod tests {
    use quartermeg_core::network::Shape;
    use quartermeg_core::quant::QuantParams;

    use super::*;

    const INPUT: Value = Value {
        shape: Shape { h: 1, w: 2, c: 6 },
        quant: QuantParams {
            scale: 0.25,
            zero_point: 1,
        },
    };

    /// `ax` to `az` in g and `wx` to `wz` in rad/s; means differ, deviations are 1.
    fn channels() -> Vec<Channel> {
        let channel = |name: &str, unit: &str, mean| Channel {
            name: name.to_owned(),
            unit: unit.to_owned(),
            mean,
            deviation: 1.0,
        };
        vec![
            channel("ax", "g", 0.5),
            channel("ay", "g", 0.0),
            channel("az", "g", -0.25),
            channel("wx", "rad/s", 0.0),
            channel("wy", "rad/s", 0.0),
            channel("wz", "rad/s", 0.0),
        ]
    }

    /// Codes of values: (value - mean) / 0.25 + 1.
    fn codes(values: [f64; 6]) -> Vec<i8> {
        let pairs = values.into_iter().zip(channels());
        pairs.map(|(it, channel)| channel.code(it, INPUT)).collect()
    }

    #[test]
    fn the_mirror_turns_round_what_it_should() {
        let left = codes([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let right = codes([-1.0, 2.0, 3.0, 4.0, -5.0, -6.0]);
        assert_eq!(left, [3, 9, 14, 17, 21, 25]);
        let both: Vec<i8> = left.iter().chain(&right).copied().collect();
        let swapped: Vec<i8> = right.iter().chain(&left).copied().collect();
        assert_eq!(mirrored(&both, &channels(), INPUT), swapped);
        assert_eq!(mirrored(&swapped, &channels(), INPUT), both);
    }

    #[test]
    fn a_turn_mixes_y_and_z_of_each_quantity() {
        let before = codes([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let quarter = codes([1.0, -3.0, 2.0, 4.0, -6.0, 5.0]);
        assert_eq!(turned(&before, &channels(), INPUT, 90), quarter);
        assert_eq!(turned(&before, &channels(), INPUT, 0), before);
        // cos(60°) = 1/2, sin(60°) = 0.866: 2 and 0 become 1 and 1.73.
        let slanting = codes([0.0, 1.0, 1.732, 0.0, 0.0, 0.0]);
        let upright = codes([0.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(turned(&upright, &channels(), INPUT, 60), slanting);
    }

    #[test]
    fn channels_without_axes_stay_as_they_are() {
        let mut others = channels();
        for (at, channel) in others.iter_mut().enumerate() {
            channel.name = format!("sensor {at}");
        }
        let window = codes([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert!(!has_axes(&others) && has_axes(&channels()));
        assert_eq!(mirrored(&window, &others, INPUT), window);
        assert_eq!(turned(&window, &others, INPUT, 90), window);
        assert_eq!(turned(&window, &[], INPUT, 90), window);
    }
}
