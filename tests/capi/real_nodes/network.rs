//! Processes of the example, and what they print.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::cc;
use crate::common::run::skip;
use tempfile::TempDir;

/// A node ends by then, even if this process is killed and cannot end it.
const SECONDS: &str = "180";
/// Where it writes whom it knows.
const LIST: &str = "peers.txt";

/// A process, killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How nodes are started.
#[derive(Debug)]
pub(super) struct Starter {
    program: PathBuf,
    options: Vec<String>,
    /// The process that holds the network namespace, if they have one of their own.
    namespace: Option<Process>,
}

impl Starter {
    pub(super) fn new(program: PathBuf, options: &[&str]) -> Self {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Self { program, options, namespace: None }
    }

    /// In a network namespace in which all addresses of these networks are the machine's own. `None` where the system gives
    /// none.
    pub(super) fn in_a_namespace(program: PathBuf, networks: &[&str]) -> Option<Self> {
        let routes = networks.iter().map(|network| format!("ip route add local {network} dev lo && "));
        // It lives until its input ends, so no longer than this process.
        let script =
            format!("ip link set lo up && {}echo ready && exec cat", routes.collect::<Vec<_>>().concat());
        let mut command = Command::new("unshare");
        command.args(["-rn", "sh", "-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(process) = command.stderr(Stdio::null()).spawn() else {
            skip("no network namespaces");
            return None;
        };
        let mut process = Process(process);
        let mut word = String::new();
        let stdout = process.0.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut word).expect("text");
        if word != "ready\n" {
            skip("no network namespaces");
            return None;
        }
        Some(Self { namespace: Some(process), ..Self::new(program, &[]) })
    }

    /// Starts a node on a host, at any port that is free, and waits until it listens.
    pub(super) fn start(&self, host: IpAddr, seeds: &[String]) -> Node {
        let mut command = match &self.namespace {
            None => Command::new(&self.program),
            Some(Process(holder)) => {
                let mut command = Command::new("nsenter");
                command.args(["-U", "-n", "--preserve-credentials", "-t", &holder.id().to_string()]);
                command.arg(&self.program);
                command
            }
        };
        command.args(["--listen", &SocketAddr::new(host, 0).to_string(), "--seconds", SECONDS]);
        command.args(&self.options);
        for seed in seeds {
            command.args(["--seed", seed]);
        }
        Node::spawn(command, host)
    }
}

/// A node that runs. It prints a line for each event.
#[derive(Debug)]
pub(super) struct Node {
    process: Process,
    pub(super) address: String,
    lines: Arc<Mutex<Vec<String>>>,
    /// For the list of the peers that it knows at the end.
    directory: TempDir,
}

impl Node {
    fn spawn(mut command: Command, host: IpAddr) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        command.arg("--export").arg(directory.path().join(LIST));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process(command.spawn().expect("the node runs"));
        let lines = Arc::default();
        collect(process.0.stderr.take().expect("it is piped"), &lines);
        collect(process.0.stdout.take().expect("it is piped"), &lines);
        let mut node = Self { process, address: String::new(), lines, directory };
        let port = |node: &Self| {
            let said = node.said();
            let port = said.lines().find_map(|line| line.strip_prefix("listening on port "));
            port.map(|port| port.parse::<u16>().expect("a port"))
        };
        node.wait_for("it listens", |node| port(node).is_some());
        let host = if host.is_unspecified() { super::LOOPBACK } else { host };
        node.address = SocketAddr::new(host, port(&node).expect("it has just said that")).to_string();
        node
    }

    /// Waits for at most a minute.
    pub(super) fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        by(super::MINUTE, what, std::slice::from_ref(self), || is_so(self));
    }

    /// All that it has printed.
    pub(super) fn said(&self) -> String {
        self.lines.lock().expect("no thread panics with it").concat()
    }

    /// The peers that it is connected to, by the events.
    pub(super) fn connected(&self) -> BTreeSet<String> {
        let mut connected = BTreeSet::new();
        for line in self.said().lines() {
            if let Some(peer) = line.strip_prefix("connected to ") {
                assert!(connected.insert(peer.to_owned()), "connected twice to {peer}: {}", self.said());
            }
            for end in ["lost ", "no answer from "] {
                let Some(event) = line.strip_prefix(end) else { continue };
                connected.remove(event.split_once(": ").expect("a reason").0);
            }
        }
        connected
    }

    /// The last count of "connected", "accepted" or "known" peers that it has printed.
    pub(super) fn count(&self, what: &str) -> usize {
        let said = self.said();
        let Some(counts) = said.lines().rev().find_map(|line| line.strip_prefix("now ")) else { return 0 };
        let part = counts.split(", ").find(|part| part.ends_with(what)).expect("it counts these");
        part.split(' ').next().expect("a number").parse().expect("a number")
    }

    /// Tells it to end, and waits for that; the peers that it has known.
    pub(super) fn end(mut self) -> BTreeSet<String> {
        cc::run(Command::new("kill").args(["-TERM", &self.process.0.id().to_string()]));
        let status = self.process.0.wait().expect("it is a child");
        assert!(status.success(), "{status}: {}", self.said());
        let known: BTreeSet<String> = fs::read_to_string(self.directory.path().join(LIST))
            .expect("its list")
            .lines()
            .map(str::to_owned)
            .collect();
        // The thread that reads may be a little behind.
        self.wait_for("it reports", |node| {
            node.said().ends_with(&format!("\n{} peers known\n", known.len()))
        });
        assert!(self.said().contains("\nat the end:\n"), "{}", self.said());
        known
    }
}

/// Ends all of them; the peers that each has known.
pub(super) fn all_of(nodes: Vec<Node>) -> Vec<BTreeSet<String>> {
    nodes.into_iter().map(Node::end).collect()
}

/// Reads until the process ends.
pub(crate) fn collect(pipe: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            lines.lock().expect("no thread panics with it").push(line + "\n");
        }
    });
}

/// Waits until something is so; if it is not by then, what the nodes have said is shown.
pub(super) fn by(deadline: Duration, what: &str, nodes: &[Node], is_so: impl Fn() -> bool) {
    wait(deadline, what, is_so, || {
        let said: Vec<String> =
            nodes.iter().map(|node| format!("--- {}\n{}", node.address, node.said())).collect();
        said.concat()
    });
}

/// Waits until something is so; if it is not by then, what was said is shown.
pub(crate) fn wait(deadline: Duration, what: &str, is_so: impl Fn() -> bool, said: impl Fn() -> String) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() <= deadline, "not so after {deadline:?}: {what}\n{}", said());
        thread::sleep(Duration::from_millis(20));
    }
}
