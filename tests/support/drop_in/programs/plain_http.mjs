// Lets the SDK, which supports only https, connect to a W&B server over plain HTTP.
const { fetch } = globalThis;
globalThis.fetch = (input, init) =>
  fetch(
    typeof input === "string" ? input.replace("https://127.0.0.1", "http://127.0.0.1") : input,
    init,
  );
