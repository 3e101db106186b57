// Makes a client and does nothing with it.
import * as weave from "weave";

await weave.init("team/plain");
