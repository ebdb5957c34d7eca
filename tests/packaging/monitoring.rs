//! The dashboard and the alert rules of `docs/`: they use what the metrics of the examples are called, all of it, Prometheus
//! reads each expression, and each rule fires when it should.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::cc::{self, Tool};
use crate::common::prometheus;

fn read(document: &str) -> String {
    fs::read_to_string(cc::root().join(document)).expect("a document is UTF-8")
}

fn dashboard() -> Value {
    serde_json::from_str(&read("docs/grafana.json")).expect("the dashboard is JSON")
}

/// What the programs in C, Go and Java print: `tests/capi/languages.rs` compares them with this file.
fn printed() -> BTreeSet<String> {
    let samples = prometheus::parse(&read("examples/golden/metrics.txt"));
    samples.keys().map(|sample| sample.split('{').next().unwrap_or(sample).to_owned()).collect()
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("peer_manager_")).map(str::to_owned).collect()
}

/// The values that a text compares a label with: `="value"` and `=~"one|other"`.
fn label_values<'a>(text: &'a str, label: &str) -> Vec<&'a str> {
    let compared = text
        .split(label)
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .filter(|(operator, _)| ["=", "!=", "=~", "!~"].contains(operator));
    compared.filter_map(|(_, rest)| rest.split_once('"')).flat_map(|(values, _)| values.split('|')).collect()
}

/// The expressions of a dashboard, by the titles of their panels.
fn expressions(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let of_panel = |panel: &Value| {
        let title = panel["title"].as_str().expect("a title").to_owned();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        assert!(panel["type"] == "row" || !targets.is_empty(), "{title} shows nothing");
        targets
            .into_iter()
            .map(move |target| (title.clone(), target["expr"].as_str().expect("PromQL").to_owned()))
    };
    panels.iter().flat_map(of_panel).collect()
}

#[test]
fn the_dashboard_shows_every_metric_that_the_programs_print() {
    let dashboard = dashboard();
    let text: String = expressions(&dashboard).into_iter().map(|(_, expression)| expression + "\n").collect();
    assert_eq!(names(&text), printed());
    // Where a variable asks for names, too.
    assert!(names(&dashboard["templating"].to_string()).is_subset(&printed()));
}

#[test]
fn the_alert_rules_use_metrics_and_types_that_the_programs_print() {
    let rules = read("docs/alerts.yml");
    let used: BTreeSet<String> = names(&rules).into_iter().collect();
    assert!(used.is_subset(&printed()), "{:?}", used.difference(&printed()).collect::<Vec<_>>());
    assert!(used.len() > 8, "{used:?}");
    let types = label_values(&rules, "type");
    assert_eq!(types, ["outbound", "preferred"]);
    for name in types {
        assert!(read("examples/golden/metrics.txt").contains(&format!("{{type=\"{name}\"}}")), "{name}");
    }
}

#[test]
fn every_panel_takes_the_data_source_that_is_chosen_and_has_a_place_of_its_own() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert_eq!(
        variables.iter().map(|variable| (&variable["name"], &variable["type"])).collect::<Vec<_>>(),
        [
            (&"datasource".into(), &"datasource".into()),
            (&"job".into(), &"query".into()),
            (&"instance".into(), &"query".into())
        ]
    );
    let chosen = serde_json::json!({"type": "prometheus", "uid": "${datasource}"});
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64()), "{panel} has the number of another");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a place"));
        assert!(x + w <= 24, "{panel} is wider than the page");
        for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(place), "{panel} lies on another at {place:?}");
        }
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"], chosen);
            assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{panel}");
            for target in panel["targets"].as_array().expect("targets") {
                assert_eq!(target["datasource"], chosen);
            }
        }
    }
    for (title, expression) in expressions(&dashboard) {
        // Each metric is asked of the instances that are chosen.
        let asked = expression.matches("peer_manager_").count();
        let selectors = expression.matches("{job=~\"$job\", instance=~\"$instance\"}").count();
        assert_eq!(asked, selectors, "{title}: {expression}");
    }
}

#[test]
fn prometheus_reads_each_expression_and_each_rule_fires_when_it_should() {
    let Some(promtool) = Tool::find("promtool (of Prometheus)", "promtool") else { return };
    let check =
        |path: &Path| cc::run(promtool.command().current_dir(cc::root()).args(["check", "rules"]).arg(path));
    let said = check(Path::new("docs/alerts.yml"));
    assert!(said.contains("SUCCESS"), "{said}");
    // Every rule has a test in which it fires.
    let (rules, tests) = (read("docs/alerts.yml"), read("tests/packaging/alerts.yml"));
    for rule in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("alertname=\"{rule}\"")), "no test of {rule}");
    }
    cc::run(promtool.command().current_dir(cc::root()).args(["test", "rules", "tests/packaging/alerts.yml"]));
    // The dashboard's expressions, as rules, with what Grafana puts in place of its variables.
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("dashboard.yml");
    let mut rules = String::from("groups:\n- name: dashboard\n  rules:\n");
    for (number, (_, expression)) in expressions(&dashboard()).iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "1m");
        let expression = expression.replace("$job", ".*").replace("$instance", ".*");
        assert!(!expression.contains('$'), "{expression}");
        let _ = writeln!(rules, "  - record: panel:{number}\n    expr: '{expression}'");
    }
    fs::write(&file, rules).expect("the rules are written");
    let said = check(&file);
    assert!(said.contains(&format!("{} rules found", expressions(&dashboard()).len())), "{said}");
}
