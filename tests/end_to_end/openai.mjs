// OpenAI's own client for Node, asked for texts, streams, tools and kept turns. Prints JSON: what came, by case.
import OpenAI from "openai";

const { BASE: baseURL, KEY: apiKey } = process.env;
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const user = (content) => [{ role: "user", content }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const weather = ({ city }) => `fair in ${city}`;
const tool = { name: "weather", description: "Tell the weather of a city", parameters };

const cases = {
  text: async (model) =>
    (await client.chat.completions.create({ model, messages: user("sandbox:echo hi") })).choices[0].message.content,
  stream: async (model) => {
    let said = "";
    for await (const piece of await client.chat.completions.create({ model, messages: user("sandbox:echo hi"), stream: true }))
      said += piece.choices[0]?.delta?.content ?? "";
    return said;
  },
  tools: async (model) => {
    const tools = [{ type: "function", function: { ...tool, parse: JSON.parse, function: weather } }];
    const run = client.chat.completions.runTools({ model, messages: user("sandbox:tool=weather"), tools });
    await run.done();
    return run.messages.filter((message) => message.role === "tool").length;
  },
  response: async (model) => (await client.responses.create({ model, input: "sandbox:echo hi" })).output_text,
  "response-stream": async (model) =>
    (await client.responses.stream({ model, input: "sandbox:echo hi" }).finalResponse()).output_text,
  turns: async (model) => {
    const first = await client.responses.create({ model, input: "sandbox:echo one" });
    const second = await client.responses.create({ model, previous_response_id: first.id, input: "sandbox:echo two" });
    const read = await client.responses.retrieve(second.id);
    await client.responses.delete(second.id);
    return [second.output_text, read.id === second.id, read.previous_response_id === first.id];
  },
  model: async (model) => (await client.models.retrieve(model)).id === model,
};

const found = {};
const noted = async (name, act) => {
  try {
    found[name] = await act();
  } catch (error) {
    found[name] = `failed: ${error.message}`;
  }
};
for (const model of process.env.MODELS.split(","))
  for (const [kind, ask] of Object.entries(cases)) await noted(`${model} ${kind}`, () => ask(model));
for (const model of process.env.VECTORS.split(","))
  await noted(`${model} vectors`, async () => (await client.embeddings.create({ model, input: ["a", "b"] })).data.length);
console.log(JSON.stringify(found));
