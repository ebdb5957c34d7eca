//! The layout of the header. cbindgen puts the beginning and the end of a comment and each parameter on lines of their own, and
//! separates constants by empty lines; here a comment takes no more lines than its text, a declaration takes as few as it fits
//! into, and the constants of one enumeration are kept together.

/// The longest line, unless a single word is longer.
const WIDTH: usize = 124;

/// Lays out a header that cbindgen has written.
pub(crate) fn lay_out(header: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = header.lines().peekable();
    while let Some(line) = rest.next() {
        let is_end: fn(&str) -> bool = match line.trim_start() {
            "/**" => |line| line.ends_with("*/"),
            _ if is_function(line) => |line| line.ends_with(';'),
            _ => |_| true,
        };
        let mut whole = vec![line];
        while !whole.last().is_some_and(|line| is_end(line)) {
            whole.push(rest.next().expect("what begins in the header ends there"));
        }
        if line.trim_start() == "/**" {
            let next = rest.peek().copied().unwrap_or_default();
            let is_of_the_same_family = family(next).is_some()
                && matches!(&lines[..], [.., before, empty] if empty.is_empty() && family(before) == family(next));
            if is_of_the_same_family {
                lines.pop();
            }
            lines.extend(comment(&whole));
        } else if is_function(line) {
            lines.extend(declaration(&whole));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n") + "\n"
}

/// A comment that begins and ends with its text; that of the file stays as it is.
fn comment(lines: &[&str]) -> Vec<String> {
    let unchanged = || lines.iter().map(|&line| line.to_owned()).collect();
    let [begin, text @ .., end] = lines else { return unchanged() };
    let [first, others @ ..] = text else { return unchanged() };
    let Some(first) = first.trim_start().strip_prefix("* ").filter(|first| !first.starts_with('@')) else {
        return unchanged();
    };
    let mut result = vec![format!("{begin} {first}")];
    result.extend(others.iter().map(|&line| line.to_owned()));
    match result.last_mut() {
        Some(last) if last.len() + " */".len() <= WIDTH && !last.ends_with('|') => last.push_str(" */"),
        _ => result.push((*end).to_owned()),
    }
    result
}

/// The declaration of a function, with as many parameters in a line as fit.
fn declaration(lines: &[&str]) -> Vec<String> {
    let whole = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    let mut result = Vec::new();
    let mut line = String::new();
    for part in whole.split_inclusive(", ") {
        if !line.is_empty() && line.len() + part.trim_end().len() > WIDTH {
            result.push(line.trim_end().to_owned());
            line = " ".repeat(4);
        }
        line.push_str(part);
    }
    result.push(line);
    result
}

/// Whether the declaration of a function begins here, maybe with a line for what stands before each.
fn is_function(line: &str) -> bool {
    line == "PEER_MANAGER_API"
        || line.starts_with(|first: char| first.is_ascii_lowercase() || first == 'P')
            && line.contains("peer_manager_")
            && line.contains('(')
}

/// What the constants of an enumeration have in common, such as `TYPE`.
fn family(line: &str) -> Option<&str> {
    line.strip_prefix("#define PEER_MANAGER_")?.split(['_', ' ']).next()
}
