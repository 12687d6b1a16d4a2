//! Levels as numbers: each distinct text is stored once and counted.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

/// The number of a level. Small and dense, so that it hashes and compares at no cost.
pub(crate) type LevelId = u32;

/// Texts that are in use, and how often. A text that nobody uses any more is forgotten.
///
/// The hash is seeded at random: clients choose the texts, and must not choose the collisions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interner {
    table: HashTable<LevelId>,
    entries: Vec<Entry>,
    free: Vec<LevelId>,
    hasher: DefaultHashBuilder,
}

#[derive(Clone, Debug)]
struct Entry {
    text: Text,
    uses: u32,
}

/// Most levels are short: those live in place and cost no second cache miss.
#[derive(Clone, Debug)]
enum Text {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

const SHORT: usize = 22;

impl Interner {
    /// The number of a text that is in use.
    #[inline]
    pub(crate) fn lookup(&self, text: &str) -> Option<LevelId> {
        let hash = hash_level(&self.hasher, text.as_bytes());
        let same = |&id: &LevelId| self.bytes(id) == text.as_bytes();
        self.table.find(hash, same).copied()
    }

    /// The number of a text, used once more than before.
    pub(crate) fn acquire(&mut self, text: &str) -> LevelId {
        if let Some(id) = self.lookup(text) {
            self.entries[id as usize].uses += 1;
            return id;
        }
        let entry = Entry {
            text: Text::new(text),
            uses: 1,
        };
        let id = if let Some(id) = self.free.pop() {
            self.entries[id as usize] = entry;
            id
        } else {
            self.entries.push(entry);
            // The trie refuses to grow past u32 nodes, and each level has a node.
            (self.entries.len() - 1) as LevelId
        };
        let (entries, hasher) = (&self.entries, &self.hasher);
        let rehash = |&id: &LevelId| entries[id as usize].text.hash(hasher);
        self.table.insert_unique(rehash(&id), id, rehash);
        id
    }

    /// One use less.
    pub(crate) fn release(&mut self, id: LevelId) {
        let entry = &mut self.entries[id as usize];
        entry.uses -= 1;
        if entry.uses > 0 {
            return;
        }
        let hash = entry.text.hash(&self.hasher);
        entry.text = Text::Long(Box::default());
        if let Ok(found) = self.table.find_entry(hash, |&other| other == id) {
            found.remove();
        }
        self.free.push(id);
    }

    /// The bytes of a text in use.
    #[inline]
    pub(crate) fn bytes(&self, id: LevelId) -> &[u8] {
        self.entries[id as usize].text.bytes()
    }

    /// Places for texts, used or free.
    pub(crate) fn slots(&self) -> usize {
        self.entries.len()
    }

    /// Texts in use.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Gives every text in use a new number without gaps; `renamed[old]` is the new one.
    pub(crate) fn compact(&mut self) -> Vec<LevelId> {
        let mut renamed = vec![LevelId::MAX; self.entries.len()];
        let mut kept = Vec::with_capacity(self.len());
        for (old, entry) in std::mem::take(&mut self.entries).into_iter().enumerate() {
            if entry.uses > 0 {
                renamed[old] = kept.len() as LevelId;
                kept.push(entry);
            }
        }
        self.entries = kept;
        self.free = Vec::new();
        let hasher = &self.hasher;
        self.table = HashTable::with_capacity(self.entries.len());
        for (id, entry) in self.entries.iter().enumerate() {
            let rehash = |&id: &LevelId| self.entries[id as usize].text.hash(hasher);
            self.table
                .insert_unique(entry.text.hash(hasher), id as LevelId, rehash);
        }
        renamed
    }
}

impl Text {
    fn new(text: &str) -> Self {
        let source = text.as_bytes();
        if source.len() > SHORT {
            return Self::Long(source.into());
        }
        let mut bytes = [0; SHORT];
        bytes[..source.len()].copy_from_slice(source);
        Self::Short {
            len: source.len() as u8,
            bytes,
        }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }

    fn hash(&self, hasher: &DefaultHashBuilder) -> u64 {
        hash_level(hasher, self.bytes())
    }
}

/// One write of the bytes: no length or terminator is needed, since only whole texts are hashed.
#[inline]
fn hash_level(hasher: &DefaultHashBuilder, bytes: &[u8]) -> u64 {
    let mut state = hasher.build_hasher();
    state.write(bytes);
    state.finish()
}
