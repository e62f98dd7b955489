//! Tokens of our own for the operator's requests, stronger than those of Argus.
//!
//! `Authorization: Argosy CLAIMS.SIGNATURE`, both base64 for URLs. A token is for one request: it names the
//! node, its process, the method, the path, the hash of the body, and is taken once. Argus' tokens name path
//! and body, and can be sent again for a minute, to any node with the same secret.
//!
//! It is signed by the operator's secret, or by a key whose address is in `operatorApi.keys`; with a key,
//! nothing that could sign is on the node.

use argosy_domain::{AccountId, Keypair, Signature, wire::decode_canonical};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use codec::Encode as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

/// Before what is signed, so that no signature of one kind is one of another.
const DOMAIN: &str = "argosy/operator-request/1\n";
/// Longest life of a token, in milliseconds.
///
/// Source: `spec/reliability.md` §3.5.
const MAX_LIFE_MS: u64 = 60_000;
/// How far another clock may be ahead, in milliseconds.
const MAX_AHEAD_MS: u64 = 5_000;
/// Longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 4096;
/// Most tokens that are remembered at once; only who may sign can fill this.
const MAX_REMEMBERED: usize = 4096;
/// Name of the scheme in the header.
pub const SCHEME: &str = "Argosy";

/// Why a token was turned down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrongError {
    /// Not a token.
    #[error("the token cannot be read")]
    Malformed,
    /// For another node, or the same before it was started anew.
    #[error("the token is for another node, or from before this one was started")]
    OtherNode,
    /// For another method, path or body.
    #[error("the token is for another request")]
    OtherRequest,
    /// Over, from the future, or valid for too long.
    #[error("the token has expired, is valid for more than a minute, or one of the clocks is wrong")]
    Expired,
    /// By a key that is not in `operatorApi.keys`, or by a secret where there is none.
    #[error("the token is signed by somebody who may not")]
    Stranger,
    /// Not signed by whom it says.
    #[error("the signature of the token is wrong")]
    Signature,
    /// Sent before.
    #[error("the token was used before")]
    Replayed,
    /// Too many tokens within a minute.
    #[error("too many requests within a minute")]
    TooMany,
}

impl StrongError {
    /// The stable name of the error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "OPERATOR_TOKEN_MALFORMED",
            Self::OtherNode => "OPERATOR_TOKEN_OTHER_NODE",
            Self::OtherRequest => "OPERATOR_TOKEN_OTHER_REQUEST",
            Self::Expired => "OPERATOR_TOKEN_EXPIRED",
            Self::Stranger => "OPERATOR_TOKEN_STRANGER",
            Self::Signature => "OPERATOR_TOKEN_SIGNATURE",
            Self::Replayed => "OPERATOR_TOKEN_REPLAYED",
            Self::TooMany => "OPERATOR_TOKENS_TOO_MANY",
        }
    }
}

/// What a node says about itself to those who want to sign: `GET /api/v1/operator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The node's id.
    pub id: String,
    /// Version of the program.
    pub version: String,
    /// Of this process, at random.
    pub session: String,
    /// The node's clock, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whether tokens by the secret are taken.
    pub secret: bool,
    /// Addresses whose keys may sign.
    pub keys: Vec<String>,
}

/// A request as a token names it.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// In capitals.
    pub method: &'a str,
    /// With the query, as requested.
    pub path: &'a str,
    /// As sent.
    pub body: &'a [u8],
}

/// Who signs.
#[derive(Clone, Copy)]
pub enum Signer<'a> {
    /// Whoever knows the secret.
    Secret(&'a str),
    /// Whoever has the key.
    Key(&'a Keypair),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Claims {
    node: String,
    session: String,
    method: String,
    path: String,
    /// SHA-256 of the body, in hexadecimal.
    body: String,
    issued_ms: u64,
    expires_ms: u64,
    /// Of this token alone, at random.
    id: String,
    /// The address of the key; none if the secret signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// The header `Authorization` for a request to the node that said `hello`.
#[must_use]
pub fn sign(signer: Signer<'_>, hello: &Hello, request: Signed<'_>) -> String {
    let claims = Claims {
        node: hello.id.clone(),
        session: hello.session.clone(),
        method: request.method.to_owned(),
        path: request.path.to_owned(),
        body: body_hash(request.body),
        // The node's clock counts, whatever ours says.
        issued_ms: hello.time_ms,
        expires_ms: hello.time_ms.saturating_add(MAX_LIFE_MS),
        id: random_id(),
        key: match signer {
            Signer::Secret(_) => None,
            Signer::Key(pair) => Some(pair.account().to_string()),
        },
    };
    let claims = URL_SAFE_NO_PAD.encode(serde_json::json!(claims).to_string());
    let signature = match signer {
        Signer::Secret(secret) => mac(secret, &claims).finalize().into_bytes().to_vec(),
        Signer::Key(pair) => pair.sign(&signed_bytes(&claims)).encode(),
    };
    format!("{SCHEME} {claims}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// 128 bits that nobody can guess.
#[must_use]
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 16];
    // The system has random bytes once it has started; without them nothing here could be trusted.
    #[expect(clippy::expect_used, reason = "no service can go on without random bytes")]
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

fn body_hash(body: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(body))
}

fn signed_bytes(claims: &str) -> Vec<u8> {
    [DOMAIN.as_bytes(), claims.as_bytes()].concat()
}

fn mac(secret: &str, claims: &str) -> Hmac<Sha256> {
    // HMAC takes keys of any length.
    #[expect(clippy::expect_used, reason = "the only error is a length that HMAC does not take")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(&signed_bytes(claims));
    mac
}

/// Checks tokens, and remembers those that were taken.
pub(crate) struct Guard {
    node: String,
    pub(crate) session: String,
    secret: Option<String>,
    keys: BTreeSet<AccountId>,
    /// Ids of tokens that were taken, and when they expire.
    taken: Mutex<HashMap<String, u64>>,
}

impl Guard {
    pub(crate) fn new(node: String, secret: Option<String>, keys: BTreeSet<AccountId>) -> Self {
        Self { node, session: random_id(), secret, keys, taken: Mutex::default() }
    }

    pub(crate) fn hello(&self, now_ms: u64) -> Hello {
        Hello {
            id: self.node.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            session: self.session.clone(),
            time_ms: now_ms,
            secret: self.secret.is_some(),
            keys: self.keys.iter().map(ToString::to_string).collect(),
        }
    }

    /// Checks what follows the scheme in the header. A token that was taken is not taken again.
    pub(crate) fn check(&self, token: &str, request: Signed<'_>, now_ms: u64) -> Result<(), StrongError> {
        let (text, claims, signature) = read(token).ok_or(StrongError::Malformed)?;
        if claims.node != self.node || claims.session != self.session {
            return Err(StrongError::OtherNode);
        }
        if now_ms >= claims.expires_ms
            || claims.issued_ms > now_ms.saturating_add(MAX_AHEAD_MS)
            || claims.expires_ms.saturating_sub(claims.issued_ms) > MAX_LIFE_MS
        {
            return Err(StrongError::Expired);
        }
        self.check_signature(text, &claims, &signature)?;
        let is_this = claims.method == request.method
            && claims.path == request.path
            && claims.body == body_hash(request.body);
        if !is_this {
            return Err(StrongError::OtherRequest);
        }
        self.take(claims.id, claims.expires_ms, now_ms)
    }

    fn check_signature(&self, text: &str, claims: &Claims, signature: &[u8]) -> Result<(), StrongError> {
        let Some(key) = &claims.key else {
            let secret = self.secret.as_deref().ok_or(StrongError::Stranger)?;
            // Compared in constant time.
            return mac(secret, text).verify_slice(signature).map_err(|_| StrongError::Signature);
        };
        let account: AccountId = key.parse().map_err(|_| StrongError::Malformed)?;
        if !self.keys.contains(&account) {
            return Err(StrongError::Stranger);
        }
        let signature: Signature = decode_canonical(signature).map_err(|_| StrongError::Malformed)?;
        let holds = signature.verify(&account, &signed_bytes(text));
        if holds { Ok(()) } else { Err(StrongError::Signature) }
    }

    fn take(&self, id: String, expires_ms: u64, now_ms: u64) -> Result<(), StrongError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= MAX_REMEMBERED {
            taken.retain(|_, expires_ms| *expires_ms > now_ms);
        }
        if taken.contains_key(&id) {
            return Err(StrongError::Replayed);
        }
        if taken.len() >= MAX_REMEMBERED {
            return Err(StrongError::TooMany);
        }
        taken.insert(id, expires_ms);
        Ok(())
    }
}

/// The text that is signed, what it says, and the signature.
fn read(token: &str) -> Option<(&str, Claims, Vec<u8>)> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let (text, signature) = token.split_once('.')?;
    let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    Some((text, claims, URL_SAFE_NO_PAD.decode(signature).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::KeyScheme;

    const NOW: u64 = 1_800_000_000_000;
    const REQUEST: Signed<'_> = Signed { method: "POST", path: "/api/v1/shutdown?x", body: b"{}" };

    fn pair(name: &str) -> Keypair {
        Keypair::from_uri(KeyScheme::Sr25519, name).unwrap()
    }

    fn guard() -> Guard {
        Guard::new("d-0".to_owned(), Some("s3cret".to_owned()), [pair("//Alice").account()].into())
    }

    fn check(guard: &Guard, header: &str, request: Signed<'_>, now_ms: u64) -> Result<(), StrongError> {
        guard.check(header.strip_prefix("Argosy ").unwrap(), request, now_ms)
    }

    #[test]
    fn a_token_is_for_one_request_to_one_process_once() {
        let guard = guard();
        let alice = pair("//Alice");
        for signer in [Signer::Secret("s3cret"), Signer::Key(&alice)] {
            let sign = || sign(signer, &guard.hello(NOW), REQUEST);
            let token = sign();
            assert_eq!(check(&guard, &token, REQUEST, NOW), Ok(()));
            assert_eq!(check(&guard, &token, REQUEST, NOW + 1), Err(StrongError::Replayed));
            for other in [
                Signed { method: "GET", ..REQUEST },
                Signed { path: "/api/v1/shutdown", ..REQUEST },
                Signed { body: b"{} ", ..REQUEST },
            ] {
                assert_eq!(check(&guard, &sign(), other, NOW), Err(StrongError::OtherRequest));
            }
            let restarted = self::guard();
            assert_eq!(check(&restarted, &sign(), REQUEST, NOW), Err(StrongError::OtherNode));
            assert_eq!(check(&guard, &sign(), REQUEST, NOW + MAX_LIFE_MS - 1), Ok(()));
            assert_eq!(check(&guard, &sign(), REQUEST, NOW + MAX_LIFE_MS), Err(StrongError::Expired));
            assert_eq!(check(&guard, &sign(), REQUEST, NOW - MAX_AHEAD_MS), Ok(()));
            assert_eq!(check(&guard, &sign(), REQUEST, NOW - MAX_AHEAD_MS - 1), Err(StrongError::Expired));
        }
    }

    #[test]
    fn strangers_and_forgers_are_told_apart() {
        let guard = guard();
        let hello = guard.hello(NOW);
        let of = |signer| check(&guard, &sign(signer, &hello, REQUEST), REQUEST, NOW);
        assert_eq!(of(Signer::Secret("another")), Err(StrongError::Signature));
        assert_eq!(of(Signer::Key(&pair("//Bob"))), Err(StrongError::Stranger));
        let other = Hello { id: "d-1".to_owned(), ..hello.clone() };
        let token = sign(Signer::Secret("s3cret"), &other, REQUEST);
        assert_eq!(check(&guard, &token, REQUEST, NOW), Err(StrongError::OtherNode));
        let bare = Guard::new("d-0".to_owned(), None, BTreeSet::new());
        let token = sign(Signer::Secret(""), &bare.hello(NOW), REQUEST);
        assert_eq!(check(&bare, &token, REQUEST, NOW), Err(StrongError::Stranger));
        let token = sign(Signer::Key(&pair("//Alice")), &hello, REQUEST);
        let (claims, signature) = token.split_once('.').unwrap();
        for broken in [
            claims.to_owned(),
            format!("{claims}."),
            format!("{claims}.AAAA"),
            format!("{claims}.{signature}AA"),
            format!("{claims}A.{signature}"),
            format!("Argosy .{signature}"),
            format!("Argosy {}.x", "A".repeat(MAX_TOKEN_BYTES)),
        ] {
            let result = check(&guard, &broken, REQUEST, NOW);
            assert!(
                matches!(result, Err(StrongError::Malformed | StrongError::Signature)),
                "{broken}: {result:?}"
            );
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let guard = guard();
        let take = |now: u64| {
            let token = sign(Signer::Secret("s3cret"), &guard.hello(now), REQUEST);
            check(&guard, &token, REQUEST, now)
        };
        for _ in 0..MAX_REMEMBERED {
            assert_eq!(take(NOW), Ok(()));
        }
        assert_eq!(take(NOW), Err(StrongError::TooMany));
        assert_eq!(take(NOW + MAX_LIFE_MS), Ok(()), "the first ones have expired");
        assert_eq!(guard.taken.lock().unwrap().len(), 1);
    }
}
