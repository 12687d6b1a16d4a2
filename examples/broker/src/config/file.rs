use std::fs;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, ListenUrl, LogFormat, Problem, TlsFiles, WhenFull};

type Key<'i> = Spanned<toml::de::DeString<'i>>;
type Value<'i> = Spanned<DeValue<'i>>;

impl Config {
    /// Reads `broker.toml`.
    ///
    /// # Errors
    /// Every problem of the file: bad syntax, unknown keys, values of the wrong kind or out of range.
    pub fn from_file(path: &Path) -> Result<Self, Vec<Problem>> {
        let text = fs::read_to_string(path).map_err(|e| {
            vec![Problem::in_file(
                path,
                format!("cannot be read: {e}"),
                "give --config a readable file",
            )]
        })?;
        Self::from_text(path, &text)
    }

    /// Reads the text of a `broker.toml` that stands at `path`.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_text(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader {
            path,
            text,
            problems: Vec::new(),
        };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            reader.problem(
                offset,
                error.message(),
                "write TOML: key = value, one a line",
            );
        }
        if !reader.problems.is_empty() {
            return Err(reader.problems);
        }
        let mut config = Self::default();
        reader.root(&mut config, document.get_ref());
        if reader.problems.is_empty() {
            Ok(config)
        } else {
            // In the order of the file, which is not that of the walk.
            reader.problems.sort_by_key(|problem| problem.at);
            Err(reader.problems)
        }
    }
}

/// One walk over one file; what is wrong is collected, what is right is set.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn root(&mut self, config: &mut Config, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "listen" => config.listen = self.listen(value),
                "data_dir" => config.data_dir = self.path(value),
                "allow_anonymous" => self.bool(value, &mut config.allow_anonymous),
                "policy" => config.policy = self.path(value),
                "workers" => self.number(value, 1, &mut config.workers),
                "log_format" => self.word(
                    value,
                    &[("text", LogFormat::Text), ("ecs", LogFormat::Ecs)],
                    &mut config.log_format,
                ),
                "http" => self.problem(
                    key.span().start,
                    "the HTTP server is not built into this version",
                    "remove this line",
                ),
                "tls" => config.tls = self.tls(value),
                "limits" => self.limits(config, value),
                "queue" => self.queue(config, value),
                "durability" => self.durability(config, value),
                _ => self.unknown(key, "the file", ROOT),
            }
        }
    }

    fn tls(&mut self, value: &Value<'_>) -> Option<TlsFiles> {
        let table = self.table(value)?;
        let (mut cert, mut key_file, mut client_ca, mut allow_tls12) = (None, None, None, false);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "cert" => cert = self.path(value),
                "key" => key_file = self.path(value),
                "client_ca" => client_ca = self.path(value),
                "allow_tls12" => self.bool(value, &mut allow_tls12),
                _ => self.unknown(key, "[tls]", TLS),
            }
        }
        let (Some(cert), Some(key)) = (cert, key_file) else {
            self.problem(
                value.span().start,
                "[tls] needs cert and key",
                "add cert = \"server.pem\" and key = \"server.key\"",
            );
            return None;
        };
        Some(TlsFiles {
            cert,
            key,
            client_ca,
            allow_tls12,
        })
    }

    fn limits(&mut self, config: &mut Config, value: &Value<'_>) {
        let limits = &mut config.limits;
        for (key, value) in self.table(value).into_iter().flatten() {
            match key.get_ref().as_ref() {
                "connect_bytes" => self.number(value, 64, &mut limits.connect_bytes),
                "packet_bytes" => self.number(value, 64, &mut limits.packet_bytes),
                "connections" => self.number(value, 1, &mut limits.connections),
                "half_open" => self.number(value, 1, &mut limits.half_open),
                "connect_timeout_ms" => self.number(value, 1, &mut limits.connect_timeout_ms),
                "receive_maximum" => self.number(value, 1, &mut limits.receive_maximum),
                "topic_alias_maximum" => self.number(value, 0, &mut limits.topic_alias_maximum),
                "keep_alive_secs" => self.number(value, 1, &mut limits.keep_alive_secs),
                "session_expiry_secs" => self.number(value, 0, &mut limits.session_expiry_secs),
                "sessions" => self.number(value, 1, &mut limits.sessions),
                "subscriptions" => self.number(value, 1, &mut limits.subscriptions),
                "topic_levels" => self.number(value, 1, &mut limits.topic_levels),
                "retained" => self.number(value, 0, &mut limits.retained),
                _ => self.unknown(key, "[limits]", LIMITS),
            }
        }
    }

    fn queue(&mut self, config: &mut Config, value: &Value<'_>) {
        let queue = &mut config.queue;
        for (key, value) in self.table(value).into_iter().flatten() {
            match key.get_ref().as_ref() {
                "messages" => self.number(value, 1, &mut queue.messages),
                "bytes" => self.number(value, 1_024, &mut queue.bytes),
                "when_full" => self.word(
                    value,
                    &[("refuse", WhenFull::Refuse), ("drop", WhenFull::Drop)],
                    &mut queue.when_full,
                ),
                "in_flight" => self.number(value, 1, &mut queue.in_flight),
                _ => self.unknown(key, "[queue]", QUEUE),
            }
        }
    }

    fn durability(&mut self, config: &mut Config, value: &Value<'_>) {
        let durability = &mut config.durability;
        for (key, value) in self.table(value).into_iter().flatten() {
            match key.get_ref().as_ref() {
                "commit_interval_ms" => self.number(value, 0, &mut durability.commit_interval_ms),
                "commit_records" => self.number(value, 1, &mut durability.commit_records),
                "max_bytes" => self.number(value, 1 << 20, &mut durability.max_bytes),
                _ => self.unknown(key, "[durability]", DURABILITY),
            }
        }
    }

    fn listen(&mut self, value: &Value<'_>) -> Vec<ListenUrl> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(
                value,
                "a list",
                "write listen = [\"mqtt://127.0.0.1:1883\"]",
            );
            return Vec::new();
        };
        let mut urls = Vec::new();
        for item in items {
            match item.get_ref().as_str().map(str::parse) {
                Some(Ok(url)) => urls.push(url),
                Some(Err(e)) => {
                    let e: super::ListenUrlError = e;
                    let Problem { what, remedy, .. } = Problem::said(&e.to_string());
                    self.problem(item.span().start, what, remedy);
                }
                None => self.wrong(item, "a URL", "write \"mqtt://127.0.0.1:1883\""),
            }
        }
        urls
    }

    fn table<'v, 'i>(&mut self, value: &'v Value<'i>) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(
                value,
                "a section",
                "write it as [name] on a line of its own",
            );
        }
        table
    }

    fn path(&mut self, value: &Value<'_>) -> Option<PathBuf> {
        match value.get_ref().as_str() {
            Some(text) if !text.is_empty() => {
                let base = self.path.parent().unwrap_or_else(|| Path::new(""));
                Some(base.join(text))
            }
            _ => {
                self.wrong(value, "a path", "write it in quotes");
                None
            }
        }
    }

    fn bool(&mut self, value: &Value<'_>, into: &mut bool) {
        match value.get_ref().as_bool() {
            Some(set) => *into = set,
            None => self.wrong(value, "true or false", "write it without quotes"),
        }
    }

    fn number<N: TryFrom<u64>>(&mut self, value: &Value<'_>, least: u64, into: &mut N) {
        let parsed = value
            .get_ref()
            .as_integer()
            .and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok());
        match parsed.filter(|n| *n >= least).map(N::try_from) {
            Some(Ok(number)) => *into = number,
            _ => {
                let bits = size_of::<N>() * 8;
                let most = u64::MAX >> (64 - bits);
                self.wrong(
                    value,
                    &format!("a whole number from {least} to {most}"),
                    "write it without quotes and unit",
                );
            }
        }
    }

    fn word<T: Copy>(&mut self, value: &Value<'_>, words: &[(&str, T)], into: &mut T) {
        let text = value.get_ref().as_str();
        match words.iter().find(|(word, _)| Some(*word) == text) {
            Some((_, set)) => *into = *set,
            None => {
                let list: Vec<_> = words.iter().map(|(w, _)| format!("{w:?}")).collect();
                self.wrong(
                    value,
                    "one of the words",
                    &format!("write {}", list.join(" or ")),
                );
            }
        }
    }

    fn unknown(&mut self, key: &Key<'_>, place: &str, known: &[&str]) {
        let name = key.get_ref();
        self.problem(
            key.span().start,
            format!("unknown key `{name}` in {place}"),
            format!("known are {}", known.join(", ")),
        );
    }

    fn wrong(&mut self, value: &Value<'_>, wanted: &str, remedy: &str) {
        // A number out of range is told by itself, anything else by what it is.
        let found = match value.get_ref().as_integer() {
            Some(number) => number.to_string(),
            None => value.get_ref().type_str().to_owned(),
        };
        self.problem(
            value.span().start,
            format!("not {wanted} (found: {found})"),
            remedy,
        );
    }

    fn problem(&mut self, offset: usize, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems
            .push(Problem::at(self.path, self.text, offset, what, remedy));
    }
}

const ROOT: &[&str] = &[
    "listen",
    "data_dir",
    "allow_anonymous",
    "policy",
    "workers",
    "log_format",
    "[tls]",
    "[limits]",
    "[queue]",
    "[durability]",
];
const TLS: &[&str] = &["cert", "key", "client_ca", "allow_tls12"];
const LIMITS: &[&str] = &[
    "connect_bytes",
    "packet_bytes",
    "connections",
    "half_open",
    "connect_timeout_ms",
    "receive_maximum",
    "topic_alias_maximum",
    "keep_alive_secs",
    "session_expiry_secs",
    "sessions",
    "subscriptions",
    "topic_levels",
    "retained",
];
const QUEUE: &[&str] = &["messages", "bytes", "when_full", "in_flight"];
const DURABILITY: &[&str] = &["commit_interval_ms", "commit_records", "max_bytes"];

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        Config::from_text(Path::new("/etc/broker.toml"), text)
            .map(|_| Vec::new())
            .unwrap_or_else(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_documented_file_is_the_default() {
        let text = include_str!("../../broker.toml");
        let mut config = Config::from_text(Path::new("broker.toml"), text).unwrap();
        assert_eq!(config.listen, [Config::default_listen()]);
        config.listen.clear();
        assert_eq!(config, Config::default());
    }

    #[test]
    fn every_problem_is_reported_with_its_place_and_remedy() {
        let found = problems("[limits]\nsessions = 0\nx = 1\n[queue]\nmessages = 0\nbytes = -1\n");
        assert!(found[0].starts_with("/etc/broker.toml:2:12: "), "{found:?}");
        assert!(found[0].contains("(found: 0)"), "{found:?}");
        assert!(found.windows(2).all(|two| two[0] < two[1]), "{found:?}");

        let found = problems("lisen = []\nworkers = \"two\"\n[limits]\npacket_bytes = 1\nx = 2\n");
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(
            found
                .iter()
                .any(|p| p.starts_with("/etc/broker.toml:1:1: unknown key `lisen`"))
        );
        assert!(
            found
                .iter()
                .any(|p| p.starts_with("/etc/broker.toml:2:11: not a whole number"))
        );
        assert!(
            found
                .iter()
                .any(|p| p.starts_with("/etc/broker.toml:4:16: "))
        );
        assert!(
            found
                .iter()
                .any(|p| p.contains(":5:1: unknown key `x` in [limits]; known are"))
        );
    }

    #[test]
    fn bad_syntax_names_its_line() {
        assert!(problems("workers = 1\nlisten = [\n")[0].starts_with("/etc/broker.toml:"));
    }

    #[test]
    fn relative_paths_start_at_the_file() {
        let config = Config::from_text(Path::new("/etc/r/broker.toml"), "policy = \"p.toml\"");
        assert_eq!(config.unwrap().policy.unwrap(), Path::new("/etc/r/p.toml"));
    }

    #[test]
    fn what_is_not_built_is_refused() {
        assert!(problems("http = \"127.0.0.1:80\"")[0].contains("not built"));
        assert!(problems("listen = [\"wss://a:1\"]")[0].contains("not built"));
    }
}
