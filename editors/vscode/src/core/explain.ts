/** The page that shows what a model was sent for a place, and why. */

import { cell } from "./status";
import { failure, words, type Completion, type Context, type Peer, type Snippet } from "./wire";

/** A place in a document that the server has open. */
export interface Place {
  uri: string;
  /** Zero-based, in the units of the session. */
  position: { line: number; character: number };
}

/**
 * Asks for a completion at `place` and shows what was sent for it. If the model
 * server does not answer, says why and shows the context alone.
 */
export async function explain(peer: Peer, place: Place): Promise<string> {
  const params = { textDocument: { uri: place.uri }, position: place.position, explain: true };
  const { line, character } = place.position;
  const title = `# Context for ${place.uri.slice(place.uri.lastIndexOf("/") + 1)}:${line + 1}:${character + 1}`;
  let asked: Completion;
  try {
    asked = await peer.request<Completion>("complete", { ...params, trigger: "invoked" });
  } catch (error) {
    if (failure(error) !== "model-server" && failure(error) !== "unknown-method") throw error;
    const ready = await peer.request<Context>("getContext", params);
    const why = `Nothing was sent: ${words(error)}`;
    return [title, why, "This context was ready for it:", ...contents(ready)].join("\n\n") + "\n";
  }
  const { timings, items } = asked;
  const answer = items[0] ? ["## Answer", fenced(items[0].text, "php")] : ["The model had nothing useful to add."];
  if (timings.cached) {
    // A cached answer has no context.
    const ready = await peer.request<Context>("getContext", params);
    const why = "The answer was there already, so nothing was sent just now.";
    return [title, why, "The context of this place:", ...contents(ready), ...answer].join("\n\n") + "\n";
  }
  const first = timings.first_token_ms === null ? "" : `, first token after ${ms(timings.first_token_ms)}`;
  const took = `Context in ${ms(timings.context_ms)}${first}, all in ${ms(timings.total_ms)}.`;
  return [title, took, ...contents(asked), ...answer].join("\n\n") + "\n";
}

const ms = (time: number) => `${time.toFixed(time < 10 ? 1 : 0)} ms`;

function contents({ context, snippets, dropped }: Context): string[] {
  const parts = [`## Context (${Array.from(context).length} characters)`, fenced(context, "php")];
  parts.push("## Where it is from", table(snippets));
  if (dropped?.length) parts.push("## Found and left out", table(dropped));
  return parts;
}

function table(snippets: readonly Snippet[]): string {
  const rows = snippets.map(({ path, start, end, source, score, chars, reason }) => {
    const why = reason === undefined ? source : `${source}: ${reason}`;
    return `| ${cell(path)} | ${start}–${end} | ${cell(why)} | ${score.toPrecision(3)} | ${chars} |`;
  });
  return ["| file | bytes | by | score | characters |", "| --- | --- | --- | ---: | ---: |", ...rows].join("\n");
}

/** A block of code with a fence that does not occur in `text`. */
function fenced(text: string, language: string): string {
  const runs = text.match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return `${fence}${language}\n${text.endsWith("\n") || text === "" ? text : `${text}\n`}${fence}`;
}
