//! `docs/getting-started.md` step by step, as its reader would: the files that it shows are written and changed in one
//! directory, its commands run there in their order, and what they print is what the page shows.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::common::cc::{self, Language, Tool};
use crate::real_nodes::MINUTE;
use crate::real_nodes::network::{Process, collect, wait};
use crate::shown::read;
use tempfile::TempDir;

const PAGE: &str = "docs/getting-started.md";
/// What the page tells the reader's terminal, rather than the program: Ctrl-C.
const INTERRUPT: &str = "^C";

/// A fenced part of the page.
#[derive(Debug)]
struct Block {
    /// What stands behind the fence: the language, and whether the command goes on running.
    kind: String,
    /// The file that it is about, in bold type before it.
    file: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut file = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let text =
                lines.by_ref().take_while(|&line| line != "```").flat_map(|line| [line, "\n"]).collect();
            blocks.push(Block { kind: kind.to_owned(), file: std::mem::take(&mut file), text });
        } else if let Some((name, "")) = line.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
            name.clone_into(&mut file);
        }
    }
    blocks
}

/// A file with a unified diff applied to it, exactly where it says.
fn patched(old: &str, diff: &str) -> String {
    let old: Vec<&str> = old.lines().collect();
    let (mut new, mut at) = (Vec::new(), 0);
    for line in diff.lines() {
        if let Some(hunk) = line.strip_prefix("@@ -") {
            let first = hunk.split_once([',', ' ']).expect("a hunk says where it is").0;
            let first = first.parse::<usize>().expect("the number of a line") - 1;
            new.extend_from_slice(&old[at..first]);
            at = first;
            continue;
        }
        let (sign, text) = line.split_at(1);
        if sign != "+" {
            assert_eq!(old[at], text, "line {} is not what the diff takes it to be", at + 1);
            at += 1;
        }
        if sign != "-" {
            new.push(text);
        }
    }
    new.extend_from_slice(&old[at..]);
    new.iter().flat_map(|line| [line, "\n"]).collect()
}

/// A reader at work.
struct Reader {
    directory: TempDir,
    /// Where the library is installed.
    prefix: PathBuf,
}

impl Reader {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let prefix = directory.path().join("prefix");
        fs::create_dir_all(prefix.join("lib")).expect("a directory for the library");
        for name in ["libpeer_manager.so", "libpeer_manager.so.0"] {
            symlink(cc::library("libpeer_manager.so"), prefix.join("lib").join(name)).expect("a link");
        }
        symlink(cc::root().join("include"), prefix.join("include")).expect("a link");
        fs::create_dir(directory.path().join("node")).expect("an empty directory");
        Self { directory, prefix }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join("node").join(file)
    }

    /// A line for the shell.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.path(""));
        command.env("PREFIX", &self.prefix).env("CFLAGS", "-Werror");
        command
    }

    /// Runs the commands of a block one after the other; all that is seen in the terminal.
    fn session(&self, block: &Block) -> String {
        let commands = block.text.lines().filter_map(|line| line.strip_prefix("$ "));
        let shown = commands.map(|command| {
            let output = self.command(&format!("{{ {command}\n}} 2>&1")).output().expect("there is a shell");
            format!("$ {command}\n{}", String::from_utf8(output.stdout).expect("text"))
        });
        shown.collect()
    }

    fn take_in(&self, block: &Block) {
        let path = self.path(&block.file);
        match &*block.kind {
            "c" | "make" => fs::write(path, &block.text).expect("the file is written"),
            "diff" => {
                let old = fs::read_to_string(&path).expect("an earlier step wrote the file");
                fs::write(path, patched(&old, &block.text)).expect("the file is written");
            }
            "console" => assert_eq!(self.session(block), block.text, "is not what {PAGE} shows"),
            "console running" | "sh" => {} // the network of all such together; how the library is installed
            other => panic!("nothing is known of the block {other}"),
        }
    }
}

/// A command that goes on running, and what the page says that it prints, before Ctrl-C and in all.
struct Running {
    process: Process,
    printed: Arc<Mutex<Vec<String>>>,
    before: String,
    all: String,
}

impl Running {
    /// Starts it, and waits until it prints something.
    fn start(reader: &Reader, text: &str) -> Self {
        let (command, expected) = text.split_once('\n').expect("a command and what it prints");
        let command = command.strip_prefix("$ ").expect("a command");
        let mut command = reader.command(&format!("exec {command} 2>&1"));
        let mut process = Process(command.stdout(Stdio::piped()).spawn().expect("there is a shell"));
        let printed = Arc::default();
        collect(process.0.stdout.take().expect("it is piped"), &printed);
        let (before, after) = expected.split_once(&format!("{INTERRUPT}\n")).unwrap_or((expected, ""));
        let running = Self { process, printed, before: before.to_owned(), all: [before, after].concat() };
        running.wait("it prints something", || !running.printed().is_empty());
        running
    }

    fn printed(&self) -> String {
        self.printed.lock().expect("no thread panics with it").concat()
    }

    fn wait(&self, what: &str, is_so: impl Fn() -> bool) {
        wait(MINUTE, what, is_so, || self.printed());
    }

    fn interrupt(&mut self) {
        cc::run(Command::new("kill").args(["-INT", &self.process.0.id().to_string()]));
        let status = self.process.0.wait().expect("it is a child");
        assert!(status.success(), "{status}: {}", self.printed());
    }
}

/// Starts all of them, waits until each has printed what the page shows, and ends the last first.
fn the_network_is_as_shown(reader: &Reader, blocks: &[&Block]) {
    let free: Vec<TcpListener> =
        blocks.iter().map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port")).collect();
    let addresses: Vec<String> =
        free.iter().map(|port| port.local_addr().expect("it is bound").to_string()).collect();
    drop(free);
    let mut nodes: Vec<Running> = Vec::new();
    for block in blocks {
        let text = addresses.iter().zip(4001..).fold(block.text.clone(), |text, (address, port)| {
            text.replace(&format!("127.0.0.1:{port}"), address)
        });
        nodes.push(Running::start(reader, &text));
    }
    for node in &nodes {
        node.wait(&node.before, || node.printed().starts_with(&node.before));
    }
    while let Some(mut node) = nodes.pop() {
        node.interrupt();
        if node.all != node.before {
            // The thread that reads may be a little behind.
            node.wait(&node.all, || node.printed() == node.all);
        }
    }
}

#[test]
fn each_step_compiles_without_a_warning_and_prints_what_the_page_shows() {
    let (Some(_), Some(_)) = (Tool::compiler(Language::C), Tool::find("make", "make")) else { return };
    let blocks = blocks(&read(PAGE));
    let reader = Reader::new();
    for block in &blocks {
        reader.take_in(block);
    }
    let makefile = fs::read_to_string(reader.path("Makefile")).expect("the page has a Makefile");
    assert!(makefile.contains("-std=c99 -Wall -Wextra -Wpedantic $(CFLAGS)"), "{makefile}");
    let running: Vec<&Block> = blocks.iter().filter(|block| block.kind == "console running").collect();
    assert_eq!(running.len(), 2);
    the_network_is_as_shown(&reader, &running);
}

#[test]
fn each_numbered_step_shows_what_it_prints() {
    let page = read(PAGE);
    let steps: Vec<&str> = page.split("\n## ").filter(|step| step.starts_with(char::is_numeric)).collect();
    assert_eq!(steps.len(), 9);
    for step in &steps[..8] {
        let blocks = blocks(step);
        assert!(
            blocks.iter().any(|block| block.kind == "console" && block.text.starts_with("$ make -s")),
            "{step}"
        );
        assert!(blocks.iter().any(|block| block.kind == "c" || block.kind == "diff"), "{step}");
    }
}

#[test]
#[should_panic(expected = "line 2 is not what the diff takes it to be")]
fn a_diff_that_does_not_fit_is_no_step() {
    patched("one\ntwo\nthree\n", "@@ -1,2 +1,2 @@\n one\n-TWO\n+2\n");
}
