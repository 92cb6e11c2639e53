//! What the conditions of a policy say of the types of its columns.
//!
//! In: conditions. Out: for each column the type that its comparisons ask for, where they ask for one. Untyped
//! sources (CSV) are read by it, and checks without a schema use it.

use std::collections::{HashMap, HashSet};

use super::policy::Policy;
use crate::expr::{Kind, Literal, Node, Type};

/// Types of columns by name.
pub type Kinds = HashMap<String, Type>;

impl Policy {
    /// The types that conditions ask of their columns.
    pub fn kinds(&self) -> Kinds {
        let mut kinds = Kinds::new();
        // A column compared with a column has the type of that one, which a later rule may tell.
        for _ in 0..2 {
            for rule in &self.rules {
                note(&mut kinds, rule.when.root(), Some(Type::Boolean));
                walk(rule.when.root(), &mut kinds);
            }
        }
        kinds
    }

    /// The columns that are compared with numbers.
    pub(super) fn number_columns(&self) -> HashSet<String> {
        let numbers = |(name, kind)| matches!(kind, Type::Integer | Type::Double).then_some(name);
        self.kinds().into_iter().filter_map(numbers).collect()
    }
}

/// The type of a part, as far as literals tell it.
fn literal_type(node: &Node) -> Option<Type> {
    match &node.kind {
        Kind::Literal(Literal::Integer(_)) | Kind::Negate(_) => Some(Type::Integer),
        Kind::Literal(Literal::Double(_)) => Some(Type::Double),
        Kind::Literal(Literal::Text(_)) | Kind::Join(..) => Some(Type::Text),
        Kind::Literal(Literal::Boolean(_)) => Some(Type::Boolean),
        Kind::Literal(Literal::Date(_)) => Some(Type::Date),
        Kind::Literal(Literal::Timestamp(_)) => Some(Type::Timestamp),
        Kind::Arithmetic(..) => {
            let parts = node.parts();
            let dated = parts.iter().any(|part| matches!(literal_type(part), Some(Type::Date)));
            (!dated).then_some(Type::Double)
        }
        Kind::Cast(_, target) => Some(target.kind()),
        Kind::Call(function, _) => function.result(),
        _ => None,
    }
}

fn note(kinds: &mut Kinds, node: &Node, kind: Option<Type>) {
    let (Kind::Column(name), Some(kind)) = (&node.kind, kind) else { return };
    let known = kinds.entry(name.clone()).or_insert(kind);
    // A column compared with 1 and with 0.5 holds doubles.
    if (*known, kind) == (Type::Integer, Type::Double) {
        *known = Type::Double;
    }
}

fn walk(node: &Node, kinds: &mut Kinds) {
    let boolean = Some(Type::Boolean);
    match &node.kind {
        Kind::Compare(..) | Kind::Between { .. } | Kind::In { .. } | Kind::Arithmetic(..) => {
            let parts = node.parts();
            let told = parts.iter().find_map(|part| match &part.kind {
                Kind::Column(name) => kinds.get(name).copied(),
                _ => literal_type(part),
            });
            let told = told.or_else(|| matches!(node.kind, Kind::Arithmetic(..)).then_some(Type::Double));
            for part in &parts {
                let own = parts.iter().find_map(|other| literal_type(other)).or(told);
                note(kinds, part, own);
            }
        }
        Kind::Like { value, pattern, .. } => {
            note(kinds, value, Some(Type::Text));
            note(kinds, pattern, Some(Type::Text));
        }
        Kind::Join(left, right) => {
            [left, right].into_iter().for_each(|part| note(kinds, part, Some(Type::Text)));
        }
        Kind::Not(one) => note(kinds, one, boolean),
        Kind::Negate(one) => note(kinds, one, Some(Type::Double)),
        Kind::All(parts) | Kind::Any(parts) => parts.iter().for_each(|part| note(kinds, part, boolean)),
        Kind::Call(function, parts) => {
            parts.iter().for_each(|part| note(kinds, part, function.argument()));
        }
        _ => {}
    }
    node.parts().into_iter().for_each(|part| walk(part, kinds));
}
