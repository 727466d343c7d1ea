/**
 * What is said on the wire, as far as this extension reads it, and the little
 * of a connection that it needs. Nothing here knows VS Code, so that all of it
 * can be tried on a program without one.
 */

/** An asker who may lose interest: VS Code's and vscode-jsonrpc's both fit. */
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
  /** Fails with an object that has LSP's `code` and a `message`. */
  request<Result>(method: string, params?: object, token?: Cancellation): Promise<Result>;
  onProgress(token: string, listener: (progress: Progress) => void): { dispose(): void };
  /** Tells when no answer can come any more. */
  onGone(listener: () => void): { dispose(): void };
}

/** A text that has stood in a context, or could have. */
export interface Snippet {
  path: string;
  start: number;
  end: number;
  source: string;
  score: number;
  chars: number;
  reason?: string;
}

/** What `getContext` answers when asked to explain. */
export interface Context {
  context: string;
  snippets: Snippet[];
  dropped?: Snippet[];
}

/** What `complete` answers when asked to explain. */
export interface Completion {
  items: { text: string }[];
  context_chars: number;
  timings: { context_ms: number; first_token_ms: number | null; total_ms: number; cached: boolean };
  context: string;
  snippets: Snippet[];
  dropped?: Snippet[];
}

/** What `job/status` answers. */
export interface JobStatus {
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  examples: number;
  result?: { output: string };
  error?: string;
}

/** What `fimd/status` answers. */
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

/** The counts under `capabilities.experimental.fimd`. */
export interface Counts {
  file_count: number;
  bm25_chunks: number;
}

/**
 * The arguments with which vscode-jsonrpc sends a request: it counts them, so
 * what is not given must not be there. Their number is none of the types'.
 */
export function sent(params?: object, token?: Cancellation): [object] {
  return [params, token].filter((each) => each !== undefined) as [object];
}

/** What went wrong with a request, as far as anyone has to act on it. */
export type Failure = "cancelled" | "model-server" | "unknown-method" | "other";

/** Sorts an error by its code. */
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

/** The words of an error, whatever was thrown. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
