//! What the user asks for on the command line.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::flood::{Arrival, Flood};
use crate::life::policy::{CONTRACT, Choice, DOCUMENTED, Policy};
use crate::life::scenario::{SCENARIOS, Scenario};
use crate::life::strategies::{STRATEGIES, Strategy};
use crate::standard::TOY;
use crate::strategy::{Defences, Kind};
use crate::world::{Hosts, Sides};

/// What is to be run.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Help,
    /// The floods of the README, and their chart.
    Standard {
        draws: usize,
        trials: u32,
        seed: u64,
        chart: Option<PathBuf>,
    },
    Flood(Flood, Vec<Kind>),
    /// Lives: each scenario with each strategy, and the chart.
    Life {
        scenarios: Vec<Scenario>,
        strategies: Vec<Strategy>,
        trials: u32,
        seed: u64,
        chart: Option<PathBuf>,
    },
    /// A chart, anew from the table next to it.
    Draw {
        chart: PathBuf,
    },
    /// A search for a better policy.
    Search {
        trials: u32,
        seed: u64,
    },
}

/// The commands an option belongs to.
const STANDARD: u8 = 1;
const FLOOD: u8 = 2;
const LIFE: u8 = 4;
const SEARCH: u8 = 8;
const DRAW: u8 = 16;
/// The commands that run something.
const RUNS: u8 = STANDARD | FLOOD | LIFE | SEARCH;
const ALL: u8 = RUNS | DRAW;

/// An option: its name, its value and what it means, and the commands it belongs to.
type Opt = (&'static str, &'static str, &'static str, u8);

const OPTIONS: [Opt; 18] = [
    ("--trials", "N", "independent trials (10,000; of life 100; of search 20)", RUNS),
    ("--seed", "N", "what all random choices follow (1)", RUNS),
    ("--draws", "N", "addresses drawn (8)", STANDARD | FLOOD),
    ("--svg", "FILE", "write the chart there, and its values next to it (.csv)", STANDARD | LIFE | DRAW),
    ("--honest", "N", "honest addresses (1000)", FLOOD),
    ("--honest-networks", "N", "/16 networks they are in (250)", FLOOD),
    ("--hostile", "N", "hostile addresses (9000)", FLOOD),
    ("--hostile-networks", "N", "/16 networks they are in (4)", FLOOD),
    ("--hostile-hosts", "ipv4|names", "what they are (ipv4); each DNS name is a netgroup", FLOOD),
    ("--max-per-netgroup", "N", "the library's option of this name (0, off)", FLOOD),
    ("--max-peers", "N", "the same", FLOOD),
    ("--max-peers-per-netgroup", "N", "the same", FLOOD),
    ("--arrival", "honest|hostile|mixed", "who is heard of first (honest)", FLOOD),
    ("--scenario", "NAME", "only this one; may be repeated (all)", LIFE),
    ("--strategy", "NAME", "only this one; may be repeated (all)", LIFE),
    ("--policy", "KEY=N,...", "as well: a policy with these parameters instead of the contract's", LIFE),
    ("--help", "", "this", ALL),
    ("-h", "", "this", ALL),
];

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut text = String::from(
        "How likely is it that a flood of gossip captures a node?\n\n\
         eclipse [OPTIONS]         the floods of the README\n\
         eclipse flood [OPTIONS]   one flood, then one draw\n\
         eclipse life [OPTIONS]    a node that lives for days, is flooded while it runs, and is restarted\n\
         eclipse search [OPTIONS]  policies against each other\n\
         eclipse draw --svg FILE   a chart anew, from the values next to it\n",
    );
    for (title, commands) in [
        ("always", ALL),
        ("where something is run", RUNS),
        ("without a command and flood", STANDARD | FLOOD),
        ("without a command, life and draw", STANDARD | LIFE | DRAW),
        ("flood", FLOOD),
        ("life", LIFE),
    ] {
        let _ = writeln!(text, "\n{title}:");
        for (name, value, meaning, of) in OPTIONS {
            if of == commands && name != "-h" {
                let _ = writeln!(text, "  {:34} {meaning}", format!("{name} {value}"));
            }
        }
    }
    let names = |names: &[&str]| names.join(", ");
    let _ = write!(
        text,
        "\nscenarios: {}\nstrategies: {}\nparameters of a policy: {}\n",
        names(&SCENARIOS.map(|scenario| scenario.name)),
        names(&STRATEGIES.map(|(name, _)| name)),
        names(&PARAMETERS)
    );
    text
}

/// The parameters of a policy: each is a number, and as in the contract if it is not given.
const PARAMETERS: [&str; 12] = [
    "known",
    "new",
    "feeler",
    "failures",
    "among",
    "uniform",
    "new-first",
    "day",
    "heard",
    "rotation",
    "feelers",
    "backoff",
];

/// All values, as given or else their defaults.
#[derive(Clone, Debug)]
struct Values {
    trials: Option<u32>,
    seed: u64,
    draws: usize,
    chart: Option<PathBuf>,
    sides: Sides,
    defences: Defences,
    arrival: Arrival,
    scenarios: Vec<Scenario>,
    strategies: Vec<Strategy>,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            trials: None,
            seed: 1,
            draws: 8,
            chart: None,
            sides: TOY,
            defences: Defences::default(),
            arrival: Arrival::HonestFirst,
            scenarios: Vec::new(),
            strategies: Vec::new(),
        }
    }
}

/// Reads the arguments after the program's name. An error is one line: what is wrong, and what would be right.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter().peekable();
    let (command, name) = match arguments.peek().and_then(|first| first.to_str()) {
        Some("flood") => (FLOOD, "flood"),
        Some("life") => (LIFE, "life"),
        Some("search") => (SEARCH, "search"),
        Some("draw") => (DRAW, "draw"),
        _ => (STANDARD, "no command"),
    };
    if command != STANDARD {
        arguments.next();
    }
    let mut values = Values::default();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        let (_, _, _, commands) = OPTIONS
            .into_iter()
            .find(|(option, ..)| *option == text)
            .ok_or_else(|| format!("{text:?} is neither a command nor an option; see --help"))?;
        if text == "--help" || text == "-h" {
            return Ok(Command::Help);
        }
        if commands & command == 0 {
            return Err(format!("{text} means nothing with {name}; see --help"));
        }
        let value = arguments.next().ok_or_else(|| format!("{text} needs a value; see --help"))?;
        if text == "--svg" {
            values.chart = Some(PathBuf::from(value));
        } else {
            values.set(&text, &value.to_string_lossy())?;
        }
    }
    if command == DRAW {
        let chart = values.chart.ok_or("draw needs the chart to be drawn anew; give --svg FILE")?;
        return Ok(Command::Draw { chart });
    }
    values.check()?;
    Ok(values.command(command))
}

impl Values {
    fn set(&mut self, option: &str, value: &str) -> Result<(), String> {
        let number = |from: u64, to: u64| number(option, value, from, to);
        let size = |from, to| number(from, to).map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let small = |from, to| number(from, to).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        match option {
            "--trials" => self.trials = Some(small(1, 100_000_000)?),
            "--seed" => self.seed = number(0, u64::MAX)?,
            "--draws" => self.draws = size(1, 1_000)?,
            "--honest" => self.sides.honest = size(1, 10_000_000)?,
            "--honest-networks" => self.sides.honest_networks = size(1, 50_000)?,
            "--hostile" => self.sides.hostile = size(1, 10_000_000)?,
            "--hostile-networks" => self.sides.hostile_networks = size(1, 50_000)?,
            "--hostile-hosts" => {
                self.sides.hostile_hosts =
                    choice(option, value, [("ipv4", Hosts::Ipv4), ("names", Hosts::Names)])?;
            }
            "--max-per-netgroup" => self.defences.max_per_netgroup = small(0, u64::from(u32::MAX))?,
            "--max-peers" => self.defences.max_peers = number(0, u64::MAX)?,
            "--max-peers-per-netgroup" => {
                self.defences.max_peers_per_netgroup = small(0, u64::from(u32::MAX))?;
            }
            "--arrival" => {
                let arrivals = [
                    ("honest", Arrival::HonestFirst),
                    ("hostile", Arrival::HostileFirst),
                    ("mixed", Arrival::Mixed),
                ];
                self.arrival = choice(option, value, arrivals)?;
            }
            "--scenario" => {
                let found = SCENARIOS.into_iter().find(|scenario| scenario.name == value);
                let names = || SCENARIOS.map(|scenario| scenario.name).join(", ");
                let unknown = || format!("--scenario {value:?} is unknown; give {}", names());
                self.scenarios.push(found.ok_or_else(unknown)?);
            }
            "--strategy" => {
                let found = STRATEGIES.into_iter().find(|(name, _)| *name == value);
                let names = || STRATEGIES.map(|(name, _)| name).join(", ");
                let unknown = || format!("--strategy {value:?} is unknown; give {}", names());
                self.strategies.push(found.ok_or_else(unknown)?.1);
            }
            _ => self.strategies.push(Strategy::Policy(policy(value)?)),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let Sides { honest, honest_networks, hostile, hostile_networks, hostile_hosts } = self.sides;
        let held = if hostile_hosts == Hosts::Ipv4 { hostile_networks } else { 0 };
        for (side, addresses, networks) in [("honest", honest, honest_networks), ("hostile", hostile, held)] {
            if networks > addresses {
                return Err(format!(
                    "{addresses} {side} addresses cannot be in {networks} networks; give --{side}-networks {addresses} or less"
                ));
            }
        }
        let networks = honest_networks + hostile_networks;
        if networks > 50_000 {
            return Err(format!("{networks} networks are too many; give both sides 50000 or less together"));
        }
        Ok(())
    }

    fn command(self, command: u8) -> Command {
        let Self { seed, draws, sides, defences, .. } = self;
        let mut kinds = vec![Kind::Window, Kind::Specification, Kind::Library(Defences::default())];
        if defences != Defences::default() {
            kinds.push(Kind::Library(defences));
        }
        match command {
            FLOOD => {
                let trials = self.trials.unwrap_or(10_000);
                Command::Flood(Flood { sides, arrival: self.arrival, draws, trials, seed }, kinds)
            }
            LIFE => {
                let all = |strategies: Vec<_>| {
                    if strategies.is_empty() {
                        STRATEGIES.map(|(_, strategy)| strategy).to_vec()
                    } else {
                        strategies
                    }
                };
                let scenarios = if self.scenarios.is_empty() { SCENARIOS.to_vec() } else { self.scenarios };
                let trials = self.trials.unwrap_or(100);
                let strategies = all(self.strategies);
                Command::Life { scenarios, strategies, trials, seed, chart: self.chart }
            }
            SEARCH => Command::Search { trials: self.trials.unwrap_or(20), seed },
            _ => Command::Standard { draws, trials: self.trials.unwrap_or(10_000), seed, chart: self.chart },
        }
    }
}

fn number(option: &str, value: &str, from: u64, to: u64) -> Result<u64, String> {
    let number = value.parse().ok().filter(|number| (from..=to).contains(number));
    number.ok_or_else(|| format!("{option} {value:?} is not a number from {from} to {to}; give one"))
}

fn choice<T, const N: usize>(option: &str, value: &str, choices: [(&str, T); N]) -> Result<T, String> {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let names = names.join(" or ");
    let chosen = choices.into_iter().find(|(name, _)| *name == value);
    chosen.map(|(_, choice)| choice).ok_or_else(|| format!("{option} {value:?} is unknown; give {names}"))
}

/// The contract's policy, except for the parameters that are given.
fn policy(text: &str) -> Result<Policy, String> {
    let mut parameters = CONTRACT;
    let mut policy = DOCUMENTED;
    for given in text.split(',') {
        let refuse = || {
            let names = PARAMETERS.join(", ");
            format!(
                "--policy {given:?} is not one of {names} with = and a number; give some, with commas between"
            )
        };
        let (key, value) = given.split_once('=').ok_or_else(refuse)?;
        let value: u32 = value.parse().map_err(|_| refuse())?;
        match key {
            "known" => parameters.known_depth = value,
            "new" => parameters.new_depth = value,
            "feeler" => parameters.feeler_depth = value,
            "failures" => parameters.feeler_failures = value,
            "among" => parameters.among = value,
            "uniform" => parameters.uniform = value,
            "new-first" => parameters.new_first = value,
            "day" => parameters.known_after_a_day = value != 0,
            "heard" => parameters.known_by_heard = value != 0,
            "rotation" => policy.rotation = (value != 0).then(|| i64::from(value)),
            "backoff" => policy.backoff_seconds = value,
            "feelers" => policy.feelers = value != 0,
            _ => return Err(refuse()),
        }
    }
    policy.choice = Choice::Parameters(parameters);
    Ok(policy)
}
