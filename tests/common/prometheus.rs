//! A strict reader of Prometheus' text format (version 0.0.4): what is odd there is refused, even where Prometheus would
//! let it pass. It knows no more of the format than counts need.

use std::collections::BTreeMap;

/// The samples of a text by their names with labels.
pub(crate) fn parse(text: &str) -> BTreeMap<String, u64> {
    let body = text.strip_suffix('\n').expect("the last line ends");
    let mut samples = BTreeMap::new();
    let mut names = Vec::new();
    let mut lines = body.split('\n').peekable();
    while let Some(line) = lines.next() {
        let (name, help) = line
            .strip_prefix("# HELP ")
            .and_then(|rest| rest.split_once(' '))
            .expect("a metric begins with HELP");
        assert!(is_name(name) && !names.contains(&name), "{line}");
        assert!(help.ends_with('.') && !help.contains('\\'), "{line}");
        names.push(name);
        let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")));
        match kind {
            Some("counter") => assert!(name.ends_with("_total"), "a counter is called {name}"),
            Some("gauge") => assert!(!name.ends_with("_total"), "a gauge is called {name}"),
            other => panic!("{name} is of type {other:?}"),
        }
        let before = samples.len();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
            let labels = series.strip_prefix(name).expect("a sample of this metric");
            assert!(labels.is_empty() || is_label(labels), "{line}");
            let value = value.parse().expect("a count");
            assert!(samples.insert(series.to_owned(), value).is_none(), "{series} is there twice");
        }
        assert!(samples.len() > before, "{name} has no sample");
    }
    samples
}

fn is_name(name: &str) -> bool {
    name.starts_with("peer_manager_") && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// One label, whose value needs no escapes.
fn is_label(labels: &str) -> bool {
    let inside = labels.strip_prefix('{').and_then(|rest| rest.strip_suffix("\"}"));
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    inside
        .and_then(|inside| inside.split_once("=\""))
        .is_some_and(|(name, value)| is_word(name) && is_word(value))
}
