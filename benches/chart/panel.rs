//! One pair of axes with its lines and its legend.

use std::fmt::Write as _;

use super::{Line, Point, WIDTH, escaped};

const LEFT: f64 = 76.0;
const RIGHT: f64 = 28.0;
/// The plot itself.
const PLOT: f64 = 280.0;
/// A line of text, and one of the legend.
const ROW: f64 = 22.0;
const LEGEND: f64 = 26.0;
/// From one panel's legend to the next panel's title.
const GAP: f64 = 18.0;
/// How many letters a line holds, in the widest usual fonts: a title, which is bold, and other text.
const TITLE_LETTERS: usize = 46;
const LETTERS: usize = 52;
/// How far the bar of an interval reaches to each side of its point.
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
    /// Where the grid lines are, and what is written there; all within the range.
    pub(crate) ticks: Vec<(f64, &'a str)>,
    /// How a value is written.
    pub(crate) written: fn(f64) -> String,
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

/// One pair of axes with its lines.
#[derive(Clone, Debug)]
pub(crate) struct Panel<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: Axis<'a>,
    pub(crate) y: Axis<'a>,
    pub(crate) lines: Vec<Line<'a>>,
}

impl Panel<'_> {
    /// Where the plot begins: below the title and what the vertical axis shows, which is written across.
    fn top(&self) -> f64 {
        let rows = broken(self.title, TITLE_LETTERS).len() + broken(self.y.title, LETTERS).len();
        count(rows) * ROW + 26.0
    }

    pub(super) fn height(&self) -> f64 {
        let below = 52.0 + count(broken(self.x.title, LETTERS).len()) * ROW;
        self.top() + PLOT + below + count(self.lines.len()) * LEGEND + GAP
    }

    fn at_x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn at_y(&self, value: f64) -> f64 {
        self.top() + PLOT - self.y.place(value) * PLOT
    }

    /// The values at the ends of each line, in words.
    pub(super) fn described(&self) -> String {
        let mut text = format!("{}:", self.title);
        for (index, line) in self.in_order().into_iter().enumerate() {
            let Some((first, last)) = line.points.first().zip(line.points.last()) else { continue };
            let between = if index == 0 { "" } else { ";" };
            let [from, to] = [first, last].map(|point| (self.y.written)(point.y));
            let [begin, end] = [first, last].map(|point| (self.x.written)(point.x));
            let _ = write!(text, "{between} {}, {from} at {begin} and {to} at {end}", line.label);
        }
        text.push('.');
        text
    }

    /// The lines, from the one that ends highest to the one that ends lowest; of equal ones, the one with the higher mean
    /// first.
    fn in_order(&self) -> Vec<&Line<'_>> {
        let mut lines: Vec<&Line<'_>> = self.lines.iter().collect();
        let height = |line: &Line<'_>| {
            let places = || line.points.iter().map(|point| self.y.place(point.y));
            (places().next_back().unwrap_or(0.0), places().sum::<f64>())
        };
        lines.sort_by(|one, other| {
            let (one, other) = (height(one), height(other));
            other.0.total_cmp(&one.0).then(other.1.total_cmp(&one.1))
        });
        lines
    }

    pub(super) fn draw(&self, svg: &mut String) {
        let mut baseline = 26.0;
        for row in broken(self.title, TITLE_LETTERS) {
            text(svg, (12.0, baseline), "class=\"title\"", &row);
            baseline += ROW;
        }
        for row in broken(self.y.title, LETTERS) {
            text(svg, (12.0, baseline), "class=\"muted\"", &row);
            baseline += ROW;
        }
        self.draw_axes(svg);
        let mut lines: Vec<&Line<'_>> = self.lines.iter().collect();
        lines.sort_by_key(|line| line.style);
        for line in lines {
            self.draw_line(svg, line);
        }
        self.draw_legend(svg);
    }

    fn draw_axes(&self, svg: &mut String) {
        let (top, bottom, right) = (self.top(), self.top() + PLOT, WIDTH - RIGHT);
        for &(value, label) in &self.y.ticks {
            let y = self.at_y(value);
            let _ = writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>");
            text(svg, (LEFT - 8.0, y + 5.5), "text-anchor=\"end\"", label);
        }
        for &(value, label) in &self.x.ticks {
            let x = self.at_x(value);
            let _ = writeln!(svg, "<path class=\"grid\" d=\"M{x:.1} {top}V{bottom}\"/>");
            // The last one would reach beyond the picture.
            let half = 5.0 * count(label.chars().count());
            let (x, anchor) = if x + half > WIDTH - 4.0 { (WIDTH - 4.0, "end") } else { (x, "middle") };
            text(svg, (x, bottom + 24.0), &format!("text-anchor=\"{anchor}\""), label);
        }
        for (row, title) in broken(self.x.title, LETTERS).iter().enumerate() {
            let place = (f64::midpoint(LEFT, right), bottom + 48.0 + count(row) * ROW);
            text(svg, place, "class=\"muted\" text-anchor=\"middle\"", title);
        }
    }

    fn draw_line(&self, svg: &mut String, line: &Line<'_>) {
        let places: Vec<String> = line
            .points
            .iter()
            .map(|point| format!("{:.1},{:.1}", self.at_x(point.x), self.at_y(point.y)))
            .collect();
        let _ = writeln!(svg, "<g {}><g class=\"line\">", line.style.attributes());
        let _ = writeln!(svg, "<polyline points=\"{}\"/>", places.join(" "));
        for &Point { x, y, interval } in &line.points {
            if let Some((low, high)) = interval {
                let (x, low, high, cap) = (self.at_x(x) - CAP, self.at_y(low), self.at_y(high), 2.0 * CAP);
                let _ = writeln!(
                    svg,
                    "<path class=\"bar\" d=\"M{x:.1} {high:.1}h{cap}m-{CAP} 0V{low:.1}m-{CAP} 0h{cap}\"/>"
                );
            }
            let mark = line.style.mark(self.at_x(x), self.at_y(y));
            if !mark.is_empty() {
                svg.push_str(&mark);
                svg.push('\n');
            }
        }
        svg.push_str("</g></g>\n");
    }

    fn draw_legend(&self, svg: &mut String) {
        let mut y = self.top() + PLOT + 54.0 + count(broken(self.x.title, LETTERS).len()) * ROW;
        for line in self.in_order() {
            let (attributes, mark) = (line.style.attributes(), line.style.mark(36.0, y));
            let _ = writeln!(svg, "<g {attributes}><g class=\"line\"><path d=\"M12 {y}H60\"/>{mark}</g></g>");
            text(svg, (72.0, y + 5.5), "class=\"label\"", line.label);
            y += LEGEND;
        }
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), attributes: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{}</text>", escaped(text));
}

/// A text in lines of at most this many letters, unless one word is longer.
fn broken(text: &str, letters: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match rows.last_mut() {
            Some(row) if row.chars().count() + 1 + word.chars().count() <= letters => {
                row.push(' ');
                row.push_str(word);
            }
            _ => rows.push(word.to_owned()),
        }
    }
    rows
}

/// A small count as a length.
fn count(count: usize) -> f64 {
    f64::from(u16::try_from(count).unwrap_or(u16::MAX))
}
