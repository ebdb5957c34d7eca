//! Line charts as SVG, as the documents show them: for the report of the benchmarks and for the attack simulator.
//!
//! A chart is one or more panels below each other, each with its own axes and, below them, its legend, in the order in which
//! the lines end on the right. A document shows it through `<img>`, on a phone, too: so it is narrow, its letters are as large
//! as those of the page, it has its own background, and it follows the reader's choice of dark or light by a style sheet inside
//! ([`style`]). Lines that lie on top of each other are distinguished by dashes, marks and widths, not by colour alone.

mod panel;
pub(crate) mod style;
pub(crate) mod table;

use std::fmt::Write as _;

pub(crate) use panel::{Axis, Panel, Scale};
pub(crate) use style::Style;
pub(crate) use table::{Point, Table};

/// The width of a picture. At 360 pixels its letters are 10 pixels high.
pub(crate) const WIDTH: f64 = 560.0;

/// A line, and what the legend calls it.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) style: Style,
    pub(crate) label: &'a str,
    pub(crate) points: Vec<Point>,
}

/// Panels below each other.
#[derive(Clone, Debug)]
pub(crate) struct Picture<'a> {
    pub(crate) title: &'a str,
    /// What is compared, in a sentence, for readers who cannot see it. The values at both ends of each line are added
    /// automatically.
    pub(crate) description: &'a str,
    pub(crate) panels: Vec<Panel<'a>>,
}

impl Picture<'_> {
    pub(crate) fn svg(&self) -> String {
        let heights: Vec<f64> = self.panels.iter().map(Panel::height).collect();
        let height: f64 = heights.iter().sum();
        let described: Vec<String> = self.panels.iter().map(Panel::described).collect();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"title description\">\n\
             <title id=\"title\">{}</title>\n<desc id=\"description\">{} {}</desc>\n<style>\n{}</style>\n\
             <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n",
            escaped(self.title),
            escaped(self.description),
            escaped(&described.join(" ")),
            style::sheet(),
        );
        let mut top = 0.0;
        for (panel, height) in self.panels.iter().zip(heights) {
            let _ = writeln!(svg, "<g transform=\"translate(0 {top})\">");
            panel.draw(&mut svg);
            svg.push_str("</g>\n");
            top += height;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// Text between tags.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A number with commas, as 1,000,000.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}
