// The Vercel AI SDK, by messages, at a provider that says nothing of use. Prints JSON: a whole reply, and a stream.
import { createAnthropic } from "@ai-sdk/anthropic";
import { generateText, streamText } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false;
const { BASE: baseURL, KEY: apiKey, MODEL } = process.env;
const call = { model: createAnthropic({ baseURL, apiKey })(MODEL), prompt: "hi", maxRetries: 0 };
const { text, finishReason, usage } = await generateText(call);
const stream = streamText({ ...call, onError: ({ error }) => console.error(error) });
let said = "";
for await (const piece of stream.textStream) said += piece;
const told = [said, await stream.finishReason, (await stream.usage).outputTokens];
console.log(JSON.stringify({ whole: [text, finishReason, usage.outputTokens], stream: told }));
