//! `examples/ffi`: the same program in languages that call C without a binding prints the same, and what each of them takes
//! for the layout of the structs is that of the C compiler. A language that this machine lacks is skipped.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::cc::{self, Language, Tool};
use tempfile::TempDir;

/// Prints the size of each struct and the offset of each field, as the C compiler does; the names come on standard input.
const LUA_LAYOUT: &str = r#"
package.path = os.getenv("EXAMPLES") .. "/?.lua;" .. package.path
require("peer_manager")
local ffi = require("ffi")
for line in io.lines() do
  local struct, field = line:match("^(%S+) ?(%S*)$")
  local number = field == "" and ffi.sizeof(struct) or ffi.offsetof(struct, field)
  print(line .. " " .. tostring(number))
end
"#;
const RUBY_LAYOUT: &str = r##"
require File.join(ENV["EXAMPLES"], "peer_manager.rb")
STDIN.each_line(chomp: true) do |line|
  struct, field = line.split
  type = PM.const_get(struct.delete_prefix("peer_manager_").split("_").map(&:capitalize).join)
  value = type.malloc(Fiddle::RUBY_FREE).to_ptr
  offsets = value.instance_variable_get(:@members).zip(value.instance_variable_get(:@offset)).to_h
  puts "#{line} #{field ? offsets.fetch(field) : type.size}"
end
"##;
const CSHARP_LAYOUT: &str = r#"
using System;
using System.Runtime.InteropServices;

static class Layout {
  static void Main() {
    for (string line; (line = Console.ReadLine()) != null;) {
      string[] words = line.Split(' ');
      Type type = typeof(PeerManager.Native).Assembly.GetType("PeerManager." + words[0]);
      object number = words.Length == 1 ? Marshal.SizeOf(type) : (object)Marshal.OffsetOf(type, words[1]);
      Console.WriteLine(line + " " + number);
    }
  }
}
"#;

fn examples(file: &str) -> PathBuf {
    cc::root().join("examples/ffi").join(file)
}

/// A directory with the library as programs look for it, and a compiled program of `peers.c`.
struct Bench {
    directory: TempDir,
}

impl Bench {
    fn new() -> Option<Self> {
        let compiler = Tool::compiler(Language::C)?;
        let bench = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        for name in ["libpeer_manager.so", "libpeer_manager.so.0"] {
            symlink(cc::library("libpeer_manager.so"), bench.path(name)).expect("the library is found");
        }
        bench.compile(&compiler, &examples("peers.c"), "peers");
        Some(bench)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn compile(&self, compiler: &Tool, source: &Path, program: &str) {
        let mut command = compiler.compile(Language::C, "c99");
        cc::run(command.arg(source).arg("-o").arg(self.path(program)).arg(self.path("libpeer_manager.so.0")));
    }

    /// The command, in the directory, with what the examples look for.
    fn with_library<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(self.directory.path()).env("EXAMPLES", examples(""));
        command.env("LD_LIBRARY_PATH", self.directory.path()).env_remove("HEADER")
    }

    /// Runs the example in C and in another language, each with a new database, and with one that cannot be opened.
    fn prints_what_c_prints(&self, program: &dyn Fn() -> Command) {
        let run = |command: &mut Command, database: &str| -> Output {
            self.with_library(command).arg(self.path(database)).output().expect("it runs")
        };
        let of_c = run(&mut Command::new(self.path("peers")), "c.db");
        assert!(of_c.status.success(), "{of_c:?}");
        let expected = String::from_utf8_lossy(&of_c.stdout);
        assert!(expected.starts_with("heard of 16 new peers\ndialled "), "{expected}");
        assert!(expected.contains("\ntold ") && expected.contains("\nerror NOT_FOUND: "), "{expected}");

        let output = run(&mut program(), "peers.db");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{output:?}");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert!(self.path("peers.db").exists());

        let failed = run(&mut program(), "missing/peers.db");
        let printed = String::from_utf8_lossy(&failed.stdout) + String::from_utf8_lossy(&failed.stderr);
        assert_eq!(failed.status.code(), Some(1), "{failed:?}");
        assert!(printed.contains("error DATABASE: cannot open"), "{printed}");
    }

    /// What the C compiler says of the layout: of the names of a struct, and of a struct and a field.
    fn layout_in_c(&self, names: &[String]) -> Vec<String> {
        let compiler = Tool::compiler(Language::C).expect("it compiled the example");
        let lines = names.iter().map(|name| match name.split_once(' ') {
            Some((of, field)) => format!("printf(\"{name} %zu\\n\", offsetof({of}, {field}));\n"),
            None => format!("printf(\"{name} %zu\\n\", sizeof({name}));\n"),
        });
        let lines: String = lines.collect();
        let source = format!(
            "#include <peer_manager.h>\n#include <stdio.h>\nint main(void) {{\n{lines}return 0;\n}}\n"
        );
        fs::write(self.path("layout.c"), source).expect("the program is written");
        self.compile(&compiler, &self.path("layout.c"), "layout");
        self.lines(&mut Command::new(self.path("layout")), &[])
    }

    /// The lines that a program prints, which reads these.
    fn lines(&self, command: &mut Command, input: &[String]) -> Vec<String> {
        fs::write(self.path("input.txt"), input.join("\n") + "\n").expect("the input is written");
        let input = fs::File::open(self.path("input.txt")).expect("it is there");
        let printed = cc::run(self.with_library(command).stdin(input));
        printed.lines().map(str::to_owned).collect()
    }

    /// Compiles C# with Mono.
    fn compile_with_mono(&self, mcs: &Tool, sources: &[&Path], program: &str) {
        let mut command = mcs.command();
        command.arg("-warnaserror").arg(format!("-out:{}", self.path(program).display()));
        cc::run(command.arg(examples("PeerManager.cs")).args(sources));
    }
}

/// The fields of each struct, in their order: a type and a name.
type Structs = BTreeMap<String, Vec<(String, String)>>;

/// The structs of the header.
fn structs() -> Structs {
    let text = without_comments(&cc::header());
    let mut structs = Structs::new();
    for piece in text.split("typedef struct ").skip(1) {
        let Some((name, rest)) = piece.split_once(" {") else { continue }; // an opaque one
        let (fields, _) = rest.split_once('}').expect("a struct ends");
        let fields = fields.split(';').map(str::trim).filter(|field| !field.is_empty());
        structs.insert(name.to_owned(), fields.map(field).collect());
    }
    assert!(structs.len() >= 8 && structs["peer_manager_options"].len() >= 22, "{structs:?}");
    structs
}

fn without_comments(text: &str) -> String {
    let mut parts = text.split("/*");
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once("*/").expect("a comment ends").1);
    std::iter::once(first).chain(rest).collect()
}

/// The type and the name of `char host[254]`, `const char *db_path` or `int64_t (*clock)(void *context)`.
fn field(declaration: &str) -> (String, String) {
    if let Some((_, rest)) = declaration.split_once("(*") {
        return ("*".to_owned(), rest.split_once(')').expect("a pointer to a function").0.to_owned());
    }
    let (declaration, array) = declaration.split_once('[').unwrap_or((declaration, ""));
    let name = declaration.rsplit([' ', '*']).next().expect("a name");
    let kind = declaration.strip_suffix(name).expect("it ends so").trim();
    let kind = if kind.ends_with('*') { "*" } else { kind.trim_start_matches("struct ") };
    let kind = if array.is_empty() { kind.to_owned() } else { format!("{kind}[{array}") };
    (kind, name.to_owned())
}

/// The types that each function of the header returns and takes; of pointers, only that they are some.
fn functions() -> BTreeMap<String, Vec<String>> {
    let text = without_comments(&cc::header());
    let (_, text) = text.split_once("extern \"C\" {").expect("the functions begin");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let text = lines.collect::<Vec<_>>().join(" ");
    let mut functions = BTreeMap::new();
    for (first, parameters) in text.split(");").filter_map(|prototype| prototype.split_once('(')) {
        let (returned, name) = field(first.trim().trim_start_matches("PEER_MANAGER_API").trim());
        let mut types = vec![returned.replace("peer_manager_status", "int32_t")];
        types.extend(parameters.split(',').map(|parameter| field(parameter.trim()).0));
        functions.insert(name, types);
    }
    let names: Vec<&String> = functions.keys().collect();
    assert!(cc::header_functions().iter().eq(names), "{functions:?}");
    functions
}

/// What a type of C# is in C.
fn in_c(kind: &str) -> String {
    let kind = match kind {
        "byte" => "uint8_t",
        "ushort" => "uint16_t",
        "int" => "int32_t",
        "uint" | "PeerType" | "Backoff" | "Purpose" => "uint32_t",
        "long" => "int64_t",
        "ulong" => "uint64_t",
        "UIntPtr" => "size_t",
        "void" => "void",
        "Address" => "peer_manager_address",
        "IntPtr" | "Table" => "*",
        _ if kind.ends_with("[]") || kind.starts_with("ref ") || kind.starts_with("out ") => "*",
        _ => panic!("{kind} is not known here"),
    };
    kind.to_owned()
}

/// A name of C as C# has it: `next_attempt` is `NextAttempt`.
fn pascal(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(word).collect()
}

/// The fields of each struct that `PeerManager.cs` declares, by the struct's name in C.
fn structs_in_csharp(source: &str) -> Structs {
    let mut structs = Structs::new();
    for piece in source.split("public struct ").skip(1) {
        let (name, rest) = piece.split_once(" {").expect("a struct begins");
        let (body, _) = rest.split_once("\n}").expect("a struct ends");
        let mut fields = Vec::new();
        for declaration in body.split(';').map(str::trim).filter(|text| !text.is_empty()) {
            let (attribute, declaration) = declaration.split_once("public ").expect("a field");
            let (kind, names) = declaration.split_once(' ').expect("a type");
            let kind = match attribute.split_once("SizeConst = ") {
                Some((_, size)) => format!("char[{}]", size.split(')').next().expect("a size")),
                None => in_c(kind),
            };
            fields.extend(names.split(", ").map(|name| (kind.clone(), name.to_owned())));
        }
        structs.insert(format!("peer_manager_{}", name.to_lowercase()), fields);
    }
    structs
}

/// All structs and fields, as the programs that print the layout take them.
fn names(structs: &Structs) -> Vec<String> {
    let of = |(name, fields): (&String, &Vec<(String, String)>)| {
        let fields = fields.iter().map(|(_, field)| format!("{name} {field}"));
        std::iter::once(name.clone()).chain(fields).collect::<Vec<_>>()
    };
    structs.iter().flat_map(of).collect()
}

#[test]
fn luajit() {
    let (Some(luajit), Some(bench)) = (Tool::find("LuaJIT", "luajit"), Bench::new()) else { return };
    bench.prints_what_c_prints(&|| {
        let mut command = luajit.command();
        command.arg(examples("peers.lua"));
        command
    });
    let names = names(&structs());
    fs::write(bench.path("layout.lua"), LUA_LAYOUT).expect("the program is written");
    let mut layout = luajit.command();
    assert_eq!(bench.lines(layout.arg("layout.lua"), &names), bench.layout_in_c(&names));
}

#[test]
fn ruby() {
    let (Some(ruby), Some(bench)) = (Tool::find("Ruby", "ruby"), Bench::new()) else { return };
    bench.prints_what_c_prints(&|| {
        let mut command = ruby.command();
        command.arg("-w").arg(examples("peers.rb"));
        command
    });
    let names = names(&structs());
    let mut layout = ruby.command();
    assert_eq!(bench.lines(layout.args(["-e", RUBY_LAYOUT]), &names), bench.layout_in_c(&names));
}

/// Where no C# is to be had, this is what says that its declarations are true.
#[test]
fn csharp_declares_what_the_header_does() {
    let source = fs::read_to_string(examples("PeerManager.cs")).expect("the declarations are UTF-8");
    let (header, structs) = (structs(), structs_in_csharp(&source));
    assert_eq!(structs.len(), 5);
    for (name, fields) in structs {
        let expected = header[&name].iter().map(|(kind, field)| (constants_in(kind), pascal(field)));
        assert_eq!(fields, expected.collect::<Vec<_>>(), "{name}");
    }
    let (functions, mut count) = (functions(), 0);
    for piece in source.split("public static extern ").skip(1) {
        let words: Vec<&str> = piece.split_whitespace().collect();
        let piece = words.join(" ");
        let (prototype, _) = piece.split_once(");").expect("a prototype ends");
        let (first, parameters) = prototype.split_once('(').expect("a prototype");
        let (returned, name) = first.split_once(' ').expect("a type and a name");
        let mut types = vec![in_c(returned)];
        let parameters = parameters
            .split(',')
            .map(|text| text.trim_start().trim_start_matches("[In] ").trim_start_matches("[Out] "));
        types.extend(parameters.map(|text| in_c(text.rsplit_once(' ').expect("a type and a name").0)));
        assert_eq!(Some(&types), functions.get(name), "{name}");
        count += 1;
    }
    assert_eq!(count, source.matches("[DllImport(Library)]").count());
    for (name, prefix) in [("PeerType", "TYPE"), ("Backoff", "BACKOFF"), ("Purpose", "DIAL")] {
        let (_, rest) = source.split_once(&format!("public enum {name} : uint {{ ")).expect("an enumeration");
        let (values, _) = rest.split_once(" }").expect("it ends");
        let values: Vec<&str> = values.split(", ").collect();
        let header = cc::header();
        let prefix = format!("#define PEER_MANAGER_{prefix}_");
        let constants = header.lines().filter_map(|line| line.strip_prefix(&prefix)?.split_once(' '));
        let expected: Vec<(String, usize)> = constants
            .map(|(name, number)| (pascal(&name.to_lowercase()), number.parse().expect("a number")))
            .collect();
        let values: Vec<(String, usize)> =
            values.iter().enumerate().map(|(number, name)| ((*name).to_owned(), number)).collect();
        assert_eq!(values, expected);
    }
}

/// A type with the number in the place of a constant: `char[PEER_MANAGER_HOST_CAPACITY]` is `char[254]`.
fn constants_in(kind: &str) -> String {
    let Some((kind, constant)) = kind.split_once('[') else { return kind.to_owned() };
    let constant = constant.trim_end_matches(']');
    let header = cc::header();
    let defined = header.lines().find_map(|line| line.strip_prefix(&format!("#define {constant} ")));
    format!("{kind}[{}]", defined.unwrap_or(constant))
}

#[test]
fn csharp_with_mono() {
    let tools = (Tool::find("compiler of Mono", "mcs"), Tool::find("Mono", "mono"));
    let ((Some(mcs), Some(mono)), Some(bench)) = (tools, Bench::new()) else { return };
    bench.compile_with_mono(&mcs, &[&examples("Program.cs")], "Program.exe");
    bench.prints_what_c_prints(&|| {
        let mut command = mono.command();
        command.arg(bench.path("Program.exe"));
        command
    });
    fs::write(bench.path("Layout.cs"), CSHARP_LAYOUT).expect("the program is written");
    bench.compile_with_mono(&mcs, &[&bench.path("Layout.cs")], "Layout.exe");
    let source = fs::read_to_string(examples("PeerManager.cs")).expect("the declarations are UTF-8");
    let mut declared = structs();
    declared.retain(|name, _| structs_in_csharp(&source).contains_key(name));
    let names = names(&declared);
    let renamed = |line: &String| {
        let words = line.strip_prefix("peer_manager_").expect("a name of the library").split(' ');
        words.map(pascal).collect::<Vec<_>>().join(" ")
    };
    let input: Vec<String> = names.iter().map(renamed).collect();
    let expected: Vec<String> = bench.layout_in_c(&names).iter().map(renamed).collect();
    let mut layout = mono.command();
    assert_eq!(bench.lines(layout.arg("Layout.exe"), &input), expected);
}

#[test]
fn csharp_with_dotnet() {
    let (Some(dotnet), Some(bench)) = (Tool::find(".NET", "dotnet"), Bench::new()) else { return };
    // It builds next to its sources.
    for file in ["PeerManager.cs", "Program.cs", "peers.csproj"] {
        fs::copy(examples(file), bench.path(file)).expect("a source is copied");
    }
    // For the version that is there, whichever the project names.
    let version = cc::run(dotnet.command().arg("--version"));
    let framework = format!("-p:TargetFramework=net{}.0", version.split('.').next().expect("a number"));
    let mut build = dotnet.command();
    build.args(["build", "--output", "built", &framework]);
    cc::run(build.current_dir(bench.directory.path()));
    bench.prints_what_c_prints(&|| {
        let mut command = dotnet.command();
        command.arg(bench.path("built/peers.dll"));
        command
    });
}
