//! The public port, which the operator may close and open again while the node runs.

use crate::{node::Node, serve::Public};
use argosy_http::{BindError, ServeConfig, Shutdown, bind, serve_edge};
use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

/// Wishes that may wait; the operator's requests come one at a time.
const QUEUE: usize = 8;

/// What is asked of the door.
enum Wish {
    Open(oneshot::Sender<Result<(), BindError>>),
    Close(oneshot::Sender<()>),
}

/// Asks for the port to be closed or opened.
#[derive(Clone)]
pub(crate) struct Door(mpsc::Sender<Wish>);

/// Serves the port; the other end of a [`Door`].
pub(crate) struct Doorkeeper {
    node: Arc<Node>,
    address: SocketAddr,
    wishes: mpsc::Receiver<Wish>,
    /// So that wishes do not end where there is no operator's port.
    _door: Door,
}

/// Why the port was not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoorError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("the node is stopping")]
    Stopping,
}

impl Door {
    /// A door of the public port at `address`, and who looks after it.
    pub(crate) fn new(node: Arc<Node>, address: SocketAddr) -> (Self, Doorkeeper) {
        let (sender, wishes) = mpsc::channel(QUEUE);
        let door = Self(sender);
        (door.clone(), Doorkeeper { node, address, wishes, _door: door })
    }

    /// Opens the port; nothing happens if it is open.
    pub(crate) async fn open(&self) -> Result<(), DoorError> {
        let (done, answer) = oneshot::channel();
        self.0.send(Wish::Open(done)).await.map_err(|_| DoorError::Stopping)?;
        Ok(answer.await.map_err(|_| DoorError::Stopping)??)
    }

    /// Closes the port, and comes back when the last connection is gone. Running answers get as long as
    /// at the end of the node.
    pub(crate) async fn close(&self) -> Result<(), DoorError> {
        let (done, answer) = oneshot::channel();
        self.0.send(Wish::Close(done)).await.map_err(|_| DoorError::Stopping)?;
        answer.await.map_err(|_| DoorError::Stopping)
    }
}

/// The port while it is open.
struct Open {
    stop: Shutdown,
    serving: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Open {
    fn new(node: &Arc<Node>, listener: TcpListener) -> Self {
        let stop = Shutdown::new();
        let public = Arc::new(Public(Arc::clone(node)));
        let proxies = Arc::new(node.config.public_api.proxies());
        let counters = Arc::clone(&node.public_port);
        let mut config =
            ServeConfig { counters, proxies, egress: node.egress.clone(), ..ServeConfig::default() };
        config.deadlines.drain = node.config.limits.drain();
        Self { serving: Box::pin(serve_edge(listener, public, config, stop.clone())), stop }
    }

    async fn close(self) {
        self.stop.trigger();
        self.serving.await;
    }
}

impl Doorkeeper {
    /// Serves users, with or without a listener at first; once the last of them is gone after the stop
    /// signal, or the time for that is over, ends the fills.
    pub(crate) async fn run(mut self, listener: Option<TcpListener>, shutdown: Shutdown) {
        let mut open = listener.map(|listener| Open::new(&self.node, listener));
        let is_open = |open: bool| self.node.public_is_open.store(open, Ordering::Relaxed);
        let stop = shutdown.triggered();
        tokio::pin!(stop);
        loop {
            let wish = match &mut open {
                Some(door) => tokio::select! {
                    () = &mut stop => break,
                    () = &mut door.serving => break,
                    wish = self.wishes.recv() => wish,
                },
                None => tokio::select! {
                    () = &mut stop => break,
                    wish = self.wishes.recv() => wish,
                },
            };
            match wish {
                Some(Wish::Open(done)) => {
                    let bound = if open.is_some() { Ok(None) } else { bind(self.address).map(Some) };
                    let answer = bound.map(|listener| {
                        if let Some(listener) = listener {
                            open = Some(Open::new(&self.node, listener));
                            is_open(true);
                        }
                    });
                    let _ = done.send(answer);
                }
                Some(Wish::Close(done)) => {
                    is_open(false);
                    if let Some(door) = open.take() {
                        door.close().await;
                    }
                    let _ = done.send(());
                }
                // Cannot be: the doorkeeper has a door itself.
                None => break,
            }
        }
        is_open(false);
        if let Some(door) = open {
            door.close().await;
        }
        self.node.fills.stop().await;
    }
}
