/** Inline completions: passes requests of VS Code on to fimd. */

import * as vscode from "vscode";
import { InlineCompletionRequest, type LanguageClient, type Middleware } from "vscode-languageclient/node";
import { failure, words } from "./core/wire";
import { settings } from "./settings";

/** What decides about completions, and listeners for their outcome. */
export interface Observer {
  /** Whether completions come only when asked for, for some time. */
  isSnoozed(): boolean;
  /** A completion was answered after this many milliseconds. */
  answered(latency: number): void;
  /** The model server did not answer; the reason. */
  unreachable(why: string, wasAsked: boolean): void;
  failed(why: string): void;
}

type Provide = NonNullable<Middleware["provideInlineCompletionItems"]>;

/** Middleware between VS Code's request and the language client. */
export function provider(client: () => LanguageClient | undefined, observer: Observer): Provide {
  return async (document, position, context, token) => {
    const { enable, languages } = settings(document);
    const wasAsked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    const running = client();
    if (!running || !languages.includes(document.languageId) || !(wasAsked || (enable && !observer.isSnoozed()))) return null;
    if (isOutOfPlace(document, position, context)) {
      // VS Code asks again as soon as the list is gone.
      void vscode.commands.executeCommand("hideSuggestWidget");
      return null;
    }
    const began = performance.now();
    try {
      // The library's `next` shows a message box for every error. If the model server
      // is down, these boxes would fill the window while the user types.
      const params = running.code2ProtocolConverter.asInlineCompletionParams(document, position, context);
      const answer = await running.sendRequest(InlineCompletionRequest.type, params, token);
      if (token.isCancellationRequested) return null;
      const items = await running.protocol2CodeConverter.asInlineCompletionResult(answer, token);
      observer.answered(performance.now() - began);
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
 * Whether the list of suggestions offers a variable as the member of an object. VS
 * Code's own PHP extension opens such a list after each `->`, with PHP's global
 * variables, functions and keywords. VS Code would show grey text only behind the
 * selected one of them.
 */
function isOutOfPlace(document: vscode.TextDocument, position: vscode.Position, context: vscode.InlineCompletionContext): boolean {
  const selected = context.selectedCompletionInfo;
  if (document.languageId !== "php" || !selected?.text.startsWith("$") || !selected.range.isEmpty) return false;
  return document.lineAt(position).text.slice(0, position.character).endsWith("->");
}
