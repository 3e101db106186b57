import { generateText } from "ai";
import { provider } from "./instrumentation.mjs";
import "./setup.mjs";
import { mockModel } from "./mock_model.mjs";

const { text } = await generateText({
  model: mockModel(),
  prompt: "What is the capital of France?",
});
if (text !== "Paris") throw new Error(text);
await provider.shutdown();
