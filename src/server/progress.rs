//! The progress of a job, told to the client that started it as LSP's
//! `WorkDoneProgress` with the job's id as token: `begin` once, `report` when
//! something has changed but at most every [`INTERVAL`], `end` once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{self, MissedTickBehavior};
use tower_lsp::ls_types::{
    ProgressParams, ProgressParamsValue, ProgressToken, WorkDoneProgress, WorkDoneProgressBegin,
    WorkDoneProgressEnd, WorkDoneProgressReport,
};

use super::output::Notifier;
use crate::engine::{Job, JobStage, JobState, JobStatus};
use crate::rpc;

/// The least time between two reports.
const INTERVAL: Duration = Duration::from_millis(100);

/// Tells the client the progress of `job`, in a task of its own.
pub(super) fn follow(job: Arc<Job>, client: Notifier) {
    tokio::spawn(async move { tell(&job, &client).await });
}

/// Tells until the job has ended. Returns none if the client has left.
async fn tell(job: &Job, client: &Notifier) -> Option<()> {
    let notification = |value| {
        let params = ProgressParams {
            token: ProgressToken::String(job.id().to_owned()),
            value: ProgressParamsValue::WorkDone(value),
        };
        rpc::notification("$/progress", &params)
    };
    let mut told = job.status();
    client
        .send(|| notification(WorkDoneProgress::Begin(begin(&told))))
        .await?;
    let mut interval = time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick completes at once.
    interval.tick().await;
    loop {
        tokio::select! {
            () = job.ended() => break,
            _ = interval.tick() => {}
        }
        if job.status() != told {
            // Read again when the output has room, so that the report is new.
            client
                .send(|| {
                    told = job.status();
                    notification(WorkDoneProgress::Report(report(&told)))
                })
                .await?;
        } else if client.is_disconnected() {
            return None;
        }
    }
    let end = WorkDoneProgressEnd {
        message: Some(message(&job.status())),
    };
    client
        .send(|| notification(WorkDoneProgress::End(end)))
        .await
}

fn begin(status: &JobStatus) -> WorkDoneProgressBegin {
    WorkDoneProgressBegin {
        title: "Generating a dataset".into(),
        cancellable: None,
        message: Some(message(status)),
        percentage: Some(percentage(status)),
    }
}

fn report(status: &JobStatus) -> WorkDoneProgressReport {
    WorkDoneProgressReport {
        cancellable: None,
        message: Some(message(status)),
        percentage: Some(percentage(status)),
    }
}

/// The share of the files that are done, in percent.
fn percentage(status: &JobStatus) -> u32 {
    let percentage = status.files_done * 100 / status.files_total.max(1);
    u32::try_from(percentage).unwrap_or(100)
}

fn message(status: &JobStatus) -> String {
    let JobStatus {
        stage,
        files_done,
        files_total,
        examples,
        ..
    } = status;
    match (status.state, stage) {
        (JobState::Queued, _) => "waiting for other jobs".into(),
        (JobState::Running, JobStage::Waiting | JobStage::Reading) => "reading the project".into(),
        (JobState::Running, JobStage::Generating) => {
            format!("{files_done} of {files_total} files, {examples} examples")
        }
        (JobState::Running, JobStage::Writing) => format!("writing {examples} examples"),
        (JobState::Done, _) => format!("done: {examples} examples"),
        (JobState::Failed, _) => match &status.error {
            Some(error) => format!("failed: {error}"),
            None => "failed".into(),
        },
        (JobState::Cancelled, _) => "cancelled".into(),
    }
}
