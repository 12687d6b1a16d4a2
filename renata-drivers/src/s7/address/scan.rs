//! A cursor over an address, whose errors say where and what was expected.

use super::AddressError;

/// The rest of a text in capitals, and where in the text it is.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// Whether the text is the type that stands beside an address.
    beside: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn address(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            beside: false,
        }
    }

    pub(super) fn type_beside(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            beside: true,
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text
            .get(self.at..)?
            .chars()
            .next()
            .map(|c| c.to_ascii_uppercase())
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Takes one character if it is `c`.
    pub(super) fn eat(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        if there {
            self.at += c.len_utf8();
        }
        there
    }

    /// Takes a prefix of letters, in capitals; possibly empty.
    pub(super) fn letters(&mut self) -> String {
        let mut letters = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphabetic() || *c == '_') {
            letters.push(c);
            self.at += 1;
        }
        letters
    }

    /// Takes the letters of a type's name, which may hold a digit where more letters follow (`S5TIME`).
    pub(super) fn type_name(&mut self) -> String {
        let mut name = self.letters();
        if name == "S" && self.eat_all("5TIME") {
            name.push_str("5TIME");
        }
        name
    }

    /// Takes the given prefix and leaves the scan alone when something else stands there.
    pub(super) fn eat_all(&mut self, prefix: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let there = rest
            .get(..prefix.len())
            .is_some_and(|r| r.eq_ignore_ascii_case(prefix.as_bytes()));
        if there {
            self.at += prefix.len();
        }
        there
    }

    /// Takes a decimal number of at most `max`.
    pub(super) fn number(&mut self, max: u32, expected: &'static str) -> Result<u32, AddressError> {
        let start = self.at;
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let next = number.unwrap_or(0u32).checked_mul(10);
            match next
                .and_then(|n| n.checked_add(digit))
                .filter(|n| *n <= max)
            {
                Some(n) => number = Some(n),
                None => return Err(self.error_at(start, expected)),
            }
            self.at += 1;
        }
        number.ok_or_else(|| self.error(expected))
    }

    /// Takes `c`, or says that it should be there.
    pub(super) fn need(&mut self, c: char, expected: &'static str) -> Result<(), AddressError> {
        if self.eat(c) {
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn error(&self, expected: &'static str) -> AddressError {
        self.error_at(self.at, expected)
    }

    pub(super) fn error_at(&self, start: usize, expected: &'static str) -> AddressError {
        let before = self.text.get(..start).unwrap_or(self.text);
        let at = before.chars().count() + 1;
        let found = self.text.get(start..).and_then(|t| t.chars().next());
        if self.beside {
            AddressError::ExpectedInType {
                at,
                expected,
                found,
            }
        } else {
            AddressError::Expected {
                at,
                expected,
                found,
            }
        }
    }
}
