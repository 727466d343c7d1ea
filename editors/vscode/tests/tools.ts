/** Helpers for the tests. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import {
  createProtocolConnection,
  DidOpenTextDocumentNotification,
  InitializedNotification,
  InitializeRequest,
  StreamMessageReader,
  StreamMessageWriter,
  WorkDoneProgress,
  type InitializeResult,
  type ProtocolConnection,
} from "vscode-languageserver-protocol/node";
import { sent, type Peer } from "../src/core/wire";

/** The folder of the extension, in which the tests run. */
export const HERE = process.cwd();
export const FAKE = resolve(HERE, "out/fake-fimd.cjs");
/** The real program, where there is one. */
export const FIMD = process.env["FIMD_BIN"];
/** Why tests that need the real program are skipped without it. */
export const NO_FIMD = FIMD ? false : "FIMD_BIN does not name a fimd";

const cleanups = new WeakMap<TestContext, (() => unknown)[]>();

/** Registers a cleanup for the end of a test; the last one runs first. */
export function finally_(test: TestContext, what: () => unknown): void {
  const known = cleanups.get(test);
  if (known) {
    known.push(what);
    return;
  }
  const all = [what];
  cleanups.set(test, all);
  test.after(async () => {
    for (const each of all.reverse()) await each();
  });
}

/** A temporary folder for a test. */
export function folder(test: TestContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "fimd-vscode-")));
  finally_(test, () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A copy of the sample shop. */
export function shop(test: TestContext): string {
  const root = join(folder(test), "shop");
  cpSync(resolve(HERE, "../../tests/fixtures/shop"), root, { recursive: true });
  return root;
}

/** A model server, which does what `act` says. */
export interface ModelServer {
  url: string;
  /** The requests that it was sent. */
  asked: { prompt: string; model?: string; max_tokens: number }[];
  act: (response: ServerResponse) => void;
}

/** Answers with a text, in pieces of a stream. */
export const says =
  (...pieces: string[]) =>
  (response: ServerResponse): void => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const text of pieces) response.write(`data: ${JSON.stringify({ choices: [{ index: 0, text }] })}\n\n`);
    response.end("data: [DONE]\n\n");
  };

/** Answers with a whole body. */
export const sends =
  (status: number, type: string, body: string) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { "Content-Type": type });
    response.end(body);
  };

/** Starts a model server. */
export async function modelServer(test: TestContext, act: ModelServer["act"]): Promise<ModelServer> {
  const asked: ModelServer["asked"] = [];
  const server = createServer(async (request, response) => {
    // fimd asks what kind of server this is.
    if (request.method === "GET") {
      response.writeHead(404).end();
      return;
    }
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    asked.push(JSON.parse(Buffer.concat(pieces).toString()) as ModelServer["asked"][number]);
    model.act(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  finally_(test, () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const model: ModelServer = { url: `http://127.0.0.1:${port}`, asked, act };
  return model;
}

/** The arguments of fimd with a settings file of `text`, which can be changed. */
export function withSettings(test: TestContext, text: string): { file: string; arguments: string[] } {
  const file = join(folder(test), "settings.toml");
  writeFileSync(file, text);
  return { file, arguments: ["--no-cache", "--settings", file] };
}

/** A connection without VS Code. */
export interface Session {
  peer: Peer;
  connection: ProtocolConnection;
  initialized: InitializeResult;
  process: ChildProcess;
  open(path: string, text: string): Promise<string>;
}

/** Starts `program` and initializes it for the project at `root`. */
export async function session(test: TestContext, program: string, root: string, args: string[] = []): Promise<Session> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  finally_(test, () => child.kill() && ended);
  const reader = new StreamMessageReader(child.stdout);
  // Without this, it waits forever for the rest of a message from a killed server.
  reader.partialMessageTimeout = 0;
  const connection = createProtocolConnection(reader, new StreamMessageWriter(child.stdin));
  connection.listen();
  const initialized = await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
    initializationOptions: { project_root: root },
  });
  await connection.sendNotification(InitializedNotification.type, {});
  const peer: Peer = {
    request: (method, params, token) => connection.sendRequest(method, ...sent(params, token)),
    onProgress: (token, listener) => connection.onProgress(WorkDoneProgress.type, token, listener),
    onGone: (listener) => connection.onClose(listener),
  };
  const open = async (path: string, text: string) => {
    const uri = pathToFileURL(join(root, path)).toString();
    const textDocument = { uri, languageId: "php", version: 1, text };
    await connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument });
    return uri;
  };
  return { peer, connection, initialized, process: child, open };
}
