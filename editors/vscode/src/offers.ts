/**
 * Tells fimd which grey text the user does not want: dismissed text, and text that the
 * user types past. VS Code reports neither to extensions; the next request shows it.
 */

import * as vscode from "vscode";

/** The first text of an answer, which VS Code shows. */
interface Offer {
  /** By which fimd knows it. */
  id: number;
  uri: string;
  /** Where the text begins. */
  start: vscode.Position;
  text: string;
}

export class Offers {
  private shown: Offer | undefined;
  /** What the last change went past. */
  private left: Offer | undefined;

  constructor(private readonly decline: (id: number) => void) {}

  /** fimd has answered with these items. */
  answered(document: vscode.TextDocument, items: readonly vscode.InlineCompletionItem[]): void {
    this.shown = undefined;
    const [first] = items;
    const id: unknown = first?.command?.arguments?.[0]?.id;
    if (!first?.range || typeof first.insertText !== "string" || typeof id !== "number") return;
    this.shown = { id, uri: document.uri.toString(), start: first.range.start, text: first.insertText };
  }

  /** VS Code asks anew: the text or the cursor has changed. */
  asked(document: vscode.TextDocument, position: vscode.Position): void {
    const { shown, left } = this;
    this.shown = this.left = undefined;
    // One wrong character that is taken back is a slip.
    if (left && this.isPast(left, document, position)) this.decline(left.id);
    if (shown && this.isPast(shown, document, position)) this.left = shown;
    else this.shown = shown;
  }

  /** The user has dismissed what is shown. */
  dismissed(): void {
    if (this.shown) this.decline(this.shown.id);
    this.shown = undefined;
  }

  /** Whether other text than the offer stands between its start and the cursor. */
  private isPast({ uri, start, text }: Offer, document: vscode.TextDocument, position: vscode.Position): boolean {
    const isBefore = position.line < start.line || (position.line === start.line && position.character < start.character);
    if (uri !== document.uri.toString() || isBefore) return false;
    const typed = document.getText(new vscode.Range(start, position));
    return !text.startsWith(typed) && !typed.startsWith(text);
  }
}
