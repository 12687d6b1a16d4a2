//! The values under one filter, without duplicates.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// One value in place, or a list; a long list finds its members through a hash index, so that the
/// hundred-thousandth subscriber of a topic costs as much as the second.
#[derive(Clone, Debug)]
pub(crate) enum Bucket<T> {
    One(T),
    List(Box<List<T>>),
}

#[derive(Clone, Debug)]
pub(crate) struct List<T> {
    items: Vec<T>,
    index: Option<Index>,
}

/// Hash of an item -> its place in the list.
#[derive(Clone, Debug, Default)]
struct Index {
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// Up to here a look through the list is as fast as a hash.
const SHORT: usize = 32;

impl<T: Eq + Hash> Bucket<T> {
    /// Adds a value; false if it is there.
    pub(crate) fn insert(&mut self, item: T) -> bool {
        match self {
            Self::One(only) if *only == item => false,
            Self::One(_) => {
                let list = List {
                    items: Vec::with_capacity(2),
                    index: None,
                };
                let old = std::mem::replace(self, Self::List(Box::new(list)));
                if let (Self::List(list), Self::One(only)) = (self, old) {
                    list.items.extend([only, item]);
                }
                true
            }
            Self::List(list) => list.insert(item),
        }
    }

    /// Takes a value out; false if it was not there. The last one cannot be taken: then the whole
    /// bucket has to go, see [`is_only`](Self::is_only).
    pub(crate) fn remove(&mut self, item: &T) -> bool {
        let Self::List(list) = self else {
            return false;
        };
        let removed = list.remove(item);
        if list.items.len() == 1
            && let Some(last) = list.items.pop()
        {
            *self = Self::One(last);
        }
        removed
    }

    /// Whether this value is all there is.
    pub(crate) fn is_only(&self, item: &T) -> bool {
        matches!(self, Self::One(only) if only == item)
    }
}

impl<T> Bucket<T> {
    #[inline]
    pub(crate) fn items(&self) -> &[T] {
        match self {
            Self::One(item) => std::slice::from_ref(item),
            Self::List(list) => &list.items,
        }
    }
}

impl<T: Eq + Hash> List<T> {
    fn find(&self, item: &T) -> Option<usize> {
        match &self.index {
            None => self.items.iter().position(|other| other == item),
            Some(index) => {
                let same = |&place: &u32| self.items[place as usize] == *item;
                let place = index.places.find(index.hasher.hash_one(item), same)?;
                Some(*place as usize)
            }
        }
    }

    fn insert(&mut self, item: T) -> bool {
        if self.find(&item).is_some() {
            return false;
        }
        self.items.push(item);
        let last = self.items.len() - 1;
        if self.index.is_some() {
            self.note(last);
        } else if self.items.len() > SHORT {
            self.index = Some(Index::default());
            (0..self.items.len()).for_each(|place| self.note(place));
        }
        true
    }

    fn remove(&mut self, item: &T) -> bool {
        let Some(place) = self.find(item) else {
            return false;
        };
        let last = self.items.len() - 1;
        self.forget(place);
        if place != last {
            self.forget(last);
        }
        self.items.swap_remove(place);
        if place != last {
            self.note(place);
        }
        if self.items.len() * 4 < self.items.capacity() {
            self.items.shrink_to_fit();
            if self.items.len() <= SHORT {
                self.index = None;
            } else if let Some(Index { places, hasher }) = &mut self.index {
                let items = &self.items;
                places.shrink_to_fit(|&place| hasher.hash_one(&items[place as usize]));
            }
        }
        true
    }

    /// Enters the item at `place` into the index.
    fn note(&mut self, place: usize) {
        if let Some(Index { places, hasher }) = &mut self.index {
            let items = &self.items;
            let hash = |&place: &u32| hasher.hash_one(&items[place as usize]);
            let place = place as u32;
            places.insert_unique(hash(&place), place, hash);
        }
    }

    /// Takes the item at `place` out of the index.
    fn forget(&mut self, place: usize) {
        if let Some(Index { places, hasher }) = &mut self.index {
            let hash = hasher.hash_one(&self.items[place]);
            if let Ok(found) = places.find_entry(hash, |&other| other as usize == place) {
                found.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_set_through_all_its_forms() {
        let mut bucket = Bucket::One(0u32);
        let mut model = vec![0u32];
        // A fixed mix of growth to 300, shrinking to 1 and repeats.
        for step in 1..=3000u32 {
            let item = step.wrapping_mul(2_654_435_761) >> 20;
            let item = item % 300;
            let grow = (step / 500) % 2 == 0;
            if grow {
                let new = !model.contains(&item);
                assert_eq!(bucket.insert(item), new);
                if new {
                    model.push(item);
                }
            } else if model.len() > 1 {
                let there = model.contains(&item);
                assert_eq!(bucket.remove(&item), there);
                model.retain(|&other| other != item);
            }
            let mut items = bucket.items().to_vec();
            items.sort_unstable();
            model.sort_unstable();
            assert_eq!(items, model);
        }
    }
}
