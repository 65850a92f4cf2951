// The Vercel AI SDK, asked for text, a stream, a tool and an object, over each of its providers. Prints JSON: what came, by case.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false;
const { BASE: baseURL, KEY: apiKey } = process.env;
const openai = createOpenAI({ baseURL, apiKey });
const providers = {
  responses: openai,
  chat: openai.chat,
  compatible: createOpenAICompatible({ name: "detente", baseURL, apiKey, includeUsage: true }),
  messages: createAnthropic({ baseURL, apiKey }),
};
const object = (properties) =>
  jsonSchema({ type: "object", properties, required: Object.keys(properties), additionalProperties: false });
const tools = {
  weather: tool({
    description: "Tell the weather of a city",
    inputSchema: object({ city: { type: "string" } }),
    execute: async ({ city }) => `fair in ${city}`,
  }),
};

const cases = {
  text: async (model) => (await generateText({ model, prompt: "sandbox:echo hi", maxRetries: 0 })).text,
  stream: async (model) => {
    let failed;
    const reply = streamText({ model, prompt: "sandbox:echo hi", maxRetries: 0, onError: ({ error }) => (failed = error) });
    let said = "";
    for await (const piece of reply.textStream) said += piece;
    if (failed) throw failed;
    return [said, (await reply.usage).outputTokens];
  },
  tools: async (model) => {
    const prompt = "sandbox:tool=weather";
    return (await generateText({ model, prompt, tools, stopWhen: stepCountIs(3), maxRetries: 0 })).steps.length;
  },
  object: async (model) => {
    const schema = object({ number: { type: "integer" }, settled: { type: "boolean" } });
    return Object.keys((await generateObject({ model, prompt: "Which claim?", schema, maxRetries: 0 })).object).sort();
  },
};

const found = {};
const noted = async (name, act) => {
  try {
    found[name] = await act();
  } catch (error) {
    found[name] = `failed: ${error.responseBody ?? error.message}`;
  }
};
for (const name of process.env.MODELS.split(","))
  for (const [provider, make] of Object.entries(providers))
    for (const [kind, ask] of Object.entries(cases))
      if (kind !== "object" || provider !== "compatible")
        await noted(`${name} ${provider} ${kind}`, () => ask(make(name)));
for (const name of process.env.VECTORS.split(","))
  await noted(`${name} vectors`, async () => {
    const model = openai.textEmbeddingModel(name);
    return (await embedMany({ model, values: ["a", "b", "c"], maxRetries: 0 })).embeddings.length;
  });
console.log(JSON.stringify(found));
