"use strict";

// Replays a script of operations and prints the transcript; see examples/golden/README.md. A transcript is a script, too.
//
//   node golden.js ../golden/scenario.txt

const { mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { join } = require("node:path");
const { tmpdir } = require("node:os");
const { Player } = require("./player/player.js");

const OPERATION = "> ";
const PRINTED = "  ";

const isPassedOver = (line) => line === "" || line.startsWith("#");

/** What a line of a transcript prints when it is played. */
function* replay(player, line) {
  if (isPassedOver(line)) yield line;
  else if (line.startsWith(OPERATION)) yield* play(player, line.slice(OPERATION.length));
  else if (!line.startsWith(PRINTED)) throw new Error(`not a line of a transcript: ${line}`);
}

/** An operation and what it prints. */
function* play(player, operation) {
  yield OPERATION + operation;
  for (const line of player.play(operation)) yield PRINTED + line;
}

/** The lines of the transcript. */
function* transcript(player, script) {
  const lines = script.replace(/\n$/, "").split("\n");
  const isTranscript = lines.find((line) => !isPassedOver(line))?.startsWith(OPERATION);
  for (const line of lines) {
    if (isTranscript) yield* replay(player, line);
    else if (!isPassedOver(line)) yield* play(player, line);
  }
}

function main(script) {
  const directory = mkdtempSync(join(tmpdir(), "peer-manager-"));
  const player = new Player(directory);
  try {
    for (const line of transcript(player, readFileSync(script, "utf8"))) process.stdout.write(`${line}\n`);
  } finally {
    player.pm?.close();
    rmSync(directory, { recursive: true });
  }
}

if (process.argv.length !== 3) {
  console.error("usage: node golden.js SCRIPT");
  process.exitCode = 2;
} else {
  main(process.argv[2]);
}
