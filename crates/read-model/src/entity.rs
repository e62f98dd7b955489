//! What an entity is made of: one description, from which tables, GraphQL types, filters, orders and
//! statements follow.

/// A kind of row.
#[derive(Debug)]
pub(crate) struct Entity {
    /// GraphQL type and table.
    pub(crate) name: &'static str,
    /// Root field that lists it.
    pub(crate) plural: &'static str,
    /// For the schema.
    pub(crate) doc: &'static str,
    /// `id` first.
    pub(crate) fields: &'static [Field],
    /// Columns that no query sees: what a row needs to be updated.
    pub(crate) hidden: &'static [&'static str],
}

/// A field of an entity, or of an object or variant inside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// In GraphQL. Columns are named by the fields that lead to them, joined by `_`.
    pub(crate) name: &'static str,
    /// For the schema; may be empty.
    pub(crate) doc: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether it may be null.
    pub(crate) nullable: bool,
    /// Whether its column has an index. Ids and ties to other rows always have one.
    pub(crate) indexed: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A column.
    Scalar(Scalar),
    /// An object inside the row; null if all its columns are.
    Object(&'static Composite),
    /// One of several objects inside the row. Its own column names which.
    Union(&'static Union),
    /// A list inside the row, as JSON.
    List(Items),
    /// A row of another entity; the column has its id.
    One(&'static str),
    /// The row of another entity whose field of this name is this row.
    Back(&'static str, &'static str),
    /// The rows of another entity whose field of this name is this row.
    Many(&'static str, &'static str),
}

/// Values of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A text.
    Text,
    /// A small number.
    Int,
    /// An amount, see `value`.
    BigInt,
    /// A flag.
    Boolean,
    /// A number with a fraction.
    Float,
    /// Milliseconds since 1970; a text in GraphQL.
    DateTime,
    /// One of several names.
    Enum(&'static EnumType),
}

/// Members of a list inside a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Items {
    /// Texts.
    Texts,
    /// Objects of a union with only scalars in them; each has its type under `__typename`.
    Union(&'static Union),
}

/// An object inside a row.
#[derive(Debug)]
pub(crate) struct Composite {
    /// GraphQL type.
    pub(crate) name: &'static str,
    /// What it has.
    pub(crate) fields: &'static [Field],
}

/// A choice of objects inside a row.
#[derive(Debug)]
pub(crate) struct Union {
    /// GraphQL type.
    pub(crate) name: &'static str,
    /// Fields of the same name in several of them share a column.
    pub(crate) variants: &'static [&'static Composite],
}

/// A closed list of names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EnumType {
    /// GraphQL type.
    pub(crate) name: &'static str,
    /// Its values.
    pub(crate) values: &'static [&'static str],
}

impl Field {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, doc: "", kind, nullable: false, indexed: false }
    }

    pub(crate) const fn null(self) -> Self {
        Self { nullable: true, ..self }
    }

    pub(crate) const fn indexed(self) -> Self {
        Self { indexed: true, ..self }
    }

    pub(crate) const fn doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }
}

/// The column of a field that is reached by `path`, which is empty for the entity's own fields.
pub(crate) fn column(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}_{field}") }
}

/// A column, and whether it has an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnDef {
    /// Its name.
    pub(crate) name: String,
    /// Its type in SQLite.
    pub(crate) affinity: &'static str,
    /// Whether to index it.
    pub(crate) indexed: bool,
}

/// All columns of some fields, in order, each once.
pub(crate) fn columns(path: &str, fields: &[Field]) -> Vec<ColumnDef> {
    let mut all: Vec<ColumnDef> = Vec::new();
    for field in fields {
        let name = column(path, field.name);
        let mut add = |more: Vec<ColumnDef>| {
            for one in more {
                if all.iter().all(|known| known.name != one.name) {
                    all.push(one);
                }
            }
        };
        let own = |affinity, indexed| vec![ColumnDef { name: name.clone(), affinity, indexed }];
        match field.kind {
            Kind::Scalar(scalar) => add(own(scalar.affinity(), field.indexed)),
            Kind::List(_) => add(own("TEXT", false)),
            Kind::One(_) => add(own("TEXT", true)),
            Kind::Object(object) => add(columns(&name, object.fields)),
            Kind::Union(union) => {
                add(own("TEXT", field.indexed));
                for variant in union.variants {
                    add(columns(&name, variant.fields));
                }
            }
            Kind::Back(..) | Kind::Many(..) => {}
        }
    }
    all
}

impl Scalar {
    const fn affinity(self) -> &'static str {
        match self {
            Self::Text | Self::BigInt | Self::Enum(_) => "TEXT",
            Self::Int | Self::Boolean | Self::DateTime => "INTEGER",
            Self::Float => "REAL",
        }
    }

    /// Name of the GraphQL type.
    pub(crate) const fn type_name(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Int => "Int",
            Self::BigInt => "BigInt",
            Self::Boolean => "Boolean",
            Self::Float => "Float",
            Self::DateTime => "DateTime",
            Self::Enum(kind) => kind.name,
        }
    }
}
