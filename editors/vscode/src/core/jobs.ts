/** Makes a dataset as a job of the server and follows it until it has ended. */

import type { Cancellation, JobStatus, Peer, Progress } from "./wire";

/** The progress of a job. */
export interface Step {
  message: string;
  /** Percent since the last report. */
  increment: number;
}

/** The options of a dataset that the extension asks for, by parameter. */
export const CHOICES = [
  { name: "cross_file_context", label: "Cross-file context", detail: "Declarations that the file refers to", picked: true },
  { name: "bm25_context", label: "BM25 context", detail: "Pieces of code like the one around the hole", picked: true },
  { name: "quality_filter", label: "Quality filter", detail: "Without repetitive and comment-only middles", picked: true },
  { name: "tested_only", label: "Tested only", detail: "Only files that have a test", picked: false },
  { name: "curriculum", label: "Curriculum", detail: "The hardest examples first", picked: false },
  { name: "provenance", label: "Provenance", detail: "Each example says where it is from", picked: false },
] as const;

/**
 * Starts `generateDataset` and follows the job until it has ended. When `token` is
 * cancelled, asks the job to stop and waits until it has cleaned up.
 *
 * Fails if the server refuses the job or ends.
 */
export async function generate(
  peer: Peer,
  params: Record<string, unknown>,
  report: (step: Step) => void,
  token: Cancellation,
): Promise<JobStatus> {
  const listeners: { dispose(): void }[] = [];
  const gone = new Promise<never>((_, reject) => {
    const why = "fimd ended before the dataset was made; start again.";
    listeners.push(peer.onGone(() => reject(new Error(why))));
  });
  // A closed connection may leave requests unanswered.
  const answer = <Result>(method: string, params: object) =>
    Promise.race([peer.request<Result>(method, params), gone]);
  try {
    const { job_id } = await answer<{ job_id: string }>("generateDataset", params);
    let shown = 0;
    const ended = new Promise<void>((resolve) => {
      const listen = (progress: Progress) => {
        const percent = Math.max(progress.percentage ?? shown, shown);
        report({ message: progress.message ?? "", increment: percent - shown });
        shown = percent;
        if (progress.kind === "end") resolve();
      };
      listeners.push(peer.onProgress(job_id, listen));
    });
    // The job may have ended by itself; its status is asked below.
    const cancel = () => void peer.request("job/cancel", { job_id }).catch(() => undefined);
    listeners.push(token.onCancellationRequested(cancel));
    if (token.isCancellationRequested) cancel();
    // The end may have been reported before the listener was there.
    const first = await answer<JobStatus>("job/status", { job_id });
    if (first.state !== "queued" && first.state !== "running") return first;
    await Promise.race([ended, gone]);
    return await answer<JobStatus>("job/status", { job_id });
  } finally {
    // If nothing waits for this promise, its failure needs no handler.
    gone.catch(() => undefined);
    for (const listener of listeners) listener.dispose();
  }
}
