//! Telling the client that started a job how far it is, as LSP's
//! `WorkDoneProgress` with the job's id as token: `begin` once, a `report` when
//! something has changed but not too often, `end` once.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{self, MissedTickBehavior};

use super::methods::generate_dataset::Started;
use super::reply::{Notifier, Then};
use crate::engine::{Engine, Job, JobStage, JobState, JobStatus};
use crate::rpc;

/// At most one report in this time.
const INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, Serialize)]
struct Params<'a> {
    token: &'a str,
    value: Value,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Value {
    Begin {
        title: &'static str,
        message: String,
        percentage: usize,
    },
    Report {
        message: String,
        percentage: usize,
    },
    End {
        message: String,
    },
}

/// Follows the job that an answer of `generateDataset` names.
pub(super) fn follow(engine: Engine, client: Notifier) -> Then {
    Box::new(move |answer| {
        let Ok(answer) = answer else { return };
        // The framings have nothing else of a job in common than its answer.
        let started = serde_json::from_str::<Started>(answer.get()).ok();
        if let Some(job) = started.and_then(|started| engine.job(&started.job_id)) {
            tokio::spawn(async move { tell(&job, &client).await });
        }
    })
}

/// Tells until the job has ended or the client has gone; none if it has.
async fn tell(job: &Arc<Job>, client: &Notifier) -> Option<()> {
    let notification = |value| {
        let token = job.id();
        rpc::notification("$/progress", &Params { token, value })
    };
    let begin = |status: &JobStatus| Value::Begin {
        title: "Generating a dataset",
        message: message(status),
        percentage: percentage(status),
    };
    let report = |status: &JobStatus| Value::Report {
        message: message(status),
        percentage: percentage(status),
    };
    let mut told = job.status();
    client.send(|| notification(begin(&told))).await?;
    let mut interval = time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is at once.
    interval.tick().await;
    loop {
        tokio::select! {
            () = job.ended() => break,
            _ = interval.tick() => {}
        }
        if job.status() != told {
            // As it is when there is room for it, not when it was asked for.
            client
                .send(|| {
                    told = job.status();
                    notification(report(&told))
                })
                .await?;
        } else if client.has_gone() {
            return None;
        }
    }
    let message = message(&job.status());
    client.send(|| notification(Value::End { message })).await
}

fn percentage(status: &JobStatus) -> usize {
    status.files_done * 100 / status.files_total.max(1)
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
