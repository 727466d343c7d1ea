/** Finds, starts, watches and restarts the server, and tracks its status. */

import { homedir } from "node:os";
import * as vscode from "vscode";
import {
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  State,
  WorkDoneProgress,
  type LanguageClientOptions,
  type Middleware,
} from "vscode-languageclient/node";
import { checkVersion, locate, serveArguments, Unusable, whyNot } from "./core/binary";
import type { State as Shown } from "./core/status";
import { sent, words, type Counts, type EngineStatus, type Peer, type SettingsNews, type Timings } from "./core/wire";
import { Edits } from "./edits";
import { provider } from "./inline";
import { Offers } from "./offers";
import { Runs } from "./progress";
import { Rest, type Place } from "./rest";
import { includes, overrides, roots, settings, surroundings } from "./settings";

/** How often a server that ends is restarted within three minutes. */
const MAX_RESTARTS = 4;

/** A client that sends its errors to the output only; the extension shows messages. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export class Server implements vscode.Disposable {
  private readonly edits = new Edits(
    () => this.client,
    () => this.runs.isRunning,
  );
  private readonly offers = new Offers((id) => void this.client?.sendNotification("completion/declined", { id }));
  /** Where the cursor rests. */
  readonly rest = new Rest((document, place) => this.rested(document, place));
  readonly runs = new Runs(
    () => this.client,
    () => this.edits.begin(),
  );
  private client: LanguageClient | undefined;
  /** The last start or stop; they run one after another. */
  private last: Promise<void> = Promise.resolve();
  private readonly shown: Shown = { server: { kind: "stopped", why: "Not started yet" }, automatic: true };
  /** Ends the snooze. */
  private timer: NodeJS.Timeout | undefined;
  private readonly changes = new vscode.EventEmitter<Shown>();
  /** Fires when the state changes. */
  readonly onDidChange = this.changes.event;

  constructor(
    private readonly output: vscode.LogOutputChannel,
    /** The version of the extension. */
    private readonly own: string,
  ) {}

  get state(): Readonly<Shown> {
    return this.shown;
  }

  /** Stops the server, if one runs, and starts one as the settings say. */
  restart(): Promise<void> {
    return this.next(async () => {
      await this.stop();
      await this.start();
    });
  }

  dispose(): Promise<void> {
    clearTimeout(this.timer);
    this.rest.dispose();
    return this.next(() => this.stop());
  }

  /** Reads whether completions come in the current document as the user types. */
  refresh(): void {
    this.update({ automatic: settings(vscode.window.activeTextEditor?.document).enable });
  }

  /** Tells the server the settings that overrule its settings file. */
  async tellOverrides(): Promise<void> {
    const params = { settings: { fimd: overrides() } };
    await this.client?.sendNotification(DidChangeConfigurationNotification.type, params);
  }

  /** Completes only when asked for so many minutes; 0 ends that. */
  snooze(minutes: number): void {
    clearTimeout(this.timer);
    delete this.shown.snoozedUntil;
    if (minutes > 0) this.timer = setTimeout(() => this.snooze(0), minutes * 60_000);
    this.update(minutes > 0 ? { snoozedUntil: Date.now() + minutes * 60_000 } : {});
  }

  /** Returns the connection, or shows why there is none. */
  peer(): Peer {
    const client = this.client;
    if (!client || this.shown.server.kind !== "running") {
      const { server } = this.shown;
      throw new Error("why" in server ? server.why : "fimd is still reading the project; try again in a moment.");
    }
    return {
      request: (method, params, token) => client.sendRequest(method, ...sent(params, token)),
      onProgress: (token, listener) => client.onProgress(WorkDoneProgress.type, token, listener),
      onGone: (listener) => client.onDidChangeState(({ newState }) => newState === State.Stopped && listener()),
    };
  }

  /** Runs a command of the server at the cursor. */
  async command(name: string, editor: vscode.TextEditor): Promise<void> {
    const uri = editor.document.uri.toString();
    const { line, character } = editor.selection.active;
    const place = { uri, position: { line, character } };
    await this.peer().request(ExecuteCommandRequest.method, { command: name, arguments: [place] });
  }

  /** Hides the grey text, which the user does not want. */
  async dismiss(): Promise<void> {
    this.offers.dismissed();
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  }

  /** Asks for the status, which also has the current number of files. */
  async status(): Promise<EngineStatus> {
    const status = await this.peer().request<EngineStatus>("fimd/status");
    const { server } = this.shown;
    if (server.kind === "running") {
      const open = status.projects.filter(({ root }) => server.roots.includes(root)).flatMap(({ index }) => index ?? []);
      const total = (of: "files" | "chunks") => open.reduce((sum, index) => sum + index[of], 0);
      if (open.length > 0) this.update({ server: { ...server, files: total("files"), chunks: total("chunks") } });
    }
    return status;
  }

  /** The folders of the workspace have changed, of which the client tells the server. */
  foldersChanged(): void {
    const { server } = this.shown;
    if (server.kind === "running") this.update({ server: { ...server, roots: roots() } });
  }

  private next(work: () => Promise<void>): Promise<void> {
    this.last = this.last.then(work);
    return this.last;
  }

  private update(news: Partial<Shown>): void {
    Object.assign(this.shown, news);
    this.changes.fire(this.shown);
  }

  private async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.runs.clear();
    if (!client) return;
    try {
      await client.dispose();
    } catch (error) {
      this.output.warn(`stopping fimd: ${words(error)}`);
    }
    for (const key of ["model", "latency", "timings", "outage", "warning"] as const) delete this.shown[key];
    this.update({ server: { kind: "stopped", why: "Stopped" } });
  }

  private async start(): Promise<void> {
    const folders = roots();
    this.update({ server: { kind: "starting" } });
    const cwd = folders[0] ?? homedir();
    try {
      const { path, socket, arguments: more } = settings();
      const binary = await locate(path, this.own, surroundings());
      const args = serveArguments(socket, more, surroundings());
      this.output.info(`${binary.path} ${args.join(" ")} (fimd ${binary.version}) for ${folders.join(", ") || "no folder"}`);
      const run = { command: binary.path, args, options: { cwd } };
      const client = new QuietClient("fimd", "fimd", run, this.options(cwd));
      this.client = client;
      client.onDidChangeState(({ newState }) => this.changed(client, newState));
      client.onNotification("fimd/settingsChanged", (news: SettingsNews) => this.learn(client, news));
      try {
        await client.start();
      } catch (error) {
        // The text on stderr goes to the output only.
        const why = await whyNot(binary.path, args, cwd);
        throw why ? new Error(why) : error;
      }
      // With a daemon, the program that answers may not be the program that was found.
      checkVersion(this.version(client), this.own, "What answers");
    } catch (error) {
      await this.stop();
      this.update({ server: { kind: "failed", why: words(error) } });
      void this.complain(error);
    }
  }

  private version(client: LanguageClient): string {
    return client.initializeResult?.serverInfo?.version ?? "of no version";
  }

  private changed(client: LanguageClient, state: State): void {
    if (client !== this.client) return;
    if (state === State.Running) {
      const counts = client.initializeResult?.capabilities.experimental?.fimd as Counts | undefined;
      const version = this.version(client);
      const [files, chunks] = [counts?.file_count ?? 0, counts?.bm25_chunks ?? 0];
      this.update({ server: { kind: "running", version, roots: roots(), files, chunks } });
      this.rest.begin();
      client.sendRequest<SettingsNews>("fimd/settings").then(
        (news) => this.learn(client, news),
        (error: unknown) => this.output.warn(`fimd/settings: ${words(error)}`),
      );
      return;
    }
    this.runs.clear();
    const server: Shown["server"] =
      state === State.Stopped ? { kind: "failed", why: "fimd has ended; see its output." } : { kind: "starting" };
    this.update({ server });
  }

  /** The model server may read ahead what it needs at this place. */
  private rested(document: vscode.TextDocument, place: Place): void {
    const { enable, languages } = settings(document);
    const isWanted = enable && languages.includes(document.languageId) && this.shown.snoozedUntil === undefined;
    if (isWanted && this.shown.server.kind === "running") void this.client?.sendNotification("completion/readAhead", place);
  }

  /** Notes what the server says about its settings. */
  private learn(client: LanguageClient, { settings: { endpoint }, warning }: SettingsNews): void {
    if (client !== this.client) return;
    delete this.shown.warning;
    this.update({ model: endpoint.model ?? endpoint.family, ...(warning !== undefined && { warning }) });
  }

  /** The model server has answered after this many milliseconds. */
  private answered(latency: number, timings: Timings): void {
    const isRecovery = this.shown.outage !== undefined;
    delete this.shown.outage;
    this.update({ latency, timings });
    if (isRecovery) void vscode.window.showInformationMessage("fimd: the model server answers again.");
  }

  /** The model server has not answered. Tells the user once, or if a completion was asked for. */
  private async unreachable(why: string, wasAsked: boolean): Promise<void> {
    this.output.warn(why);
    const isKnown = this.shown.outage !== undefined;
    this.update({ outage: why });
    if (isKnown && !wasAsked) return;
    const [open, log] = ["Open Settings", "Show Output"] as const;
    switch (await vscode.window.showWarningMessage(`fimd: ${why}`, open, log)) {
      case open:
        await vscode.commands.executeCommand("workbench.action.openSettings", "fimd.endpoint");
        return;
      case log:
        this.output.show();
    }
  }

  private options(cwd: string): LanguageClientOptions {
    const { languages, tagLanguages, includePaths, bm25 } = settings();
    const documents = [...new Set([...languages, ...tagLanguages])].flatMap((language) => [
      { scheme: "file", language },
      { scheme: "untitled", language },
    ]);
    const ended: number[] = [];
    return {
      documentSelector: documents,
      // The client sends the folders of the workspace, and tells when they change.
      initializationOptions: { include_paths: includes(cwd, includePaths), bm25, settings: overrides() },
      outputChannel: this.output,
      // The one message about it is ours.
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          // A server that was never ready would end the same way again; `start` reports it.
          if (this.shown.server.kind === "starting" && ended.length === 0) {
            return { action: CloseAction.DoNotRestart, handled: true };
          }
          const now = performance.now();
          ended.push(now);
          const lately = ended.filter((time) => now - time < 180_000).length;
          if (lately <= MAX_RESTARTS) return { action: CloseAction.Restart, handled: true };
          void this.complain(new Error(`fimd has ended ${lately} times in three minutes and is not started again.`));
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
      middleware: this.middleware(),
    };
  }

  private middleware(): Middleware {
    return {
      provideInlineCompletionItems: provider(() => this.client, this.offers, {
        isSnoozed: () => this.shown.snoozedUntil !== undefined,
        answered: (latency, timings) => this.answered(latency, timings),
        unreachable: (why, wasAsked) => void this.unreachable(why, wasAsked),
        failed: (why) => this.output.error(`completion: ${why}`),
      }),
      handleWorkDoneProgress: this.runs.handle,
      workspace: { handleApplyEdit: this.edits.handle },
      // The commands that code lenses and accepted completions run.
      executeCommand: async (command, args) => {
        try {
          return await this.peer().request(ExecuteCommandRequest.method, { command, arguments: args });
        } catch (error) {
          this.output.error(`${command}: ${words(error)}`);
          if (command.startsWith("fimd.tags.")) void vscode.window.showErrorMessage(`fimd: ${words(error)}`);
          return undefined;
        }
      },
    };
  }

  private async complain(error: unknown): Promise<void> {
    this.output.error(words(error));
    const [choose, open, log, again] = ["Choose fimd…", "Open Settings", "Show Output", "Restart"] as const;
    const actions = error instanceof Unusable ? [choose, open] : [log, again];
    switch (await vscode.window.showErrorMessage(`fimd: ${words(error)}`, ...actions)) {
      case choose: {
        const chosen = await vscode.window.showOpenDialog({ title: "The program fimd", openLabel: "Use" });
        const path = chosen?.[0]?.fsPath;
        // A change of the setting restarts the server.
        if (path) await vscode.workspace.getConfiguration("fimd").update("path", path, vscode.ConfigurationTarget.Global);
        return;
      }
      case open:
        await vscode.commands.executeCommand("workbench.action.openSettings", "fimd.path");
        return;
      case log:
        this.output.show();
        return;
      case again:
        await this.restart();
    }
  }
}
