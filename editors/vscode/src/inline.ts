/** Inline completions: passes requests of VS Code on to fimd. */

import * as vscode from "vscode";
import { InlineCompletionRequest, type LanguageClient, type Middleware } from "vscode-languageclient/node";
import { failure, type Timings, words } from "./core/wire";
import type { Offers } from "./offers";
import { settings } from "./settings";

/** What decides about completions, and listeners for their outcome. */
export interface Observer {
  /** Whether completions come only when asked for, for some time. */
  isSnoozed(): boolean;
  /** The model server has answered after this many milliseconds. */
  answered(latency: number, timings: Timings): void;
  /** The model server did not answer; the reason. */
  unreachable(why: string, wasAsked: boolean): void;
  failed(why: string): void;
}

type Provide = NonNullable<Middleware["provideInlineCompletionItems"]>;

/** Middleware between VS Code's request and the language client. */
export function provider(client: () => LanguageClient | undefined, offers: Offers, observer: Observer): Provide {
  const globals = new ListOfGlobals();
  return async (document, position, context, token) => {
    const { enable, languages } = settings(document);
    const wasAsked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    const running = client();
    if (!running || !languages.includes(document.languageId) || !(wasAsked || (enable && !observer.isSnoozed()))) return null;
    if (isOutOfPlace(document, position, context)) {
      await globals.close(document, position);
      return null;
    }
    offers.asked(document, position);
    const began = performance.now();
    try {
      // The library's `next` shows a message box for every error. If the model server
      // is down, these boxes would fill the window while the user types.
      const params = running.code2ProtocolConverter.asInlineCompletionParams(document, position, context);
      const answer = await running.sendRequest(InlineCompletionRequest.type, params, token);
      if (token.isCancellationRequested) return null;
      const items = await running.protocol2CodeConverter.asInlineCompletionResult(answer, token);
      // Other answers come without the model server.
      const { timings } = (answer ?? {}) as { timings?: Timings };
      if (timings && timings.first_token_ms !== null) observer.answered(performance.now() - began, timings);
      offers.answered(document, Array.isArray(items) ? items : (items?.items ?? []));
      return items ?? null;
    } catch (error) {
      if (token.isCancellationRequested) return null;
      const kind = failure(error);
      if (kind === "model-server") observer.unreachable(words(error), wasAsked);
      else if (kind !== "cancelled") observer.failed(words(error));
      return null;
    }
  };
}

/**
 * Whether the list of suggestions offers a variable as the member of an object. VS Code
 * would show grey text only behind that variable.
 */
function isOutOfPlace(document: vscode.TextDocument, position: vscode.Position, context: vscode.InlineCompletionContext): boolean {
  const selected = context.selectedCompletionInfo;
  if (document.languageId !== "php" || !selected?.text.startsWith("$") || !selected.range.isEmpty) return false;
  return document.lineAt(position).text.slice(0, position.character).endsWith("->");
}

/**
 * The list of suggestions that VS Code's own PHP extension opens after each `->`: PHP's
 * global variables, functions and keywords.
 */
class ListOfGlobals {
  /** The document and its version at the last closing. */
  private closed: { document: vscode.TextDocument; version: number } | undefined;

  /**
   * Closes the list, unless a language server has put members into it or the user has
   * opened it again. VS Code then asks again for grey text.
   */
  async close(document: vscode.TextDocument, position: vscode.Position): Promise<void> {
    const { version } = document;
    if (this.closed?.document === document && this.closed.version === version) return;
    this.closed = { document, version };
    const list = await vscode.commands.executeCommand<vscode.CompletionList | undefined>(
      "vscode.executeCompletionItemProvider", document.uri, position, ">",
    );
    const { Method, Property, Constant, EnumMember } = vscode.CompletionItemKind;
    const hasMembers = list?.items.some(({ kind }) => kind !== undefined && [Method, Property, Constant, EnumMember].includes(kind));
    if (!hasMembers && document.version === version) await vscode.commands.executeCommand("hideSuggestWidget");
  }
}
