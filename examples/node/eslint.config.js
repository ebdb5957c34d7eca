"use strict";

module.exports = require("../../bindings/node/eslint.config.js");
