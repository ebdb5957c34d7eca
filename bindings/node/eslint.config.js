"use strict";

const js = require("@eslint/js");

module.exports = [
  { ignores: ["build/"] },
  js.configs.recommended,
  {
    languageOptions: {
      ecmaVersion: 2023,
      sourceType: "commonjs",
      globals: {
        Buffer: "readonly",
        URL: "readonly",
        __dirname: "readonly",
        __filename: "readonly",
        clearInterval: "readonly",
        console: "readonly",
        module: "writable",
        process: "readonly",
        require: "readonly",
        setImmediate: "readonly",
        setInterval: "readonly",
        setTimeout: "readonly",
        structuredClone: "readonly",
      },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-unused-vars": ["error", { varsIgnorePattern: "^_$" }],
      "no-var": "error",
      "prefer-const": ["error", { ignoreReadBeforeAssign: true }],
      strict: ["error", "global"],
    },
  },
  { files: ["**/*.mjs"], languageOptions: { sourceType: "module" }, rules: { strict: "off" } },
];
