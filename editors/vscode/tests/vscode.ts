/**
 * A model of the part of VS Code's API that the bundle needs to start in node. Any
 * other function does nothing, and any other event never fires. tests/host.mjs
 * checks the extension in a real VS Code.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

export class Disposable {
  constructor(private readonly run: () => unknown = () => undefined) {}
  static from(...all: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => all.forEach((each) => each.dispose()));
  }
  dispose(): unknown {
    return this.run();
  }
}

export class EventEmitter<T> {
  private readonly listeners = new Set<(event: T) => unknown>();
  readonly event = (listener: (event: T) => unknown, self?: unknown, all?: Disposable[]): Disposable => {
    const bound = listener.bind(self);
    this.listeners.add(bound);
    const registration = new Disposable(() => this.listeners.delete(bound));
    all?.push(registration);
    return registration;
  };
  fire(event: T): void {
    for (const listener of [...this.listeners]) listener(event);
  }
  dispose(): void {
    this.listeners.clear();
  }
}

export class CancellationTokenSource {
  private readonly emitter = new EventEmitter<void>();
  readonly token = { isCancellationRequested: false, onCancellationRequested: this.emitter.event };
  cancel(): void {
    this.token.isCancellationRequested = true;
    this.emitter.fire();
  }
  dispose(): void {}
}

export class Position {
  constructor(readonly line: number, readonly character: number) {}
}

export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(...at: [line: number, character: number, endLine: number, endCharacter: number] | [start: Position, end: Position]) {
    [this.start, this.end] = at.length === 2 ? at : [new Position(at[0], at[1]), new Position(at[2], at[3])];
  }
  get isEmpty(): boolean {
    return this.start.line === this.end.line && this.start.character === this.end.character;
  }
}

export class TextEdit {
  constructor(readonly range: Range, readonly newText: string) {}
}

export class WorkspaceEdit {
  readonly changes = new Map<string, TextEdit[]>();
  set(uri: Uri, edits: (TextEdit | [TextEdit, unknown])[]): void {
    this.changes.set(uri.toString(), edits.map((edit) => (Array.isArray(edit) ? edit[0] : edit)));
  }
}

export class Uri {
  private constructor(readonly scheme: string, readonly path: string, private readonly text: string) {}
  static parse(text: string): Uri {
    const url = new URL(text);
    return new Uri(url.protocol.slice(0, -1), decodeURIComponent(url.pathname), text);
  }
  static file(path: string): Uri {
    return Uri.parse(pathToFileURL(path).toString());
  }
  static from({ scheme, path }: { scheme: string; path: string }): Uri {
    return new Uri(scheme, path, `${scheme}:${path}`);
  }
  get fsPath(): string {
    return this.scheme === "file" ? fileURLToPath(this.text) : this.path;
  }
  toString(): string {
    return this.text;
  }
}

export class TextDocument {
  version = 1;
  readonly isClosed = false;
  /** The texts that undo comes back to, the latest last. */
  private readonly steps: string[] = [];
  /** Whether the next edit joins the step of the last one. */
  private isOpen = false;
  constructor(readonly uri: Uri, readonly languageId: string, public text: string) {}
  getText(range?: Range): string {
    return range ? this.text.slice(this.offsetAt(range.start), this.offsetAt(range.end)) : this.text;
  }
  lineAt({ line }: Position): { text: string } {
    return { text: this.text.split("\n")[line] ?? "" };
  }
  offsetAt({ line, character }: Position): number {
    return this.text.split("\n").slice(0, line).reduce((sum, { length }) => sum + length + 1, character);
  }
  /** Applies edits that do not overlap. Returns the changes as VS Code reports them. */
  change(edits: readonly TextEdit[], stops: { undoStopBefore?: boolean; undoStopAfter?: boolean } = {}): object[] {
    if ((stops.undoStopBefore ?? true) || !this.isOpen) this.steps.push(this.text);
    this.isOpen = !(stops.undoStopAfter ?? true);
    const placed = edits.map(({ range, newText }) => ({ range, newText, from: this.offsetAt(range.start), to: this.offsetAt(range.end) }));
    placed.sort((a, b) => b.from - a.from || b.to - a.to);
    for (const { from, to, newText } of placed) this.text = this.text.slice(0, from) + newText + this.text.slice(to);
    this.version++;
    return placed.map(({ range, newText, from, to }) => ({ range, rangeOffset: from, rangeLength: to - from, text: newText }));
  }
  /** Takes back the last step. */
  undo(): void {
    this.text = this.steps.pop() ?? this.text;
    this.version++;
  }
}

export class InlineCompletionItem {
  constructor(readonly insertText: string, readonly range: Range, readonly command?: { command: string; arguments: unknown[] }) {}
}

export class InlineCompletionList {
  constructor(readonly items: InlineCompletionItem[]) {}
}

/** What the extension has shown and registered. */
export class Seen {
  readonly commands = new Map<string, (...args: unknown[]) => unknown>();
  readonly executed: unknown[][] = [];
  readonly providers = new Map<string, { provider: Record<string, (...args: never[]) => unknown>; selector: unknown }>();
  readonly emitters = new Map<string, EventEmitter<unknown>>();
  readonly messages: { kind: string; message: string; actions: string[] }[] = [];
  /** What the user chooses, by the text that is shown. */
  readonly choices = new Map<string, unknown>();
  readonly progress: { title: string; reports: string[]; cancel(): void; ended: Promise<unknown> }[] = [];
  /** The labels of each list that the user chose from. */
  readonly lists: string[][] = [];
  readonly pages: { uri: Uri; text: string }[] = [];
  readonly panels: { title: string; html: string }[] = [];
  /** The user's settings; `workspace:` and `[LANGUAGE]:` stand before the names of narrower ones. */
  readonly settings = new Map<string, unknown>();
  readonly bar: { text?: string; tooltip?: string; command?: string } = {};
  /** All texts of the status bar, in order. */
  readonly texts: string[] = [];
  readonly log: string[] = [];
  documents: TextDocument[] = [];
  activeTextEditor: unknown;
  folder: string | undefined;
  /** The folders of the workspace besides the first. */
  others: string[] = [];
  private readonly waiting: { holds: () => unknown; resolve: (value: never) => void }[] = [];

  /** Edits a document that is open, as the user or the extension does. */
  change(document: TextDocument, edits: readonly TextEdit[], stops?: { undoStopBefore?: boolean; undoStopAfter?: boolean }): void {
    const contentChanges = document.change(edits, stops);
    this.emitters.get("workspace.onDidChangeTextDocument")?.fire({ document, contentChanges, reason: undefined });
    this.happened();
  }

  /** Changes a setting; `name` is that in `settings`. */
  set(name: string, value: unknown): void {
    if (value === undefined) this.settings.delete(name);
    else this.settings.set(name, value);
    const key = name.slice(name.indexOf(":") + 1);
    const affectsConfiguration = (other: string) => `${key}.`.startsWith(`${other}.`);
    this.emitters.get("workspace.onDidChangeConfiguration")?.fire({ affectsConfiguration });
    setImmediate(() => this.happened());
  }

  /** Opens an editor on `document`, with the cursor at `position`. */
  show(document: TextDocument, position: Position): void {
    type Builder = { replace(range: Range, text: string): void };
    const edit = async (run: (builder: Builder) => void, stops: object) => {
      const edits: TextEdit[] = [];
      run({ replace: (range, text) => void edits.push(new TextEdit(range, text)) });
      this.change(document, edits, stops);
      return true;
    };
    const selection = { active: position };
    this.activeTextEditor = { document, selection, selections: [selection], edit };
    this.emitters.get("window.onDidChangeActiveTextEditor")?.fire(this.activeTextEditor);
  }

  /** Waits until `holds` returns a value; checks after each event. */
  until<T>(holds: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      this.waiting.push({ holds, resolve });
      this.happened();
    });
  }

  /** Listeners for every event. */
  happened(): void {
    for (const each of [...this.waiting]) {
      const value = each.holds();
      if (value === undefined || value === false) continue;
      this.waiting.splice(this.waiting.indexOf(each), 1);
      each.resolve(value as never);
    }
  }
}

/** The module `vscode`, which records calls in `seen`. */
export function vscode(seen: Seen): object {
  const noted = <T>(value: T): T => {
    // Runs after the caller has continued.
    setImmediate(() => seen.happened());
    return value;
  };
  const space = (name: string, own: object): object =>
    new Proxy(own as Record<string, unknown>, {
      get(target, key) {
        if (typeof key !== "string" || key in target) return target[key as string];
        if (!/^on(Did|Will)/.test(key)) return (target[key] = () => new Disposable());
        const emitter = new EventEmitter<unknown>();
        seen.emitters.set(`${name}.${key}`, emitter);
        return (target[key] = emitter.event);
      },
    });
  const message = (kind: string) => async (text: string, ...actions: string[]) => {
    seen.messages.push({ kind, message: text, actions });
    noted(0);
    return seen.choices.get(text);
  };
  const parts = JSON.parse(readFileSync("package.json", "utf8")).contributes.configuration as { properties: object }[];
  const defaults = Object.assign({}, ...parts.map(({ properties }) => properties)) as Record<string, { default: unknown }>;
  const logger = (level: string) => (...what: unknown[]) => noted(void seen.log.push(`${level}: ${what.join(" ")}`));
  const register = (kind: string) => (selector: unknown, provider: never) => {
    seen.providers.set(kind, { provider, selector });
    return noted(new Disposable(() => seen.providers.delete(kind)));
  };

  const own = {
    __esModule: true,
    version: "1.91.0",
    Disposable, EventEmitter, CancellationTokenSource, Position, Range, TextEdit, WorkspaceEdit, Uri, InlineCompletionItem, InlineCompletionList,
    CancellationError: class extends Error {},
    ThemeColor: class { constructor(readonly id: string) {} },
    CompletionItemKind: { Method: 1, Function: 2, Variable: 5, Property: 9, EnumMember: 19, Constant: 20 },
    InlineCompletionTriggerKind: { Invoke: 0, Automatic: 1 },
    ProgressLocation: { SourceControl: 1, Window: 10, Notification: 15 },
    StatusBarAlignment: { Left: 1, Right: 2 },
    ConfigurationTarget: { Global: 1, Workspace: 2, WorkspaceFolder: 3 },
    ViewColumn: { Active: -1, Beside: -2, One: 1 },
    LogLevel: { Off: 0, Trace: 1, Debug: 2, Info: 3, Warning: 4, Error: 5 },
    extensions: space("extensions", { getExtension: (id: string) => ({ id }) }),
    env: space("env", { language: "en", appName: "a test", uriScheme: "vscode" }),
    languages: space("languages", {
      match: (selector: { language?: string; scheme?: string }[], document: TextDocument) =>
        [selector].flat().some(
          ({ language, scheme }) =>
            (language ?? document.languageId) === document.languageId && (scheme ?? document.uri.scheme) === document.uri.scheme,
        ) ? 10 : 0,
      createDiagnosticCollection: () => ({ set: () => undefined, delete: () => undefined, clear: () => undefined, dispose: () => undefined }),
      registerInlineCompletionItemProvider: register("inline"),
      registerCodeLensProvider: register("lens"),
      registerDocumentSemanticTokensProvider: register("tokens"),
    }),
    commands: space("commands", {
      registerCommand: (name: string, run: (...args: unknown[]) => unknown) => {
        if (seen.commands.has(name)) throw new Error(`command ${name} is there already`);
        seen.commands.set(name, run);
        return noted(new Disposable(() => seen.commands.delete(name)));
      },
      executeCommand: async (name: string, ...args: unknown[]) => {
        seen.executed.push([name, ...args]);
        noted(0);
        return seen.commands.get(name)?.(...args);
      },
    }),
    workspace: space("workspace", {
      get workspaceFolders() {
        const folders = seen.folder ? [seen.folder, ...seen.others] : [];
        return folders.length > 0 ? folders.map((path, index) => ({ uri: Uri.file(path), name: "project", index })) : undefined;
      },
      get textDocuments() {
        return seen.documents;
      },
      notebookDocuments: [],
      getWorkspaceFolder: () => undefined,
      getConfiguration: (section: string, scope?: { languageId?: string }) => {
        const language = `[${scope?.languageId}]:`;
        return {
          get: (key: string, other: unknown) => {
            const name = `${section}.${key}`;
            const set = [language, "workspace:", ""].find((prefix) => seen.settings.has(prefix + name));
            return set === undefined ? (defaults[name]?.default ?? other) : seen.settings.get(set + name);
          },
          inspect: (key: string) => ({
            defaultValue: defaults[`${section}.${key}`]?.default,
            globalValue: seen.settings.get(`${section}.${key}`),
            workspaceValue: seen.settings.get(`workspace:${section}.${key}`),
          }),
          update: async (key: string, value: unknown, target: number, inLanguage = false) => {
            const name = `${section}.${key}`;
            seen.set((inLanguage ? language : target === 2 ? "workspace:" : "") + name, value);
          },
        };
      },
      applyEdit: async ({ changes }: WorkspaceEdit) => {
        for (const [uri, edits] of changes) {
          const document = seen.documents.find((each) => each.uri.toString() === uri);
          if (document) seen.change(document, edits);
        }
        return true;
      },
      registerTextDocumentContentProvider: (_: string, provider: { provideTextDocumentContent(uri: Uri): string }) => {
        seen.providers.set("pages", { provider: provider as never, selector: undefined });
        return new Disposable();
      },
      openTextDocument: async (uri: Uri) => {
        const { provider } = seen.providers.get("pages") ?? {};
        seen.pages.push({ uri, text: String(provider?.["provideTextDocumentContent"]?.(uri as never)) });
        return noted(new TextDocument(uri, "markdown", ""));
      },
    }),
    window: space("window", {
      get activeTextEditor() {
        return seen.activeTextEditor;
      },
      get visibleTextEditors() {
        return seen.activeTextEditor ? [seen.activeTextEditor] : [];
      },
      createStatusBarItem: () =>
        new Proxy(Object.assign(seen.bar, { show: () => undefined, dispose: () => undefined }), {
          set(target, key, value) {
            if (key === "text" && seen.texts.at(-1) !== value) seen.texts.push(value);
            return noted(Reflect.set(target, key, value));
          },
        }),
      createOutputChannel: () =>
        space("output", {
          logLevel: 3, name: "fimd",
          trace: logger("trace"), debug: logger("debug"), info: logger("info"), warn: logger("warn"), error: logger("error"),
        }),
      showErrorMessage: message("error"),
      showWarningMessage: message("warning"),
      showInformationMessage: message("information"),
      showSaveDialog: async () => seen.choices.get("save"),
      showOpenDialog: async () => seen.choices.get("open"),
      showQuickPick: async (items: unknown, { canPickMany = false, title = "" } = {}) => {
        const all = (await items) as { picked?: boolean; label?: string }[];
        seen.lists.push(all.map(({ label = "" }) => label));
        if (canPickMany) return all.filter(({ picked }) => picked);
        const wanted = seen.choices.get(title) as string | undefined;
        return wanted === undefined ? all[0] : all.find(({ label }) => label?.includes(wanted));
      },
      createWebviewPanel: (_: string, title: string) => {
        const panel = { title, html: "" };
        seen.panels.push(panel);
        return { webview: { set html(html: string) { panel.html = html; noted(0); } } };
      },
      withProgress: (
        { title }: { title: string },
        run: (bar: { report(step: { message?: string }): void }, token: unknown) => Promise<unknown>,
      ) => {
        const source = new CancellationTokenSource();
        const reports: string[] = [];
        const report = ({ message }: { message?: string }) => noted(void reports.push(message ?? ""));
        const ended = run({ report }, source.token);
        seen.progress.push({ title, reports, cancel: () => source.cancel(), ended });
        return noted(ended);
      },
    }),
  };
  // Classes that others extend, as a prototype so that copies of the module have them.
  const others = new Proxy({} as Record<string, unknown>, {
    get: (target, key) =>
      typeof key !== "string" || !/^[A-Z]/.test(key) ? undefined : (target[key] ??= space(key, class {})),
  });
  return Object.setPrototypeOf(Object.defineProperties({}, Object.getOwnPropertyDescriptors(own)), others) as object;
}
