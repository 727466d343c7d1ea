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
  constructor(line: number, character: number, endLine: number, endCharacter: number) {
    this.start = new Position(line, character);
    this.end = new Position(endLine, endCharacter);
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
  constructor(readonly uri: Uri, readonly languageId: string, public text: string) {}
  getText(): string {
    return this.text;
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
  readonly pages: { uri: Uri; text: string }[] = [];
  readonly panels: { title: string; html: string }[] = [];
  readonly settings = new Map<string, unknown>();
  readonly bar: { text?: string; tooltip?: string } = {};
  /** All texts of the status bar, in order. */
  readonly texts: string[] = [];
  readonly log: string[] = [];
  documents: TextDocument[] = [];
  activeTextEditor: unknown;
  folder: string | undefined;
  private readonly waiting: { holds: () => unknown; resolve: (value: never) => void }[] = [];

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
  const defaults = JSON.parse(readFileSync("package.json", "utf8")).contributes.configuration.properties as Record<
    string,
    { default: unknown }
  >;
  const logger = (level: string) => (...what: unknown[]) => noted(void seen.log.push(`${level}: ${what.join(" ")}`));
  const register = (kind: string) => (selector: unknown, provider: never) => {
    seen.providers.set(kind, { provider, selector });
    return noted(new Disposable(() => seen.providers.delete(kind)));
  };

  const own = {
    __esModule: true,
    version: "1.91.0",
    Disposable, EventEmitter, CancellationTokenSource, Position, Range, Uri, InlineCompletionItem, InlineCompletionList,
    CancellationError: class extends Error {},
    ThemeColor: class { constructor(readonly id: string) {} },
    InlineCompletionTriggerKind: { Invoke: 0, Automatic: 1 },
    ProgressLocation: { SourceControl: 1, Window: 10, Notification: 15 },
    StatusBarAlignment: { Left: 1, Right: 2 },
    ConfigurationTarget: { Global: 1, Workspace: 2, WorkspaceFolder: 3 },
    ViewColumn: { Active: -1, Beside: -2, One: 1 },
    LogLevel: { Off: 0, Trace: 1, Debug: 2, Info: 3, Warning: 4, Error: 5 },
    env: space("env", { language: "en", appName: "a test", uriScheme: "vscode" }),
    languages: space("languages", {
      match: (selector: { language?: string; scheme?: string }[], document: TextDocument) =>
        [selector].flat().some(
          ({ language, scheme }) =>
            (language ?? document.languageId) === document.languageId && (scheme ?? document.uri.scheme) === document.uri.scheme,
        ) ? 10 : 0,
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
        return seen.folder ? [{ uri: Uri.file(seen.folder), name: "project", index: 0 }] : undefined;
      },
      get textDocuments() {
        return seen.documents;
      },
      notebookDocuments: [],
      getWorkspaceFolder: () => undefined,
      getConfiguration: (section: string) => ({
        get: (key: string, other: unknown) => {
          const name = `${section}.${key}`;
          return seen.settings.has(name) ? seen.settings.get(name) : (defaults[name]?.default ?? other);
        },
        update: async (key: string, value: unknown) => noted(void seen.settings.set(`${section}.${key}`, value)),
      }),
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
      visibleTextEditors: [],
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
      showQuickPick: async (items: unknown, { canPickMany = false } = {}) => {
        const all = (await items) as { picked?: boolean }[];
        return canPickMany ? all.filter(({ picked }) => picked) : all[0];
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
