#!/usr/bin/env node
/**
 * A fimd that tests control, for what the real one does not do on demand, such as
 * a model that never answers. The line before the cursor says what it does.
 * `fake/log` answers all messages that it received.
 */

import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CodeLensRequest,
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExecuteCommandRequest,
  ExitNotification,
  InitializeRequest,
  InlineCompletionRequest,
  ProgressType,
  ResponseError,
  SemanticTokensRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  WorkDoneProgressCancelNotification,
  WorkDoneProgressCreateRequest,
  type CancellationToken,
  type Position,
} from "vscode-languageserver-protocol/node";
import type { Completion, Progress } from "../src/core/wire";

const arguments_ = process.argv.slice(2);
const version = process.env["FAKE_VERSION"] ?? "0.1.0";
const answer = process.env["FAKE_TEXT"] ?? "findByEmail($email);";
if (arguments_[0] === "--version") {
  process.stdout.write(`${process.env["FAKE_NAME"] ?? "fimd"} ${version}\n`);
} else if (arguments_[0] === "models") {
  process.stdout.write(JSON.stringify([{ name: "qwen2.5-coder" }, { name: "starcoder2" }]));
} else if (arguments_[0] === "tags") {
  process.stdout.write("2026-01-01T00:00:00Z fim\n[[[5]]]\nfive words\n");
} else {
  serve();
}

interface Place {
  textDocument: { uri: string };
  position: Position;
}

interface Job {
  state: string;
  examples: number;
  result?: { output: string };
}

function serve(): void {
  const connection = createProtocolConnection(
    new StreamMessageReader(process.stdin),
    new StreamMessageWriter(process.stdout),
  );
  const log: { method: string; params: unknown }[] = [{ method: "arguments", params: arguments_ }];
  const texts = new Map<string, string>();
  const runs = new Map<string | number, () => void>();
  const jobs = new Map<string, Job>();
  const progress = new ProgressType<Progress & { cancellable?: boolean }>();
  let root = "";

  const before = ({ textDocument, position }: Place): string =>
    (texts.get(textDocument.uri) ?? "").split("\n")[position.line]?.slice(0, position.character) ?? "";

  /** Does what the line before the cursor says. */
  async function model(place: Place, token: CancellationToken): Promise<string | undefined> {
    const line = before(place);
    if (line.includes("unreachable")) {
      throw new ResponseError(-32001, "no model server at http://127.0.0.1:8080; start one or set [endpoint] url");
    }
    if (line.includes("broken")) throw new ResponseError(-32603, "something inside");
    if (line.includes("endless")) {
      await new Promise<void>((resolve) => token.onCancellationRequested(() => resolve()));
      log.push({ method: "cancelled", params: line });
      throw new ResponseError(-32800, "cancelled");
    }
    return line.endsWith("->") ? answer : undefined;
  }

  connection.onRequest(InitializeRequest.type, (params) => {
    log.push({ method: "initialize", params });
    root = fileURLToPath(params.workspaceFolders?.[0]?.uri ?? "file:///");
    return {
      capabilities: {
        textDocumentSync: { openClose: true, change: 1 },
        inlineCompletionProvider: {},
        codeLensProvider: {},
        semanticTokensProvider: { legend: { tokenTypes: ["macro"], tokenModifiers: [] }, full: true },
        executeCommandProvider: {
          commands: ["fimd.completion.accepted", "fimd.tags.generate", "fimd.tags.validate"],
        },
        experimental: { fimd: { version, file_count: 1234, bm25_chunks: 5678 } },
      },
      serverInfo: { name: "fimd", version },
    };
  });
  connection.onNotification(DidOpenTextDocumentNotification.type, ({ textDocument }) => {
    texts.set(textDocument.uri, textDocument.text);
  });
  connection.onNotification(DidChangeTextDocumentNotification.type, ({ textDocument, contentChanges }) => {
    const last = contentChanges.at(-1);
    if (last) texts.set(textDocument.uri, last.text);
  });
  connection.onRequest(InlineCompletionRequest.type, async (params, token) => {
    log.push({ method: "textDocument/inlineCompletion", params });
    const text = await model(params, token);
    const timings = { context_ms: 3, first_token_ms: text === undefined ? null : 40, total_ms: 85, cached: false };
    if (text === undefined) return { items: [], timings };
    const range = { start: params.position, end: params.position };
    const command = { title: "", command: "fimd.completion.accepted", arguments: [{ shown: text }] };
    return { items: [{ insertText: text, range, command }], timings };
  });
  const context = "// src/Users.php\nclass Users {\n    public function findByEmail(string $email): ?User;\n}\n";
  const snippet = { path: "src/Users.php", start: 10, end: 60, source: "dependency", score: 0.875, chars: 50 };
  const snippets = [snippet];
  const dropped = [{ ...snippet, path: "src/Old.php", reason: "no room" }];
  connection.onRequest("complete", async (params: Place, token): Promise<Completion> => {
    const text = await model(params, token);
    if (before(params).includes("cached")) {
      const timings = { context_ms: 0, first_token_ms: null, total_ms: 0.1, cached: true };
      return { items: [{ text: answer }], context_chars: 0, timings, context: "", snippets: [] };
    }
    const timings = { context_ms: 3, first_token_ms: 40, total_ms: 85, cached: false };
    return { items: text ? [{ text }] : [], context_chars: context.length, timings, context, snippets, dropped };
  });
  // The name of the model tells the test of the place.
  connection.onNotification("completion/readAhead", (place: Place) => {
    const model = `read behind ${before(place)}`;
    void connection.sendNotification("fimd/settingsChanged", { settings: { endpoint: { model, family: "" } } });
  });
  connection.onRequest("getContext", () => ({ context, snippets, dropped }));
  connection.onRequest("fimd/settings", () => ({ settings: { endpoint: { model: null, family: "qwen2.5-coder" } } }));
  connection.onRequest("fimd/status", () => ({
    version,
    pid: process.pid,
    uptime_ms: 1000,
    projects: [{ root, index: { files: 1235, chunks: 5680, memory_bytes: 2 ** 20 }, clients: 1 }],
    jobs: [],
    methods: {},
  }));
  connection.onRequest(CodeLensRequest.type, ({ textDocument }) => {
    const position = { line: 0, character: 0 };
    const where = { uri: textDocument.uri, position };
    const command = { title: "Generate here", command: "fimd.tags.generate", arguments: [where] };
    return (texts.get(textDocument.uri) ?? "").startsWith("[[[5]]]")
      ? [{ range: { start: position, end: position }, command }]
      : [];
  });
  connection.onRequest(SemanticTokensRequest.type, ({ textDocument }) => {
    const isTag = (texts.get(textDocument.uri) ?? "").startsWith("[[[5]]]");
    return { data: isTag ? [0, 0, 3, 0, 0, 0, 4, 3, 0, 0] : [] };
  });
  connection.onRequest(ExecuteCommandRequest.type, async (params) => {
    log.push({ method: "workspace/executeCommand", params });
    if (params.command === "fimd.tags.validate") throw new ResponseError(-32602, "uri: is not open");
    if (params.command !== "fimd.tags.generate") return null;
    const token = `fimd/tags/${runs.size + 1}`;
    const ended = new Promise<void>((resolve) => runs.set(token, resolve));
    void (async () => {
      await connection.sendRequest(WorkDoneProgressCreateRequest.type, { token });
      await connection.sendProgress(progress, token, { kind: "begin", title: "Generating", cancellable: true });
      await connection.sendProgress(progress, token, { kind: "report", message: "7 characters" });
      await ended;
      await connection.sendProgress(progress, token, { kind: "end", message: "cancelled" });
    })();
    return { run_id: token };
  });
  connection.onNotification(WorkDoneProgressCancelNotification.type, ({ token }) => runs.get(token)?.());
  connection.onRequest("generateDataset", async (params: { output: string; endless?: boolean }) => {
    log.push({ method: "generateDataset", params });
    const id = `job-${jobs.size + 1}`;
    const job: Job = { state: "running", examples: 0 };
    jobs.set(id, job);
    const tell = (value: Progress) => connection.sendProgress(progress, id, value);
    setImmediate(async () => {
      await tell({ kind: "begin", title: "Generating a dataset", message: "reading the project", percentage: 0 });
      await tell({ kind: "report", message: "1 of 2 files", percentage: 50 });
      // A job that a test cancels never ends by itself.
      if (params.endless) return;
      mkdirSync(params.output, { recursive: true });
      writeFileSync(join(params.output, "report.html"), "<!DOCTYPE html><title>Report</title><h1>Seven examples</h1>");
      Object.assign(job, { state: "done", examples: 7, result: { output: params.output } });
      await tell({ kind: "end", message: "done: 7 examples" });
    });
    return { job_id: id };
  });
  connection.onRequest("job/status", ({ job_id }: { job_id: string }) => jobs.get(job_id) ?? null);
  connection.onRequest("job/cancel", async ({ job_id }: { job_id: string }) => {
    Object.assign(jobs.get(job_id) ?? {}, { state: "cancelled" });
    await connection.sendProgress(progress, job_id, { kind: "end", message: "cancelled" });
    return jobs.get(job_id) ?? null;
  });
  connection.onRequest("fake/log", () => log);
  connection.onNotification("fake/die", () => process.exit(3));
  connection.onRequest(ShutdownRequest.type, () => undefined);
  connection.onNotification(ExitNotification.type, () => process.exit(0));
  void once(process.stdin, "end").then(() => process.exit(0));
  connection.listen();
}
