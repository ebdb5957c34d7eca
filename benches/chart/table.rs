//! The values of a chart as text, in a file next to it: `life.csv` for `life.svg`. A measurement writes both; when the look of
//! the charts changes, each is redrawn from its table, and a test compares the two.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A point of a line, and the interval that its value may be off, if that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) interval: Option<(f64, f64)>,
}

/// What was measured for one line of one panel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) panel: String,
    pub(crate) line: String,
    pub(crate) points: Vec<Point>,
}

/// What was measured for a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// How: pairs of a word and a value, without spaces.
    pub(crate) about: Vec<(String, String)>,
    pub(crate) series: Vec<Series>,
}

const HEAD: &str = "panel,line,x,y,low,high";

impl Table {
    /// A table of what was measured, rounded as its text is, so that both make the same chart.
    pub(crate) fn new(about: &[(&str, &dyn ToString)], mut series: Vec<Series>) -> Self {
        for Point { y, interval, .. } in series.iter_mut().flat_map(|series| &mut series.points) {
            *y = rounded(*y);
            *interval = interval.map(|(low, high)| (rounded(low), rounded(high)));
        }
        let about = about.iter().map(|(word, value)| ((*word).to_owned(), value.to_string())).collect();
        Self { about, series }
    }

    /// What the table says about how it was measured.
    pub(crate) fn about(&self, word: &str) -> Result<&str, String> {
        let found = self.about.iter().find(|(of, _)| of == word);
        found.map(|(_, value)| value.as_str()).ok_or_else(|| format!("the first line does not give {word}"))
    }

    /// The points of a line.
    pub(crate) fn points(&self, panel: &str, line: &str) -> Result<Vec<Point>, String> {
        let found = self.series.iter().find(|series| series.panel == panel && series.line == line);
        found
            .map(|series| series.points.clone())
            .ok_or_else(|| format!("the line {line:?} is missing in {panel:?}"))
    }

    pub(crate) fn text(&self) -> String {
        let about: Vec<String> = self.about.iter().map(|(word, value)| format!("{word}={value}")).collect();
        let mut text = format!("# {}\n{HEAD}\n", about.join(" "));
        for Series { panel, line, points } in &self.series {
            for Point { x, y, interval } in points {
                let (low, high) =
                    interval.map_or_else(Default::default, |(low, high)| (low.to_string(), high.to_string()));
                let _ = writeln!(text, "{panel},{line},{x},{y},{low},{high}");
            }
        }
        text
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let about =
            lines.next().and_then(|(_, line)| line.strip_prefix("# ")).ok_or("line 1 is not # and how")?;
        let pairs = about.split(' ').map(|pair| pair.split_once('=').ok_or("line 1 has a word without ="));
        let about = pairs.map(|pair| pair.map(|(word, value)| (word.to_owned(), value.to_owned())));
        let mut table = Self { about: about.collect::<Result<_, _>>()?, series: Vec::new() };
        if lines.next().is_none_or(|(_, line)| line != HEAD) {
            return Err(format!("line 2 is not {HEAD}"));
        }
        for (number, line) in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let [panel, line, numbers @ ..] = &cells[..] else {
                return Err(format!("line {number} is short"));
            };
            let point = point(numbers).ok_or_else(|| format!("line {number} has no numbers"))?;
            match table.series.last_mut().filter(|last| last.panel == *panel && last.line == *line) {
                Some(last) => last.points.push(point),
                None => table.series.push(Series {
                    panel: (*panel).to_owned(),
                    line: (*line).to_owned(),
                    points: vec![point],
                }),
            }
        }
        Ok(table)
    }

    /// Writes the chart's table next to it.
    pub(crate) fn write_next_to(&self, chart: &Path) -> Result<(), String> {
        let path = chart.with_extension("csv");
        fs::write(&path, self.text())
            .map_err(|error| format!("cannot write {}: {error}; give another file", path.display()))
    }

    /// Reads the table that lies next to a chart.
    pub(crate) fn read_next_to(chart: &Path) -> Result<Self, String> {
        let path = chart.with_extension("csv");
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}; measure first", path.display()))?;
        Self::parse(&text).map_err(|error| format!("cannot read {}: {error}", path.display()))
    }
}

/// Four digits after the decimal point are more than a picture shows.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn point(cells: &[&str]) -> Option<Point> {
    let number = |cell: &str| cell.parse().ok().filter(|number: &f64| number.is_finite());
    let &[x, y, low, high] = cells else { return None };
    let interval = if low.is_empty() && high.is_empty() { None } else { Some((number(low)?, number(high)?)) };
    Some(Point { x: number(x)?, y: number(y)?, interval })
}
