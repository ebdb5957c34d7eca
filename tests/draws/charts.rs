//! The pictures of the documents: charts show each value at its place and are what their tables say, and every picture can
//! be read in light and in dark, without colours, and by those who have it read to them.

#[path = "../../benches/chart/mod.rs"]
#[expect(dead_code, reason = "tables of tests have no file")]
mod chart;
#[path = "../../benches/cost.rs"]
#[expect(dead_code, reason = "the report makes the table, and prints durations")]
mod cost;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::common::cc;
use crate::common::example;
use chart::table::Series;
use chart::{Axis, Line, Panel, Picture, Point, Scale, Style, Table, WIDTH};

const CHARTS: [&str; 3] = ["benches/cost.svg", "examples/eclipse/capture.svg", "examples/eclipse/life.svg"];
const DRAWINGS: [&str; 2] = ["docs/pictures/architecture.svg", "docs/pictures/life-of-a-peer.svg"];

fn read(file: &str) -> String {
    fs::read_to_string(cc::root().join(file)).expect("a file is UTF-8")
}

fn pictures() -> impl Iterator<Item = (&'static str, String)> {
    CHARTS.into_iter().chain(DRAWINGS).map(|file| (file, read(file)))
}

fn line(style: Style, label: &'static str, values: &[f64]) -> Line<'static> {
    let points = [1.0, 10.0, 100.0].into_iter().zip(values);
    let point = |(x, &y): (f64, &f64)| Point { x, y, interval: Some((y / 2.0, 1.0)) };
    Line { style, label, points: points.map(point).collect() }
}

fn picture(lines: Vec<Line<'static>>) -> String {
    let axis = |title, scale, range: (f64, f64)| Axis {
        title,
        scale,
        range,
        ticks: vec![(range.1, "end")],
        written: |value| format!("{value}"),
    };
    let panel = Panel {
        title: "a title",
        x: axis("across", Scale::Logarithmic, (1.0, 100.0)),
        y: axis("up", Scale::Linear, (0.0, 1.0)),
        lines,
    };
    let picture = Picture { title: "both", description: "Two of < & >.", panels: vec![panel.clone(), panel] };
    picture.svg()
}

#[test]
fn a_chart_shows_each_value_at_its_place() {
    let svg =
        picture(vec![line(Style::Blue, "first", &[1.0, 0.5, 0.5]), line(Style::Grey, "second", &[0.25; 3])]);
    // The plot is 456 wide from 76, and 280 high from 70.
    for part in [
        "width=\"560\" height=\"988\" viewBox=\"0 0 560 988\"",
        "<polyline points=\"76.0,70.0 304.0,210.0 532.0,210.0\"/>",
        "<circle class=\"mark\" cx=\"304.0\" cy=\"210.0\" r=\"3.5\"/>",
        "<path class=\"bar\" d=\"M301.0 70.0h6m-3 0V280.0m-3 0h6\"/>",
        "<polyline points=\"76.0,280.0 304.0,280.0 532.0,280.0\"/>",
        ">a title</text>",
        ">across</text>",
        ">up</text>",
        "<title id=\"title\">both</title>",
        "Two of &lt; &amp; &gt;. a title: first, 1 at 1 and 0.5 at 100; second, 0.25 at 1 and 0.25 at 100.",
        "<g transform=\"translate(0 494)\">",
    ] {
        assert!(svg.contains(part), "{part} is not in\n{svg}");
    }
    assert_eq!(svg.matches("<polyline").count(), 4);
    // At three points of the blue line in two panels, and in its legend.
    assert_eq!(svg.matches("<circle").count(), 8);
    assert_eq!(chart::grouped(1_234_567), "1,234,567");
}

#[test]
fn the_legend_is_in_the_order_in_which_the_lines_end() {
    let svg = picture(vec![
        line(Style::Blue, "lowest", &[1.0, 1.0, 0.0]),
        line(Style::Rust, "middle, lower before", &[0.0, 0.1, 0.5]),
        line(Style::Teal, "top", &[0.0, 0.0, 0.9]),
        line(Style::Ochre, "middle, higher before", &[0.0, 0.2, 0.5]),
    ]);
    let labels: Vec<&str> =
        svg.split("class=\"label\">").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    let order = ["top", "middle, higher before", "middle, lower before", "lowest"];
    assert_eq!(labels, [order, order].concat());
}

#[test]
fn lines_that_lie_on_each_other_differ_in_more_than_colour() {
    let looks = Style::ALL.map(|style| {
        let attributes = style.attributes();
        let (_, without_colour) = attributes.split_once("stroke-width").expect("a width");
        (without_colour.to_owned(), style.mark(0.0, 0.0))
    });
    for (index, (stroke, mark)) in looks.iter().enumerate() {
        for (other_stroke, other_mark) in &looks[..index] {
            assert_ne!(stroke, other_stroke);
            assert_ne!(mark, other_mark);
        }
    }
}

#[test]
fn a_table_is_read_as_it_was_written() {
    let points = vec![
        Point { x: 1.0, y: 0.123_44, interval: Some((0.0, 0.5)) },
        Point { x: 9_000.0, y: 1.0, interval: None },
    ];
    let series = |panel: &str, line: &str| Series {
        panel: panel.to_owned(),
        line: line.to_owned(),
        points: points.clone(),
    };
    let table =
        Table::new(&[("figure", &"x"), ("trials", &40)], vec![series("a", "one"), series("b", "one")]);
    let text = table.text();
    assert_eq!(
        text,
        "# figure=x trials=40\npanel,line,x,y,low,high\na,one,1,0.1234,0,0.5\na,one,9000,1,,\n\
         b,one,1,0.1234,0,0.5\nb,one,9000,1,,\n"
    );
    let read = Table::parse(&text).expect("a table");
    assert_eq!(read, table, "a chart of what was measured is the chart of the text");
    assert_eq!((read.about("trials"), read.points("b", "one").map(|points| points.len())), (Ok("40"), Ok(2)));
    for (odd, error) in [
        ("", "line 1 is not # and how"),
        ("# x\n", "line 1 has a word without ="),
        ("# x=1\npanel\n", "line 2 is not panel,line,x,y,low,high"),
        ("# x=1\npanel,line,x,y,low,high\na\n", "line 3 is short"),
        ("# x=1\npanel,line,x,y,low,high\na,b,1,2,3,4\na,b,1,NaN,,\n", "line 4 has no numbers"),
        ("# x=1\npanel,line,x,y,low,high\na,b,1,2,3,\n", "line 3 has no numbers"),
    ] {
        assert_eq!(Table::parse(odd).expect_err(odd), error);
    }
    assert_eq!(read.about("seed"), Err("the first line does not give seed".to_owned()));
    assert_eq!(read.points("c", "one"), Err("the line \"one\" is missing in \"c\"".to_owned()));
}

#[test]
fn the_charts_are_those_of_the_tables_next_to_them() {
    let table = Table::parse(&read("benches/cost.csv")).expect("a table");
    let again = "draw it anew with cargo run --release --example bench_report -- draw benches/cost.svg";
    assert!(cost::svg(&table).expect("a chart") == read("benches/cost.svg"), "{again}");
    let directory = tempfile::tempdir().expect("a temporary directory");
    for name in ["capture", "life"] {
        let chart = directory.path().join(name).with_extension("svg");
        fs::write(chart.with_extension("csv"), read(&format!("examples/eclipse/{name}.csv")))
            .expect("the table");
        cc::run(Command::new(example::built("eclipse")).args(["draw", "--svg"]).arg(&chart));
        let again = "draw it anew with cargo run --release --example eclipse -- draw --svg examples/eclipse";
        let drawn = fs::read_to_string(&chart).expect("a chart");
        assert!(drawn == read(&format!("examples/eclipse/{name}.svg")), "{again}/{name}.svg");
    }
}

/// The rules of a style sheet for one scheme: what a property of a class is.
fn rules(svg: &str, is_dark: bool) -> BTreeMap<(String, String), String> {
    let (_, rest) = svg.split_once("<style>").expect("a style sheet");
    let (sheet, _) = rest.split_once("</style>").expect("its end");
    let (light, dark) = sheet.split_once("@media (prefers-color-scheme: dark) {").expect("both schemes");
    let mut rules = BTreeMap::new();
    for (selector, body) in
        (if is_dark { dark } else { light }).split('}').filter_map(|rule| rule.split_once('{'))
    {
        for (property, value) in body.split(';').filter_map(|declaration| declaration.split_once(':')) {
            for class in selector.split(',') {
                rules.insert((class.trim().to_owned(), property.trim().to_owned()), value.trim().to_owned());
            }
        }
    }
    rules
}

/// The contrast of two colours, `#rrggbb`, as WCAG 2 defines it.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let channel = |from: usize| {
            let value = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).expect("a colour")) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    (one / other).max(other / one)
}

#[test]
fn every_picture_can_be_read_in_light_and_in_dark() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
    for (file, svg) in pictures() {
        for is_dark in [false, true] {
            let rules = rules(&svg, is_dark);
            let rule = |class: &str, property: &str| rules.get(&(class.to_owned(), property.to_owned()));
            let ground = rule(".ground", "fill").expect("a ground");
            assert_eq!(contrast(ground, "#000000") < 2.0, is_dark, "{file}");
            for text in ["text", ".muted"] {
                let colour = rule(text, "fill").expect("a colour");
                let grounds = [Some(ground), rule(".box", "fill")];
                for ground in grounds.into_iter().flatten() {
                    assert!(contrast(colour, ground) >= 4.5, "{file}: {text} {colour} on {ground}");
                }
            }
            // Lines and boxes; the grid may be fainter.
            let strokes =
                rules.iter().filter(|((class, property), _)| property == "stroke" && class != ".grid");
            for ((class, _), colour) in strokes {
                assert!(contrast(colour, ground) >= 3.0, "{file}: {class} {colour} on {ground}");
            }
        }
    }
}

#[test]
fn every_picture_says_what_it_shows_and_is_well_formed() {
    for (file, svg) in pictures() {
        let between = |from: &str, to: &str| svg.split_once(from).and_then(|(_, rest)| rest.split_once(to));
        let title = between("<title id=\"title\">", "</title>").expect("a title").0;
        let description = between("<desc id=\"description\">", "</desc>").expect("a description").0;
        assert!(title.len() > 10 && description.len() > 100, "{file}");
        assert!(svg.contains("role=\"img\" aria-labelledby=\"title description\""), "{file}");
        let mut open = Vec::new();
        for (tag, text) in svg.split('<').skip(1).map(|rest| rest.split_once('>').expect("a tag ends")) {
            assert!(
                !text.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "").contains('&'),
                "{file}: {text}"
            );
            let name = tag.split([' ', '/']).find(|word| !word.is_empty()).expect("a name");
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "{file}");
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "{file}: {tag}");
        }
        assert!(open.is_empty(), "{file}: {open:?}");
        // Words of the glossary.
        for word in ["beside", "question", "newcomer", "whoever", "nobody"] {
            assert!(!svg.contains(word), "{file}: {word}");
        }
    }
}

/// A telephone shows a picture at 360 pixels: its letters are of a size, and no text reaches beyond the edge.
#[test]
fn every_text_has_room_in_a_usual_font() {
    for (file, svg) in pictures() {
        assert!(svg.contains(&format!("viewBox=\"0 0 {WIDTH} ")), "{file}");
        let texts = svg.split("<text ").skip(1).filter_map(|rest| rest.split_once("</text>"));
        for (attributes, text) in texts.filter_map(|(text, _)| text.split_once('>')) {
            let (_, x) = attributes.split_once("x=\"").expect("a place");
            let x: f64 = x.split('"').next().and_then(|x| x.parse().ok()).expect("a number");
            let mut letters: Vec<&str> = text.split('<').collect();
            letters
                .iter_mut()
                .skip(1)
                .for_each(|rest| *rest = rest.split_once('>').map_or("", |(_, text)| text));
            // A mean letter of Verdana, which is wider than most, has 0.58 of the height.
            let width =
                f64::from(u16::try_from(letters.concat().chars().count()).expect("short")) * 16.0 * 0.58;
            let (left, right) = if attributes.contains("\"middle\"") {
                (x - width / 2.0, x + width / 2.0)
            } else if attributes.contains("\"end\"") {
                (x - width, x)
            } else {
                (x, x + width)
            };
            assert!(left > 0.0 && right < WIDTH, "{file}: {text:?} is from {left} to {right}");
        }
    }
}
