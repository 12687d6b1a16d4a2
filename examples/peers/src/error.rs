use std::io;
use std::path::PathBuf;

/// Why a judge could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The program is not on this machine.
    #[error("the judge `{program}` is missing: install it with ./.ci/peers")]
    Missing {
        /// What was looked for.
        program: String,
    },
    /// The program started and ended at once, or never became ready.
    #[error("the judge `{program}` did not get ready: {why}")]
    NotReady {
        /// What was started.
        program: String,
        /// What it said, or what was waited for.
        why: String,
    },
    /// The operating system refused something around the program.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl PeerError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn missing(program: impl Into<PathBuf>) -> Self {
        Self::Missing {
            program: program.into().display().to_string(),
        }
    }

    pub(crate) fn not_ready(program: &str, why: impl Into<String>) -> Self {
        Self::NotReady {
            program: program.to_owned(),
            why: why.into(),
        }
    }
}
