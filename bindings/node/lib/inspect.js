"use strict";

// How values look in `console.log`, the REPL and `util.inspect`.

const { inspect } = require("node:util");

/** A name and what it stands for, within the depth that is asked for. */
function show(name, value, depth, options) {
  if (depth < 0) return options.stylize(`[${name}]`, "special");
  return `${name} ${inspect(value, { ...options, depth: options.depth ?? null })}`;
}

/** As an array is shown: the first items, and how many more there are. `at` is asked for those that are shown only. */
function showItems(name, length, at, depth, options) {
  const items = Array.from({ length: Math.min(length, options.maxArrayLength ?? Infinity) }, (_, index) => at(index));
  items.length = length;
  return show(`${name}(${length})`, items, depth, options);
}

module.exports = { custom: inspect.custom, show, showItems };
