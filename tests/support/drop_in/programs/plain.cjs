// A minimal program in CommonJS.
const process = require("node:process");
const weave = require("weave");

(async () => {
  await weave.init(process.env.PROJECT ?? "team/plain", { printCallLink: false });
  const double = weave.op(function double(n) {
    return n * 2;
  });
  console.log(`result ${await double(21)}`);
  if (process.env.EXIT) process.exit(7);
})();
