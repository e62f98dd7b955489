//! A started node: where it listens, how it is stopped, and how it ended.

use std::{error::Error, net::SocketAddr, time::Duration};

use tokio::{
    task::{AbortHandle, JoinSet},
    time::Instant,
};

use crate::Shutdown;

/// From the stop signal to the moment when tasks that still run are cut off. Longer than
/// [`crate::Deadlines::drain`], shorter than the five seconds in which a program must end.
const STOP_GRACE: Duration = Duration::from_millis(4_500);
/// From there to the moment when tasks that cannot be cut off are given up.
const CUT_GRACE: Duration = Duration::from_millis(200);

/// Why a task of a node ended badly.
pub type TaskError = Box<dyn Error + Send + Sync>;

/// How a node ended when it did not end well.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A task returned an error; the node was stopped because of it.
    #[error("{node}: {task} failed")]
    Failed {
        /// Name of the node.
        node: String,
        /// Name of the task.
        task: &'static str,
        /// What it returned.
        source: TaskError,
    },
    /// A task panicked; the node was stopped because of it.
    #[error("{node}: {task} panicked")]
    Panicked {
        /// Name of the node.
        node: String,
        /// Name of the task.
        task: &'static str,
    },
    /// A task did not finish in time after the stop signal and was cut off.
    #[error("{node}: {task} did not stop in time")]
    Late {
        /// Name of the node.
        node: String,
        /// Name of the task.
        task: &'static str,
    },
}

/// The tasks of a node while it is being put together. Dropping it, or the [`Running`] made of it,
/// aborts them.
#[derive(Debug)]
pub struct Tasks {
    set: JoinSet<Result<(), TaskError>>,
    names: Vec<(AbortHandle, &'static str)>,
    shutdown: Shutdown,
}

impl Tasks {
    /// No tasks yet; all that are added must watch `shutdown`.
    #[must_use]
    pub fn new(shutdown: Shutdown) -> Self {
        Self { set: JoinSet::new(), names: Vec::new(), shutdown }
    }

    /// The signal that these tasks watch.
    #[must_use]
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Runs a task that cannot fail, such as [`crate::serve_edge`].
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_fallible(name, async move {
            task.await;
            Ok::<(), TaskError>(())
        });
    }

    /// Runs a task whose error stops the whole node.
    pub fn spawn_fallible<E: Into<TaskError>>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let handle = self.set.spawn(async move { task.await.map_err(Into::into) });
        self.names.push((handle, name));
    }

    fn take_name(&mut self, id: tokio::task::Id) -> &'static str {
        match self.names.iter().position(|(handle, _)| handle.id() == id) {
            Some(at) => self.names.swap_remove(at).1,
            None => "a task",
        }
    }
}

/// A node that has started. Dropping it aborts its tasks; [`Running::stop`] and [`Running::join`] end
/// it in order.
#[derive(Debug)]
pub struct Running {
    name: String,
    endpoint: SocketAddr,
    operator_endpoint: Option<SocketAddr>,
    tasks: Tasks,
    stop_grace: Duration,
    first_failure: Option<NodeError>,
    cut_at: Option<Instant>,
    /// What to report when even cutting does not end the tasks.
    abandoned: Option<NodeError>,
}

impl Running {
    /// A node called `name` (such as `storage-0`) that answers at `endpoint`.
    #[must_use]
    pub fn new(name: impl Into<String>, endpoint: SocketAddr, tasks: Tasks) -> Self {
        Self {
            name: name.into(),
            endpoint,
            operator_endpoint: None,
            tasks,
            stop_grace: STOP_GRACE,
            first_failure: None,
            cut_at: None,
            abandoned: None,
        }
    }

    /// The same node with a second, private endpoint.
    #[must_use]
    pub fn with_operator_endpoint(mut self, endpoint: SocketAddr) -> Self {
        self.operator_endpoint = Some(endpoint);
        self
    }

    /// The same node, with so long from the stop signal to the moment when tasks that still run are cut
    /// off; 4.5 seconds unless this is called.
    #[must_use]
    pub fn with_stop_grace(mut self, stop_grace: Duration) -> Self {
        self.stop_grace = stop_grace;
        self
    }

    /// Name of the node.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the node listens, with the real port when 0 was asked for.
    #[must_use]
    pub fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// Where the node listens for its operator, if it does.
    #[must_use]
    pub fn operator_endpoint(&self) -> Option<SocketAddr> {
        self.operator_endpoint
    }

    /// The node's stop signal, to be kept by whoever handles Ctrl-C.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.tasks.shutdown.clone()
    }

    /// Asks the node to finish; [`Running::join`] tells when it has.
    pub fn stop(&self) {
        self.tasks.shutdown.trigger();
    }

    /// Waits until every task has ended, without asking them to. The first failure of a task stops the
    /// others. Tasks that outlive the stop signal by [`Running::with_stop_grace`] are cut off.
    /// Cancel-safe: may be called again.
    ///
    /// # Errors
    /// The first [`NodeError`] that was met.
    pub async fn join(&mut self) -> Result<(), NodeError> {
        let triggered = self.tasks.shutdown.triggered();
        tokio::pin!(triggered);
        loop {
            let cut_at = self.cut_at;
            tokio::select! {
                ended = self.tasks.set.join_next_with_id() => match ended {
                    None => return self.first_failure.take().map_or(Ok(()), Err),
                    Some(ended) => self.note(ended),
                },
                () = &mut triggered, if cut_at.is_none() => self.cut_at = Some(Instant::now() + self.stop_grace),
                () = sleep_until(cut_at), if cut_at.is_some() => match self.abandoned.take() {
                    Some(error) => return Err(self.first_failure.take().unwrap_or(error)),
                    None => self.cut(),
                },
            }
        }
    }

    /// Stops the node and waits for its end.
    ///
    /// # Errors
    /// As [`Running::join`].
    pub async fn stop_and_join(mut self) -> Result<(), NodeError> {
        self.stop();
        self.join().await
    }

    fn note(&mut self, ended: Result<(tokio::task::Id, Result<(), TaskError>), tokio::task::JoinError>) {
        let failure = match ended {
            Ok((id, Ok(()))) => {
                self.tasks.take_name(id);
                return;
            }
            Ok((id, Err(source))) => {
                NodeError::Failed { node: self.name.clone(), task: self.tasks.take_name(id), source }
            }
            Err(error) => {
                let task = self.tasks.take_name(error.id());
                if error.is_cancelled() {
                    NodeError::Late { node: self.name.clone(), task }
                } else {
                    NodeError::Panicked { node: self.name.clone(), task }
                }
            }
        };
        tracing::error!(node = %self.name, error = %failure, cause = failure.source().map(tracing::field::display), "a task ended badly");
        self.first_failure.get_or_insert(failure);
        self.tasks.shutdown.trigger();
    }

    fn cut(&mut self) {
        self.tasks.set.abort_all();
        // Aborted tasks come back through `join_next` at once, unless one blocks its thread; that one is
        // given up a moment later.
        let task = self.tasks.names.first().map_or("a task", |(_, name)| name);
        self.abandoned = Some(NodeError::Late { node: self.name.clone(), task });
        self.cut_at = Some(Instant::now() + CUT_GRACE);
    }
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}
