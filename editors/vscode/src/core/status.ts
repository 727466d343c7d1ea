/** The text of the status bar. */

import type { EngineStatus, Timings } from "./wire";

/** The state of the server. */
export type Server =
  | { kind: "stopped"; why: string }
  | { kind: "starting" }
  | { kind: "running"; version: string; roots: readonly string[]; files: number; chunks: number }
  | { kind: "failed"; why: string };

/** Everything that the status bar shows. */
export interface State {
  server: Server;
  /** Whether completions come as the user types in the current document. */
  automatic: boolean;
  /** Until when no completion comes as the user types, in milliseconds since 1970. */
  snoozedUntil?: number;
  /** The name of the model in the settings, else its family. */
  model?: string;
  /** How long the last completion took, in milliseconds. */
  latency?: number;
  /** Its times at the server. */
  timings?: Timings;
  /** Why the model server did not answer the last request. */
  outage?: string;
  /** What the server says about its settings file. */
  warning?: string;
}

/** A status bar item: its text with icons, and the lines of its tooltip. */
export interface Bar {
  text: string;
  tooltip: string[];
  severity: "none" | "warning" | "error";
}

const count = (n: number, what: string) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

/** The local time of day, such as 09:30. */
export const clock = (time: number) => new Date(time).toTimeString().slice(0, 5);

/** Renders the state. */
export function bar(state: State): Bar {
  const { server } = state;
  switch (server.kind) {
    case "stopped":
      return { text: "$(circle-slash) fimd", tooltip: [server.why], severity: "none" };
    case "starting":
      return { text: "$(loading~spin) fimd: indexing", tooltip: ["The project is being read."], severity: "none" };
    case "failed":
      return { text: "$(error) fimd", tooltip: [server.why], severity: "error" };
    case "running":
      break;
  }
  const { model, latency, outage, warning } = state;
  const [icon, mode, when] = trigger(state);
  const chunks = server.chunks ? `, ${count(server.chunks, "chunk")}` : "";
  const tooltip = [
    `fimd ${server.version}`,
    ...(server.roots.length === 0
      ? ["No folder is open: each file has the project that it is in"]
      : [...server.roots, count(server.files, "file") + chunks]),
    ...(model === undefined ? [] : [`Model: ${model}`]),
    when,
  ];
  if (latency !== undefined) tooltip.push(`The last completion took ${Math.round(latency)} ms`, ...modelWork(state.timings));
  if (warning !== undefined) tooltip.push(warning);
  if (outage !== undefined) {
    return { text: "$(warning) fimd: no answer", tooltip: [...tooltip, outage], severity: "warning" };
  }
  const took = latency === undefined ? "" : ` · ${Math.round(latency)} ms`;
  const text = `${icon} fimd: ${mode ?? `${model ?? "ready"}${took}`}`;
  return { text, tooltip, severity: warning === undefined ? "none" : "warning" };
}

/** What the model server did for a completion, in one line; none if the model was not asked. */
export function modelWork(timings: Timings | undefined): string[] {
  if (!timings || timings.first_token_ms === null) return [];
  const { first_token_ms, read_tokens, reused_tokens } = timings;
  const read = typeof read_tokens === "number" ? `; ${count(read_tokens, "token")} read` : "";
  const reused = read && typeof reused_tokens === "number" ? `, ${reused_tokens.toLocaleString("en")} reused` : "";
  return [`First text after ${Math.round(first_token_ms)} ms${read}${reused}`];
}

/** When completions come: an icon, a word unless they come as usual, and a sentence. */
function trigger({ automatic, snoozedUntil }: State): [icon: string, word: string | undefined, sentence: string] {
  if (!automatic) return ["$(circle-slash)", "off", "Completes only when asked here"];
  if (snoozedUntil === undefined) return ["$(sparkle)", undefined, "Completes as you type"];
  const until = clock(snoozedUntil);
  return ["$(bell-slash)", `snoozed until ${until}`, `Completes only when asked until ${until}`];
}

/** Renders the answer of `fimd/status` as a page of Markdown. */
export function page(state: State, status: EngineStatus): string {
  const lines = ["# fimd", "", ...bar(state).tooltip.map((line) => `- ${line}`)];
  lines.push(`- process ${status.pid}, up for ${Math.round(status.uptime_ms / 1000)} s`, "");
  lines.push("| project | files | chunks | memory | clients |", "| --- | ---: | ---: | ---: | ---: |");
  for (const { root, index, clients } of status.projects) {
    const held = index
      ? `${index.files} | ${index.chunks} | ${(index.memory_bytes / 2 ** 20).toFixed(1)} MiB`
      : "being read | |";
    lines.push(`| ${cell(root)} | ${held} | ${clients} |`);
  }
  lines.push("", "| method | answered | errors | p50 | p90 | p99 |", "| --- | ---: | ---: | ---: | ---: | ---: |");
  for (const [method, times] of Object.entries(status.methods)) {
    const ms = [times.p50_ms, times.p90_ms, times.p99_ms].map((time) => `${time.toFixed(1)} ms`).join(" | ");
    lines.push(`| ${cell(method)} | ${times.requests} | ${times.errors} | ${ms} |`);
  }
  if (status.jobs.length > 0) lines.push("", "| job | state | examples |", "| --- | --- | ---: |");
  for (const [id, job] of status.jobs) {
    const why = job.error ? `: ${job.error}` : "";
    lines.push(`| ${cell(id)} | ${cell(job.state + why)} | ${job.examples} |`);
  }
  return lines.join("\n") + "\n";
}

/** Escapes text for a cell of a table. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}
