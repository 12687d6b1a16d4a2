//! Who gets a message: the filter tree of this worker's sessions, and the shared groups.

use renata_topics::{FilterTree, TopicFilter, TopicName};
use rustc_hash::FxHashMap;
use slab::Slab;
use smallvec::SmallVec;
use std::sync::Arc;

use super::client::ClientKey;

/// The subscriptions of all sessions, ready to be matched.
#[derive(Debug, Default)]
pub(super) struct Router {
    tree: FilterTree<Route>,
    groups: Slab<Group>,
    /// From `$share/{group}/{filter}` to the group.
    by_name: FxHashMap<Arc<str>, GroupKey>,
    /// For each client: the last match that it had a part in, to find overlaps without searching.
    last: Vec<(u64, usize)>,
    serial: u64,
    subscriptions: usize,
}

/// What of a subscription decides about a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Options {
    /// Maximum QoS.
    pub(super) qos: u8,
    pub(super) no_local: bool,
    pub(super) retain_as_published: bool,
    /// Subscription Identifier; 0 is none.
    pub(super) identifier: u32,
}

/// One delivery to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) client: ClientKey,
    /// The highest QoS that a matching subscription allows.
    pub(super) qos: u8,
    pub(super) retain_as_published: bool,
    /// Identifiers of all matching subscriptions.
    pub(super) identifiers: SmallVec<[u32; 2]>,
    /// The group that chose the client.
    pub(super) group: Option<GroupKey>,
}

/// Names a shared group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct GroupKey(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Route {
    Client(ClientKey, Options),
    Group(GroupKey),
}

#[derive(Debug)]
struct Group {
    name: Arc<str>,
    members: Vec<(ClientKey, Options)>,
    /// Whose turn it is.
    next: usize,
}

impl Router {
    /// Subscriptions in it.
    pub(super) fn len(&self) -> usize {
        self.subscriptions
    }

    /// Adds a subscription; the caller has taken out an older one of the same client and filter.
    pub(super) fn insert(&mut self, filter: TopicFilter<'_>, client: ClientKey, options: Options) {
        self.subscriptions += 1;
        if filter.share_name().is_none() {
            self.tree.insert(filter, Route::Client(client, options));
            return;
        }
        let key = match self.by_name.get(filter.as_str()) {
            Some(key) => *key,
            None => {
                let name: Arc<str> = filter.as_str().into();
                let key = GroupKey(self.groups.insert(Group {
                    name: Arc::clone(&name),
                    members: Vec::new(),
                    next: 0,
                }) as u32);
                self.by_name.insert(name, key);
                self.tree.insert(filter.without_share(), Route::Group(key));
                key
            }
        };
        self.groups[key.0 as usize].members.push((client, options));
    }

    /// Takes a subscription out again.
    pub(super) fn remove(&mut self, filter: TopicFilter<'_>, client: ClientKey, options: Options) {
        self.subscriptions = self.subscriptions.saturating_sub(1);
        if filter.share_name().is_none() {
            self.tree.remove(filter, &Route::Client(client, options));
            return;
        }
        let Some(key) = self.by_name.get(filter.as_str()).copied() else {
            return;
        };
        let group = &mut self.groups[key.0 as usize];
        group.members.retain(|(member, _)| *member != client);
        if group.members.is_empty() {
            let group = self.groups.remove(key.0 as usize);
            self.by_name.remove(&group.name);
            self.tree.remove(filter.without_share(), &Route::Group(key));
        }
    }

    /// Appends to `out` one match for each client with a matching subscription of its own, and one
    /// for each matching group.
    ///
    /// `live` says whether a client is connected: a group prefers those, in turn.
    pub(super) fn matches(
        &mut self,
        topic: TopicName<'_>,
        publisher: Option<ClientKey>,
        live: impl Fn(ClientKey) -> bool,
        out: &mut Vec<Match>,
    ) {
        self.serial += 1;
        let Self {
            tree,
            groups,
            last,
            serial,
            ..
        } = self;
        tree.for_each_match(topic, |route| match *route {
            Route::Client(client, options) => {
                if options.no_local && publisher == Some(client) {
                    return;
                }
                let index = client.0 as usize;
                if last.len() <= index {
                    last.resize(index + 1, (0, 0));
                }
                if last[index].0 == *serial {
                    out[last[index].1].merge(options);
                } else {
                    last[index] = (*serial, out.len());
                    out.push(Match::new(client, options, None));
                }
            }
            Route::Group(key) => {
                let group = &mut groups[key.0 as usize];
                if let Some((client, options)) = group.choose(&live) {
                    out.push(Match::new(client, options, Some(key)));
                }
            }
        });
    }

    /// Another member for a message that its first one has not taken.
    pub(super) fn choose_again(
        &mut self,
        key: GroupKey,
        live: impl Fn(ClientKey) -> bool,
    ) -> Option<Match> {
        let (client, options) = self.groups.get_mut(key.0 as usize)?.choose(&live)?;
        Some(Match::new(client, options, Some(key)))
    }
}

impl Match {
    fn new(client: ClientKey, options: Options, group: Option<GroupKey>) -> Self {
        let mut identifiers = SmallVec::new();
        if options.identifier != 0 {
            identifiers.push(options.identifier);
        }
        Self {
            client,
            qos: options.qos,
            retain_as_published: options.retain_as_published,
            identifiers,
            group,
        }
    }

    fn merge(&mut self, options: Options) {
        self.qos = self.qos.max(options.qos);
        self.retain_as_published |= options.retain_as_published;
        if options.identifier != 0 {
            self.identifiers.push(options.identifier);
        }
    }
}

impl Group {
    /// The next member in turn, connected if any is.
    fn choose(&mut self, live: impl Fn(ClientKey) -> bool) -> Option<(ClientKey, Options)> {
        let count = self.members.len();
        let turn = |offset| (self.next + offset) % count;
        let chosen = (0..count)
            .map(turn)
            .find(|i| live(self.members[*i].0))
            .or_else(|| (count > 0).then(|| turn(0)))?;
        self.next = (chosen + 1) % count;
        Some(self.members[chosen])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> TopicFilter<'_> {
        TopicFilter::new(text).unwrap()
    }

    fn options(qos: u8, identifier: u32) -> Options {
        Options {
            qos,
            no_local: false,
            retain_as_published: false,
            identifier,
        }
    }

    fn matches(router: &mut Router, topic: &str, live: &[u32]) -> Vec<Match> {
        let mut out = Vec::new();
        router.matches(
            TopicName::new(topic).unwrap(),
            Some(ClientKey(1)),
            |client| live.contains(&client.0),
            &mut out,
        );
        out
    }

    #[test]
    fn overlapping_subscriptions_are_one_delivery_with_all_identifiers() {
        let mut router = Router::default();
        router.insert(filter("a/+"), ClientKey(7), options(1, 5));
        router.insert(filter("a/#"), ClientKey(7), options(2, 6));
        router.insert(filter("a/b"), ClientKey(8), options(0, 0));
        let mut found = matches(&mut router, "a/b", &[]);
        found.sort_by_key(|m| m.client.0);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].qos, 2);
        found[0].identifiers.sort_unstable();
        assert_eq!(found[0].identifiers[..], [5, 6]);
        router.remove(filter("a/#"), ClientKey(7), options(2, 6));
        assert_eq!(matches(&mut router, "a/b/c", &[]), []);
        assert_eq!(router.len(), 2);
    }

    #[test]
    fn no_local_keeps_a_clients_own_messages_from_it() {
        let mut router = Router::default();
        let own = Options {
            no_local: true,
            ..options(0, 0)
        };
        router.insert(filter("#"), ClientKey(1), own);
        assert_eq!(matches(&mut router, "a", &[]), []);
    }

    #[test]
    fn a_group_takes_turns_among_those_who_are_there() {
        let mut router = Router::default();
        for client in 2..5 {
            router.insert(filter("$share/g/a/#"), ClientKey(client), options(1, 0));
        }
        let mut turn = |live: &[u32]| matches(&mut router, "a/b", live)[0].client.0;
        assert_eq!(
            [turn(&[2, 3, 4]), turn(&[2, 3, 4]), turn(&[2, 3, 4])],
            [2, 3, 4]
        );
        assert_eq!([turn(&[3]), turn(&[3])], [3, 3], "only one is connected");
        let offline = [turn(&[]), turn(&[])];
        assert_ne!(
            offline[0], offline[1],
            "nobody is: the messages wait in turn"
        );
        for client in 2..5 {
            router.remove(filter("$share/g/a/#"), ClientKey(client), options(1, 0));
        }
        assert_eq!(matches(&mut router, "a/b", &[2]), []);
        assert_eq!(router.len(), 0);
    }
}
