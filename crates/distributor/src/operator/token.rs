//! The operator's tokens: JSON Web Tokens over the request, signed by HMAC with the configured secret.
//!
//! Texts of errors are those of Argus, which has them from the library `jsonwebtoken` for Node.js.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Sha256, Sha384, Sha512};

/// Oldest token that is accepted, in seconds.
///
/// Source: Argus' operator API, `maxAge: '5m'`.
const MAX_AGE_SECONDS: f64 = 300.0;
/// How long the tokens of [`sign`] hold, in seconds.
///
/// Source: Argus' command line.
const LIFE_SECONDS: u64 = 60;
/// Longest token that is looked at, in bytes: its body is that of the request, which is bounded too.
const MAX_TOKEN_BYTES: usize = 512 * 1024;

/// Why a token was turned down. The texts are public: Argus' clients show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no header.
    #[error("Authorization header required")]
    NoHeader,
    /// The header has another scheme.
    #[error("Authorization header with scheme 'Bearer' required")]
    OtherScheme,
    /// Nothing follows the scheme.
    #[error("Bearer token missing")]
    NoToken,
    /// Not three parts, or too long.
    #[error("jwt malformed")]
    Malformed,
    /// The parts are not base64 of JSON.
    #[error("invalid token")]
    Invalid,
    /// The third part is empty.
    #[error("jwt signature is required")]
    Unsigned,
    /// Neither HS256, HS384 nor HS512.
    #[error("invalid algorithm")]
    Algorithm,
    /// Not signed with the configured secret.
    #[error("invalid signature")]
    Signature,
    /// `nbf` is no number.
    #[error("invalid nbf value")]
    NotBeforeValue,
    /// `nbf` is to come.
    #[error("jwt not active")]
    NotActive,
    /// `exp` is no number.
    #[error("invalid exp value")]
    ExpiryValue,
    /// `exp` is over.
    #[error("jwt expired")]
    Expired,
    /// `iat` is missing.
    #[error("iat required when maxAge is specified")]
    NoTime,
    /// `iat` is too long ago.
    #[error("maxAge exceeded")]
    TooOld,
    /// It was made for another body.
    #[error("Invalid token: Request body does not match")]
    OtherBody,
    /// It was made for another path.
    #[error("Invalid token: Request url does not match")]
    OtherUrl,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
}

/// A token of `request` at the time `now`, in seconds since 1970, signed with HS256.
///
/// `url` is path and query as they will be requested, `body` the JSON that will be sent.
#[must_use]
pub fn sign(secret: &str, url: &str, body: &Value, now: u64) -> String {
    let header = serde_json::json!({"alg": "HS256", "typ": "JWT"});
    let claims = serde_json::json!({
        "reqUrl": url, "reqBody": body, "iat": now, "exp": now.saturating_add(LIFE_SECONDS),
    });
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let signature = mac::<Hmac<Sha256>>(secret, &signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Checks the header `Authorization` of a request, in the order of Argus.
///
/// # Errors
/// [`TokenError`].
pub(crate) fn verify(
    header: Option<&str>,
    secret: &str,
    url: &str,
    body: &Value,
    now: u64,
) -> Result<(), TokenError> {
    let header = header.filter(|header| !header.is_empty()).ok_or(TokenError::NoHeader)?;
    let mut parts = header.split(' ');
    if !parts.next().unwrap_or_default().eq_ignore_ascii_case("bearer") {
        return Err(TokenError::OtherScheme);
    }
    let token = parts.next().filter(|token| !token.is_empty()).ok_or(TokenError::NoToken)?;
    let claims = claims(token, secret)?;
    check_times(&claims, now)?;
    if claims.get("reqBody") != Some(body) {
        return Err(TokenError::OtherBody);
    }
    if claims.get("reqUrl").and_then(Value::as_str) != Some(url) {
        return Err(TokenError::OtherUrl);
    }
    Ok(())
}

/// What a token says, once its signature holds.
fn claims(token: &str, secret: &str) -> Result<Value, TokenError> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { return Err(TokenError::Malformed) };
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Malformed);
    }
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Invalid);
    let Header { alg, .. } = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Invalid)?;
    let claims: Value = serde_json::from_slice(&decode(payload)?).map_err(|_| TokenError::Invalid)?;
    if signature.is_empty() {
        return Err(TokenError::Unsigned);
    }
    let signed = &token[..header.len() + 1 + payload.len()];
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Signature)?;
    // Compared in constant time.
    let verified = match alg.as_str() {
        "HS256" => mac::<Hmac<Sha256>>(secret, signed).verify_slice(&signature),
        "HS384" => mac::<Hmac<Sha384>>(secret, signed).verify_slice(&signature),
        "HS512" => mac::<Hmac<Sha512>>(secret, signed).verify_slice(&signature),
        _ => return Err(TokenError::Algorithm),
    };
    verified.map_err(|_| TokenError::Signature)?;
    if claims.is_object() { Ok(claims) } else { Err(TokenError::Invalid) }
}

fn mac<M: Mac + KeyInit>(secret: &str, signed: &str) -> M {
    // HMAC takes keys of any length.
    #[expect(clippy::expect_used, reason = "the only error is a length that HMAC does not take")]
    let mut mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(signed.as_bytes());
    mac
}

fn check_times(claims: &Value, now: u64) -> Result<(), TokenError> {
    let now = seconds(now);
    match claims.get("nbf") {
        None => {}
        Some(time) => match time.as_f64() {
            None => return Err(TokenError::NotBeforeValue),
            Some(time) if time > now => return Err(TokenError::NotActive),
            Some(_) => {}
        },
    }
    match claims.get("exp") {
        None => {}
        Some(time) => match time.as_f64() {
            None => return Err(TokenError::ExpiryValue),
            Some(time) if now >= time => return Err(TokenError::Expired),
            Some(_) => {}
        },
    }
    match claims.get("iat").and_then(Value::as_f64) {
        None => Err(TokenError::NoTime),
        Some(time) if now >= time + MAX_AGE_SECONDS => Err(TokenError::TooOld),
        Some(_) => Ok(()),
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "seconds since 1970 are far below 2^53"
)]
const fn seconds(time: u64) -> f64 {
    time as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: u64 = 1_800_000_000;
    const SECRET: &str = "a secret";

    fn token<M: Mac + KeyInit>(alg: &str, secret: &str, claims: &Value) -> String {
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encode(&json!({"alg": alg})), encode(claims));
        let signature = mac::<M>(secret, &signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn answer(header: Option<&str>) -> Result<(), String> {
        let body = json!({"workerId": 3});
        verify(header, SECRET, "/api/v1/set-worker", &body, NOW).map_err(|error| error.to_string())
    }

    fn claims() -> Value {
        json!({"reqUrl": "/api/v1/set-worker", "reqBody": {"workerId": 3}, "iat": NOW - 1, "exp": NOW + 59})
    }

    fn with(key: &str, value: Value) -> Result<(), String> {
        let mut claims = claims();
        claims[key] = value;
        answer(Some(&format!("Bearer {}", token::<Hmac<Sha256>>("HS256", SECRET, &claims))))
    }

    #[test]
    fn three_algorithms_and_no_others() {
        let signed = sign(SECRET, "/api/v1/set-worker", &json!({"workerId": 3}), NOW);
        assert_eq!(answer(Some(&format!("bearer {signed}"))), Ok(()));
        let claims = claims();
        for token in [
            token::<Hmac<Sha256>>("HS256", SECRET, &claims),
            token::<Hmac<Sha384>>("HS384", SECRET, &claims),
            token::<Hmac<Sha512>>("HS512", SECRET, &claims),
        ] {
            assert_eq!(answer(Some(&format!("BEARER {token}"))), Ok(()));
        }
        for alg in ["none", "RS256", "hs256"] {
            let token = token::<Hmac<Sha256>>(alg, SECRET, &claims);
            assert_eq!(answer(Some(&format!("Bearer {token}"))).unwrap_err(), "invalid algorithm");
        }
        let other = token::<Hmac<Sha512>>("HS256", SECRET, &claims);
        assert_eq!(answer(Some(&format!("Bearer {other}"))).unwrap_err(), "invalid signature");
    }

    /// Source: RFC 7515, appendix A.1; its key is the base64 text below.
    #[test]
    fn a_published_token_is_verified() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).unwrap();
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = URL_SAFE_NO_PAD.decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(signed.as_bytes());
        mac.verify_slice(&signature).unwrap();
    }

    /// Made once by Python's `hmac`, `hashlib` and `json`, with blanks between fields and letters beyond
    /// ASCII, as other programs may send them.
    #[test]
    fn tokens_of_another_implementation_are_taken() {
        let secret = "s\u{e9}cret of the operator";
        let body = json!({"buckets": ["0:1", "1:0"], "note": "caf\u{e9}"});
        for token in [
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyZXFCb2R5IjogeyJidWNrZXRzIjogWyIwOjEiLCAiMTowIl0sICJub3RlIjogImNhZlx1MDBlOSJ9LCAicmVxVXJsIjogIi9hcGkvdjEvc2V0LWJ1Y2tldHM_YT1iJTIwYyIsICJpYXQiOiAxNzk5OTk5OTkwLCAiZXhwIjogMTgwMDAwMDA1MH0.A6YRwjqxV7mAKkqQuwkb_l639WQDkv1Z0NN0FnboxBE",
            "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJyZXFCb2R5IjogeyJidWNrZXRzIjogWyIwOjEiLCAiMTowIl0sICJub3RlIjogImNhZlx1MDBlOSJ9LCAicmVxVXJsIjogIi9hcGkvdjEvc2V0LWJ1Y2tldHM_YT1iJTIwYyIsICJpYXQiOiAxNzk5OTk5OTkwLCAiZXhwIjogMTgwMDAwMDA1MH0.MzREH1AaJRl1MjbMSVtqQcdELVPoa4E32CqkfljiHIiDuLh55DoQdg0t2JugACY5",
            "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJyZXFCb2R5IjogeyJidWNrZXRzIjogWyIwOjEiLCAiMTowIl0sICJub3RlIjogImNhZlx1MDBlOSJ9LCAicmVxVXJsIjogIi9hcGkvdjEvc2V0LWJ1Y2tldHM_YT1iJTIwYyIsICJpYXQiOiAxNzk5OTk5OTkwLCAiZXhwIjogMTgwMDAwMDA1MH0.Tz23FmcqXo_fv7Vv9-2GPRWBSxmfWoeX-NKK-fCDqj9OOmfcE-DpWqXq2G4FWetFm7CDdlEvIipinaw2vfjLhg",
        ] {
            let verified = |secret: &str, url: &str, body: &Value, now| {
                verify(Some(&format!("bearer {token}")), secret, url, body, now)
            };
            let url = "/api/v1/set-buckets?a=b%20c";
            assert_eq!(verified(secret, url, &body, NOW), Ok(()));
            assert_eq!(verified(secret, url, &body, NOW + 50), Err(TokenError::Expired));
            assert_eq!(verified("secret of the operator", url, &body, NOW), Err(TokenError::Signature));
            assert_eq!(verified(secret, "/api/v1/set-buckets", &body, NOW), Err(TokenError::OtherUrl));
            assert_eq!(verified(secret, url, &json!({}), NOW), Err(TokenError::OtherBody));
        }
    }

    #[test]
    fn every_fault_has_the_text_of_argus() {
        assert_eq!(answer(None).unwrap_err(), "Authorization header required");
        assert_eq!(
            answer(Some("Basic abc")).unwrap_err(),
            "Authorization header with scheme 'Bearer' required"
        );
        assert_eq!(answer(Some("Bearer")).unwrap_err(), "Bearer token missing");
        assert_eq!(answer(Some("Bearer a.b")).unwrap_err(), "jwt malformed");
        assert_eq!(answer(Some("Bearer a.b.c")).unwrap_err(), "invalid token");
        let other = token::<Hmac<Sha256>>("HS256", "another", &claims());
        assert_eq!(answer(Some(&format!("Bearer {other}"))).unwrap_err(), "invalid signature");
        let unsigned = other.rsplit_once('.').unwrap().0;
        assert_eq!(answer(Some(&format!("Bearer {unsigned}."))).unwrap_err(), "jwt signature is required");
        assert_eq!(with("exp", json!(NOW)).unwrap_err(), "jwt expired");
        assert_eq!(with("exp", json!("soon")).unwrap_err(), "invalid exp value");
        assert_eq!(with("nbf", json!(NOW + 1)).unwrap_err(), "jwt not active");
        assert_eq!(with("nbf", json!([])).unwrap_err(), "invalid nbf value");
        assert_eq!(with("iat", json!(null)).unwrap_err(), "iat required when maxAge is specified");
        assert_eq!(with("iat", json!(NOW - 300)).unwrap_err(), "maxAge exceeded");
        assert_eq!(with("iat", json!(NOW - 299)), Ok(()));
        assert_eq!(with("reqBody", json!({})).unwrap_err(), "Invalid token: Request body does not match");
        assert_eq!(with("reqUrl", json!("/")).unwrap_err(), "Invalid token: Request url does not match");
    }
}
