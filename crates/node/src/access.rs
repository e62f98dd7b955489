//! Whether a request shows that it may read an object of a private bag.

use crate::follower::{Follower, now_ms};
use argosy_api::{
    ErrorBody, NodePass, ReadPermit,
    pass::{PASS_SCHEME, PassError},
    permit::{PERMIT_PARAMETER, PermitError},
};
use argosy_domain::{BagId, DataObjectId};
use argosy_http::StatusCode;
use argosy_node_core::{
    follow::Index,
    serve::{is_serving_node, may_sign_permits},
};

/// `Cache-Control` of every answer about an object of a private bag.
///
/// Source: decision 21.
pub const PRIVATE_CACHE_CONTROL: &str = "private, no-store";

/// What a request shows; not checked yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credentials<'a> {
    permit: Option<&'a str>,
    pass: Option<&'a str>,
}

/// Why an object of a private bag is not given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The request shows nothing.
    #[error("the bag is private: ask its owner for a URL with a permit")]
    Missing,
    /// It shows a permit that does not count.
    #[error(transparent)]
    Permit(#[from] PermitError),
    /// It shows a node's pass that does not count.
    #[error(transparent)]
    Pass(#[from] PassError),
}

impl AccessError {
    /// The answer of every route: 403, with `PERMIT_MISSING`, `PERMIT_EXPIRED`, `PERMIT_REFUSED` or
    /// `PASS_REFUSED`.
    #[must_use]
    pub fn to_body(self, id: DataObjectId) -> ErrorBody {
        let code = match self {
            Self::Missing => "PERMIT_MISSING",
            Self::Permit(PermitError::Expired) => "PERMIT_EXPIRED",
            Self::Permit(
                PermitError::Malformed
                | PermitError::Elsewhere
                | PermitError::TooLong
                | PermitError::NotOwner
                | PermitError::Signature,
            ) => "PERMIT_REFUSED",
            Self::Pass(_) => "PASS_REFUSED",
        };
        ErrorBody::caller(StatusCode::FORBIDDEN, code, format!("data object {id} cannot be read: {self}"))
    }
}

impl<'a> Credentials<'a> {
    /// Those in a query and in an `Authorization` header.
    #[must_use]
    pub fn of(query: Option<&'a str>, authorization: Option<&'a str>) -> Self {
        let mut pairs = query.into_iter().flat_map(|query| query.split('&'));
        let permit = pairs
            .find_map(|pair| pair.strip_prefix(PERMIT_PARAMETER).and_then(|rest| rest.strip_prefix('=')));
        let pass = authorization.and_then(|text| text.split_once(' ')).and_then(|(scheme, pass)| {
            scheme.eq_ignore_ascii_case(PASS_SCHEME).then(|| pass.trim_start_matches(' '))
        });
        Self { permit, pass }
    }

    /// Checks that they allow to read an object of a private bag now, by the newest block that this
    /// node has. `endpoints` gives this node's own root URLs as the directory has them.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn check(
        &self,
        follower: &Follower,
        id: DataObjectId,
        bag: &BagId,
        endpoints: impl FnOnce(&Index) -> Vec<String>,
    ) -> Result<(), AccessError> {
        let network = follower.genesis_hash();
        if let Some(text) = self.permit {
            let permit: ReadPermit = text.parse()?;
            // The signature is checked when the index is free again.
            let may_sign = follower.with_index(|index| may_sign_permits(index, bag, permit.signer()));
            return Ok(permit.check(network, id, bag, may_sign, now_ms())?);
        }
        let pass: NodePass = self.pass.ok_or(AccessError::Missing)?.parse()?;
        let (endpoints, is_serving) =
            follower.with_index(|index| (endpoints(index), is_serving_node(index, bag, pass.signer())));
        let endpoints = endpoints.iter().map(String::as_str);
        Ok(pass.check(network, id, endpoints, is_serving, now_ms())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_where_they_are_shown() {
        let permit = |query| Credentials::of(Some(query), None).permit;
        assert_eq!(permit("permit=abc"), Some("abc"));
        assert_eq!(permit("from=0&to=1&permit=abc"), Some("abc"));
        assert_eq!(permit("permit=&permit=abc"), Some(""));
        for none in ["", "permits=abc", "permit", "x=permit=abc", "PERMIT=abc"] {
            assert_eq!(permit(none), None, "{none}");
        }
        let pass = |text| Credentials::of(None, Some(text)).pass;
        assert_eq!(pass("Argosy abc"), Some("abc"));
        assert_eq!(pass("argosy  abc"), Some("abc"));
        for none in ["", "Argosy", "Bearer abc", "Argosy-abc"] {
            assert_eq!(pass(none), None, "{none}");
        }
        assert_eq!(Credentials::of(None, None), Credentials::default());
    }

    #[test]
    fn refusals_have_stable_codes() {
        for (error, code) in [
            (AccessError::Missing, "PERMIT_MISSING"),
            (PermitError::Expired.into(), "PERMIT_EXPIRED"),
            (PermitError::NotOwner.into(), "PERMIT_REFUSED"),
            (PassError::NotServing.into(), "PASS_REFUSED"),
        ] {
            let body = error.to_body(DataObjectId(7));
            assert_eq!((body.status, body.code.as_str()), (403, code));
            assert!(body.message.starts_with("data object 7 cannot be read: the "), "{}", body.message);
        }
    }
}
