// The smallest program, in CommonJS.
const weave = require("weave");

(async () => {
  await weave.init(process.env.PROJECT ?? "team/plain");
  const double = weave.op(function double(n) {
    return n * 2;
  });
  console.log(`result ${await double(21)}`);
})();
