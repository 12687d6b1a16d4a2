//! The one gate that every value of an identity passes.

/// The longest value in bytes.
const MAX_BYTES: usize = 256;

/// What is wrong with a value that should identify a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ValueProblem {
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// More than 256 bytes.
    #[error("is longer than 256 bytes")]
    TooLong,
    /// Not UTF-8, or in a string type that has no safe reading.
    #[error("is not UTF-8")]
    NotUtf8,
    /// A control character: a line end would forge log lines, a NUL would cut the value short.
    #[error("holds a control character")]
    Control,
    /// `+` or `#`: in a topic it would match what belongs to others.
    #[error("holds '+' or '#'")]
    Wildcard,
    /// A leading `$`: the topics below it belong to the server.
    #[error("begins with '$'")]
    Dollar,
    /// `/`: in a topic it would be two levels.
    #[error("holds '/'")]
    Separator,
}

/// Any value: 1 to 256 bytes without control characters.
pub(crate) fn check_value(value: &str) -> Result<(), ValueProblem> {
    if value.is_empty() {
        return Err(ValueProblem::Empty);
    }
    if value.len() > MAX_BYTES {
        return Err(ValueProblem::TooLong);
    }
    if value.chars().any(char::is_control) {
        return Err(ValueProblem::Control);
    }
    Ok(())
}

/// A value that names a client: a principal's id or a client id.
pub(crate) fn check_client_id(value: &str) -> Result<(), ValueProblem> {
    check_value(value)?;
    if value.contains(['+', '#']) {
        return Err(ValueProblem::Wildcard);
    }
    if value.starts_with('$') {
        return Err(ValueProblem::Dollar);
    }
    Ok(())
}

/// A value that becomes a level of a topic.
pub(crate) fn check_placeholder(value: &str) -> Result<(), ValueProblem> {
    check_client_id(value)?;
    if value.contains('/') {
        return Err(ValueProblem::Separator);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gate_is_narrower_than_the_one_before() {
        let table = [
            ("plc-3", Ok(()), Ok(()), Ok(())),
            ("Zürich", Ok(()), Ok(()), Ok(())),
            ("a/b", Ok(()), Ok(()), Err(ValueProblem::Separator)),
            (
                "a+b",
                Ok(()),
                Err(ValueProblem::Wildcard),
                Err(ValueProblem::Wildcard),
            ),
            (
                "#",
                Ok(()),
                Err(ValueProblem::Wildcard),
                Err(ValueProblem::Wildcard),
            ),
            (
                "$x",
                Ok(()),
                Err(ValueProblem::Dollar),
                Err(ValueProblem::Dollar),
            ),
            (
                "a\r\nb",
                Err(ValueProblem::Control),
                Err(ValueProblem::Control),
                Err(ValueProblem::Control),
            ),
            (
                "a\0",
                Err(ValueProblem::Control),
                Err(ValueProblem::Control),
                Err(ValueProblem::Control),
            ),
            (
                "",
                Err(ValueProblem::Empty),
                Err(ValueProblem::Empty),
                Err(ValueProblem::Empty),
            ),
        ];
        for (value, any, client_id, placeholder) in table {
            assert_eq!(check_value(value), any, "{value:?}");
            assert_eq!(check_client_id(value), client_id, "{value:?}");
            assert_eq!(check_placeholder(value), placeholder, "{value:?}");
        }
        assert_eq!(check_value(&"x".repeat(256)), Ok(()));
        assert_eq!(check_value(&"x".repeat(257)), Err(ValueProblem::TooLong));
    }
}
