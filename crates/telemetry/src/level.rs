//! Which lines an output takes; may be changed while the process runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::{Level, Metadata, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{
    Registry,
    filter::Targets,
    layer::{Context, Filter},
};

use crate::InitError;

/// Target of the lines about requests that were answered: the level `http` of npm, which tracing does
/// not have. Their level is debug; the filter `info,access=debug` lets them through.
pub const ACCESS: &str = "access";
/// The same for requests that were refused; a target of their own, because anybody can cause any number
/// of them and they are bounded more tightly.
pub const ACCESS_REFUSED: &str = "access::refused";

/// A filter that can be replaced.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<ArcSwap<Targets>>);

impl Gate {
    pub(crate) fn new(filter: &str) -> Result<Self, InitError> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(parse(filter)?))))
    }

    pub(crate) fn set(&self, filter: &str) -> Result<(), InitError> {
        self.0.store(Arc::new(parse(filter)?));
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }

    fn lets(&self, metadata: &Metadata<'_>) -> bool {
        // Spans say which node speaks, also where only warnings are wanted.
        let names_a_node = metadata.is_span() && *metadata.level() <= Level::INFO;
        names_a_node || self.0.load().would_enable(metadata.target(), metadata.level())
    }
}

pub(crate) fn parse(filter: &str) -> Result<Targets, InitError> {
    filter.parse().map_err(|source| InitError::Filter { filter: filter.to_owned(), source })
}

impl<S> Filter<S> for Gate {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.lets(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.lets(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let own = <Targets as Filter<Registry>>::max_level_hint(&self.0.load());
        own.map(|own| own.max(LevelFilter::INFO))
    }
}

/// The name of a line's level in npm's set, which Argus logs by.
pub(crate) fn npm_name(metadata: &Metadata<'_>) -> &'static str {
    match *metadata.level() {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG if is_access(metadata) => "http",
        Level::DEBUG => "debug",
        _ => "silly",
    }
}

pub(crate) fn is_access(metadata: &Metadata<'_>) -> bool {
    matches!(metadata.target(), ACCESS | ACCESS_REFUSED)
}
