import { Agent } from "@mastra/core/agent";
import { Mastra } from "@mastra/core/mastra";
import { mockModel } from "./mock_model.mjs";
import { observability } from "./setup.mjs";

const geography = new Agent({
  id: "geography",
  name: "geography",
  instructions: "Answer.",
  model: mockModel(),
});
const mastra = new Mastra({ agents: { geography }, observability });
const { text } = await mastra.getAgent("geography").generate("What is the capital of France?");
if (text !== "Paris") throw new Error(text);
await mastra.shutdown();
