//! Line charts as SVG, as README and docs/ show them: for the report of the benchmarks and for the attack simulator.
//!
//! A chart is one or more panels below each other, each with its own axes and its legend to the right. The ground is white
//! and the text black whatever the reader's theme, so that a chart is legible in light and in dark mode.

use std::fmt::Write as _;

/// The size of a panel, and its margins.
pub(crate) const WIDTH: f64 = 720.0;
pub(crate) const HEIGHT: f64 = 420.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;

/// How far a bar reaches to each side of its point.
const CAP: f64 = 3.0;

/// How the values of an axis become places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

/// One axis of a panel.
#[derive(Clone, Debug)]
pub(crate) struct Axis<'a> {
    pub(crate) title: &'a str,
    pub(crate) scale: Scale,
    pub(crate) range: (f64, f64),
    /// Where the grid is, and what stands there; all within the range.
    pub(crate) ticks: Vec<(f64, &'a str)>,
}

impl Axis<'_> {
    /// Where a value is: 0 at the beginning of the axis, 1 at its end.
    fn place(&self, value: f64) -> f64 {
        let scaled = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.log10(),
        };
        let (from, to) = (scaled(self.range.0), scaled(self.range.1));
        (scaled(value) - from) / (to - from)
    }
}

/// A point of a line, and how far its value may be off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) interval: Option<(f64, f64)>,
}

/// A line, and the two lines of text that the legend has for it.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) colour: &'a str,
    pub(crate) label: (&'a str, &'a str),
    pub(crate) points: Vec<Point>,
    /// Drawn to compare with: half as wide, and without marks at the points.
    pub(crate) is_thin: bool,
}

/// One pair of axes with its lines.
#[derive(Clone, Debug)]
pub(crate) struct Panel<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: Axis<'a>,
    pub(crate) y: Axis<'a>,
    pub(crate) lines: Vec<Line<'a>>,
}

/// A picture of panels below each other.
pub(crate) fn svg(panels: &[Panel<'_>]) -> String {
    let height = (1..).zip(panels).last().map_or(0.0, |(count, _)| HEIGHT * f64::from(count));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (index, panel) in (0_u8..).zip(panels) {
        if index == 0 {
            panel.draw(&mut svg);
        } else {
            let _ = writeln!(svg, "<g transform=\"translate(0 {})\">", HEIGHT * f64::from(index));
            panel.draw(&mut svg);
            svg.push_str("</g>\n");
        }
    }
    svg.push_str("</svg>\n");
    svg
}

impl Panel<'_> {
    fn at_x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn at_y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)
    }

    fn draw(&self, svg: &mut String) {
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}</text>", self.title);
        self.draw_axes(svg);
        for (index, line) in (0_u8..).zip(&self.lines) {
            self.draw_line(svg, line);
            draw_legend(svg, index, line);
        }
    }

    fn draw_axes(&self, svg: &mut String) {
        let bottom = HEIGHT - BOTTOM;
        for &(value, label) in &self.y.ticks {
            let y = self.at_y(value);
            let (end, text) = (WIDTH - RIGHT, y + 4.0);
            let _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{end}\" stroke=\"#ddd\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{text:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 8.0
            );
        }
        for &(value, label) in &self.x.ticks {
            let x = self.at_x(value);
            let _ = writeln!(svg, "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"#eee\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                bottom + 18.0
            );
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        let _ = writeln!(
            svg,
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 10.0,
            self.x.title
        );
        if !self.y.title.is_empty() {
            let middle = f64::midpoint(TOP, bottom);
            let _ = writeln!(
                svg,
                "<text transform=\"translate(22 {middle}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
                self.y.title
            );
        }
    }

    fn draw_line(&self, svg: &mut String, line: &Line<'_>) {
        let colour = line.colour;
        let path: Vec<String> = line
            .points
            .iter()
            .map(|point| format!("{:.1},{:.1}", self.at_x(point.x), self.at_y(point.y)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\"/>",
            path.join(" "),
            if line.is_thin { 1 } else { 2 }
        );
        if line.is_thin {
            return;
        }
        for point in &line.points {
            let (x, y) = (self.at_x(point.x), self.at_y(point.y));
            if let Some((low, high)) = point.interval {
                let (low, high, cap) = (self.at_y(low), self.at_y(high), 2.0 * CAP);
                let _ = writeln!(
                    svg,
                    "<path d=\"M{0:.1} {high:.1}h{cap}m-{CAP} 0V{low:.1}m-{CAP} 0h{cap}\" fill=\"none\" \
                     stroke=\"{colour}\"/>",
                    x - CAP
                );
            }
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
    }
}

fn draw_legend(svg: &mut String, index: u8, line: &Line<'_>) {
    let (x, y) = (WIDTH - RIGHT + 10.0, TOP + 20.0 + 34.0 * f64::from(index));
    let (colour, (first, second)) = (line.colour, line.label);
    let _ = writeln!(svg, "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/>", x + 4.0, y - 4.0);
    let _ = writeln!(
        svg,
        "<text x=\"{0}\" y=\"{y}\">{first}</text><text x=\"{0}\" y=\"{1}\" fill=\"#555\">{second}</text>",
        x + 14.0,
        y + 14.0
    );
}

/// A number with commas, as 1,000,000.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}
