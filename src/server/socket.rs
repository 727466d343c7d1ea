//! The shared daemon's socket: one listener, many clients, one engine.
//!
//! Invariants: at most one process listens at a path; the daemon serves only the
//! user who started it; no client affects another one.

use std::fmt::Display;
use std::fs::{self, File, Permissions};
use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use listenfd::ListenFd;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use super::serve::serve_one;
use crate::engine::Engine;
use crate::rpc::{self, Frame, FrameReader, Framing, Message, MessageRoom};

/// How many clients above the limit are refused at a time. Others wait to be
/// accepted.
const MAX_REFUSALS: usize = 16;

/// How long a client above the limit may take to send a message and to read the
/// refusal.
const REFUSAL: Duration = Duration::from_secs(1);

/// The most bytes that the unfinished messages of all clients take together, beside one
/// megabyte for each client.
const MAX_UNFINISHED_BYTES: usize = 256 << 20;

/// The largest message, in bytes, whose id a refusal repeats.
const MAX_REFUSED_BYTES: usize = 1 << 16;

/// How long requests in flight may take, and clients to read their last answers, when the
/// daemon ends.
const GRACE: Duration = Duration::from_millis(1500);

/// The pause after a failed accept. Accepting fails when file descriptors have
/// run out; they are free again when a client leaves.
const RETRY: Duration = Duration::from_millis(100);

/// Why the daemon cannot serve at a path.
#[derive(Debug, thiserror::Error)]
#[error("socket {}: {reason}", path.display())]
pub struct SocketError {
    path: PathBuf,
    reason: String,
}

impl SocketError {
    fn new(path: &Path, reason: impl Display) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// A socket that listens. Dropping it removes the file that was made for it.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// The device and inode of the file that was made. Dropping the socket
    /// removes no other file at the same path.
    identity: Option<(u64, u64)>,
}

impl Socket {
    /// Listens at `path`, for this user only. Replaces a socket whose daemon has
    /// died. Needs a Tokio runtime.
    ///
    /// # Errors
    /// If another daemon serves at the path, if there is another kind of file, or
    /// if no socket can be made.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let wrong = |reason: &dyn Display| SocketError::new(path, reason);
        let _folder = lock_folder(path)?;
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(&error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(wrong(
                    &"there is a file that is no socket; name another path",
                ));
            }
            Ok(_) if BlockingStream::connect(path).is_ok() => {
                return Err(wrong(
                    &"another daemon serves here; use it, end it, or name another path",
                ));
            }
            // The daemon of this socket has died.
            Ok(_) => fs::remove_file(path).map_err(|error| wrong(&error))?,
        }
        let listener = UnixListener::bind(path).map_err(|error| wrong(&error))?;
        // Until here the umask decided the mode. `accept` checks peers, too.
        let identity = fs::set_permissions(path, Permissions::from_mode(0o600))
            .and_then(|()| fs::symlink_metadata(path))
            .map(|found| (found.dev(), found.ino()))
            .map_err(|error| wrong(&error))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            identity: Some(identity),
        })
    }

    /// The socket at `path` that systemd has passed to this process
    /// (`LISTEN_FDS`), if it has. The file stays when the socket is dropped, since
    /// it is systemd's. Needs a Tokio runtime.
    ///
    /// # Errors
    /// If systemd has passed something other than a stream socket.
    pub fn passed(path: &Path) -> Result<Option<Self>, SocketError> {
        let wrong = |error: io::Error| SocketError::new(path, error);
        let Some(listener) = ListenFd::from_env().take_unix_listener(0).map_err(wrong)? else {
            return Ok(None);
        };
        listener.set_nonblocking(true).map_err(wrong)?;
        Ok(Some(Self {
            listener: UnixListener::from_std(listener).map_err(wrong)?,
            path: path.to_owned(),
            identity: None,
        }))
    }

    /// The next client of this user. Refuses clients of other users.
    async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (client, _) = self.listener.accept().await?;
            let peer = client.peer_cred()?.uid();
            if peer == rustix::process::geteuid().as_raw() {
                return Ok(client);
            }
            tracing::warn!(uid = peer, "a client of another user was turned away");
        }
    }

    fn remove(&self) -> Result<(), SocketError> {
        let Some(identity) = self.identity else {
            return Ok(());
        };
        let _folder = lock_folder(&self.path)?;
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == identity);
        if is_ours {
            fs::remove_file(&self.path).map_err(|error| SocketError::new(&self.path, error))?;
        }
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!("{error}");
        }
    }
}

/// Locks the path's folder against other daemons that look for, remove or make
/// sockets in it, as long as the result lives.
fn lock_folder(path: &Path) -> Result<File, SocketError> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let folder = parent.unwrap_or(Path::new("."));
    let lock = || {
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    };
    lock().map_err(|error: io::Error| {
        SocketError::new(
            path,
            format!(
                "{}: {error}; name a path in a folder of yours",
                folder.display()
            ),
        )
    })
}

/// Serves every client of `socket` until `shutdown` completes. Then removes the
/// socket, answers all requests that were read, and cancels jobs.
pub async fn listen(engine: Engine, socket: Socket, shutdown: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(false);
    let mut clients = JoinSet::new();
    let mut refused = JoinSet::new();
    let limits = engine.limits();
    let max_clients = limits.max_clients;
    let room = MessageRoom::new(MAX_UNFINISHED_BYTES.max(limits.max_message_bytes));
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(left) = clients.join_next() => if let Err(error) = left {
                tracing::error!("a client was lost: {error}");
            },
            Some(left) = refused.join_next() => if let Err(error) = left {
                tracing::error!("a client was lost: {error}");
            },
            accepted = socket.accept(), if refused.len() < MAX_REFUSALS => match accepted {
                Ok(client) if clients.len() >= max_clients => {
                    tracing::warn!("a client was refused: there are {max_clients} already");
                    refused.spawn(time::timeout(REFUSAL, refuse(client, max_clients)));
                }
                Ok(client) => {
                    let client = serve_client(engine.clone(), room.clone(), client, stopped.clone());
                    clients.spawn(client);
                }
                Err(error) => {
                    tracing::warn!("cannot accept a client: {error}");
                    time::sleep(RETRY).await;
                }
            },
        }
    }
    drop(socket);
    stop.send_replace(true);
    let all_left = async { while clients.join_next().await.is_some() {} };
    let (left, ()) = tokio::join!(time::timeout(GRACE, all_left), engine.end_jobs());
    if left.is_err() {
        tracing::warn!("a client did not read its last answers");
    }
}

/// Answers the first message of a client above the limit with an error.
async fn refuse(client: UnixStream, max_clients: usize) -> io::Result<()> {
    let (input, mut output) = client.into_split();
    let mut input = BufReader::new(input);
    let Some(framing) = Framing::detect(&mut input).await? else {
        return Ok(());
    };
    let message = match FrameReader::new(framing, input, MAX_REFUSED_BYTES, MessageRoom::new(0))
        .next()
        .await?
    {
        Some(Frame::Message(bytes)) => Some(Message::read(&bytes)),
        _ => None,
    };
    let error = rpc::Error::too_many_clients(format!(
        "{max_clients} clients are connected already; end one, or raise max_clients under \
         [limits] in the settings file"
    ));
    let answer = rpc::answer(message.as_ref().and_then(Message::id), Err(&error));
    output.write_all(framing.frame(answer).as_bytes()).await?;
    output.shutdown().await
}

async fn serve_client(
    engine: Engine,
    room: MessageRoom,
    client: UnixStream,
    mut stopped: watch::Receiver<bool>,
) {
    let (input, output) = client.into_split();
    // An error means that the daemon has ended.
    let shutdown = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
    if let Err(error) = serve_one(engine, room, input, output, shutdown).await {
        tracing::info!("a client was lost: {error}");
    }
}
