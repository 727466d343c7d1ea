/** Grey text: VS Code asks, fimd answers. */

import * as vscode from "vscode";
import { InlineCompletionRequest, type LanguageClient, type Middleware } from "vscode-languageclient/node";
import { failure, words } from "./core/wire";
import { settings } from "./settings";

/** What is learnt from each completion. */
export interface Observer {
  /** One was answered after so many milliseconds. */
  answered(latency: number): void;
  /** The model server did not answer, for this reason. */
  unreachable(why: string, wasAsked: boolean): void;
  failed(why: string): void;
}

type Provide = NonNullable<Middleware["provideInlineCompletionItems"]>;

/** Stands between VS Code's question and the language client's own way. */
export function provider(client: () => LanguageClient | undefined, observer: Observer): Provide {
  return async (document, position, context, token) => {
    const { enable, languages } = settings(document);
    const wasAsked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    const running = client();
    if (!running || !languages.includes(document.languageId) || !(enable || wasAsked)) return null;
    const began = performance.now();
    try {
      // Not the library's `next`: it shows a message box for every error, and
      // a model server that is down would fill the window while typing.
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
