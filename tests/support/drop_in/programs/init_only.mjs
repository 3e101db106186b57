// Makes a client and does nothing with it.
import process from "node:process";
import * as weave from "weave";

await weave.init(process.env.PROJECT ?? "team/plain");
