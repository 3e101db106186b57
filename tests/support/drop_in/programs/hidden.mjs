// Simulates a later SDK that keeps its calls in a different place.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { WeaveClient } = require("./node_modules/weave/dist/weaveClient.js");
const { saveCallStart } = WeaveClient.prototype;
WeaveClient.prototype.saveCallStart = function (...args) {
  if (this.projectId === undefined) throw new TypeError("No client");
  return saveCallStart.apply(this, args);
};
