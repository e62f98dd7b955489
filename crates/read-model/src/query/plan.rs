//! From a selection to what must be read: one level per entity, whose rows are read by one statement
//! however many they are.

use super::{
    error::{Code, QueryError},
    select::{Request, Selected},
};
use crate::{
    entities::entity,
    entity::{Composite, Entity, Field, Items, Kind, Scalar, Union, column, columns},
};
use async_graphql::{Value as Const, parser::types::SelectionSet};
use rusqlite::types::Value;
use std::{collections::HashMap, ops::Range};

/// Rows of one entity at one place of the answer.
pub(crate) struct Level<'a> {
    pub(crate) entity: &'static Entity,
    /// What to read of each row; the id first.
    pub(crate) columns: Vec<String>,
    /// What to write of each row.
    pub(crate) outputs: Vec<Output<'a>>,
    /// Rows of other entities that hang on these.
    pub(crate) relations: Vec<Relation<'a>>,
}

/// A field of the answer.
pub(crate) struct Output<'a> {
    pub(crate) key: &'a str,
    pub(crate) what: What<'a>,
}

/// Where a field's value comes from. Numbers are positions among the columns.
pub(crate) enum What<'a> {
    Typename(&'static str),
    Scalar(usize, Scalar),
    Texts(usize),
    /// A list of small objects, by their type.
    Items(usize, ItemFields<'a>),
    /// An object, null if all these columns are.
    Object(Vec<usize>, Vec<Output<'a>>),
    /// One of several objects, by the name in the column.
    Union(usize, HashMap<&'static str, Vec<Output<'a>>>),
    /// Position among the relations.
    Related(usize),
}

/// For each type of small objects, keys of the answer and fields.
pub(crate) type ItemFields<'a> = HashMap<&'static str, Vec<(&'a str, &'a str)>>;

/// Rows that hang on others.
pub(crate) struct Relation<'a> {
    pub(crate) link: Link,
    pub(crate) level: Level<'a>,
    pub(crate) rows: Vec<Vec<Value>>,
    /// Which of them hang on a row, by that row's id or what it refers to.
    pub(crate) of: HashMap<String, Range<usize>>,
}

/// How they hang.
pub(crate) enum Link {
    /// The id is in this column.
    One(usize),
    /// So, and only the id is asked for: nothing need be read.
    OnlyId(usize),
    /// Their column of this name has our id.
    Back(&'static str),
    /// So, and there may be many.
    Many(&'static str, Page),
}

/// Arguments of a list.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) filter: Option<Const>,
    pub(crate) order: Option<Const>,
    pub(crate) offset: u64,
    pub(crate) limit: Option<u64>,
}

impl<'a> Level<'a> {
    /// The level of rows of `entity` of which `sets` are selected. Lists may not ask for more than
    /// `most` rows.
    pub(crate) fn new(
        request: &Request<'a>,
        entity: &'static Entity,
        sets: &[&'a SelectionSet],
        most: u64,
    ) -> Result<Self, QueryError> {
        let mut planner = Planner { request, most, columns: vec!["id".to_owned()], relations: Vec::new() };
        let outputs = planner.outputs(entity.name, entity.fields, "", sets)?;
        Ok(Self { entity, columns: planner.columns, outputs, relations: planner.relations })
    }

    fn reads_only_the_id(&self) -> bool {
        self.columns.len() == 1 && self.relations.is_empty()
    }
}

struct Planner<'p, 'a> {
    request: &'p Request<'a>,
    most: u64,
    columns: Vec<String>,
    relations: Vec<Relation<'a>>,
}

impl<'a> Planner<'_, 'a> {
    fn position(&mut self, column: &str) -> usize {
        self.columns.iter().position(|known| known == column).unwrap_or_else(|| {
            self.columns.push(column.to_owned());
            self.columns.len() - 1
        })
    }

    fn outputs(
        &mut self,
        kind: &'static str,
        fields: &'static [Field],
        path: &str,
        sets: &[&'a SelectionSet],
    ) -> Result<Vec<Output<'a>>, QueryError> {
        let selected = self.request.fields(sets, &|on| on == kind)?;
        selected.into_iter().map(|one| self.output(kind, fields, path, &one)).collect()
    }

    fn output(
        &mut self,
        kind: &'static str,
        fields: &'static [Field],
        path: &str,
        selected: &Selected<'a>,
    ) -> Result<Output<'a>, QueryError> {
        let key = selected.key;
        if selected.name == "__typename" {
            return Ok(Output { key, what: What::Typename(kind) });
        }
        let field = fields.iter().find(|field| field.name == selected.name).ok_or_else(|| {
            QueryError::new(Code::InvalidQuery, format!("{kind} has no field of the name that is selected"))
        })?;
        let column = column(path, field.name);
        let what = match field.kind {
            Kind::Scalar(scalar) => What::Scalar(self.position(&column), scalar),
            Kind::List(Items::Texts) => What::Texts(self.position(&column)),
            Kind::List(Items::Union(union)) => {
                What::Items(self.position(&column), self.items(union, selected)?)
            }
            Kind::Object(object) => self.object(object, &column, selected)?,
            Kind::Union(union) => self.union(union, &column, selected)?,
            Kind::One(target) => {
                let level = Level::new(self.request, entity(target), &selected.sets, self.most)?;
                let position = self.position(&column);
                // A reference that cannot be null is to a row that is there.
                let id_suffices = level.reads_only_the_id() && !field.nullable;
                self.related(if id_suffices { Link::OnlyId(position) } else { Link::One(position) }, level)
            }
            Kind::Back(target, via) => {
                let level = Level::new(self.request, entity(target), &selected.sets, self.most)?;
                self.related(Link::Back(via), level)
            }
            Kind::Many(target, via) => {
                let level = Level::new(self.request, entity(target), &selected.sets, self.most)?;
                let page = page(self.request, selected, self.most)?;
                self.related(Link::Many(via, page), level)
            }
        };
        Ok(Output { key, what })
    }

    fn related(&mut self, link: Link, level: Level<'a>) -> What<'a> {
        self.relations.push(Relation { link, level, rows: Vec::new(), of: HashMap::new() });
        What::Related(self.relations.len() - 1)
    }

    fn object(
        &mut self,
        object: &'static Composite,
        path: &str,
        selected: &Selected<'a>,
    ) -> Result<What<'a>, QueryError> {
        let all = columns(path, object.fields);
        let present = all.iter().map(|one| self.position(&one.name)).collect();
        let outputs = self.outputs(object.name, object.fields, path, &selected.sets)?;
        Ok(What::Object(present, outputs))
    }

    fn union(
        &mut self,
        union: &'static Union,
        path: &str,
        selected: &Selected<'a>,
    ) -> Result<What<'a>, QueryError> {
        let tag = self.position(path);
        let mut variants = HashMap::new();
        for variant in union.variants {
            let is_of = |on: &str| on == variant.name || on == union.name;
            let fields = self.request.fields(&selected.sets, &is_of)?;
            let outputs = fields.into_iter().map(|one| self.output(variant.name, variant.fields, path, &one));
            variants.insert(variant.name, outputs.collect::<Result<_, _>>()?);
        }
        Ok(What::Union(tag, variants))
    }

    fn items(&self, union: &'static Union, selected: &Selected<'a>) -> Result<ItemFields<'a>, QueryError> {
        let mut all = HashMap::new();
        for variant in union.variants {
            let is_of = |on: &str| on == variant.name || on == union.name;
            let fields = self.request.fields(&selected.sets, &is_of)?;
            all.insert(variant.name, fields.into_iter().map(|one| (one.key, one.name)).collect());
        }
        Ok(all)
    }
}

/// The arguments of a list.
pub(crate) fn page(request: &Request<'_>, selected: &Selected<'_>, most: u64) -> Result<Page, QueryError> {
    Ok(Page {
        filter: request.argument(selected, "where"),
        order: request.argument(selected, "orderBy"),
        offset: count(request, selected, "offset", most)?.unwrap_or(0),
        limit: count(request, selected, "limit", most)?,
    })
}

/// A number of rows.
pub(crate) fn count(
    request: &Request<'_>,
    selected: &Selected<'_>,
    name: &str,
    most: u64,
) -> Result<Option<u64>, QueryError> {
    let Some(value) = request.argument(selected, name) else { return Ok(None) };
    let number = match &value {
        Const::Number(number) => number.as_i64(),
        Const::Null
        | Const::String(_)
        | Const::Boolean(_)
        | Const::Binary(_)
        | Const::Enum(_)
        | Const::List(_)
        | Const::Object(_) => None,
    };
    let number = number.ok_or_else(|| QueryError::bad_value(format!("{name} must be a whole number")))?;
    let number =
        u64::try_from(number).map_err(|_| QueryError::bad_value(format!("{name} must not be negative")))?;
    if number > most {
        let message = format!("{name} is more than {most}: ask in parts, best with a connection's cursors");
        return Err(QueryError::new(Code::PageTooLarge, message));
    }
    Ok(Some(number))
}
