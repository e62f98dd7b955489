//! Why a query is not answered, with codes that programs can rely on.

use serde_json::json;

/// Why a query is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryError {
    /// For programs.
    pub(crate) code: Code,
    /// For people: what is wrong, and what to do.
    pub(crate) message: String,
}

/// Codes, for ever the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The body is not a GraphQL request.
    BadRequest,
    /// The query is not GraphQL, or not of this schema.
    InvalidQuery,
    /// The text of the query has too many bytes.
    QueryTooLong,
    /// Too many levels.
    QueryTooDeep,
    /// Too many fields.
    QueryTooComplex,
    /// A filter has too many conditions.
    FilterTooComplex,
    /// A list in a filter has too many members.
    ListTooLong,
    /// A page has too many rows, or a negative number.
    PageTooLarge,
    /// A value is not what the schema says.
    BadValue,
    /// A cursor is not one that a query with the same order gave.
    BadCursor,
    /// Too many rows had to be looked at.
    ScanTooLong,
    /// It took too long.
    Deadline,
    /// The answer has too many rows or bytes.
    ResultTooLarge,
    /// Too many queries at once.
    Busy,
    /// The index cannot be read, or the program has a defect.
    Internal,
}

impl Code {
    /// Its text.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::InvalidQuery => "INVALID_QUERY",
            Self::QueryTooLong => "QUERY_TOO_LONG",
            Self::QueryTooDeep => "QUERY_TOO_DEEP",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::FilterTooComplex => "FILTER_TOO_COMPLEX",
            Self::ListTooLong => "LIST_TOO_LONG",
            Self::PageTooLarge => "PAGE_TOO_LARGE",
            Self::BadValue => "BAD_VALUE",
            Self::BadCursor => "BAD_CURSOR",
            Self::ScanTooLong => "SCAN_TOO_LONG",
            Self::Deadline => "DEADLINE",
            Self::ResultTooLarge => "RESULT_TOO_LARGE",
            Self::Busy => "BUSY",
            Self::Internal => "INTERNAL",
        }
    }
}

impl QueryError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn bad_value(message: impl Into<String>) -> Self {
        Self::new(Code::BadValue, message)
    }

    /// A defect, or an index that cannot be read; details are for the operator's log only.
    pub(crate) fn internal(error: &rusqlite::Error) -> Self {
        tracing::error!(%error, "a query of the index failed");
        Self::new(Code::Internal, "the index cannot be read; the node's log says why")
    }

    /// The answer that tells it.
    pub(crate) fn to_body(&self) -> Vec<u8> {
        let error = json!({ "message": self.message, "extensions": { "code": self.code.name() } });
        json!({ "errors": [error], "data": null }).to_string().into_bytes()
    }
}
