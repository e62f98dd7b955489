//! What a query selects: fragments spread, directives followed, variables put in, fields of the same
//! name joined.

use super::error::{Code, QueryError};
use async_graphql::{
    Name, Value as Const,
    parser::types::{Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value;
use std::collections::HashMap;

/// The document and the variables of a request.
pub(crate) struct Request<'a> {
    pub(crate) document: &'a ExecutableDocument,
    pub(crate) operation: &'a OperationDefinition,
    variables: HashMap<Name, Const>,
}

/// A selected field.
pub(crate) struct Selected<'a> {
    /// Its name in the answer.
    pub(crate) key: &'a str,
    /// Its name in the schema.
    pub(crate) name: &'a str,
    field: &'a Field,
    /// What is selected of it: more than one set where it is selected more than once.
    pub(crate) sets: Vec<&'a SelectionSet>,
}

impl<'a> Request<'a> {
    /// `given` are the request's variables; those left out have the defaults of the operation, or are
    /// not there at all.
    pub(crate) fn new(
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        given: impl IntoIterator<Item = (Name, Const)>,
    ) -> Self {
        let mut variables: HashMap<Name, Const> = given.into_iter().collect();
        for definition in &operation.variable_definitions {
            let definition = &definition.node;
            if let Some(default) = &definition.default_value {
                variables.entry(definition.name.node.clone()).or_insert_with(|| default.node.clone());
            }
        }
        Self { document, operation, variables }
    }

    /// A value with its variables put in. One that is not there makes nothing of a value, takes a
    /// field out of an object, and is null in a list.
    fn value(&self, value: &Value) -> Option<Const> {
        Some(match value {
            Value::Variable(name) => self.variables.get(name.as_str())?.clone(),
            Value::Null => Const::Null,
            Value::Number(number) => Const::Number(number.clone()),
            Value::String(text) => Const::String(text.clone()),
            Value::Boolean(flag) => Const::Boolean(*flag),
            Value::Binary(bytes) => Const::Binary(bytes.clone()),
            Value::Enum(name) => Const::Enum(name.clone()),
            Value::List(items) => {
                Const::List(items.iter().map(|item| self.value(item).unwrap_or(Const::Null)).collect())
            }
            Value::Object(fields) => {
                let known = |(name, value): (&Name, &Value)| Some((name.clone(), self.value(value)?));
                Const::Object(fields.iter().filter_map(known).collect())
            }
        })
    }

    /// An argument of a field; null is the same as nothing.
    pub(crate) fn argument(&self, selected: &Selected<'_>, name: &str) -> Option<Const> {
        let value = self.value(&selected.field.get_argument(name)?.node)?;
        (value != Const::Null).then_some(value)
    }

    /// The fields that `sets` select of an object of this type, in order. `is_of` tells whether a
    /// fragment's type includes it.
    pub(crate) fn fields(
        &self,
        sets: &[&'a SelectionSet],
        is_of: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Selected<'a>>, QueryError> {
        let mut all = Vec::new();
        for set in sets {
            self.collect(set, is_of, &mut all)?;
        }
        Ok(all)
    }

    fn collect(
        &self,
        set: &'a SelectionSet,
        is_of: &dyn Fn(&str) -> bool,
        all: &mut Vec<Selected<'a>>,
    ) -> Result<(), QueryError> {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    if self.is_wanted(field.directives.iter().map(|one| &one.node))? {
                        add(all, field);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let fragment = &fragment.node;
                    let on = fragment.type_condition.as_ref().map(|one| one.node.on.node.as_str());
                    if on.is_none_or(is_of)
                        && self.is_wanted(fragment.directives.iter().map(|one| &one.node))?
                    {
                        self.collect(&fragment.selection_set.node, is_of, all)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let fragment = self.document.fragments.get(name).ok_or_else(|| {
                        QueryError::new(Code::InvalidQuery, "a fragment that is spread is not defined")
                    })?;
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    if is_of(on) && self.is_wanted(spread.node.directives.iter().map(|one| &one.node))? {
                        self.collect(&fragment.node.selection_set.node, is_of, all)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn is_wanted<'d>(&self, directives: impl Iterator<Item = &'d Directive>) -> Result<bool, QueryError> {
        let mut wanted = true;
        for directive in directives {
            let condition = directive.get_argument("if").and_then(|value| self.value(&value.node));
            let Some(Const::Boolean(condition)) = condition else {
                return Err(QueryError::bad_value("the directives skip and include need a Boolean named if"));
            };
            wanted &= condition != (directive.name.node == "skip");
        }
        Ok(wanted)
    }
}

fn add<'a>(all: &mut Vec<Selected<'a>>, field: &'a Field) {
    let (key, set) = (field.response_key().node.as_str(), &field.selection_set.node);
    match all.iter_mut().find(|known| known.key == key) {
        Some(known) => known.sets.push(set),
        None => all.push(Selected { key, name: field.name.node.as_str(), field, sets: vec![set] }),
    }
}
