//! Sends an order to a running distributor: signed our way, or Argus' way to an Argus.

use crate::{
    failure::{Failure, Outcome, chain},
    network::now_ms,
    screen, text,
};
use argosy_distributor::operator::{
    strong::{self, Hello, Signed, Signer},
    token,
};
use argosy_domain::{AccountId, Keypair};
use argosy_http::{AddressPolicy, Client, ClientConfig, ClientError, Request, StatusCode, header};
use argosy_keys::{Keyring, Passphrases};
use http::Uri;
use serde_json::Value;
use std::time::Duration;

/// Longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Longest that a node may take: to stop its API, it waits for those whom it is answering, at most for its
/// `limits.drainSec`, which is 300 at most.
const PATIENCE: Duration = Duration::from_secs(310);
/// Longest that it may take to say what it is.
const HELLO_PATIENCE: Duration = Duration::from_secs(10);

/// What an order can be signed with.
pub(super) struct Credentials {
    pub(super) secret: Option<String>,
    pub(super) keys: Keyring,
    pub(super) passphrases: Passphrases,
    /// Whether a node that takes only Argus' tokens is told nothing.
    pub(super) strong: bool,
}

/// A node's operator port.
struct Port {
    origin: String,
    /// Before the routes.
    root: String,
    client: Client,
}

/// Sends `body` to the route `action` of the port at `url`.
///
/// Failures have the codes `REQUEST_FAILED`, `NO_SECRET`, `KEY_FILE_UNUSABLE` and `NOT_STRONG`.
pub(super) async fn send(url: &str, action: &str, body: &Value, credentials: &Credentials) -> Outcome<()> {
    let port = Port::at(url)?;
    let path = format!("{}/api/v1/{action}", port.root);
    let text = body.to_string();
    let authorization = match port.hello().await? {
        Some(hello) => {
            let request = Signed { method: "POST", path: &path, body: text.as_bytes() };
            credentials.sign(&hello, request)?
        }
        None => credentials.sign_as_argus(&path, body)?,
    };
    port.post(&path, &authorization, text).await
}

impl Port {
    fn at(url: &str) -> Outcome<Self> {
        let wrong = || {
            let what = format!("{} is not a URL of the form http://host:port", text::line(url));
            Failure::usage(what).coded("REQUEST_FAILED")
        };
        let base: Uri = url.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (base.scheme_str(), base.authority()) else {
            return Err(wrong());
        };
        // An operator's own node may be anywhere.
        let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
        let root = base.path().trim_end_matches('/').to_owned();
        Ok(Self { origin: format!("{scheme}://{authority}"), root, client })
    }

    /// What one of our nodes says about itself; nothing if it is an Argus, which has no such route.
    async fn hello(&self) -> Outcome<Option<Hello>> {
        let url = format!("{}{}/api/v1/operator", self.origin, self.root);
        let response = self.client.send(Request::get(url).head_timeout(HELLO_PATIENCE)).await;
        let response = response.map_err(|error| no_answer(&error))?;
        if response.status() != StatusCode::OK {
            return Ok(None);
        }
        let body = response.collect(MAX_ANSWER_BYTES).await.map_err(|error| no_answer(&error))?;
        Ok(serde_json::from_slice(&body).ok())
    }

    async fn post(&self, path: &str, authorization: &str, body: String) -> Outcome<()> {
        let request = Request::post(format!("{}{path}", self.origin))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, authorization)
            .head_timeout(PATIENCE)
            .bytes(body);
        let response = self.client.send(request).await.map_err(|error| no_answer(&error))?;
        let status = response.status();
        let answer = response.collect(MAX_ANSWER_BYTES).await.map_err(|error| no_answer(&error))?;
        if status == StatusCode::OK {
            return Ok(());
        }
        let answer = String::from_utf8_lossy(&answer);
        let answer = if answer.is_empty() { status.to_string() } else { answer.into_owned() };
        Err(Failure::refused("REQUEST_FAILED", format!("Request failed: {answer}")))
    }
}

fn no_answer(error: &ClientError) -> Failure {
    Failure::no_answer(format!("Request failed: {}", chain(error))).coded("REQUEST_FAILED")
}

impl Credentials {
    /// Our form, by a key that the node knows if there is one, else by the secret.
    fn sign(&self, hello: &Hello, request: Signed<'_>) -> Outcome<String> {
        if let Some(pair) = self.key_for(hello)? {
            return Ok(strong::sign(Signer::Key(&pair), hello, request));
        }
        match &self.secret {
            Some(secret) => Ok(strong::sign(Signer::Secret(secret), hello, request)),
            None => {
                let known = hello.keys.join(", ");
                let known = if known.is_empty() { "none" } else { &known };
                let id = text::line(&hello.id);
                let what =
                    format!("no key at hand is one that {id} knows ({}), and no secret", text::line(known));
                Err(Failure::usage(what).coded("NO_SECRET"))
            }
        }
    }

    fn key_for(&self, hello: &Hello) -> Outcome<Option<Keypair>> {
        let known = hello.keys.iter().filter_map(|address| address.parse::<AccountId>().ok());
        let Some(key) = known.into_iter().find_map(|account| self.keys.of(&account)) else { return Ok(None) };
        let unlock = || key.unlock(&self.passphrases).cloned();
        let pair = tokio::task::block_in_place(unlock);
        pair.map(Some).map_err(|error| Failure::usage_as("KEY_FILE_UNUSABLE", chain(&error)))
    }

    fn sign_as_argus(&self, path: &str, body: &Value) -> Outcome<String> {
        if self.strong {
            let what = "the node takes only Argus' tokens, and --strong was given";
            return Err(Failure::refused("NOT_STRONG", what));
        }
        let Some(secret) = &self.secret else {
            let what = "the node takes only Argus' tokens, which need its secret: give --secret-file, or a configuration with operatorApi.hmacSecret";
            return Err(Failure::usage(what).coded("NO_SECRET"));
        };
        screen::note(
            "argosy: the node takes Argus' tokens, which hold for a minute and for any node with the same secret",
        );
        Ok(format!("bearer {}", token::sign(secret, path, body, now_ms() / 1_000)))
    }
}
