// A later SDK that keeps its calls elsewhere, as far as a program can play one.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { WeaveClient } = require("./node_modules/weave/dist/weaveClient.js");
const { saveCallStart } = WeaveClient.prototype;
WeaveClient.prototype.saveCallStart = function (...args) {
  if (this.projectId === undefined) throw new TypeError("No client");
  return saveCallStart.apply(this, args);
};
