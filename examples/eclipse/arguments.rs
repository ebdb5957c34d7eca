//! What the user asks for on the command line.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::days::{Days, Dial, Node};
use crate::flood::{Arrival, Flood};
use crate::standard::TOY;
use crate::strategy::{Defences, Kind};
use crate::world::{Hosts, Sides};

/// What is to be run.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Help,
    /// The scenarios of the README, and the chart.
    Standard {
        draws: usize,
        trials: u32,
        seed: u64,
        chart: Option<PathBuf>,
    },
    Flood(Flood, Vec<Kind>),
    Days(Days, Vec<Node>),
}

/// The commands an option belongs to.
const STANDARD: u8 = 1;
const FLOOD: u8 = 2;
const DAYS: u8 = 4;
const ATTACK: u8 = FLOOD | DAYS;

/// An option: its name, its value and what it means, and the commands it belongs to.
type Opt = (&'static str, &'static str, &'static str, u8);

const OPTIONS: [Opt; 20] = [
    ("--trials", "N", "independent trials (10,000; of days 200)", STANDARD | ATTACK),
    ("--seed", "N", "what all random choices follow (1)", STANDARD | ATTACK),
    ("--draws", "N", "addresses drawn, connections wanted (8)", STANDARD | ATTACK),
    ("--svg", "FILE", "write the chart there", STANDARD),
    ("--honest", "N", "honest addresses (1000)", ATTACK),
    ("--honest-networks", "N", "/16 networks they are in (250)", ATTACK),
    ("--hostile", "N", "hostile addresses (9000)", ATTACK),
    ("--hostile-networks", "N", "/16 networks they are in (4)", ATTACK),
    ("--hostile-hosts", "ipv4|names", "what they are (ipv4); each DNS name is a network group", ATTACK),
    ("--max-per-netgroup", "N", "the library's option of this name (0, off)", ATTACK),
    ("--max-peers", "N", "the same", ATTACK),
    ("--max-peers-per-netgroup", "N", "the same", ATTACK),
    ("--arrival", "honest|hostile|mixed", "who is heard of first (honest)", FLOOD),
    ("--restarts", "N", "restarts of the node, one a day (3)", DAYS),
    ("--honest-answer", "PERCENT", "dials that honest addresses answer (50)", DAYS),
    ("--hostile-answer", "PERCENT", "dials that hostile addresses answer (100)", DAYS),
    ("--dial", "known|all", "whom the node dials first (known)", DAYS),
    ("--distinct-networks", "yes|no", "whether it keeps one connection a network (no)", DAYS),
    ("--help", "", "this", STANDARD | ATTACK),
    ("-h", "", "this", STANDARD | ATTACK),
];

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut text = String::from(
        "How likely is it that a flood of gossip captures a node?\n\n\
         eclipse [OPTIONS]         the scenarios of the README; those of days have a fiftieth of the trials\n\
         eclipse flood [OPTIONS]   one flood, then one draw\n\
         eclipse days [OPTIONS]    a node that is flooded while it runs, and restarted\n",
    );
    for (title, commands) in [
        ("always", STANDARD | ATTACK),
        ("without a command", STANDARD),
        ("flood and days", ATTACK),
        ("flood", FLOOD),
        ("days", DAYS),
    ] {
        let _ = writeln!(text, "\n{title}:");
        for (name, value, meaning, of) in OPTIONS {
            if of == commands && name != "-h" {
                let _ = writeln!(text, "  {:34} {meaning}", format!("{name} {value}"));
            }
        }
    }
    text
}

/// All values, as given or as they are when they are not.
#[derive(Clone, Debug)]
struct Values {
    trials: Option<u32>,
    seed: u64,
    draws: usize,
    chart: Option<PathBuf>,
    sides: Sides,
    defences: Defences,
    arrival: Arrival,
    restarts: usize,
    honest_answer: u32,
    hostile_answer: u32,
    dial: Dial,
    distinct_networks: bool,
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
            restarts: 3,
            honest_answer: 50,
            hostile_answer: 100,
            dial: Dial::KnownFirst,
            distinct_networks: false,
        }
    }
}

/// Reads the arguments behind the program's name. An error is one line: what is wrong, and what would be right.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter().peekable();
    let (command, name) = match arguments.peek().and_then(|first| first.to_str()) {
        Some("flood") => (FLOOD, "flood"),
        Some("days") => (DAYS, "days"),
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
            "--restarts" => self.restarts = size(0, 365)?,
            "--honest-answer" => self.honest_answer = small(0, 100)?,
            "--hostile-answer" => self.hostile_answer = small(0, 100)?,
            "--dial" => self.dial = choice(option, value, [("known", Dial::KnownFirst), ("all", Dial::All)])?,
            _ => self.distinct_networks = choice(option, value, [("yes", true), ("no", false)])?,
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
            DAYS => {
                let nodes = kinds.into_iter();
                let distinct_networks = self.distinct_networks;
                let days = Days {
                    sides,
                    draws,
                    restarts: self.restarts,
                    trials: self.trials.unwrap_or(200),
                    seed,
                    honest_answer: self.honest_answer,
                    hostile_answer: self.hostile_answer,
                    dial: self.dial,
                };
                Command::Days(days, nodes.map(|kind| Node { kind, distinct_networks }).collect())
            }
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
