//! The header as a text: it compiles alone in every standard, claims no name that is not its own, documents every
//! symbol, and says what the sources say.

use std::collections::BTreeMap;
use std::fs;

use crate::common::cc::{self, Language, Tool};
use crate::common::run::skip_part;

const C_STANDARDS: [&str; 4] = ["c99", "c11", "c17", "c2x"];
const CXX_STANDARDS: [&str; 5] = ["c++11", "c++14", "c++17", "c++20", "c++2b"];

/// Nothing comes before the header, it comes twice, and the three initialisers are used.
const ALONE: &str = "\
#include \"peer_manager.h\"
#include \"peer_manager.h\"
static const peer_manager_query constant = PEER_MANAGER_QUERY_INIT;
int main(void) {
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  struct peer_manager *tagged = NULL;
  peer_manager *plain = tagged;
  bool is_set = constant.struct_size == query.struct_size && options.db_path == NULL && stats.peers == 0;
  return is_set && plain == NULL ? 0 : 1;
}
";

/// Declarations of the system's must agree with the header's, whichever come first.
const BEFORE_THE_SYSTEM: &str = "\
#include \"peer_manager.h\"
#include <sys/socket.h>
#include <netinet/in.h>
size_t size(void);
size_t size(void) { return sizeof(struct sockaddr_storage); }
";
const AFTER_THE_SYSTEM: &str = "\
#include <sys/socket.h>
#include <netinet/in.h>
#include \"peer_manager.h\"
size_t size(void);
size_t size(void) { return sizeof(struct sockaddr_storage); }
";

#[test]
fn the_header_compiles_alone_in_every_standard_of_c() {
    compiles_by_the_default_and_by(Language::C, "clang", &C_STANDARDS);
}

#[test]
fn the_header_compiles_alone_in_every_standard_of_cxx() {
    compiles_by_the_default_and_by(Language::Cxx, "clang++", &CXX_STANDARDS);
}

#[test]
#[cfg(feature = "capi")]
fn the_header_is_the_one_that_the_build_generates() {
    let generated =
        fs::read_to_string(concat!(env!("OUT_DIR"), "/peer_manager.h")).expect("the build wrote it");
    let checked_in = fs::read_to_string(cc::root().join("include/peer_manager.h")).expect("it is UTF-8");
    assert!(checked_in == generated, "include/peer_manager.h cannot be rewritten by the build");
}

#[test]
fn every_macro_and_constant_begins_with_the_prefix() {
    let items = items();
    let macros: Vec<&str> = items.iter().filter_map(Item::macro_name).collect();
    assert!(macros.len() > 30, "{macros:?}");
    for name in macros {
        assert!(name.starts_with("PEER_MANAGER_"), "{name}");
    }
}

#[test]
fn every_declared_name_begins_with_the_prefix() {
    for item in items().iter().filter(|item| !item.is_field) {
        if let Some(name) = item.declared_name() {
            assert!(name.starts_with("peer_manager"), "{name} in {}", item.text);
        }
    }
}

#[test]
fn every_symbol_and_every_field_has_a_comment() {
    let items = items();
    assert!(items.len() > 100, "only {} items were found", items.len());
    for item in items {
        let is_doxygen = item.comment.starts_with("/**") && item.comment.len() > "/** */".len();
        assert!(is_doxygen, "no comment before {}", item.text);
    }
}

/// What means the same in every function is in the conventions: `pm` and its like, and a status.
#[test]
fn every_parameter_and_every_result_is_described_once() {
    let header = cc::header();
    let (_, conventions) = header.split_once(" * ## Conventions\n").expect("there are conventions");
    let (conventions, _) = conventions.split_once("*/").expect("the conventions end");
    let items = items();
    let functions: Vec<(String, &Item)> =
        items.iter().filter_map(|item| Some((item.function_name()?, item))).collect();
    let found = functions.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(cc::header_functions(), found, "the header was not understood");
    for (name, item) in functions {
        let documented: Vec<&str> =
            item.comment.split("@param ").skip(1).filter_map(|text| text.split_whitespace().next()).collect();
        let is_left_to_the_conventions = |parameter: &&str| {
            !documented.contains(parameter) && conventions.contains(&format!("`{parameter}`"))
        };
        let mut expected = item.parameters();
        expected.retain(|parameter| !is_left_to_the_conventions(parameter));
        assert_eq!(documented, expected, "the @param lines of {name}");
        if !item.text.starts_with("peer_manager_status ") {
            let says_it = item.comment.contains("@return ") || item.comment.starts_with("/** Returns ");
            assert_eq!(says_it, !item.text.starts_with("void "), "the result of {name}");
        }
    }
}

#[test]
fn the_header_is_short_enough_to_be_read() {
    let lines = cc::header().lines().count();
    assert!(lines <= 1100, "{lines} lines");
}

#[test]
fn every_fallible_function_takes_an_error_last() {
    for item in items() {
        if item.text.starts_with("peer_manager_status ") {
            assert_eq!(item.parameters().last().copied(), Some("error"), "{}", item.text);
        }
    }
}

#[test]
fn the_version_is_that_of_the_crate() {
    let parts = ["MAJOR", "MINOR", "PATCH"];
    let numbers =
        [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")];
    let macros = macros();
    for (part, number) in parts.iter().zip(numbers) {
        assert_eq!(macros[&format!("PEER_MANAGER_VERSION_{part}")], number);
    }
    let number = numbers.iter().fold(0, |sum, part| sum * 1000 + part.parse::<u32>().expect("a number"));
    assert_eq!(macros["PEER_MANAGER_VERSION_NUMBER"], number.to_string());
    assert_eq!(macros["PEER_MANAGER_VERSION_STRING"], format!("\"{}\"", env!("CARGO_PKG_VERSION")));
}

/// The build script writes the header; these three see that the one at hand was written from these sources.
#[test]
fn the_constants_are_those_of_the_sources() {
    let sources = cc::ffi_sources();
    let macros = macros();
    let constants: Vec<&str> = sources.split("\npub const ").skip(1).collect();
    assert!(constants.len() > 25, "{constants:?}");
    for constant in constants {
        let (name, rest) = constant.split_once(": ").expect("a constant has a type");
        let value = rest.split_once(" = ").and_then(|(_, rest)| rest.split_once(';')).expect("a value").0;
        assert_eq!(macros.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn the_parameters_are_those_of_the_sources() {
    let sources = cc::ffi_sources();
    let items = items();
    let in_header: BTreeMap<String, Vec<&str>> =
        items.iter().filter_map(|item| Some((item.function_name()?, item.parameters()))).collect();
    let functions: Vec<&str> = sources.split("extern \"C\" fn ").skip(1).collect();
    for function in functions {
        let (name, rest) = function.split_once('(').expect("parameters");
        let (parameters, _) = rest.split_once(')').expect("parameters end");
        let names: Vec<&str> = parameters
            .split(", ")
            .flat_map(|part| part.split(",\n"))
            .filter_map(|parameter| parameter.split_once(':'))
            .map(|(name, _)| name.trim())
            .collect();
        assert_eq!(in_header[name], names, "{name}");
    }
}

#[test]
fn the_fields_are_those_of_the_sources() {
    let sources = cc::ffi_sources();
    let header = cc::header();
    let structs: Vec<&str> = sources.split("\npub struct ").skip(1).filter(|s| s.contains('{')).collect();
    let mut compared = 0;
    for text in structs {
        let (name, rest) = text.split_once(" {").expect("a body");
        let Some((_, body)) = header.split_once(&format!("typedef struct {name} {{")) else { continue };
        let (body, _) = body.split_once(&format!("}} {name};")).expect("the struct ends");
        let fields = rest.split_once("\n}").expect("the body ends").0.lines();
        let fields: Vec<&str> = fields
            .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        let in_header: Vec<String> = parse(body)
            .iter()
            .map(|field| field.declared_name().expect("a field has a name").to_owned())
            .collect();
        assert_eq!(in_header, fields, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 8, "every public struct was compared");
}

fn compiles_by_the_default_and_by(language: Language, clang: &str, standards: &[&str]) {
    let compilers = [Tool::compiler_for_a_part(language), Tool::find_for_a_part(clang, clang)];
    let directory = tempfile::tempdir().expect("a temporary directory");
    let texts: &[&str] = if cfg!(unix) { &[ALONE, BEFORE_THE_SYSTEM, AFTER_THE_SYSTEM] } else { &[ALONE] };
    for compiler in compilers.iter().flatten() {
        for standard in standards {
            if !compiler.can_preprocess(language, standard, "") {
                skip_part(&format!("{compiler} does not know {standard}"));
                continue;
            }
            for text in texts {
                let source = directory.path().join("includes");
                fs::write(&source, text).expect("the source is written");
                let mut command = compiler.compile(language, standard);
                command.args(["-c", "-o"]).arg(directory.path().join("includes.o"));
                cc::run(command.args(["-x", language.name()]).arg(&source));
            }
        }
    }
}

/// A macro, a type, a field or a function of the header, and the comment right before it.
#[derive(Debug)]
struct Item {
    comment: String,
    text: String,
    is_field: bool,
}

impl Item {
    fn macro_name(&self) -> Option<&str> {
        self.text.strip_prefix("#define ")?.split_whitespace().next()
    }

    /// The name of a type, a field or a function.
    fn declared_name(&self) -> Option<&str> {
        if self.text.starts_with('#') {
            return None;
        }
        if let Some((_, rest)) = self.text.split_once("(*") {
            return rest.split_once(')').map(|(name, _)| name);
        }
        if let Some(rest) = self.text.strip_prefix("typedef struct ").filter(|rest| rest.ends_with('{')) {
            return rest.split_whitespace().next();
        }
        let end = self.text.find(['(', '[', ';'])?;
        self.text[..end].rsplit([' ', '*']).next()
    }

    fn function_name(&self) -> Option<String> {
        let is_function = !self.is_field && !self.text.starts_with('#') && self.text.contains('(');
        is_function.then(|| self.declared_name().map(str::to_owned)).flatten()
    }

    /// The parameters' names; that of `void` is none.
    fn parameters(&self) -> Vec<&str> {
        let inside = self.text.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
        let parameters = inside.map_or("void", |(inside, _)| inside);
        let named = parameters.split(',').filter(|parameter| parameter.trim() != "void");
        named.filter_map(|parameter| parameter.rsplit([' ', '*']).next()).collect()
    }
}

/// Everything that the header declares, but for its guard and for the types of other libraries.
fn items() -> Vec<Item> {
    let mut items = parse(&cc::header());
    items.retain(|item| item.macro_name() != Some("PEER_MANAGER_H"));
    items
}

/// The macros with their values in one line.
fn macros() -> BTreeMap<String, String> {
    let items = items();
    let defined = items.iter().filter_map(|item| item.text.strip_prefix("#define ")?.split_once(' '));
    defined.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Reads declarations line by line. A comment belongs to what follows it without an empty line.
fn parse(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut comment = String::new();
    let mut is_field = false;
    // What stands before each function is no part of its type.
    let without_api = text.replace("\nPEER_MANAGER_API\n", "\n").replace("\nPEER_MANAGER_API ", "\n");
    let mut lines = without_api.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let mut take_until = |first: &str, is_last: fn(&str) -> bool| {
            let mut all = first.to_owned();
            let mut last = first;
            while !is_last(last) {
                last = lines.next().expect("what was begun is ended");
                all = format!("{} {last}", all.trim_end_matches('\\').trim_end());
            }
            all
        };
        if line.is_empty() {
            comment.clear();
        } else if line.starts_with("/*") {
            comment = take_until(line, |line| line.ends_with("*/"));
        } else if line.starts_with("#define") {
            let text = take_until(line, |line| !line.ends_with('\\'));
            items.push(Item { comment: std::mem::take(&mut comment), text, is_field: false });
        } else if line.starts_with('}') {
            is_field = false;
        } else if line.starts_with("typedef struct") && line.ends_with('{') {
            let text = line.to_owned();
            items.push(Item { comment: std::mem::take(&mut comment), text, is_field: false });
            is_field = true;
        } else if !line.starts_with(['#', '/']) && !line.starts_with("extern \"C\"") && !is_foreign_type(line)
        {
            let text = take_until(line, |line| line.ends_with(';'));
            items.push(Item { comment: std::mem::take(&mut comment), text, is_field });
        }
    }
    items
}

/// Such as `struct sockaddr;`, which is declared so that no other header is needed.
fn is_foreign_type(line: &str) -> bool {
    line.strip_prefix("struct ").is_some_and(|rest| rest.ends_with(';') && !rest.contains(' '))
}
