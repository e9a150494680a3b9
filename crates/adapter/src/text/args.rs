//! The arguments of a command line.

use model::contract::{Field, Function, Type};

use super::{Notation, TextError, TextReason, json, read, within_bound};
use crate::value::Value;

/// Parameters read from a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// The parameters, in order.
    pub values: Vec<Value>,
    /// JSON if an argument could be read as JSON only, else WAVE: the notation for the answer.
    pub notation: Notation,
}

/// Reads a call's parameters from the arguments of a command line.
///
/// - One argument for each parameter, each in WAVE or, where it is not that, in JSON. Trailing parameters of an option
///   type may be left out.
/// - For a parameter of type `string`, text that does not begin with a double quote is the string itself; for one of
///   type `char`, a single character is the character itself.
/// - Or one JSON object of all parameters by name, or one JSON array of them by position. Where the function has one
///   parameter only, the object must name it, and an array is always that parameter's own value.
pub fn params_from_args(function: &Function, args: &[String]) -> Result<Arguments, TextError> {
    let params = function.params.as_slice();
    let together = match args {
        [only] => all_in_one(params, only),
        _ => None,
    };
    match (together, takes(params, args.len())) {
        (Some(Ok(values)), _) => Ok(Arguments { values, notation: Notation::Json }),
        (Some(Err(error)), true) => one_by_one(params, args).map_err(|_| error),
        (Some(Err(error)), false) => Err(error),
        (None, true) => one_by_one(params, args),
        (None, false) => Err(wrong_count(params, args.len())),
    }
}

/// None where the argument is not meant for all parameters.
fn all_in_one(params: &[Field], arg: &str) -> Option<Result<Vec<Value>, TextError>> {
    within_bound(Notation::Json, arg).ok()?;
    let json = json::parse(arg).ok()?;
    let meant = match (&json, params) {
        (json::Json::Object(entries), [only]) => entries.iter().any(|(name, _)| *name == only.name),
        (json::Json::Array(_), [_]) => false,
        (json::Json::Object(_) | json::Json::Array(_), _) => true,
        _ => false,
    };
    meant.then(|| json::read_params(params, &json))
}

fn one_by_one(params: &[Field], args: &[String]) -> Result<Arguments, TextError> {
    let mut notation = Notation::Wave;
    let mut values = Vec::with_capacity(params.len());
    for (param, arg) in params.iter().zip(args) {
        let (value, read_as) = argument(&param.ty, arg).map_err(|error| error.rooted_at(param.name.clone()))?;
        values.push(value);
        if read_as == Notation::Json {
            notation = Notation::Json;
        }
    }
    values.resize(params.len(), Value::none());
    Ok(Arguments { values, notation })
}

fn argument(ty: &Type, arg: &str) -> Result<(Value, Notation), TextError> {
    if let Some(value) = bare(ty, arg) {
        return Ok((value, Notation::Wave));
    }
    let wave_error = match read(Notation::Wave, ty, arg) {
        Ok(value) => return Ok((value, Notation::Wave)),
        Err(error) => error,
    };
    read(Notation::Json, ty, arg).map(|value| (value, Notation::Json)).map_err(|json_error| {
        let is_wave = !matches!(wave_error.reason(), TextReason::Wave(_) | TextReason::TextTooLong { .. });
        let is_json = !matches!(json_error.reason(), TextReason::Json(_));
        // What is both, and has an object, was meant as JSON: WAVE has no quotes around the names of fields.
        if is_json && (!is_wave || arg.contains('{')) { json_error } else { wave_error }
    })
}

/// A string or character that stands for itself.
fn bare(ty: &Type, arg: &str) -> Option<Value> {
    match ty.shape() {
        Type::String if !arg.trim_start().starts_with('"') => Some(Value::String(arg.to_owned())),
        Type::Char => {
            let mut chars = arg.chars();
            chars.next().filter(|_| chars.next().is_none()).map(Value::Char)
        }
        _ => None,
    }
}

fn takes(params: &[Field], count: usize) -> bool {
    (required(params)..=params.len()).contains(&count)
}

/// How many parameters there are before the trailing ones of an option type.
fn required(params: &[Field]) -> usize {
    let last = params.iter().rposition(|param| !matches!(param.ty.shape(), Type::Option(_)));
    last.map_or(0, |last| last + 1)
}

fn wrong_count(params: &[Field], found: usize) -> TextError {
    let wanted = match (required(params), params.len()) {
        (_, 0) => "no arguments".to_owned(),
        (1, 1) => "1 argument".to_owned(),
        (least, most) if least == most => format!("{most} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    };
    let signature: Vec<String> = params.iter().map(|param| format!("{}: {}", param.name, param.ty)).collect();
    let signature = format!("({})", signature.join(", "));
    TextError::new(TextReason::ArgumentCount { wanted, found, signature }).rooted_at("params")
}
