"use strict";

// The lists of addresses that the node in miniature reads and writes.

const assert = require("node:assert/strict");
const { execFile } = require("node:child_process");
const { join } = require("node:path");
const { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } = require("node:fs");
const { test } = require("node:test");
const { tmpdir } = require("node:os");

const EXAMPLES = join(__dirname, "../..");
const GOLDEN = join(EXAMPLES, "golden/peers.txt");

/** A directory that is gone after the test. */
function directory(t) {
  const path = mkdtempSync(join(tmpdir(), "peer-manager-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs the program; resolves to what it printed and how it ended. */
function day(...args) {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(__dirname, "../day/main.js"), ...args], (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** Imports text and exports what came of it. */
async function roundTrip(t, text) {
  const place = directory(t);
  writeFileSync(join(place, "in.txt"), text);
  const ended = await day("--import", join(place, "in.txt"), "--export", join(place, "out.txt"));
  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(readdirSync(place), ["in.txt", "out.txt"]);
  return { ...ended, in: join(place, "in.txt"), out: readFileSync(join(place, "out.txt"), "utf8") };
}

test("what is exported is what the other languages export", async (t) => {
  const { out } = await roundTrip(t, readFileSync(join(EXAMPLES, "peers.txt")));
  assert.equal(out, readFileSync(GOLDEN, "utf8"));
});

test("a list comes back as it went", async (t) => {
  const text = "1.2.3.4:5\n[2001:db8::1]:7\nexample.org:6\n";
  assert.equal((await roundTrip(t, text)).out, text);
  assert.equal((await roundTrip(t, "")).out, "");
});

test("lines that are no address are reported and skipped", async (t) => {
  const text = [
    Buffer.from("# a comment\r\n\r\n1.2.3\n \t1.2.3.4 \r\n"),
    Buffer.alloc(1_000_000, "x"),
    Buffer.from([0x0a, 0xff, 0xfe, 0x0a]),
    Buffer.from("1.2.3.5\0\n1.2.3.5\u00a0\n\ufeff1.2.3.6\n  # another\n1.2.3.4:11625\nexample.org:1"),
  ];
  const ended = await roundTrip(t, Buffer.concat(text));
  assert.equal(ended.out, "1.2.3.4:11625\nexample.org:1\n");
  const reports = ended.stderr.trimEnd().split("\n");
  const expected = [3, 5, 6, 7, 8, 9].map((number) => `${ended.in}:${number}`);
  assert.deepEqual(
    reports.map((line) => line.split(": ")[0]),
    expected,
  );
  for (const line of reports) assert.ok(line.length < 1000);
});

test("a file that cannot be read or written is an error in one line", async (t) => {
  const place = directory(t);
  const link = join(place, "link");
  const nowhere = join(place, "none", "list.txt");
  symlinkSync("/dev/null", link);
  for (const [option, ...paths] of [
    ["--import", place, nowhere],
    ["--export", place, link, nowhere],
  ]) {
    for (const path of paths) {
      const { code, stderr } = await day(option, path);
      assert.equal(code, 1);
      assert.match(stderr, /^node: .+\n$/);
    }
  }
  assert.deepEqual(readdirSync(place), ["link"]);
});

test("an old list is replaced by what a database has", async (t) => {
  const place = directory(t);
  const [database, list] = [join(place, "peers.db"), join(place, "list.txt")];
  writeFileSync(list, "old\n");
  assert.equal((await day("--database", database, "--import", GOLDEN)).code, 0);
  assert.equal((await day("--database", database, "--export", list)).code, 0);
  assert.equal(readFileSync(list, "utf8"), readFileSync(GOLDEN, "utf8"));
});

test("a day begins with one list and ends with another", async (t) => {
  const list = join(directory(t), "list.txt");
  const { code, stdout } = await day("--export", list, join(EXAMPLES, "peers.txt"));
  assert.equal(code, 0);
  assert.match(stdout, /^33 addresses read, 31 new; 3 lines skipped$/m);
  assert.match(stdout, /came back as they were/);
  assert.match(readFileSync(list, "utf8"), /^198\.51\.100\.\d+:11625$/m); // it has heard of others
});

test("arguments that make no sense are refused", async () => {
  for (const args of [[], ["a", "b"], ["--what"], ["--import"], ["--database", "x"], ["--database", "x", "list"]]) {
    const { code, stderr } = await day(...args);
    assert.equal(code, 2);
    assert.match(stderr, /^usage: /m);
  }
});
