//! From rules to trees.

use super::action::Effect;
use super::forest::{Forest, Masks, NONE, NodeId};
use super::model::{FilterLevel, Role, Rule, RuleFilter};

/// Puts every rule into the tree of its role and action.
pub(crate) fn compile(roles: &[Role]) -> Forest {
    let mut forest = Forest::default();
    for role in roles {
        let id = forest.add_role();
        for rule in &role.rules {
            for action in rule.actions.iter().filter(|action| action.has_topic()) {
                let root = forest.root_or_new(id, action);
                for filter in &rule.topics {
                    insert(&mut forest, root, rule, filter);
                }
            }
        }
    }
    forest
}

fn insert(forest: &mut Forest, root: NodeId, rule: &Rule, filter: &RuleFilter) {
    // `/#` means `/+/#`: the parent that it would add, the empty text, is no topic.
    let empty_parent = [FilterLevel::Literal("".into()), FilterLevel::Hash];
    let spelled_out = [
        FilterLevel::Literal("".into()),
        FilterLevel::Plus,
        FilterLevel::Hash,
    ];
    let levels = if filter.levels == empty_parent {
        &spelled_out[..]
    } else {
        &filter.levels
    };
    let mut at = root;
    for level in levels {
        // Whatever comes, it lies below this node; for `#` that is the node's own `below`.
        if rule.effect == Effect::Deny {
            forest.nodes[at as usize].denies_below.add(rule.mask);
        }
        at = match level {
            FilterLevel::Hash => {
                mark(&mut forest.nodes[at as usize].below, rule);
                return;
            }
            level => follow(forest, at, level),
        };
    }
    mark(&mut forest.nodes[at as usize].here, rule);
}

fn mark(masks: &mut Masks, rule: &Rule) {
    match rule.effect {
        Effect::Allow => masks.allow.add(rule.mask),
        Effect::Deny => masks.deny.add(rule.mask),
    }
}

/// The node behind an edge, made if need be.
fn follow(forest: &mut Forest, from: NodeId, level: &FilterLevel) -> NodeId {
    let id = match level {
        FilterLevel::Literal(text) => forest.levels.intern(text),
        _ => NONE,
    };
    let node = forest.node(from);
    let known = match level {
        FilterLevel::Literal(_) => node.literals.get(id),
        FilterLevel::Var(var) => node
            .vars
            .iter()
            .find(|edge| edge.0 == *var)
            .map(|edge| edge.1),
        FilterLevel::Plus | FilterLevel::Hash => (node.plus != NONE).then_some(node.plus),
    };
    if let Some(known) = known {
        return known;
    }
    let new = forest.add_node();
    let node = &mut forest.nodes[from as usize];
    match level {
        FilterLevel::Literal(_) => node.literals.insert(id, new),
        FilterLevel::Var(var) => node.vars.push((*var, new)),
        FilterLevel::Plus | FilterLevel::Hash => node.plus = new,
    }
    new
}
