//! Values that do not fit their type.

use model::contract::{Case, Type};

use super::{Segment, Value, ValuePath};

/// A value that does not fit its type, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Misfit {
    path: Box<ValuePath>,
    reason: Box<MisfitReason>,
}

/// How a value does not fit its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MisfitReason {
    /// The value is of another kind.
    #[error("a value of type `{expected}` is needed, a {found} was given")]
    Kind {
        /// The type.
        expected: String,
        /// The value's kind.
        found: &'static str,
    },
    /// Too few or too many fields, elements, flags or parameters.
    #[error("`{expected}` has {wanted} parts, {found} were given")]
    Length {
        /// The type, or `params`.
        expected: String,
        /// The number that the type asks for.
        wanted: usize,
        /// The number given.
        found: usize,
    },
    /// A case that the type lacks.
    #[error("`{expected}` has {count} cases, case {case} was given: cases count from 0")]
    Case {
        /// The type.
        expected: String,
        /// The case given.
        case: u32,
        /// The number of cases.
        count: usize,
    },
    /// A payload is missing.
    #[error("this case needs a payload of type `{expected}`: give one")]
    PayloadMissing {
        /// The payload's type.
        expected: String,
    },
    /// A payload where the case has none.
    #[error("this case has no payload: leave out the {found}")]
    PayloadUnexpected {
        /// The payload's kind.
        found: &'static str,
    },
    /// A result where the function has none, or the reverse.
    #[error("the function's result is {expected}, {found} was given")]
    Result {
        /// The type, or `nothing`.
        expected: String,
        /// The value's kind, or `nothing`.
        found: &'static str,
    },
    /// More elements or bytes than a length can say.
    #[error("{length} elements or bytes are more than a length can say: pass fewer at once")]
    TooLong {
        /// The length given.
        length: usize,
    },
    /// The type nests too deep.
    #[error("the type nests deeper than {} levels: use a flatter type", crate::limits::TYPE_DEPTH_MAX)]
    TooDeep,
}

impl Misfit {
    pub(crate) fn new(reason: MisfitReason) -> Misfit {
        Misfit { path: Box::new(ValuePath::root()), reason: Box::new(reason) }
    }

    /// The value is not of the type's kind.
    pub(crate) fn kind(ty: &Type, value: &Value) -> Misfit {
        Misfit::new(MisfitReason::Kind { expected: ty.to_string(), found: value.kind() })
    }

    pub(crate) fn within(mut self, segment: Segment) -> Misfit {
        self.path.push_outer(segment);
        self
    }

    pub(crate) fn rooted_at(mut self, root: &'static str) -> Misfit {
        self.path.set_root(root);
        self
    }

    pub(crate) fn into_parts(self) -> (ValuePath, MisfitReason) {
        (*self.path, *self.reason)
    }

    /// Where in the value.
    pub fn path(&self) -> &ValuePath {
        &self.path
    }

    /// What is wrong there.
    pub fn reason(&self) -> &MisfitReason {
        &self.reason
    }
}

/// Refuses a number of parts that is not the type's own.
pub(crate) fn same_length(expected: &impl ToString, wanted: usize, found: usize) -> Result<(), Misfit> {
    if wanted == found {
        return Ok(());
    }
    Err(Misfit::new(MisfitReason::Length { expected: expected.to_string(), wanted, found }))
}

/// The case at a position.
pub(crate) fn case_at<'t, C>(ty: &Type, cases: &'t [C], case: u32) -> Result<&'t C, Misfit> {
    let missing = || MisfitReason::Case { expected: ty.to_string(), case, count: cases.len() };
    usize::try_from(case).ok().and_then(|at| cases.get(at)).ok_or_else(|| Misfit::new(missing()))
}

/// A payload together with its type, where there is one; a payload without a type and the reverse are refused.
pub(crate) fn payload<'a>(
    ty: Option<&'a Type>,
    value: Option<&'a Value>,
) -> Result<Option<(&'a Type, &'a Value)>, Misfit> {
    match (ty, value) {
        (None, None) => Ok(None),
        (Some(ty), Some(value)) => Ok(Some((ty, value))),
        (Some(ty), None) => Err(Misfit::new(MisfitReason::PayloadMissing { expected: ty.to_string() })),
        (None, Some(value)) => Err(Misfit::new(MisfitReason::PayloadUnexpected { found: value.kind() })),
    }
}

/// A variant's case and payload, checked against each other.
pub(crate) fn variant_payload<'a>(
    case: &'a Case,
    value: Option<&'a Value>,
) -> Result<Option<(&'a Type, &'a Value)>, Misfit> {
    payload(case.ty.as_ref(), value).map_err(|error| error.within(Segment::Name(case.name.clone())))
}

/// A function's result together with its type.
pub(crate) fn result<'a>(
    ty: Option<&'a Type>,
    value: Option<&'a Value>,
) -> Result<Option<(&'a Type, &'a Value)>, Misfit> {
    match (ty, value) {
        (None, None) => Ok(None),
        (Some(ty), Some(value)) => Ok(Some((ty, value))),
        (ty, value) => Err(Misfit::new(MisfitReason::Result {
            expected: ty.map_or_else(|| "nothing".to_owned(), |ty| format!("`{ty}`")),
            found: value.map_or("nothing", Value::kind),
        })
        .rooted_at("result")),
    }
}
