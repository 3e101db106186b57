import { PromptTemplate } from "@langchain/core/prompts";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { provider } from "./instrumentation.mjs";
import "./setup.mjs";

const model = new FakeListChatModel({ responses: ["Paris"] });
const chain = PromptTemplate.fromTemplate("What is the capital of {country}?").pipe(model);
await chain.invoke({ country: "France" });
await provider.shutdown();
