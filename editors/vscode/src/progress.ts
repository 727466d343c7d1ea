/** Shows running tags, with a way to stop them. */

import * as vscode from "vscode";
import { WorkDoneProgressCancelNotification, type LanguageClient, type Middleware } from "vscode-languageclient/node";

type Handle = NonNullable<Middleware["handleWorkDoneProgress"]>;

interface Shown {
  report(message: string | undefined): void;
  end(): void;
}

/** The running tags, by progress token. */
export class Runs {
  private readonly shown = new Map<string | number, Shown>();

  constructor(
    private readonly client: () => LanguageClient | undefined,
    /** Is called before a tag writes its first text. */
    private readonly begins: () => void,
  ) {}

  /** Whether a tag is running. */
  get isRunning(): boolean {
    return this.shown.size > 0;
  }

  /**
   * Handles cancellable progress in place of the language client, which shows it
   * where VS Code has no button to cancel.
   */
  readonly handle: Handle = (token, progress, next) => {
    const known = this.shown.get(token);
    if (progress.kind === "begin" && progress.cancellable) this.begin(token, progress.title);
    else if (!known) next(token, progress);
    else if (progress.kind === "end") known.end();
    else known.report(progress.message);
  };

  /** Asks the server to stop all running tags. */
  stopAll(): void {
    for (const token of this.shown.keys()) this.cancel(token);
  }

  /** Forgets all running tags after the server has ended. */
  clear(): void {
    for (const shown of [...this.shown.values()]) shown.end();
  }

  private cancel(token: string | number): void {
    void this.client()?.sendNotification(WorkDoneProgressCancelNotification.type, { token });
  }

  private begin(token: string | number, title: string): void {
    this.begins();
    const where = { location: vscode.ProgressLocation.Notification, cancellable: true, title: `fimd: ${title}` };
    void vscode.window.withProgress(where, (bar, cancellation) => {
      cancellation.onCancellationRequested(() => this.cancel(token));
      return new Promise<void>((resolve) => {
        const end = () => {
          this.shown.delete(token);
          this.publish();
          resolve();
        };
        this.shown.set(token, { report: (message) => bar.report(message === undefined ? {} : { message }), end });
        this.publish();
      });
    });
  }

  private publish(): void {
    void vscode.commands.executeCommand("setContext", "fimd.generating", this.shown.size > 0);
  }
}
