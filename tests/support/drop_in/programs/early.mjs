// Loads the whole SDK before anything else does.
import "weave";
