// Loads the whole SDK first.
import "weave";
