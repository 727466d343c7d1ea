/**
 * Tells fimd where the cursor rests, so that the model server may read ahead what it
 * needs there. fimd decides whether that is worth it, and whether the model server has
 * nothing else to do.
 */

import * as vscode from "vscode";

/** How long the cursor must rest, in milliseconds. */
const REST_MS = 500;

/** A place in a document, as LSP names it. */
export interface Place {
  textDocument: { uri: string };
  position: { line: number; character: number };
}

export class Rest implements vscode.Disposable {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly tell: (document: vscode.TextDocument, place: Place) => void) {}

  /** The cursor or the document has changed. */
  readonly begin = (): void => {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const editor = vscode.window.activeTextEditor;
      if (!editor || editor.selections.length > 1) return;
      const { line, character } = editor.selection.active;
      this.tell(editor.document, { textDocument: { uri: editor.document.uri.toString() }, position: { line, character } });
    }, REST_MS);
  };

  dispose(): void {
    clearTimeout(this.timer);
  }
}
