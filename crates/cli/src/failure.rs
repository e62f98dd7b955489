//! How a command fails: one line for people, an error body for scripts, an exit code for both.

use crate::text;
use argosy_api::{ClientError, ErrorBody, Retry, SubmitError, directory::RejectView, words::remedy};
use argosy_directory::Reject;
use http::StatusCode;
use std::{error::Error, fmt};

/// Result of everything that a command does.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// Why a command did not do what was asked. The exit code follows from the kind and, under some
/// names of the program, from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Somebody said no: the directory, a node, this machine.
    Refused,
    /// The command line or a file named on it is wrong.
    Usage,
    /// No node gave an answer that could be used.
    NoAnswer,
}

/// A failure as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// Names the thing and says what to do. Lower case, one line.
    pub(crate) message: String,
    /// Stable name.
    pub(crate) code: String,
    /// Lines for people that follow the message, such as an excerpt of a file; mostly none.
    pub(crate) details: String,
    number: u16,
    retry: Retry,
}

impl Failure {
    /// This machine, or the state of the network, does not allow it.
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, code, message, Retry::Never)
    }

    /// The command line is wrong, or a file that it names.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, "WRONG_USAGE", message, Retry::Never)
    }

    /// The same under a name of its own.
    pub(crate) fn usage_as(code: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, code, message, Retry::Never)
    }

    /// Nobody answered.
    pub(crate) fn no_answer(message: impl Into<String>) -> Self {
        Self::new(Kind::NoAnswer, "NO_ANSWER", message, Retry::Later)
    }

    fn new(kind: Kind, code: &str, message: impl Into<String>, retry: Retry) -> Self {
        let details = String::new();
        Self { kind, message: message.into(), code: code.to_owned(), details, number: 0, retry }
    }

    /// What a node answered, about the thing that was asked for.
    pub(crate) fn answered(thing: &str, body: &ErrorBody) -> Self {
        // Most nodes name the thing themselves, if not in the same words.
        let name = thing.rsplit(' ').next().unwrap_or_default();
        let mut message = if thing.is_empty() || body.message.split(' ').any(|word| word == name) {
            body.message.clone()
        } else {
            format!("{thing}: {}", body.message)
        };
        if let Some(reject) = Reject::from_number(body.number) {
            message.push_str("; ");
            message.push_str(remedy(reject));
        }
        let mut failure = Self::new(Kind::Refused, &body.code, message, body.retry);
        failure.number = body.number;
        failure
    }

    /// A failed request to a node, about the thing that was asked for.
    pub(crate) fn client(thing: &str, error: &ClientError) -> Self {
        match error {
            ClientError::Status { body, .. } => Self::answered(thing, body),
            ClientError::NoAnswer { .. } | ClientError::Protocol { .. } => Self::no_answer(error.to_string()),
        }
    }

    /// A failed request to the directory.
    pub(crate) fn directory(thing: &str, error: &ClientError) -> Self {
        let mut failure = Self::client(thing, error);
        if failure.kind == Kind::NoAnswer {
            failure.message.push_str(
                "; is a network running there? Start one with `argosy up`, or name another with --directory",
            );
        }
        failure
    }

    /// A call that had no effect.
    pub(crate) fn submit(thing: &str, error: &SubmitError) -> Self {
        match error {
            SubmitError::Refused(body) => Self::answered(thing, body),
            SubmitError::Rejected(view) => {
                let body = ErrorBody::caller(StatusCode::CONFLICT, &view.code, view.message.clone());
                Self::answered(thing, &body.with_number(view.number))
            }
            SubmitError::NoAnswer(error) => Self::directory(thing, error),
            SubmitError::Unrecorded(_) => Self::refused("NOT_RECORDED", chain(error)),
        }
    }

    /// The directory says that a call has no effect, or would have none.
    pub(crate) fn rejected(view: &RejectView) -> Self {
        let body = ErrorBody::caller(StatusCode::CONFLICT, &view.code, view.message.clone());
        Self::answered("", &body.with_number(view.number))
    }

    /// The same in other words.
    pub(crate) fn saying(self, message: String) -> Self {
        Self { message, ..self }
    }

    /// The same, with lines for people after the message.
    pub(crate) fn with_details(self, details: String) -> Self {
        Self { details, ..self }
    }

    /// The same under another stable name.
    pub(crate) fn coded(self, code: &str) -> Self {
        Self { code: code.to_owned(), ..self }
    }

    /// The same, with more to say after the message.
    pub(crate) fn with(mut self, more: &str) -> Self {
        self.message.push_str("; ");
        self.message.push_str(more);
        self
    }

    /// What scripts get on standard output when they asked for JSON.
    pub(crate) fn body(&self) -> ErrorBody {
        let status = match self.kind {
            Kind::Refused => StatusCode::CONFLICT,
            Kind::Usage => StatusCode::BAD_REQUEST,
            Kind::NoAnswer => StatusCode::BAD_GATEWAY,
        };
        let body = match self.kind {
            Kind::Refused | Kind::Usage => ErrorBody::caller(status, &self.code, self.message.clone()),
            Kind::NoAnswer => ErrorBody::upstream(status, &self.code, self.message.clone()),
        };
        body.with_number(self.number).with_retry(self.retry)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Much of this comes from other machines.
        f.write_str(&text::line(&self.message))?;
        if self.kind == Kind::Refused { write!(f, " ({})", text::line(&self.code)) } else { Ok(()) }
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_whatever_a_node_says() {
        let body = ErrorBody::caller(StatusCode::NOT_FOUND, "NOT_FOUND", "no\nobject \u{1b}[31mred");
        let failure = Failure::answered("object 7", &body);
        assert_eq!(failure.to_string(), "object 7: no object [31mred (NOT_FOUND)");
        assert_eq!(failure.kind, Kind::Refused);
    }

    #[test]
    fn the_thing_is_named_once() {
        let body = ErrorBody::caller(StatusCode::NOT_FOUND, "NOT_FOUND", "object 7 was deleted");
        assert_eq!(Failure::answered("object 7", &body).message, "object 7 was deleted");
        let body = ErrorBody::caller(StatusCode::NOT_FOUND, "NOT_FOUND", "object 71 was deleted");
        assert_eq!(Failure::answered("object 7", &body).message, "object 7: object 71 was deleted");
    }

    #[test]
    fn no_answer_says_what_to_try() {
        let error = ClientError::NoAnswer { url: "http://x:1".into(), reason: "refused".into() };
        let failure = Failure::directory("", &error);
        assert_eq!(failure.kind, Kind::NoAnswer);
        assert!(failure.message.contains("http://x:1") && failure.message.contains("--directory"));
        assert_eq!(failure.body().retry, Retry::Later);
    }
}
