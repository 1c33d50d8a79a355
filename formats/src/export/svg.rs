//! The memory map as SVG.

use std::fmt::Write as _;

use quartermeg_core::program::Program;

use super::map::{self, Align, CARD, Colour, HEIGHT, Mark, Pattern, WIDTH};
use super::stamp::Stamp;

/// The map of a program; `budget` is what the block may use.
#[must_use]
pub fn write<B: AsRef<[u8]>>(program: &Program<B>, name: &str, budget: Option<u32>) -> String {
    let marks = map::marks(program, name, budget);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"ui-monospace, Menlo, Consolas, 'Liberation \
         Mono', monospace\" font-size=\"12\" shape-rendering=\"crispEdges\">\n\
         <title>{}</title>\n<metadata>{}</metadata>\n<defs>\n",
        escaped(name),
        Stamp::of("svg", program).line()
    );
    let mut patterns: Vec<(Pattern, Colour)> = Vec::new();
    for mark in &marks {
        if let Mark::Fill {
            pattern: Some(pattern),
            ..
        } = mark
            && !patterns.contains(pattern)
        {
            patterns.push(*pattern);
        }
    }
    for (index, &(pattern, colour)) in patterns.iter().enumerate() {
        define(&mut text, index, pattern, colour);
    }
    text.push_str("</defs>\n");
    let card = hex(CARD);
    let _ = writeln!(
        text,
        "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{card}\"/>"
    );
    for mark in &marks {
        draw(&mut text, mark, &patterns);
    }
    text.push_str("</svg>\n");
    text
}

/// One tile of a pattern, as rectangles of a pixel's height.
fn define(text: &mut String, index: usize, pattern: Pattern, colour: Colour) {
    let period = pattern.period();
    let mut path = String::new();
    for y in 0..period {
        for x in 0..period {
            if pattern.covers(x, y) {
                // Writing to a string cannot fail.
                let _ = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
    }
    let _ = writeln!(
        text,
        "<pattern id=\"p{index}\" width=\"{period}\" height=\"{period}\" \
         patternUnits=\"userSpaceOnUse\"><path d=\"{path}\" fill=\"{}\"/></pattern>",
        hex(colour)
    );
}

fn draw(text: &mut String, mark: &Mark, patterns: &[(Pattern, Colour)]) {
    match mark {
        Mark::Fill {
            area,
            colour,
            pattern,
        } => {
            let pattern = pattern.and_then(|it| patterns.iter().position(|known| *known == it));
            let fills = [
                Some(hex(*colour)),
                pattern.map(|index| format!("url(#p{index})")),
            ];
            for fill in fills.into_iter().flatten() {
                let _ = writeln!(
                    text,
                    "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{fill}\"/>",
                    area.x, area.y, area.width, area.height
                );
            }
        }
        Mark::Text {
            at: [x, y],
            text: words,
            align,
            colour,
            bold,
        } => {
            let anchor = match align {
                Align::Start => "start",
                Align::Middle => "middle",
                Align::End => "end",
            };
            let weight = if *bold { " font-weight=\"bold\"" } else { "" };
            let _ = writeln!(
                text,
                "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"{}\"{weight}>{}</text>",
                y + 4,
                hex(*colour),
                escaped(words)
            );
        }
    }
}

fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Text from a file inside an element: without what means something there, or nothing anywhere.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_files_stay_text() {
        assert_eq!(escaped("a<b>&\"\u{1}"), "a&lt;b&gt;&amp;&quot; ");
    }
}
