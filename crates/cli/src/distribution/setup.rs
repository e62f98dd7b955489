//! What a configuration says about signing: keys, and where the directory is.

use crate::{
    failure::Outcome,
    network::DirectoryUrl,
    nodes,
    send::{Ring, SendArgs},
};
use argosy_distributor::{Config, config::Endpoints};
use argosy_keys::KeySource;
use argosy_node::config::{Configuration, LoadError, load};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, env, path::Path};

/// What is needed to sign and send.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) ring: Ring,
    pub(crate) directory: Option<DirectoryUrl>,
}

/// The part of a distributor's configuration that commands look at. All that is there is checked, but
/// nothing must be there: a lead who runs no node needs keys only.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Part {
    #[serde(default)]
    keys: Vec<KeySource>,
    #[serde(default)]
    endpoints: Endpoints,
}

impl JsonSchema for Part {
    fn schema_name() -> Cow<'static, str> {
        "Part".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut whole = Config::json_schema(generator);
        whole.remove("required");
        for section in generator.definitions_mut().values_mut() {
            if let Some(section) = section.as_object_mut() {
                section.remove("required");
            }
        }
        whole
    }
}

impl Configuration for Part {
    const KIND: &'static str = Config::KIND;
    const ENVIRONMENT: Option<&'static str> = Config::ENVIRONMENT;

    fn resolve(&mut self, base: &Path) {
        self.keys.iter_mut().for_each(|key| key.resolve(base));
    }
}

/// Keys of the command line first, then those of the configuration. A file that is not there says
/// nothing.
pub(crate) fn read(path: &Path, args: &SendArgs) -> Outcome<Setup> {
    let part = match load::<Part>(path, env::vars_os()) {
        Ok(loaded) => loaded.config,
        Err(LoadError::Unreadable { .. }) if !path.exists() => Part::default(),
        Err(error) => return Err(nodes::wrong_config(error)),
    };
    let ring = Ring::of(args, &part.keys, path)?;
    // What cannot be made out of the endpoints is as if they said nothing: the command line has the word.
    let urls = part.endpoints.directories().ok();
    let directory = urls.as_ref().and_then(|urls| urls.as_slice().first()?.parse().ok());
    Ok(Setup { ring, directory })
}
