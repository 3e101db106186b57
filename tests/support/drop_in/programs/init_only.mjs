// Creates a client and does not use it.
import process from "node:process";
import * as weave from "weave";

await weave.init(process.env.PROJECT ?? "team/plain");
