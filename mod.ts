export { WeaveWalError } from "./src/errors.ts";
