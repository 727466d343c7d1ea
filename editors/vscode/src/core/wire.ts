/**
 * The messages that the extension reads, and the part of a connection that it
 * needs. Nothing here imports VS Code, so tests run it without an editor.
 */

/** A cancellation token; those of VS Code and vscode-jsonrpc both fit. */
export interface Cancellation {
  readonly isCancellationRequested: boolean;
  onCancellationRequested(listener: () => void): { dispose(): void };
}

/** LSP's work-done progress. */
export interface Progress {
  kind: "begin" | "report" | "end";
  title?: string;
  message?: string;
  percentage?: number;
}

/** The other side of a connection that is initialized. */
export interface Peer {
  /** Sends a request. Fails with an object that has LSP's `code` and a `message`. */
  request<Result>(method: string, params?: object, token?: Cancellation): Promise<Result>;
  onProgress(token: string, listener: (progress: Progress) => void): { dispose(): void };
  /** Fires when the connection is closed and no answer can come. */
  onGone(listener: () => void): { dispose(): void };
}

/** A snippet of a context, or one that was left out. */
export interface Snippet {
  path: string;
  start: number;
  end: number;
  source: string;
  score: number;
  chars: number;
  reason?: string;
}

/** The answer of `getContext` with `explain`. */
export interface Context {
  context: string;
  snippets: Snippet[];
  dropped?: Snippet[];
}

/** The times of a completion, and what the model server read for it. */
export interface Timings {
  context_ms: number;
  /** Milliseconds from the prompt to the first text; null if the model was not asked. */
  first_token_ms: number | null;
  /** Tokens of the prompt that the model server read, and that it had read before; null if it does not say. */
  read_tokens?: number | null;
  reused_tokens?: number | null;
  total_ms: number;
  cached: boolean;
}

/** The answer of `complete` with `explain`. */
export interface Completion {
  items: { text: string }[];
  context_chars: number;
  timings: Timings;
  context: string;
  snippets: Snippet[];
  dropped?: Snippet[];
}

/** The answer of `job/status`. */
export interface JobStatus {
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  examples: number;
  result?: { output: string };
  error?: string;
}

/** The answer of `fimd/status`. */
export interface EngineStatus {
  version: string;
  pid: number;
  uptime_ms: number;
  projects: {
    root: string;
    index: { files: number; chunks: number; memory_bytes: number } | null;
    clients: number;
  }[];
  jobs: [string, JobStatus][];
  methods: Record<string, { requests: number; errors: number; p50_ms: number; p90_ms: number; p99_ms: number }>;
}

/** The answer of `fimd/settings` and the content of `fimd/settingsChanged`. */
export interface SettingsNews {
  settings: { endpoint: { model: string | null; family: string } };
  /** What a user should know about the settings file. */
  warning?: string;
}

/** The counts under `capabilities.experimental.fimd`. */
export interface Counts {
  file_count: number;
  bm25_chunks: number;
}

/**
 * The arguments of vscode-jsonrpc's `sendRequest`, which counts them, so a missing
 * parameter must not be passed. Its types have no signature for such a list.
 */
export function sent(params?: object, token?: Cancellation): [object] {
  return [params, token].filter((each) => each !== undefined) as [object];
}

/** The kinds of failed requests that need different reactions. */
export type Failure = "cancelled" | "model-server" | "unknown-method" | "other";

/** Classifies an error by its code. */
export function failure(error: unknown): Failure {
  switch ((error as { code?: unknown } | null)?.code) {
    case -32800: // RequestCancelled
    case -32801: // ContentModified
    case -32802: // ServerCancelled
      return "cancelled";
    case -32001:
      return "model-server";
    case -32601:
      return "unknown-method";
    default:
      return "other";
  }
}

/** The message of an error, or of any other thrown value. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
