//! What lines look like, in light and in dark: colours that colour-blind readers can tell apart, each with a dash and a mark of
//! its own.

use std::fmt::Write as _;

/// What a line looks like. They are drawn in this order, so that lines with gaps lie on top of lines without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Style {
    /// Thin and without marks: something to compare with.
    Grey,
    /// Solid and wide, so that a line that lies on it leaves its edges to be seen; circles.
    Blue,
    /// Solid; crosses.
    Rust,
    /// Long dashes; squares.
    Purple,
    /// A dash and a dot; diamonds.
    Ochre,
    /// Dots; triangles.
    Teal,
}

/// A colour of the style sheet: the class, what it is in light, and in dark.
type Colour = (&'static str, &'static str, &'static str);

impl Style {
    pub(crate) const ALL: [Self; 6] =
        [Self::Grey, Self::Blue, Self::Rust, Self::Purple, Self::Ochre, Self::Teal];

    pub(crate) fn colour(self) -> Colour {
        match self {
            Self::Blue => ("blue", "#1f5fa8", "#79b8ff"),
            Self::Rust => ("rust", "#b3541e", "#ff9b6a"),
            Self::Purple => ("purple", "#7a3fa0", "#d2a8ff"),
            Self::Ochre => ("ochre", "#8a6100", "#e3b341"),
            Self::Teal => ("teal", "#14776f", "#56d4c8"),
            Self::Grey => ("grey", "#59636e", "#9198a1"),
        }
    }

    /// The attributes of the line's group.
    pub(crate) fn attributes(self) -> String {
        let (class, ..) = self.colour();
        let (width, dash) = match self {
            Self::Blue => ("4", ""),
            Self::Rust => ("2", ""),
            Self::Purple => ("2", "12 5"),
            Self::Ochre => ("2", "9 4 2 4"),
            Self::Teal => ("2.5", "2.5 3.5"),
            Self::Grey => ("1.2", ""),
        };
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        format!("class=\"{class}\" stroke-width=\"{width}\"{dash}")
    }

    /// The mark at a point: an outline, each of another size, so that marks on top of each other are all seen.
    pub(crate) fn mark(self, x: f64, y: f64) -> String {
        let path = |steps: &str| format!("<path class=\"mark\" d=\"M{x:.1} {y:.1}{steps}\"/>");
        match self {
            Self::Blue => format!("<circle class=\"mark\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>"),
            Self::Rust => path("m-4 -4l8 8m0 -8l-8 8"),
            Self::Purple => path("m-5 -5h10v10h-10z"),
            Self::Ochre => path("m0 -7l6 7l-6 7l-6 -7z"),
            Self::Teal => path("m0 -7l7 11h-14z"),
            Self::Grey => String::new(),
        }
    }
}

/// What is not a line.
const GROUND: Colour = ("ground", "#ffffff", "#0d1117");
const TEXT: Colour = ("text", "#1f2328", "#f0f6fc");
const MUTED: Colour = ("muted", "#59636e", "#9198a1");
const GRID: Colour = ("grid", "#d1d9e0", "#3d444d");

/// The style sheet of a picture. The scheme is that of the reader's browser or system, so a page in the other scheme shows a
/// picture with the wrong background, but a legible one.
pub(crate) fn sheet() -> String {
    let mut sheet = String::from(
        "text { font: 16px sans-serif }\n.title { font-weight: bold }\n\
         .line path, .line polyline, .line circle { fill: none; stroke-linejoin: round }\n\
         .mark, .bar { stroke-width: 1.5px; stroke-dasharray: none }\n",
    );
    sheet.push_str(&colours(|(_, light, _)| light));
    let _ = writeln!(sheet, "@media (prefers-color-scheme: dark) {{\n{}}}", colours(|(_, _, dark)| dark));
    sheet
}

fn colours(of: impl Fn(Colour) -> &'static str) -> String {
    let mut sheet = String::new();
    let _ = writeln!(sheet, ".ground {{ fill: {} }}", of(GROUND));
    let _ = writeln!(sheet, "text {{ fill: {} }}", of(TEXT));
    let _ = writeln!(sheet, ".muted {{ fill: {} }}", of(MUTED));
    let _ = writeln!(sheet, ".grid {{ stroke: {} }}", of(GRID));
    for style in Style::ALL {
        let _ = writeln!(sheet, ".{} {{ stroke: {} }}", style.colour().0, of(style.colour()));
    }
    sheet
}
