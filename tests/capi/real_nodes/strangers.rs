//! What a node does with strangers that are not as they should be; here the test is the stranger.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::network::{Node, Starter};
use super::{LOOPBACK, MINUTE, program};

/// A socket that gives up after a minute.
fn patient(socket: TcpStream) -> BufReader<TcpStream> {
    socket.set_read_timeout(Some(MINUTE)).expect("a timeout");
    BufReader::new(socket)
}

fn listener() -> TcpListener {
    TcpListener::bind((LOOPBACK, 0)).expect("a free port")
}

fn address(listener: &TcpListener) -> String {
    listener.local_addr().expect("it is bound").to_string()
}

/// Connects to a node and says these bytes.
fn say(node: &Node, bytes: &[u8]) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(&node.address).expect("the node listens");
    socket.write_all(bytes).expect("it is said");
    patient(socket)
}

/// Connects to a node as one that listens there.
fn hello(node: &Node, listener: &TcpListener) -> BufReader<TcpStream> {
    say(node, format!("hello {}\n", listener.local_addr().expect("it is bound").port()).as_bytes())
}

/// The lines up to one that ends an answer, and that line.
fn read_answer(socket: &mut BufReader<TcpStream>) -> (Vec<String>, String) {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).expect("a line within a minute");
        let line = line.strip_suffix('\n').unwrap_or_else(|| panic!("cut off after {lines:?}: {line}"));
        match line.strip_prefix("peer ") {
            Some(address) => lines.push(address.to_owned()),
            None => return (lines, line.to_owned()),
        }
    }
}

/// The node closes the connection, and says nothing more.
fn is_closed(mut socket: BufReader<TcpStream>) {
    let mut rest = Vec::new();
    // It may also be reset, if the node has not read everything.
    let _ = socket.read_to_end(&mut rest);
    assert_eq!(String::from_utf8_lossy(&rest), "");
}

#[test]
fn a_full_node_gives_addresses_and_hangs_up() {
    let Some((program, _directory)) = program() else { return };
    // It makes one connection, so two that others make may stay.
    let node = Starter::new(program, &["--local", "--connections", "1"]).start(LOOPBACK, &[]);
    let listeners = [listener(), listener(), listener()];
    let mut stay = Vec::new();
    for (n, listener) in listeners[..2].iter().enumerate() {
        let mut socket = hello(&node, listener);
        let (addresses, end) = read_answer(&mut socket);
        assert_eq!((addresses.len(), end.as_str()), (n, "end"));
        stay.push(socket);
    }
    let mut socket = hello(&node, &listeners[2]);
    let (mut addresses, end) = read_answer(&mut socket);
    addresses.sort();
    let mut expected = [address(&listeners[0]), address(&listeners[1])];
    expected.sort();
    assert_eq!((addresses.as_slice(), end.as_str()), (expected.as_slice(), "full"));
    is_closed(socket);
    node.wait_for("it says why", |node| node.said().contains("this node is full"));

    // The others can still ask. None is told about itself.
    for (socket, listener) in stay.iter_mut().zip(&listeners) {
        socket.get_mut().write_all(b"ask\n").expect("it is asked");
        let (addresses, end) = read_answer(socket);
        assert_eq!((addresses.len(), end.as_str()), (2, "end"));
        assert!(!addresses.contains(&address(listener)), "{addresses:?}");
    }
    // Once one has gone there is a place.
    drop(stay.pop());
    node.wait_for("it notices", |node| node.count("accepted") == 1);
    assert_eq!(read_answer(&mut hello(&node, &listeners[2])).1, "end");
}

#[test]
fn one_that_connects_and_makes_no_sense_is_hung_up() {
    let Some((program, _directory)) = program() else { return };
    let node = Starter::new(program, &["--local"]).start(LOOPBACK, &[]);
    let long = [b"hello ", [b'1'; 1000].as_slice(), b"\n"].concat();
    let cases: [(&[u8], &str); 9] = [
        (b"hello 0\n", "bad hello"),
        (b"hello 65536\n", "bad hello"),
        (b"hello 18446744073709551617\n", "bad hello"),
        (b"hello 1 \n", "bad hello"),
        (b"hello 1\0\n", "bad hello"),
        (b"ask\n", "makes no sense"),
        (b"peer 1.2.3.4:5\n", "makes no sense"),
        (b"\n", "makes no sense"),
        (&long, "too long"),
    ];
    for (n, (bytes, reason)) in cases.into_iter().enumerate() {
        is_closed(say(&node, bytes));
        node.wait_for(reason, |node| {
            let said = node.said();
            let reasons: Vec<&str> = said.lines().filter(|line| line.starts_with("hung up on ")).collect();
            reasons.len() == n + 1 && reasons[n].contains(reason)
        });
    }
    assert_eq!(node.end().len(), 0, "none of them is a peer");
}

/// The node dials the test, and says hello.
fn is_dialled(seed: &TcpListener, node: &Node) -> BufReader<TcpStream> {
    let mut socket = patient(seed.accept().expect("the node dials its seed").0);
    let mut line = String::new();
    socket.read_line(&mut line).expect("a hello");
    assert_eq!(line, format!("hello {}\n", node.address.rsplit_once(':').expect("a port").1));
    socket
}

/// A peer that is asked answers with this; the node's reason for hanging up.
fn a_seed_answers(starter: &Starter, answer: &[u8], reason: &str) {
    let seed = listener();
    let node = starter.start(LOOPBACK, &[address(&seed)]);
    let mut socket = is_dialled(&seed, &node);
    socket.get_mut().write_all(answer).expect("it is answered");
    is_closed(socket);
    let event = format!("no answer from {}: ", address(&seed));
    node.wait_for(reason, |node| {
        node.said().lines().any(|line| line.strip_prefix(&event).is_some_and(|why| why.contains(reason)))
    });
    drop(seed);
    assert_eq!(node.end().len(), 1, "half an answer is none");
}

#[test]
fn a_peer_that_answers_what_makes_no_sense_is_hung_up() {
    let Some((program, _directory)) = program() else { return };
    let starter = Starter::new(program, &["--local"]);
    let many: Vec<String> = (0..33).map(|n| format!("peer 10.0.0.{n}:1\n")).collect();
    a_seed_answers(&starter, many.concat().as_bytes(), "too many addresses");
    a_seed_answers(&starter, b"peer 10.0.0.1:1\npeer 10.0.0.2\nend\n", "no address");
    a_seed_answers(&starter, b"peer 10.0.0.1:1\nhello 1\n", "makes no sense");
    a_seed_answers(&starter, format!("peer {}\n", "1".repeat(1000)).as_bytes(), "too long");
}

/// Of a node that listens on all interfaces, strangers know the addresses before it does.
#[test]
fn a_node_that_is_told_of_itself_finds_that_out_and_dials_itself_no_more() {
    let Some((program, _directory)) = program() else { return };
    let seed = listener();
    let starter = Starter::new(program, &["--local"]);
    let node = starter.start(Ipv4Addr::UNSPECIFIED.into(), &[address(&seed)]);
    let mut socket = is_dialled(&seed, &node);
    let answer = format!("peer {}\nend\n", node.address);
    socket.get_mut().write_all(answer.as_bytes()).expect("it is told");
    node.wait_for("it notices", |node| node.said().contains("it is this node itself"));
    assert!(node.said().contains(&format!("own address {}\n", node.address)), "{}", node.said());
    node.wait_for("it forgets itself", |node| node.count("known") == 1);
    let dialled = format!("no answer from {}: ", node.address);
    node.wait_for("the dial is over", |node| node.said().contains(&dialled));
    assert_eq!(node.end(), BTreeSet::from([address(&seed)]));
}
